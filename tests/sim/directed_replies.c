/* Directed programs: deferred replies, adoption, and deadlines that are inherited along calls. */
#include "directed.h"

#include "ipc/reply.h"
#include "sched/wait.h"

#define GROUP    init_cap(INIT_CAP_GROUP)
#define NO_WAIT  INFO_NONBLOCK
#define LABEL(n) message_info((n), 0, 0, 0)

/* Init calls, `server` (a thread of init's) has taken the call and deferred it. */
struct deferred {
    struct actor *init, *server, *other;
    u64 server_thread;
    u64 endpoint;
    u64 reply;
};

static void take_call(struct deferred *state, u64 deadline)
{
    CHECK(start(state->server, CALL(receive, state->endpoint, .deadline = FOREVER)));
    CHECK(start(state->init, CALL(call, state->endpoint, .info = message_info(1, 0, 0, 4),
                                  .deadline = deadline)));
    CHECK_EQ(finish(state->server), STATUS_OK);
    CHECK_EQ(info_kind(result_info(state->server)), MESSAGE_CALL);
}

static u64 defer(struct actor *server)
{
    CHECK_EQ(call(server, CALL(defer, GROUP)), STATUS_OK);
    return result_word(server, 0);
}

static struct deferred defer_a_call(u64 deadline)
{
    struct deferred state = {.init = directed_init()};
    state.server = new_thread(state.init, init_self(), &state.server_thread);
    state.other = new_thread(state.init, init_self(), NULL);
    state.endpoint = make_endpoint(state.init, 0, 0);
    take_call(&state, deadline);
    state.reply = defer(state.server);
    return state;
}

static bool runs_at_home(const struct actor *actor)
{
    return actor->thread->activity == actor->thread->home && !actor->thread->serving;
}

static bool works_for(const struct actor *actor, const struct actor *caller)
{
    return actor->thread->serving == caller->thread && caller->thread->server == actor->thread &&
           actor->thread->activity == caller->thread->home && !caller->thread->activity;
}

SCENARIO(a_deferred_call_is_answered_once)
{
    struct deferred at = defer_a_call(FOREVER);
    CHECK(is_blocked(at.init));
    CHECK(runs_at_home(at.server));
    CHECK(at.init->thread->activity == at.init->thread->home);
    CHECK_EQ(call(at.server, CALL(reply, 0)), STATUS_NO_CALLER);
    CHECK_EQ(call(at.server, CALL(reply, at.reply, .info = LABEL(6))), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_OK);
    CHECK_EQ(info_label(result_info(at.init)), 6);
    CHECK_EQ(call(at.server, CALL(reply, at.reply)), STATUS_STALE_HANDLE);
}

/* An answer that finds nobody does not take away what the server runs on for another. */
SCENARIO(an_answer_to_one_who_left_leaves_the_call_that_is_served)
{
    struct deferred at = defer_a_call(FOREVER);
    struct actor *third = new_thread(at.server, init_self(), NULL);
    CHECK(start(at.server, CALL(receive, at.endpoint, .deadline = FOREVER)));
    CHECK(start(at.other, CALL(call, at.endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(at.server), STATUS_OK);
    CHECK(works_for(at.server, at.other));
    CHECK_EQ(call(third, CALL(cancel, init_main_thread())), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_CANCELLED);
    CHECK_EQ(call(at.server, CALL(reply, at.reply)), STATUS_NO_CALLER);
    CHECK(works_for(at.server, at.other));
    CHECK_EQ(call(at.server, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(at.other), STATUS_OK);
}

SCENARIO(a_reply_object_carries_words_data_and_capabilities)
{
    struct deferred at = defer_a_call(FOREVER);
    u64 sent = derive(at.server, at.endpoint, RIGHT_SEND | RIGHT_TRANSFER | RIGHT_DERIVE, 5);
    put_cap(at.server, 0, sent, ~0u, CAP_SEND_MOVE);
    buffer(at.server)->data[0] = 0x5a;
    struct call bad = CALL(reply, at.reply, .info = message_info(9, 257, 0, 0));
    CHECK_EQ(call(at.server, bad), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(at.server, CALL(reply, at.reply, W(1, 2, 3, 4, 5, 6, 7, 8),
                                  .info = message_info(9, 1, 1, 0))),
             STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_OK);
    CHECK_EQ(info_kind(result_info(at.init)), MESSAGE_REPLY);
    CHECK_EQ(info_label(result_info(at.init)), 9);
    CHECK_EQ(result_word(at.init, 7), 8);
    CHECK_EQ(buffer(at.init)->data[0], 0x5a);
    CHECK_EQ(status_of(at.init, got_cap(at.init, 0)), STATUS_OK);
    CHECK_EQ(call(at.server, CALL(reply, at.reply)), STATUS_STALE_HANDLE);
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_STALE_HANDLE);
    CHECK_EQ(status_of(at.server, at.reply), STATUS_STALE_HANDLE);
    CHECK_EQ(call(at.server, CALL(reply, 0)), STATUS_NO_CALLER);
}

SCENARIO(an_answer_that_cannot_be_delivered_leaves_the_reply_object)
{
    struct deferred at = defer_a_call(FOREVER);
    for (u32 i = 0; i < 4; i++)
        put_cap(at.server, i, at.endpoint, ~0u, CAP_SEND_COPY);
    put_cap(at.server, 3, 0x1234, ~0u, CAP_SEND_COPY);
    CHECK_EQ(call(at.server, CALL(reply, at.reply, .info = message_info(1, 0, 4, 0))),
             STATUS_BAD_HANDLE);
    CHECK(is_blocked(at.init));
    CHECK_EQ(call(at.server, CALL(reply, at.reply)), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_OK);
}

SCENARIO(a_server_answers_its_callers_in_any_order)
{
    struct deferred at = defer_a_call(FOREVER);
    CHECK(start(at.server, CALL(receive, at.endpoint, .deadline = FOREVER)));
    CHECK(start(at.other, CALL(call, at.endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(at.server), STATUS_OK);
    CHECK(works_for(at.server, at.other));
    /* While it serves the second, it answers the first, on the second's time. */
    CHECK_EQ(call(at.server, CALL(reply, at.reply, .info = LABEL(1))), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_OK);
    CHECK_EQ(info_label(result_info(at.init)), 1);
    CHECK(works_for(at.server, at.other));
    CHECK_EQ(call(at.server, CALL(reply, 0, .info = LABEL(2))), STATUS_OK);
    CHECK_EQ(finish(at.other), STATUS_OK);
    CHECK_EQ(info_label(result_info(at.other)), 2);
    CHECK(runs_at_home(at.server));
}

SCENARIO(defer_needs_a_call_a_group_and_room)
{
    struct actor *init = directed_init();
    struct deferred at = {.init = init, .server = new_thread(init, init_self(), NULL)};
    at.endpoint = make_endpoint(init, 0, 0);
    u64 other = make_endpoint(init, 0, 0);
    struct group_limits none = no_limits();
    none.limit[GROUP_KERNEL_BYTES] = 0;
    u64 empty = make_group(init, GROUP, &none);
    u64 powerless = derive(init, GROUP, ~(u64)RIGHT_CREATE_ENDPOINT, 0);
    CHECK_EQ(call(at.server, CALL(defer, GROUP)), STATUS_NO_CALLER);
    take_call(&at, FOREVER);
    CHECK_EQ(call(at.server, CALL(defer, 0)), STATUS_BAD_HANDLE);
    CHECK_EQ(call(at.server, CALL(defer, other)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(at.server, CALL(defer, powerless)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(at.server, CALL(defer, empty)), STATUS_GROUP_LIMIT);
    CHECK(works_for(at.server, init));
    for (u64 n = 1;; n++) {
        fail_allocation(n);
        u64 status = call(at.server, CALL(defer, GROUP));
        if (!allocation_failed() && CHECK_EQ(status, STATUS_OK))
            break;
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
        CHECK(works_for(at.server, init));
        if (directed_failed())
            return;
    }
    u64 reply = result_word(at.server, 0);
    CHECK_EQ(call(at.server, CALL(defer, GROUP)), STATUS_NO_CALLER);
    CHECK_EQ(call(at.server, CALL(reply, other)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(at.server, CALL(adopt, other)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(at.server, CALL(reply, reply ^ 1ull << 40)), STATUS_BAD_HANDLE);
    CHECK_EQ(call(at.server, CALL(adopt, reply ^ 1ull << 40)), STATUS_BAD_HANDLE);
    CHECK_EQ(call(at.server, CALL(send, reply, .info = NO_WAIT)), STATUS_WRONG_TYPE);
    CHECK_EQ(status_of_derive(at.server, reply, ~0ull, 0), STATUS_SEALED);
    CHECK_EQ(call(at.server, CALL(grant, init_self(), W(reply, ~0u, CAP_SEND_COPY))),
             STATUS_SEALED);
    CHECK_EQ(call(at.server, CALL(reply, reply)), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_OK);
}

SCENARIO(a_reply_object_may_be_answered_by_another_process)
{
    struct deferred at = defer_a_call(FOREVER);
    struct child child = spawn(at.server, NULL, 0);
    CHECK_EQ(call(at.server, CALL(grant, child.process, W(at.reply, ~0u, CAP_SEND_MOVE))),
             STATUS_OK);
    u64 there = result_word(at.server, 0);
    CHECK_EQ(call(at.server, CALL(reply, at.reply)), STATUS_STALE_HANDLE);
    CHECK_EQ(call(child.main, CALL(reply, at.reply)), STATUS_BAD_HANDLE);
    CHECK_EQ(call(child.main, CALL(adopt, there)), STATUS_OK);
    CHECK(works_for(child.main, at.init));
    CHECK_EQ(call(child.main, CALL(reply, there, .info = LABEL(77))), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_OK);
    CHECK_EQ(info_label(result_info(at.init)), 77);
    CHECK(runs_at_home(child.main));
}

SCENARIO(a_reply_object_without_its_right_answers_nothing)
{
    struct deferred at = defer_a_call(FOREVER);
    CHECK_EQ(call(at.server, CALL(grant, init_self(), W(at.reply, RIGHT_TRANSFER, CAP_SEND_MOVE))),
             STATUS_OK);
    u64 weak = result_word(at.server, 0);
    CHECK_EQ(call(at.server, CALL(reply, weak)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(at.server, CALL(adopt, weak)), STATUS_MISSING_RIGHT);
    CHECK_EQ(status_of_close(at.server, weak), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_REPLY_DROPPED);
}

SCENARIO(a_caller_that_leaves_makes_its_reply_object_useless)
{
    for (u32 way = 0; way < 4 && !directed_failed(); way++) {
        struct deferred at = {.init = directed_init()};
        at.server = new_thread(at.init, init_self(), NULL);
        u64 thread;
        struct actor *caller = new_thread(at.init, init_self(), &thread);
        at.endpoint = make_endpoint(at.init, 0, 0);
        u64 used = derive(at.init, at.endpoint, ~0ull, 0);
        CHECK(start(at.server, CALL(receive, at.endpoint, .deadline = FOREVER)));
        u64 deadline = way == 0 ? sim_now_ns() + 50000000 : FOREVER;
        CHECK(start(caller, CALL(call, used, .deadline = deadline)));
        CHECK_EQ(finish(at.server), STATUS_OK);
        u64 reply = defer(at.server);
        if (way == 0)
            CHECK_EQ(finish(caller), STATUS_TIMED_OUT);
        if (way == 1)
            CHECK_EQ(call(at.init, CALL(cancel, thread)), STATUS_OK);
        if (way == 2)
            CHECK_EQ(call(at.init, CALL(kill, thread)), STATUS_OK);
        if (way == 3)
            CHECK_EQ(status_of_revoke(at.init, at.endpoint), STATUS_OK);
        if (way == 1)
            CHECK_EQ(finish(caller), STATUS_CANCELLED);
        if (way == 3)
            CHECK_EQ(finish(caller), STATUS_REVOKED);
        pass_time(10000000);
        CHECK_EQ(is_alive(caller), way != 2);
        CHECK_EQ(call(at.server, CALL(reply, reply)), STATUS_NO_CALLER);
        CHECK_EQ(call(at.server, CALL(adopt, reply)), STATUS_NO_CALLER);
        CHECK(runs_at_home(at.server));
        CHECK_EQ(status_of_close(at.server, reply), STATUS_OK);
    }
}

SCENARIO(a_reply_object_that_is_dropped_ends_the_call)
{
    struct deferred at = defer_a_call(FOREVER);
    CHECK_EQ(status_of_close(at.server, at.reply), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_REPLY_DROPPED);
    /* Its group is destroyed. */
    struct group_limits limits = no_limits();
    u64 group = make_group(at.server, GROUP, &limits);
    take_call(&at, FOREVER);
    CHECK_EQ(call(at.server, CALL(defer, group)), STATUS_OK);
    u64 reply = result_word(at.server, 0);
    CHECK_EQ(call(at.server, CALL(group_control, group, W(GROUP_DESTROY))), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_REPLY_DROPPED);
    CHECK(status_of(at.server, reply) != STATUS_OK);
    /* Its holder dies. */
    take_call(&at, FOREVER);
    reply = defer(at.server);
    struct child child = spawn(at.server, NULL, 0);
    CHECK_EQ(call(at.server, CALL(grant, child.process, W(reply, ~0u, CAP_SEND_MOVE))), STATUS_OK);
    CHECK_EQ(call(at.server, CALL(kill, child.process)), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_SERVER_DIED);
    CHECK_EQ(call(at.init, CALL(null, 0)), STATUS_OK);
}

SCENARIO(who_adopts_works_on_the_callers_activity)
{
    struct deferred at = defer_a_call(FOREVER);
    u64 trace = at.server->thread->home->trace;
    CHECK_EQ(at.server->thread->trace.trace, trace);
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_OK);
    CHECK(works_for(at.server, at.init));
    CHECK_EQ(at.server->thread->trace.trace, at.init->thread->home->trace);
    /* One at a time. */
    CHECK_EQ(call(at.other, CALL(adopt, at.reply)), STATUS_BUSY);
    CHECK_EQ(call(at.server, CALL(defer, GROUP)), STATUS_BUSY);
    /* Adopting again, or nothing, lets go. */
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_OK);
    CHECK(works_for(at.server, at.init));
    CHECK_EQ(call(at.server, CALL(adopt, 0)), STATUS_OK);
    CHECK(runs_at_home(at.server));
    CHECK_EQ(at.server->thread->trace.trace, trace);
    CHECK(at.init->thread->activity == at.init->thread->home);
    CHECK_EQ(call(at.other, CALL(adopt, at.reply)), STATUS_OK);
    /* So does receiving; the call goes on. */
    CHECK_EQ(call(at.other, CALL(receive, at.endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    CHECK(runs_at_home(at.other));
    CHECK(is_blocked(at.init));
    /* So does the thread's end. */
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_OK);
    CHECK_EQ(call(at.other, CALL(kill, at.server_thread)), STATUS_OK);
    pass_time(10000000);
    CHECK(!is_alive(at.server) && is_blocked(at.init));
    /* An answer to what is served is one to what has been adopted. */
    CHECK_EQ(call(at.other, CALL(adopt, at.reply)), STATUS_OK);
    CHECK_EQ(call(at.other, CALL(reply, 0, .info = LABEL(3))), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_OK);
    CHECK_EQ(info_label(result_info(at.init)), 3);
    CHECK(runs_at_home(at.other));
    CHECK_EQ(call(at.other, CALL(reply, at.reply)), STATUS_NO_CALLER);
    CHECK_EQ(call(at.other, CALL(adopt, at.reply)), STATUS_NO_CALLER);
}

SCENARIO(nobody_adopts_while_serving_a_call_of_its_own)
{
    struct deferred at = defer_a_call(FOREVER);
    CHECK(start(at.server, CALL(receive, at.endpoint, .deadline = FOREVER)));
    CHECK(start(at.other, CALL(call, at.endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(at.server), STATUS_OK);
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_BUSY);
    CHECK_EQ(call(at.server, CALL(adopt, 0)), STATUS_BUSY);
    CHECK(works_for(at.server, at.other));
    /* A reply that waits again answers what is served, by the general path too. */
    CHECK_EQ(call(at.server, CALL(reply_receive, at.endpoint, .deadline = sim_now_ns() + 1000)),
             STATUS_TIMED_OUT);
    CHECK_EQ(finish(at.other), STATUS_OK);
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_OK);
    CHECK(start(at.server, CALL(reply_receive, at.endpoint, .deadline = FOREVER)));
    CHECK(is_blocked(at.server));
    CHECK_EQ(finish(at.init), STATUS_OK);
    CHECK(!at.init->thread->reply && !(at.init->thread->flags & THREAD_FLAG_DEFERRED));
}

SCENARIO(an_adopted_call_is_answered_over_its_adopters_head)
{
    struct deferred at = defer_a_call(FOREVER);
    u64 inner = make_endpoint(at.server, 0, 0);
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_OK);
    CHECK(start(at.server, CALL(receive, inner, .info = NO_WAIT)));
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_OK);
    /* It has lent the activity on. */
    CHECK(start(at.server, CALL(call, inner, .deadline = FOREVER)));
    CHECK_EQ(call(at.other, CALL(receive, inner, .info = NO_WAIT)), STATUS_OK);
    CHECK(at.other->thread->activity == at.init->thread->home);
    CHECK_EQ(call(at.other, CALL(reply, at.reply, .info = LABEL(4))), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_OK);
    CHECK_EQ(info_label(result_info(at.init)), 4);
    CHECK(at.init->thread->activity == at.init->thread->home);
    CHECK(at.other->thread->activity == at.other->thread->home);
    CHECK_EQ(call(at.other, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(at.server), STATUS_OK);
    CHECK(runs_at_home(at.server));
    CHECK_EQ(call(at.server, CALL(reply, 0)), STATUS_NO_CALLER);
}

SCENARIO(the_middle_of_a_chain_may_be_deferred)
{
    struct actor *init = directed_init();
    u64 first = make_endpoint(init, 0, 0), second = make_endpoint(init, 0, 0);
    struct actor *middle = new_thread(init, init_self(), NULL);
    struct actor *last = new_thread(init, init_self(), NULL);
    for (u32 round = 0; round < 2; round++) {
        CHECK(start(middle, CALL(receive, first, .deadline = FOREVER)));
        CHECK(start(last, CALL(receive, second, .deadline = FOREVER)));
        u64 deadline = round == 0 ? FOREVER : sim_now_ns() + 50000000;
        CHECK(start(init, CALL(call, first, .deadline = deadline)));
        CHECK_EQ(finish(middle), STATUS_OK);
        CHECK(start(middle, CALL(call, second, .deadline = FOREVER)));
        CHECK_EQ(finish(last), STATUS_OK);
        u64 reply = defer(last);
        CHECK(last->thread->activity == last->thread->home);
        CHECK(middle->thread->activity == init->thread->home);
        if (round == 1) {
            CHECK_EQ(finish(init), STATUS_TIMED_OUT);
            CHECK_EQ(finish(middle), STATUS_TIMED_OUT);
            CHECK_EQ(call(last, CALL(reply, reply)), STATUS_NO_CALLER);
            CHECK_EQ(call(middle, CALL(reply, 0)), STATUS_NO_CALLER);
            break;
        }
        CHECK_EQ(call(last, CALL(adopt, reply)), STATUS_OK);
        CHECK(last->thread->activity == init->thread->home);
        CHECK_EQ(call(last, CALL(reply, reply)), STATUS_OK);
        CHECK_EQ(finish(middle), STATUS_OK);
        CHECK_EQ(call(middle, CALL(reply, 0)), STATUS_OK);
        CHECK_EQ(finish(init), STATUS_OK);
    }
}

SCENARIO(a_fault_may_be_deferred)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    for (u32 round = 0; round < 2; round++) {
        struct spawn_plan plan = sound_plan();
        plan.fault_endpoint.bits = endpoint;
        CHECK_EQ(status_of_spawn(init, GROUP, &plan), STATUS_OK);
        struct child child = child_of(init);
        fault(child.main, FAULT_DIVIDE);
        CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_OK);
        u64 reply = defer(init);
        if (round == 0)
            CHECK_EQ(call(init, CALL(reply, reply, .info = LABEL(FAULT_REPLY_RETRY))), STATUS_OK);
        else
            CHECK_EQ(status_of_close(init, reply), STATUS_OK);
        pass_time(10000000);
        CHECK_EQ(is_alive(child.main), round == 0);
    }
}

/* --- Deadlines ----------------------------------------------------------------------------------
 */

SCENARIO(what_a_server_waits_for_ends_with_its_callers_patience)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0), nobody = make_endpoint(init, 0, 0);
    struct child child = spawn(init, NULL, 0);
    u64 word = scratch(init, 1);
    CHECK(touch(server, word, ACCESS_WRITE));
    u32 value = 0;
    poke(init, word, &value, sizeof(value));
    struct call waits[] = {
        CALL(call, nobody, .deadline = FOREVER),
        CALL(send, nobody, .deadline = FOREVER),
        CALL(futex_wait, 0, W(word, 0), .deadline = FOREVER),
        CALL(wait, child.process, .deadline = FOREVER),
    };
    for (u32 i = 0; i < ARRAY_SIZE(waits) && !directed_failed(); i++) {
        u64 deadline = sim_now_ns() + 5000000;
        CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
        CHECK(start(init, CALL(call, endpoint, .deadline = deadline)));
        CHECK_EQ(finish(server), STATUS_OK);
        /* A tighter one of its own stands. */
        waits[i].deadline = deadline - 4000000;
        CHECK_EQ(call(server, waits[i]), STATUS_TIMED_OUT);
        CHECK(sim_now_ns() < deadline);
        waits[i].deadline = FOREVER;
        CHECK(start(server, waits[i]));
        CHECK_EQ(server->thread->wait_deadline, deadline);
        CHECK_EQ(finish(init), STATUS_TIMED_OUT);
        CHECK_EQ(finish(server), STATUS_TIMED_OUT);
        CHECK_EQ(server->thread->serve_deadline, TIME_NEVER);
        /* Whom it serves no longer binds it. */
        CHECK(start(server, waits[i]));
        CHECK_EQ(server->thread->wait_deadline, TIME_NEVER);
        CHECK_EQ(wait_cancel(server->thread, STATUS_CANCELLED), true);
        CHECK_EQ(finish(server), STATUS_CANCELLED);
    }
}

SCENARIO(a_deadline_goes_down_a_chain_and_to_who_adopts)
{
    struct deferred at = defer_a_call(sim_now_ns() + 50000000);
    u64 deadline = at.init->thread->wait_deadline;
    u64 inner = make_endpoint(at.server, 0, 0);
    CHECK_EQ(at.server->thread->serve_deadline, TIME_NEVER);
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_OK);
    CHECK_EQ(at.server->thread->serve_deadline, deadline);
    CHECK(start(at.other, CALL(receive, inner, .deadline = FOREVER)));
    CHECK(start(at.server, CALL(call, inner, .deadline = FOREVER)));
    CHECK_EQ(finish(at.other), STATUS_OK);
    CHECK_EQ(at.other->thread->serve_deadline, deadline);
    CHECK(start(at.other, CALL(send, inner, .deadline = FOREVER)));
    CHECK_EQ(at.other->thread->wait_deadline, deadline);
    CHECK_EQ(finish(at.init), STATUS_TIMED_OUT);
    CHECK_EQ(finish(at.server), STATUS_TIMED_OUT);
    CHECK_EQ(finish(at.other), STATUS_TIMED_OUT);
    CHECK_EQ(at.other->thread->serve_deadline, TIME_NEVER);
}

/* Init calls, `server` calls `other` with a deadline; then init leaves. `other` still serves, in
 * its own time: it waits no longer than `server` does, by the fast path neither. */
SCENARIO(who_works_in_its_own_time_keeps_its_callers_deadline)
{
    struct deferred at = defer_a_call(FOREVER);
    struct actor *canceller = new_thread(at.server, init_self(), NULL);
    u64 inner = make_endpoint(at.other, 0, 0);
    CHECK_EQ(call(at.server, CALL(adopt, at.reply)), STATUS_OK);
    CHECK(start(at.other, CALL(receive, inner, .deadline = FOREVER)));
    u64 deadline = sim_now_ns() + 50000000;
    CHECK(start(at.server, CALL(call, inner, .deadline = deadline)));
    CHECK_EQ(finish(at.other), STATUS_OK);
    CHECK_EQ(at.other->thread->serve_deadline, deadline);
    CHECK_EQ(call(canceller, CALL(cancel, init_main_thread())), STATUS_OK);
    CHECK_EQ(finish(at.init), STATUS_CANCELLED);
    CHECK(at.other->thread->activity == at.other->thread->home);
    CHECK_EQ(at.other->thread->serve_deadline, deadline);
    u64 last = make_endpoint(at.other, 0, 0);
    CHECK(start(canceller, CALL(receive, last, .deadline = FOREVER)));
    CHECK(start(at.other, CALL(call, last, .deadline = FOREVER)));
    CHECK_EQ(at.other->thread->wait_deadline, deadline);
    CHECK_EQ(call(canceller, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(at.other), STATUS_OK);
    CHECK_EQ(call(at.other, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(at.server), STATUS_OK);
    CHECK_EQ(at.other->thread->serve_deadline, TIME_NEVER);
}

/* The word that says so is what memory is handed on by. */
SCENARIO(inspect_tells_whether_a_capability_is_alone)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGE_SIZE);
    CHECK_EQ(status_of(init, memory), STATUS_OK);
    CHECK_EQ(result_word(init, 7), 1);
    u64 child = derive(init, memory, ~0ull, 0);
    CHECK_EQ(status_of(init, memory), STATUS_OK);
    CHECK_EQ(result_word(init, 7), 0);
    CHECK_EQ(status_of(init, child), STATUS_OK);
    CHECK_EQ(result_word(init, 7), 0);
    CHECK_EQ(status_of_revoke(init, memory), STATUS_OK);
    CHECK_EQ(status_of(init, memory), STATUS_OK);
    CHECK_EQ(result_word(init, 7), 1);
    CHECK_EQ(call(init, CALL(map, memory, W(0, 0, 0, PAGE_SIZE, MAP_READ))), STATUS_OK);
    CHECK_EQ(status_of(init, memory), STATUS_OK);
    CHECK_EQ(result_word(init, 7), 0);
    CHECK_EQ(status_of_revoke(init, memory), STATUS_OK);
    pass_time(50000000);
    CHECK_EQ(status_of(init, memory), STATUS_OK);
    CHECK_EQ(result_word(init, 7), 1);
}

/* A fault has no deadline, or a slow debugger would end the process. */
SCENARIO(a_fault_does_not_inherit)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), faults = make_endpoint(init, 0, 0);
    struct spawn_plan plan = sound_plan();
    plan.fault_endpoint.bits = faults;
    plan.cap_count = 1;
    plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_COPY};
    CHECK_EQ(status_of_spawn(init, GROUP, &plan), STATUS_OK);
    struct child child = child_of(init);
    CHECK(start(child.main, CALL(receive, child.caps[0], .deadline = FOREVER)));
    CHECK(start(init, CALL(call, endpoint, .deadline = sim_now_ns() + 5000000)));
    CHECK_EQ(finish(child.main), STATUS_OK);
    fault(child.main, FAULT_DIVIDE);
    CHECK_EQ(child.main->thread->wait_deadline, TIME_NEVER);
    CHECK_EQ(finish(init), STATUS_TIMED_OUT);
    CHECK(is_alive(child.main));
    CHECK_EQ(call(init, CALL(receive, faults, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(call(init, CALL(reply, 0, .info = LABEL(FAULT_REPLY_RETRY))), STATUS_OK);
}
