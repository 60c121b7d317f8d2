/*
 * The least that Linux calls a container: clone3 with five new namespaces into a new cgroup with
 * limits of memory, processes and CPU, a program run there and reaped, the cgroup removed. What
 * the kernel takes apart later (namespaces of networks) is paid for by later rounds.
 */
#include "linux_bench.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

static char *const small_arguments[] = {"small", NULL};
static char *const no_environment[] = {NULL};

static void run_in(uint64_t flags, int cgroup)
{
    struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
    long child;
    int status;

    if (cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup;
    }
    child = call3(SYS_clone3, (long)&arguments, sizeof(arguments), 0);
    if (child == 0) {
        (void)execve("/small", small_arguments, no_environment);
        _exit(1);
    }
    MUST(child > 0 && waitpid((pid_t)child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void run_container(uint64_t flags)
{
    int folder;

    MUST(mkdir("/cgroup/c", 0755) == 0);
    MUST(write_file("/cgroup/c/memory.max", "16777216"));
    MUST(write_file("/cgroup/c/pids.max", "16"));
    MUST(write_file("/cgroup/c/cpu.max", "50000 100000"));
    MUST((folder = open("/cgroup/c", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0);
    run_in(flags, folder);
    (void)close(folder);
    while (rmdir("/cgroup/c") != 0)
        (void)call3(SYS_sched_yield, 0, 0, 0);
}

void bench_containers(void)
{
    MUST(write_file("/cgroup/cgroup.subtree_control", "+memory +pids +cpu"));
    MEASURE("namespaces_only", 40, 1, run_in(NAMESPACES, -1));
    MEASURE("cgroup_only", 40, 1, run_container(0));
    MEASURE("container_namespaces_cgroup", 40, 1, run_container(NAMESPACES));
}
