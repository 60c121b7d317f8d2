/*
 * One run: power-on, steps, clean-up, comparison.
 */
#include "run_state.h"

#include <stdio.h>
#include <string.h>

#define RUN_MEMORY_BYTES (16ull << 20)
#define BOOT_STEPS       200u  /* steps in which boot must have come to init's first instruction */
#define INIT_STUCK_STEPS 4000u /* init waits with deadlines only: it must come back */
#define CLEANUP_STEPS    6000u
#define SETTLE_STEPS     600u
#define FAR_FUTURE_NS    10000000000ull /* programs set timers for times that never come */

static struct run_result current;
static const struct sim_options *options;
static u64 run_seed_value;

/* The step under way. */
static struct {
    struct sim_random random;
    u32 budget[SIM_MAX_CPUS]; /* kernel entries that a CPU may still make */
} step;

struct run_result *run_current(void)
{
    return &current;
}

/* Gives a parked CPU something to do: what is pending, by chance before or after a user action. */
static void refill(u32 cpu)
{
    if (step.budget[cpu] == 0)
        return;
    struct arch_context *context = sim_cpu_context(cpu);
    enum sim_command pending[3];
    u32 count = 0;
    u32 line = 0;
    if (sim_ipi_pending(cpu))
        pending[count++] = SIM_IPI;
    if (sim_timer_deadline(cpu) <= sim_now_ns())
        pending[count++] = SIM_TIMER;
    if (sim_interrupt_pending(cpu, &line))
        pending[count++] = SIM_INTERRUPT;
    enum sim_command command = SIM_NOTHING;
    if (count > 0 && (!context || chance(&step.random, 1, 2)))
        command = pending[below(&step.random, count)];
    else if (context)
        command = SIM_USER_STEP;
    if (command == SIM_NOTHING)
        return;
    step.budget[cpu]--;
    sim_cpu_command(cpu, command, line);
}

/* Somebody could run now without waiting for time to pass. */
static bool anything_to_do(void)
{
    u32 line;
    for (u32 i = 0; i < SIM_MAX_CPUS; i++) {
        if (!sim_cpu_parked(i))
            continue;
        if (sim_cpu_context(i) || sim_ipi_pending(i) || sim_timer_deadline(i) <= sim_now_ns() ||
            sim_interrupt_pending(i, &line))
            return true;
    }
    return false;
}

static u64 next_timer(void)
{
    u64 next = TIME_NEVER;
    for (u32 i = 0; i < SIM_MAX_CPUS; i++)
        if (sim_cpu_parked(i) && sim_timer_deadline(i) < next)
            next = sim_timer_deadline(i);
    return next;
}

static void jump_to(u64 time_ns)
{
    if (time_ns > sim_now_ns() && time_ns < FAR_FUTURE_NS)
        sim_time_advance(time_ns - sim_now_ns());
}

static void pass_time(void)
{
    u64 kind = below(&step.random, 20);
    if (kind < 12)
        sim_time_advance(below(&step.random, 5000));
    else if (kind < 17)
        sim_time_advance(below(&step.random, 500000));
    else
        jump_to(next_timer());
    if (anything_to_do())
        return;
    u64 next = next_timer();
    EXPECT("progress", next < FAR_FUTURE_NS, "every CPU is idle and no timer is armed");
    jump_to(next);
}

/* One step; false: the machine has stopped or an invariant is broken. */
static bool run_step(u32 number)
{
    u64 stream = mix(run_seed_value, number);
    step.random.state = stream;
    sim_reseed(mix(stream, 1));
    program_begin_step(number);
    pass_time();
    if (chance(&step.random, 1, 8))
        sim_irq_raise((u32)below(&step.random, 24));
    for (u32 i = 0; i < SIM_MAX_CPUS; i++)
        step.budget[i] = (u32)below(&step.random, 4);
    if (!sim_machine_run(refill))
        violated("machine", "stopped: %s", sim_stop_reason());
    return !run_has_failed();
}

static bool check(u32 number)
{
    if (options->check_every > 1 && number % options->check_every != 0)
        return true;
    invariants_check();
    return !run_has_failed();
}

static void power_on(u64 seed)
{
    struct sim_random random = {.state = mix(seed, 0xb007)};
    struct sim_config config = {
        .seed = seed,
        .memory_bytes = RUN_MEMORY_BYTES,
        .cpu_count = options->cpus ? options->cpus : 1 + (u32)below(&random, SIM_MAX_CPUS),
        .node_count = options->nodes ? options->nodes : 1 + (u32)below(&random, SIM_MAX_NODES),
        .switch_gap = 1u << below(&random, 8),
        .verbose = options->verbose,
    };
    run_seed_value = seed;
    program_reset(seed);
    inject_reset(seed);
    sim_machine_reset(&config, program_user_step);
}

/* Until init has touched what it must have. */
static bool boot(void)
{
    if (!sim_machine_run(NULL)) {
        violated("boot", "stopped: %s", sim_stop_reason());
        return false;
    }
    for (u32 i = 0; i < BOOT_STEPS && !program_is_ready(); i++) {
        program_begin_step(0);
        jump_to(anything_to_do() ? 0 : next_timer());
        for (u32 cpu = 0; cpu < SIM_MAX_CPUS; cpu++)
            step.budget[cpu] = 1;
        if (!sim_machine_run(refill)) {
            violated("boot", "stopped: %s", sim_stop_reason());
            return false;
        }
    }
    EXPECT("boot", program_is_ready(), "init does not run");
    return !run_has_failed();
}

static bool main_phase(const struct step_mask *mask)
{
    u64 init_steps = program_init_steps();
    u32 init_seen = 0;
    for (u32 i = 0; i < options->steps; i++) {
        current.step = i;
        if (mask && mask->skip && i < mask->count && mask->skip[i])
            continue;
        if (!run_step(i) || !check(i))
            return false;
        if (program_init_steps() != init_steps) {
            init_steps = program_init_steps();
            init_seen = i;
        }
        if (i - init_seen > INIT_STUCK_STEPS && !(mask && mask->skip)) {
            violated("init_progress", "init has not run for %u steps", i - init_seen);
            return false;
        }
    }
    return true;
}

static bool cleanup_phase(void)
{
    inject_enable(false);
    program_begin_cleanup();
    u32 number = options->steps;
    for (u32 i = 0; i < CLEANUP_STEPS && !program_cleanup_done(); i++) {
        current.step = number;
        if (!run_step(number++))
            return false;
        if (i % 16 == 0 && !check(options->check_every))
            return false;
    }
    EXPECT("cleanup", program_cleanup_done(), "init could not give up everything in %u steps",
           CLEANUP_STEPS);
    for (u32 i = 0; i < SETTLE_STEPS && !run_has_failed(); i++)
        if (!run_step(number++))
            return false;
    invariants_check();
    return !run_has_failed();
}

void run_seed(const struct sim_options *run_options, u64 seed, const struct step_mask *mask,
              struct run_result *result)
{
    memset(&current, 0, sizeof(current));
    options = run_options;
    history_reset(run_options->verbose);
    power_on(seed);
    struct census before;
    struct census after;
    bool good = boot();
    if (good) {
        invariants_check();
        census_take(&before);
        inject_enable(options->fail_frames);
        good = !run_has_failed() && main_phase(mask);
        current.fingerprint = sim_fingerprint();
    }
    if (good && cleanup_phase()) {
        census_take(&after);
        census_compare(&before, &after);
    }
    program_counts(&current);
    current.denied = inject_count();
    *result = current;
}
