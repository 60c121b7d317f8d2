/* Directed programs: whose time a server runs on, and faults, which are calls. */
#include "directed.h"

#include "ipc/endpoint.h"
#include "sched/wait.h"

#include <string.h>

SCENARIO(calls_within_calls_have_a_limit)
{
    struct actor *init = directed_init();
    u64 endpoints[LEND_MAX_DEPTH + 1];
    struct actor *servers[LEND_MAX_DEPTH + 1];
    for (u32 i = 0; i <= LEND_MAX_DEPTH; i++) {
        endpoints[i] = make_endpoint(init, 0, 0);
        servers[i] = new_thread(init, init_self(), NULL);
        CHECK(start(servers[i], CALL(receive, endpoints[i], .deadline = FOREVER)));
    }
    struct actor *caller = init;
    u32 depth = 0;
    for (; depth < LEND_MAX_DEPTH && !directed_failed(); depth++) {
        CHECK(start(caller, CALL(call, endpoints[depth], .deadline = FOREVER)));
        CHECK(is_blocked(caller));
        CHECK_EQ(finish(servers[depth]), STATUS_OK);
        caller = servers[depth];
    }
    CHECK_EQ(call(caller, CALL(call, endpoints[depth], .deadline = FOREVER)), STATUS_TOO_DEEP);
    while (depth-- > 0) {
        CHECK_EQ(call(servers[depth], CALL(reply, 0)), STATUS_OK);
        CHECK_EQ(finish(depth > 0 ? servers[depth - 1] : init), STATUS_OK);
    }
}

/* The middle of a chain dies: its caller has its error and its own time back at once, and the end
 * of the chain goes on by itself. */
SCENARIO(the_end_of_a_chain_outlives_its_middle)
{
    struct actor *init = directed_init();
    u64 first = make_endpoint(init, 0, 0), second = make_endpoint(init, 0, 0), handle;
    struct actor *middle = new_thread(init, init_self(), &handle);
    struct actor *last = new_thread(init, init_self(), NULL);
    struct actor *killer = new_thread(init, init_self(), NULL);
    CHECK(start(middle, CALL(receive, first, .deadline = FOREVER)));
    CHECK(start(last, CALL(receive, second, .deadline = FOREVER)));
    CHECK(start(init, CALL(call, first, .deadline = FOREVER)));
    CHECK_EQ(finish(middle), STATUS_OK);
    CHECK(start(middle, CALL(call, second, .deadline = FOREVER)));
    CHECK_EQ(finish(last), STATUS_OK);
    CHECK_EQ(call(killer, CALL(kill, handle)), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_SERVER_DIED);
    CHECK_EQ(call(init, CALL(null, 0)), STATUS_OK);
    CHECK_EQ(call(last, CALL(reply, 0)), STATUS_NO_CALLER);
    CHECK_EQ(call(last, CALL(null, 0)), STATUS_OK);
    CHECK(last->thread->activity == last->thread->home);
    CHECK(init->thread->activity == init->thread->home);
}

/* The first caller leaves and takes its activity back from under the whole chain; then the middle
 * leaves, whose own lending has become void by that. */
SCENARIO(a_lending_behind_one_that_was_taken_back_is_void)
{
    struct actor *init = directed_init();
    u64 first = make_endpoint(init, 0, 0), second = make_endpoint(init, 0, 0);
    u64 middle_thread, outer_thread;
    struct actor *outer = new_thread(init, init_self(), &outer_thread);
    struct actor *middle = new_thread(init, init_self(), &middle_thread);
    struct actor *last = new_thread(init, init_self(), NULL);
    CHECK(start(middle, CALL(receive, first, .deadline = FOREVER)));
    CHECK(start(last, CALL(receive, second, .deadline = FOREVER)));
    CHECK(start(outer, CALL(call, first, .deadline = FOREVER)));
    CHECK_EQ(finish(middle), STATUS_OK);
    CHECK(start(middle, CALL(call, second, .deadline = FOREVER)));
    CHECK_EQ(finish(last), STATUS_OK);
    CHECK(last->thread->activity == outer->thread->home);
    CHECK_EQ(call(init, CALL(cancel, outer_thread)), STATUS_OK);
    CHECK_EQ(finish(outer), STATUS_CANCELLED);
    CHECK(outer->thread->activity == outer->thread->home);
    CHECK(last->thread->activity == last->thread->home);
    CHECK_EQ(call(init, CALL(cancel, middle_thread)), STATUS_OK);
    CHECK_EQ(finish(middle), STATUS_CANCELLED);
    CHECK(middle->thread->activity == middle->thread->home);
    CHECK(outer->thread->activity == outer->thread->home);
    CHECK(last->thread->activity == last->thread->home);
    CHECK_EQ(call(last, CALL(reply, 0)), STATUS_NO_CALLER);
    CHECK_EQ(call(middle, CALL(reply, 0)), STATUS_NO_CALLER);
    CHECK_EQ(call(outer, CALL(null, 0)), STATUS_OK);
}

/* Its caller leaves while the server waits for something else, on the caller's time. */
SCENARIO(an_activity_is_taken_back_from_a_server_that_waits)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), handle, word = scratch(init, 2);
    struct actor *caller = new_thread(init, init_self(), &handle);
    struct actor *server = new_thread(init, init_self(), NULL);
    for (u32 round = 0; round < 2; round++) { /* with the server on the caller's CPU, and not */
        u64 server_endpoint = round == 0 ? endpoint : make_endpoint(init, 0, 0);
        CHECK(start(server, CALL(receive, server_endpoint, .deadline = FOREVER)));
        CHECK(start(caller, CALL(call, server_endpoint, .deadline = FOREVER)));
        CHECK_EQ(finish(server), STATUS_OK);
        CHECK(start(server, CALL(futex_wait, 0, W(word, 0), .deadline = FOREVER)));
        CHECK(is_blocked(server));
        CHECK(server->thread->activity == caller->thread->home);
        CHECK_EQ(call(init, CALL(cancel, handle)), STATUS_OK);
        CHECK_EQ(finish(caller), STATUS_CANCELLED);
        CHECK(caller->thread->activity == caller->thread->home);
        CHECK(server->thread->activity == server->thread->home);
        CHECK_EQ(call(caller, CALL(null, 0)), STATUS_OK);
        CHECK_EQ(call(init, CALL(futex_wake, 0, W(word, 1))), STATUS_OK);
        CHECK_EQ(result_word(init, 0), 1);
        CHECK_EQ(finish(server), STATUS_OK);
        CHECK_EQ(call(server, CALL(reply, 0)), STATUS_NO_CALLER);
        pin(init, handle, 2);
    }
}

SCENARIO(a_server_runs_on_its_callers_time_and_gives_it_back)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    for (u32 round = 0; round < 2; round++) {
        if (round == 0)
            CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
        CHECK(start(init, CALL(call, endpoint, .deadline = FOREVER)));
        if (round == 1)
            CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
        CHECK_EQ(finish(server), STATUS_OK);
        CHECK(server->thread->activity == init->thread->home);
        CHECK(init->thread->activity == NULL);
        CHECK(server->thread->serving == init->thread && init->thread->server == server->thread);
        CHECK_EQ(server->thread->context.aux, init->thread->home->trace);
        CHECK_EQ(call(server, CALL(reply, 0)), STATUS_OK);
        CHECK_EQ(finish(init), STATUS_OK);
        CHECK(server->thread->activity == server->thread->home);
        CHECK(init->thread->activity == init->thread->home);
        CHECK(!server->thread->serving && !init->thread->server);
    }
}

/* What a server does for a call is billed to the caller's group, up to the answer. */
SCENARIO(a_caller_pays_for_its_server)
{
    for (u32 i = 0; i < 3 && !directed_failed(); i++) {
        struct actor *init = directed_init();
        struct group_limits limits = no_limits();
        u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
        u64 endpoint = make_endpoint(init, 0, 0), own = init_cap(INIT_CAP_GROUP);
        struct spawn_plan plan = sound_plan();
        plan.cap_count = 2;
        plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_COPY};
        plan.caps[1] = (struct spawn_cap){.cap = {own}, .rights = ~0u, .mode = CAP_SEND_COPY};
        CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
        struct child child = child_of(init);
        struct actor *server = child.main;
        const struct group *payer = server->thread->home->payer;
        CHECK(payer != init->thread->home->payer);
        CHECK(start(server, CALL(receive, child.caps[0], .deadline = FOREVER)));
        CHECK(start(init, CALL(call, endpoint, .deadline = FOREVER)));
        CHECK_EQ(finish(server), STATUS_OK);
        CHECK_EQ(call(server, CALL(yield, 0)), STATUS_OK);
        struct group_usage before, after;
        group_usage(payer, &before);
        sim_time_advance(400000);
        struct call ends[] = {CALL(reply, 0), CALL(defer, child.caps[1]),
                              CALL(reply_receive, child.caps[0], .deadline = FOREVER)};
        CHECK(start(server, ends[i]));
        u64 reply = result_word(server, 0);
        if (!is_blocked(server))
            CHECK_EQ(call(server, CALL(yield, 0)), STATUS_OK);
        group_usage(payer, &after);
        CHECK(after.cpu_ns - before.cpu_ns < 200000);
        if (i == 1)
            CHECK_EQ(call(server, CALL(reply, reply)), STATUS_OK);
        CHECK_EQ(finish(init), STATUS_OK);
    }
}

/* --- Faults -------------------------------------------------------------------------------------
 */

static struct child spawn_with_fault_endpoint(struct actor *init, u64 endpoint)
{
    struct spawn_plan plan = sound_plan();
    plan.fault_endpoint.bits = endpoint;
    CHECK_EQ(status_of_spawn(init, init_cap(INIT_CAP_GROUP), &plan), STATUS_OK);
    return child_of(init);
}

SCENARIO(a_fault_is_a_message_and_its_reply_decides)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 badged = derive(init, endpoint, ~0ull, 99);
    struct child child = spawn_with_fault_endpoint(init, badged);
    for (u32 round = 0; round < 3; round++) {
        u64 pc = child.main->thread->context.pc;
        fault(child.main, round == 1 ? FAULT_ILLEGAL : FAULT_DIVIDE);
        CHECK(is_blocked(child.main));
        CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_OK);
        CHECK_EQ(info_kind(result_info(init)), MESSAGE_FAULT);
        CHECK_EQ(info_length(result_info(init)), sizeof(struct fault_record));
        CHECK_EQ(result_badge(init), 99);
        struct fault_record record;
        memcpy(&record, buffer(init)->data, sizeof(record));
        CHECK_EQ(record.reason, round == 1 ? FAULT_ILLEGAL : FAULT_DIVIDE);
        CHECK_EQ(record.pc, pc);
        CHECK_EQ(record.thread_id, child.main->id);
        u64 label = round == 0 ? FAULT_REPLY_RETRY : round == 1 ? FAULT_REPLY_SKIP : 7;
        struct call answer = CALL(reply, 0, W(0x10001234), .info = LABEL((u32)label));
        CHECK_EQ(call(init, answer), STATUS_OK);
        pass_time(1000000);
        CHECK_EQ(is_alive(child.main), round < 2);
        if (round == 1)
            CHECK_EQ(child.main->thread->context.pc, 0x10001234);
        if (round == 0)
            CHECK_EQ(child.main->thread->context.pc, pc);
    }
    CHECK_EQ(call(init, CALL(wait, child.process, .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), EXIT_FAULT | (u64)FAULT_DIVIDE << 32);
    CHECK_EQ(result_word(init, 1), FAULT_DIVIDE);
}

SCENARIO(a_fault_reaches_a_waiting_receiver_and_a_skip_cannot_leave_user_memory)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct actor *server = new_thread(init, init_self(), NULL);
    struct child child = spawn_with_fault_endpoint(init, endpoint);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    fault(child.main, FAULT_BREAKPOINT);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(info_kind(result_info(server)), MESSAGE_FAULT);
    struct call answer = CALL(reply, 0, W(USER_END + 5), .info = LABEL(FAULT_REPLY_SKIP));
    CHECK_EQ(call(server, answer), STATUS_OK);
    pass_time(1000000);
    CHECK(is_alive(child.main) && !is_blocked(child.main));
    CHECK(child.main->thread->context.pc < USER_END);
    /* A failed answer is none: the process ends. */
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    fault(child.main, FAULT_BREAKPOINT);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(server, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(wait, child.process, .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ((u32)result_word(init, 0), EXIT_FAULT);
}

SCENARIO(a_fault_that_nobody_can_answer_ends_the_process)
{
    struct actor *init = directed_init();
    struct child lonely = spawn(init, NULL, 0);
    fault(lonely.main, FAULT_DIVIDE);
    CHECK_EQ(call(init, CALL(wait, lonely.process, .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), EXIT_FAULT | (u64)FAULT_DIVIDE << 32);
    /* The endpoint has gone down. */
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 sender = derive(init, endpoint, ~(u64)RIGHT_RECEIVE, 0);
    struct child child = spawn_with_fault_endpoint(init, sender);
    CHECK_EQ(status_of_close(init, endpoint), STATUS_OK);
    pass_time(1000000);
    fault(child.main, FAULT_DIVIDE);
    CHECK_EQ(call(init, CALL(wait, child.process, .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ((u32)result_word(init, 0), EXIT_FAULT);
    /* It is revoked while the fault waits. */
    u64 second = make_endpoint(init, 0, 0);
    u64 target = derive(init, second, ~0ull, 0);
    struct child waiting = spawn_with_fault_endpoint(init, target);
    fault(waiting.main, FAULT_DIVIDE);
    CHECK(is_blocked(waiting.main));
    CHECK_EQ(status_of_close(init, target), STATUS_OK);
    CHECK_EQ(status_of_close(init, second), STATUS_OK);
    CHECK_EQ(call(init, CALL(wait, waiting.process, .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ((u32)result_word(init, 0), EXIT_FAULT);
}
