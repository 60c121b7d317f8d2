/*
 * Shares of the CPU by group. For sched/ alone; the owning CPU only.
 *
 * A share is active while it has ready activities or is `running`. Its virtual time advances by the
 * cycles that its activities use, divided by the part of the CPU that is the group's: the product,
 * on the way up, of weight / sum of the weights that compete there now. So all shares that always
 * have work stay level, and the CPU's virtual time runs at the pace of its cycles.
 *
 * In the tree are the shares that have ready activities, but for `running`.
 */
#ifndef SCHED_FAIR_H
#define SCHED_FAIR_H

#include "sched/run_queue.h"

/* A share other than `running` has got its first ready activity, or lost its last. */
void fair_add(struct run_queue *queue, struct share *share);
void fair_remove(struct run_queue *queue, struct share *share);
/* The CPU runs an activity of this share from now on. */
void fair_run(struct run_queue *queue, struct share *share);
/* The CPU runs nothing. */
void fair_idle(struct run_queue *queue);
/* `running` is not to run, whether it has ready activities or not: it is active no more, and not in
 * the tree. */
void fair_withdraw(struct run_queue *queue);
/* The first share in the tree; NULL: none. */
struct share *fair_next(struct run_queue *queue);
/* Is the first share in the tree, which there is, further back than `running`? */
bool fair_compare(struct run_queue *queue);
/* `running` lets the others go first; false: there are none. */
bool fair_yield(struct run_queue *queue);
/* Brings the running share's virtual time up to its cycles. */
void fair_count(struct run_queue *queue);

/* Another share than `running` is due, whether that has more ready activities or not. */
static inline bool fair_is_others_turn(struct run_queue *queue)
{
    return unlikely(tree_first(&queue->shares) != NULL) && fair_compare(queue);
}

/* Does the share's virtual time say where it comes, beside `running`? A new one has yet to get its
 * place. */
static inline bool fair_is_comparable(const struct share *share, const struct share *running)
{
    return likely(share == running) || share->scale_of != 0;
}

/* Whatever makes an activity the running one of this CPU says so. */
static inline void fair_enter(struct run_queue *queue, const struct activity *activity)
{
    if (unlikely(queue->running != activity->share))
        fair_run(queue, activity->share);
}

#endif
