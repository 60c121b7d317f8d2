/* Receiving and replying. */
#include "core/assert.h"
#include "ipc/call_events.h"
#include "ipc/reply.h"

/* What came of completing a call. */
struct completion {
    struct thread *caller; /* to be made ready; NULL: nobody */
    bool has_activity;     /* it got its activity back, on this CPU */
};

/* A fault's reply says how the thread goes on. */
static void answer_fault(struct thread *caller, const struct thread *server, u64 info,
                         enum status failure)
{
    caller->faulted = false;
    u32 label = info_label(info);
    if (failure == STATUS_OK && label == FAULT_REPLY_RETRY)
        return;
    if (failure == STATUS_OK && label == FAULT_REPLY_SKIP) {
        caller->context.pc = server->context.words[0];
        arch_context_sanitize(&caller->context);
        return;
    }
    (void)ATOMIC_OR(&caller->flags, THREAD_FLAG_FAULTED);
}

/*
 * Completes a call with the current thread's message (`failure` OK), or with an error: the call
 * that the reply object of `ref` stands for, or (`ref` NULL) the one that the thread serves. One
 * that the thread has only adopted does not fail with it. NO_CALLER: there is none, or it has left.
 * STALE_HANDLE: `ref` is not good any more. Another error: the message cannot be delivered, and the
 * call is still served.
 */
static enum status complete(struct thread *server, const struct cap_ref *ref, u64 info,
                            enum status failure, struct completion *completion)
{
    struct spinlock *lock;
    *completion = (struct completion){0};
    struct thread *caller =
        call_lock(ref ? &reply_of(ref->object)->caller : &server->serving, &lock);
    if (!caller) {
        if (!ref)
            sched_settle(server);
        return STATUS_NO_CALLER;
    }
    enum status status = STATUS_OK;
    if (failure != STATUS_OK && caller->reply) {
        call_let_go(caller, server);
        spin_unlock(lock);
        return STATUS_OK;
    }
    if (ref && !cap_ref_is_valid(ref)) {
        status = STATUS_STALE_HANDLE;
    } else if (caller->faulted) {
        answer_fault(caller, server, info, failure);
    } else if (failure != STATUS_OK) {
        thread_set_status(caller, failure);
    } else {
        status = message_deliver(server, caller, info, caller->message_info, MESSAGE_REPLY, 0);
    }
    if (status == STATUS_OK) {
        bool own = caller->server == server;
        call_tell_end(caller, server, info_label(info), failure);
        call_part(caller);
        wait_end(caller);
        completion->caller = caller;
        if (own)
            sched_charge(server);
        completion->has_activity = own && sched_give_back(server, caller);
    }
    spin_unlock(lock);
    return status;
}

/* The caller becomes ready; this thread goes on with its own activity. */
static void resume_caller(struct thread *server, const struct completion *completion)
{
    if (!completion->caller)
        return;
    if (!completion->has_activity) {
        sched_wake(completion->caller);
        return;
    }
    sched_go_home(server);
    sched_ready_on(completion->caller, completion->caller->activity);
}

void endpoint_abandon_caller(struct thread *server, enum status status)
{
    struct completion completion;
    (void)complete(server, NULL, 0, status, &completion);
    resume_caller(server, &completion);
}

void endpoint_reply(struct thread *server, const struct cap_ref *ref, u64 info)
{
    struct completion completion;
    enum status status = STATUS_BAD_ARGUMENT;
    if (message_info_is_sane(info)) {
        status = complete(server, ref, info, STATUS_OK, &completion);
        if (status == STATUS_OK)
            resume_caller(server, &completion);
        if (status == STATUS_OK && ref)
            cap_undo_insert(server->space, (cap_t){ref->handle});
    }
    thread_set_status(server, status);
}

/* Lock held: takes one blocked sender's message. The sender to wake in *woken, if it is done; false
 * if its message could not be delivered, and it has the error. */
static bool take_sender(struct endpoint *endpoint, struct thread *sender, struct thread *receiver,
                        u64 info, struct thread **woken)
{
    enum message_kind kind = sender->calling ? MESSAGE_CALL : MESSAGE_SEND;
    *woken = sender;
    if (sender->faulted) {
        message_deliver_fault(sender, receiver);
    } else {
        enum status status = message_deliver(sender, receiver, sender->message_info, info, kind,
                                             sender->message_badge);
        if (status != STATUS_OK) {
            if (sender->calling)
                call_tell_end(sender, NULL, 0, status);
            wait_end(sender);
            endpoint->blocked_sends -= !sender->calling;
            thread_set_status(sender, status);
            return false;
        }
    }
    if (!sender->calling) {
        wait_end(sender);
        endpoint->blocked_sends--;
        return true;
    }
    /* It goes on waiting, now for the reply, under the same lock and deadline. */
    *woken = NULL;
    list_remove(&sender->wait_link);
    list_push_back(&endpoint->served, &sender->wait_link);
    sender->wait_ops = &reply_ops;
    endpoint_take_over(sender, receiver);
    return true;
}

/* The first sender whose capability has not been revoked: the others are about to be told. */
static struct thread *first_sender(struct endpoint *endpoint)
{
    LIST_FOREACH (link, &endpoint->senders) {
        struct thread *sender = LIST_ENTRY(link, struct thread, wait_link);
        if (!endpoint_wait_is_revoked(endpoint, sender))
            return sender;
    }
    return NULL;
}

/* Lock held: the next source that has a message, beginning with the one whose turn it is;
 * SOURCE_COUNT: none. */
static enum message_source next_source(struct endpoint *endpoint, struct thread **sender)
{
    *sender = NULL;
    if (likely(endpoint->signals == 0 && endpoint->queued == 0 &&
               list_is_empty(&endpoint->senders)))
        return SOURCE_COUNT;
    *sender = first_sender(endpoint);
    for (u32 i = 0; i < SOURCE_COUNT; i++) {
        enum message_source source = (enum message_source)((endpoint->turn + i) % SOURCE_COUNT);
        if ((source == SOURCE_SIGNALS && endpoint->signals != 0) ||
            (source == SOURCE_QUEUE && !list_is_empty(&endpoint->queue)) ||
            (source == SOURCE_SENDERS && *sender)) {
            endpoint->turn = (u8)((source + 1) % SOURCE_COUNT);
            return source;
        }
    }
    return SOURCE_COUNT;
}

static void take_queued(struct endpoint *endpoint, struct thread *receiver)
{
    struct list *link = list_pop_front(&endpoint->queue);
    struct queued_message *message = LIST_ENTRY(link, struct queued_message, link);
    endpoint->queued--;
    message_deliver_queued(message, receiver);
    queued_message_free(endpoint, message);
}

static void wait_to_receive(struct endpoint *endpoint, struct thread *receiver,
                            const struct cap_ref *ref, u64 info, u64 deadline_ns)
{
    receiver->message_info = info;
    receiver->wait_mark = cap_ref_mark(ref);
    (void)endpoint_wait_is_revoked(endpoint, receiver); /* the mark has the epoch of now */
    wait_prepare(receiver);
    wait_begin(receiver, &endpoint->lock, &endpoint->receivers, &receive_ops, endpoint,
               deadline_ns);
}

/* Lock held and given up: one step towards a message. True: the receiver has one, or waits. False:
 * again. */
static bool receive_step(struct endpoint *endpoint, struct thread *receiver,
                         const struct cap_ref *ref, u64 info, u64 deadline_ns)
{
    struct thread *sender, *woken = NULL;
    bool done = true;
    switch (next_source(endpoint, &sender)) {
    case SOURCE_SIGNALS:
        message_deliver_signals(endpoint->signals, receiver);
        endpoint->signals = 0;
        break;
    case SOURCE_QUEUE:
        take_queued(endpoint, receiver);
        break;
    case SOURCE_SENDERS:
        done = take_sender(endpoint, sender, receiver, info, &woken);
        break;
    default:
        if (endpoint_peer_is_down_locked(endpoint))
            thread_set_status(receiver, STATUS_PEER_CLOSED);
        else if (info & INFO_NONBLOCK)
            thread_set_status(receiver, STATUS_WOULD_BLOCK);
        else
            wait_to_receive(endpoint, receiver, ref, info, deadline_ns);
    }
    spin_unlock(&endpoint->lock);
    if (this_cpu()->current == receiver && done && unlikely(TRACE_IS_ON(IPC_RECEIVE)))
        message_tell_receipt(endpoint, receiver);
    if (woken)
        sched_wake(woken);
    return done;
}

static void receive(struct thread *receiver, const struct cap_ref *ref, u64 info, u64 deadline_ns)
{
    struct endpoint *endpoint = endpoint_of(ref->object);
    bool done = false;
    while (!done) {
        spin_lock(&endpoint->lock);
        if (!cap_ref_is_valid(ref)) {
            spin_unlock(&endpoint->lock);
            thread_set_status(receiver, STATUS_REVOKED);
            return;
        }
        done = receive_step(endpoint, receiver, ref, info, deadline_ns);
    }
}

void endpoint_receive(struct thread *receiver, const struct cap_ref *ref, u64 info, u64 deadline_ns)
{
    if (!message_info_is_sane(info)) {
        thread_set_status(receiver, STATUS_BAD_ARGUMENT);
        return;
    }
    if (ATOMIC_LOAD(&receiver->serving) || receiver->activity != receiver->home)
        endpoint_abandon_caller(receiver, STATUS_REPLY_DROPPED);
    receive(receiver, ref, info, deadline_ns);
}

void endpoint_reply_receive(struct thread *server, const struct cap_ref *ref, u64 info,
                            u64 deadline_ns)
{
    struct completion completion = {0};
    enum status status = STATUS_BAD_ARGUMENT;
    if (message_info_is_sane(info))
        status = complete(server, NULL, info, STATUS_OK, &completion);
    /* A caller that has left is no reason not to serve the next. */
    if (status != STATUS_OK && status != STATUS_NO_CALLER) {
        thread_set_status(server, status);
        return;
    }
    struct thread *caller = completion.caller;
    receive(server, ref, info & ~(INFO_NONBLOCK | INFO_FAILED), deadline_ns);
    struct cpu *cpu = this_cpu();
    if (caller && completion.has_activity && !cpu->current) {
        sched_switch_to(caller, caller->activity); /* the server waits: straight back */
        return;
    }
    if (caller && !completion.has_activity)
        sched_wake(caller);
    else if (caller)
        sched_ready_on(caller, caller->activity);
    if (cpu->current == server && server->activity == server->home &&
        server->home->state != ACTIVITY_RUNNING)
        sched_go_home(server);
}
