/* The way into the kernel and back, with nothing to do there. */
#include "linux_bench.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MANY    1000u
#define NO_SUCH 10000 /* a number that no system call has */

void measure_null(const char *name)
{
    MEASURE(name, MANY, 1, (void)call3(SYS_getppid, 0, 0, 0));
}

void bench_calls(void)
{
    uint64_t one = 1;
    int fd;

    MEASURE("null_getppid", MANY, 1, (void)call3(SYS_getppid, 0, 0, 0));
    MEASURE("null_no_such_call", MANY, 1, (void)call3(NO_SUCH, 0, 0, 0));
    MUST((fd = eventfd(0, EFD_NONBLOCK)) >= 0);
    MEASURE("eventfd_write_nobody", MANY, 1, (void)call3(SYS_write, fd, (long)&one, 8));
    MEASURE("dup_close", MANY, 1, {
        long copy = call3(SYS_dup, fd, 0, 0);

        MUST(copy >= 0);
        (void)call3(SYS_close, copy, 0, 0);
    });
    MEASURE("futex_wake_nobody", MANY, 1,
            (void)call3(SYS_futex, (long)&shared->words[0], 1 | 128, 1));
    MUST(close(fd) == 0);
}
