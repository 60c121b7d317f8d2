/* Directed programs: suspending and resuming resource groups. */
#include "directed.h"

#include "proc/process.h"
#include "sched/wait.h"

static u64 control(struct actor *actor, u64 group, u64 operation)
{
    return call(actor, (struct call)CALL(group_control, group, W(operation)));
}

static struct child spawn_in(struct actor *init, u64 group, u32 flags)
{
    struct spawn_plan plan = sound_plan();
    plan.flags = flags;
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    pass_time(5000000); /* it has its turn: there it finds out whether its group is suspended */
    return child_of(init);
}

static bool is_frozen(const struct actor *actor)
{
    return is_blocked(actor) && wait_is_held(actor->thread) &&
           (actor->thread->flags & THREAD_FLAG_FROZEN);
}

static bool runs(struct actor *actor)
{
    return !is_blocked(actor) && call(actor, (struct call)CALL(null, 0)) == STATUS_OK;
}

/* A group, one below it, and a process in each. */
struct nest {
    struct actor *init;
    u64 outer, inner;
    struct child high, low;
};

static struct nest make_nest(void)
{
    struct group_limits limits = no_limits();
    struct nest nest = {.init = directed_init()};
    nest.outer = make_group(nest.init, init_cap(INIT_CAP_GROUP), &limits);
    nest.inner = make_group(nest.init, nest.outer, &limits);
    nest.high = spawn_in(nest.init, nest.outer, 0);
    nest.low = spawn_in(nest.init, nest.inner, 0);
    return nest;
}

SCENARIO(a_suspended_group_stands_still_with_all_below_and_goes_on_when_resumed)
{
    struct nest nest = make_nest();
    for (u32 round = 0; round < 2; round++) {
        CHECK(runs(nest.high.main) && runs(nest.low.main));
        CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
        CHECK(is_frozen(nest.high.main) && is_frozen(nest.low.main));
        CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK); /* changes nothing */
        CHECK(is_frozen(nest.high.main) && is_frozen(nest.low.main));
        CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
        CHECK(runs(nest.high.main) && runs(nest.low.main));
        CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    }
    CHECK(runs(nest.init));
}

SCENARIO(a_group_below_that_was_suspended_by_itself_stays_so)
{
    struct nest nest = make_nest();
    CHECK_EQ(control(nest.init, nest.inner, GROUP_SUSPEND), STATUS_OK);
    CHECK(runs(nest.high.main));
    CHECK(is_frozen(nest.low.main));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    CHECK(runs(nest.high.main));
    CHECK(is_frozen(nest.low.main));
    /* And the other way: below a suspended group, being resumed does not help. */
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    CHECK_EQ(control(nest.init, nest.inner, GROUP_RESUME), STATUS_OK);
    CHECK(is_frozen(nest.low.main));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    CHECK(runs(nest.low.main));
}

SCENARIO(what_is_made_in_a_suspended_group_waits_until_it_is_resumed)
{
    struct nest nest = make_nest();
    struct group_limits limits = no_limits();
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    struct child late = spawn_in(nest.init, nest.inner, 0);
    struct child held = spawn_in(nest.init, nest.inner, SPAWN_HELD);
    struct child deep = spawn_in(nest.init, make_group(nest.init, nest.inner, &limits), 0);
    pass_time(20000000);
    CHECK(is_frozen(late.main) && is_frozen(deep.main) && is_blocked(held.main));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    CHECK(runs(late.main) && runs(deep.main));
    CHECK(is_blocked(held.main)); /* nobody has started it */
    CHECK_EQ(call(nest.init, CALL(thread_control, held.thread, W(THREAD_START))), STATUS_OK);
    CHECK(runs(held.main));
}

SCENARIO(a_thread_is_started_and_resumed_in_vain_while_its_group_is_suspended)
{
    struct nest nest = make_nest();
    struct child held = spawn_in(nest.init, nest.outer, SPAWN_HELD);
    struct call suspend = CALL(thread_control, nest.high.thread, W(THREAD_SUSPEND));
    struct call resume = CALL(thread_control, nest.high.thread, W(THREAD_RESUME));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    CHECK_EQ(call(nest.init, CALL(thread_control, held.thread, W(THREAD_START))), STATUS_OK);
    CHECK_EQ(call(nest.init, resume), STATUS_OK);
    pass_time(20000000);
    CHECK(is_frozen(held.main) && is_frozen(nest.high.main));
    /* Suspended by itself as well, it outlasts the group's suspension. */
    CHECK_EQ(call(nest.init, suspend), STATUS_OK);
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    pass_time(20000000);
    CHECK(runs(held.main));
    CHECK(is_blocked(nest.high.main) && wait_is_held(nest.high.main->thread));
    CHECK_EQ(call(nest.init, resume), STATUS_OK);
    CHECK(runs(nest.high.main));
}

SCENARIO(a_wait_that_ends_in_a_suspended_group_keeps_its_result)
{
    struct nest nest = make_nest();
    u64 endpoint = make_endpoint(nest.init, 0, 0);
    struct call give = CALL(grant, nest.low.process, W(endpoint, ~0u, CAP_SEND_COPY));
    CHECK_EQ(call(nest.init, give), STATUS_OK);
    CHECK(start(nest.low.main, CALL(receive, result_word(nest.init, 0), .deadline = FOREVER)));
    CHECK(is_blocked(nest.low.main));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    CHECK(!wait_is_held(nest.low.main->thread)); /* it waits on */
    CHECK_EQ(call(nest.init, CALL(signal, endpoint)), STATUS_OK);
    pass_time(20000000);
    CHECK(is_frozen(nest.low.main));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    CHECK_EQ(finish(nest.low.main), STATUS_OK);
}

SCENARIO(who_suspends_its_own_group_stops_with_it)
{
    struct nest nest = make_nest();
    struct call give = CALL(grant, nest.low.process, W(nest.outer, ~0u, CAP_SEND_COPY));
    CHECK_EQ(call(nest.init, give), STATUS_OK);
    CHECK(start(nest.low.main, CALL(group_control, result_word(nest.init, 0), W(GROUP_SUSPEND))));
    pass_time(20000000);
    CHECK(is_frozen(nest.low.main) && is_frozen(nest.high.main));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    CHECK_EQ(finish(nest.low.main), STATUS_OK);
    CHECK(runs(nest.high.main));
}

SCENARIO(who_is_suspended_can_be_killed_and_the_group_destroyed)
{
    struct nest nest = make_nest();
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    CHECK_EQ(call(nest.init, CALL(kill, nest.low.process)), STATUS_OK);
    CHECK(!is_alive(nest.low.main));
    CHECK(is_frozen(nest.high.main));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_DESTROY), STATUS_OK);
    CHECK(!is_alive(nest.high.main));
    /* Nothing is left to suspend: both are allowed, and change nothing. */
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
}

/* More than one slice of a walk, with much in the list that is no thread. */
SCENARIO(a_group_of_many_objects_is_suspended_whole)
{
    struct nest nest = make_nest();
    struct child crowd[6];
    for (u32 i = 0; i < ARRAY_SIZE(crowd); i++) {
        for (u32 j = 0; j < REAPER_SLICE; j++)
            CHECK_EQ(call(nest.init, CALL(create_endpoint, nest.inner, W(0, 0))), STATUS_OK);
        crowd[i] = spawn_in(nest.init, nest.inner, 0);
    }
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    for (u32 i = 0; i < ARRAY_SIZE(crowd); i++)
        CHECK(is_frozen(crowd[i].main));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    for (u32 i = 0; i < ARRAY_SIZE(crowd); i++)
        CHECK(runs(crowd[i].main));
}

SCENARIO(suspending_a_group_needs_its_right)
{
    struct nest nest = make_nest();
    u64 root = init_cap(INIT_CAP_GROUP), closed = derive(nest.init, nest.outer, ~0ull, 0);
    u64 weak = derive(nest.init, nest.outer, ~(u64)RIGHT_GROUP_CONTROL, 0);
    u64 endpoint = make_endpoint(nest.init, 0, 0);
    CHECK_EQ(status_of_close(nest.init, closed), STATUS_OK);
    for (u64 operation = GROUP_SUSPEND; operation <= GROUP_RESUME; operation++) {
        CHECK_EQ(control(nest.init, root, operation), STATUS_BAD_ARGUMENT);
        CHECK_EQ(control(nest.init, weak, operation), STATUS_MISSING_RIGHT);
        CHECK_EQ(control(nest.init, endpoint, operation), STATUS_WRONG_TYPE);
        CHECK_EQ(control(nest.init, closed, operation), STATUS_STALE_HANDLE);
        CHECK_EQ(control(nest.init, 0, operation), STATUS_BAD_HANDLE);
    }
    CHECK(runs(nest.high.main) && runs(nest.init));
    CHECK_EQ(control(nest.init, nest.outer, GROUP_DESTROY), STATUS_OK);
    CHECK_EQ(control(nest.init, nest.inner, GROUP_SUSPEND), STATUS_REVOKED);
}

SCENARIO(suspending_a_group_that_can_pay_for_nothing_works)
{
    struct nest nest = make_nest();
    for (u64 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        CHECK_EQ(call(nest.init, CALL(group_control, nest.outer, W(GROUP_SET_LIMIT, what, 0))),
                 STATUS_OK);
    fail_allocation(1);
    CHECK_EQ(control(nest.init, nest.outer, GROUP_SUSPEND), STATUS_OK);
    CHECK_EQ(control(nest.init, nest.outer, GROUP_RESUME), STATUS_OK);
    CHECK(!allocation_failed()); /* it makes none */
    CHECK(runs(nest.low.main));
}
