/* Interrupts by vector, and the order in which a CPU's interrupt hardware is set up. */
#include "arch/cpu.h"
#include "arch/device.h"
#include "clock.h"
#include "core/assert.h"
#include "ioapic.h"
#include "lapic.h"
#include "port_cpu.h"
#include "trap.h"
#include "x86.h"

extern const u8 idle_start[], idle_end[];

/* 1: idle waits with MWAIT; read by entry.S. */
extern u8 port_idle_mwait;

struct arch_context *interrupt_dispatch(u64 vector, struct arch_context *context)
{
    if (vector >= VECTOR_IRQ && vector < VECTOR_IRQ + ARCH_IRQ_LINES) {
        u32 line = (u32)(vector - VECTOR_IRQ);
        bool tell = ioapic_line_fired(line);
        lapic_eoi();
        return tell ? upcall_interrupt(line) : context;
    }
    switch (vector) {
    case VECTOR_TIMER: {
        u64 now;
        lapic_eoi();
        return timer_has_expired(&now) ? upcall_timer(now) : context;
    }
    case VECTOR_IPI:
        lapic_eoi();
        return upcall_ipi();
    default:
        return context; /* spurious: of the LAPIC, or of a masked 8259; neither wants an EOI */
    }
}

struct arch_context *port_idle_trap(u64 vector, u64 pc)
{
    /* SAFETY: the bounds are addresses of code, compared only. */
    if (pc < (u64)idle_start || pc >= (u64)idle_end)
        upcall_kernel_fault("interrupt outside idle", pc, 0, 0, vector);
    return interrupt_dispatch(vector, NULL);
}

void arch_interrupts_init(const struct boot_info *boot)
{
    lapic_init_cpu();
    ioapic_init(boot);
    struct port_cpu *cpu = port_this_cpu();
    cpu->apic_id = lapic_id();
    if (cpu->apic_id != boot->cpus[0].apic_id)
        panic("boot processor has APIC id %u, not %u as the firmware says", cpu->apic_id,
              boot->cpus[0].apic_id);
    clock_init(boot);
    timer_init_cpu();
}

void arch_ipi_send(u32 index)
{
    lapic_send(port_cpu_at(index)->apic_id, VECTOR_IPI);
}

void arch_ipi_send_self(void)
{
    lapic_send(port_this_cpu()->apic_id, VECTOR_IPI);
}

bool arch_interrupts_off(void)
{
    return (x86_flags() & FLAG_IF) == 0;
}

void arch_halt(void)
{
    for (;;) {
        x86_cli();
        x86_hlt();
    }
}
