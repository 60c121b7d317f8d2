/* The boot processor's first steps, and what every CPU does to be ready for user mode. */
#include "startup.h"

#include "arch/cpu.h"
#include "arch/upcalls.h"
#include "clock.h"
#include "context.h"
#include "core/assert.h"
#include "descriptors.h"
#include "cpu_features.h"
#include "fpu.h"
#include "port_cpu.h"
#include "power.h"
#include "x86.h"

extern u8 boot_stack_top[];
extern const u8 syscall_entry[];

u8 port_idle_mwait;

/* SYSCALL clears these: the kernel starts with known flags and interrupts off. */
#define SYSCALL_FLAG_MASK                                                                          \
    (FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID | FLAG_CF |   \
     FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

void port_start(const struct boot_info *boot)
{
    clock_note_start();
    /* SAFETY: the stack's end as a number for the TSS. */
    port_cpu_install(0, (u64)boot_stack_top);
    kernel_main(boot);
}

void startup_cpu(struct port_cpu *cpu)
{
    descriptors_load(cpu);
    features_enable_cpu();
    x86_wrmsr(MSR_STAR, (u64)SELECTOR_SYSRET_BASE << 48 | (u64)SELECTOR_KERNEL_CODE << 32);
    /* SAFETY: the entry's address as a number; user mode can reach it through SYSCALL only. */
    x86_wrmsr(MSR_LSTAR, (u64)syscall_entry);
    x86_wrmsr(MSR_SFMASK, SYSCALL_FLAG_MASK);
    x86_wrmsr(MSR_SYSENTER_CS, 0); /* SYSENTER faults */
    fpu_init_cpu();
}

void arch_cpu_init_boot(const struct boot_info *boot)
{
    struct port_cpu *cpu = port_cpu_at(0);
    descriptors_init();
    descriptors_load(cpu); /* from here on an exception is reported */
    features_init(boot);
    power_init(boot);
    fpu_init_boot();
    startup_cpu(cpu);
    /* Under a hypervisor MWAIT would trap or spin. */
    port_idle_mwait = cpu_has(FEATURE_MWAIT) && !cpu_has(FEATURE_HYPERVISOR);
}

void arch_cpu_bind(struct cpu *core, u32 index)
{
    struct port_cpu *cpu = port_this_cpu();
    ASSERT(cpu->index == index);
    cpu->core = core;
    port_bindings++;
}
