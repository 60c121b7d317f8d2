/*
 * For ipc/ alone: what is told of calls.
 *
 * A call that a waiting server takes at once is one event, IPC_ROUND, written in the caller's name
 * when it has ended, however it ends. Until then only when it began is remembered (called_at); the
 * rest is in the caller's wait. A call that waits to be taken has events at its beginning
 * (IPC_CALL), when it is taken (IPC_RECEIVE) and at its end (IPC_REPLY); and so has one that its
 * server lets go of: then its beginning is told late, with its own time.
 *
 * Locks: all under the lock of the call's endpoint.
 */
#ifndef IPC_CALL_EVENTS_H
#define IPC_CALL_EVENTS_H

#include "ipc/endpoint_internal.h"
#include "trace/trace.h"

/* Did the call begin in a way that its end has to tell of, and while calls were recorded? */
static inline bool call_is_noted(const struct cpu *cpu, const struct thread *caller)
{
    return caller->called_at >= cpu->trace_calls_since;
}

/* The call that begins has events of its own at its end, if at all. */
static inline void call_forget(struct thread *caller)
{
    if (TRACE_BUILT)
        caller->called_at = 0;
}

/* The call that begins is taken at once. */
static inline void call_note(struct thread *caller, struct endpoint *endpoint, u64 badge, u64 now)
{
    caller->called_at = now;
    caller->wait_object = endpoint;
    caller->message_badge = badge;
}

static inline u64 event_pair(u64 high, u64 low)
{
    return high << 32 | (u32)low;
}

/* `answer`: the label of the reply, or the status that the caller gets in its place. */
static inline void call_put_round(struct cpu *cpu, const struct endpoint *endpoint,
                                  const struct thread *caller, const struct thread *server,
                                  u32 answer, u64 now)
{
    trace_put(cpu, &caller->trace, now, TRACE_IPC_ROUND,
              event_pair(server->object.id, endpoint->object.id),
              event_pair(answer, info_label(caller->message_info)), caller->message_badge,
              now - caller->called_at);
}

/* The call is over: before it is parted from its server. `replier` has answered; NULL: nobody has.
 */
void call_tell_end(const struct thread *caller, const struct thread *replier, u32 label,
                   enum status failure);
/* Its server no longer works for it, and it goes on. */
void call_tell_begin(struct thread *caller);

/* The running thread has a message that was there when it asked. Told as part of the message's
 * trace, not of what the receiver did before. */
void message_tell_receipt(const struct endpoint *endpoint, const struct thread *receiver);

#endif
