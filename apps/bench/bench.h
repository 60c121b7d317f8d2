/*
 * What paths through the kernel cost, in ticks of the time-stamp counter: instructions, where the
 * emulator counts them so. The same program plays the other side: `bench --role NAME`.
 */
#ifndef BENCH_H
#define BENCH_H

#include "ferrous/archive.h"
#include "ferrous/calls.h"
#include "ferrous/ipc.h"
#include "ferrous/start.h"
#include "ferrous/time.h"

#define BENCH_ROUNDS_MAX 1024u
#define BENCH_WARM_UP    8u

struct bench {
    group_t group;
    struct archive archive;
    struct process_image image; /* of this program */
    struct process_image small; /* the program that is spawned */
    struct elf_plan small_plan;
    u64 overhead;     /* of an empty measurement */
    const char *unit; /* "instructions", where the counter counts them, else "ticks" */
    u32 most_rounds;  /* of any path, beside the warm-up */
    bool pinned;      /* this side on CPU 0, the other on CPU 1 */
    char **only;      /* names of the paths to measure */
    int only_count;   /* 0: all */
};

/* Shared with the role that measures how long something was on its way. */
struct arrival {
    u64 sent;  /* ticks */
    u64 taken; /* ticks since then, at the other side */
    u64 count; /* of arrivals */
};

extern struct bench bench;
extern u64 bench_samples[BENCH_ROUNDS_MAX + BENCH_WARM_UP];

/* Prints `BENCH name value unit` with the least of the samples, net of the overhead, over
 * `divisor`; and the median as a remark. */
void bench_report(const char *name, u32 rounds, u64 divisor);

/* How many rounds of this path to run, if `rounds` are its own number; 0: it was not asked for. */
u32 bench_rounds(const char *name, u32 rounds);

/* Uses the CPU for so long that whoever waits is owed it: it runs as soon as it is woken, whatever
 * was measured before. */
void bench_get_ahead(void);

/* Runs `body` many times and reports what one run took. */
#define MEASURE(name, rounds, divisor, body)                                                       \
    do {                                                                                           \
        u32 bench_n = bench_rounds(name, rounds);                                                  \
        for (u32 bench_i = 0; bench_n > 0 && bench_i < bench_n + BENCH_WARM_UP; bench_i++) {       \
            u64 bench_start = time_ticks();                                                        \
            body;                                                                                  \
            bench_samples[bench_i] = time_ticks() - bench_start;                                   \
        }                                                                                          \
        if (bench_n > 0)                                                                           \
            bench_report(name, bench_n, divisor);                                                  \
    } while (0)

/* Ends the benchmark when something does not work: figures of failures mean nothing. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        enum status bench_status = (call);                                                         \
        if (bench_status != STATUS_OK)                                                             \
            fatal("%s: %s", #call, status_text(bench_status));                                     \
    } while (0)

/* Starts this program in a role, with a fault handler or without (CAP_NULL). */
void start_role(const char *role, const struct process_cap *caps, u32 cap_count,
                endpoint_t fault_handler, struct process *process);
void stop_role(struct process *process);
int run_role(const char *role);

/* Roles that lie beside what they are for. */
int role_shared(void);
int role_bulk_shared(void);
int role_bulk_moved(void);

void bench_calls(void);
void bench_memory(void);
void bench_processes(void);
void bench_bulk(void);
void bench_watched(void);

#endif
