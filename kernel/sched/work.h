/* A thread's long work: a job that it waits for, and that goes on if it dies. */
#ifndef SCHED_WORK_H
#define SCHED_WORK_H

#include "sched/thread.h"

/* Runs `slice` as the current thread's job until it is done; the thread waits if the first slice is
 * not enough. The slice sets the thread's results at its end. `work_*` have been filled in; the
 * reference in work_object is dropped at the end. */
void thread_work(struct thread *thread, enum job_result (*slice)(struct job *job));

/* A slice that unmaps [work_start, work_end), already dying, from work_vspace. */
enum job_result work_unmap_slice(struct job *job);

static inline struct thread *thread_of_job(struct job *job)
{
    return CONTAINER_OF(job, struct thread, job);
}

#endif
