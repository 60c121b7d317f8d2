/*
 * From the last instruction of one process to the first of another that waits: messages, wake-ups,
 * a timer's interrupt. The one that waits has the higher priority, so that it runs at once.
 */
#include "linux_bench.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define ROUNDS       400u
#define TIMER_ROUNDS 100u
#define TIMER_NS     200000

static void note_arrival(void)
{
    shared->taken = ticks() - shared->sent;
    __atomic_fetch_add(&shared->arrivals, 1, __ATOMIC_SEQ_CST);
}

static void take_from_file(void *argument)
{
    int fd = *(int *)argument;
    uint64_t data;

    for (;;) {
        MUST(call3(SYS_read, fd, (long)&data, 8) == 8);
        note_arrival();
    }
}

static void take_from_futex(void *argument)
{
    (void)argument;
    for (;;) {
        while (__atomic_load_n(&shared->words[0], __ATOMIC_ACQUIRE) == 0)
            (void)call6(SYS_futex, (long)&shared->words[0], FUTEX_WAIT, 0, 0, 0, 0);
        note_arrival();
        __atomic_store_n(&shared->words[0], 0, __ATOMIC_RELAXED);
    }
}

static void take_from_timer(void *argument)
{
    int fd = *(int *)argument;
    struct itimerspec when = {.it_value = {.tv_nsec = TIMER_NS}};
    uint64_t count;

    for (;;) {
        MUST(timerfd_settime(fd, 0, &when, NULL) == 0);
        MUST(call3(SYS_read, fd, (long)&count, 8) == 8);
        note_arrival();
    }
}

/* Sends 8 bytes through `fd`, or wakes the futex where `fd` is -1. */
static void send_once(int fd)
{
    uint64_t data = 1;

    shared->sent = ticks();
    if (fd >= 0) {
        (void)call3(SYS_write, fd, (long)&data, 8);
    } else {
        __atomic_store_n(&shared->words[0], 1, __ATOMIC_SEQ_CST);
        (void)call3(SYS_futex, (long)&shared->words[0], FUTEX_WAKE, 1);
    }
}

static void wait_arrival(uint64_t seen)
{
    while (__atomic_load_n(&shared->arrivals, __ATOMIC_SEQ_CST) == seen)
        (void)sched_yield();
}

static void measure(const char *name, void (*take)(void *), int in, int out)
{
    pid_t side;

    shared->words[0] = 0;
    set_fifo(10);
    side = start_side(take, &in, 20);
    for (unsigned i = 0; i < ROUNDS + WARM_UP; i++) {
        uint64_t seen = shared->arrivals;

        send_once(out);
        wait_arrival(seen);
        shared->samples[i] = shared->taken;
    }
    report(name, ROUNDS, 1);
    stop_side(side);
    set_fifo(0);
}

/* The interrupt comes at some instruction of the loop: the moment before it was noted last. */
static void measure_timer(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    pid_t side;

    MUST(fd >= 0);
    set_fifo(10);
    side = start_side(take_from_timer, &fd, 20);
    for (unsigned i = 0; i < TIMER_ROUNDS + WARM_UP; i++) {
        uint64_t seen = __atomic_load_n(&shared->arrivals, __ATOMIC_RELAXED);

        while (__atomic_load_n(&shared->arrivals, __ATOMIC_RELAXED) == seen)
            __atomic_store_n(&shared->sent, ticks(), __ATOMIC_RELAXED);
        shared->samples[i] = shared->taken;
    }
    report("timer_to_waiting_process", TIMER_ROUNDS, 1);
    stop_side(side);
    set_fifo(0);
    (void)close(fd);
}

static void yield_for_ever(void *argument)
{
    (void)argument;
    for (;;)
        (void)call3(SYS_sched_yield, 0, 0, 0);
}

static void measure_yield(void)
{
    pid_t side;

    set_fifo(10);
    side = start_side(yield_for_ever, NULL, 10);
    MEASURE("yield_fifo_switch", ROUNDS, 2, (void)call3(SYS_sched_yield, 0, 0, 0));
    stop_side(side);
    set_fifo(0);
}

void bench_one_way(void)
{
    int ends[2];
    int fd;

    MUST((fd = eventfd(0, 0)) >= 0);
    measure("one_way_eventfd_fifo", take_from_file, fd, fd);
    (void)close(fd);
    measure("one_way_futex_fifo", take_from_futex, -1, -1);
    MUST(pipe(ends) == 0);
    measure("one_way_pipe_fifo", take_from_file, ends[0], ends[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    measure("one_way_unix_stream_fifo", take_from_file, ends[0], ends[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
    if (two_cpus)
        return; /* a yield there never leaves its CPU */
    measure_timer();
    measure_yield();
}
