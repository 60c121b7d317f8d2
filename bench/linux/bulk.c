/*
 * 64 KiB from one process to another, per KiB: the sender has the data and the receiver wants a
 * copy of its own. The receiver says when it has all.
 */
#include "linux_bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 64u
#define CHUNK  (64u << 10)

struct bulk {
    int in;
    int out;
    int ready; /* eventfd: data is in shared memory; -1: it comes through `in` */
    int done;
};

static uint8_t data[CHUNK];

static void take(void *argument)
{
    struct bulk *bulk = argument;
    uint64_t one = 1;
    uint64_t count;

    for (;;) {
        if (bulk->ready >= 0) {
            MUST(call3(SYS_read, bulk->ready, (long)&count, 8) == 8);
            memcpy(data, shared->area[0], CHUNK);
        } else {
            for (long got = 0; got < (long)CHUNK;) {
                long more = call3(SYS_read, bulk->in, (long)data + got, (long)CHUNK - got);

                MUST(more > 0);
                got += more;
            }
        }
        MUST(call3(SYS_write, bulk->done, (long)&one, 8) == 8);
    }
}

static void give(struct bulk *bulk)
{
    uint64_t one = 1;
    uint64_t count;

    if (bulk->ready >= 0) {
        memcpy(shared->area[0], data, CHUNK);
        MUST(call3(SYS_write, bulk->ready, (long)&one, 8) == 8);
    } else {
        for (long put = 0; put < (long)CHUNK;) {
            long more = call3(SYS_write, bulk->out, (long)data + put, (long)CHUNK - put);

            MUST(more > 0);
            put += more;
        }
    }
    MUST(call3(SYS_read, bulk->done, (long)&count, 8) == 8);
}

static void measure(const char *name, struct bulk *bulk)
{
    pid_t side;

    MUST((bulk->done = eventfd(0, 0)) >= 0);
    side = start_side(take, bulk, 0);
    MEASURE(name, ROUNDS, CHUNK >> 10, give(bulk));
    stop_side(side);
    (void)close(bulk->done);
}

void bench_bulk(void)
{
    struct bulk bulk = {.ready = -1};
    int ends[2];
    int size = 4 * (int)CHUNK;

    memset(data, 1, sizeof(data));
    MUST(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 2 * CHUNK) >= 0);
    bulk.in = ends[0];
    bulk.out = ends[1];
    measure("bulk_pipe", &bulk);
    (void)close(ends[0]);
    (void)close(ends[1]);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    bulk.in = ends[0];
    bulk.out = ends[1];
    measure("bulk_unix_stream", &bulk);
    (void)close(ends[0]);
    (void)close(ends[1]);
    MUST((bulk.ready = eventfd(0, 0)) >= 0);
    measure("bulk_shared_memory", &bulk);
    (void)close(bulk.ready);
}
