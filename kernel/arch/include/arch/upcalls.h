/*
 * What a port may call: the entries of the kernel. Each runs on the CPU's one kernel stack with
 * interrupts off, runs to completion, and returns the context to resume in user mode, or NULL to
 * idle. The port has saved the user registers in the current context (the one it was last told to
 * resume) before the call, and holds nothing of that context afterwards.
 *
 * Idle: the port waits with interrupts enabled (MWAIT or HLT). An interrupt that ends the wait
 * leads to the matching upcall on a fresh stack; the idle loop is never returned to.
 */
#ifndef ARCH_UPCALLS_H
#define ARCH_UPCALLS_H

#include "arch/context.h"
#include "abi/bootinfo.h"
#include "abi/fault.h"

/* What a fault was; a subset of struct fault_record. */
struct fault_info {
    u32 reason; /* enum fault_reason; FAULT_PAGE_* are resolved by mm first */
    u32 code;
    u64 address;
};

struct arch_handover {
    struct arch_context *to; /* NULL: nothing was done, take upcall_syscall */
    u32 *held;               /* a lock word that the port sets to 0 */
};

/*
 * The fast ways through call and reply_receive, with the registers of the call. If they lead
 * somewhere, the port resumes `to` with status 0; with info, handle and aux as the current context
 * now has them; with the eight words that the current thread came with; and then, before it goes
 * to user mode, releases `held`: until then nobody else touches the current context.
 */
struct arch_handover upcall_fast_call(u64 handle, u64 info, u64 deadline_ns);
struct arch_handover upcall_fast_reply_receive(u64 handle, u64 info, u64 deadline_ns);

/* System calls, by the bit of their number, that read no register but number, handle, deadline and
 * words 0 and 1, and give back status and words 0 and 1 alone. The port need not save and load
 * others. */
extern const u64 upcall_light_calls;

/* `number` is what the current context's `number` was. */
struct arch_context *upcall_syscall(u64 number);
struct arch_context *upcall_fault(const struct fault_info *fault);
struct arch_context *upcall_interrupt(u32 line);
/* The time that was asked for has come; `now_ns` is what arch_clock_ns said then. */
struct arch_context *upcall_timer(u64 now_ns);
struct arch_context *upcall_ipi(void);

/* A CPU other than the first is up, bound, on its own stack, with the kernel's page tables. */
NORETURN void upcall_cpu_started(void);

/* The kernel proper; called by the port's entry code on the boot processor's stack. */
NORETURN void kernel_main(const struct boot_info *boot);

/* An exception inside the kernel that nothing expected: a kernel bug. `reason` says which. */
NORETURN void upcall_kernel_fault(const char *reason, u64 pc, u64 sp, u64 address, u64 code);

#endif
