/* A CPU's run queue: ready activities by virtual deadline. For sched/ alone; the owning CPU only.
 */
#ifndef SCHED_RUN_QUEUE_H
#define SCHED_RUN_QUEUE_H

#include "sched/thread.h"

struct run_queue {
    struct activity *first; /* the least; apart from the tree, which with one or two it spares */
    struct tree rest;
    u32 count;         /* of both; atomic, others read it */
    u64 virtual_now;   /* never goes back: what the last picked had used */
    u64 slice_end_ns;  /* when the timer looks whether the running one has had its slice;
                          TIME_NEVER: nobody waits */
    u64 pull_requests; /* mask of CPUs that ask for work; atomic */
};

void run_queue_init(struct run_queue *queue);
void run_queue_insert(struct run_queue *queue, struct activity *activity);
void run_queue_remove(struct run_queue *queue, struct activity *activity);
/* The one to run next, removed; NULL if none. */
struct activity *run_queue_pick(struct run_queue *queue);
/* Would the activity, which is in no queue, be picked in the place of a running one that has used
 * `virtual_time`? If so, and nobody waits, it counts as picked. */
bool run_queue_pass(struct run_queue *queue, struct activity *activity, u64 virtual_time);
/* The first that may run on `cpu`, removed; NULL if none. */
struct activity *run_queue_pick_for(struct run_queue *queue, u32 cpu);
/* Should `ready` run before one that has used `virtual_time`? */
bool run_queue_precedes(const struct activity *ready, u64 virtual_time);

#endif
