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

    union {
        struct {
            u32 full;
            u16 fpu_saved;  /* 1: fpu_area holds the thread's vector state; 0: that state is clean,
                               or live on a CPU */
            u16 fpu_credit; /* this many more times the FPU is given to the thread without waiting
                               for #NM */
        };
        u64 unusual; /* any of them */
    };
    u64 rcx;
    u64 r11;

    u64 fs_base;
    u8 *fpu_area; /* borrowed; arch_fpu_size() bytes, 64-byte aligned */
};

/* Can the calling CPU hand over from one context to another by arch_context_swap? Not when vector
 * state is live, nor where the segment bases need more than an instruction each. */
static inline bool arch_can_swap(void)
{
    bool hindered;
    /* SAFETY: GS points at struct port_cpu; 40 is CPU_SWAP_HINDRANCE. */
    __asm__ volatile("cmpl $0, %%gs:40" : "=@ccne"(hindered));
    return !hindered;
}

/* The same of the context to come. */
static inline bool arch_context_can_swap(const struct arch_context *context)
{
    return context->unusual == 0;
}

/* Copies a message's data. */
static inline void arch_copy_data(void *to, const void *from, u64 size_bytes)
{
    u64 words = size_bytes / 8, rest = size_bytes % 8;
    /* SAFETY: both are the caller's. */
    __asm__ volatile("rep movsq\n\tmovq %3, %2\n\trep movsb"
                     : "+D"(to), "+S"(from), "+c"(words)
                     : "r"(rest)
                     : "memory");
}

/* `from` left by a system call that is to block, `to` goes on after its own: exchanges segment
 * bases. The entry code clears the user's GS base and takes the message registers over. */
static inline void arch_context_swap(struct arch_context *from, const struct arch_context *to)
{
    /* SAFETY: without a hindrance CR4.FSGSBASE is set, and fs_base is a user address. */
    __asm__ volatile("rdfsbase %0" : "=r"(from->fs_base));
    __asm__ volatile("wrfsbase %0" ::"r"(to->fs_base));
}

/* The same where `from` may have entered in any way and the entry code does nothing special. */
static inline void arch_context_exchange(struct arch_context *from, const struct arch_context *to)
{
    arch_context_swap(from, to);
    /* SAFETY: as above; between the two SWAPGS the user's base is the one that is written. */
    __asm__ volatile("swapgs; wrgsbase %0; swapgs" ::"r"(0ull) : "memory");
}

#endif
