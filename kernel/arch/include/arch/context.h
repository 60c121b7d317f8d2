/*
 * A thread's registers. struct arch_context is the first member of struct thread; the entry code
 * saves user registers straight into it and the exit code loads them from it. The core reaches
 * system-call registers by the names below and nothing else of it.
 *
 * port/context.h defines, inline:
 *   struct arch_context with at least
 *     u64 number;    in: system call; out: status
 *     u64 info, handle, deadline, aux;
 *     u64 words[8];
 *     u64 pc, flags, sp;
 *   and the swap, the cheapest way from one context to another:
 *     bool arch_can_swap(void)                  this CPU, now
 *     bool arch_context_can_swap(const ctx *)   to this context
 *     void arch_context_swap(from, to)          leaves `from`, which entered by a system call and
 *                                               drops its vector state, for `to`, which did too
 *     void arch_context_exchange(from, to)      the same, where `from` keeps its vector state
 *     void arch_copy_data(to, from, size_bytes) for a few bytes, without a call
 */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#include "abi/message.h"
#include "arch/types.h"
#include "port/context.h"

/* Size of the area for vector and floating-point state, 64-byte aligned; 0 if the port needs none.
 * Constant after arch_cpu_init_boot. */
u64 arch_fpu_size(void);

/* A context that starts user code at `entry` with stack `sp`, first argument `argument`, thread
 * pointer `thread_pointer`, clean vector state. All other registers stay as they are: zero, in a
 * context that is zeroed or has only been through here. `fpu_area` (arch_fpu_size() bytes, with
 * anything in it) is borrowed for the context's life. */
void arch_context_init(struct arch_context *context, u64 entry, u64 sp, u64 argument,
                       u64 thread_pointer, void *fpu_area);

/* The thread leaves this CPU: saves segment bases, and vector state if it was entered by an
 * interrupt or a fault (`voluntary` false); in a voluntary leave live vector state is dropped.
 * Called before another CPU can see the thread as runnable. */
void arch_context_leave(struct arch_context *context, bool voluntary);

/* The thread comes to this CPU: loads segment bases and vector state; afterwards no state of
 * another thread is visible to it. The exit code then loads the general registers. */
void arch_context_enter(struct arch_context *context);

/* Thread pointer (FS base on x86_64) of the thread running now. False: not a user address. */
bool arch_context_set_thread_pointer(struct arch_context *context, u64 value);

/* The registers of a thread that is not on a CPU, for a debugger; what it sets is made safe to
 * load.
 */
void arch_context_get(const struct arch_context *context, struct thread_registers *registers);
void arch_context_set(struct arch_context *context, const struct thread_registers *registers);

/* Does the context hold a program counter and a flags word that may be loaded into user mode? The
 * port masks flags and refuses kernel and non-canonical addresses. */
bool arch_context_is_sane(const struct arch_context *context);

/* Makes user-supplied pc, sp and flags safe to load: addresses forced to a user address that faults
 * in user mode if they were not one, flags masked. */
void arch_context_sanitize(struct arch_context *context);

#endif
