/* Run queues: the activities within each share. One that slept keeps at most one slice of advantage
 * over those that did not.
 */
#include "sched/run_queue.h"

#include "core/assert.h"
#include "sched/fair.h"
#include "sched/quota.h"

void run_queue_init(struct run_queue *queue)
{
    *queue = (struct run_queue){.slice_end_ns = TIME_NEVER, .quota_ns = TIME_NEVER};
    tree_init(&queue->shares);
}

static void limit_credit(struct activity *activity)
{
    u64 latest = activity->share->latest;
    u64 floor = latest > SLICE_CYCLES ? latest - SLICE_CYCLES : 0;
    if (activity->virtual_time < floor)
        activity->virtual_time = floor;
}

static void note_picked(const struct activity *activity)
{
    if (activity->virtual_time > activity->share->latest)
        ATOMIC_STORE_RELAXED(&activity->share->latest, activity->virtual_time);
}

void run_queue_insert(struct run_queue *queue, struct activity *activity)
{
    ASSERT(activity->state != ACTIVITY_READY && activity->state != ACTIVITY_RUNNING);
    struct share *share = activity->share;
    limit_credit(activity);
    activity->link.key = activity->virtual_time;
    activity->state = ACTIVITY_READY;
    struct activity *later = activity;
    if (!share->first || activity->link.key < share->first->link.key) {
        later = share->first;
        share->first = activity;
    }
    if (later)
        tree_insert(&share->rest, &later->link);
    if (share->ready == 0 && share != queue->running)
        fair_add(queue, share);
    share->ready++;
    if (likely(!share->throttled))
        ATOMIC_STORE(&queue->count, queue->count + 1);
}

static void take_first(struct share *share)
{
    struct tree_node *node = tree_first(&share->rest);
    share->first = NULL;
    if (node) {
        tree_remove(&share->rest, node);
        share->first = TREE_ENTRY(node, struct activity, link);
    }
}

void run_queue_remove(struct run_queue *queue, struct activity *activity)
{
    ASSERT(activity->state == ACTIVITY_READY);
    struct share *share = activity->share;
    if (activity == share->first)
        take_first(share);
    else
        tree_remove(&share->rest, &activity->link);
    activity->state = ACTIVITY_IDLE;
    share->ready--;
    if (unlikely(share->throttled)) {
        if (share->ready == 0)
            quota_forget(queue, share);
        return;
    }
    if (share->ready == 0 && share != queue->running)
        fair_remove(queue, share);
    ATOMIC_STORE(&queue->count, queue->count - 1);
}

struct activity *run_queue_pick(struct run_queue *queue)
{
    struct share *share = queue->running;
    if (!share || share->ready == 0 || fair_is_others_turn(queue)) {
        share = fair_next(queue);
        if (!share)
            return NULL;
        fair_run(queue, share);
    }
    struct activity *activity = share->first;
    take_first(share);
    activity->state = ACTIVITY_IDLE;
    share->ready--;
    ATOMIC_STORE(&queue->count, queue->count - 1);
    note_picked(activity);
    return activity;
}

struct activity *run_queue_exchange(struct activity *current)
{
    struct share *share = current->share;
    struct activity *next = share->first;
    struct tree_node *second = tree_first(&share->rest);
    current->link.key = current->virtual_time;
    current->state = ACTIVITY_READY;
    share->first = current;
    if (second && second->key <= current->link.key) {
        take_first(share);
        tree_insert(&share->rest, &current->link);
    }
    note_picked(next);
    return next;
}

struct activity *run_queue_turn(struct run_queue *queue, struct activity *current)
{
    if (current->share->first && !fair_is_others_turn(queue))
        return run_queue_exchange(current);
    current->state = ACTIVITY_IDLE;
    run_queue_insert(queue, current);
    return run_queue_pick(queue);
}

bool run_queue_pass(struct run_queue *queue, struct activity *activity, struct activity *current)
{
    limit_credit(activity);
    if (queue->count > 0 || !fair_is_comparable(activity->share, current->share) ||
        !run_queue_precedes(queue, activity, current))
        return false;
    note_picked(activity);
    return true;
}

void run_queue_replace(struct run_queue *queue, struct activity *current,
                       const struct activity *next)
{
    current->link.key = current->virtual_time;
    current->state = ACTIVITY_READY;
    current->share->first = current;
    current->share->ready = 1;
    ATOMIC_STORE(&queue->count, 1);
    fair_enter(queue, next);
}

static bool may_run_on(const struct activity *activity, u32 cpu)
{
    return ATOMIC_LOAD_RELAXED(&activity->thread->cpu_mask) >> cpu & 1;
}

static struct activity *first_for(const struct share *share, u32 cpu)
{
    if (share->first && may_run_on(share->first, cpu))
        return share->first;
    TREE_FOREACH(node, &share->rest)
    {
        struct activity *activity = TREE_ENTRY(node, struct activity, link);
        if (may_run_on(activity, cpu))
            return activity;
    }
    return NULL;
}

struct activity *run_queue_pick_for(struct run_queue *queue, u32 cpu)
{
    struct activity *found = queue->running ? first_for(queue->running, cpu) : NULL;
    for (struct tree_node *node = tree_first(&queue->shares); node && !found;
         node = tree_next(node))
        found = first_for(TREE_ENTRY(node, struct share, link), cpu);
    if (found)
        run_queue_remove(queue, found);
    return found;
}

bool run_queue_precedes(struct run_queue *queue, const struct activity *ready,
                        const struct activity *current)
{
    if (likely(ready->share == current->share))
        return ready->virtual_time + WAKE_MARGIN < current->virtual_time;
    fair_count(queue);
    return ready->share->virtual_time + WAKE_MARGIN < current->share->virtual_time;
}

void run_queue_advance(const struct activity *current)
{
    struct share *share = current->share;
    u64 least = current->virtual_time;
    if (share->first && share->first->link.key < least)
        least = share->first->link.key;
    if (least > share->latest)
        ATOMIC_STORE_RELAXED(&share->latest, least);
}

bool run_queue_may_go_on(struct run_queue *queue, const struct activity *current)
{
    const struct activity *first = current->share->first;
    return (!first || current->virtual_time < first->link.key) && !fair_is_others_turn(queue);
}

bool run_queue_yield(struct run_queue *queue, struct activity *current)
{
    const struct activity *first = current->share->first;
    if (!first)
        return fair_yield(queue);
    /* Behind the first in line, so that it is the one that runs. */
    if (current->virtual_time < first->link.key)
        current->virtual_time = first->link.key;
    return true;
}
