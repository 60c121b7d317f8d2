/* Run queues. An activity that slept keeps at most one slice of advantage over those that did not.
 */
#include "sched/run_queue.h"

#include "core/assert.h"

/* Virtual time is in cycles; one slice's worth on a machine of about 1 GHz. */
#define SLEEPER_CREDIT 4000000ull
#define WAKE_MARGIN    500000ull

void run_queue_init(struct run_queue *queue)
{
    *queue = (struct run_queue){.slice_end_ns = TIME_NEVER};
    tree_init(&queue->rest);
}

static void limit_credit(const struct run_queue *queue, struct activity *activity)
{
    u64 floor = queue->virtual_now > SLEEPER_CREDIT ? queue->virtual_now - SLEEPER_CREDIT : 0;
    if (activity->virtual_time < floor)
        activity->virtual_time = floor;
}

static void note_picked(struct run_queue *queue, const struct activity *activity)
{
    if (activity->virtual_time > queue->virtual_now)
        ATOMIC_STORE_RELAXED(&queue->virtual_now, activity->virtual_time);
}

void run_queue_insert(struct run_queue *queue, struct activity *activity)
{
    ASSERT(activity->state != ACTIVITY_READY && activity->state != ACTIVITY_RUNNING);
    limit_credit(queue, activity);
    activity->link.key = activity->virtual_time;
    activity->state = ACTIVITY_READY;
    struct activity *later = activity;
    if (!queue->first || activity->link.key < queue->first->link.key) {
        later = queue->first;
        queue->first = activity;
    }
    if (later)
        tree_insert(&queue->rest, &later->link);
    ATOMIC_STORE(&queue->count, queue->count + 1);
}

void run_queue_remove(struct run_queue *queue, struct activity *activity)
{
    ASSERT(activity->state == ACTIVITY_READY);
    struct tree_node *node = &activity->link;
    if (activity == queue->first) {
        node = tree_first(&queue->rest);
        queue->first = node ? TREE_ENTRY(node, struct activity, link) : NULL;
    }
    if (node)
        tree_remove(&queue->rest, node);
    activity->state = ACTIVITY_IDLE;
    ATOMIC_STORE(&queue->count, queue->count - 1);
}

struct activity *run_queue_pick(struct run_queue *queue)
{
    struct activity *activity = queue->first;
    if (!activity)
        return NULL;
    run_queue_remove(queue, activity);
    note_picked(queue, activity);
    return activity;
}

bool run_queue_pass(struct run_queue *queue, struct activity *activity, u64 virtual_time)
{
    limit_credit(queue, activity);
    if (queue->count > 0 || !run_queue_precedes(activity, virtual_time))
        return false;
    note_picked(queue, activity);
    return true;
}

static bool may_run_on(const struct activity *activity, u32 cpu)
{
    return ATOMIC_LOAD_RELAXED(&activity->thread->cpu_mask) >> cpu & 1;
}

struct activity *run_queue_pick_for(struct run_queue *queue, u32 cpu)
{
    struct activity *found = queue->first && may_run_on(queue->first, cpu) ? queue->first : NULL;
    for (struct tree_node *node = tree_first(&queue->rest); node && !found;
         node = tree_next(node)) {
        struct activity *activity = TREE_ENTRY(node, struct activity, link);
        if (may_run_on(activity, cpu))
            found = activity;
    }
    if (found)
        run_queue_remove(queue, found);
    return found;
}

bool run_queue_precedes(const struct activity *ready, u64 virtual_time)
{
    return ready->virtual_time + WAKE_MARGIN < virtual_time;
}
