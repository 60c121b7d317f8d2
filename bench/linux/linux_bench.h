/*
 * Debian's Linux doing the work that apps/bench does on Ferrous. One static program is init; it
 * measures in ticks of the time-stamp counter, which are instructions where the emulator counts
 * them so, prints what apps/bench prints (`BENCH name least unit`, then the median) and reboots.
 * bench/workloads.json says which names are compared with which of Ferrous.
 */
#ifndef LINUX_BENCH_H
#define LINUX_BENCH_H

#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ROUNDS_MAX 1024u
#define WARM_UP    16u
#define PAGE_SIZE  4096u

/* Shared by all processes of the benchmark, so that a child can measure and report, too. */
struct shared {
    uint64_t overhead; /* ticks of an empty measurement */
    bool counted;      /* a tick is an instruction */
    uint32_t words[2]; /* of futexes: one each way */
    uint64_t sent;     /* ticks, when something was sent */
    uint64_t taken;    /* ticks that it was on its way */
    uint64_t arrivals;
    uint64_t samples[ROUNDS_MAX + WARM_UP];
    size_t used;                                              /* of `text` */
    char text[32 << 10];                                      /* what will be printed at the end */
    uint8_t area[2][64 << 10] __attribute__((aligned(4096))); /* data: one each way */
};

extern struct shared *shared;
extern bool two_cpus; /* the two sides of a measurement run on CPUs of their own */

static inline uint64_t ticks(void)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* A system call without the library's detours: Linux at its best. */
static inline long call3(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

/* The same with four more; unused ones cost nothing to speak of. */
static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Sorts the samples after the warm-up and prints the least and the median, net, over `divisor`. */
void report(const char *name, unsigned rounds, uint64_t divisor);
void print_value(const char *name, uint64_t value);

/* Prints what there is and stops the machine: figures of failures mean nothing. */
_Noreturn void fail(const char *what, const char *file, int line);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(#condition, __FILE__, __LINE__);                                                  \
    } while (0)

/* Runs `body` many times and reports what one run took. */
#define MEASURE(name, rounds, divisor, body)                                                       \
    do {                                                                                           \
        for (unsigned round_ = 0; round_ < (rounds) + WARM_UP; round_++) {                         \
            uint64_t start_ = ticks();                                                             \
            body;                                                                                  \
            shared->samples[round_] = ticks() - start_;                                            \
        }                                                                                          \
        report(name, rounds, divisor);                                                             \
    } while (0)

/* Starts a process that runs `body` and ends; kills and reaps it. */
pid_t start_side(void (*body)(void *), void *argument, int fifo_priority);
void stop_side(pid_t side);

/* SCHED_FIFO with this priority for the caller; 0: the ordinary class. */
void set_fifo(int priority);
/* Pins the caller to a CPU: on one CPU a no-op. */
void pin(int cpu);

bool write_file(const char *path, const char *text);

/* `first`: ticks at init's first instruction. */
void report_boot(uint64_t first);
void bench_calls(void);
void bench_round_trips(void);
void bench_one_way(void);
void bench_bulk(void);
void bench_memory(void);
void bench_processes(void);
void bench_containers(void);
void bench_events(void);
void bench_authority(void);
void bench_tracing(void);
void measure_null(const char *name);
void measure_round_trip_eventfd(const char *name);

#endif
