/*
 * Two calls at once, on two CPUs, in all interleavings with a bounded number of switches.
 *
 * A schedule is a script of legs (port/sim.h): the first CPU passes n switch points, the other runs
 * to its end (or passes m points, with two switches), then the first goes on. n and m run from 1
 * until a leg is cut short. After both calls and the kernel's rest the invariants are checked, and
 * the outcome (fingerprint and what both threads got) must be that of one of the two orders, as the
 * kernel itself has it, which in turn has been compared with the specification. An
 * outcome in between is counted, and the pair kept for printing.
 */
#include "tests/sim/explore/race.h"

#include "tests/sim/run_state.h"

#include <string.h>

#define MAX_POINTS   4000u
#define MAX_OUTCOMES 64u

static struct race_totals *totals;
static const struct sim_image *base;

/* The states found good, so that each is checked once in a pair. */
static u64 seen[MAX_OUTCOMES];
static u32 seen_count;
static u64 orders[2];

/* Whether a handle was stale or revoked depends on when its slot is looked at. */
static u64 result_of(u32 thread)
{
    const struct thread *at = world.threads[thread];
    if (at->wait_lock || at->exited)
        return 99;
    return at->context.number == STATUS_STALE_HANDLE ? STATUS_REVOKED : at->context.number;
}

static u64 outcome(u32 first, u32 second)
{
    u64 low = first < second ? first : second;
    u64 high = first < second ? second : first;
    return mix(canonical_fingerprint(), result_of((u32)low) * 128 + result_of((u32)high));
}

static bool is_seen(u64 value)
{
    for (u32 i = 0; i < seen_count; i++)
        if (seen[i] == value)
            return true;
    if (seen_count < MAX_OUTCOMES)
        seen[seen_count++] = value;
    return false;
}

/* The base's state again, wholly: a step that is not taken back wholly would spoil those after it.
 */
static void restore(void)
{
    struct run_result failure = *run_current();
    *run_current() = (struct run_result){0};
    do
        sim_delta_restore(base);
    while (!sim_delta_verify());
    *run_current() = failure;
}

/* One schedule. *whole: no leg was cut short. False: something is wrong. */
static bool try_schedule(const struct spec_call *first, const struct spec_call *second,
                         const struct sim_leg *legs, u32 leg_count, bool *whole)
{
    *whole = world_race(first, second, legs, leg_count);
    totals->schedules++;
    u64 got = run_has_failed() ? 0 : outcome(first->thread, second->thread);
    if (!run_has_failed() && !is_seen(got)) {
        invariants_check();
        if (got == orders[0] || got == orders[1])
            totals->sequential++;
        else
            totals->other++;
    }
    restore();
    return !run_has_failed();
}

/* `first` is on CPU `cpu` and is switched away from at each point in turn. */
static bool interleave(const struct spec_call *first, const struct spec_call *second, u32 cpu,
                       u32 preemptions)
{
    bool whole = true;
    for (u64 n = 1; whole && n < MAX_POINTS; n++) {
        const struct sim_leg legs[] = {{cpu, n}, {1 - cpu, 0}, {cpu, 0}};
        if (!try_schedule(first, second, legs, ARRAY_SIZE(legs), &whole))
            return false;
        bool inner = whole && preemptions > 1;
        for (u64 m = 1; inner && m < MAX_POINTS; m++) {
            const struct sim_leg more[] = {{cpu, n}, {1 - cpu, m}, {cpu, 0}, {1 - cpu, 0}};
            if (!try_schedule(first, second, more, ARRAY_SIZE(more), &inner))
                return false;
        }
    }
    return true;
}

static bool race(const struct spec_call *a, const struct spec_call *b, u32 preemptions)
{
    seen_count = 0;
    totals->pairs++;
    world_sequence(a, b);
    orders[0] = outcome(a->thread, b->thread);
    restore();
    world_sequence(b, a);
    orders[1] = outcome(a->thread, b->thread);
    restore();
    return !run_has_failed() && interleave(a, b, 0, preemptions) &&
           interleave(b, a, 1, preemptions);
}

bool race_all_pairs(const struct sim_image *image, u32 preemptions, struct race_totals *out)
{
    static struct action list[MAX_ACTIONS];
    struct spec_call a;
    struct spec_call b;
    char text[2][120];
    u32 count = alphabet_list(list);
    totals = out;
    base = image;
    for (u32 i = 0; i < count; i++)
        for (u32 j = 0; j < count; j++) {
            if (list[i].thread != 1 || list[j].thread != 2 || !alphabet_call(&list[i], &a) ||
                !alphabet_call(&list[j], &b))
                continue;
            u64 before = out->other;
            bool good = race(&a, &b, preemptions);
            if (good && out->other == before)
                continue;
            alphabet_describe(&list[i], text[0], sizeof(text[0]));
            alphabet_describe(&list[j], text[1], sizeof(text[1]));
            history_line("%s | %s", text[0], text[1]);
            if (!good)
                return false;
        }
    return true;
}
