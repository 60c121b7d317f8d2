/*
 * The small world that is explored: the real kernel on a simulated machine with two processes, a
 * few threads, two endpoints and a memory object, and the ways to move it on.
 *
 * Init (process 0, thread 0) makes it and then waits for ever. What stands here are its parts by
 * number; none is made anew afterwards, so pointers stay good, and an object that has died is asked
 * for in the ledger.
 */
#ifndef WORLD_H
#define WORLD_H

#include "ipc/endpoint.h"
#include "mm/memory.h"
#include "proc/process.h"
#include "tests/sim/simulator.h"
#include "tests/sim/spec/spec.h"

#define WORLD_THREADS   4u /* init's included */
#define WORLD_PROCESSES 3u
#define WORLD_ENDPOINTS 4u            /* two from the start, and a channel's that a call has made */
#define WORLD_OWN       2u            /* those from the start */
#define WORLD_CLONES    3u            /* memory objects that calls have made, at once */
#define WORLD_PAGE      0x30000000ull /* where memory is mapped, in each process */

/* Steps take microseconds, grace times last minutes, deadlines lie days apart: nothing becomes due
 * but when time is made to pass. */
#define GRACE_NS    1000000000000ull
#define FAR_NS      1000000000000000ull
#define WORLD_TIMES 64u

struct world_config {
    const char *name;
    u32 threads; /* of process 1: one or two; process 2 has one */
    u32 cpus;
    u32 slot_limit; /* of both processes together */
    u32 queue_depth[WORLD_OWN];
    u64 grace_ns[WORLD_OWN];
    bool channel;  /* the two endpoints are the ends of a channel */
    bool groups;   /* both processes have a group to create from */
    bool mastered; /* process 2 has what process 1 receives and sends by descend from it, and may
                      kill and cancel its threads */
    u64 alphabet;  /* mask of groups of calls: enum act_group */
};

struct world {
    const struct world_config *config;
    u32 thread_count; /* init's included */
    struct thread *threads[WORLD_THREADS];
    struct process *processes[WORLD_PROCESSES];
    struct endpoint *endpoints[WORLD_ENDPOINTS]; /* NULL: gone, or not made */
    struct memory *memory;                       /* NULL: gone */
    struct memory *clones[WORLD_CLONES];         /* NULL: none */
    struct object *group;
    /* The same in the specification. */
    spec_ref spec_endpoints[WORLD_ENDPOINTS];
    spec_ref spec_memory;
    spec_ref spec_processes[WORLD_PROCESSES];
    spec_ref spec_threads[WORLD_THREADS];
};

/* Part of the machine's state, for what calls have made comes and goes. */
extern struct world world;

/* The specification's state: part of the machine's, so that it is saved with it. */
struct spec *world_spec(void);

/* Powers on, makes the world, and makes it the base of saved states. */
void world_make(const struct world_config *config);

/* The thread's call has made a capability to a new object: it gets a number. */
void world_note_made(u32 thread, spec_ref cap);
/* Is there a number for another channel, or clone? */
bool world_has_room_for(enum object_type type);
/* The number of the endpoint with this lock; WORLD_ENDPOINTS: it is none. */
u32 world_endpoint_locked_by(const struct spinlock *lock);

/* With two CPUs each process's threads stay on one. */
u32 world_cpu_of(u32 thread);

/* The thread can make a call now. */
bool world_can_act(u32 thread);
/* Thread `call->thread` makes the call, in the kernel and in the specification; then the kernel
 * finishes what it began. What differs between the two is noted (violated). */
void world_call(const struct spec_call *call);
/* With two CPUs, in the kernel alone: two threads call at once, interleaved as the legs say (see
 * port/sim.h). False: a leg was cut short. */
bool world_race(const struct spec_call *first, const struct spec_call *second,
                const struct sim_leg *legs, u32 leg_count);
/* The same calls one after the other, the second if its thread still can. */
void world_sequence(const struct spec_call *first, const struct spec_call *second);
/* Time passes to the next deadline. False: there is none. */
bool world_pass_time(void);
bool world_time_can_pass(void);
/* Times to come that mean something to the state: deadlines, ends of grace times, expiries. */
u32 world_times(u64 *times, u32 limit);
/* A deadline later than all of them. */
u64 world_new_deadline(void);
/* The handle that each process remembers as gone; part of the state. */
u64 world_gone_handle(u32 process);

/* lockstep.c: compares kernel and specification. */
void lockstep_check(void);

/* canonical.c: what the state is, but for numbers that mean nothing: two states with equal
 * fingerprints go on alike. `blind`: a field to leave out, to see that this is noticed. */
enum canonical_field {
    FIELD_NONE = 0,
    FIELD_SIGNALS,
    FIELD_QUEUE,
    FIELD_SENDERS,
    FIELD_RIGHTS,
    FIELD_BADGE,
    FIELD_TREE,
    FIELD_SERVING,
    FIELD_TURN,
    FIELD_WAIT_REF,
    FIELD_DEADLINES,
    FIELD_MAPPINGS,
    FIELD_REPLY,
    FIELD_COUNT
};
u64 canonical_fingerprint(void);
void canonical_blind(enum canonical_field field);
const char *canonical_field_name(enum canonical_field field);

#endif
