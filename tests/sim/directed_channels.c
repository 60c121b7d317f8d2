/* Directed programs: channels. */
#include "directed.h"

#include "ipc/endpoint.h"

#define GROUP   init_cap(INIT_CAP_GROUP)
#define NO_WAIT INFO_NONBLOCK

struct ends {
    u64 a, b;
};

static struct ends make_channel(struct actor *actor, u64 depth, u64 grace_ns)
{
    CHECK_EQ(call(actor, CALL(create_channel, GROUP, W(depth, grace_ns))), STATUS_OK);
    return (struct ends){result_word(actor, 0), result_word(actor, 1)};
}

SCENARIO(a_channel_is_two_endpoints)
{
    struct actor *init = directed_init();
    struct ends ends = make_channel(init, 2, 0);
    CHECK(ends.a != ends.b);
    CHECK_EQ(call(init, CALL(send, ends.a, W(1), .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(call(init, CALL(send, ends.b, W(2), .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(call(init, CALL(receive, ends.b, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 2);
    CHECK_EQ(call(init, CALL(receive, ends.a, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 1);
    CHECK_EQ(call(init, CALL(receive, ends.a, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(receive, ends.b, .deadline = sim_now_ns() + 1000)), STATUS_TIMED_OUT);
}

SCENARIO(create_channel_needs_a_group_and_room)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 powerless = derive(init, GROUP, ~(u64)RIGHT_CREATE_ENDPOINT, 0);
    CHECK_EQ(call(init, CALL(create_channel, 0)), STATUS_BAD_HANDLE);
    CHECK_EQ(call(init, CALL(create_channel, endpoint)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(create_channel, powerless)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(create_channel, GROUP, W(257))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(create_channel, GROUP, W(1ull << 32))), STATUS_BAD_ARGUMENT);
    /* Room for one end is not enough. */
    struct group_limits limits = no_limits();
    limits.limit[GROUP_KERNEL_BYTES] = sizeof(struct endpoint) * 3 / 2;
    u64 small = make_group(init, GROUP, &limits);
    CHECK_EQ(call(init, CALL(create_endpoint, small)), STATUS_OK);
    CHECK_EQ(status_of_close(init, result_word(init, 0)), STATUS_OK);
    pass_time(10000000);
    CHECK_EQ(call(init, CALL(create_channel, small)), STATUS_GROUP_LIMIT);
    u64 refused = 0;
    u32 held = init->thread->space->used_count;
    for (u64 n = 1; !directed_failed(); n++) {
        fail_allocation(n);
        u64 status = call(init, CALL(create_channel, GROUP));
        if (!allocation_failed() && CHECK_EQ(status, STATUS_OK))
            break;
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
        CHECK_EQ(init->thread->space->used_count, held);
        refused++;
    }
    CHECK(refused > 0);
}

SCENARIO(who_waits_at_one_end_learns_that_the_other_is_gone)
{
    struct actor *init = directed_init();
    struct actor *other = new_thread(init, init_self(), NULL);
    struct actor *third = new_thread(init, init_self(), NULL);
    struct ends ends = make_channel(init, 1, 0);
    u64 to_b = derive(init, ends.b, RIGHT_SEND, 0);
    CHECK(start(other, CALL(receive, ends.a, .deadline = FOREVER)));
    CHECK_EQ(call(init, CALL(send, to_b, .info = NO_WAIT)), STATUS_OK);
    CHECK(start(third, CALL(send, to_b, .deadline = FOREVER)));
    CHECK(is_blocked(other) && is_blocked(third));
    CHECK_EQ(status_of_close(init, ends.b), STATUS_OK);
    CHECK_EQ(finish(other), STATUS_PEER_CLOSED);
    CHECK_EQ(finish(third), STATUS_PEER_CLOSED);
    CHECK_EQ(call(init, CALL(receive, ends.a, .info = NO_WAIT)), STATUS_PEER_CLOSED);
    CHECK_EQ(call(init, CALL(receive, ends.a, .deadline = FOREVER)), STATUS_PEER_CLOSED);
    CHECK_EQ(call(init, CALL(reply_receive, ends.a, .deadline = FOREVER)), STATUS_PEER_CLOSED);
    CHECK_EQ(call(init, CALL(call, to_b, .deadline = FOREVER)), STATUS_PEER_CLOSED);
    /* What is there already is still received. */
    CHECK_EQ(call(init, CALL(send, ends.a, W(9), .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(call(init, CALL(receive, ends.a, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 9);
    CHECK_EQ(call(init, CALL(signal, ends.a)), STATUS_OK);
    CHECK_EQ(call(init, CALL(receive, ends.a, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(call(init, CALL(receive, ends.a, .info = NO_WAIT)), STATUS_PEER_CLOSED);
    /* The endpoint itself goes, and what was told stays true. */
    CHECK_EQ(status_of_close(init, to_b), STATUS_OK);
    pass_time(50000000);
    CHECK_EQ(call(init, CALL(receive, ends.a, .deadline = FOREVER)), STATUS_PEER_CLOSED);
}

SCENARIO(a_channel_end_that_vanishes_at_once_is_noticed)
{
    struct actor *init = directed_init();
    struct actor *other = new_thread(init, init_self(), NULL);
    struct ends ends = make_channel(init, 0, 1000000000);
    CHECK(start(other, CALL(receive, ends.a, .deadline = FOREVER)));
    /* No capability at all is left: no grace time for what is no more. */
    CHECK_EQ(status_of_close(init, ends.b), STATUS_OK);
    pass_time(50000000);
    CHECK(!is_blocked(other));
    CHECK_EQ(other->thread->context.number, STATUS_PEER_CLOSED);
}

SCENARIO(a_channel_end_comes_back_within_its_grace_time_or_after)
{
    struct actor *init = directed_init();
    struct actor *other = new_thread(init, init_self(), NULL);
    struct ends ends = make_channel(init, 0, 20000000);
    u64 rebind = derive(init, ends.b, RIGHT_REBIND | RIGHT_SEND | RIGHT_DERIVE, 0);
    CHECK(start(other, CALL(receive, ends.a, .deadline = FOREVER)));
    CHECK_EQ(status_of_close(init, ends.b), STATUS_OK);
    pass_time(5000000);
    u64 again = derive(init, rebind, RIGHT_RECEIVE, 0);
    pass_time(50000000);
    CHECK(is_blocked(other));
    CHECK_EQ(status_of_close(init, again), STATUS_OK);
    CHECK_EQ(finish(other), STATUS_PEER_CLOSED);
    again = derive(init, rebind, RIGHT_RECEIVE, 0);
    CHECK_EQ(call(other, CALL(receive, ends.a, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    CHECK(start(other, CALL(receive, ends.a, .deadline = FOREVER)));
    CHECK(is_blocked(other));
    CHECK_EQ(call(init, CALL(send, ends.a, .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ(finish(other), STATUS_OK);
}

SCENARIO(a_channel_end_lost_twice_has_its_grace_time_twice)
{
    struct actor *init = directed_init();
    struct actor *waiter = new_thread(init, init_self(), NULL);
    struct ends ends = make_channel(init, 0, 20000000);
    u64 rebind = derive(init, ends.a, RIGHT_SEND | RIGHT_REBIND | RIGHT_DERIVE, 0);
    CHECK_EQ(status_of_close(init, ends.a), STATUS_OK);
    pass_time(40000000);
    u64 again = derive(init, rebind, RIGHT_RECEIVE, 0);
    CHECK_EQ(status_of_close(init, again), STATUS_OK);
    CHECK(start(waiter, CALL(receive, ends.b, .deadline = FOREVER)));
    pass_time(10000000);
    CHECK(is_blocked(waiter));
    pass_time(20000000);
    CHECK_EQ(finish(waiter), STATUS_PEER_CLOSED);
}

SCENARIO(a_channel_between_processes_ends_with_one_of_them)
{
    struct actor *init = directed_init();
    struct ends ends = make_channel(init, 0, 0);
    u64 back = derive(init, ends.a, RIGHT_SEND | RIGHT_TRANSFER | RIGHT_DERIVE, 0);
    u64 given[] = {ends.b, back};
    struct child child = spawn(init, given, 2);
    CHECK_EQ(status_of_close(init, ends.b), STATUS_OK);
    CHECK(start(init, CALL(receive, ends.a, .deadline = FOREVER)));
    CHECK(start(child.main, CALL(call, child.caps[1], W(5), .deadline = FOREVER)));
    CHECK_EQ(finish(init), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 5);
    struct actor *killer = new_thread(init, init_self(), NULL);
    CHECK(start(init, CALL(reply_receive, ends.a, .deadline = FOREVER)));
    CHECK_EQ(finish(child.main), STATUS_OK);
    CHECK(is_blocked(init));
    CHECK_EQ(call(killer, CALL(kill, child.process)), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_PEER_CLOSED);
}

/* --- One end goes while a thread begins to wait at the other. */

struct contest {
    struct actor *init, *first, *second;
    u32 told;
};

static bool both_back(void *argument)
{
    const struct contest *contest = argument;
    return !is_blocked(contest->first) && !is_blocked(contest->second);
}

static void verify_told(void *argument)
{
    struct contest *contest = argument;
    CHECK(wait_until(both_back, contest));
    CHECK_EQ(contest->second->thread->context.number, STATUS_OK);
    CHECK_EQ(contest->first->thread->context.number, STATUS_PEER_CLOSED);
    contest->told++;
}

RACE(a_receiver_learns_of_a_peer_that_goes_meanwhile)
{
    u64 first, second;
    struct contest contest = {.init = directed_init()};
    contest.first = new_thread(contest.init, init_self(), &first);
    contest.second = new_thread(contest.init, init_self(), &second);
    pin(contest.init, init_main_thread(), 0);
    pin(contest.init, first, 1);
    pin(contest.init, second, 2);
    struct ends ends = make_channel(contest.init, 0, 0);
    struct racer receives = {contest.first, CALL(receive, ends.a, .deadline = FOREVER)};
    struct racer closes = {contest.second, CALL(close, ends.b)};
    CHECK(race_everywhere(&receives, &closes, verify_told, &contest) > 3);
    struct contest swapped = contest;
    CHECK(race_everywhere(&closes, &receives, verify_told, &swapped) > 3);
    CHECK(contest.told > 0 && swapped.told > 0);
}
