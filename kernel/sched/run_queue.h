/* A CPU's run queue: ready activities by group (sched/fair.c), and within a group by virtual time.
 * For sched/ alone; the owning CPU only.
 */
#ifndef SCHED_RUN_QUEUE_H
#define SCHED_RUN_QUEUE_H

#include "sched/thread.h"

/* Virtual time is in cycles; one slice's worth on a machine of about 1 GHz. */
#define SLICE_CYCLES 4000000ull
#define WAKE_MARGIN  500000ull

struct run_queue {
    struct share *running; /* whose activity runs, or ran last; apart from `shares`. NULL: idle */
    struct tree shares;    /* the others that have ready activities, by virtual time */
    struct tree throttled; /* shares with ready activities and no quota left, by when that ends */
    u64 quota_ns;          /* when the timer looks at quotas; TIME_NEVER: need not */
    u32 release_throttled; /* atomic; others set it: somebody who is throttled may have to end */
    u32 quotas_exist;      /* atomic; others set it. Until then nobody looks at quotas */
    u32 count;             /* ready activities, not of throttled shares; atomic, others read it */
    u64 virtual_now;       /* never goes back: how far the share was that had least of all */
    u64 composition;       /* counts the changes of which shares are active, with what weight */
    u64 slice_end_ns;      /* when the timer looks whether the running one has had its slice;
                              TIME_NEVER: nobody waits */
    u64 pull_requests;     /* mask of CPUs that ask for work; atomic */
};

void run_queue_init(struct run_queue *queue);
void run_queue_insert(struct run_queue *queue, struct activity *activity);
void run_queue_remove(struct run_queue *queue, struct activity *activity);
/* The one to run next, removed; NULL if none. */
struct activity *run_queue_pick(struct run_queue *queue);
/* `current`, which runs and has used no less than the first of its share, takes its turn after it:
 * that one, removed. */
struct activity *run_queue_exchange(struct activity *current);
/* `current` runs, and it is the turn of another, which waits: that one, removed; `current` goes
 * back to the queue. */
struct activity *run_queue_turn(struct run_queue *queue, struct activity *current);
/* Would `activity`, which is in no queue, be picked in the place of `current`, which runs? If so,
 * and nobody waits, it counts as picked. */
bool run_queue_pass(struct run_queue *queue, struct activity *activity, struct activity *current);
/* Nobody waits, and `next`, which is in no queue, runs in the place of `current`: that waits. */
void run_queue_replace(struct run_queue *queue, struct activity *current,
                       const struct activity *next);
/* The first that may run on `cpu`, removed; NULL if none. */
struct activity *run_queue_pick_for(struct run_queue *queue, u32 cpu);
/* Should `ready` run before `current`, which does now? */
bool run_queue_precedes(struct run_queue *queue, const struct activity *ready,
                        const struct activity *current);
/* `current` runs: may it go on, or is it the turn of one that waits? */
bool run_queue_may_go_on(struct run_queue *queue, const struct activity *current);
/* `current` runs and lets the next go first; false: there is none. */
bool run_queue_yield(struct run_queue *queue, struct activity *current);

/* `current` runs: what its share takes for the present is no longer ago than that. */
void run_queue_advance(const struct activity *current);

#endif
