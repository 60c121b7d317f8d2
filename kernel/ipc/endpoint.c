/* Endpoints: their life, signals, and the ends that waits can come to. */
#include "ipc/endpoint.h"

#include "core/assert.h"
#include "ipc/call_events.h"
#include "mm/object_slab.h"

KERNEL_STATE static struct slab_cache endpoint_cache;
KERNEL_STATE static struct slab_cache message_cache;

static void grace_over(struct timer *timer, u64 now_ns);
static void begin_grace(struct mail *mail);

void endpoint_init(void)
{
    slab_cache_init(&endpoint_cache, "endpoint", sizeof(struct endpoint), 16);
    slab_cache_init(&message_cache, "message", sizeof(struct queued_message), 16);
}

enum status endpoint_create(struct payer *payer, u64 depth, u64 grace_ns, struct endpoint **out)
{
    if (depth > ENDPOINT_MAX_DEPTH)
        return STATUS_BAD_ARGUMENT;
    void *memory;
    enum status status = object_allocate(&endpoint_cache, OBJECT_ENDPOINT, payer,
                                         offsetof(struct endpoint, object), &memory);
    if (status != STATUS_OK)
        return status;
    struct endpoint *endpoint = memory;
    spinlock_init(&endpoint->lock, RANK_IPC);
    list_init(&endpoint->senders);
    list_init(&endpoint->receivers);
    list_init(&endpoint->served);
    list_init(&endpoint->queue);
    endpoint->depth = (u32)depth;
    endpoint->grace_ns = grace_ns;
    timer_init(&endpoint->grace, grace_over);
    endpoint->holders_mail.handle = begin_grace;
    *out = endpoint;
    return STATUS_OK;
}

enum status channel_create(struct payer *payer, u64 depth, u64 grace_ns, struct endpoint *ends[2])
{
    enum status status = endpoint_create(payer, depth, grace_ns, &ends[0]);
    if (status != STATUS_OK)
        return status;
    status = endpoint_create(payer, depth, grace_ns, &ends[1]);
    if (status != STATUS_OK) {
        object_put(&ends[0]->object);
        return status;
    }
    ends[0]->peer = ends[1];
    ends[1]->peer = ends[0];
    return STATUS_OK;
}

enum status queued_message_create(struct endpoint *endpoint, struct queued_message **out)
{
    void *memory;
    enum status status = slab_alloc(&message_cache, &endpoint->object.payer->account, &memory);
    if (status == STATUS_OK)
        *out = memory;
    return status;
}

void queued_message_free(struct endpoint *endpoint, struct queued_message *message)
{
    slab_free(&message_cache, &endpoint->object.payer->account, message);
}

/* A wait that was a fault message ends the thread's process; any other gets the status. */
static void end_with(struct thread *thread, enum status status)
{
    if (thread->faulted) {
        thread->faulted = false;
        (void)ATOMIC_OR(&thread->flags, THREAD_FLAG_FAULTED);
    } else {
        thread_set_status(thread, status);
    }
}

static void abort_send(struct thread *thread, enum status status)
{
    struct endpoint *endpoint = thread->wait_object;
    endpoint->blocked_sends -= !thread->calling;
    if (thread->calling)
        call_tell_end(thread, NULL, 0, status);
    end_with(thread, status);
}

/* The caller leaves; its server goes on and finds that there is nobody to reply to. */
static void abort_reply(struct thread *thread, enum status status)
{
    call_tell_end(thread, NULL, 0, status);
    call_part(thread);
    end_with(thread, status);
}

static struct object *endpoint_waited_on(const struct thread *thread)
{
    return &CONTAINER_OF(thread->wait_lock, struct endpoint, lock)->object;
}

const struct wait_ops send_ops = {
    .kind = THREAD_STATE_SENDING, .abort = abort_send, .waits_on = endpoint_waited_on};
const struct wait_ops receive_ops = {
    .kind = THREAD_STATE_RECEIVING, .abort = wait_abort_status, .waits_on = endpoint_waited_on};
const struct wait_ops reply_ops = {
    .kind = THREAD_STATE_CALLING, .abort = abort_reply, .waits_on = endpoint_waited_on};

/* The first thread of `list` that `dead_only` does not spare; NULL if there is none. Lock held. */
static struct thread *first_to_end(struct endpoint *endpoint, struct list *list, bool dead_only)
{
    LIST_FOREACH (link, list) {
        struct thread *thread = LIST_ENTRY(link, struct thread, wait_link);
        if (!dead_only || endpoint_wait_is_revoked(endpoint, thread))
            return thread;
    }
    return NULL;
}

static void end_waits(struct endpoint *endpoint, struct list *list, bool dead_only,
                      enum status status)
{
    for (;;) {
        spin_lock(&endpoint->lock);
        struct thread *thread = first_to_end(endpoint, list, dead_only);
        if (thread) {
            wait_end(thread);
            thread->wait_ops->abort(thread, status);
        }
        spin_unlock(&endpoint->lock);
        if (!thread)
            return;
        TRACE(IPC_FAILED, endpoint->object.id, status, thread->object.id, 0);
        sched_wake(thread);
    }
}

static void end_all_waits(struct endpoint *endpoint, enum status status)
{
    end_waits(endpoint, &endpoint->senders, false, status);
    end_waits(endpoint, &endpoint->receivers, false, status);
    end_waits(endpoint, &endpoint->served, false, status);
}

void endpoint_revoked(struct object *object)
{
    struct endpoint *endpoint = endpoint_of(object);
    end_waits(endpoint, &endpoint->senders, true, STATUS_REVOKED);
    end_waits(endpoint, &endpoint->receivers, true, STATUS_REVOKED);
    end_waits(endpoint, &endpoint->served, true, STATUS_REVOKED);
}

void endpoint_condemn(struct object *object)
{
    end_all_waits(endpoint_of(object), STATUS_PEER_CLOSED);
}

/* The other end of this channel is down. */
static void peer_gone(struct endpoint *endpoint)
{
    spin_lock(&endpoint->lock);
    endpoint->peer_down = 1;
    spin_unlock(&endpoint->lock);
    end_waits(endpoint, &endpoint->receivers, false, STATUS_PEER_CLOSED);
}

bool endpoint_peer_is_down_locked(struct endpoint *endpoint)
{
    if (likely(!endpoint->peer_down))
        return false;
    /* Readable until this kernel entry ends: a released one has been taken out of `peer` before its
     * grace period. */
    const struct endpoint *peer = ATOMIC_LOAD(&endpoint->peer);
    endpoint->peer_down =
        !peer || (ATOMIC_LOAD(&peer->down) && ATOMIC_LOAD(&peer->receive_caps) == 0);
    return endpoint->peer_down;
}

void endpoint_release(struct object *object)
{
    struct endpoint *endpoint = endpoint_of(object);
    end_all_waits(endpoint, STATUS_PEER_CLOSED);
    struct endpoint *peer = ATOMIC_LOAD(&endpoint->peer);
    if (peer) {
        ATOMIC_STORE(&peer->peer, NULL);
        peer_gone(peer);
    }
    timer_cancel(&endpoint->grace);
    struct list *link;
    while ((link = list_pop_front(&endpoint->queue)) != NULL)
        queued_message_free(endpoint, LIST_ENTRY(link, struct queued_message, link));
    object_free_after_grace(object);
}

void endpoint_reclaim(struct object *object)
{
    object_deallocate(&endpoint_cache, object, offsetof(struct endpoint, object));
}

/* Who holds the right to receive. The count is exact under the spaces' locks; what follows from it
 * is decided here, later. */
void endpoint_holders_changed(struct object *object, int change)
{
    struct endpoint *endpoint = endpoint_of(object);
    u64 count = ATOMIC_ADD(&endpoint->receive_caps, (u64)(i64)change);
    if (change > 0 && count == 1)
        timer_cancel(&endpoint->grace); /* the next loss has the whole grace time */
}

static void go_down(struct endpoint *endpoint)
{
    spin_lock(&endpoint->lock);
    /* Armed: somebody could receive since, and the time runs anew. */
    bool down = ATOMIC_LOAD(&endpoint->receive_caps) == 0 && !endpoint->grace.armed;
    ATOMIC_STORE(&endpoint->down, down);
    spin_unlock(&endpoint->lock);
    if (!down)
        return;
    end_waits(endpoint, &endpoint->senders, false, STATUS_PEER_CLOSED);
    struct endpoint *peer = ATOMIC_LOAD(&endpoint->peer);
    if (peer)
        peer_gone(peer);
}

static void grace_over(struct timer *timer, u64 now_ns)
{
    (void)now_ns;
    go_down(CONTAINER_OF(timer, struct endpoint, grace));
}

static void begin_grace(struct mail *mail)
{
    struct endpoint *endpoint = CONTAINER_OF(mail, struct endpoint, holders_mail);
    ATOMIC_STORE_SEQ(&endpoint->holders_mailed, 0);
    if (endpoint->grace_ns == 0) {
        go_down(endpoint);
    } else if (ATOMIC_LOAD(&endpoint->receive_caps) == 0) {
        spin_lock(&endpoint->lock);
        ATOMIC_STORE(&endpoint->down, false); /* perhaps from before somebody could receive again */
        if (!endpoint->grace.armed)
            timer_arm(&endpoint->grace, deadline_after(endpoint->grace_ns));
        spin_unlock(&endpoint->lock);
    }
    object_put(&endpoint->object);
}

/* May be called under the lock of another endpoint, or this one's (a message that takes the last
 * right to receive away): what follows is done at the end of the kernel entry. */
void endpoint_holders_gone(struct object *object, bool died)
{
    (void)died;
    struct endpoint *endpoint = endpoint_of(object);
    if (ATOMIC_LOAD(&endpoint->receive_caps) != 0 ||
        ATOMIC_EXCHANGE(&endpoint->holders_mailed, 1) != 0)
        return;
    if (object_try_get(object))
        mailbox_post(this_cpu()->index, &endpoint->holders_mail);
}

bool endpoint_is_down_locked(struct endpoint *endpoint)
{
    if (likely(!endpoint->down))
        return false;
    if (ATOMIC_LOAD(&endpoint->receive_caps) > 0)
        ATOMIC_STORE(&endpoint->down, false);
    return endpoint->down;
}

/* Who is to be woken; NULL: nobody. */
static struct thread *deliver_signal(struct endpoint *endpoint, u64 bits)
{
    spin_lock(&endpoint->lock);
    struct thread *receiver = endpoint_first_receiver(endpoint);
    if (receiver) {
        wait_end(receiver);
        message_deliver_signals(bits, receiver);
    } else {
        endpoint->signals |= bits;
    }
    spin_unlock(&endpoint->lock);
    COUNT(this_cpu(), SIGNALS);
    TRACE(IPC_SIGNAL, endpoint->object.id, bits, receiver ? receiver->object.id : 0, 0);
    return receiver;
}

void endpoint_signal(struct endpoint *endpoint, u64 bits)
{
    struct thread *receiver = deliver_signal(endpoint, bits);
    if (receiver)
        sched_wake(receiver);
}

void endpoint_interrupt(struct endpoint *endpoint, u64 bits)
{
    struct thread *receiver = deliver_signal(endpoint, bits);
    if (receiver && this_cpu()->current)
        sched_wake_last(receiver);
    else if (receiver)
        sched_wake(receiver);
}
