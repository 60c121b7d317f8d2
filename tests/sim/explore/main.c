/* The explorer's command line. See docs/simulation.md for what it does. */
#include "search.h"

#include "tests/sim/run_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP(name) (1ull << ACT_##name)

static const struct world_config worlds[] = {
    {
        .name = "ipc", /* three threads, messages alone */
        .threads = 2,
        .cpus = 1,
        .slot_limit = 8,
        .queue_depth = {0, 1},
        .alphabet = GROUP(IPC) | GROUP(WAITS) | GROUP(TIME),
    },
    {
        .name = "caps", /* two threads, capabilities made, handed on, taken back */
        .threads = 1,
        .cpus = 1,
        .slot_limit = 8,
        .queue_depth = {0, 1},
        .grace_ns = {0, GRACE_NS},
        .alphabet = GROUP(CAPS) | GROUP(TRANSFER) | GROUP(MEMORY) | GROUP(IPC),
    },
    {
        .name = "defer", /* three threads, calls answered later, by somebody else, or not at all */
        .threads = 2,
        .cpus = 1,
        .slot_limit = 12,
        .queue_depth = {0, 1},
        .groups = true,
        .alphabet = GROUP(IPC) | GROUP(WAITS) | GROUP(TIME) | GROUP(DEFER) | GROUP(END),
    },
    {
        .name = "channel", /* two threads, each at an end of a channel */
        .threads = 1,
        .cpus = 1,
        .slot_limit = 10,
        .queue_depth = {1, 1},
        .grace_ns = {GRACE_NS, GRACE_NS},
        .channel = true,
        .alphabet =
            GROUP(IPC) | GROUP(WAITS) | GROUP(TIME) | GROUP(CAPS) | GROUP(REBIND) | GROUP(END),
    },
    {
        .name = "grace", /* the same, and sides that are lost and had again */
        .threads = 1,
        .cpus = 1,
        .slot_limit = 8,
        .queue_depth = {0, 0},
        .grace_ns = {GRACE_NS, GRACE_NS},
        .channel = true,
        .alphabet = GROUP(IPC) | GROUP(REBIND) | GROUP(TIME),
    },
    {
        .name = "two", /* two CPUs, a process on each */
        .threads = 1,
        .cpus = 2,
        .slot_limit = 8,
        .queue_depth = {0, 1},
        .alphabet = GROUP(IPC) | GROUP(CAPS),
    },
    {
        .name = "fast", /* two CPUs: two threads that call each other on one, who can end that on
                           the other */
        .threads = 2,
        .cpus = 2,
        .slot_limit = 10,
        .queue_depth = {0, 1},
        .mastered = true,
        .alphabet = GROUP(IPC) | GROUP(CAPS) | GROUP(WAITS) | GROUP(END),
    },
    {
        .name = "all", /* everything */
        .threads = 2,
        .cpus = 1,
        .slot_limit = 14,
        .queue_depth = {0, 2},
        .grace_ns = {0, GRACE_NS},
        .groups = true,
        .alphabet = (1ull << ACT_GROUPS) - 1,
    },
};

static struct {
    const struct world_config *world;
    struct search_limits limits;
    const char *file;
    u64 walk_first;
    u64 walk_last;
    u32 steps;
} options = {.world = &worlds[0], .steps = 300, .limits = {.sample = 2000}};

static void usage(void)
{
    printf("usage: explorer [--world NAME] [--states N] [--seconds N] [--depth N] [--file PATH]\n"
           "                [--sample N] [--blind FIELD] [--walk A-B [--steps N]]\n"
           "  --world NAME   one of:");
    for (u32 i = 0; i < ARRAY_SIZE(worlds); i++)
        printf(" %s", worlds[i].name);
    printf("\n"
           "  --states N     stop when so many distinct states have been found\n"
           "  --seconds N    stop after so much processor time\n"
           "  --depth N      stop when all states so many steps from the start are known\n"
           "  --file PATH    keep what is found there, and go on from what is there\n"
           "  --races N      two CPUs: in each state also all pairs of calls at once, with all\n"
           "                 interleavings of at most N switches (1 or 2)\n"
           "  --race-one-in N  that in one of N states alone\n"
           "  --everywhere   also switches that cannot make a difference\n"
           "  --sample N     compare all next steps of one in N states reached again\n"
           "  --blind FIELD  leave a field out of the fingerprint: this must be noticed;\n"
           "                 one of:");
    for (u32 i = 1; i < FIELD_COUNT; i++)
        printf(" %s", canonical_field_name((enum canonical_field)i));
    printf("\n  --walk A-B     random walks instead, with these seeds\n");
}

static NORETURN void misused(const char *what)
{
    fprintf(stderr, "explorer: cannot use %s\n", what);
    usage();
    exit(2);
}

static u64 number(const char *text, char **end)
{
    u64 value = strtoull(text, end, 0);
    if (*end == text)
        misused(text);
    return value;
}

static void set_world(const char *name)
{
    for (u32 i = 0; i < ARRAY_SIZE(worlds); i++)
        if (strcmp(worlds[i].name, name) == 0) {
            options.world = &worlds[i];
            return;
        }
    misused(name);
}

static void set_blind(const char *name)
{
    for (u32 i = 1; i < FIELD_COUNT; i++)
        if (strcmp(canonical_field_name((enum canonical_field)i), name) == 0) {
            canonical_blind((enum canonical_field)i);
            return;
        }
    misused(name);
}

static void set_option(const char *name, const char *value)
{
    char *end = NULL;
    if (strcmp(name, "--world") == 0) {
        set_world(value);
    } else if (strcmp(name, "--file") == 0) {
        options.file = value;
    } else if (strcmp(name, "--blind") == 0) {
        set_blind(value);
    } else if (strcmp(name, "--states") == 0) {
        options.limits.states = number(value, &end);
    } else if (strcmp(name, "--seconds") == 0) {
        options.limits.seconds = number(value, &end);
    } else if (strcmp(name, "--depth") == 0) {
        options.limits.depth = (u32)number(value, &end);
    } else if (strcmp(name, "--sample") == 0) {
        options.limits.sample = (u32)number(value, &end);
    } else if (strcmp(name, "--races") == 0) {
        options.limits.preemptions = (u32)number(value, &end);
    } else if (strcmp(name, "--race-one-in") == 0) {
        options.limits.race_one_in = (u32)number(value, &end);
    } else if (strcmp(name, "--steps") == 0) {
        options.steps = (u32)number(value, &end);
    } else if (strcmp(name, "--walk") == 0) {
        options.walk_first = number(value, &end);
        options.walk_last = *end == '-' ? number(end + 1, &end) : options.walk_first;
    } else {
        misused(name);
    }
}

static bool walk(void)
{
    u64 transitions = 0;
    for (u64 seed = options.walk_first; seed <= options.walk_last; seed++)
        if (!search_walk(seed, options.steps, &transitions))
            return false;
    printf("world %s: %llu steps of %llu walks agree with the specification\n", options.world->name,
           (unsigned long long)transitions,
           (unsigned long long)(options.walk_last - options.walk_first + 1));
    return true;
}

static bool search(void)
{
    struct search_totals totals;
    bool good = search_run(&options.limits, options.file, &totals);
    printf("world %s: %llu states (%llu new), %llu of them expanded, %llu transitions, depth %u%s, "
           "%llu pairs compared, %.1f s, %.0f states/s\n",
           options.world->name, (unsigned long long)totals.states,
           (unsigned long long)totals.new_states, (unsigned long long)totals.expanded,
           (unsigned long long)totals.transitions, totals.depth,
           totals.fixed_point ? " (fixed point)" : "", (unsigned long long)totals.compared,
           totals.seconds, (double)totals.new_states / (totals.seconds + 0.001));
    if (options.limits.preemptions) {
        printf("world %s: in %llu states %llu pairs of calls at once, %llu interleavings with at "
               "most %u switches: "
               "%llu outcomes as one after the other, %llu explained, %llu in between\n",
               options.world->name, (unsigned long long)totals.raced,
               (unsigned long long)totals.races.pairs, (unsigned long long)totals.races.schedules,
               options.limits.preemptions, (unsigned long long)totals.races.sequential,
               (unsigned long long)totals.races.explained, (unsigned long long)totals.races.other);
        if (totals.races.other)
            printf("the last pairs with an outcome in between:\n");
        history_print();
    }
    printf("hot: %u lines in %u pages\n", sim_delta_lines(), sim_delta_pages());
    return good;
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < count; i += 2) {
        if (strcmp(arguments[i], "--help") == 0) {
            usage();
            return 0;
        }
        if (strcmp(arguments[i], "--everywhere") == 0) {
            race_everywhere();
            i--;
            continue;
        }
        if (i + 1 == count)
            misused(arguments[i]);
        set_option(arguments[i], arguments[i + 1]);
    }
    world_make(options.world);
    bool good = options.walk_last ? walk() : search();
    return good ? 0 : 1;
}
