/* What entry.S hands to C for exceptions and interrupts. */
#ifndef X86_64_TRAP_H
#define X86_64_TRAP_H

#include "arch/upcalls.h"
#include "offsets.h"

/* Registers of an exception that came in kernel mode or on an IST stack; lowest address first. */
struct trap_frame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8;
    u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error;
    u64 rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct trap_frame) == TRAP_FRAME_SIZE, "entry.S");
_Static_assert(offsetof(struct trap_frame, vector) == TRAP_FRAME_VECTOR, "entry.S");
_Static_assert(offsetof(struct trap_frame, rip) == TRAP_FRAME_RIP, "entry.S");

/* From user mode; registers are in `context`. Returns what to resume. */
struct arch_context *port_user_trap(u64 vector, u64 error, struct arch_context *context);

/* An interrupt that ended the idle wait at `pc`. */
struct arch_context *port_idle_trap(u64 vector, u64 pc);

/* An exception in kernel mode. Returns only if it was an access to user memory that has a way to
 * fail. */
void port_kernel_trap(struct trap_frame *frame);

/* NMI, machine check, double fault, kernel-mode debug exception, on an IST stack. */
void port_ist_trap(struct trap_frame *frame);

/* A vector from 32 up. `context` is what was interrupted (NULL: idle). */
struct arch_context *interrupt_dispatch(u64 vector, struct arch_context *context);

#endif
