/*
 * Time. Calibration reads a reference (HPET, or channel 2 of the 8254), the TSC and the LAPIC count
 * together at both ends of 2 ms; each end is taken several times and the tightest kept, so that an
 * interruption by a hypervisor between the reads does not skew it.
 */
#include "clock.h"

#include "abi/info_page.h"
#include "arch/atomic.h"
#include "arch/cpu.h"
#include "clock_scale.h"
#include "core/assert.h"
#include "cpu_features.h"
#include "hpet.h"
#include "lapic.h"
#include "options.h"
#include "port_cpu.h"
#include "x86.h"

#define CALIBRATION_NS     2000000u
#define READING_TRIES      5u
#define READING_GOOD_TICKS 50u /* of the TSC's thousands: good enough to stop trying */

#define PIT_HZ      1193182u
#define PIT_CHANNEL 0x42u
#define PIT_COMMAND 0x43u
#define PIT_GATE    0x61u
#define PIT_OUT     0x20u
#define PIT_LIMIT   100000000u

enum clock_source { SOURCE_NONE, SOURCE_TSC, SOURCE_HPET, SOURCE_TSC_SHARED };

struct reading {
    u64 reference;
    u64 tsc;
    u32 lapic;
};

static u32 source; /* enum clock_source, atomic */
static u64 start_tsc;
static u64 tsc_multiplier; /* ns per tick, 32.32 */
static u64 hpet_base;
static u64 hpet_base_ns;
static u64 shared_now; /* SOURCE_TSC_SHARED: the latest time anyone was told; atomic */
static u64 lapic_ticks_per_ns;
static bool deadline_mode;
static bool have_hpet;

void clock_note_start(void)
{
    start_tsc = x86_rdtsc();
}

static struct reading take_reading(void)
{
    struct reading best = {0};
    u64 best_width = UINT64_MAX;
    for (u32 i = 0; i < READING_TRIES && best_width > READING_GOOD_TICKS; i++) {
        struct reading r;
        u64 before = x86_rdtsc();
        r.reference = hpet_read();
        r.tsc = x86_rdtsc();
        r.lapic = lapic_timer_count();
        u64 width = x86_rdtsc() - before;
        if (width < best_width) {
            best_width = width;
            best = r;
        }
    }
    return best;
}

/* Returns how long the interval was, in ns, with the counters' advances. */
static u64 measure_by_hpet(u64 *tsc_ticks, u32 *lapic_ticks)
{
    struct reading first = take_reading();
    u64 duration = scale_factor(CALIBRATION_NS, hpet_multiplier());
    while (hpet_read() - first.reference < duration)
        arch_spin_hint();
    struct reading last = take_reading();
    *tsc_ticks = last.tsc - first.tsc;
    *lapic_ticks = first.lapic - last.lapic;
    return scale(last.reference - first.reference, hpet_multiplier());
}

/* Channel 2 counts down once with its gate open and its speaker off; OUT rises at the end (8254,
 * mode 0). */
static u64 measure_by_pit(u64 *tsc_ticks, u32 *lapic_ticks)
{
    u32 count = (u32)((u64)PIT_HZ * CALIBRATION_NS / 1000000000u);
    u8 gate = x86_in8(PIT_GATE) & 0xfcu;
    x86_out8(PIT_GATE, gate);
    x86_out8(PIT_COMMAND, 0xb0);
    x86_out8(PIT_CHANNEL, (u8)count);
    x86_out8(PIT_CHANNEL, (u8)(count >> 8));
    x86_out8(PIT_GATE, gate | 1u);
    u64 tsc = x86_rdtsc();
    u32 lapic = lapic_timer_count();
    u32 waits = 0;
    while (!(x86_in8(PIT_GATE) & PIT_OUT))
        if (++waits == PIT_LIMIT)
            panic("no HPET, and the 8254 timer does not count");
    *tsc_ticks = x86_rdtsc() - tsc;
    *lapic_ticks = lapic - lapic_timer_count();
    x86_out8(PIT_GATE, gate);
    return CALIBRATION_NS;
}

void clock_init(const struct boot_info *boot)
{
    have_hpet = hpet_init();
    lapic_timer_mask();
    lapic_timer_start(UINT32_MAX);
    u64 tsc_ticks;
    u32 lapic_ticks;
    u64 duration_ns = have_hpet ? measure_by_hpet(&tsc_ticks, &lapic_ticks)
                                : measure_by_pit(&tsc_ticks, &lapic_ticks);
    lapic_timer_start(0);
    if (tsc_ticks == 0 || lapic_ticks == 0)
        panic("clock: the TSC or the APIC timer does not count");
    tsc_multiplier = scale_factor(duration_ns, tsc_ticks);
    lapic_ticks_per_ns = scale_factor(lapic_ticks, duration_ns);

    bool trusted =
        cpu_has(FEATURE_TSC_INVARIANT) || command_line_has(boot->command_line, "tsc=trust");
    deadline_mode = cpu_has(FEATURE_TSC_DEADLINE) && trusted;
    source = trusted ? SOURCE_TSC : SOURCE_TSC_SHARED;
    if (!trusted)
        clock_distrust_tsc();
}

static u64 tsc_now_ns(void)
{
    return scale(x86_rdtsc() - start_tsc, tsc_multiplier);
}

void clock_distrust_tsc(void)
{
    u64 now = tsc_now_ns();
    if (have_hpet) {
        hpet_base = hpet_read();
        hpet_base_ns = now;
    } else {
        shared_now = now;
    }
    ATOMIC_STORE(&source, have_hpet ? SOURCE_HPET : SOURCE_TSC_SHARED);
}

static u64 shared_clock_ns(void)
{
    u64 now = tsc_now_ns();
    u64 latest = ATOMIC_LOAD(&shared_now);
    while (now > latest)
        if (ATOMIC_CAS(&shared_now, &latest, now))
            return now;
    return latest;
}

u64 arch_clock_ns(void)
{
    switch (ATOMIC_LOAD(&source)) {
    case SOURCE_TSC:
        return tsc_now_ns();
    case SOURCE_HPET:
        return hpet_base_ns + scale(hpet_read() - hpet_base, hpet_multiplier());
    case SOURCE_TSC_SHARED:
        return shared_clock_ns();
    default:
        return 0; /* not calibrated yet */
    }
}

u64 arch_cycles_to_ns(u64 cycles)
{
    return scale(cycles, tsc_multiplier);
}

u64 arch_cycle_factor(void)
{
    return tsc_multiplier;
}

void arch_clock_describe(struct info_page *page)
{
    page->tsc_usable = source == SOURCE_TSC;
    page->tsc_base = start_tsc;
    page->tsc_multiplier = tsc_multiplier;
}

void clock_delay_ns(u64 duration_ns)
{
    u64 start = arch_clock_ns();
    while (arch_clock_ns() - start < duration_ns)
        arch_spin_hint();
}

void timer_init_cpu(void)
{
    port_this_cpu()->timer_armed_ns = TIME_NEVER;
    lapic_timer_start(0);
    lapic_timer_init(deadline_mode);
}

static void timer_program(u64 deadline_ns)
{
    if (deadline_ns == TIME_NEVER) {
        if (deadline_mode)
            x86_wrmsr(MSR_TSC_DEADLINE, 0);
        else
            lapic_timer_start(0);
        return;
    }
    u64 now = arch_clock_ns();
    u64 delay = deadline_ns > now ? deadline_ns - now : 0;
    if (deadline_mode) {
        /* In steps of at most 2^32 ns, so that the product fits; 1 more, as 0 would disarm. */
        u64 step = delay > UINT32_MAX ? UINT32_MAX : delay;
        x86_wrmsr(MSR_TSC_DEADLINE, x86_rdtsc() + (step << 32) / tsc_multiplier + 1);
    } else {
        lapic_timer_start(timer_ticks(delay, lapic_ticks_per_ns));
    }
}

void arch_timer_set(u64 deadline_ns)
{
    struct port_cpu *cpu = port_this_cpu();
    if (cpu->timer_armed_ns == deadline_ns)
        return;
    cpu->timer_armed_ns = deadline_ns;
    timer_program(deadline_ns);
}

bool timer_has_expired(u64 *now_ns)
{
    struct port_cpu *cpu = port_this_cpu();
    if (cpu->timer_armed_ns == TIME_NEVER)
        return false;
    *now_ns = arch_clock_ns();
    if (*now_ns < cpu->timer_armed_ns) {
        timer_program(cpu->timer_armed_ns);
        return false;
    }
    cpu->timer_armed_ns = TIME_NEVER;
    return true;
}
