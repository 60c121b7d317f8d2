/*
 * The simulator: seeded random programs over every system call, on simulated CPUs, with the
 * kernel's invariants recomputed from scratch whenever all CPUs are outside the kernel.
 *
 * A run is a sequence of steps. In one step each CPU makes a few kernel entries (system calls,
 * faults, interrupts), interleaved by chance at atomic operations; when all are back in user mode
 * or idle, the invariants are checked. Every choice of step n comes from a stream that depends on
 * the seed and n alone, so a step can be left out without changing what the others try: that is how
 * a failing run is made smaller.
 */
#ifndef SIMULATOR_H
#define SIMULATOR_H

#include "port/sim.h"

#include "abi/machine.h"
#include "abi/syscalls.h"

struct process;
struct thread;

struct sim_options {
    u64 seed_first;
    u64 seed_last;
    u32 cpus;  /* 0: varies with the seed */
    u32 nodes; /* 0: varies with the seed */
    u32 steps;
    u32 check_every; /* steps between checks of the invariants */
    bool verbose;
    bool fail_frames;
    bool coverage; /* print how calls ended */
    bool shrink;
    bool twice; /* run each seed twice and compare fingerprints */
};

/* Steps that a run leaves out. */
struct step_mask {
    u8 *skip; /* one byte per step; NULL: none */
    u32 count;
};

#define SIM_STATUS_COUNT 30u

struct run_result {
    bool failed;
    u32 step;
    char invariant[64];
    char message[512];
    u64 fingerprint;
    u64 entries;              /* kernel entries made by user programs */
    u64 calls[SYSCALL_LIMIT]; /* by number, completed or not */
    u64 results[SYSCALL_LIMIT][SIM_STATUS_COUNT];
    u64 denied; /* injected allocation failures */
};

/* Runs one seed from power-on to the comparison of counts after everything is dead. */
void run_seed(const struct sim_options *options, u64 seed, const struct step_mask *mask,
              struct run_result *result);

/* Makes the failing run of `seed` as short as it cheaply gets and prints what is left, step by
 * step. */
void shrink_and_print(const struct sim_options *options, u64 seed,
                      const struct run_result *failure);

/* --- Failures and the trace
 * -------------------------------------------------------------------------- */

/* Notes the first failure of a run: `invariant` is broken. Returns to the caller. */
void violated(const char *invariant, const char *format, ...) PRINTF(2, 3);
bool run_has_failed(void);

#define EXPECT(invariant, condition, ...)                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            violated((invariant), __VA_ARGS__);                                                    \
    } while (0)

/* A line about what a program did: printed when verbose, else kept among the last ones. */
void history_line(const char *format, ...) PRINTF(1, 2);
void history_reset(bool print);
void history_print(void);
/* CPUs, processes and threads as they are now, to stdout. */
void dump_state(void);

/* --- Chance
 * ------------------------------------------------------------------------------------------ */

u64 mix(u64 a, u64 b);

static inline u64 below(struct sim_random *random, u64 limit)
{
    return sim_random_below(random, limit);
}

/* True `times` out of `of`. */
static inline bool chance(struct sim_random *random, u32 times, u32 of)
{
    return sim_random_below(random, of) < times;
}

/* --- Programs (program.c)
 * ---------------------------------------------------------------------------- */

void program_reset(u64 seed);
void program_begin_step(u32 step);
struct arch_context *program_user_step(u32 cpu, struct arch_context *context);
/* Counts of calls made and done since program_reset. */
void program_counts(struct run_result *result);
/* Init has run and has all the pages that it needs. */
bool program_is_ready(void);
/* User steps that init has made. */
u64 program_init_steps(void);
/* From now on only init acts: it gives up all that it was not given at its start. */
void program_begin_cleanup(void);
/* Init has nothing left to give up. */
bool program_cleanup_done(void);

/* --- Injected failures (inject.c)
 * --------------------------------------------------------------------- */

void inject_reset(u64 seed);
void inject_enable(bool enabled);
u64 inject_count(void);

/* --- Invariants
 * -------------------------------------------------------------------------------------- */

struct invariant {
    const char *name;
    void (*check)(const char *name);
};

extern const struct invariant invariants_memory[];
extern const struct invariant invariants_cap[];
extern const struct invariant invariants_sched[];
extern const struct invariant invariants_ipc[];
extern const struct invariant invariants_group[];

/* All of them, in the tables' order, until one fails. */
void invariants_check(void);
/* What all groups together are charged with, of an enum group_resource. After view_take. */
u64 invariants_charges(u32 what);
u32 invariants_count(void);
void invariants_print(void);

/* --- What there is before and after
 * ------------------------------------------------------------------ */

#define CENSUS_CACHES 32u
struct census {
    u64 objects[16];
    u64 cap_nodes;
    u64 slab_objects[CENSUS_CACHES]; /* of each cache, in the order in which they are listed */
    /* Frames that neither a slab nor a capability space nor user memory nor page tables account
     * for. What init has touched stays, and counts there. */
    u64 other_frames;
    u64 charges[GROUP_RESOURCE_COUNT]; /* of all groups together; frames: beyond those above */
    u64 last_id;                       /* the greatest of all objects */
};

void census_take(struct census *census);
/* Fails the run where `after` differs from `before`. */
void census_compare(const struct census *before, const struct census *after);

#endif
