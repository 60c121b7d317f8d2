/* Endpoints: queues against the states of threads. */
#include "view.h"

#include "ipc/reply.h"
#include "peek.h"

/* Calls `check` for each live endpoint. */
static void each_endpoint(const char *name,
                          void (*check)(const char *name, const struct endpoint *endpoint))
{
    struct endpoint *endpoint;
    u32 cursor = 0;
    while (!run_has_failed() && (endpoint = ledger_next("endpoint", &cursor)) != NULL)
        if (endpoint->object.references >
            0) /* else it has been released and waits for its grace period */
            check(name, endpoint);
}

/* A queue of threads that all wait for the endpoint, in the way that `kind` says. */
static void check_queue(const char *name, const struct endpoint *endpoint, const struct list *queue,
                        const char *what)
{
    LIST_FOREACH (link, queue) {
        const struct thread *thread = LIST_ENTRY(link, struct thread, wait_link);
        EXPECT(name, ledger_holds("thread", thread), "a freed thread is among the %s", what);
        if (run_has_failed())
            return;
        EXPECT(name, thread->wait_lock == &endpoint->lock,
               "thread %llu is among the %s but waits for something else",
               (unsigned long long)thread->object.id, what);
    }
}

/* Threads of a queue that a partner would take: not those whose capability has been revoked, who
 * are about to be told so. */
static u32 count_welcome(const struct endpoint *endpoint, const struct list *queue)
{
    u32 count = 0;
    LIST_FOREACH (link, queue) {
        const struct thread *thread = LIST_ENTRY(link, struct thread, wait_link);
        const struct cap_slot *slot = peek_slot(thread->space, thread->wait_mark.handle);
        count += thread->wait_mark.handle == 0 ||
                 thread->wait_mark.epoch == endpoint->object.epoch ||
                 (slot && !peek_is_revoked(slot));
    }
    return count;
}

static void check_queues(const char *name, const struct endpoint *endpoint)
{
    check_queue(name, endpoint, &endpoint->senders, "senders");
    u32 senders = count_welcome(endpoint, &endpoint->senders);
    check_queue(name, endpoint, &endpoint->receivers, "receivers");
    u32 receivers = count_welcome(endpoint, &endpoint->receivers);
    u32 queued = 0;
    check_queue(name, endpoint, &endpoint->served, "served");
    LIST_FOREACH (link, &endpoint->queue)
        queued++;
    EXPECT(name, queued == endpoint->queued && queued <= endpoint->depth,
           "endpoint %llu queues %u messages, counts %u, may have %u",
           (unsigned long long)endpoint->object.id, queued, endpoint->queued, endpoint->depth);
    EXPECT(name, receivers == 0 || (senders == 0 && queued == 0 && endpoint->signals == 0),
           "endpoint %llu has %u receivers waiting beside %u senders, %u messages, signals %llx",
           (unsigned long long)endpoint->object.id, receivers, senders, queued,
           (unsigned long long)endpoint->signals);
    EXPECT(name, !endpoint->lock.held, "the lock of endpoint %llu is held",
           (unsigned long long)endpoint->object.id);
}

static void endpoint_queues(const char *name)
{
    each_endpoint(name, check_queues);
}

static void check_served(const char *name, const struct endpoint *endpoint)
{
    LIST_FOREACH (link, &endpoint->served) {
        const struct thread *caller = LIST_ENTRY(link, struct thread, wait_link);
        EXPECT(name, caller->server || caller->reply, "thread %llu is served by nobody",
               (unsigned long long)caller->object.id);
        if (caller->server)
            EXPECT(name, caller->server->serving == caller,
                   "thread %llu is served by one that does not know",
                   (unsigned long long)caller->object.id);
        if (caller->reply)
            EXPECT(name, ledger_holds("reply", caller->reply) && caller->reply->caller == caller,
                   "thread %llu has been deferred to an object that does not know",
                   (unsigned long long)caller->object.id);
    }
}

static void served_callers(const char *name)
{
    each_endpoint(name, check_served);
}

/* The count of slots with the right to receive is what decides that an endpoint is down. */
static void check_receive_caps(const char *name, const struct endpoint *endpoint)
{
    u64 count = 0;
    for (u32 i = 0; i < view()->process_count; i++) {
        const struct cap_space *space = view()->spaces[i];
        for (u32 s = 0; s < space->slot_count; s++) {
            const struct cap_slot *slot = &space->chunks[s / CAP_CHUNK_SLOTS][s % CAP_CHUNK_SLOTS];
            count += peek_in_use(slot) && slot->object == &endpoint->object &&
                     (slot->meta & RIGHT_RECEIVE);
        }
    }
    EXPECT(name, count == endpoint->receive_caps,
           "endpoint %llu: %llu slots may receive, %llu counted",
           (unsigned long long)endpoint->object.id, (unsigned long long)count,
           (unsigned long long)endpoint->receive_caps);
}

static void receive_caps(const char *name)
{
    each_endpoint(name, check_receive_caps);
}

/* What has been answered, or has lost its caller, has none again: by object id. */
#define ANSWERED 4096u
static SIM_STATE u64 answered[ANSWERED];

static u32 slots_of(const struct object *object)
{
    u32 count = 0;
    for (u32 i = 0; i < view()->process_count; i++) {
        const struct cap_space *space = view()->spaces[i];
        for (u32 s = 0; s < space->slot_count; s++) {
            const struct cap_slot *slot = &space->chunks[s / CAP_CHUNK_SLOTS][s % CAP_CHUNK_SLOTS];
            count += peek_in_use(slot) && slot->object == object;
        }
    }
    return count;
}

/* A reply object has one capability at most, and a caller that waits and knows of it, or none for
 * good. */
static void replies(const char *name)
{
    const struct reply *reply;
    u32 cursor = 0;
    while (!run_has_failed() && (reply = ledger_next("reply", &cursor)) != NULL) {
        unsigned long long id = reply->object.id;
        u64 *line = &answered[id % ANSWERED];
        const struct thread *caller = reply->caller;
        EXPECT(name, slots_of(&reply->object) <= 1, "reply %llu has several capabilities", id);
        if (!caller) {
            *line = id;
            continue;
        }
        EXPECT(name, *line != id, "reply %llu has a caller again", id);
        EXPECT(name, ledger_holds("thread", caller), "reply %llu has a freed caller", id);
        if (run_has_failed())
            return;
        EXPECT(name,
               caller->reply == reply && caller->wait_lock &&
                   (caller->flags & THREAD_FLAG_DEFERRED),
               "reply %llu: its caller does not wait for it", id);
        EXPECT(name, caller->server || caller->activity,
               "reply %llu: its caller's activity is nowhere", id);
    }
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        EXPECT(name, !thread->reply == !(thread->flags & THREAD_FLAG_DEFERRED),
               "thread %llu: object and flag disagree", (unsigned long long)thread->object.id);
        EXPECT(name, !thread->reply || thread->wait_lock,
               "thread %llu has been deferred and does not wait",
               (unsigned long long)thread->object.id);
    }
}

/* Who serves a call waits no longer than the call. */
static void inherited_deadlines(const char *name)
{
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        unsigned long long id = thread->object.id;
        EXPECT(name,
               thread->serve_deadline == TIME_NEVER ||
                   (thread->serving && thread->serve_deadline == thread->serving->wait_deadline),
               "thread %llu has the deadline of a call that it does not serve", id);
        if (thread->server && thread->server->wait_lock && thread->server->server &&
            !thread->server->faulted)
            EXPECT(name, thread->server->wait_deadline <= thread->server->serve_deadline,
                   "thread %llu waits for longer than the call that it serves", id);
        if (thread->serving && thread->activity && thread->activity != thread->home &&
            thread->serving->lent == thread->activity)
            EXPECT(name, thread->serve_deadline == thread->serving->wait_deadline,
                   "thread %llu has not inherited the deadline of its call", id);
    }
}

/* The ends of a channel know each other; nobody waits to receive where nobody can send any more. */
static void check_channel(const char *name, const struct endpoint *endpoint)
{
    const struct endpoint *peer = endpoint->peer;
    unsigned long long id = endpoint->object.id;
    EXPECT(name, !peer || ledger_holds("endpoint", peer), "endpoint %llu has a freed peer", id);
    if (run_has_failed())
        return;
    EXPECT(name, !peer || peer->peer == endpoint, "endpoint %llu has a peer with another", id);
    EXPECT(name,
           list_is_empty(&endpoint->receivers) || !endpoint->peer_down ||
               (peer && peer->receive_caps > 0),
           "endpoint %llu has receivers though its peer is gone", id);
    EXPECT(name,
           !peer || !peer->down || peer->receive_caps > 0 || list_is_empty(&endpoint->receivers),
           "endpoint %llu has receivers though its peer is down", id);
}

static void channels(const char *name)
{
    each_endpoint(name, check_channel);
}

static bool is_being_revoked(const struct object *object)
{
    for (u32 i = 0; i < view()->thread_count; i++)
        if (view()->threads[i]->job_busy && view()->threads[i]->work_object == object)
            return true;
    for (u32 i = 0; i < view()->group_count; i++)
        if (view()->groups[i]->condemning == object)
            return true;
    return false;
}

/* A revocation that is over has looked at all who waited: those whose capability was good have the
 * object's new epoch since. So an old epoch is that of a capability that died, also where the
 * capability has left its slot since; one that was only closed or moved has the new one. */
static bool wait_is_revoked(const struct thread *thread, const struct object *object)
{
    if (thread->wait_mark.handle == 0)
        return false;
    return object->epoch != thread->wait_mark.epoch || object->state != OBJECT_LIVE;
}

/* Once a revocation is done nobody waits by a capability that it killed. */
static void check_revoked_waits(const char *name, const struct endpoint *endpoint)
{
    const struct list *const queues[] = {&endpoint->senders, &endpoint->receivers,
                                         &endpoint->served};
    if (is_being_revoked(&endpoint->object))
        return;
    for (u32 i = 0; i < ARRAY_SIZE(queues); i++) {
        LIST_FOREACH (link, queues[i]) {
            const struct thread *thread = LIST_ENTRY(link, struct thread, wait_link);
            EXPECT(name, !wait_is_revoked(thread, &endpoint->object),
                   "thread %llu waits at endpoint %llu by a capability that has been revoked",
                   (unsigned long long)thread->object.id, (unsigned long long)endpoint->object.id);
        }
    }
}

static void revoked_waits(const char *name)
{
    each_endpoint(name, check_revoked_waits);
}

const struct invariant invariants_ipc[] = {
    {"endpoint_queues", endpoint_queues},
    {"served_callers", served_callers},
    {"receive_caps", receive_caps},
    {"replies", replies},
    {"channels", channels},
    {"inherited_deadlines", inherited_deadlines},
    {"revoked_waits", revoked_waits},
    {NULL, NULL},
};
