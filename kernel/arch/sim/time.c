/* Virtual time: it advances when it is read and when the simulator says so. One cycle is one
 * nanosecond. */
#include "sim_internal.h"

#include "abi/info_page.h"

u64 arch_clock_ns(void)
{
    return ++sim_machine()->now_ns;
}

u64 arch_cycles(void)
{
    return ++sim_machine()->now_ns;
}

u64 arch_cycles_to_ns(u64 cycles)
{
    return cycles;
}

u64 arch_cycle_factor(void)
{
    return 1ull << 32;
}

void arch_timer_set(u64 deadline_ns)
{
    sim_current_cpu()->timer_deadline_ns = deadline_ns;
}

void arch_clock_describe(struct info_page *page)
{
    page->tsc_usable = 0; /* simulated programs use the clock call */
    page->tsc_base = 0;
    page->tsc_multiplier = 1ull << 32;
}

u64 arch_entropy(void)
{
    return sim_random_next(&sim_machine()->random);
}

u64 sim_now_ns(void)
{
    return sim_machine()->now_ns;
}

void sim_time_advance(u64 ns)
{
    sim_machine()->now_ns += ns;
}

u64 sim_timer_deadline(u32 cpu)
{
    return sim_machine()->cpus[cpu].timer_deadline_ns;
}
