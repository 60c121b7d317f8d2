/*
 * System calls: the handlers, and what they share.
 *
 * Each handler has the same rhythm: decode, look up, validate everything, reserve everything, then
 * act without failing. A call that fails has changed nothing. Handlers read the current thread's
 * registers and set its results; a handler that blocks leaves no thread current.
 */
#ifndef SYSCALL_SYSCALL_H
#define SYSCALL_SYSCALL_H

#include "abi/syscalls.h"
#include "proc/process.h"

/* One prototype for each call in abi/syscalls.def. */
#define SYSCALL(number, name) void syscall_##name(struct thread *thread);
#include "abi/syscalls.def"
#undef SYSCALL

/* Word `i` of the current call. */
static inline u64 arg(const struct thread *thread, u32 i)
{
    return thread->context.words[i];
}

static inline void set_result(struct thread *thread, u32 i, u64 value)
{
    thread->context.words[i] = value;
}

/* Looks up another handle than the call's. */
MUST_USE static inline enum status syscall_lookup_at(struct thread *thread, u64 handle,
                                                     enum object_type type, u32 rights,
                                                     struct cap_ref *ref)
{
    return cap_lookup(thread->space, handle, type, rights, ref);
}

/* Looks up the call's handle. */
MUST_USE static inline enum status syscall_lookup(struct thread *thread, enum object_type type,
                                                  u32 rights, struct cap_ref *ref)
{
    return syscall_lookup_at(thread, thread->context.handle, type, rights, ref);
}

/* The group named by the call's handle, with a reference. */
enum status syscall_take_group(struct thread *thread, u32 rights, struct group **group) MUST_USE;

/* A finished object's first capability with `rights` for the calling process: in w0. Consumes the
 * caller's reference to the object; on failure the object is gone. */
void syscall_return_object(struct thread *thread, struct object *object, u32 rights, u64 range_end);

#endif
