/*
 * Reply objects: the one-shot right to answer a call, kept apart from the thread that took the
 * call.
 *
 * A call in `served` is known to the thread that serves it, to a reply object, or (adopted) to
 * both. One capability leads to a reply object; it can be moved, not copied. Answering uses it up.
 * When it goes without an answer, the call fails.
 *
 * Locks: `caller`, and the caller's `reply`, belong to the lock of the endpoint that the call went
 * through. `caller` is set once and cleared once.
 */
#ifndef IPC_REPLY_H
#define IPC_REPLY_H

#include "ipc/endpoint.h"

struct reply {
    struct object object;
    struct thread *caller; /* atomic; NULL: answered, or it has left */
    bool holder_died;      /* atomic */
};

static inline struct reply *reply_of(struct object *object)
{
    return CONTAINER_OF(object, struct reply, object);
}

void reply_init(void);

/* Turns the call that the current thread serves into a reply object, paid by `payer`, and its
 * capability in the thread's space. NO_CALLER; BUSY: the call has an object, and is adopted; errors
 * of a creation and of cap_insert_root. */
enum status reply_defer(struct thread *server, struct payer *payer, cap_t *handle) MUST_USE;

/* The current thread goes on under the call's activity; what it had adopted before it lets go,
 * whatever the outcome. `ref` NULL: that alone. BUSY: it serves a call that is not deferred, or
 * another thread has adopted this one; NO_CALLER, STALE_HANDLE. */
enum status reply_adopt(struct thread *server, const struct cap_ref *ref) MUST_USE;

/* Object operations. */
void reply_release(struct object *object);
void reply_reclaim(struct object *object);
void reply_holders_gone(struct object *object, bool died);

#endif
