/* Directed programs: the fast path of call and reply_receive, and what must not take it. */
#include "directed_pair.h"

#include "core/cpu.h"
#include "ipc/endpoint.h"
#include "sched/wait.h"
#include "trace/trace.h"

#include <string.h>

static u64 fast_calls(void)
{
    u64 sum = 0;
    for (u32 i = 0; i < SIM_MAX_CPUS; i++)
        sum += cpu_at(i)->metrics->counters[METRIC_FAST_CALLS];
    return sum;
}

static u64 fast_replies(void)
{
    u64 sum = 0;
    for (u32 i = 0; i < SIM_MAX_CPUS; i++)
        sum += cpu_at(i)->metrics->counters[METRIC_FAST_REPLIES];
    return sum;
}

void warm(struct actor *actor)
{
    CHECK_EQ(call(actor, CALL(null, 0)), STATUS_OK);
}

struct pair make_pair(void)
{
    struct pair pair = {.init = directed_init()};
    pair.caller = new_thread(pair.init, init_self(), &pair.caller_thread);
    pair.server = new_thread(pair.init, init_self(), &pair.server_thread);
    CHECK_EQ(
        call(pair.init, CALL(trace_control, init_cap(INIT_CAP_TRACE), W(TRACE_SET_CATEGORIES, 0))),
        STATUS_OK);
    pin(pair.init, init_main_thread(), 0);
    pin(pair.init, pair.caller_thread, 1);
    pin(pair.init, pair.server_thread, 1);
    pair.endpoint = make_endpoint(pair.init, 2, 0);
    pair.badged = derive(pair.init, pair.endpoint, ~0ull, 42);
    CHECK(start(pair.server, CALL(receive, pair.endpoint, .deadline = FOREVER)));
    CHECK(is_blocked(pair.server));
    warm(pair.caller);
    return pair;
}

SCENARIO(plain_calls_and_replies_take_the_fast_path)
{
    struct pair pair = make_pair();
    static const u32 lengths[] = {0, 1, 8, 255, 256, 0};
    for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
        u64 calls = fast_calls(), replies = fast_replies();
        u32 length = lengths[i];
        fill(pair.caller, (u8)(0x40 + i));
        fill(pair.server, 0);
        warm(pair.caller);
        CHECK(start(pair.caller,
                    CALL(call, pair.badged, EIGHT(i * 10),
                         .info = message_info(5 + i, length, 0, 0), .deadline = FOREVER)));
        CHECK_EQ(fast_calls(), calls + 1);
        CHECK_EQ(finish(pair.server), STATUS_OK);
        CHECK_EQ(result_badge(pair.server), 42);
        CHECK_EQ(result_info(pair.server),
                 message_info(5 + i, length, 0, 0) | (u64)MESSAGE_CALL << INFO_KIND_SHIFT);
        CHECK_EQ(pair.server->thread->context.aux, pair.caller->thread->home->trace);
        CHECK(has_words(pair.server, i * 10));
        CHECK(holds(pair.server, (u8)(0x40 + i), 0, length) && holds(pair.server, 0, length, 256));
        CHECK(pair.server->thread->activity == pair.caller->thread->home);
        CHECK(is_blocked(pair.caller));
        fill(pair.server, (u8)(0x80 + i));
        warm(pair.server);
        CHECK(start(pair.server,
                    CALL(reply_receive, pair.endpoint, EIGHT(i * 10 + 5),
                         .info = message_info(9 + i, length, 0, i % 5), .deadline = FOREVER)));
        CHECK_EQ(fast_replies(), replies + 1);
        CHECK_EQ(finish(pair.caller), STATUS_OK);
        CHECK_EQ(result_info(pair.caller),
                 message_info(9 + i, length, 0, 0) | (u64)MESSAGE_REPLY << INFO_KIND_SHIFT);
        CHECK_EQ(result_badge(pair.caller), 0);
        CHECK(has_words(pair.caller, i * 10 + 5));
        CHECK(holds(pair.caller, (u8)(0x80 + i), 0, length));
        CHECK(is_blocked(pair.server));
        CHECK_EQ(thread_state(pair.server->thread), THREAD_STATE_RECEIVING);
        CHECK(pair.server->thread->activity == pair.server->thread->home);
        CHECK(pair.caller->thread->activity == pair.caller->thread->home);
        CHECK(!pair.server->thread->serving && !pair.caller->thread->server);
    }
}

/* What is unusual gives the same results by the general path, or its error. */
SCENARIO(unusual_calls_do_not_take_the_fast_path)
{
    struct pair pair = make_pair();
    struct actor *caller = pair.caller;
    u64 memory = make_memory(pair.init, PAGE_SIZE), calls = fast_calls();
    u64 mute = derive(pair.init, pair.endpoint, ~(u64)RIGHT_SEND, 0);
    put_cap(caller, 0, memory, ~0u, CAP_SEND_COPY);
    CHECK_EQ(call(caller, CALL(call, mute, .deadline = FOREVER)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(caller, CALL(call, memory, .deadline = FOREVER)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(caller, CALL(call, 0, .deadline = FOREVER)), STATUS_BAD_HANDLE);
    CHECK_EQ(call(caller, CALL(call, pair.endpoint ^ 1ull << 40, .deadline = FOREVER)),
             STATUS_BAD_HANDLE);
    CHECK_EQ(call(caller, CALL(call, pair.endpoint, .info = message_info(0, 257, 0, 0),
                               .deadline = FOREVER)),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(caller,
                  CALL(call, pair.endpoint, .info = message_info(0, 0, 1, 0), .deadline = FOREVER)),
             STATUS_NOT_ACCEPTED);
    u64 end = sim_now_ns() + 1000000;
    CHECK_EQ(call(pair.init, CALL(derive, pair.endpoint, W(~0ull, 0, end))), STATUS_OK);
    u64 mortal = result_word(pair.init, 0);
    pass_time(2000000);
    CHECK_EQ(call(caller, CALL(call, mortal, .deadline = FOREVER)), STATUS_EXPIRED);
    u64 child = derive(pair.init, pair.badged, ~0ull, 0);
    CHECK_EQ(status_of_revoke(pair.init, pair.badged), STATUS_OK);
    CHECK_EQ(call(caller, CALL(call, child, .deadline = FOREVER)), STATUS_REVOKED);
    CHECK_EQ(call(caller, CALL(call, pair.endpoint, .deadline = sim_now_ns() + 1000000)),
             STATUS_TIMED_OUT);
    CHECK_EQ(fast_calls(), calls);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    /* The caller has left: the reply finds nobody, and the server waits again. */
    u64 replies = fast_replies();
    CHECK(start(pair.server, CALL(reply_receive, pair.endpoint, .deadline = FOREVER)));
    CHECK(is_blocked(pair.server));
    CHECK_EQ(fast_replies(), replies);
}

SCENARIO(a_fast_reply_does_not_wait_where_the_peer_is_gone)
{
    struct pair pair = make_pair();
    CHECK_EQ(call(pair.init, CALL(send, pair.endpoint)), STATUS_OK);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK_EQ(call(pair.init, CALL(create_channel, init_cap(INIT_CAP_GROUP))), STATUS_OK);
    u64 near = result_word(pair.init, 0), far = result_word(pair.init, 1);
    CHECK(start(pair.server, CALL(receive, near, .deadline = FOREVER)));
    warm(pair.caller);
    u64 calls = fast_calls(), replies = fast_replies();
    CHECK(start(pair.caller, CALL(call, near, .deadline = FOREVER)));
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK_EQ(fast_calls(), calls + 1);
    CHECK_EQ(status_of_close(pair.init, far), STATUS_OK);
    pass_time(10000000);
    warm(pair.server);
    CHECK_EQ(call(pair.server, CALL(reply_receive, near, .deadline = FOREVER)), STATUS_PEER_CLOSED);
    CHECK_EQ(finish(pair.caller), STATUS_OK);
    CHECK_EQ(fast_replies(), replies);
}

/* The server has a call to answer, and something about its reply_receive is unusual. */
SCENARIO(unusual_replies_do_not_take_the_fast_path)
{
    for (u32 i = 0; i < 9; i++) {
        struct pair pair = make_pair();
        struct actor *other = new_thread(pair.init, init_self(), NULL);
        u64 second = make_endpoint(pair.init, 0, 0);
        u64 mute = derive(pair.init, pair.endpoint, ~(u64)RIGHT_RECEIVE, 0);
        u64 deaf = derive(pair.init, pair.endpoint, ~0ull, 0);
        u64 replies = fast_replies();
        struct call reply = CALL(reply_receive, pair.endpoint, EIGHT(7), .deadline = FOREVER);
        bool answered = true, waits = true;
        CHECK(start(pair.caller, CALL(call, pair.endpoint, .deadline = FOREVER)));
        CHECK_EQ(finish(pair.server), STATUS_OK);
        switch (i) {
        case 0: /* somebody else is waiting already */
            CHECK(start(other, CALL(call, pair.endpoint, .deadline = FOREVER)));
            waits = false;
            break;
        case 1:
            CHECK_EQ(call(pair.init, CALL(signal, pair.endpoint)), STATUS_OK);
            waits = false;
            break;
        case 2:
            CHECK_EQ(call(pair.init, CALL(send, pair.endpoint)), STATUS_OK);
            waits = false;
            break;
        case 3: /* waits elsewhere than it was called */
            reply.handle = second;
            break;
        case 4:
            reply.handle = mute;
            answered = false;
            break;
        case 5:
            reply.info = message_info(0, 257, 0, 0);
            answered = false;
            break;
        case 6:
            reply.info = message_info(0, 0, 0, 5);
            answered = false;
            break;
        case 7:
            reply.deadline = sim_now_ns() + 20000000;
            break;
        default:
            reply.handle = deaf;
            CHECK_EQ(status_of_revoke(pair.init, pair.endpoint), STATUS_OK);
            answered = false;
            break;
        }
        warm(pair.server);
        CHECK(start(pair.server, reply));
        CHECK_EQ(fast_replies(), replies);
        CHECK_EQ(is_blocked(pair.caller), !answered);
        CHECK_EQ(is_blocked(pair.server), answered && waits);
        if (answered) {
            CHECK_EQ(finish(pair.caller), STATUS_OK);
            CHECK(has_words(pair.caller, 7));
        }
    }
}

/* Its timer has to be stopped first. */
SCENARIO(a_server_with_a_deadline_is_not_called_by_the_fast_path)
{
    struct pair pair = make_pair();
    u64 second = make_endpoint(pair.init, 0, 0), calls = fast_calls();
    CHECK_EQ(call(pair.init, CALL(send, pair.endpoint)), STATUS_OK);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK(start(pair.server, CALL(receive, second, .deadline = sim_now_ns() + 20000000)));
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(call, second, .deadline = FOREVER)));
    CHECK_EQ(fast_calls(), calls);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    pass_time(40000000);
    CHECK_EQ(call(pair.server, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(pair.caller), STATUS_OK);
}

/* A server that may not run where its caller does is woken where it may. */
SCENARIO(a_bound_server_does_not_come_to_its_callers_cpu)
{
    struct pair pair = make_pair();
    u64 handle, second = make_endpoint(pair.init, 0, 0), calls = fast_calls();
    struct actor *server = new_thread(pair.init, init_self(), &handle);
    pin(pair.init, handle, 2);
    CHECK(start(server, CALL(receive, second, .deadline = FOREVER)));
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(call, second, .deadline = FOREVER)));
    CHECK_EQ(fast_calls(), calls);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK(sim_cpu_context(1) != &server->thread->context);
    CHECK_EQ(call(server, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(pair.caller), STATUS_OK);
}

/* A fault is served like a call and answered by the general path. */
SCENARIO(a_fault_is_not_answered_by_the_fast_path)
{
    struct pair pair = make_pair();
    struct spawn_plan plan = sound_plan();
    plan.fault_endpoint.bits = pair.endpoint;
    CHECK_EQ(status_of_spawn(pair.init, init_cap(INIT_CAP_GROUP), &plan), STATUS_OK);
    struct child child = child_of(pair.init);
    pin(pair.init, child.thread, 1);
    u64 replies = fast_replies();
    fault(child.main, FAULT_BREAKPOINT);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK_EQ(info_kind(result_info(pair.server)), MESSAGE_FAULT);
    CHECK(start(pair.server,
                CALL(reply_receive, pair.endpoint, W(0x10005678),
                     .info = message_info(FAULT_REPLY_SKIP, 0, 0, 0), .deadline = FOREVER)));
    CHECK_EQ(fast_replies(), replies);
    CHECK(is_alive(child.main) && !is_blocked(child.main));
    CHECK_EQ(child.main->thread->context.pc, 0x10005678);
}

/* --- Races --------------------------------------------------------------------------------------
 */

static struct pair raced;

static bool second_is_back(void *argument)
{
    (void)argument;
    return !is_blocked(raced.init);
}

bool will_go_on(const struct actor *actor)
{
    return is_alive(actor) && !(actor->thread->flags & THREAD_FLAG_KILLED);
}

/* Nothing else has entered the kernel since: who was killed neither waits nor goes on. (It may be
 * ready, and ends when it gets a CPU.) */
static bool heeds_its_death(const struct actor *actor)
{
    if (!is_alive(actor) || !(actor->thread->flags & THREAD_FLAG_KILLED))
        return true;
    return !is_blocked(actor) && sim_cpu_context(1) != &actor->thread->context;
}

/* Whatever came of it, who is left can go on: the server answers if it has a call, the caller hears
 * of it, and both can meet again. */
static void verify_who_is_left(void *argument)
{
    (void)argument;
    CHECK(heeds_its_death(raced.caller) && heeds_its_death(raced.server));
    CHECK(wait_until(second_is_back, NULL));
    pass_time(1000000);
    bool server = will_go_on(raced.server), caller = will_go_on(raced.caller);
    if (server && is_blocked(raced.server))
        CHECK(thread_state(raced.server->thread) == THREAD_STATE_RECEIVING);
    if (server && !is_blocked(raced.server)) {
        u64 status = call(raced.server, CALL(reply, 0));
        CHECK(status == STATUS_OK || status == STATUS_NO_CALLER);
        CHECK(raced.server->thread->activity == raced.server->thread->home);
    }
    if (caller && !is_blocked(raced.caller)) {
        CHECK_EQ(call(raced.caller, CALL(null, 0)), STATUS_OK);
        CHECK(raced.caller->thread->activity == raced.caller->thread->home);
    }
    if (caller && is_blocked(raced.caller)) /* its call has nobody to take it */
        CHECK_EQ(thread_state(raced.caller->thread), THREAD_STATE_SENDING);
}

RACE(a_fast_call_against_death_cancel_and_revocation)
{
    raced = make_pair();
    u64 leaf = derive(raced.init, raced.badged, ~0ull, 0);
    struct racer calls = {raced.caller, CALL(call, leaf, .deadline = FOREVER)};
    struct call against[] = {
        CALL(kill, raced.caller_thread),
        CALL(kill, raced.server_thread),
        CALL(cancel, raced.server_thread),
        CALL(revoke, raced.badged),
        CALL(revoke, raced.endpoint),
        CALL(thread_control, raced.caller_thread, W(THREAD_RESUME)),
    };
    u64 before = fast_calls();
    for (u32 i = 0; i < ARRAY_SIZE(against) && !directed_failed(); i++) {
        struct racer other = {raced.init, against[i]};
        CHECK(race_everywhere(&calls, &other, verify_who_is_left, NULL) > 3);
        CHECK(race_everywhere(&other, &calls, verify_who_is_left, NULL) > 3);
    }
    CHECK_EQ(fast_calls(), before); /* the state from before the races is back */
}

RACE(a_fast_reply_against_death_cancel_and_revocation)
{
    raced = make_pair();
    CHECK(start(raced.caller, CALL(call, raced.badged, .deadline = FOREVER)));
    CHECK_EQ(finish(raced.server), STATUS_OK);
    warm(raced.server);
    struct racer replies = {raced.server, CALL(reply_receive, raced.endpoint, .deadline = FOREVER)};
    struct call against[] = {
        CALL(kill, raced.caller_thread),   CALL(kill, raced.server_thread),
        CALL(cancel, raced.caller_thread), CALL(revoke, raced.badged),
        CALL(revoke, raced.endpoint),      CALL(signal, raced.endpoint),
    };
    for (u32 i = 0; i < ARRAY_SIZE(against) && !directed_failed(); i++) {
        struct racer other = {raced.init, against[i]};
        CHECK(race_everywhere(&replies, &other, verify_who_is_left, NULL) > 3);
        CHECK(race_everywhere(&other, &replies, verify_who_is_left, NULL) > 3);
    }
}

/* --- Calls within calls ------------------------------------------------------------------------
 */

/* A third thread, where the pair is, that serves an endpoint of its own. */
static struct actor *further;
static u64 further_endpoint, further_thread;

static struct pair make_chain(void)
{
    struct pair pair = make_pair();
    further_endpoint = make_endpoint(pair.init, 0, 0);
    further = new_thread(pair.init, init_self(), &further_thread);
    pin(pair.init, further_thread, 1);
    CHECK(start(further, CALL(receive, further_endpoint, .deadline = FOREVER)));
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(call, pair.badged, EIGHT(10), .deadline = FOREVER)));
    CHECK_EQ(finish(pair.server), STATUS_OK);
    warm(pair.server);
    return pair;
}

SCENARIO(a_call_within_a_call_takes_the_fast_path_and_back)
{
    struct pair pair = make_chain();
    u64 calls = fast_calls(), replies = fast_replies();
    const struct activity *activity = pair.caller->thread->home;
    CHECK(start(pair.server, CALL(call, further_endpoint, EIGHT(20), .deadline = FOREVER)));
    CHECK_EQ(fast_calls(), calls + 1);
    CHECK_EQ(finish(further), STATUS_OK);
    CHECK(has_words(further, 20));
    CHECK(further->thread->activity == activity && activity->thread == further->thread);
    CHECK_EQ(activity->depth, 1);
    warm(further);
    CHECK(start(further, CALL(reply_receive, further_endpoint, EIGHT(30), .deadline = FOREVER)));
    CHECK_EQ(fast_replies(), replies + 1);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK(has_words(pair.server, 30));
    CHECK(pair.server->thread->activity == activity && activity->thread == pair.server->thread);
    CHECK_EQ(activity->depth, 0);
    CHECK(further->thread->activity == further->thread->home && is_blocked(further));
    warm(pair.server);
    CHECK(start(pair.server, CALL(reply_receive, pair.endpoint, EIGHT(40), .deadline = FOREVER)));
    CHECK_EQ(fast_replies(), replies + 2);
    CHECK_EQ(finish(pair.caller), STATUS_OK);
    CHECK(has_words(pair.caller, 40));
    CHECK(pair.caller->thread->activity == activity);
}

/* The outermost caller leaves: who answers further in does so by the general path. */
SCENARIO(a_nested_reply_without_its_activity_is_not_fast)
{
    struct pair pair = make_chain();
    CHECK(start(pair.server, CALL(call, further_endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(further), STATUS_OK);
    CHECK_EQ(call(pair.init, CALL(cancel, pair.caller_thread)), STATUS_OK);
    CHECK_EQ(finish(pair.caller), STATUS_CANCELLED);
    u64 replies = fast_replies();
    warm(further);
    CHECK(start(further, CALL(reply_receive, further_endpoint, .deadline = FOREVER)));
    CHECK_EQ(fast_replies(), replies);
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK(pair.server->thread->activity == pair.server->thread->home);
}

RACE(a_nested_reply_against_the_callers)
{
    raced = make_chain();
    CHECK(start(raced.server, CALL(call, further_endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(further), STATUS_OK);
    warm(further);
    struct racer replies = {further, CALL(reply_receive, further_endpoint, .deadline = FOREVER)};
    struct call against[] = {
        CALL(kill, raced.caller_thread),   CALL(kill, raced.server_thread),
        CALL(cancel, raced.caller_thread), CALL(cancel, raced.server_thread),
        CALL(kill, further_thread),        CALL(revoke, raced.badged),
    };
    for (u32 i = 0; i < ARRAY_SIZE(against) && !directed_failed(); i++) {
        struct racer other = {raced.init, against[i]};
        CHECK(race_everywhere(&replies, &other, verify_who_is_left, NULL) > 3);
        CHECK(race_everywhere(&other, &replies, verify_who_is_left, NULL) > 3);
    }
}
