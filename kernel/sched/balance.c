/* Spreading work: idle CPUs ask busy ones, busy ones send to idle ones; nearest first. */
#include "core/assert.h"
#include "sched/run_queue.h"
#include "sched/sched_internal.h"
#include "trace/trace.h"

void sched_send_to(struct activity *activity, u32 to)
{
    TRACE(SCHED_MIGRATE, activity->thread->object.id, activity->cpu, to, 0);
    COUNT(this_cpu(), MIGRATIONS);
    activity->state = ACTIVITY_MOVING;
    sched_rebase(activity, activity->cpu, to);
    ATOMIC_STORE(&activity->cpu, to);
    mailbox_post(to, &activity->thread->wake_mail);
}

void sched_rebase(struct activity *activity, u32 from, u32 to)
{
    if (from == to)
        return;
    struct share *shares = activity->payer->shares;
    u64 there = ATOMIC_LOAD_RELAXED(&shares[from].latest);
    u64 here = ATOMIC_LOAD_RELAXED(&shares[to].latest);
    u64 time = activity->virtual_time;
    /* Ahead or behind by the same, but never below zero. */
    activity->virtual_time = time >= there         ? here + (time - there)
                             : here > there - time ? here - (there - time)
                                                   : 0;
    activity->share = &shares[to];
}

static u32 distance(const struct cpu *a, const struct cpu *b)
{
    return a->node == b->node ? 0 : 1;
}

void balance_ask(struct cpu *cpu)
{
    struct cpu *best = NULL;
    for (u32 i = 0; i < cpu_count(); i++) {
        struct cpu *other = cpu_at(i);
        if (other == cpu || !ATOMIC_LOAD(&other->online) ||
            ATOMIC_LOAD_RELAXED(&other->run_queue->count) == 0)
            continue;
        if (!best || distance(cpu, other) < distance(cpu, best))
            best = other;
    }
    if (!best)
        return;
    u64 before = ATOMIC_OR(&best->run_queue->pull_requests, 1ull << cpu->index);
    if (before == 0)
        arch_ipi_send(best->index);
}

void balance_answer(struct cpu *cpu)
{
    u64 requests = ATOMIC_EXCHANGE(&cpu->run_queue->pull_requests, 0);
    for (u32 i = 0; i < cpu_count() && requests >> i; i++) {
        /* The one that would run here next stays if nothing runs here now. */
        if (!(requests >> i & 1) || cpu->run_queue->count <= (cpu->current ? 0u : 1u))
            continue;
        struct activity *activity = run_queue_pick_for(cpu->run_queue, i);
        if (activity)
            sched_send_to(activity, i);
    }
}

static struct cpu *nearest_idle(struct cpu *cpu)
{
    struct cpu *best = NULL;
    for (u32 i = 0; i < cpu_count(); i++) {
        struct cpu *other = cpu_at(i);
        if (other == cpu || !ATOMIC_LOAD(&other->online) || !ATOMIC_LOAD(&other->idle))
            continue;
        if (!best || distance(cpu, other) < distance(cpu, best))
            best = other;
    }
    return best;
}

bool balance_can_push(struct cpu *cpu)
{
    return nearest_idle(cpu) != NULL;
}

void balance_push(struct cpu *cpu)
{
    if (!cpu->current || cpu->run_queue->count == 0 || cpu_count() == 1)
        return;
    struct cpu *idle = nearest_idle(cpu);
    if (!idle)
        return;
    struct activity *activity = run_queue_pick_for(cpu->run_queue, idle->index);
    if (activity)
        sched_send_to(activity, idle->index);
}
