/*
 * x86_64 registers of a user thread. The system-call entry pushes the words from `sp` down to
 * `number`, with RSP itself pointed at CONTEXT_END, so their order is fixed (offsets.h).
 *
 *   0   number   rax      40  words[0] rdx      104 pc     rip
 *   8   info     rsi      48  words[1] r8       112 flags  rflags
 *   16  handle   rdi      56  words[2] r9       120 sp     rsp
 *   24  deadline rbx      64  words[3] r10
 *   32  aux      rbp      72  words[4..7] r12 r13 r14 r15
 *
 * `full` is 0 while the thread runs and after a system call, 1 after an interrupt or fault, at the
 * start, and when the core changed pc, sp or flags: then rcx and r11 are loaded too and the exit is
 * IRETQ, else SYSRET.
 */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#include "arch/types.h"

struct arch_context {
    u64 number;
    u64 info;
    u64 handle;
    u64 deadline;
    u64 aux;
    u64 words[8];
    u64 pc;
    u64 flags;
    u64 sp;

    u64 full;
    u64 rcx;
    u64 r11;

    u64 fs_base;
    u8 *fpu_area;   /* borrowed; arch_fpu_size() bytes, 64-byte aligned */
    u32 fpu_saved;  /* 1: fpu_area holds the thread's vector state; 0: that state is clean, or live
                       on a CPU */
    u32 fpu_credit; /* this many more times the FPU is given to the thread without waiting for #NM
                     */
};

#endif
