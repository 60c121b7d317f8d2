/* Sending: one-way messages, calls, and faults, which are calls that the kernel makes for a thread.
 */
#include "core/assert.h"
#include "ipc/call_events.h"
#include "lib/string.h"

struct thread *endpoint_first_receiver(struct endpoint *endpoint)
{
    LIST_FOREACH (link, &endpoint->receivers) {
        struct thread *receiver = LIST_ENTRY(link, struct thread, wait_link);
        if (!endpoint_wait_is_revoked(endpoint, receiver))
            return receiver;
    }
    return NULL;
}

/* Lock held: may this message be sent at all? */
static enum status check_open(struct endpoint *endpoint, const struct cap_ref *ref, u64 info)
{
    if (!message_info_is_sane(info))
        return STATUS_BAD_ARGUMENT;
    if (ref && !cap_ref_is_valid(ref))
        return STATUS_REVOKED;
    return endpoint_is_down_locked(endpoint) ? STATUS_PEER_CLOSED : STATUS_OK;
}

/* Lock held: the current thread waits among the senders. */
static void wait_to_send(struct endpoint *endpoint, struct thread *sender, u64 deadline_ns)
{
    endpoint->blocked_sends += !sender->calling;
    wait_prepare(sender);
    wait_begin(sender, &endpoint->lock, &endpoint->senders, &send_ops, endpoint, deadline_ns);
}

/* Lock held: puts a message without capabilities into the queue. */
static enum status enqueue(struct endpoint *endpoint, struct thread *sender, u64 info, u64 badge)
{
    struct queued_message *message;
    enum status status = queued_message_create(endpoint, &message);
    if (status != STATUS_OK)
        return status;
    message->info = info;
    message->badge = badge;
    message->trace = sender->activity->trace;
    for (u32 i = 0; i < MESSAGE_WORDS; i++)
        message->words[i] = sender->context.words[i];
    memcpy(message->data, sender->buffer->data, info_length(info));
    list_push_back(&endpoint->queue, &message->link);
    endpoint->queued++;
    return STATUS_OK;
}

static bool fits_queue(const struct endpoint *endpoint, u64 info)
{
    /* Not past those who wait already: one-way messages keep their order. */
    return endpoint->queued < endpoint->depth && info_cap_count(info) == 0 &&
           endpoint->blocked_sends == 0;
}

static void remember(struct endpoint *endpoint, struct thread *thread, const struct cap_ref *ref,
                     u64 info, bool calling)
{
    thread->message_info = info;
    thread->message_badge = ref ? ref->badge : 0;
    thread->wait_mark = ref ? cap_ref_mark(ref) : (struct cap_mark){0};
    (void)endpoint_wait_is_revoked(endpoint, thread); /* the mark has the epoch of now */
    thread->calling = calling;
}

/* Lock held. Delivers to `receiver`, queues, or blocks; sets the sender's status unless it blocks.
 */
static void send_locked(struct endpoint *endpoint, struct thread *sender, const struct cap_ref *ref,
                        u64 info, u64 deadline_ns, struct thread *receiver)
{
    enum status status;
    if (receiver) {
        status = message_deliver(sender, receiver, info, receiver->message_info, MESSAGE_SEND,
                                 ref->badge);
        if (status == STATUS_OK)
            wait_end(receiver);
    } else if (fits_queue(endpoint, info)) {
        status = enqueue(endpoint, sender, info, ref->badge);
    } else if (info & INFO_NONBLOCK) {
        status = endpoint->depth > 0 ? STATUS_FULL : STATUS_WOULD_BLOCK;
    } else {
        remember(endpoint, sender, ref, info, false);
        thread_set_status(sender, STATUS_OK);
        wait_to_send(endpoint, sender, deadline_ns);
        return;
    }
    thread_set_status(sender, status);
}

void endpoint_send(struct thread *sender, const struct cap_ref *ref, u64 info, u64 deadline_ns)
{
    struct endpoint *endpoint = endpoint_of(ref->object);
    struct thread *woken = NULL;
    spin_lock(&endpoint->lock);
    enum status status = check_open(endpoint, ref, info);
    if (status == STATUS_OK) {
        struct thread *receiver = endpoint_first_receiver(endpoint);
        send_locked(endpoint, sender, ref, info, deadline_ns, receiver);
        if (receiver && !receiver->wait_lock)
            woken = receiver;
    } else {
        thread_set_status(sender, status);
    }
    spin_unlock(&endpoint->lock);
    COUNT(this_cpu(), SENDS);
    TRACE(IPC_SEND, endpoint->object.id, info_label(info), ref->badge,
          woken ? woken->object.id : 0);
    if (woken)
        sched_wake(woken);
}

void endpoint_begin_service(struct thread *caller, struct thread *server)
{
    caller->server = server;
    server->serving = caller;
    ATOMIC_STORE(&server->serve_deadline, caller->wait_deadline);
    sched_lend(caller, server);
    server->trace.trace = server->activity->trace;
    server->trace.span = server->activity->next_span++;
}

/* Lock held: hands the current thread's call to the waiting server, which will run at once. */
static void call_now(struct endpoint *endpoint, struct thread *caller, struct thread *server,
                     u64 deadline_ns)
{
    COUNT(this_cpu(), CALLS);
    wait_end(server);
    wait_prepare(caller);
    wait_begin(caller, &endpoint->lock, &endpoint->served, &reply_ops, endpoint, deadline_ns);
    endpoint_begin_service(caller, server);
}

void endpoint_call(struct thread *caller, const struct cap_ref *ref, u64 info, u64 deadline_ns)
{
    struct endpoint *endpoint = endpoint_of(ref->object);
    struct thread *server = NULL;
    spin_lock(&endpoint->lock);
    enum status status = check_open(endpoint, ref, info);
    if (status == STATUS_OK && !sched_may_lend(caller, false))
        status = STATUS_TOO_DEEP;
    if (status == STATUS_OK) {
        server = endpoint_first_receiver(endpoint);
        if (server) {
            status = message_deliver(caller, server, info, server->message_info, MESSAGE_CALL,
                                     ref->badge);
        } else if (info & INFO_NONBLOCK) {
            status = STATUS_WOULD_BLOCK;
        }
    }
    if (status != STATUS_OK) {
        spin_unlock(&endpoint->lock);
        thread_set_status(caller, status);
        return;
    }
    remember(endpoint, caller, ref, info, true);
    call_forget(caller);
    if (server && unlikely(TRACE_IS_ON(IPC_ROUND)))
        call_note(caller, endpoint, ref->badge, trace_now(this_cpu()));
    struct activity *activity = caller->activity;
    if (server)
        call_now(endpoint, caller, server, deadline_ns);
    else
        wait_to_send(endpoint, caller, deadline_ns);
    spin_unlock(&endpoint->lock);
    if (!server)
        TRACE(IPC_CALL, endpoint->object.id, info_label(info), ref->badge, 0);
    /* The server's activity may be recalled by another CPU only through mail to this one. */
    if (server)
        sched_switch_to(server, activity);
}

void message_deliver_fault(const struct thread *from, struct thread *to)
{
    memcpy(to->buffer->data, &from->fault, sizeof(from->fault));
    to->context.number = STATUS_OK;
    to->context.aux = from->activity->trace;
    to->context.info = (u64)sizeof(from->fault) << INFO_LENGTH_SHIFT | (u64)MESSAGE_FAULT
                                                                           << INFO_KIND_SHIFT;
    to->context.handle = from->message_badge;
}

bool endpoint_fault(struct thread *thread, struct endpoint *endpoint, u64 badge)
{
    spin_lock(&endpoint->lock);
    if (!sched_may_lend(thread, true) || !object_is_live(&endpoint->object) ||
        check_open(endpoint, NULL, 0) != STATUS_OK) {
        spin_unlock(&endpoint->lock);
        return false;
    }
    remember(endpoint, thread, NULL, 0, true);
    thread->message_badge = badge;
    call_forget(thread);
    thread->faulted = true;
    struct activity *activity = thread->activity;
    struct thread *server = endpoint_first_receiver(endpoint);
    if (server) {
        message_deliver_fault(thread, server);
        call_now(endpoint, thread, server, TIME_NEVER);
    } else {
        wait_to_send(endpoint, thread, TIME_NEVER);
    }
    spin_unlock(&endpoint->lock);
    if (server)
        sched_switch_to(server, activity);
    return true;
}
