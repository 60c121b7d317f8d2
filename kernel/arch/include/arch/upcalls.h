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

/* `number` is what the current context's `number` was. */
struct arch_context *upcall_syscall(u64 number);
struct arch_context *upcall_fault(const struct fault_info *fault);
struct arch_context *upcall_interrupt(u32 line);
struct arch_context *upcall_timer(void);
struct arch_context *upcall_ipi(void);

/* A CPU other than the first is up, bound, on its own stack, with the kernel's page tables. */
NORETURN void upcall_cpu_started(void);

/* The kernel proper; called by the port's entry code on the boot processor's stack. */
NORETURN void kernel_main(const struct boot_info *boot);

/* An exception inside the kernel that nothing expected: a kernel bug. `reason` says which. */
NORETURN void upcall_kernel_fault(const char *reason, u64 pc, u64 sp, u64 address, u64 code);

#endif
