/* The simulator's command line. See simulator.h for what it does. */
#include "simulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void __sanitizer_set_death_callback(void (*callback)(void));

/* The leak checker runs after main and calls the C library's sched_yield_cpu, which here is the
 * kernel's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static struct sim_options options = {
    .seed_first = 1,
    .seed_last = 8,
    .steps = 1500,
    .check_every = 1,
    .shrink = true,
};

static u64 current_seed;

static void print_replay(u64 seed)
{
    printf("replay: build/host/simulator --replay %llu --steps %u", (unsigned long long)seed,
           options.steps);
    if (options.cpus)
        printf(" --cpus %u", options.cpus);
    if (options.nodes)
        printf(" --nodes %u", options.nodes);
    if (options.check_every != 1)
        printf(" --check-every %u", options.check_every);
    if (options.fail_frames)
        printf(" --fail-frames");
    printf("\n");
}

/* A sanitizer ends the program: say which seed it was. */
static void on_death(void)
{
    printf("the simulator died in seed %llu; last actions:\n", (unsigned long long)current_seed);
    history_print();
    print_replay(current_seed);
    fflush(stdout);
}

static void usage(void)
{
    printf(
        "usage: simulator [--seeds A-B] [--cpus N] [--nodes N] [--steps M] [--replay SEED]\n"
        "                 [--check-every N] [--fail-frames] [--twice] [--no-shrink] [--verbose]\n"
        "                 [--invariants]\n"
        "  --seeds A-B     runs with seeds A to B (both included; one number: that seed)\n"
        "  --cpus N        1 to %u; default: varies with the seed\n"
        "  --nodes N       1 or 2 memory nodes; default: varies with the seed\n"
        "  --steps M       steps per seed\n"
        "  --replay SEED   one seed, verbosely, without making it smaller\n"
        "  --check-every N steps between checks of the invariants\n"
        "  --fail-frames   frame and slab allocations fail by chance\n"
        "  --twice         runs each seed twice and compares fingerprints\n"
        "  --invariants    lists the invariants\n",
        SIM_MAX_CPUS);
}

static u64 parse_number(const char *text, const char **end)
{
    char *stop;
    u64 value = strtoull(text, &stop, 0);
    if (stop == text) {
        fprintf(stderr, "simulator: not a number: %s\n", text);
        exit(2);
    }
    *end = stop;
    return value;
}

static u64 whole_number(const char *text)
{
    const char *end;
    u64 value = parse_number(text, &end);
    if (*end) {
        fprintf(stderr, "simulator: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

static void parse_seeds(const char *text)
{
    const char *end;
    options.seed_first = parse_number(text, &end);
    options.seed_last = *end == '-' ? whole_number(end + 1) : options.seed_first;
}

/* Options without a value; false: it is none of them. */
static bool parse_flag(const char *name)
{
    if (strcmp(name, "--verbose") == 0) {
        options.verbose = true;
    } else if (strcmp(name, "--fail-frames") == 0) {
        options.fail_frames = true;
    } else if (strcmp(name, "--coverage") == 0) {
        options.coverage = true;
    } else if (strcmp(name, "--twice") == 0) {
        options.twice = true;
    } else if (strcmp(name, "--no-shrink") == 0) {
        options.shrink = false;
    } else if (strcmp(name, "--invariants") == 0) {
        invariants_print();
        exit(0);
    } else if (strcmp(name, "--help") == 0) {
        usage();
        exit(0);
    } else {
        return false;
    }
    return true;
}

static bool parse_value(const char *name, const char *value)
{
    if (strcmp(name, "--seeds") == 0) {
        parse_seeds(value);
    } else if (strcmp(name, "--cpus") == 0) {
        options.cpus = (u32)whole_number(value);
    } else if (strcmp(name, "--nodes") == 0) {
        options.nodes = (u32)whole_number(value);
    } else if (strcmp(name, "--steps") == 0) {
        options.steps = (u32)whole_number(value);
    } else if (strcmp(name, "--check-every") == 0) {
        options.check_every = (u32)whole_number(value);
    } else if (strcmp(name, "--replay") == 0) {
        parse_seeds(value);
        options.verbose = true;
        options.shrink = false;
    } else {
        return false;
    }
    return true;
}

static void parse_options(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        if (parse_flag(arguments[i]))
            continue;
        if (i + 1 < count && parse_value(arguments[i], arguments[i + 1])) {
            i++;
            continue;
        }
        fprintf(stderr, "simulator: cannot use %s\n", arguments[i]);
        usage();
        exit(2);
    }
    if (options.cpus > SIM_MAX_CPUS || options.nodes > SIM_MAX_NODES || options.check_every == 0 ||
        options.seed_last < options.seed_first) {
        fprintf(stderr, "simulator: a value is out of range\n");
        exit(2);
    }
}

static void print_failure(u64 seed, const struct run_result *result)
{
    printf("FAILED seed %llu step %u invariant %s: %s\n", (unsigned long long)seed, result->step,
           result->invariant, result->message);
    printf("  last actions:\n");
    history_print();
    dump_state();
    print_replay(seed);
    if (options.shrink)
        shrink_and_print(&options, seed, result);
    fflush(stdout);
}

static bool run_one(u64 seed, struct run_result *total)
{
    struct run_result result;
    current_seed = seed;
    run_seed(&options, seed, NULL, &result);
    if (!result.failed && options.twice) {
        struct run_result again;
        run_seed(&options, seed, NULL, &again);
        if (again.fingerprint != result.fingerprint || again.failed) {
            result.failed = true;
            snprintf(result.invariant, sizeof(result.invariant), "determinism");
            snprintf(result.message, sizeof(result.message), "fingerprints %016llx and %016llx",
                     (unsigned long long)result.fingerprint, (unsigned long long)again.fingerprint);
        }
    }
    for (u32 i = 0; i < SYSCALL_LIMIT; i++) {
        total->calls[i] += result.calls[i];
        for (u32 status = 0; status < SIM_STATUS_COUNT; status++)
            total->results[i][status] += result.results[i][status];
    }
    total->entries += result.entries;
    total->denied += result.denied;
    if (options.verbose)
        printf("seed %llu: fingerprint %016llx, %llu calls\n", (unsigned long long)seed,
               (unsigned long long)result.fingerprint, (unsigned long long)result.entries);
    if (result.failed)
        print_failure(seed, &result);
    return !result.failed;
}

static const char *const status_names[] = {
#define STATUS(number, name, text) [number] = #name,
#include "abi/status.def"
#undef STATUS
};

/* How each call ended, how often: a call that never succeeds is not tested. */
static void print_coverage(const struct run_result *total)
{
    static const char *const names[SYSCALL_LIMIT] = {
#define SYSCALL(number, name) [number] = #name,
#include "abi/syscalls.def"
#undef SYSCALL
    };
    for (u32 i = 0; i < SYSCALL_LIMIT; i++) {
        if (!names[i])
            continue;
        printf("%-22s %8llu", names[i], (unsigned long long)total->calls[i]);
        for (u32 status = 0; status < SIM_STATUS_COUNT; status++)
            if (total->results[i][status])
                printf(" %s:%llu", status_names[status],
                       (unsigned long long)total->results[i][status]);
        printf("\n");
    }
}

/* Calls that no run has seen succeed. */
static void print_unreached(const struct run_result *total)
{
    for (u32 i = 0; i < SYSCALL_LIMIT; i++)
        if (total->calls[i] > 0 && total->results[i][0] == 0)
            printf("never succeeded: call %u\n", i);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    parse_options(count, arguments);
    __sanitizer_set_death_callback(on_death);
    static struct run_result total;
    u64 passed = 0;
    u64 failed = 0;
    for (u64 seed = options.seed_first; seed <= options.seed_last; seed++) {
        if (run_one(seed, &total))
            passed++;
        else
            failed++;
        if (failed >= 3)
            break;
    }
    if (options.coverage) {
        print_coverage(&total);
        print_unreached(&total);
    }
    printf("%llu calls, %llu allocations made to fail, %u invariants\n",
           (unsigned long long)total.entries, (unsigned long long)total.denied, invariants_count());
    printf("simulator: %llu seeds passed, %llu failed\n", (unsigned long long)passed,
           (unsigned long long)failed);
    return failed > 0;
}
