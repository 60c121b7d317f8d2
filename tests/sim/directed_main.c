/* Runs directed programs: all of them, or those whose names contain an argument. */
#include "directed.h"

#include "directed_internal.h"

#include <stdio.h>
#include <string.h>

static struct scenario *first;
static struct scenario **last = &first;
static u64 failures;
static bool stop_early; /* the rest says nothing new once one has failed */

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

static bool run(const struct scenario *scenario)
{
    failures = 0;
    directed_begin();
    if (!directed_failed())
        scenario->run();
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

int main(int count, char **arguments)
{
    u64 passed = 0, failed = 0;
    bool list = false, verbose = false;
    int at = 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (; at < count && arguments[at][0] == '-'; at++) {
        list |= strcmp(arguments[at], "--list") == 0;
        stop_early |= strcmp(arguments[at], "--first") == 0;
        verbose |= strcmp(arguments[at], "--verbose") == 0;
    }
    directed_boot(verbose);
    for (struct scenario *scenario = first; scenario; scenario = scenario->next) {
        if (!is_wanted(scenario->name, arguments + at, count - at))
            continue;
        if (list)
            printf("%s\n", scenario->name);
        else if (run(scenario))
            passed++;
        else
            failed++;
        if (failed > 0 && stop_early)
            break;
    }
    if (!list)
        printf("%llu passed, %llu failed\n", (unsigned long long)passed,
               (unsigned long long)failed);
    return failed > 0 || (passed == 0 && !list);
}
