/* For the files of the specification. */
#ifndef SPEC_INTERNAL_H
#define SPEC_INTERNAL_H

#include "tests/sim/spec/spec.h"

#define EACH(i, array) for (u32 i = 0; i < sizeof(array) / sizeof((array)[0]); i++)

extern struct spec *spec;
extern const struct spec_oracle *oracle;

static inline u64 only(enum status status)
{
    return 1ull << status;
}

/* The caller's call is over, or a waiting thread's is. */
void finish(u32 thread, u64 allowed);

/* --- Capabilities (spec_cap.c) --- */

/* Finds what a handle names: the capability, or the statuses allowed. */
spec_ref lookup(spec_ref process, u64 handle, enum object_type type, u32 rights, u64 *allowed);
spec_ref add_cap(const struct spec_cap *cap);
/* The first capability to an object that a call has made. */
spec_ref add_first_cap(spec_ref process, spec_ref object, u32 rights, u64 size);
/* The capability leaves its process; its children go to its parent. */
void remove_cap(spec_ref cap, bool revoked);
/* Checks whether it may be handed on. */
u64 may_transfer(spec_ref process, const struct message_cap *wanted, spec_ref *cap);
/* Handing on what has been checked. SPEC_NONE: TOO_DEEP. */
spec_ref hand_copy(spec_ref cap, spec_ref to, u32 rights);
void hand_move(spec_ref cap, spec_ref to, u32 rights);
/* Objects that nobody names go; endpoints that nobody can receive from any more begin to be down.
 */
void settle(void);

void call_derive(const struct spec_call *call);
void call_grant(const struct spec_call *call);
void call_revoke(const struct spec_call *call);
void call_close(const struct spec_call *call);
void call_inspect(const struct spec_call *call);
void call_map(const struct spec_call *call);
void call_unmap(const struct spec_call *call);
void call_clone_memory(const struct spec_call *call);

/* --- Reply objects, channels (spec_reply.c) --- */

void call_defer(const struct spec_call *call);
void call_adopt(const struct spec_call *call);
void call_create_channel(const struct spec_call *call);

/* --- Messages (spec_ipc.c) --- */

/* The server has taken the caller's call; it has nothing to do with it any more. */
void begin_service(spec_ref caller, spec_ref server);
void let_go(spec_ref caller);
/* Ends a wait with a status. */
void end_wait(u32 thread, enum status status);
/* The endpoint ends all waits: those of senders alone, or all. */
void end_waits_of(spec_ref endpoint, bool only_senders, enum status status);
/* Nobody has been able to receive there for longer than the grace time. */
void go_down(spec_ref endpoint);
/* The object is gone: who waits there, or because of it, is told. */
void end_object(spec_ref object);
void end_thread(u32 thread);
void end_process(spec_ref process);

void call_send(const struct spec_call *call);
void call_call(const struct spec_call *call);
void call_receive(const struct spec_call *call);
void call_reply(const struct spec_call *call);
void call_reply_receive(const struct spec_call *call);
void call_signal(const struct spec_call *call);
void call_cancel(const struct spec_call *call);
void call_exit(const struct spec_call *call);
void call_kill(const struct spec_call *call);

#endif
