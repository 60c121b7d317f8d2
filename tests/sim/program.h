/*
 * Simulated user programs; for the files program_*.c.
 *
 * A thread's next action is drawn from a stream of its own: seed, step, CPU and how many actions
 * that CPU has made in the step. What it needs to know (its handles, its regions) it looks up in
 * the kernel at that moment; what the kernel must give back it remembers in a record of its own.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "peek.h"
#include "simulator.h"

/* Where spawned programs find memory to write to, and code. Init's lies in its bss. */
#define SCRATCH_ADDRESS      0x20000000ull
#define SCRATCH_PAGES        4u
#define INIT_SCRATCH_ADDRESS 0x403000ull
#define TEXT_ADDRESS         0x10000000ull
#define THREAD_ENTRY         0x500000ull

/* What is remembered of a thread between its actions. */
struct program_thread {
    u64 thread_id;
    u64 vector;        /* last seen or set */
    bool vector_exact; /* must be that; else it may also be zero */
    bool vector_known;
    bool in_call;   /* a system call's result is due */
    bool must_fail; /* it was made with a handle that cannot be good */
    u32 number;
    u64 step;
};

/* One action being made. */
struct program {
    u32 cpu;
    struct arch_context *context; /* of the acting thread */
    struct arch_context *next;    /* what to resume afterwards */
    struct who who;
    struct program_thread *memory;
    struct sim_random random;
};

/* program_memory.c */

/* Stores or loads in user memory as the thread would; page faults go to the kernel. False: the
 * thread could not go on (another one is current now, or it gave up); program->next is set. */
bool user_store(struct program *program, u64 address, const void *data, u64 size_bytes);
bool user_load(struct program *program, u64 address, void *data, u64 size_bytes);
/* One access to a page, by chance good or bad. */
void user_touch(struct program *program);
/* Touches what init must have, so that it never faults later. False: not yet. */
bool user_prefault(struct program *program);
u64 scratch_of(const struct program *program);
/* An address for a buffer of `size_bytes`: usually good. */
u64 pick_buffer(struct program *program, u64 size_bytes);
/* A page address in or near some region. */
u64 pick_mapped(struct program *program);
/* The kernel is told of a fault; program->next is set. */
void raise_fault(struct program *program, u32 reason, u64 address);

/* program_handles.c */

/* A handle for an argument that wants `type` (OBJECT_NONE: any): usually good, sometimes of another
 * type, stale, damaged or nothing. */
u64 pick_handle(struct program *program, enum object_type type);
/* Only handles that the space holds now; 0: none of that type. */
u64 pick_good_handle(struct program *program, enum object_type type);
/* The rights that a program may pass on with this handle without putting the run at risk. */
u32 safe_rights(const struct program *program, u64 handle);
/* Remembers a handle, for stale use later. */
void remember_handle(u64 handle);
/* Chooses the object that programs favour in this step. */
void handles_begin_step(u64 stream);
/* In a step in which programs fight over one object: a handle of this one's to it, else 0. */
u64 duel_handle(struct program *program);
/* Init got this handle at its start: it is not given away. */
bool is_initial_handle(u64 handle);
void note_initial_handle(u64 handle);

/* program_calls.c */

/* Fills the context with a system call. False: none could be made; program->next may have been set
 * by a fault. */
bool make_call(struct program *program);
/* A call made with the context as it stands: could it succeed as far as its handle goes? */
bool handle_must_fail(const struct program *program, u32 number, u64 handle);
/* The name of a number; "?" if there is none. */
const char *call_name(u32 number);

/* Does the handle name what the run cannot do without? */
bool names_vital(const struct program *program, u64 handle);

/* program_duel.c */
u32 pick_duel_call(struct program *program, u64 handle);
bool may_duel(const struct program *program, u64 handle);

/* program_plan.c */
bool make_spawn(struct program *program, struct arch_context *context);

/* program_cleanup.c */

/* The next action of init's main thread in clean-up. */
void cleanup_init(struct program *program);
/* The next action of any other thread in clean-up. */
void cleanup_other(struct program *program);
/* Init's regions as they are now are those that it starts with. */
void cleanup_note_regions(const struct vspace *vspace);
/* Does the range touch one of those? */
bool cleanup_is_initial(u64 start, u64 size_bytes);

/* program.c */
void do_syscall(struct program *program, u32 number);
u64 program_seed(void);

#endif
