/* Threads and processes. /small is a program of two instructions and no library. */
#include "linux_bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const small_arguments[] = {"small", NULL};
static char *const no_environment[] = {NULL};

static void *do_nothing(void *argument)
{
    return argument;
}

static void pthread_once_(void)
{
    pthread_t thread;

    MUST(pthread_create(&thread, NULL, do_nothing, NULL) == 0);
    MUST(pthread_join(thread, NULL) == 0);
}

static uint8_t stack[16384] __attribute__((aligned(16)));
static volatile pid_t raw_alive; /* cleared, and woken, by the kernel when the thread is gone */

static int raw_nothing(void *argument)
{
    (void)argument;
    (void)call3(SYS_exit, 0, 0, 0);
    return 0;
}

/* A thread without the library: a ready stack, no storage of its own. */
static void raw_thread(void)
{
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                CLONE_CHILD_CLEARTID;
    pid_t alive;

    raw_alive = 1;
    MUST(clone(raw_nothing, stack + sizeof(stack), flags, NULL, NULL, NULL, &raw_alive) > 0);
    while ((alive = raw_alive) != 0)
        (void)call6(SYS_futex, (long)&raw_alive, FUTEX_WAIT, alive, 0, 0, 0);
}

static void reap(pid_t child)
{
    int status;

    MUST(child > 0 && waitpid(child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void spawn_small(void)
{
    pid_t child;

    MUST(posix_spawn(&child, "/small", NULL, NULL, small_arguments, no_environment) == 0);
    reap(child);
}

static void vfork_small(void)
{
    pid_t child = vfork();

    if (child == 0) {
        (void)execve("/small", small_arguments, no_environment);
        _exit(1);
    }
    reap(child);
}

static void fork_small(void)
{
    pid_t child = fork();

    if (child == 0) {
        (void)execve("/small", small_arguments, no_environment);
        _exit(1);
    }
    reap(child);
}

void bench_processes(void)
{
    MEASURE("thread_pthread", 200, 1, pthread_once_());
    MEASURE("thread_clone", 200, 1, raw_thread());
    MEASURE("spawn_posix_spawn", 100, 1, spawn_small());
    MEASURE("spawn_vfork", 100, 1, vfork_small());
    MEASURE("spawn_fork", 50, 1, fork_small());
}
