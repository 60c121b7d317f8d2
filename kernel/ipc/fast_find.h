/* For ipc/fast*.c alone: steps that its short ways share. */
#ifndef IPC_FAST_FIND_H
#define IPC_FAST_FIND_H

#include "ipc/endpoint_internal.h"

/* What was found; whether `epoch` is the endpoint's is still to be asked, under its lock. */
struct found {
    struct endpoint *endpoint;
    u64 epoch;
    u64 badge;
};

/* An endpoint, with this right, without expiry? Anything else is for cap_lookup to tell. */
static inline bool fast_find(const struct cap_space *space, u64 handle, u64 right,
                             struct found *found)
{
    const u64 looked_at = 0xffull << CAP_META_TYPE_SHIFT | CAP_FLAG_EXPIRES | right;
    const u64 wanted = (u64)OBJECT_ENDPOINT << CAP_META_TYPE_SHIFT | right;
    const struct cap_slot *slot = cap_slot_of(space, handle);
    if (unlikely(ATOMIC_LOAD(&slot->handle) != handle) ||
        unlikely((slot->meta & looked_at) != wanted))
        return false;
    *found = (struct found){
        .endpoint = endpoint_of(slot->object), .epoch = slot->epoch, .badge = slot->badge};
    ATOMIC_FENCE_ACQUIRE();
    /* All of that was this capability's if it still is there. */
    return likely(ATOMIC_LOAD(&slot->handle) == handle);
}

/* Is there anything for the way out to look at? The way without events is taken only if the CPU's
 * attention is on nothing at all. */
static inline bool has_to_look(const struct cpu *cpu, bool traced)
{
    return traced && unlikely(cpu->attention.look != 0);
}

/* Lock held: what wait_end does where there is no deadline. */
static inline void fast_end_wait(struct thread *thread)
{
    list_unlink(&thread->wait_link);
    ATOMIC_STORE(&thread->wait_lock, NULL);
}

#endif
