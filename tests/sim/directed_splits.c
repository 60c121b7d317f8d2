/* Directed programs: pieces of mappings, words in them, and moves, while somebody takes away what
 * they stand on. */
#include "directed.h"

#include "mm/memory.h"
#include "proc/process.h"
#include "sched/wait.h"

#define RW    (MAP_READ | MAP_WRITE)
#define PLACE 0x30000000ull
#define OTHER 0x31000000ull

/* Two threads of init on CPUs of their own, beside init on CPU 0. */
struct contest {
    struct actor *init, *first, *second;
    u64 memory, leaf, word;
    u64 group;
    u32 outcomes[SIM_STATUS_COUNT];
};

static struct contest begin(void)
{
    struct contest contest = {.init = directed_init()};
    u64 first, second;
    contest.first = new_thread(contest.init, init_self(), &first);
    contest.second = new_thread(contest.init, init_self(), &second);
    pin(contest.init, init_main_thread(), 0);
    pin(contest.init, first, 1);
    pin(contest.init, second, 2);
    contest.memory = make_memory(contest.init, 4 * PAGE_SIZE);
    contest.leaf = derive(contest.init, contest.memory, ~0ull, 0);
    return contest;
}

static void map_at(struct actor *actor, u64 memory, u64 address)
{
    struct call map = CALL(map, memory, W(0, address, 0, 4 * PAGE_SIZE, RW | MAP_FIXED));
    CHECK_EQ(call(actor, map), STATUS_OK);
    for (u64 i = 0; i < 4; i++)
        CHECK(touch(actor, address + i * PAGE_SIZE, ACCESS_WRITE));
}

static bool both_back(void *argument)
{
    const struct contest *contest = argument;
    return !is_blocked(contest->first) && !is_blocked(contest->second);
}

/* What is cut in two while its capability is revoked goes with both pieces. */
static void verify_no_piece(void *argument)
{
    struct contest *contest = argument;
    CHECK(wait_until(both_back, contest));
    u64 status = contest->first->thread->context.number;
    if (CHECK(status < SIM_STATUS_COUNT))
        contest->outcomes[status]++;
    CHECK_EQ(contest->second->thread->context.number, STATUS_OK);
    for (u64 i = 0; i < 4; i++) {
        CHECK(!peek_is_mapped(contest->init->thread->vspace, PLACE + i * PAGE_SIZE, ACCESS_READ));
        CHECK_EQ(call(contest->init, CALL(futex_wait, 0, W(PLACE + i * PAGE_SIZE, 1))),
                 STATUS_BAD_ADDRESS);
    }
}

RACE(no_piece_of_a_mapping_outlives_its_revocation)
{
    struct contest contest = begin();
    map_at(contest.init, contest.leaf, PLACE);
    struct call cuts[] = {
        CALL(unmap, 0, W(0, PLACE + PAGE_SIZE, PAGE_SIZE)),
        CALL(protect, 0, W(0, PLACE + PAGE_SIZE, PAGE_SIZE, 0, MAP_READ)),
    };
    /* By the capability that it was mapped by, which stays good, and by the one above. */
    u64 revoked[] = {contest.leaf, contest.memory};
    for (u32 i = 0; i < ARRAY_SIZE(cuts) && !directed_failed(); i++)
        for (u32 j = 0; j < ARRAY_SIZE(revoked) && !directed_failed(); j++) {
            struct racer cut = {contest.first, cuts[i]};
            struct racer revokes = {contest.second, CALL(revoke, revoked[j])};
            CHECK(race_everywhere(&cut, &revokes, verify_no_piece, &contest) > 3);
        }
    CHECK(contest.outcomes[STATUS_OK] > 0);
}

/* Who waits on a word waits where wakers look: nobody waits on a word that was unmapped first. */
static void verify_found(void *argument)
{
    struct contest *contest = argument;
    settle();
    struct actor *waiter = contest->first;
    if (waiter->thread->context.number == STATUS_BAD_ADDRESS) {
        contest->outcomes[STATUS_BAD_ADDRESS]++;
        CHECK(!is_blocked(waiter));
        return;
    }
    contest->outcomes[STATUS_OK]++;
    CHECK(is_blocked(waiter));
    CHECK_EQ(call(contest->init, CALL(futex_wake, 0, W(contest->word, 1))), STATUS_OK);
    CHECK_EQ(result_word(contest->init, 0), 1);
    CHECK_EQ(finish(waiter), STATUS_OK);
}

RACE(nobody_waits_on_a_word_that_is_not_there)
{
    struct contest contest = begin();
    map_at(contest.init, contest.leaf, PLACE);
    map_at(contest.init, contest.memory, OTHER);
    contest.word = OTHER;
    struct racer waits = {contest.first, CALL(futex_wait, 0, W(PLACE, 0), .deadline = FOREVER)};
    struct racer unmaps = {contest.second, CALL(unmap, 0, W(0, PLACE, 4 * PAGE_SIZE))};
    CHECK(race_everywhere(&waits, &unmaps, verify_found, &contest) > 3);
    CHECK(contest.outcomes[STATUS_OK] > 0 && contest.outcomes[STATUS_BAD_ADDRESS] > 0);
}

static u64 kernel_bytes(const struct contest *contest)
{
    struct group_usage usage;
    u64 place = scratch(contest->init, 2);
    CHECK_EQ(call(contest->init, CALL(group_info, contest->group, W(place))), STATUS_OK);
    peek(contest->init, place, &usage, sizeof(usage));
    return usage.used[GROUP_KERNEL_BYTES];
}

/* The receiver's group pays for what came, and for nothing that was lost on the way. */
static void verify_paid(void *argument)
{
    struct contest *contest = argument;
    CHECK(wait_until(both_back, contest));
    CHECK_EQ(contest->second->thread->context.number, STATUS_OK);
    u64 status = contest->first->thread->context.number;
    if (CHECK(status < SIM_STATUS_COUNT))
        contest->outcomes[status]++;
    pass_time(20000000);
    CHECK_EQ(kernel_bytes(contest), contest->word);
}

RACE(a_move_that_is_overtaken_is_not_paid_for)
{
    struct contest contest = begin();
    struct group_limits limits = no_limits();
    u64 group = make_group(contest.init, init_cap(INIT_CAP_GROUP), &limits);
    struct spawn_plan plan = sound_plan();
    CHECK_EQ(status_of_spawn(contest.init, group, &plan), STATUS_OK);
    struct child child = child_of(contest.init);
    contest.group = group;
    contest.word = kernel_bytes(&contest);
    struct racer moves = {contest.first,
                          CALL(grant, child.process, W(contest.leaf, ~0u, CAP_SEND_MOVE))};
    struct racer revokes = {contest.second, CALL(revoke, contest.memory)};
    CHECK(race_everywhere(&moves, &revokes, verify_paid, &contest) > 3);
    CHECK(contest.outcomes[STATUS_OK] > 0);
    CHECK(contest.outcomes[STATUS_REVOKED] + contest.outcomes[STATUS_STALE_HANDLE] > 0);
}
