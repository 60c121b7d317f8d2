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
    tree_init(&queue->ready);
}

void run_queue_insert(struct run_queue *queue, struct activity *activity)
{
    ASSERT(activity->state != ACTIVITY_READY && activity->state != ACTIVITY_RUNNING);
    u64 floor = queue->virtual_now > SLEEPER_CREDIT ? queue->virtual_now - SLEEPER_CREDIT : 0;
    if (activity->virtual_time < floor)
        activity->virtual_time = floor;
    activity->link.key = activity->virtual_time;
    activity->state = ACTIVITY_READY;
    tree_insert(&queue->ready, &activity->link);
    ATOMIC_STORE(&queue->count, queue->count + 1);
}

void run_queue_remove(struct run_queue *queue, struct activity *activity)
{
    ASSERT(activity->state == ACTIVITY_READY);
    tree_remove(&queue->ready, &activity->link);
    activity->state = ACTIVITY_IDLE;
    ATOMIC_STORE(&queue->count, queue->count - 1);
}

struct activity *run_queue_pick(struct run_queue *queue)
{
    struct tree_node *first = tree_first(&queue->ready);
    if (!first)
        return NULL;
    struct activity *activity = TREE_ENTRY(first, struct activity, link);
    run_queue_remove(queue, activity);
    if (activity->virtual_time > queue->virtual_now)
        ATOMIC_STORE_RELAXED(&queue->virtual_now, activity->virtual_time);
    return activity;
}

struct activity *run_queue_pick_for(struct run_queue *queue, u32 cpu)
{
    TREE_FOREACH(node, &queue->ready)
    {
        struct activity *activity = TREE_ENTRY(node, struct activity, link);
        if (ATOMIC_LOAD_RELAXED(&activity->thread->cpu_mask) >> cpu & 1) {
            run_queue_remove(queue, activity);
            return activity;
        }
    }
    return NULL;
}

bool run_queue_precedes(const struct activity *ready, u64 virtual_time)
{
    return ready->virtual_time + WAKE_MARGIN < virtual_time;
}
