/* A thread's long work. */
#include "sched/work.h"

#include "core/assert.h"
#include "sched/sched.h"
#include "sched/wait.h"

static const struct wait_ops work_ops = {.kind = THREAD_STATE_WAITING, .abort = wait_abort_status};

static void finish(struct thread *thread)
{
    struct object *object = thread->work_object;
    thread->work_object = NULL;
    thread->work_node = NULL;
    thread->work_vspace = NULL;
    thread->job_busy = false;
    if (object)
        object_put(object);
    object_put(&thread->object);
}

static void done(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    spin_lock(&thread->job_lock);
    bool waiting = ATOMIC_LOAD(&thread->wait_lock) == &thread->job_lock;
    if (waiting)
        wait_end(thread);
    spin_unlock(&thread->job_lock);
    if (waiting)
        sched_wake(thread);
    finish(thread);
}

void thread_work(struct thread *thread, enum job_result (*slice)(struct job *job))
{
    ASSERT(!thread->job_busy);
    thread->job.slice = slice;
    thread->job.done = done;
    thread->job.group = group_of_payer(thread->object.payer);
    thread->work_phase = 0;
    thread->job_busy = true;
    object_get(&thread->object);
    if (job_start(&thread->job)) {
        finish(thread);
        return;
    }
    wait_prepare(thread);
    spin_lock(&thread->job_lock);
    wait_begin(thread, &thread->job_lock, NULL, &work_ops, NULL, TIME_NEVER);
    spin_unlock(&thread->job_lock);
}

bool thread_is_working(const struct thread *thread)
{
    return ATOMIC_LOAD(&thread->wait_lock) == &thread->job_lock;
}
