/* Reply objects, and who works for a caller. */
#include "ipc/reply.h"

#include "core/assert.h"
#include "ipc/call_events.h"
#include "mm/object_slab.h"

KERNEL_STATE static struct slab_cache reply_cache;

void reply_init(void)
{
    slab_cache_init(&reply_cache, "reply", sizeof(struct reply), 16);
}

struct thread *call_lock(struct thread *const *place, struct spinlock **lock)
{
    struct thread *caller = ATOMIC_LOAD(place);
    /* As long as the caller waits for this answer, that is the endpoint's lock. */
    *lock = caller ? ATOMIC_LOAD(&caller->wait_lock) : NULL;
    if (!*lock)
        return NULL;
    spin_lock(*lock);
    if (ATOMIC_LOAD(place) == caller && caller->wait_lock == *lock)
        return caller;
    spin_unlock(*lock);
    return NULL;
}

static void end_service(struct thread *caller)
{
    ATOMIC_STORE(&caller->server->serving, NULL);
    ATOMIC_STORE(&caller->server->serve_deadline, TIME_NEVER);
    caller->server = NULL;
}

void call_part(struct thread *caller)
{
    if (caller->server)
        end_service(caller);
    if (caller->reply) {
        ATOMIC_STORE(&caller->reply->caller, NULL);
        caller->reply = NULL;
        (void)ATOMIC_AND(&caller->flags, ~THREAD_FLAG_DEFERRED);
    }
}

void call_let_go(struct thread *caller, struct thread *server)
{
    call_tell_begin(caller);
    end_service(caller);
    sched_charge(server);
    if (sched_give_back(server, caller))
        sched_go_home(server);
}

void endpoint_take_over(struct thread *caller, struct thread *server)
{
    sched_charge(server);
    sched_settle(server);
    server->home->state = ACTIVITY_IDLE;
    endpoint_begin_service(caller, server);
    sched_take_on(server);
}

/* The call that the thread serves becomes the new object's. */
static enum status attach(struct reply *reply, struct thread *server)
{
    struct spinlock *lock;
    struct thread *caller = call_lock(&server->serving, &lock);
    if (!caller)
        return STATUS_NO_CALLER;
    enum status status = caller->reply ? STATUS_BUSY : STATUS_OK;
    if (status == STATUS_OK) {
        caller->reply = reply;
        ATOMIC_STORE(&reply->caller, caller);
        (void)ATOMIC_OR(&caller->flags, THREAD_FLAG_DEFERRED);
        call_let_go(caller, server);
    }
    spin_unlock(lock);
    return status;
}

enum status reply_defer(struct thread *server, struct payer *payer, cap_t *handle)
{
    static const struct cap_grant grant = {.rights = RIGHTS_REPLY | RIGHT_TRANSFER | RIGHT_DERIVE,
                                           .flags = CAP_FLAG_SEAL_DERIVE,
                                           .expires_ns = TIME_NEVER};
    void *memory;
    if (!ATOMIC_LOAD(&server->serving))
        return STATUS_NO_CALLER;
    enum status status =
        object_allocate(&reply_cache, OBJECT_REPLY, payer, offsetof(struct reply, object), &memory);
    if (status != STATUS_OK)
        return status;
    struct reply *reply = memory;
    status = object_enlist(&reply->object);
    if (status == STATUS_OK)
        status = cap_insert_root(server->space, &reply->object, &grant, handle);
    if (status == STATUS_OK) {
        status = attach(reply, server);
        if (status != STATUS_OK)
            cap_undo_insert(server->space, *handle);
    }
    object_put(&reply->object);
    return status;
}

enum status reply_adopt(struct thread *server, const struct cap_ref *ref)
{
    struct spinlock *lock;
    struct thread *caller = call_lock(&server->serving, &lock);
    if (caller) {
        bool adopted = caller->reply != NULL;
        if (adopted)
            call_let_go(caller, server);
        spin_unlock(lock);
        if (!adopted)
            return STATUS_BUSY;
    }
    if (!ref)
        return STATUS_OK;
    caller = call_lock(&reply_of(ref->object)->caller, &lock);
    if (!caller)
        return STATUS_NO_CALLER;
    enum status status = STATUS_OK;
    if (!cap_ref_is_valid(ref))
        status = STATUS_STALE_HANDLE;
    else if (caller->server)
        status = STATUS_BUSY;
    else
        endpoint_take_over(caller, server);
    spin_unlock(lock);
    return status;
}

/* Under a space's users' locks, perhaps an endpoint's: what follows is done at the object's end. */
void reply_holders_gone(struct object *object, bool died)
{
    if (died)
        ATOMIC_STORE(&reply_of(object)->holder_died, true);
}

/* Nobody has the capability any more: the call ends without an answer. */
void reply_release(struct object *object)
{
    struct reply *reply = reply_of(object);
    struct spinlock *lock;
    struct thread *caller = call_lock(&reply->caller, &lock);
    if (caller) {
        wait_end(caller);
        caller->wait_ops->abort(caller, ATOMIC_LOAD(&reply->holder_died) ? STATUS_SERVER_DIED
                                                                         : STATUS_REPLY_DROPPED);
        spin_unlock(lock);
        sched_wake(caller);
    }
    object_free_after_grace(object);
}

void reply_reclaim(struct object *object)
{
    object_deallocate(&reply_cache, object, offsetof(struct reply, object));
}
