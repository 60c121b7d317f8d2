/*
 * Two calls at once, on two CPUs, in all interleavings with a bounded number of switches.
 *
 * A schedule is a script of legs (port/sim.h): the first CPU passes n switch points, the other runs
 * to its end (or passes m points, with two switches), then the first goes on. n and m run from 1
 * until a leg is cut short.
 *
 * Points are passed over where a switch cannot make a difference: if what the first does between
 * point n and point n + 1 touches no word that the other writes, nor writes one that the other
 * reads when it runs at n, then the other finds the same at n + 1 and leaves the same. So the next
 * point worth a switch lies behind the next such touch. (Words are those of atomic operations; what
 * is read or written otherwise is guarded by one, or is a race that this does not show anyhow.)
 * With race_everywhere all points are taken, to see that nothing is lost.
 *
 * After both calls and the kernel's rest the invariants are checked, and
 * the outcome (fingerprint and what both threads got) must be that of one of the two orders, as the
 * kernel itself has it, which in turn has been compared with the specification. An
 * outcome in between is counted, and the pair kept for printing.
 */
#include "tests/sim/explore/race.h"

#include "tests/sim/run_state.h"

#include <string.h>

#define MAX_POINTS    4000u
#define MAX_OUTCOMES  64u
#define CAREFUL_PAIRS 2000u /* each schedule's traces are looked for */

static struct race_totals *totals;
static const struct sim_image *base;

/* The states found good, so that each is checked once in a pair. */
static u64 seen[MAX_OUTCOMES];
static u32 seen_count;
static u64 orders[2];
static u64 between[2]; /* what both threads got when it was neither order's */

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

/* Outcomes of neither order that are as they should be:
 *
 *   kill, kill        of each other: both die, where the second could not have called any more
 *   cancel, revoke    BUSY: the revoker waits for its own clean-up, which is not to be cancelled
 *   a message, revoke of what it is sent or received by and of what a third thread waits by: its
 * own capability was looked at before the revocation and is good for this call, the other's after,
 * and is passed over; so nobody is found, or a signal stays */
static bool is_explained(const struct spec_call *a, const struct spec_call *b)
{
    if (a->number == SYS_kill && b->number == SYS_kill)
        return between[0] == 99 && between[1] == 99;
    const struct spec_call *other = a->number == SYS_revoke ? b : a;
    u64 got = a->number == SYS_revoke ? between[1] : between[0];
    if (a->number != SYS_revoke && b->number != SYS_revoke)
        return false;
    if (other->number == SYS_cancel)
        return got == STATUS_BUSY;
    bool is_message = other->number == SYS_send || other->number == SYS_call ||
                      other->number == SYS_receive || other->number == SYS_reply_receive ||
                      other->number == SYS_signal;
    bool finds_nobody = got == STATUS_WOULD_BLOCK || got == STATUS_OK || got == STATUS_REVOKED;
    return world.thread_count > 3 && is_message && finds_nobody;
}

/* The base's state again: at first wholly, then as far as lines are known to change. */
static void restore(void)
{
    struct run_result failure = *run_current();
    *run_current() = (struct run_result){0};
    do
        sim_delta_restore(base);
    while (totals->pairs < CAREFUL_PAIRS && !sim_delta_verify());
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
        else {
            between[0] = result_of(first->thread);
            between[1] = result_of(second->thread);
            if (is_explained(first, second))
                totals->explained++;
            else
                totals->other++;
        }
    }
    restore();
    return !run_has_failed();
}

/* --- What two CPUs touch --- */

#define TABLE_SIZE 16384u /* twice SIM_MAX_TOUCHES */

static bool everywhere;

/* What one CPU has touched, to be asked quickly. */
static struct {
    const volatile void *word;
    u32 round;
    bool writes;
} table[TABLE_SIZE];
static u32 table_round;
static bool table_has_everything;

static u32 place_of(const volatile void *word)
{
    u32 at = (u32)((uintptr_t)word * 0x9fb21c651e98df25ull >> 40) % TABLE_SIZE;
    while (table[at].round == table_round && table[at].word != word)
        at = (at + 1) % TABLE_SIZE;
    return at;
}

static void fill_table(const struct sim_touch *touches, u32 count)
{
    table_round++;
    table_has_everything = false;
    for (u32 i = 0; i < count; i++) {
        u32 at = place_of(touches[i].word);
        bool known = table[at].round == table_round;
        table[at].word = touches[i].word;
        table[at].writes = touches[i].writes || (known && table[at].writes);
        table[at].round = table_round;
        table_has_everything |= touches[i].word == SIM_EVERYTHING;
    }
}

static bool conflicts(const struct sim_touch *touch)
{
    if (!touch->word)
        return false;
    if (touch->word == SIM_EVERYTHING || table_has_everything)
        return true;
    u32 at = place_of(touch->word);
    return table[at].round == table_round && (table[at].writes || touch->writes);
}

/* A CPU that does `alone` from its point n on, and the other, which has done what `other` says when
 * it ran there: the next point at which the other may find something else. Past the end: none. */
static u64 next_point(const struct sim_touch *alone, u32 alone_count, const struct sim_touch *other,
                      u32 other_count, u64 n)
{
    if (everywhere)
        return n + 1;
    fill_table(other, other_count);
    for (; n <= alone_count; n++)
        if (conflicts(&alone[n - 1]))
            return n + 1;
    return MAX_POINTS;
}

void race_everywhere(void)
{
    everywhere = true;
}

/* `first` is on CPU `cpu` and is switched away from at each point in turn that matters. */
static bool interleave(const struct spec_call *first, const struct spec_call *second, u32 cpu,
                       u32 preemptions)
{
    static struct sim_touch alone[SIM_MAX_TOUCHES];
    const struct sim_leg in_order[] = {{cpu, 0}, {1 - cpu, 0}};
    u32 alone_count;
    u32 other_count;
    bool whole;
    if (!try_schedule(first, second, in_order, ARRAY_SIZE(in_order), &whole))
        return false;
    const struct sim_touch *touches = sim_touches(cpu, &alone_count);
    memcpy(alone, touches, alone_count * sizeof(*alone));
    whole = true;
    for (u64 n = 1, next; whole && n < MAX_POINTS; n = next) {
        const struct sim_leg legs[] = {{cpu, n}, {1 - cpu, 0}, {cpu, 0}};
        if (!try_schedule(first, second, legs, ARRAY_SIZE(legs), &whole))
            return false;
        const struct sim_touch *other = sim_touches(1 - cpu, &other_count);
        next = next_point(alone, alone_count, other, other_count, n);
        bool inner = whole && preemptions > 1;
        for (u64 m = 1; inner && m < MAX_POINTS; m++) {
            const struct sim_leg more[] = {{cpu, n}, {1 - cpu, m}, {cpu, 0}, {1 - cpu, 0}};
            if (!try_schedule(first, second, more, ARRAY_SIZE(more), &inner))
                return false;
        }
    }
    return true;
}

static bool race_once(const struct spec_call *a, const struct spec_call *b, u32 preemptions)
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

/* A step that was not taken back wholly may have spoilt those after it: then all of it again. */
static bool race(const struct spec_call *a, const struct spec_call *b, u32 preemptions)
{
    const struct race_totals before = *totals;
    for (;;) {
        bool good = race_once(a, b, preemptions);
        const struct run_result failure = *run_current();
        *run_current() = (struct run_result){0};
        sim_delta_restore(base);
        if (sim_delta_verify()) {
            *run_current() = failure;
            return good;
        }
        *totals = before;
    }
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
            if (!alphabet_call(&list[i], &a) || !alphabet_call(&list[j], &b) ||
                world_cpu_of(a.thread) != 0 || world_cpu_of(b.thread) != 1)
                continue;
            u64 before = out->other;
            bool good = race(&a, &b, preemptions);
            if (good && out->other == before)
                continue;
            alphabet_describe(&list[i], text[0], sizeof(text[0]));
            alphabet_describe(&list[j], text[1], sizeof(text[1]));
            history_line("%s | %s: %llu | %llu", text[0], text[1], (unsigned long long)between[0],
                         (unsigned long long)between[1]);
            if (!good)
                return false;
        }
    return true;
}
