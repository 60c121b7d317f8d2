/*
 * Directed programs: scenarios in the simulated machine, where each system call is made on purpose
 * and its outcome is asserted. For the files directed_*.c; the random programs are in program_*.c.
 *
 *     SCENARIO(a_signal_waits_for_its_receiver)
 *     {
 *         struct actor *init = directed_init();
 *         u64 endpoint = make_endpoint(init, 0, 0);
 *         CHECK_EQ(call(init, CALL(signal, endpoint)), STATUS_OK);
 *         ...
 *     }
 *
 * Every scenario begins with a freshly booted machine with init alone in it. After every call the
 * simulator's invariants are checked; at the end of a scenario all processes but init are killed,
 * init closes what it was not given at its start, and the counts of objects, capabilities and
 * frames must be what they were.
 *
 * An actor is a simulated thread. Nothing runs unless the scenario says so: threads that are ready
 * but not meant stand still in user mode, or yield (which they do not notice) so that the one meant
 * gets a CPU.
 */
#ifndef DIRECTED_H
#define DIRECTED_H

#include "abi/fault.h"
#include "abi/machine.h"
#include "abi/memory.h"
#include "abi/message.h"
#include "abi/rights.h"
#include "abi/spawn.h"
#include "abi/status.h"
#include "peek.h"
#include "sched/thread.h"
#include "simulator.h"

struct endpoint;

struct scenario {
    const char *name;
    void (*run)(void);
    bool slow;
    u32 cpus; /* of its machine */
    struct scenario *next;
};

void directed_register(struct scenario *scenario);

/* A RACE is a scenario that tries many interleavings: it runs after those that take no time. */
#define SCENARIO(name)            SCENARIO_ENTRY(name, false, SIM_MAX_CPUS)
#define SCENARIO_ON_ONE_CPU(name) SCENARIO_ENTRY(name, false, 1)
#define RACE(name)                SCENARIO_ENTRY(name, true, SIM_MAX_CPUS)

#define SCENARIO_ENTRY(name, slow, cpus)                                                           \
    static void scenario_##name(void);                                                             \
    static struct scenario entry_##name = {#name, scenario_##name, slow, cpus, NULL};              \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        directed_register(&entry_##name);                                                          \
    }                                                                                              \
    static void scenario_##name(void)

/* --- Expectations: a failed one is printed, and the scenario goes on
 * -------------------------------------------------------------------- */

bool directed_check(bool ok, const char *file, int line, const char *text);
bool directed_check_u64(const char *file, int line, const char *text, u64 a, u64 b);

#define CHECK(condition) directed_check((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(a, b)   directed_check_u64(__FILE__, __LINE__, #a " == " #b, (u64)(a), (u64)(b))
/* Has anything failed in this scenario? */
bool directed_failed(void);
/* Is there another round, the `done`th, for a scenario that does the same over and over (--rounds),
 * and has nothing failed? Each round has the time that a scenario has; the invariants
 * are checked in one of 64. Whatever threads but init a round makes are gone at its end. */
bool directed_next_round(u64 done);

/* --- Actors
 * ---------------------------------------------------------------------------------------------- */

struct actor {
    struct thread *thread;
    u64 id; /* the thread's object id */
};

/* A system call: the registers with which it is made. The deadline is 0 unless given: a call that
 * may wait must have one (FOREVER, or a time). */
struct call {
    u64 number;
    u64 handle;
    u64 w[MESSAGE_WORDS];
    u64 info;
    u64 deadline;
};

#define FOREVER TIME_NEVER

/* CALL(derive, handle, W(rights, badge), .deadline = FOREVER) */
#define CALL(name, on, ...) ((struct call){.number = SYS_##name, .handle = (on), ##__VA_ARGS__})
#define W(...)              .w = {__VA_ARGS__}

/* Init's main thread. */
struct actor *directed_init(void);
/* A capability that init was given at its start. */
u64 init_cap(enum init_cap which);
u64 init_self(void);
u64 init_main_thread(void);

/* One more thread of the actor's process, `self` being the actor's capability to it; started. */
struct actor *new_thread(struct actor *actor, u64 self, u64 *handle);
/* The thread with this id as an actor; NULL: there is none. */
struct actor *actor_of(u64 thread_id);
/* The main thread of the process with this id; NULL: it has none. */
struct actor *main_actor_of(u64 process_id);
/* The actor's thread still exists and has not ended. */
bool is_alive(const struct actor *actor);

/* Makes the call and runs the machine until it has nothing more to do without time passing. False:
 * the actor could not be brought onto a CPU. */
bool start(struct actor *actor, struct call call);
/* The call that was started has not come back. */
bool is_blocked(const struct actor *actor);
/* Lets time pass until the call has come back; its status. A call that never does fails the
 * scenario. */
u64 finish(struct actor *actor);
/* Both. */
u64 call(struct actor *actor, struct call call);
/* Results of the last call that came back. */
u64 result_word(const struct actor *actor, u32 index);
u64 result_info(const struct actor *actor);
u64 result_badge(const struct actor *actor);

/* One load, store or fetch by the actor; page faults go to the kernel. True: it went through. */
bool touch(struct actor *actor, u64 address, u32 access);
/* The actor raises an exception that is not a page fault. */
void fault(struct actor *actor, u32 reason);

/* Lets time pass, and the machine do what is due. */
void pass_time(u64 ns);
/* The machine does what it has to do now. */
void settle(void);
/* Lets time pass from timer to timer until `done` says so; false: it never does. */
bool wait_until(bool (*done)(void *argument), void *argument);

/* --- User memory and message buffers, as the actor's program would write them
 * ------------------------------------------------------------- */

/* The actor's first scratch page (init: in its data), mapped and writable. */
#define SCRATCH_PAGE_COUNT 3u
u64 scratch(const struct actor *actor, u32 page);
/* A place for the message buffer of a new thread of the actor's process. */
u64 buffer_place(const struct actor *actor);
void poke(const struct actor *actor, u64 address, const void *data, u64 size_bytes);
void peek(const struct actor *actor, u64 address, void *data, u64 size_bytes);
/* The thread's message buffer. */
struct message_buffer *buffer(const struct actor *actor);
/* Names one capability to send. */
void put_cap(const struct actor *actor, u32 index, u64 handle, u32 rights, u32 mode);
u64 got_cap(const struct actor *actor, u32 index);

/* --- Common steps
 * ---------------------------------------------------------------------------------------------- */

/* Each returns the new handle, in the actor's space; 0 with a failed expectation otherwise. */
u64 make_endpoint(struct actor *actor, u64 depth, u64 grace_ns);
u64 make_memory(struct actor *actor, u64 size_bytes);
u64 make_group(struct actor *actor, u64 parent, const struct group_limits *limits);
u64 derive(struct actor *actor, u64 handle, u64 rights, u64 badge);
u64 status_of_derive(struct actor *actor, u64 handle, u64 rights, u64 badge);
u64 status_of_close(struct actor *actor, u64 handle);
u64 status_of_revoke(struct actor *actor, u64 handle);
/* Status of using the capability for nothing. */
u64 status_of(struct actor *actor, u64 handle);
/* Limits that limit nothing. */
struct group_limits no_limits(void);

/* Eight words that count up, for W; a message of nothing but a label. */
#define EIGHT(n) W((n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7)
#define LABEL(n) message_info((n), 0, 0, 0)
#define NO_WAIT  INFO_NONBLOCK
/* The actor got the words EIGHT(first). */
bool has_words(const struct actor *actor, u64 first);
/* Fills the inline data of the actor's message buffer; is it that byte in [from, to)? */
void fill(struct actor *actor, u8 byte);
bool holds(const struct actor *actor, u8 byte, u32 from, u32 to);
/* The endpoint that the actor's capability names; NULL with a failed expectation if there is none.
 */
struct endpoint *endpoint_named(const struct actor *actor, u64 handle);

/* A process with one thread, spawned by `parent` at the expense of `group`, with copies of
 * `caps` (0: none) and scratch pages. Its main thread. */
struct child {
    struct actor *main;
    u64 process; /* capabilities of the parent's */
    u64 thread;
    u64 process_id;
    u64 self; /* capabilities of the child's */
    u64 main_thread;
    u64 caps[SPAWN_MAX_CAPS];
};

struct spawn_plan sound_plan(void);
u64 status_of_spawn(struct actor *parent, u64 group, const struct spawn_plan *plan);
struct child child_of(struct actor *parent);
struct child spawn(struct actor *parent, const u64 *caps, u32 cap_count);

/* --- Failing allocations
 * --------------------------------------------------------------------------------------------------
 */

/* The n-th allocation of a frame or slab object from now on fails; 0: none does. */
void fail_allocation(u64 n);
/* Has it? Also ends the injection. */
bool allocation_failed(void);

/* --- Races
 * ---------------------------------------------------------------------------------------------- */

struct racer {
    struct actor *actor;
    struct call call;
};

/*
 * Two calls at once. `first` enters the kernel and is held up after some switch points (atomic
 * operations, locks); `second` then makes its call until it has left the kernel, or runs into a
 * lock that the first holds; then the first goes on. This is tried with the hold-up at every place
 * on the first's way, each time from the state
 * as it is now, and `verify` is asked after each. If what the second names had been revoked when it
 * entered the kernel, its call must have failed. Returns how often. The actors must be able to run
 * on two CPUs at once: see pin.
 */
u32 race_everywhere(const struct racer *first, const struct racer *second,
                    void (*verify)(void *argument), void *argument);

/* `handle` (the actor's capability to a thread): that thread runs on this CPU only. */
void pin(struct actor *actor, u64 handle, u32 cpu);

#endif
