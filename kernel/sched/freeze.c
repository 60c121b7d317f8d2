/* The walk through what a group and those below it pay for. */
#include "sched/freeze.h"

#include "sched/wait.h"
#include "sched/work.h"

enum { FREEZE_WALK, FREEZE_QUIET, FREEZE_QUIET_AGAIN, FREEZE_DONE };

/* What is enlisted after `object` (NULL: from the first) and older than `limit`, with a reference.
 * NULL: nothing, or the payer's destroyer has taken the object out, who ends all that is left. What
 * is enlisted behind the first that is too young is itself enlisted later than the word was
 * changed. */
static struct object *next_enlisted(struct payer *payer, struct object *object, u64 limit)
{
    struct object *found = NULL;
    spin_lock(&payer->lock);
    struct list *link = object ? &object->payer_link : &payer->objects;
    if (!object || list_is_linked(link)) {
        for (link = link->next; link != &payer->objects && !found; link = link->next) {
            struct object *next = LIST_ENTRY(link, struct object, payer_link);
            if (next->id >= limit)
                break;
            if (object_try_get(next)) /* false: on its way out of the list */
                found = next;
        }
    }
    spin_unlock(&payer->lock);
    return found;
}

/* The one after `at`: what it pays for, if it is a group, then its neighbours, then those of the
 * groups above, up to `top`. */
static struct object *next_below(struct object *top, struct object *at, u64 limit)
{
    struct object *next = NULL;
    if (at->type == OBJECT_GROUP)
        next = next_enlisted(&group_of(at)->payer, NULL, limit);
    for (; !next && at != top; at = at->payer->owner)
        next = next_enlisted(at->payer, at, limit);
    return next;
}

/* True at the end of the walk. */
static bool walk_some(struct thread *caller, u32 limit)
{
    for (; limit > 0; limit--) {
        struct object *at = caller->work_at;
        caller->work_at = next_below(caller->work_object, at, caller->work_end);
        object_put(at);
        if (!caller->work_at)
            return true;
        if (caller->work_at->type == OBJECT_THREAD)
            wait_heed_group(thread_of(caller->work_at));
    }
    return false;
}

/* After the walk, the grace periods that suspending a thread takes. */
static enum job_result freeze_slice(struct job *job)
{
    struct thread *caller = thread_of_job(job);
    if (caller->work_phase == FREEZE_WALK && !walk_some(caller, REAPER_SLICE))
        return JOB_MORE;
    if (!caller->work_start)
        return JOB_DONE;
    return ++caller->work_phase == FREEZE_DONE ? JOB_DONE : JOB_GRACE;
}

void freeze_group(struct thread *caller, struct group *group, bool suspend)
{
    ATOMIC_STORE_SEQ(&group->suspended, suspend);
    caller->work_object = &group->object;
    object_get(&group->object);
    caller->work_at = &group->object;
    caller->work_start = suspend;
    caller->work_end = object_next_id();
    thread_set_status(caller, STATUS_OK);
    thread_work(caller, freeze_slice);
}
