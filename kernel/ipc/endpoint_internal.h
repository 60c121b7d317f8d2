/* For ipc/ alone. */
#ifndef IPC_ENDPOINT_INTERNAL_H
#define IPC_ENDPOINT_INTERNAL_H

#include "ipc/endpoint.h"

extern const struct wait_ops send_ops;    /* in senders */
extern const struct wait_ops receive_ops; /* in receivers */
extern const struct wait_ops reply_ops;   /* in served */

/* A one-way message that waits without its sender. Charged to the endpoint's payer. */
struct queued_message {
    struct list link;
    u64 info;
    u64 badge;
    u64 trace;
    u64 words[MESSAGE_WORDS];
    u8 data[MESSAGE_MAX_INLINE];
};

enum status queued_message_create(struct endpoint *endpoint, struct queued_message **out) MUST_USE;
void queued_message_free(struct endpoint *endpoint, struct queued_message *message);

/* Moves what the sender's info word, registers and buffer hold into the receiver's registers and
 * buffer; `to_info` is what the receiver is willing to take. Both threads are stopped.
 * NOT_ACCEPTED, or what a capability transfer fails with; then nothing has moved. Called under the
 * endpoint's lock. */
enum status message_deliver(struct thread *from, struct thread *to, u64 info, u64 to_info,
                            enum message_kind kind, u64 badge) MUST_USE;
/* From a queued message; cannot fail. */
void message_deliver_queued(const struct queued_message *message, struct thread *to);
/* Pending signal bits. */
static inline void message_deliver_signals(u64 bits, struct thread *to)
{
    to->context.words[0] = bits;
    to->context.number = STATUS_OK;
    to->context.info = (u64)MESSAGE_SIGNAL << INFO_KIND_SHIFT;
    to->context.handle = 0;
    to->context.aux = 0;
}

/* The fault of `from`. */
void message_deliver_fault(const struct thread *from, struct thread *to);

/* Has the capability by which the thread waits here been revoked? A fault's wait has none. */
static inline bool endpoint_wait_is_revoked(struct endpoint *endpoint, struct thread *thread)
{
    return thread->wait_mark.handle &&
           cap_mark_is_revoked(&thread->wait_mark, thread->space, &endpoint->object);
}

/* Are length and capability count within bounds? */
static inline bool message_info_is_sane(u64 info)
{
    return info_length(info) <= MESSAGE_MAX_INLINE && info_cap_count(info) <= MESSAGE_MAX_CAPS &&
           info_accept(info) <= MESSAGE_MAX_CAPS;
}

/* Lock held: has it been without a receiver for longer than its grace time? */
bool endpoint_is_down_locked(struct endpoint *endpoint);

/* Lock held: is the other end of this channel down, so that there is nothing to wait for? */
bool endpoint_peer_is_down_locked(struct endpoint *endpoint);

/* Lock held: `server` serves `caller`, which waits, from now on and has its activity. */
void endpoint_begin_service(struct thread *caller, struct thread *server);
/* The same for the current thread, which may still run on what a caller that has left had lent. */
void endpoint_take_over(struct thread *caller, struct thread *server);

/* The caller of the call that `*place` (a thread's `serving`, a reply's `caller`) names, with the
 * lock of the call's endpoint held, which is *lock. NULL, and nothing held: there is no call, or
 * the caller has left. */
struct thread *call_lock(struct thread *const *place, struct spinlock **lock);
/* Lock held: the call is over; its server and its reply object forget the caller. Whose activity is
 * whose is not touched. */
void call_part(struct thread *caller);
/* Lock held: the current thread no longer works for the caller, which waits on, with its own
 * activity; the thread goes on with its own. */
void call_let_go(struct thread *caller, struct thread *server);

/* Lock held: the first receiver whose capability has not been revoked (the others are about to be
 * told); NULL if there is none. */
struct thread *endpoint_first_receiver(struct endpoint *endpoint);

#endif
