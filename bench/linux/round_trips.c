/*
 * Request and answer between two processes, in every way Linux has: pipe, Unix sockets, and a
 * wake-up (eventfd, futex) with the data in shared memory. The data is copied in by one side and
 * out by the other. Each in the ordinary scheduling class and in SCHED_FIFO.
 */
#include "linux_bench.h"

#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 400u

enum way { WAY_PIPE, WAY_STREAM, WAY_SEQPACKET, WAY_EVENTFD, WAY_FUTEX, WAY_COUNT };

static const char *const way_names[] = {"pipe", "unix_stream", "unix_seqpacket", "eventfd",
                                        "futex"};

/* Both directions: 0 to the server, 1 back. */
struct link {
    enum way way;
    size_t size;
    int in[2];
    int out[2];
};

static uint8_t buffer[PAGE_SIZE];

static void link_open(struct link *link)
{
    int ends[2];
    int type = link->way == WAY_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;

    shared->words[0] = 0;
    shared->words[1] = 0;
    switch (link->way) {
    case WAY_PIPE:
        for (int i = 0; i < 2; i++) {
            MUST(pipe(ends) == 0);
            link->in[i] = ends[0];
            link->out[i] = ends[1];
        }
        break;
    case WAY_STREAM:
    case WAY_SEQPACKET:
        MUST(socketpair(AF_UNIX, type, 0, ends) == 0);
        link->out[0] = link->in[1] = ends[0];
        link->in[0] = link->out[1] = ends[1];
        break;
    default:
        for (int i = 0; i < 2; i++)
            MUST((link->in[i] = link->out[i] = eventfd(0, 0)) >= 0);
    }
}

static void link_close(struct link *link)
{
    for (int i = 0; i < 2; i++) {
        (void)close(link->in[i]);
        (void)close(link->out[i]);
    }
}

static inline void link_send(struct link *link, int direction)
{
    uint64_t one = 1;
    uint32_t *word = &shared->words[direction];
    long size = link->size ? (long)link->size : 1;

    if (link->way < WAY_EVENTFD) {
        MUST(call3(SYS_write, link->out[direction], (long)buffer, size) == size);
        return;
    }
    if (link->size)
        memcpy(shared->area[direction], buffer, link->size);
    if (link->way == WAY_EVENTFD) {
        MUST(call3(SYS_write, link->out[direction], (long)&one, 8) == 8);
    } else {
        __atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
        (void)call3(SYS_futex, (long)word, FUTEX_WAKE, 1);
    }
}

static inline void link_receive(struct link *link, int direction)
{
    uint64_t count;
    uint32_t *word = &shared->words[direction];
    long size = link->size ? (long)link->size : 1;

    if (link->way < WAY_EVENTFD) {
        for (long got = 0; got < size;) {
            long more = call3(SYS_read, link->in[direction], (long)buffer + got, size - got);

            MUST(more > 0);
            got += more;
        }
        return;
    }
    if (link->way == WAY_EVENTFD) {
        MUST(call3(SYS_read, link->in[direction], (long)&count, 8) == 8);
    } else {
        while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0)
            (void)call6(SYS_futex, (long)word, FUTEX_WAIT, 0, 0, 0, 0);
        __atomic_store_n(word, 0, __ATOMIC_RELAXED);
    }
    if (link->size)
        memcpy(buffer, shared->area[direction], link->size);
}

static void serve(void *argument)
{
    struct link *link = argument;

    for (;;) {
        link_receive(link, 0);
        link_send(link, 1);
    }
}

static void measure(enum way way, size_t size, bool fifo, const char *name)
{
    struct link link = {.way = way, .size = size};
    pid_t server;

    link_open(&link);
    set_fifo(fifo ? 10 : 0);
    server = start_side(serve, &link, fifo ? 10 : 0);
    MEASURE(name, ROUNDS, 1, {
        link_send(&link, 0);
        link_receive(&link, 1);
    });
    stop_side(server);
    set_fifo(0);
    link_close(&link);
}

void measure_round_trip_eventfd(const char *name)
{
    measure(WAY_EVENTFD, 0, false, name);
}

void bench_round_trips(void)
{
    static const size_t sizes[] = {0, 8, 64, 256, 4096};
    char name[64];

    memset(buffer, 1, sizeof(buffer));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int way = 0; way < WAY_COUNT; way++) {
            for (int fifo = 0; fifo < 2; fifo++) {
                (void)snprintf(name, sizeof(name), "rtt_%zu_%s%s", sizes[i], way_names[way],
                               fifo ? "_fifo" : "");
                measure((enum way)way, sizes[i], fifo, name);
            }
        }
    }
}
