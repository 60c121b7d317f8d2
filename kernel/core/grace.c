/*
 * Grace periods. `grace_newest` is the number of the newest period asked for, `completed` the
 * newest that is over; at most one period is under way, grace_newest - completed is 0 or 1. A CPU's
 * callbacks go next -> waiting -> run:
 *
 *   registered            target: a period that begins later       completed >= target
 *   grace_next  ------->  grace_waiting  ----------------------->  due
 *
 * A CPU settles on its target at its next kernel exit, also while a period is under way: if it
 * waited for a moment without one, another CPU that begins one after the other could starve it.
 */
#include "core/grace.h"

#include "core/assert.h"
#include "core/cpu.h"

#define RUN_LIMIT 32u

KERNEL_STATE u64 grace_newest;
KERNEL_STATE static u64 completed;

/* A CPU has passed period p if it reported p, or is idle now. An idle CPU that leaves idle reports
 * before it looks at anything (grace_idle_leave), so it holds no pointer from before. */
static bool all_passed(u64 period)
{
    for (u32 i = 0; i < cpu_count(); i++) {
        struct cpu *cpu = cpu_at(i);
        if (ATOMIC_LOAD(&cpu->grace_seen) < period && !ATOMIC_LOAD(&cpu->idle))
            return false;
    }
    return true;
}

static void try_complete(void)
{
    u64 period = ATOMIC_LOAD(&grace_newest);
    u64 done = ATOMIC_LOAD(&completed);
    if (done >= period)
        return;
    ATOMIC_FENCE();
    if (all_passed(period))
        (void)ATOMIC_CAS(&completed, &done, period);
}

/* Begins a period if none is under way; the number of one that began, or will begin, after this
 * call. */
static u64 begin_period(void)
{
    ATOMIC_FENCE(); /* what was unlinked is unlinked for all before we look */
    u64 period = ATOMIC_LOAD(&grace_newest);
    if (ATOMIC_LOAD(&completed) < period)
        return period + 1; /* the one under way began before our callbacks were registered */
    u64 expected = period;
    if (ATOMIC_CAS(&grace_newest, &expected, period + 1))
        return period + 1;
    return period + 2; /* somebody began one just now: perhaps before us */
}

void grace_defer(struct grace_node *node, void (*function)(struct grace_node *node))
{
    struct cpu *cpu = this_cpu();
    node->function = function;
    node->next = cpu->grace_next;
    cpu->grace_next = node;
    cpu->attention.look = 1;
}

static void advance(struct cpu *cpu)
{
    if (cpu->grace_waiting) {
        if (ATOMIC_LOAD(&grace_newest) < cpu->grace_target)
            (void)begin_period(); /* nobody has since the one before was over */
        return;
    }
    if (!cpu->grace_next)
        return;
    cpu->grace_target = begin_period();
    cpu->grace_waiting = cpu->grace_next;
    cpu->grace_next = NULL;
}

void grace_settle(struct cpu *cpu)
{
    if (cpu->grace_next && !cpu->grace_waiting)
        advance(cpu);
}

bool grace_quiescent(struct cpu *cpu, u64 period)
{
    if (cpu->grace_seen != period) {
        ATOMIC_STORE_SEQ(&cpu->grace_seen, period);
        try_complete();
    }
    if (likely(!cpu->grace_waiting && !cpu->grace_next))
        return false;
    advance(cpu);
    try_complete();
    if (!cpu->grace_waiting || ATOMIC_LOAD(&completed) < cpu->grace_target)
        return false;
    u32 budget = RUN_LIMIT;
    while (cpu->grace_waiting && budget-- > 0) {
        struct grace_node *node = cpu->grace_waiting;
        cpu->grace_waiting = node->next;
        node->function(node);
    }
    return cpu->grace_waiting || cpu->grace_next;
}

void grace_idle_enter(struct cpu *cpu)
{
    ATOMIC_STORE_SEQ(&cpu->idle, 1);
    try_complete();
}

void grace_idle_leave(struct cpu *cpu)
{
    ATOMIC_STORE_SEQ(&cpu->idle, 0);
    ATOMIC_STORE_SEQ(&cpu->grace_seen, ATOMIC_LOAD(&grace_newest));
}

bool grace_is_due(const struct cpu *cpu)
{
    return cpu->grace_waiting && ATOMIC_LOAD(&completed) >= cpu->grace_target;
}

void grace_nudge(void)
{
    u64 period = ATOMIC_LOAD(&grace_newest);
    if (ATOMIC_LOAD(&completed) >= period)
        return;
    struct cpu *self = this_cpu();
    for (u32 i = 0; i < cpu_count(); i++) {
        struct cpu *cpu = cpu_at(i);
        if (cpu != self && !ATOMIC_LOAD(&cpu->idle) && ATOMIC_LOAD(&cpu->grace_seen) < period) {
            arch_ipi_send(i);
        }
    }
}
