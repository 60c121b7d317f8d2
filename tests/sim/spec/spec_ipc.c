/* The specification of messages: rendezvous, queues, signals, calls, and the ends that waits come
 * to. */
#include "spec_internal.h"

#include "abi/message.h"

enum { SIGNALS, QUEUE, SENDERS, SOURCES };

static struct spec_thread *thread_at(spec_ref thread)
{
    return &spec->threads[thread];
}

static struct spec_endpoint *endpoint_at(spec_ref endpoint)
{
    return &spec->objects[endpoint].endpoint;
}

static bool waits(const struct spec_thread *thread)
{
    return thread->used && thread->wait != SPEC_RUNS && thread->wait != SPEC_ENDED;
}

static void begin_wait(u32 thread, enum spec_wait wait, spec_ref endpoint, spec_ref cap,
                       u64 deadline_ns)
{
    struct spec_thread *at = thread_at((spec_ref)thread);
    at->asked_ns = deadline_ns;
    /* While it serves a call, nothing that it waits for lasts longer than that. */
    if (at->serving != SPEC_NONE && thread_at(at->serving)->deadline_ns < deadline_ns)
        deadline_ns = thread_at(at->serving)->deadline_ns;
    at->wait = wait;
    at->endpoint = endpoint;
    at->cap = cap;
    at->deadline_ns = deadline_ns;
    at->since = ++spec->order;
}

static void stop_waiting(spec_ref thread)
{
    struct spec_thread *at = thread_at(thread);
    if (at->server != SPEC_NONE)
        thread_at(at->server)->serving = SPEC_NONE;
    if (at->reply != SPEC_NONE)
        spec->objects[at->reply].caller = SPEC_NONE;
    at->server = SPEC_NONE;
    at->reply = SPEC_NONE;
    at->wait = SPEC_RUNS;
    at->endpoint = SPEC_NONE;
    at->cap = SPEC_NONE;
    at->deadline_ns = TIME_NEVER;
}

void end_wait(u32 thread, enum status status)
{
    stop_waiting((spec_ref)thread);
    finish(thread, only(status));
}

static bool is_sender(const struct spec_thread *thread)
{
    return thread->wait == SPEC_SENDS || thread->wait == SPEC_CALLS;
}

void end_waits_of(spec_ref endpoint, bool only_senders, enum status status)
{
    EACH (i, spec->threads) {
        const struct spec_thread *thread = &spec->threads[i];
        if (waits(thread) && thread->endpoint == endpoint && (!only_senders || is_sender(thread)))
            end_wait(i, status);
    }
}

/* --- Ends of endpoints and reply objects --- */

static void end_receivers(spec_ref endpoint)
{
    EACH (i, spec->threads) {
        const struct spec_thread *thread = &spec->threads[i];
        if (waits(thread) && thread->endpoint == endpoint && thread->wait == SPEC_RECEIVES)
            end_wait(i, STATUS_PEER_CLOSED);
    }
}

/* Who waits at the channel's other end, where nothing is pending, learns that this one is down. */
static void tell_peer(spec_ref endpoint)
{
    if (spec->objects[endpoint].peer != SPEC_NONE)
        end_receivers(spec->objects[endpoint].peer);
}

void go_down(spec_ref endpoint)
{
    endpoint_at(endpoint)->down = true;
    endpoint_at(endpoint)->down_at = TIME_NEVER;
    end_waits_of(endpoint, true, STATUS_PEER_CLOSED);
    tell_peer(endpoint);
}

void end_object(spec_ref at)
{
    struct spec_object *object = &spec->objects[at];
    if (object->type == OBJECT_ENDPOINT) {
        end_waits_of(at, false, STATUS_PEER_CLOSED);
        tell_peer(at);
        if (object->peer != SPEC_NONE) {
            spec->objects[object->peer].peer = SPEC_NONE;
            spec->objects[object->peer].peer_died = true;
        }
    } else if (object->type == OBJECT_REPLY && object->caller != SPEC_NONE) {
        end_wait((u32)object->caller,
                 object->holder_died ? STATUS_SERVER_DIED : STATUS_REPLY_DROPPED);
    }
}

/* Is there nobody at the channel's other end? */
static bool peer_is_gone(spec_ref endpoint)
{
    const struct spec_object *object = &spec->objects[endpoint];
    return object->peer_died || (object->peer != SPEC_NONE && endpoint_at(object->peer)->down);
}

/* Who has waited longest at the endpoint, as a receiver or as a sender. */
static spec_ref first_in_line(spec_ref endpoint, bool sender)
{
    spec_ref first = SPEC_NONE;
    EACH (i, spec->threads) {
        const struct spec_thread *thread = &spec->threads[i];
        bool right = sender ? is_sender(thread) : thread->wait == SPEC_RECEIVES;
        if (thread->used && right && thread->endpoint == endpoint &&
            (first == SPEC_NONE || thread->since < thread_at(first)->since))
            first = (spec_ref)i;
    }
    return first;
}

static bool a_one_way_sender_waits(spec_ref endpoint)
{
    EACH (i, spec->threads)
        if (spec->threads[i].used && spec->threads[i].wait == SPEC_SENDS &&
            spec->threads[i].endpoint == endpoint)
            return true;
    return false;
}

/* --- Delivery --- */

static struct spec_message message_of(const struct spec_call *call, u64 badge)
{
    struct spec_message message = {.info = call->info, .badge = badge};
    message.words[0] = call->words[0];
    message.words[1] = call->words[MESSAGE_WORDS - 1];
    for (u32 i = 0; i < info_cap_count(call->info); i++)
        message.caps[i] = call->caps[i];
    return message;
}

/* All or nothing: everything is checked, then copies are made, then moves. One that went on the way
 * (moved twice by one message) is lost. */
static u64 hand_over(const struct spec_message *message, spec_ref from, spec_ref to,
                     spec_ref *received, bool *lost)
{
    u32 count = info_cap_count(message->info);
    spec_ref source = thread_at(from)->process;
    spec_ref target = thread_at(to)->process;
    spec_ref caps[MESSAGE_MAX_CAPS];
    for (u32 i = 0; i < count; i++) {
        u64 allowed = may_transfer(source, &message->caps[i], &caps[i]);
        if (allowed != only(STATUS_OK))
            return allowed;
        if (message->caps[i].mode == CAP_SEND_COPY && spec->caps[caps[i]].depth == CAP_MAX_DEPTH)
            return only(STATUS_TOO_DEEP);
    }
    for (u32 i = 0; i < count; i++)
        if (message->caps[i].mode == CAP_SEND_COPY)
            received[i] = hand_copy(caps[i], target, message->caps[i].rights);
    for (u32 i = 0; i < count; i++) {
        if (message->caps[i].mode == CAP_SEND_COPY)
            continue;
        if (spec->caps[caps[i]].handle == message->caps[i].cap.bits) {
            hand_move(caps[i], target, message->caps[i].rights);
            received[i] = caps[i];
        } else {
            *lost = true;
        }
    }
    return only(STATUS_OK);
}

static struct spec_result *give_message(spec_ref to, u64 info, enum message_kind kind, u64 badge,
                                        u64 word, u64 last_word)
{
    finish((u32)to, only(STATUS_OK));
    struct spec_result *result = &thread_at(to)->result;
    result->is_message = true;
    result->info = (info & ~(0xffull << 56 | 0xfull << INFO_ACCEPT_SHIFT)) | (u64)kind
                                                                                 << INFO_KIND_SHIFT;
    result->badge = badge;
    result->words[0] = word;
    result->words[1] = last_word;
    result->word_count = kind == MESSAGE_SIGNAL ? 1 : 2;
    return result;
}

/* From `from`, by what `message` says, to `to`. What the sender may be told: OK alone when it has
 * been delivered. */
static u64 deliver(const struct spec_message *message, spec_ref from, spec_ref to, u64 willing,
                   enum message_kind kind)
{
    spec_ref received[MESSAGE_MAX_CAPS] = {SPEC_NONE, SPEC_NONE, SPEC_NONE, SPEC_NONE};
    bool lost = false;
    if (info_cap_count(message->info) > info_accept(willing))
        return only(STATUS_NOT_ACCEPTED);
    u64 allowed = hand_over(message, from, to, received, &lost);
    if (allowed != only(STATUS_OK))
        return allowed;
    struct spec_result *result =
        give_message(to, message->info, kind, message->badge, message->words[0], message->words[1]);
    result->info |= (message->info & INFO_FAILED) | (lost ? INFO_CAPS_LOST : 0);
    EACH (i, received)
        result->caps[i] = received[i];
    return allowed;
}

/* --- send, call, signal --- */

static bool is_sane(u64 info)
{
    return info_length(info) <= MESSAGE_MAX_INLINE && info_cap_count(info) <= MESSAGE_MAX_CAPS &&
           info_accept(info) <= MESSAGE_MAX_CAPS;
}

/* May the call be sent at all? The capability, or SPEC_NONE when the thread has been told. */
static spec_ref open_to_send(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = thread_at((spec_ref)call->thread)->process;
    spec_ref cap = lookup(process, call->handle, OBJECT_ENDPOINT, RIGHT_SEND, &allowed);
    if (cap != SPEC_NONE && !is_sane(call->info))
        allowed = only(STATUS_BAD_ARGUMENT);
    else if (cap != SPEC_NONE && endpoint_at(spec->caps[cap].object)->down)
        allowed = only(STATUS_PEER_CLOSED);
    if (allowed == only(STATUS_OK))
        return cap;
    finish(call->thread, allowed);
    return SPEC_NONE;
}

static void wait_to_send(const struct spec_call *call, enum spec_wait wait, spec_ref cap)
{
    struct spec_thread *thread = thread_at((spec_ref)call->thread);
    thread->message = message_of(call, spec->caps[cap].badge);
    thread->willing = call->info;
    begin_wait(call->thread, wait, spec->caps[cap].object, cap, call->deadline_ns);
}

void call_send(const struct spec_call *call)
{
    spec_ref cap = open_to_send(call);
    if (cap == SPEC_NONE)
        return;
    spec_ref at = spec->caps[cap].object;
    struct spec_endpoint *endpoint = endpoint_at(at);
    spec_ref receiver = first_in_line(at, false);
    const struct spec_message message = message_of(call, spec->caps[cap].badge);
    if (receiver != SPEC_NONE) {
        u64 allowed = deliver(&message, (spec_ref)call->thread, receiver,
                              thread_at(receiver)->willing, MESSAGE_SEND);
        if (allowed == only(STATUS_OK))
            stop_waiting(receiver);
        finish(call->thread, allowed);
    } else if (endpoint->queued < endpoint->depth && info_cap_count(call->info) == 0 &&
               !a_one_way_sender_waits(at)) {
        spec->overflow |= endpoint->queued == SPEC_QUEUE;
        endpoint->queue[endpoint->queued++ % SPEC_QUEUE] = message;
        finish(call->thread, only(STATUS_OK));
    } else if (call->info & INFO_NONBLOCK) {
        finish(call->thread, only(endpoint->depth > 0 ? STATUS_FULL : STATUS_WOULD_BLOCK));
    } else {
        wait_to_send(call, SPEC_SENDS, cap);
    }
}

void begin_service(spec_ref caller, spec_ref server)
{
    thread_at(caller)->server = server;
    thread_at(server)->serving = caller;
}

void call_call(const struct spec_call *call)
{
    spec_ref cap = open_to_send(call);
    if (cap == SPEC_NONE)
        return;
    spec_ref at = spec->caps[cap].object;
    spec_ref receiver = first_in_line(at, false);
    if (receiver == SPEC_NONE && (call->info & INFO_NONBLOCK)) {
        finish(call->thread, only(STATUS_WOULD_BLOCK));
        return;
    }
    if (receiver == SPEC_NONE) {
        wait_to_send(call, SPEC_CALLS, cap);
        return;
    }
    const struct spec_message message = message_of(call, spec->caps[cap].badge);
    /* The capability may be what the message moves. */
    u64 handle = spec->caps[cap].handle;
    u64 allowed = deliver(&message, (spec_ref)call->thread, receiver, thread_at(receiver)->willing,
                          MESSAGE_CALL);
    if (allowed != only(STATUS_OK)) {
        finish(call->thread, allowed);
        return;
    }
    stop_waiting(receiver);
    thread_at((spec_ref)call->thread)->willing = call->info;
    bool kept = spec->caps[cap].used && spec->caps[cap].handle == handle;
    begin_wait(call->thread, SPEC_SERVED, at, kept ? cap : SPEC_NONE, call->deadline_ns);
    begin_service((spec_ref)call->thread, receiver);
}

void call_signal(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = thread_at((spec_ref)call->thread)->process;
    spec_ref cap = lookup(process, call->handle, OBJECT_ENDPOINT, RIGHT_SIGNAL, &allowed);
    finish(call->thread, allowed);
    if (cap == SPEC_NONE)
        return;
    u64 bits = spec->caps[cap].badge ? spec->caps[cap].badge : 1;
    spec_ref receiver = first_in_line(spec->caps[cap].object, false);
    if (receiver == SPEC_NONE) {
        endpoint_at(spec->caps[cap].object)->signals |= bits;
        return;
    }
    stop_waiting(receiver);
    (void)give_message(receiver, 0, MESSAGE_SIGNAL, 0, bits, 0);
}

/* --- receive, reply --- */

static void take_sender(spec_ref sender, spec_ref receiver, u64 willing)
{
    bool wants_reply = thread_at(sender)->wait == SPEC_CALLS;
    spec_ref endpoint = thread_at(sender)->endpoint;
    u64 allowed = deliver(&thread_at(sender)->message, sender, receiver, willing,
                          wants_reply ? MESSAGE_CALL : MESSAGE_SEND);
    if (allowed != only(STATUS_OK) || !wants_reply) {
        stop_waiting(sender);
        finish((u32)sender, allowed);
        return;
    }
    /* The same wait, by the same capability if it is still there, now for the reply. */
    thread_at(sender)->wait = SPEC_SERVED;
    thread_at(sender)->endpoint = endpoint;
    begin_service(sender, receiver);
}

static u32 next_source(const struct spec_endpoint *endpoint, spec_ref at)
{
    for (u32 i = 0; i < SOURCES; i++) {
        u32 source = (endpoint->turn + i) % SOURCES;
        if ((source == SIGNALS && endpoint->signals != 0) ||
            (source == QUEUE && endpoint->queued > 0) ||
            (source == SENDERS && first_in_line(at, true) != SPEC_NONE))
            return source;
    }
    return SOURCES;
}

static void take_queued(struct spec_endpoint *endpoint, spec_ref receiver)
{
    const struct spec_message *oldest = &endpoint->queue[0];
    (void)give_message(receiver, oldest->info, MESSAGE_SEND, oldest->badge, oldest->words[0],
                       oldest->words[1]);
    endpoint->queued--;
    for (u32 i = 0; i < endpoint->queued; i++)
        endpoint->queue[i] = endpoint->queue[i + 1];
}

static void receive(const struct spec_call *call, spec_ref cap, bool may_block)
{
    spec_ref at = spec->caps[cap].object;
    spec_ref receiver = (spec_ref)call->thread;
    struct spec_endpoint *endpoint = endpoint_at(at);
    spec_ref sender;
    finish(call->thread, 0);
    while (thread_at(receiver)->result.allowed == 0) {
        u32 source = next_source(endpoint, at);
        if (source == SOURCES)
            break;
        endpoint->turn = (source + 1) % SOURCES;
        if (source == SIGNALS) {
            (void)give_message(receiver, 0, MESSAGE_SIGNAL, 0, endpoint->signals, 0);
            endpoint->signals = 0;
        } else if (source == QUEUE) {
            take_queued(endpoint, receiver);
        } else {
            sender = first_in_line(at, true);
            take_sender(sender, receiver, call->info);
        }
    }
    if (thread_at(receiver)->result.allowed != 0)
        return;
    if (peer_is_gone(at) || !may_block) {
        finish(call->thread, only(peer_is_gone(at) ? STATUS_PEER_CLOSED : STATUS_WOULD_BLOCK));
        return;
    }
    thread_at(receiver)->result.fresh = false;
    thread_at(receiver)->willing = call->info;
    begin_wait(call->thread, SPEC_RECEIVES, at, cap, call->deadline_ns);
}

/* The thread has nothing to do with the call any more, which waits on. */
void let_go(spec_ref caller)
{
    thread_at(thread_at(caller)->server)->serving = SPEC_NONE;
    thread_at(caller)->server = SPEC_NONE;
}

/* Nobody answers the call that the thread has taken; one that it has only adopted can still be
 * answered. */
static void drop_caller(spec_ref server, enum status status)
{
    spec_ref caller = thread_at(server)->serving;
    if (caller == SPEC_NONE)
        return;
    if (thread_at(caller)->reply != SPEC_NONE)
        let_go(caller);
    else
        end_wait((u32)caller, status);
}

void call_receive(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = thread_at((spec_ref)call->thread)->process;
    spec_ref cap = lookup(process, call->handle, OBJECT_ENDPOINT, RIGHT_RECEIVE, &allowed);
    if (cap != SPEC_NONE && !is_sane(call->info))
        allowed = only(STATUS_BAD_ARGUMENT);
    finish(call->thread, allowed);
    if (allowed != only(STATUS_OK))
        return;
    drop_caller((spec_ref)call->thread, STATUS_REPLY_DROPPED);
    receive(call, cap, !(call->info & INFO_NONBLOCK));
}

/* The thread's message to a caller, or to nobody. What it may be told. */
static u64 answer(const struct spec_call *call, spec_ref caller)
{
    spec_ref server = (spec_ref)call->thread;
    if (!is_sane(call->info))
        return only(STATUS_BAD_ARGUMENT);
    if (caller == SPEC_NONE)
        return only(STATUS_NO_CALLER);
    const struct spec_message message = message_of(call, 0);
    u64 allowed = deliver(&message, server, caller, thread_at(caller)->willing, MESSAGE_REPLY);
    if (allowed == only(STATUS_OK))
        stop_waiting(caller);
    return allowed;
}

void call_reply(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = thread_at((spec_ref)call->thread)->process;
    if (call->handle == 0) {
        finish(call->thread, answer(call, thread_at((spec_ref)call->thread)->serving));
        return;
    }
    spec_ref cap = lookup(process, call->handle, OBJECT_REPLY, RIGHT_REPLY, &allowed);
    if (cap != SPEC_NONE)
        allowed = answer(call, spec->objects[spec->caps[cap].object].caller);
    finish(call->thread, allowed);
    /* Used up, unless the message itself has moved it away. */
    bool kept = cap != SPEC_NONE && spec->caps[cap].used &&
                spec->caps[cap].handle == call->handle && spec->caps[cap].process == process;
    if (allowed == only(STATUS_OK) && kept)
        remove_cap(cap, false);
}

void call_reply_receive(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = thread_at((spec_ref)call->thread)->process;
    spec_ref cap = lookup(process, call->handle, OBJECT_ENDPOINT, RIGHT_RECEIVE, &allowed);
    if (cap == SPEC_NONE) {
        finish(call->thread, allowed);
        return;
    }
    u64 handle = spec->caps[cap].handle;
    allowed = answer(call, thread_at((spec_ref)call->thread)->serving);
    /* That the caller has left is no reason not to receive the next. */
    if (allowed != only(STATUS_OK) && allowed != only(STATUS_NO_CALLER)) {
        finish(call->thread, allowed);
        return;
    }
    if (spec->caps[cap].used && spec->caps[cap].handle == handle)
        receive(call, cap, true);
    else /* the reply has moved it away: what follows is a receive by a handle that is gone */
        finish(call->thread, only(STATUS_REVOKED) | only(STATUS_STALE_HANDLE));
}

/* --- cancel, exit, kill --- */

void call_cancel(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = thread_at((spec_ref)call->thread)->process;
    spec_ref cap = lookup(process, call->handle, OBJECT_THREAD, RIGHT_CONTROL, &allowed);
    spec_ref target = cap == SPEC_NONE ? SPEC_NONE : spec->objects[spec->caps[cap].object].what;
    bool ends = target != SPEC_NONE && waits(thread_at(target));
    if (target != SPEC_NONE && !ends)
        allowed = only(STATUS_NOT_FOUND);
    finish(call->thread, allowed);
    if (ends)
        end_wait((u32)target, STATUS_CANCELLED);
}

void end_thread(u32 thread)
{
    struct spec_thread *at = &spec->threads[thread];
    if (at->wait == SPEC_ENDED)
        return;
    drop_caller((spec_ref)thread, STATUS_SERVER_DIED);
    stop_waiting((spec_ref)thread);
    at->serving = SPEC_NONE;
    at->wait = SPEC_ENDED;
    at->result.fresh = false;
    EACH (i, spec->threads)
        if (spec->threads[i].used && spec->threads[i].process == at->process &&
            spec->threads[i].wait != SPEC_ENDED)
            return;
    end_process(at->process);
}

void end_process(spec_ref process)
{
    if (spec->processes[process].dead)
        return;
    spec->processes[process].dead = true;
    EACH (i, spec->threads)
        if (spec->threads[i].used && spec->threads[i].process == process)
            end_thread(i);
    EACH (i, spec->caps)
        if (spec->caps[i].used && spec->caps[i].process == process) {
            spec->objects[spec->caps[i].object].holder_died = true;
            remove_cap((spec_ref)i, false);
        }
}

void call_exit(const struct spec_call *call)
{
    if (call->words[1] == 1)
        end_thread(call->thread);
    else
        end_process(thread_at((spec_ref)call->thread)->process);
}

/* A thread. */
void call_kill(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = thread_at((spec_ref)call->thread)->process;
    spec_ref cap = lookup(process, call->handle, OBJECT_THREAD, RIGHT_KILL, &allowed);
    finish(call->thread, allowed);
    if (cap != SPEC_NONE)
        end_thread((u32)spec->objects[spec->caps[cap].object].what);
}
