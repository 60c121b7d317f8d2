/*
 * The benchmark's main, and its arithmetic.
 *
 *     bench [--once] [PATH...]    one round of each path, beside the warm-up; the named paths only
 *     bench --pinned [PATH...]    the two sides of a path on CPUs 0 and 1
 *     bench --role NAME           the other side of one
 */
#include "bench.h"

#include "ferrous/console.h"
#include "ferrous/random.h"
#include "interfaces/manager_client.h"
#include "lib/string.h"

#define CALIBRATION_TURNS 10000u
#define CALIBRATION_TRIES 4u
#define AHEAD_TURNS       2000000u

typedef unsigned long long ull;

struct bench bench = {.most_rounds = BENCH_ROUNDS_MAX};
u64 bench_samples[BENCH_ROUNDS_MAX + BENCH_WARM_UP];

static void sort(u64 *values, u32 count)
{
    for (u32 i = 1; i < count; i++) {
        u64 value = values[i];
        u32 at = i;

        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

static u64 net(u64 ticks)
{
    return ticks > bench.overhead ? ticks - bench.overhead : 0;
}

u32 bench_rounds(const char *name, u32 rounds)
{
    bool wanted = bench.only_count == 0;

    for (int i = 0; i < bench.only_count; i++)
        wanted |= string_equal(name, bench.only[i]);
    if (!wanted)
        return 0;
    return rounds < bench.most_rounds ? rounds : bench.most_rounds;
}

void bench_report(const char *name, u32 rounds, u64 divisor)
{
    u64 *values = bench_samples + BENCH_WARM_UP;

    sort(values, rounds);
    print("BENCH %s %llu %s\n", name, (ull)(net(values[0]) / divisor), bench.unit);
    print("      median %llu of %u rounds\n", (ull)(net(values[rounds / 2]) / divisor), rounds);
}

static void measure_overhead(void)
{
    for (u32 i = 0; i < 64; i++) {
        u64 start = time_ticks();

        bench_samples[i] = time_ticks() - start;
    }
    sort(bench_samples, 64);
    bench.overhead = bench_samples[0];
}

static void turn(u64 turns)
{
    __asm__ volatile("1:\n\tdecq %0\n\tjnz 1b" : "+r"(turns) : : "cc");
}

void bench_get_ahead(void)
{
    turn(AHEAD_TURNS);
}

/* A loop of known length tells whether the counter advances by one per instruction. Gives
 * the ticks that it took; an interrupt in it makes another try. */
static u64 find_unit(void)
{
    u64 taken = 0;

    bench.unit = "ticks";
    for (u32 i = 0; i < CALIBRATION_TRIES; i++) {
        u64 start = time_ticks();

        turn(CALIBRATION_TURNS);
        taken = time_ticks() - start;
        if (taken >= 2 * CALIBRATION_TURNS && taken < 2 * CALIBRATION_TURNS + 32) {
            bench.unit = "instructions";
            break;
        }
    }
    return taken;
}

void start_role(const char *role, const struct process_cap *caps, u32 cap_count,
                endpoint_t fault_handler, struct process *process)
{
    const char *arguments[] = {"bench", "--role", role, "pinned"};
    struct process_spec spec = {.name = role,
                                .group = bench.group,
                                .image = bench.image,
                                .arguments = arguments,
                                .argument_count = bench.pinned ? 4 : 3,
                                .caps = caps,
                                .cap_count = cap_count,
                                .fault_endpoint = fault_handler};

    MUST(process_spawn(&spec, process));
}

void stop_role(struct process *process)
{
    struct exit_record record;

    (void)process_kill(process->handle, 0);
    MUST(process_wait(process->handle, TIME_NEVER, &record));
    process_close(process);
}

/* This process runs on that CPU from now on. */
static void pin(u32 cpu)
{
    thread_t self = {start_info()->main_thread};

    MUST(kthread_control(self, THREAD_SET_CPUS, 1ull << cpu));
}

/* With --once, where the program lies, too: for whoever follows its instructions. */
static void read_arguments(int argc, char **argv)
{
    int at = 1;

    if (argc > 1 && string_equal(argv[1], "--pinned")) {
        bench.pinned = true;
        pin(0);
        at = 2;
    }
    if (argc > 1 && string_equal(argv[1], "--once")) {
        bench.most_rounds = 1;
        print("BASE 0x%llx\n", (ull)start_info()->load_base);
        at = 2;
    }
    bench.only = argv + at;
    bench.only_count = argc - at;
}

static void report_boot(void)
{
    endpoint_t manager = {start_cap("manager")};
    struct manager_boot_reply boot;

    if (!cap_is_null(manager.cap) && manager_boot(manager, TIME_NEVER, &boot) == STATUS_OK)
        print("BENCH boot_to_init %llu %s\n", (ull)boot.ticks, bench.unit);
}

int main(int argc, char **argv)
{
    u64 calibrated;

    measure_overhead();
    calibrated = find_unit();
    if (argc > 2 && string_equal(argv[1], "--role")) {
        if (argc > 3)
            pin(1);
        return run_role(argv[2]);
    }
    read_arguments(argc, argv);
    random_fix(1); /* where programs are put has to be the same in every run */
    print("CALIBRATION %u instructions %llu ticks\n", 2 * CALIBRATION_TURNS, (ull)calibrated);
    bench.group = start_group();
    MUST(archive_open((memory_t){start_cap("archive")}, &bench.archive));
    MUST(archive_find(&bench.archive, "bench", &bench.image));
    MUST(archive_find(&bench.archive, "hello", &bench.small));
    MUST(process_image_plan(&bench.small, &bench.small_plan));
    bench_calls();
    bench_memory();
    bench_processes();
    bench_bulk();
    bench_watched();
    report_boot();
    return 0;
}
