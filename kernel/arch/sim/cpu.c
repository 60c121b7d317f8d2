/*
 * Simulated CPUs: who runs, and the loop in which a CPU is in user mode or idle.
 *
 * The host's stack holds the scheduler (sim_machine_run). A CPU's fiber comes back to it when it
 * parks, when it spins on a lock, and, by chance, at an atomic operation. A parked CPU is outside
 * the kernel.
 */
#include "sim_internal.h"

#include <stdlib.h>

/* Times that CPUs are picked without any of them leaving the kernel: entries are bounded, so
 * somebody waits for ever. */
#define PICK_LIMIT 1000000u

#define STALL_ONE_IN 8u /* switches */

struct cpu *arch_this_cpu(void)
{
    return sim_current_cpu()->bound;
}

void arch_cpu_bind(struct cpu *cpu, u32 index)
{
    struct sim_machine *machine = sim_machine();
    if (machine->fibers_on && index != machine->current)
        sim_stop("CPU %u bound as %u", machine->current, index);
    machine->cpus[index].bound = cpu;
}

void arch_cpu_init_boot(const struct boot_info *boot)
{
    (void)boot;
}

void arch_interrupts_init(const struct boot_info *boot)
{
    (void)boot;
}

const char *arch_cpu_name(void)
{
    return "simulated CPU";
}

bool arch_interrupts_off(void)
{
    return true; /* interrupts are taken between kernel entries only, see run_command */
}

void arch_ipi_send(u32 index)
{
    atomic_point(&sim_machine()->cpus[index].ipi_pending, true);
    sim_machine()->cpus[index].ipi_pending = true;
}

void arch_ipi_send_self(void)
{
    arch_ipi_send(sim_machine()->current);
}

bool sim_ipi_pending(u32 cpu)
{
    return sim_machine()->cpus[cpu].ipi_pending;
}

void arch_stop_others(void)
{
    sim_machine()->others_stopped = true;
}

/* --- Switch points
 * ----------------------------------------------------------------------------------- */

/* What each CPU has touched since sim_touches_forget, while a script runs; no state of the machine.
 */
static struct {
    struct sim_touch touches[SIM_MAX_TOUCHES];
    u32 count;
} touched[SIM_MAX_CPUS];

void (*sim_point_hook)(void);

void sim_touches_forget(void)
{
    for (u32 i = 0; i < SIM_MAX_CPUS; i++)
        touched[i].count = 0;
}

const struct sim_touch *sim_touches(u32 cpu, u32 *count)
{
    *count = touched[cpu].count;
    return touched[cpu].touches;
}

static void note_touch(u32 cpu, const volatile void *word, bool writes)
{
    u32 at = touched[cpu].count;
    if (at == SIM_MAX_TOUCHES)
        return;
    /* The last place stands for all that there is no room for. */
    const volatile void *noted = at + 1 < SIM_MAX_TOUCHES ? word : SIM_EVERYTHING;
    touched[cpu].touches[at] = (struct sim_touch){.word = noted, .writes = writes};
    touched[cpu].count++;
}

void atomic_point(const volatile void *word, bool writes)
{
    struct sim_machine *machine = sim_machine();
    bool switches = machine->config.switch_gap != 0 || machine->leg_count != 0;
    if (machine->on_fiber && sim_point_hook)
        sim_point_hook();
    if (!machine->on_fiber || machine->others_stopped || !switches)
        return;
    if (machine->leg_count != 0)
        note_touch(machine->current, word, writes);
    if (--machine->switch_countdown > 0)
        return;
    sim_fiber_switch_to_host();
}

void arch_spin_hint(void)
{
    struct sim_machine *machine = sim_machine();
    if (!machine->on_fiber) {
        sim_stop("spinning on a machine with one CPU: deadlock");
        abort();
    }
    sim_current_cpu()->spinning = true;
    sim_fiber_switch_to_host();
}

void sim_reseed(u64 seed)
{
    sim_machine()->random.state = seed;
}

/* --- A CPU outside the kernel
 * ------------------------------------------------------------------------ */

static struct arch_context *run_command(u32 index, struct sim_cpu *cpu)
{
    struct sim_machine *machine = sim_machine();
    struct arch_context *next = cpu->context;
    enum sim_command command = cpu->command;
    cpu->command = SIM_NOTHING;
    cpu->in_kernel = true;
    switch (command) {
    case SIM_USER_STEP:
        if (next)
            next = machine->step(index, next);
        break;
    case SIM_IPI:
        cpu->ipi_pending = false;
        next = upcall_ipi();
        break;
    case SIM_TIMER:
        cpu->timer_deadline_ns = TIME_NEVER;
        next = upcall_timer(arch_clock_ns());
        break;
    case SIM_INTERRUPT:
        machine->lines[cpu->command_line].unmasked = false;
        machine->lines[cpu->command_line].pending = false;
        next = upcall_interrupt(cpu->command_line);
        break;
    case SIM_NOTHING:
        break;
    }
    cpu->in_kernel = false;
    return next;
}

void arch_cpu_enter(struct arch_context *next)
{
    u32 index = sim_machine()->current;
    struct sim_cpu *cpu = sim_current_cpu();
    for (;;) {
        if (next && !arch_context_is_sane(next))
            sim_stop("CPU %u was given a context that cannot run: pc %#llx flags %#llx", index,
                     (unsigned long long)next->pc, (unsigned long long)next->flags);
        cpu->context = next;
        cpu->parked = true;
        sim_machine()->picks_since_park = 0;
        cpu->in_kernel = false;
        sim_fiber_switch_to_host();
        next = run_command(index, cpu);
    }
}

static void boot_cpu_entry(void)
{
    kernel_main(sim_machine()->boot);
}

bool arch_cpu_start(const struct boot_info *boot, struct cpu *cpu, u32 index, void *stack_top)
{
    (void)boot, (void)stack_top;
    struct sim_machine *machine = sim_machine();
    if (!machine->fibers_on || index >= machine->config.cpu_count)
        return false;
    machine->cpus[index].bound = cpu;
    machine->cpus[index].timer_deadline_ns = TIME_NEVER;
    sim_fiber_create(index, upcall_cpu_started);
    while (!machine->cpus[index].entered)
        arch_spin_hint();
    return true;
}

/* --- The scheduler
 * ----------------------------------------------------------------------------------- */

void sim_machine_reset(const struct sim_config *config, sim_user_step step)
{
    struct sim_config machine_config = *config;
    if (machine_config.memory_bytes == 0)
        machine_config.memory_bytes = SIM_MEMORY_BYTES;
    if (machine_config.cpu_count < 1 || machine_config.cpu_count > SIM_MAX_CPUS ||
        machine_config.node_count < 1 || machine_config.node_count > SIM_MAX_NODES)
        abort();
    sim_state_reset();
    sim_memory_map(machine_config.memory_bytes);
    struct sim_machine *machine = sim_machine();
    machine->config = machine_config;
    machine->step = step;
    machine->random.state = machine_config.seed;
    machine->boot = sim_boot_describe(&machine_config);
    machine->fibers_on = true;
    machine->cpus[0].timer_deadline_ns = TIME_NEVER;
    sim_fiber_create(0, boot_cpu_entry);
}

void sim_cpu_command(u32 cpu, enum sim_command command, u32 line)
{
    struct sim_cpu *state = &sim_machine()->cpus[cpu];
    state->command = command;
    state->command_line = line;
}

static bool is_runnable(const struct sim_cpu *cpu)
{
    return cpu->started && (!cpu->parked || cpu->command != SIM_NOTHING);
}

/* CPUs that may run, without those that spin or are stalled if `choosy`; how many. */
static u32 list_runnable(const struct sim_machine *machine, bool choosy, u32 *list)
{
    u32 count = 0;
    for (u32 i = 0; i < SIM_MAX_CPUS; i++) {
        const struct sim_cpu *cpu = &machine->cpus[i];
        if (is_runnable(cpu) && !(choosy && (cpu->spinning || cpu->stalled)))
            list[count++] = i;
    }
    return count;
}

/* Picks a CPU to run; one that spins or is stalled only if there is no other. False: all are
 * parked. */
static bool pick_cpu(u32 *picked)
{
    struct sim_machine *machine = sim_machine();
    u32 list[SIM_MAX_CPUS];
    u32 count = list_runnable(machine, true, list);
    if (count == 0) {
        for (u32 i = 0; i < SIM_MAX_CPUS; i++)
            machine->cpus[i].stalled = false;
        count = list_runnable(machine, true, list);
    }
    if (count == 0)
        count = list_runnable(machine, false, list);
    if (count == 0)
        return false;
    *picked = list[sim_random_below(&machine->random, count)];
    machine->cpus[*picked].spinning = false;
    return true;
}

void sim_script(const struct sim_leg *legs, u32 count)
{
    struct sim_machine *machine = sim_machine();
    if (count > SIM_MAX_LEGS)
        abort();
    for (u32 i = 0; i < count; i++)
        machine->legs[i] = legs[i];
    machine->leg_count = count;
    machine->leg = 0;
    machine->legs_cut_short = 0;
}

u32 sim_script_cut_short(void)
{
    return sim_machine()->legs_cut_short;
}

/* The script's turn: the CPU of the present leg. While that spins, another runs, for one point at a
 * time, until it has done something. False: the script is over. */
static bool follow_script(u32 *picked)
{
    struct sim_machine *machine = sim_machine();
    for (; machine->leg < machine->leg_count; machine->leg++) {
        struct sim_leg *leg = &machine->legs[machine->leg];
        if (!is_runnable(&machine->cpus[leg->cpu])) {
            machine->legs_cut_short += leg->points != 0;
            continue;
        }
        *picked = leg->cpu;
        machine->switch_countdown = leg->points ? leg->points : UINT64_MAX;
        for (u32 i = 0; machine->cpus[leg->cpu].spinning && i < SIM_MAX_CPUS; i++)
            if (i != leg->cpu && is_runnable(&machine->cpus[i])) {
                *picked = i;
                machine->switch_countdown = 1;
            }
        machine->cpus[*picked].spinning = false;
        return true;
    }
    machine->leg_count = 0;
    return false;
}

/* The CPU that ran has come back: was its leg's last point reached? */
static void note_leg(u32 ran)
{
    struct sim_machine *machine = sim_machine();
    struct sim_leg *leg = &machine->legs[machine->leg];
    if (machine->leg_count == 0 || ran != leg->cpu || leg->points == 0)
        return;
    leg->points = machine->switch_countdown;
    if (leg->points == 0)
        machine->leg++;
}

/* A CPU has done something other than spin: those that do may find their lock free. */
static void note_progress(struct sim_machine *machine, const struct sim_cpu *cpu)
{
    for (u32 i = 0; i < SIM_MAX_CPUS && !cpu->spinning; i++)
        machine->cpus[i].spinning = false;
}

/* Now and then a CPU is held up in the middle of the kernel until all others have come out of it:
 * what it has looked up is then old when it acts on it. */
static void maybe_stall(struct sim_machine *machine, struct sim_cpu *cpu)
{
    if (!cpu->parked && !cpu->spinning && sim_random_below(&machine->random, STALL_ONE_IN) == 0)
        cpu->stalled = true;
}

static void ask_for_commands(struct sim_machine *machine, void (*refill)(u32 cpu))
{
    for (u32 i = 0; refill && i < SIM_MAX_CPUS; i++)
        if (machine->cpus[i].parked && machine->cpus[i].command == SIM_NOTHING)
            refill(i);
}

bool sim_machine_run(void (*refill)(u32 cpu))
{
    struct sim_machine *machine = sim_machine();
    machine->steps++;
    for (;;) {
        u32 index;
        ask_for_commands(machine, refill);
        if (machine->stopped)
            break;
        bool scripted = machine->leg_count != 0 && follow_script(&index);
        if (!scripted && !pick_cpu(&index))
            break;
        if (machine->picks_since_park++ > PICK_LIMIT) {
            sim_stop("deadlock: CPU %u and others do not leave the kernel", index);
            break;
        }
        u64 gap = machine->config.switch_gap;
        if (!scripted)
            machine->switch_countdown = 1 + sim_random_below(&machine->random, 2 * gap + 1);
        machine->cpus[index].parked = false;
        machine->current = index;
        if (gap > 0 && sim_random_below(&machine->random, 4) == 0)
            sim_tlb_speculate();
        sim_fiber_switch_to(index);
        note_progress(machine, &machine->cpus[index]);
        if (scripted) {
            note_leg(index);
            machine->stopped |= machine->others_stopped;
            continue;
        }
        maybe_stall(machine, &machine->cpus[index]);
        if (machine->others_stopped)
            machine->stopped = true;
    }
    return !machine->stopped;
}

bool sim_cpu_parked(u32 cpu)
{
    return sim_machine()->cpus[cpu].parked;
}

struct arch_context *sim_cpu_context(u32 cpu)
{
    return sim_machine()->cpus[cpu].context;
}

u64 sim_step_count(void)
{
    return sim_machine()->steps;
}

u64 sim_tick(void)
{
    return ++sim_machine()->ticks;
}
