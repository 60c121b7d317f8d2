/*
 * Unit tests link the kernel as an archive and take of it what they call. The entries of the kernel
 * and the tables that the highest folders define are referred to from below; these stand in for
 * them. Weak: where a test brings in the real ones, those count.
 */
#include "arch/cpu.h"
#include "arch/upcalls.h"
#include "core/panic.h"

#include <stdio.h>
#include <stdlib.h>

#define WEAK __attribute__((weak))

WEAK const struct panic_hooks panic_hooks = {0};

static NORETURN void reached(const char *name)
{
    fprintf(stderr, "%s is not part of this test\n", name);
    abort();
}

WEAK struct arch_context *upcall_syscall(u64 number)
{
    (void)number;
    reached(__func__);
}

WEAK struct arch_context *upcall_fault(const struct fault_info *fault)
{
    (void)fault;
    reached(__func__);
}

WEAK struct arch_context *upcall_interrupt(u32 line)
{
    (void)line;
    reached(__func__);
}

WEAK struct arch_context *upcall_timer(u64 now_ns)
{
    (void)now_ns;
    reached(__func__);
}

WEAK struct arch_context *upcall_ipi(void)
{
    reached(__func__);
}

WEAK void upcall_cpu_started(void)
{
    reached(__func__);
}

WEAK void kernel_main(const struct boot_info *boot)
{
    (void)boot;
    reached(__func__);
}
