/* A thread's long work. */
#include "sched/work.h"

#include "core/assert.h"
#include "sched/sched.h"
#include "sched/wait.h"

static struct object *works_on(const struct thread *thread)
{
    return thread->work_object;
}

static const struct wait_ops work_ops = {.kind = THREAD_STATE_WAITING,
                                         .only_death_ends_it = true,
                                         .abort = wait_abort_status,
                                         .waits_on = works_on};

enum { UNMAP_CLEAR, UNMAP_REMOVE };

enum job_result work_unmap_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    struct vspace *vspace = thread->work_vspace;
    u64 start = thread->work_start, end = thread->work_end;
    if (thread->work_phase == UNMAP_CLEAR) {
        bool cleared = vspace_unmap_step(vspace, start, end, REAPER_SLICE);
        bool others = vspace_flush(vspace);
        if (!cleared)
            return JOB_MORE;
        thread->work_phase = UNMAP_REMOVE;
        if (others)
            return JOB_GRACE;
    }
    return vspace_unmap_finish(vspace, start, end, REAPER_SLICE) ? JOB_DONE : JOB_MORE;
}

static void done(struct job *job);

static void begin(struct thread *thread, enum job_result (*slice)(struct job *job))
{
    ASSERT(!thread->job_busy);
    thread->job.slice = slice;
    thread->job.done = done;
    thread->job.group = group_of_payer(thread->object.payer);
    thread->work_phase = 0;
    thread->job_busy = true;
    object_get(&thread->object);
}

/* The job's fields are free for the thread's next one from here on. Returns what it worked on, for
 * the caller to drop. */
static struct object *clear(struct thread *thread)
{
    struct object *object = thread->work_object;
    thread->work_object = NULL;
    thread->work_node = NULL;
    thread->work_vspace = NULL;
    ATOMIC_STORE_SEQ(&thread->job_busy, false);
    return object;
}

/* Drops what the job held; the thread may be gone afterwards. */
static void drop(struct thread *thread, struct object *object)
{
    if (object)
        object_put(object);
    object_put(&thread->object);
}

static void done(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    /* Before the wake: the thread may run on another CPU at once, and begin its next job. */
    struct object *object = clear(thread);
    spin_lock(&thread->job_lock);
    bool waiting = ATOMIC_LOAD(&thread->wait_lock) == &thread->job_lock;
    if (waiting)
        wait_end(thread);
    spin_unlock(&thread->job_lock);
    if (waiting)
        sched_wake(thread);
    drop(thread, object);
}

void thread_work(struct thread *thread, enum job_result (*slice)(struct job *job))
{
    begin(thread, slice);
    if (job_start(&thread->job)) {
        drop(thread, clear(thread));
        return;
    }
    wait_prepare(thread);
    spin_lock(&thread->job_lock);
    wait_begin(thread, &thread->job_lock, NULL, &work_ops, NULL, TIME_NEVER);
    spin_unlock(&thread->job_lock);
}
