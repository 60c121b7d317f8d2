/*
 * Looking into the kernel without changing it, for the program generator and the invariants. Only
 * while no CPU is inside the kernel, or on the fiber of the CPU in question while it is in user
 * mode; what is found may be stale a moment later when other CPUs run.
 */
#ifndef PEEK_H
#define PEEK_H

#include "cap/space.h"
#include "mm/vspace.h"
#include "port/sim.h"

struct process;
struct thread;

/* What the generator needs to know of a thread. */
struct who {
    struct thread *thread;
    struct process *process;
    struct cap_space *space;
    struct vspace *vspace;
    u64 thread_id;
    u64 process_id;
    u64 message_buffer; /* user address; 0: none */
    bool is_init;       /* a thread of init */
    bool is_init_main;
};

void peek_who(const struct arch_context *context, struct who *who);

/* Slot 0 of a space holds a value that is no handle. */
static inline bool peek_in_use(const struct cap_slot *slot)
{
    return slot->handle != 0 && slot->handle != UINT64_MAX;
}

/* The slot that `handle` names in `space`; NULL: none. */
const struct cap_slot *peek_slot(const struct cap_space *space, u64 handle);
/* The slot at an index, occupied or not; NULL past the end. */
const struct cap_slot *peek_slot_at(const struct cap_space *space, u32 index);

static inline enum object_type peek_slot_type(const struct cap_slot *slot)
{
    return (enum object_type)(slot->meta >> CAP_META_TYPE_SHIFT);
}

/* Has the capability been revoked, or its object destroyed, so that no use of it may succeed from
 * now on? False if that is being decided at this moment on another CPU. */
bool peek_is_revoked(const struct cap_slot *slot);

/* Objects that programs must not destroy, or the run ends: init's process and main thread, the root
 * group. */
bool peek_is_vital(const struct object *object);

/* The page at `address` is mapped with all of `access` (ACCESS_*). */
bool peek_is_mapped(const struct vspace *vspace, u64 address, u32 access);

/* Some object that some process has a capability to; NULL: none was found. Between steps. */
const struct object *peek_any_object(struct sim_random *random);

/* A process other than init that runs, or a thread of init other than its main one; NULL: none. For
 * clean-up. */
struct object *peek_any_survivor(void);

/* Gives the current thread's space a capability with all rights to `object`, from nowhere: only for
 * clean-up. On the fiber of that thread's CPU. False: no slot. */
bool peek_conjure(struct cap_space *space, struct object *object, u64 *handle);

#endif
