/*
 * Revocation. The store of the epoch ends every use of what is revoked; see cap/derive.h. `revoke`
 * returns when nothing that is revoked does anything by itself any more: mappings, bindings and
 * waits are gone. Where there are none, dead slots and nodes are left to a job.
 */
#include "syscall/revoke.h"

#include "cap/derive.h"
#include "mm/slab.h"
#include "syscall/syscall.h"
#include "trace/trace.h"

/* The clean-up that is left when `revoke` has returned. */
struct cleanup {
    struct job job;
    struct object *object; /* a reference */
    struct cap_node *node; /* pinned */
    struct group *payer;   /* a reference: it pays for this structure and the job's time */
};

KERNEL_STATE static struct slab_cache cleanup_cache;

void revoke_init(void)
{
    slab_cache_init(&cleanup_cache, "cleanup", sizeof(struct cleanup), 16);
}

static void free_cleanup(struct cleanup *cleanup)
{
    struct group *payer = cleanup->payer;
    slab_free(&cleanup_cache, &payer->payer.account, cleanup);
    object_put(&payer->object);
}

static enum job_result cleanup_slice(struct job *job)
{
    struct cleanup *cleanup = CONTAINER_OF(job, struct cleanup, job);
    return cap_revoke_step(cleanup->node, REAPER_SLICE) ? JOB_DONE : JOB_MORE;
}

static void cleanup_done(struct job *job)
{
    struct cleanup *cleanup = CONTAINER_OF(job, struct cleanup, job);
    cap_node_unpin(cleanup->node);
    object_put(cleanup->object);
    free_cleanup(cleanup);
}

/* NULL: the caller's group cannot pay for it; then the caller waits instead. */
static struct cleanup *make_cleanup(struct thread *thread, const struct cap_ref *ref)
{
    struct group *payer = group_of_payer(thread->object.payer);
    void *memory;
    if (slab_take(&cleanup_cache, &payer->payer.account, &memory) != STATUS_OK)
        return NULL;
    struct cleanup *cleanup = memory;
    *cleanup = (struct cleanup){
        .job = {.slice = cleanup_slice, .done = cleanup_done, .group = payer},
        .object = ref->object,
        .node = ref->node,
        .payer = payer,
    };
    list_init(&cleanup->job.link);
    object_get(&payer->object);
    return cleanup;
}

enum { REVOKE_KILL, REVOKE_WAIT };

/* Kills descendants, then waits until no CPU can use a mapping that one of them was. */
static enum job_result revoke_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    struct object *object = thread->work_object;
    if (thread->work_phase == REVOKE_KILL) {
        if (!cap_revoke_step(thread->work_node, REAPER_SLICE))
            return JOB_MORE;
        if (object_operations[object->type]->revoked)
            object_operations[object->type]->revoked(object);
        if (object->type == OBJECT_MEMORY) {
            thread->work_phase = REVOKE_WAIT;
            return JOB_GRACE;
        }
    }
    cap_node_unpin(thread->work_node);
    return JOB_DONE;
}

/* May slots be left to a job? Not where waits end with them and no other way; nor where mappings
 * have been: one that somebody else has just removed may still be in a TLB. */
static bool slots_may_wait(const struct object *object)
{
    const struct object_ops *ops = object_operations[object->type];
    return object->type != OBJECT_MEMORY && (ops->revoked || !ops->holders_gone);
}

void syscall_revoke(struct thread *thread)
{
    struct cap_ref ref;
    bool many = false;
    enum status status = syscall_lookup(thread, OBJECT_NONE, RIGHT_REVOKE, &ref);
    if (status == STATUS_OK)
        status = cap_ref_take(&ref);
    if (status == STATUS_OK && !cap_ref_pin(&ref, &many)) {
        object_put(ref.object);
        status = STATUS_STALE_HANDLE;
    }
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    const struct object_ops *ops = object_operations[ref.object->type];
    struct cleanup *cleanup = NULL;
    if (many && slots_may_wait(ref.object))
        cleanup = make_cleanup(thread, &ref);
    bool effects = cap_revoke_publish(ref.node);
    TRACE(CAP_REVOKE, ref.object->id, ref.object->epoch, 0, 0);
    if (cleanup && !effects) {
        if (ops->revoked)
            ops->revoked(ref.object);
        job_queue(&cleanup->job);
        return;
    }
    if (cleanup)
        free_cleanup(cleanup);
    thread->work_node = ref.node;
    thread->work_object = ref.object;
    thread_work(thread, revoke_slice);
}
