/* A thread's long work: a job that it waits for, and that goes on if it dies. */
#ifndef SCHED_WORK_H
#define SCHED_WORK_H

#include "sched/thread.h"

/* Runs `slice` as the current thread's job until it is done; the thread waits if the first slice is not enough. The slice sets the
 * thread's results at its end. `work_*` have been filled in; the reference in work_object is dropped at the end. */
void thread_work(struct thread *thread, enum job_result (*slice)(struct job *job));

/* Is the thread waiting for its job? Only death ends that. */
bool thread_is_working(const struct thread *thread);

static inline struct thread *thread_of_job(struct job *job)
{
    return CONTAINER_OF(job, struct thread, job);
}

#endif
