/* Hard quotas: see docs/scheduling.md. */
#include "sched/quota.h"

#include "arch/time.h"
#include "core/assert.h"
#include "sched/fair.h"
#include "sched/sched_internal.h"
#include "trace/trace.h"

#define RELEASE_LIMIT 32u /* shares released in one interrupt */

KERNEL_STATE static u32 quota_changes; /* ever; atomic */

static u64 cycles_of(u64 ns)
{
    const u64 unit = 1ull << 20;
    return ns * unit / arch_cycles_to_ns(unit);
}

enum status sched_set_quota(struct group *group, u64 quota_ns, u64 period_ns)
{
    bool none = quota_ns == 0 && period_ns == 0;
    if (!none && (period_ns < GROUP_MIN_PERIOD_NS || period_ns > GROUP_MAX_PERIOD_NS ||
                  quota_ns < GROUP_MIN_QUOTA_NS || quota_ns > period_ns * cpu_count()))
        return STATUS_BAD_ARGUMENT;
    struct quota *quota = &group->quota;
    ATOMIC_STORE(&quota->period_ns, period_ns);
    ATOMIC_STORE(&quota->ends_ns, 0);
    ATOMIC_STORE(&quota->cycles, none ? 0 : cycles_of(quota_ns));
    (void)ATOMIC_ADD(&quota_changes, 1);
    if (none)
        return STATUS_OK;
    for (u32 i = 0; i < cpu_count(); i++) {
        ATOMIC_STORE_SEQ(&cpu_at(i)->run_queue->quotas_exist, 1);
        if (i != this_cpu()->index && ATOMIC_LOAD(&cpu_at(i)->online))
            arch_ipi_send(i); /* who runs alone there has no reason to come by */
    }
    this_cpu()->attention.look = 1;
    return STATUS_OK;
}

static bool has_quota(const struct group *group)
{
    return ATOMIC_LOAD_RELAXED(&group->quota.cycles) != 0;
}

static bool is_limited(const struct group *group)
{
    for (; group; group = group->parent)
        if (has_quota(group))
            return true;
    return false;
}

/* Takes up to `wanted` cycles; a new period begins with the first use after the last has ended. */
static u64 take(struct quota *quota, u64 now_ns, u64 wanted)
{
    u64 ends = ATOMIC_LOAD(&quota->ends_ns);
    u64 next = now_ns + ATOMIC_LOAD(&quota->period_ns);
    if (now_ns >= ends && ATOMIC_CAS(&quota->ends_ns, &ends, next))
        ATOMIC_STORE(&quota->left, ATOMIC_LOAD(&quota->cycles));
    u64 left = ATOMIC_LOAD(&quota->left), got;
    do
        got = left < wanted ? left : wanted;
    while (got > 0 && !ATOMIC_CAS(&quota->left, &left, left - got));
    return got;
}

/* Draws up to `wanted` cycles from every quota on the way up. *until: when what was drawn lapses;
 * if nothing could be had, when that may be different. */
static u64 draw(struct group *group, u64 now_ns, u64 wanted, u64 *until)
{
    *until = TIME_NEVER;
    for (struct group *at = group; at && wanted > 0; at = at->parent) {
        if (!has_quota(at))
            continue;
        u64 got = take(&at->quota, now_ns, wanted);
        u64 ends = ATOMIC_LOAD(&at->quota.ends_ns);
        if (got == 0 || ends < *until)
            *until = ends;
        for (struct group *below = group; got < wanted && below != at; below = below->parent)
            if (has_quota(below))
                (void)ATOMIC_ADD(&below->quota.left, wanted - got);
        wanted = got;
    }
    return wanted;
}

/* How many cycles the share may still use; if none, it has tried to draw more, and `debt` is what
 * it has used without. */
static u64 allowance(struct share *share, u64 now_ns, u64 *debt)
{
    u32 changes = ATOMIC_LOAD(&quota_changes);
    if (share->quota_changes != changes) { /* what was used before does not count */
        share->quota_changes = changes;
        share->allowed = share->cycles;
    }
    if (now_ns >= share->allowed_until_ns && share->allowed > share->cycles)
        share->allowed = share->cycles;
    if (share->allowed <= share->cycles) {
        u64 wanted = share->cycles - share->allowed + cycles_of(QUOTA_PIECE_NS);
        share->allowed += draw(share->group, now_ns, wanted, &share->allowed_until_ns);
    }
    bool some = share->allowed > share->cycles;
    *debt = some ? 0 : share->cycles - share->allowed;
    return some ? share->allowed - share->cycles : 0;
}

static void set_next(struct run_queue *queue, u64 limit_ns)
{
    struct tree_node *first = tree_first(&queue->throttled);
    queue->quota_ns = first && first->key < limit_ns ? first->key : limit_ns;
}

/* The current thread goes back to its share, and that to the throttled ones. */
static void throttle(struct cpu *cpu, struct thread *thread)
{
    struct run_queue *queue = cpu->run_queue;
    struct share *share = thread->activity->share;
    if (cpu->entered == thread)
        sched_leave(cpu, thread, false);
    cpu->current = NULL;
    thread->activity->state = ACTIVITY_IDLE;
    run_queue_insert(queue, thread->activity);
    fair_withdraw(queue);
    share->throttled = true;
    share->link.key = share->allowed_until_ns;
    tree_insert(&queue->throttled, &share->link);
    ATOMIC_STORE(&queue->count, queue->count - share->ready);
    TRACE(SCHED_THROTTLE, share->group->object.id, cpu->index, thread->object.id,
          share->allowed_until_ns);
}

static void release_some(struct cpu *cpu, u64 up_to_ns)
{
    struct run_queue *queue = cpu->run_queue;
    for (u32 i = 0; i < RELEASE_LIMIT; i++) {
        struct tree_node *first = tree_first(&queue->throttled);
        if (!first || first->key > up_to_ns)
            return;
        quota_release(queue, TREE_ENTRY(first, struct share, link));
        cpu->need_resched = true;
    }
}

bool quota_check(struct cpu *cpu)
{
    struct run_queue *queue = cpu->run_queue;
    if (unlikely(ATOMIC_LOAD(&queue->release_throttled))) {
        ATOMIC_STORE_SEQ(&queue->release_throttled, 0);
        release_some(cpu, TIME_NEVER);
        if (!cpu->current && queue->count > 0)
            return false;
    }
    struct thread *thread = cpu->current;
    u64 limit_ns = TIME_NEVER;
    if (thread && is_limited(thread->activity->share->group)) {
        struct share *share = thread->activity->share;
        u64 now_ns = arch_clock_ns(), debt;
        sched_charge(thread);
        u64 left = allowance(share, now_ns, &debt);
        u64 most = cycles_of(QUOTA_DEBT_NS);
        bool lent = thread->activity != thread->home;
        if (left == 0 && lent && debt >= most) {
            /* From here on in its own time, and nobody's claim to this activity stands but its
             * home's. */
            thread->activity->depth = 0;
            sched_settle(thread);
            return quota_check(cpu);
        }
        if (left == 0 && !lent) {
            throttle(cpu, thread);
            set_next(queue, TIME_NEVER);
            return false;
        }
        limit_ns = now_ns + 1 + arch_cycles_to_ns(left > 0 ? left : most - debt);
        if (left > 0 && share->allowed_until_ns < limit_ns)
            limit_ns = share->allowed_until_ns;
    }
    set_next(queue, limit_ns);
    return true;
}

void quota_forget(struct run_queue *queue, struct share *share)
{
    tree_remove(&queue->throttled, &share->link);
    share->throttled = false;
}

void quota_release(struct run_queue *queue, struct share *share)
{
    quota_forget(queue, share);
    ATOMIC_STORE(&queue->count, queue->count + share->ready);
    fair_add(queue, share);
    TRACE(SCHED_UNTHROTTLE, share->group->object.id, this_cpu()->index, share->ready, 0);
}

void quota_expired(struct cpu *cpu, u64 now_ns)
{
    release_some(cpu, now_ns);
    set_next(cpu->run_queue, now_ns); /* the way out looks who may go on */
}
