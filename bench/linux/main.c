/*
 * Init: mounts what the measurements need, shows that a tick is an instruction, measures, prints,
 * reboots (the emulator ends at that). With the argument "two-cpus", for a machine that has two,
 * only what is compared there.
 */
#include "linux_bench.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALIBRATION_TURNS 100000u

struct shared *shared;
bool two_cpus;

static void print(const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(shared->text + shared->used, sizeof(shared->text) - shared->used, format,
                       arguments);
    va_end(arguments);
    shared->used += (size_t)length;
    if (shared->used >= sizeof(shared->text))
        shared->used = sizeof(shared->text) - 1;
}

static _Noreturn void finish(void)
{
    size_t at = 0;

    while (at < shared->used) {
        ssize_t written = write(1, shared->text + at, shared->used - at);

        if (written <= 0)
            break;
        at += (size_t)written;
    }
    (void)fsync(1);
    sleep(1); /* the line empties */
    (void)reboot(RB_AUTOBOOT);
    for (;;)
        pause();
}

_Noreturn void fail(const char *what, const char *file, int line)
{
    print("FAILED %s:%d: %s: %m\n", file, line, what);
    finish();
}

static int by_size(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one;
    uint64_t b = *(const uint64_t *)other;

    return (a > b) - (a < b);
}

static uint64_t net(uint64_t sample)
{
    return sample > shared->overhead ? sample - shared->overhead : 0;
}

static const char *unit(void)
{
    return shared->counted ? "instructions" : "ticks";
}

void report(const char *name, unsigned rounds, uint64_t divisor)
{
    uint64_t *values = shared->samples + WARM_UP;

    qsort(values, rounds, sizeof(values[0]), by_size);
    print("BENCH %s %llu %s\n", name, (unsigned long long)(net(values[0]) / divisor), unit());
    print("      median %llu of %u rounds\n",
          (unsigned long long)(net(values[rounds / 2]) / divisor), rounds);
}

void print_value(const char *name, uint64_t value)
{
    print("BENCH %s %llu %s\n", name, (unsigned long long)value, unit());
}

/* A loop of known length: 2 instructions a turn. */
static void calibrate(void)
{
    uint64_t turns = CALIBRATION_TURNS;
    uint64_t least = UINT64_MAX;
    uint64_t start;
    uint64_t taken;

    for (int i = 0; i < 64; i++) {
        start = ticks();
        taken = ticks() - start;
        least = taken < least ? taken : least;
    }
    shared->overhead = least;
    start = ticks();
    __asm__ volatile("1:\n\tdecq %0\n\tjnz 1b" : "+r"(turns) : : "cc");
    taken = ticks() - start;
    shared->counted = taken >= 2 * CALIBRATION_TURNS && taken < 2 * CALIBRATION_TURNS + 32;
    print("CALIBRATION %u instructions %llu ticks\n", 2 * CALIBRATION_TURNS,
          (unsigned long long)taken);
}

bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        (void)close(fd);
    return good;
}

void set_fifo(int priority)
{
    struct sched_param parameter = {.sched_priority = priority};

    MUST(sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &parameter) == 0);
}

void pin(int cpu)
{
    cpu_set_t set;

    if (!two_cpus)
        return;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
}

pid_t start_side(void (*body)(void *), void *argument, int fifo_priority)
{
    struct sched_param parameter = {.sched_priority = fifo_priority};
    pid_t side = fork();

    MUST(side >= 0);
    if (side == 0) {
        pin(1);
        body(argument);
        _exit(0);
    }
    /* Not by itself: it might never get the CPU for it. */
    MUST(sched_setscheduler(side, fifo_priority ? SCHED_FIFO : SCHED_OTHER, &parameter) == 0);
    return side;
}

void stop_side(pid_t side)
{
    MUST(kill(side, SIGKILL) == 0 && waitpid(side, NULL, 0) == side);
}

static void mount_all(void)
{
    static const struct place {
        const char *path;
        const char *type;
    } places[] = {{"/proc", "proc"},      {"/sys", "sysfs"},     {"/dev", "devtmpfs"},
                  {"/cgroup", "cgroup2"}, {"/trace", "tracefs"}, {"/tmp", "tmpfs"}};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)mkdir(places[i].path, 0755);
        MUST(mount("none", places[i].path, places[i].type, 0, NULL) == 0);
    }
    /* The real-time class may use all of the CPU. */
    MUST(write_file("/proc/sys/kernel/sched_rt_runtime_us", "-1"));
}

int main(int argc, char **argv)
{
    uint64_t first = ticks();
    struct utsname names;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    memset(shared, 0, sizeof(*shared));
    two_cpus = argc > 1 && strcmp(argv[argc - 1], "two-cpus") == 0;
    mount_all();
    pin(0);
    calibrate();
    MUST(uname(&names) == 0);
    print("KERNEL %s %s\n", names.release, names.version);
    report_boot(first);
    bench_calls();
    bench_round_trips();
    bench_one_way();
    bench_memory();
    bench_processes();
    if (!two_cpus) {
        bench_bulk();
        bench_containers();
        bench_events();
        bench_authority();
        bench_tracing();
    }
    print("DONE\n");
    finish();
}
