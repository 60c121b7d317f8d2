/* Runs directed programs: all of them, or those whose names contain an argument; with --order those
 * that are named, in that order. */
#define _DEFAULT_SOURCE /* setitimer */
#include "directed.h"

#include "directed_internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define LIMIT_S      5
#define SLOW_LIMIT_S 30

static struct scenario *first;
static struct scenario **last = &first;
static u64 failures;

/* The leak checker runs after main, when the kernel's symbols stand in for the C library's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

void directed_register(struct scenario *scenario)
{
    *last = scenario;
    last = &scenario->next;
}

bool directed_failed(void)
{
    return failures > 0 || run_has_failed() || sim_stopped();
}

bool directed_check(bool ok, const char *file, int line, const char *text)
{
    if (!ok && failures++ < 10)
        printf("  %s:%d: expected %s\n", file, line, text);
    return ok;
}

bool directed_check_u64(const char *file, int line, const char *text, u64 a, u64 b)
{
    if (a != b && failures++ < 10)
        printf("  %s:%d: expected %s: %#llx and %#llx\n", file, line, text, (unsigned long long)a,
               (unsigned long long)b);
    return a == b;
}

/* A kernel that never comes back is a failure, too. */
static void on_limit(int signal)
{
    static const char text[] = "  out of time: the kernel does not come back\nFAIL (out of time)\n";
    (void)signal;
    (void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
    _exit(1);
}

/* Counts this program's own time, so that a busy machine makes no difference. */
static void limit_time(bool slow)
{
    struct itimerval limit = {.it_value.tv_sec = slow ? SLOW_LIMIT_S : LIMIT_S};
    signal(SIGVTALRM, on_limit);
    setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

#define ROUNDS_PER_CHECK 64u

static u64 rounds = 100;
static bool between_checks;

bool directed_is_between_checks(void)
{
    return between_checks;
}

bool directed_next_round(u64 done)
{
    limit_time(true);
    between_checks = done % ROUNDS_PER_CHECK != 0;
    directed_forget_actors();
    return done < rounds && !directed_failed();
}

static bool run(const struct scenario *scenario)
{
    failures = 0;
    between_checks = false;
    limit_time(scenario->slow);
    directed_begin(scenario->cpus);
    if (!directed_failed())
        scenario->run();
    between_checks = false;
    if (!directed_failed())
        directed_end();
    bool ok = !directed_failed();
    const struct run_result *result = directed_result();
    if (result->failed)
        printf("  invariant %s: %s\n", result->invariant, result->message);
    if (sim_stopped())
        printf("  the machine stopped: %s\n", sim_stop_reason());
    if (!ok) {
        history_print();
        dump_state();
    }
    printf("%s %s\n", ok ? "ok  " : "FAIL", scenario->name);
    return ok;
}

static bool is_wanted(const char *name, char **parts, int count)
{
    for (int i = 0; i < count; i++)
        if (strstr(name, parts[i]))
            return true;
    return count == 0;
}

static struct {
    bool list, verbose;
    bool stop_early; /* the rest says nothing new once one has failed */
    bool in_order;   /* the arguments are whole names, run one after the other */
    char **parts;    /* of names that are wanted */
    int part_count;
    u64 passed, failed;
} options;

/* Runs or lists one; false: no more are wanted. */
static bool run_one(const struct scenario *scenario)
{
    if (options.list)
        printf("%s\n", scenario->name);
    else if (run(scenario))
        options.passed++;
    else
        options.failed++;
    return options.failed == 0 || !options.stop_early;
}

/* Runs, or lists, all that are slow or all that are not. */
static void run_all(bool slow)
{
    for (struct scenario *at = first; at; at = at->next)
        if (at->slow == slow && is_wanted(at->name, options.parts, options.part_count) &&
            !run_one(at))
            return;
}

static void run_in_order(void)
{
    for (int i = 0; i < options.part_count; i++)
        for (struct scenario *at = first; at; at = at->next)
            if (strcmp(at->name, options.parts[i]) == 0 && !run_one(at))
                return;
}

int main(int count, char **arguments)
{
    int at = 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (; at < count && arguments[at][0] == '-'; at++) {
        options.list |= strcmp(arguments[at], "--list") == 0;
        options.stop_early |= strcmp(arguments[at], "--first") == 0;
        options.in_order |= strcmp(arguments[at], "--order") == 0;
        options.verbose |= strcmp(arguments[at], "--verbose") == 0;
        if (strcmp(arguments[at], "--rounds") == 0 && at + 1 < count)
            rounds = strtoull(arguments[++at], NULL, 10);
    }
    options.parts = arguments + at;
    options.part_count = count - at;
    directed_boot(options.verbose, SIM_MAX_CPUS);
    if (options.in_order)
        run_in_order();
    else
        run_all(false);
    if (!options.in_order && (options.failed == 0 || !options.stop_early))
        run_all(true);
    if (options.list)
        return 0;
    printf("%llu passed, %llu failed\n", (unsigned long long)options.passed,
           (unsigned long long)options.failed);
    return options.failed > 0 || options.passed == 0;
}
