/* Directed programs: the short ways of signal, send, receive and yield, and what must not take
 * them. */
#include "directed_pair.h"
#include "sched/sched.h"
#include "sched/wait.h"
#include "trace/trace.h"

/* It uses so much that others, once woken, go first. */
static void tire(struct actor *actor, u64 empty_endpoint)
{
    warm(actor);
    pass_time(3000000);
    CHECK_EQ(call(actor, CALL(receive, empty_endpoint, .deadline = sim_now_ns() + 1000)),
             STATUS_TIMED_OUT);
    warm(actor);
}

/* The caller has used so much more than the server that the server, once woken, goes first. */
static struct pair make_tired_pair(void)
{
    struct pair pair = make_pair();
    tire(pair.caller, make_endpoint(pair.init, 0, 0));
    return pair;
}

static bool runs_on_1(const struct actor *actor)
{
    return sim_cpu_context(1) == &actor->thread->context;
}

SCENARIO(who_wakes_one_that_is_behind_gives_way_at_once)
{
    struct pair pair = make_tired_pair();
    CHECK(start(pair.caller, CALL(signal, pair.badged)));
    CHECK(runs_on_1(pair.server));
    CHECK_EQ(pair.caller->thread->activity->state, ACTIVITY_READY);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK_EQ(result_word(pair.server, 0), 42);
    CHECK_EQ(result_info(pair.server), (u64)MESSAGE_SIGNAL << INFO_KIND_SHIFT);
    CHECK_EQ(result_badge(pair.server), 0);
    CHECK(start(pair.server, CALL(receive, pair.endpoint, .deadline = FOREVER)));
    CHECK(is_blocked(pair.server) && runs_on_1(pair.caller));
    CHECK_EQ(finish(pair.caller), STATUS_OK);
    fill(pair.caller, 7);
    fill(pair.server, 0);
    CHECK(start(pair.caller, CALL(send, pair.badged, EIGHT(50), .info = message_info(3, 9, 0, 0))));
    CHECK(runs_on_1(pair.server));
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK(has_words(pair.server, 50) && holds(pair.server, 7, 0, 9) &&
          holds(pair.server, 0, 9, 256));
    CHECK_EQ(result_info(pair.server),
             message_info(3, 9, 0, 0) | (u64)MESSAGE_SEND << INFO_KIND_SHIFT);
    CHECK_EQ(result_badge(pair.server), 42);
    CHECK_EQ(pair.server->thread->context.aux, pair.caller->thread->home->trace);
    CHECK_EQ(finish(pair.caller), STATUS_OK);
}

/* Woken, but held, or bound to another CPU: who woke it goes on. */
SCENARIO(who_may_not_run_here_is_not_given_way_to)
{
    struct pair pair = make_tired_pair();
    CHECK_EQ(call(pair.init, CALL(thread_control, pair.server_thread, W(THREAD_SUSPEND))),
             STATUS_OK);
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(signal, pair.endpoint)));
    CHECK(runs_on_1(pair.caller) && !is_blocked(pair.caller));
    CHECK_EQ(call(pair.init, CALL(thread_control, pair.server_thread, W(THREAD_RESUME))),
             STATUS_OK);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK(start(pair.server, CALL(receive, pair.endpoint, .deadline = FOREVER)));
    pin(pair.init, pair.server_thread, 2);
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(signal, pair.endpoint)));
    CHECK(runs_on_1(pair.caller) && !is_blocked(pair.caller));
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK(sim_cpu_context(2) == &pair.server->thread->context);
}

/* On a machine with one CPU nothing makes the kernel look again, once the end of the slice is
 * armed: that the woken one is held is found out at the wake-up alone. */
static void wake_one_that_is_held(bool bound)
{
    struct actor *init = directed_init();
    u64 handles[2], endpoints[2];
    struct actor *servers[2];
    CHECK_EQ(call(init, CALL(trace_control, init_cap(INIT_CAP_TRACE), W(TRACE_SET_CATEGORIES, 0))),
             STATUS_OK);
    for (u32 i = 0; i < 2; i++) {
        endpoints[i] = make_endpoint(init, 0, 0);
        servers[i] = new_thread(init, init_self(), &handles[i]);
        if (bound)
            pin(init, handles[i], 0);
        CHECK(start(servers[i], CALL(receive, endpoints[i], .deadline = FOREVER)));
    }
    CHECK_EQ(call(init, CALL(thread_control, handles[0], W(THREAD_SUSPEND))), STATUS_OK);
    tire(init, make_endpoint(init, 0, 0));
    CHECK(start(init, CALL(signal, endpoints[1])));
    CHECK(sim_cpu_context(0) == &servers[1]->thread->context);
    CHECK(sim_timer_deadline(0) <= sim_now_ns() + SCHED_SLICE_NS); /* the slice has an end */
    CHECK(start(servers[1], CALL(receive, endpoints[1], .deadline = FOREVER)));
    CHECK(sim_cpu_context(0) == &init->thread->context);
    CHECK(start(init, CALL(signal, endpoints[0])));
    CHECK(sim_cpu_context(0) == &init->thread->context);
    CHECK_EQ(call(init, CALL(thread_control, handles[0], W(THREAD_RESUME))), STATUS_OK);
    CHECK_EQ(finish(servers[0]), STATUS_OK);
    CHECK_EQ(result_word(servers[0], 0), 1);
}

SCENARIO_ON_ONE_CPU(who_is_held_is_not_given_way_to_on_the_only_cpu)
{
    wake_one_that_is_held(false);
}

SCENARIO_ON_ONE_CPU(who_is_held_and_bound_is_not_given_way_to_on_the_only_cpu)
{
    wake_one_that_is_held(true);
}

/* It may run here, and has used less: but another CPU owns its activity. */
SCENARIO(who_is_woken_goes_on_where_its_activity_is)
{
    struct pair pair = make_pair();
    struct actor *server = pair.server;
    CHECK_EQ(call(pair.init, CALL(cancel, pair.server_thread)), STATUS_OK);
    CHECK_EQ(finish(server), STATUS_CANCELLED);
    pin(pair.init, pair.server_thread, 2);
    CHECK(start(server, CALL(receive, pair.endpoint, .deadline = FOREVER)));
    CHECK_EQ(call(pair.init, CALL(thread_control, pair.server_thread, W(THREAD_SET_CPUS, 6))),
             STATUS_OK);
    server->thread->flags &= ~THREAD_FLAG_MOVE; /* as when it has been on a CPU since */
    tire(pair.caller, make_endpoint(pair.init, 0, 0));
    CHECK(start(pair.caller, CALL(signal, pair.badged)));
    CHECK(runs_on_1(pair.caller) && sim_cpu_context(2) == &server->thread->context);
    CHECK_EQ(server->thread->home->cpu, 2);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(finish(pair.caller), STATUS_OK);
}

/* A timer that the caller sets, so that it fires on CPU 1. */
static u64 set_timer(struct pair *pair, u64 endpoint, u64 deadline_ns)
{
    CHECK_EQ(call(pair->init, CALL(create_timer, init_cap(INIT_CAP_GROUP), W(endpoint))),
             STATUS_OK);
    u64 timer = result_word(pair->init, 0);
    CHECK_EQ(call(pair->caller, CALL(timer_set, timer, .deadline = deadline_ns)), STATUS_OK);
    return timer;
}

SCENARIO(an_interrupt_takes_the_place_of_whom_it_preempts)
{
    struct pair pair = make_tired_pair();
    u64 other_thread, endpoint = make_endpoint(pair.init, 0, 0);
    struct actor *other = new_thread(pair.init, init_self(), &other_thread);
    pin(pair.init, other_thread, 1);
    CHECK(start(other, CALL(receive, endpoint, .deadline = FOREVER)));
    u64 due = sim_now_ns() + 1000000;
    (void)set_timer(&pair, pair.badged, due);
    CHECK(runs_on_1(pair.caller));
    pass_time(2000000);
    CHECK(runs_on_1(pair.server));
    CHECK_EQ(pair.caller->thread->activity->state, ACTIVITY_READY);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK_EQ(result_word(pair.server, 0), 42);
    /* Two at once: the one takes the caller's place, the other gets in line. */
    CHECK(start(pair.server, CALL(receive, pair.endpoint, .deadline = FOREVER)));
    CHECK(is_blocked(pair.server) && is_blocked(other));
    due = sim_now_ns() + 1000000;
    (void)set_timer(&pair, pair.badged, due);
    (void)set_timer(&pair, endpoint, due);
    pass_time(2000000);
    CHECK(!is_blocked(pair.server) && !is_blocked(other));
    CHECK_EQ(finish(other), STATUS_OK);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK_EQ(call(pair.caller, CALL(null, 0)), STATUS_OK);
    /* Nobody is there to be preempted. */
    CHECK(start(pair.server, CALL(receive, pair.endpoint, .deadline = FOREVER)));
    CHECK(start(other, CALL(receive, endpoint, .deadline = FOREVER)));
    (void)set_timer(&pair, pair.badged, sim_now_ns() + 1000000);
    u64 empty = make_endpoint(pair.init, 0, 0);
    CHECK(start(pair.caller, CALL(receive, empty, .deadline = sim_now_ns() + 5000000)));
    CHECK(!sim_cpu_context(1));
    pass_time(2000000);
    CHECK(runs_on_1(pair.server));
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK_EQ(finish(pair.caller), STATUS_TIMED_OUT);
    CHECK_EQ(call(pair.init, CALL(signal, endpoint)), STATUS_OK);
    CHECK_EQ(finish(other), STATUS_OK);
}

/* What is unusual about a signal, a send or a receive comes out as by the general path. */
SCENARIO(unusual_one_way_messages_come_out_the_same)
{
    struct pair pair = make_pair();
    struct actor *caller = pair.caller, *server = pair.server;
    u64 mute = derive(pair.init, pair.endpoint, RIGHT_RECEIVE, 0);
    u64 leaf = derive(pair.init, pair.badged, ~0ull, 0);
    CHECK_EQ(status_of_revoke(pair.init, pair.badged), STATUS_OK);
    static const u64 numbers[] = {SYS_signal, SYS_send};
    for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct call one = CALL(null, leaf);
        one.number = numbers[i];
        CHECK_EQ(call(caller, one), STATUS_REVOKED);
        one.handle = mute;
        CHECK_EQ(call(caller, one), STATUS_MISSING_RIGHT);
        one.handle = init_self();
        CHECK_EQ(call(caller, one), STATUS_WRONG_TYPE);
        one.handle = 0;
        CHECK_EQ(call(caller, one), STATUS_BAD_HANDLE);
        CHECK(is_blocked(server));
    }
    CHECK_EQ(call(caller, CALL(send, pair.endpoint, .info = message_info(0, 257, 0, 0))),
             STATUS_BAD_ARGUMENT);
    /* A deadline ends with its wait. */
    CHECK_EQ(call(caller, CALL(signal, pair.endpoint)), STATUS_OK);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK(start(server, CALL(receive, pair.endpoint, .deadline = sim_now_ns() + 5000000)));
    warm(caller);
    CHECK_EQ(call(caller, CALL(signal, pair.endpoint)), STATUS_OK);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK(start(server, CALL(receive, pair.endpoint, .deadline = FOREVER)));
    pass_time(10000000);
    CHECK(is_blocked(server));
    /* What waits comes in turn, and bad receives say so. */
    CHECK_EQ(call(caller, CALL(signal, pair.endpoint)), STATUS_OK);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(caller, CALL(signal, pair.endpoint)), STATUS_OK);
    CHECK_EQ(call(caller, CALL(send, pair.endpoint, EIGHT(3))), STATUS_OK);
    u64 kinds = 0;
    for (u32 i = 0; i < 2; i++) {
        warm(server);
        CHECK_EQ(call(server, CALL(receive, pair.endpoint, .deadline = FOREVER)), STATUS_OK);
        kinds |= 1ull << info_kind(result_info(server));
    }
    CHECK_EQ(kinds, 1ull << MESSAGE_SIGNAL | 1ull << MESSAGE_SEND);
    CHECK_EQ(call(server, CALL(receive, pair.endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(server, CALL(receive, pair.endpoint, .info = message_info(0, 0, 0, 5))),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(server, CALL(receive, leaf, .deadline = FOREVER)), STATUS_REVOKED);
}

static struct pair raced;

static bool second_is_back(void *argument)
{
    (void)argument;
    return !is_blocked(raced.init);
}

/* Whatever came of it: who is left and not held can go on, and the two meet again. */
static void verify_both_go_on(void *argument)
{
    (void)argument;
    CHECK(wait_until(second_is_back, NULL));
    pass_time(1000000);
    struct actor *both[] = {raced.caller, raced.server};
    for (u32 i = 0; i < ARRAY_SIZE(both); i++) {
        if (!will_go_on(both[i]))
            continue;
        u64 handle = i == 0 ? raced.caller_thread : raced.server_thread;
        if (both[i]->thread->flags & THREAD_FLAG_SUSPENDED)
            CHECK_EQ(call(raced.init, CALL(thread_control, handle, W(THREAD_RESUME))), STATUS_OK);
        if (is_blocked(both[i]))
            CHECK_EQ(call(raced.init, CALL(cancel, handle)), STATUS_OK);
        (void)finish(both[i]);
        CHECK_EQ(call(both[i], CALL(null, 0)), STATUS_OK);
        CHECK(both[i]->thread->activity == both[i]->thread->home);
    }
}

static void race_one(struct actor *actor, struct call call_)
{
    struct racer first = {actor, call_};
    struct call against[] = {
        CALL(kill, raced.caller_thread),
        CALL(kill, raced.server_thread),
        CALL(cancel, raced.server_thread),
        CALL(thread_control, raced.caller_thread, W(THREAD_SUSPEND)),
        CALL(thread_control, raced.server_thread, W(THREAD_SUSPEND)),
        CALL(revoke, raced.badged),
        CALL(revoke, raced.endpoint),
        CALL(signal, raced.endpoint),
    };
    for (u32 i = 0; i < ARRAY_SIZE(against) && !directed_failed(); i++) {
        struct racer other = {raced.init, against[i]};
        CHECK(race_everywhere(&first, &other, verify_both_go_on, NULL) > 3);
    }
}

RACE(a_signal_that_gives_way_against_everything)
{
    raced = make_tired_pair();
    u64 leaf = derive(raced.init, raced.badged, ~0ull, 0);
    warm(raced.caller);
    race_one(raced.caller, CALL(signal, leaf));
    race_one(raced.caller, CALL(send, leaf));
}

RACE(a_receive_that_waits_against_everything)
{
    raced = make_pair();
    CHECK_EQ(call(raced.caller, CALL(signal, raced.endpoint)), STATUS_OK);
    CHECK_EQ(finish(raced.server), STATUS_OK);
    warm(raced.server);
    race_one(raced.server, CALL(receive, raced.badged, .deadline = FOREVER));
}

RACE(a_yield_against_everything)
{
    raced = make_pair();
    CHECK_EQ(call(raced.caller, CALL(signal, raced.endpoint)), STATUS_OK);
    CHECK_EQ(finish(raced.server), STATUS_OK);
    warm(raced.server);
    race_one(raced.server, CALL(yield, 0));
}
