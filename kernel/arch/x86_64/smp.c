/*
 * The other CPUs: INIT and start-up interrupts (Intel SDM 3A, 9.4), one CPU after the other; NMI to
 * stop them.
 *
 * Who answers late: the CPU and its starter both move `start_state` from STARTING, so exactly one
 * of "started" and "given up" happens, and a CPU that was given up halts without touching its
 * stack's owner.
 */
#include "smp.h"

#include "arch/atomic.h"
#include "arch/cpu.h"
#include "arch/memory.h"
#include "arch/upcalls.h"
#include "clock.h"
#include "core/assert.h"
#include "cpu_features.h"
#include "lapic.h"
#include "lib/string.h"
#include "paging.h"
#include "port_cpu.h"
#include "startup.h"
#include "trampoline.h"
#include "x86.h"

#define INIT_DELAY_NS    10000u
#define STARTUP_DELAY_NS 200000u
#define START_LIMIT_NS   5000000000ull
#define STOP_LIMIT_SPINS 20000000u

enum start_state { STATE_OFF, STATE_STARTING, STATE_STARTED, STATE_GIVEN_UP };

extern const u8 trampoline_start[], trampoline_end[], trampoline_switch[];

static u8 *trampoline;
static u32 stop_asked; /* atomic: index of the CPU that panics, plus 1 */

void smp_map_trampoline(const struct boot_info *boot)
{
    if (boot->cpu_count > 1)
        trampoline = paging_map_physical(boot->trampoline, PAGE_SIZE, MAPPING_CACHED);
}

/* First C code of a CPU, on its own stack, with the kernel's page tables. */
static NORETURN void smp_entry(u32 index)
{
    struct port_cpu *cpu = port_cpu_at(index);
    cpu->started_tsc = x86_rdtsc();
    port_cpu_install(index, cpu->stack_top);
    startup_cpu(cpu);
    u32 expected = STATE_STARTING;
    if (!features_check_cpu() || !ATOMIC_CAS(&cpu->start_state, &expected, STATE_STARTED))
        arch_halt();
    lapic_init_cpu();
    timer_init_cpu();
    upcall_cpu_started();
}

static void put_u64(u32 offset, u64 value)
{
    memcpy(trampoline + offset, &value, sizeof(value));
}

/* SAFETY: the trampoline page is the loader's gift and nobody else's; addresses go in as numbers.
 */
static void fill_trampoline(const struct port_cpu *cpu)
{
    memcpy(trampoline, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    put_u64(TRAMPOLINE_START_ROOT, paging_startup_root());
    put_u64(TRAMPOLINE_ROOT, x86_read_cr3());
    put_u64(TRAMPOLINE_STACK, cpu->stack_top);
    put_u64(TRAMPOLINE_ENTRY, (u64)smp_entry);
    put_u64(TRAMPOLINE_SWITCH, (u64)trampoline_switch);
    memcpy(trampoline + TRAMPOLINE_INDEX, &cpu->index, sizeof(cpu->index));
    ATOMIC_FENCE();
}

static bool wait_started(struct port_cpu *cpu, u64 limit_ns)
{
    u64 start = arch_clock_ns();
    while (ATOMIC_LOAD(&cpu->start_state) != STATE_STARTED) {
        if (arch_clock_ns() - start > limit_ns)
            return false;
        arch_spin_hint();
    }
    return true;
}

bool arch_cpu_start(const struct boot_info *boot, struct cpu *core, u32 index, void *stack_top)
{
    if (!paging_startup_root() || !trampoline)
        return false;
    struct port_cpu *cpu = port_cpu_at(index);
    cpu->core = core;
    cpu->index = index;
    cpu->apic_id = boot->cpus[index].apic_id;
    cpu->stack_top = (u64)stack_top; /* SAFETY: the stack is the CPU's for ever */
    fill_trampoline(cpu);
    ATOMIC_STORE(&cpu->start_state, STATE_STARTING);

    u64 tsc_before = x86_rdtsc();
    u32 page = (u32)(boot->trampoline >> PAGE_SHIFT);
    lapic_send_init(cpu->apic_id);
    clock_delay_ns(INIT_DELAY_NS);
    lapic_send_startup(cpu->apic_id, page);
    if (!wait_started(cpu, STARTUP_DELAY_NS)) {
        lapic_send_startup(cpu->apic_id, page);
        if (!wait_started(cpu, START_LIMIT_NS)) {
            u32 expected = STATE_STARTING;
            if (ATOMIC_CAS(&cpu->start_state, &expected, STATE_GIVEN_UP))
                return false;
        }
    }
    if (cpu->started_tsc < tsc_before || cpu->started_tsc > x86_rdtsc())
        clock_distrust_tsc();
    return true;
}

void smp_stop_if_asked(void)
{
    u32 asker = ATOMIC_LOAD(&stop_asked);
    struct port_cpu *cpu = port_this_cpu();
    if (asker == 0 || asker == cpu->index + 1)
        return;
    ATOMIC_STORE(&cpu->stopped, 1);
    arch_halt();
}

static bool all_others_stopped(u32 self)
{
    for (u32 i = 0; i < BOOT_MAX_CPUS; i++) {
        struct port_cpu *cpu = port_cpu_at(i);
        bool runs = i == 0 || ATOMIC_LOAD(&cpu->start_state) == STATE_STARTED;
        if (runs && i != self && !ATOMIC_LOAD(&cpu->stopped))
            return false;
    }
    return true;
}

void arch_stop_others(void)
{
    u32 self = port_this_cpu()->index;
    if (!lapic_is_ready())
        return;
    ATOMIC_STORE_SEQ(&stop_asked, self + 1);
    lapic_send_nmi_to_others();
    for (u32 spins = 0; spins < STOP_LIMIT_SPINS && !all_others_stopped(self); spins++)
        arch_spin_hint();
}
