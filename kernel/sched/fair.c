/* Shares of the CPU by group: see docs/scheduling.md. */
#include "sched/fair.h"

#include "core/assert.h"
#include "sched/quota.h"
#include "sched/sched.h"

/* What a group's own activities weigh together, against its groups below. */
#define OWN_WEIGHT GROUP_DEFAULT_WEIGHT
/* Virtual time is kept in whole cycles, a scale in units of 1 / 1024. A group with less than about
 * a millionth of a CPU is taken to have that much. */
#define SCALE_ONE  1024u
#define SCALE_MAX  (SCALE_ONE << 20)
/* Counted at once: times SCALE_MAX it still fits. */
#define COUNT_MAX  (1ull << 33)

KERNEL_STATE static u64 weight_changes; /* ever; atomic */

void sched_weight_changed(void)
{
    (void)ATOMIC_ADD(&weight_changes, 1);
}

static struct share *share_of(struct tree_node *node)
{
    return TREE_ENTRY(node, struct share, link);
}

static u64 composition(const struct run_queue *queue)
{
    return queue->composition + ATOMIC_LOAD_RELAXED(&weight_changes) + 1; /* never 0 */
}

/* The weights on the way up, as they are counted and as they are now. */
static void recount_weights(struct run_queue *queue, struct share *share)
{
    for (; share->parent; share = share->parent) {
        u32 weight = ATOMIC_LOAD_RELAXED(&share->group->weight);
        if (likely(weight == share->weight))
            continue;
        share->parent->competing += weight;
        share->parent->competing -= share->weight;
        share->weight = weight;
        queue->composition++;
    }
}

static u64 scale_of(struct run_queue *queue, struct share *share)
{
    if (likely(share->scale_of == composition(queue)))
        return share->scale;
    recount_weights(queue, share);
    u64 scale = SCALE_ONE * share->competing / OWN_WEIGHT;
    for (const struct share *at = share; at->parent; at = at->parent) {
        if (at->parent->competing != at->weight)
            scale = scale * at->parent->competing / at->weight;
        if (scale > SCALE_MAX)
            scale = SCALE_MAX;
    }
    share->scale = scale;
    share->scale_of = composition(queue);
    return scale;
}

static u64 scaled(struct run_queue *queue, struct share *share, u64 cycles)
{
    return (cycles < COUNT_MAX ? cycles : COUNT_MAX) * scale_of(queue, share) / SCALE_ONE;
}

static void count(struct run_queue *queue, struct share *share)
{
    u64 used = share->cycles - share->counted;
    if (used == 0)
        return;
    share->counted = share->cycles;
    share->virtual_time += scaled(queue, share, used);
}

void fair_count(struct run_queue *queue)
{
    if (queue->running)
        count(queue, queue->running);
}

/* No share that has work is further back than this. */
static u64 advance(struct run_queue *queue)
{
    struct tree_node *first = tree_first(&queue->shares);
    u64 least = first ? first->key : 0;
    if (queue->running && (!first || queue->running->virtual_time < least))
        least = queue->running->virtual_time;
    if (least > queue->virtual_now)
        queue->virtual_now = least;
    return queue->virtual_now;
}

static void activate(struct run_queue *queue, struct share *share)
{
    fair_count(queue); /* at the old scale */
    u64 floor = advance(queue);
    bool is_new = share->scale_of == 0;
    queue->composition++;
    share->active = true;
    share->competing += OWN_WEIGHT;
    for (struct share *at = share; at->parent && at->weight == 0; at = at->parent) {
        at->weight = ATOMIC_LOAD_RELAXED(&at->group->weight);
        at->parent->competing += at->weight;
    }
    if (!is_new)
        floor -= floor < SLICE_CYCLES ? floor : SLICE_CYCLES;
    else if (share->parent && share->parent->past > floor)
        floor = share->parent->past;
    if (share->virtual_time < floor)
        share->virtual_time = floor;
}

static void deactivate(struct run_queue *queue, struct share *share)
{
    fair_count(queue);
    DEBUG_ASSERT(share->active);
    queue->composition++;
    share->active = false;
    share->competing -= OWN_WEIGHT;
    for (struct share *at = share; at->parent && at->competing == 0; at = at->parent) {
        at->parent->competing -= at->weight;
        at->weight = 0;
        u64 past = at->past > at->virtual_time ? at->past : at->virtual_time;
        if (past > at->parent->past)
            at->parent->past = past;
    }
}

static void insert(struct run_queue *queue, struct share *share)
{
    share->link.key = share->virtual_time;
    tree_insert(&queue->shares, &share->link);
}

void fair_add(struct run_queue *queue, struct share *share)
{
    activate(queue, share);
    insert(queue, share);
}

void fair_remove(struct run_queue *queue, struct share *share)
{
    tree_remove(&queue->shares, &share->link);
    deactivate(queue, share);
}

/* `running` is nobody's any more: back to the others, if it has ready activities. */
static void leave(struct run_queue *queue)
{
    struct share *share = queue->running;
    if (!share)
        return;
    count(queue, share);
    if (share->ready > 0)
        insert(queue, share);
    else
        deactivate(queue, share);
    queue->running = NULL;
}

void fair_withdraw(struct run_queue *queue)
{
    deactivate(queue, queue->running);
    queue->running = NULL;
}

void fair_run(struct run_queue *queue, struct share *share)
{
    if (unlikely(share->throttled))
        quota_release(queue, share);
    if (share->ready > 0)
        tree_remove(&queue->shares, &share->link);
    else
        activate(queue, share);
    leave(queue);
    queue->running = share;
}

void fair_idle(struct run_queue *queue)
{
    leave(queue);
}

bool fair_compare(struct run_queue *queue)
{
    struct tree_node *first = tree_first(&queue->shares);
    if (!queue->running)
        return true;
    count(queue, queue->running);
    return first->key <= queue->running->virtual_time;
}

struct share *fair_next(struct run_queue *queue)
{
    struct tree_node *first = tree_first(&queue->shares);
    return first ? share_of(first) : NULL;
}

bool fair_yield(struct run_queue *queue)
{
    struct tree_node *first = tree_first(&queue->shares);
    if (!first)
        return false;
    fair_count(queue);
    if (queue->running->virtual_time < first->key)
        queue->running->virtual_time = first->key;
    return true;
}
