/* Directed programs: messages. Long because each is a scenario of its own, and they share steps. */
#include "directed.h"

#include "ipc/endpoint.h"
#include "sched/wait.h"

#include <string.h>

SCENARIO(a_message_reaches_the_waiting_receiver)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 badged = derive(init, endpoint, ~0ull, 42);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(is_blocked(server));
    fill(init, 0xaa);
    fill(server, 0x11);
    CHECK_EQ(
        call(init, CALL(send, badged, EIGHT(100), .info = message_info(7, 33, 0, 3) | NO_WAIT)),
        STATUS_OK);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(result_info(server), message_info(7, 33, 0, 0) | (u64)MESSAGE_SEND << INFO_KIND_SHIFT);
    CHECK_EQ(result_badge(server), 42);
    CHECK_EQ(info_label(result_info(server)), 7);
    CHECK_EQ(info_length(result_info(server)), 33);
    CHECK_EQ(info_kind(result_info(server)), MESSAGE_SEND);
    CHECK_EQ(info_cap_count(result_info(server)), 0);
    CHECK(init->thread->activity->trace != 0);
    CHECK_EQ(server->thread->context.aux, init->thread->activity->trace);
    CHECK(has_words(server, 100));
    CHECK(holds(server, 0xaa, 0, 33) && holds(server, 0x11, 33, MESSAGE_MAX_INLINE));
}

SCENARIO(a_queue_has_a_greatest_depth)
{
    struct actor *init = directed_init();
    struct call create =
        CALL(create_endpoint, init_cap(INIT_CAP_GROUP), W(ENDPOINT_MAX_DEPTH + 1, 0));
    CHECK(make_endpoint(init, ENDPOINT_MAX_DEPTH, 0) != 0);
    CHECK_EQ(call(init, create), STATUS_BAD_ARGUMENT);
}

SCENARIO(a_blocked_send_is_taken_by_the_next_receive)
{
    struct actor *init = directed_init();
    struct actor *sender = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 badged = derive(init, endpoint, ~0ull, 43);
    CHECK_EQ(call(init, CALL(send, badged, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    fill(sender, 0xbb);
    CHECK(start(sender, CALL(send, badged, EIGHT(5), .info = message_info(8, 256, 0, 0),
                             .deadline = FOREVER)));
    CHECK(is_blocked(sender));
    CHECK_EQ(thread_state(sender->thread), THREAD_STATE_SENDING);
    CHECK_EQ(call(init, CALL(receive, endpoint, .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ(result_badge(init), 43);
    CHECK_EQ(info_length(result_info(init)), 256);
    CHECK_EQ(info_kind(result_info(init)), MESSAGE_SEND);
    CHECK(has_words(init, 5) && holds(init, 0xbb, 0, 256));
    CHECK_EQ(finish(sender), STATUS_OK);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
}

SCENARIO(a_queue_keeps_its_depth_and_its_order)
{
    struct actor *init = directed_init();
    struct actor *sender = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 2, 0);
    u64 badged = derive(init, endpoint, ~0ull, 44);
    fill(init, 0xcc);
    CHECK_EQ(
        call(init, CALL(send, badged, EIGHT(1), .info = message_info(1, 16, 0, 0) | INFO_FAILED)),
        STATUS_OK);
    CHECK_EQ(call(init, CALL(send, endpoint, EIGHT(2), .info = LABEL(2))), STATUS_OK);
    CHECK_EQ(call(init, CALL(send, endpoint, EIGHT(3), .info = LABEL(3) | NO_WAIT)), STATUS_FULL);
    CHECK(start(sender, CALL(send, endpoint, EIGHT(3), .info = LABEL(3), .deadline = FOREVER)));
    CHECK(is_blocked(sender));
    CHECK_EQ(endpoint_named(init, endpoint)->queued, 2);
    fill(init, 0);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(info_label(result_info(init)), 1);
    CHECK_EQ(info_length(result_info(init)), 16);
    CHECK_EQ(info_kind(result_info(init)), MESSAGE_SEND);
    CHECK_EQ(result_info(init) & INFO_FAILED, 0);
    CHECK_EQ(result_badge(init), 44);
    CHECK(has_words(init, 1) && holds(init, 0xcc, 0, 16) && holds(init, 0, 16, 256));
    /* There is room again, but not past the one who waits. */
    CHECK_EQ(call(init, CALL(send, endpoint, .info = LABEL(9) | NO_WAIT)), STATUS_FULL);
    u64 labels = 0;
    for (u32 i = 0; i < 2; i++) {
        CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_OK);
        labels = labels << 8 | info_label(result_info(init));
    }
    CHECK(labels == 0x0203 || labels == 0x0302);
    CHECK_EQ(finish(sender), STATUS_OK);
    CHECK_EQ(endpoint_named(init, endpoint)->blocked_sends, 0);
    CHECK_EQ(call(init, CALL(send, endpoint, .info = LABEL(9) | NO_WAIT)), STATUS_OK);
    /* A message with capabilities does not wait in the queue. */
    put_cap(init, 0, endpoint, ~0u, CAP_SEND_COPY);
    CHECK_EQ(call(init, CALL(send, endpoint, .info = message_info(1, 0, 1, 0) | NO_WAIT)),
             STATUS_FULL);
}

SCENARIO(no_source_of_messages_starves_another)
{
    struct actor *init = directed_init();
    struct actor *sender = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 4, 0);
    CHECK(start(sender, CALL(call, endpoint, .info = LABEL(50), .deadline = FOREVER)));
    u32 seen[5] = {0};
    for (u32 i = 0; i < 6; i++) {
        CHECK_EQ(call(init, CALL(signal, endpoint)), STATUS_OK);
        CHECK_EQ(call(init, CALL(send, endpoint, .info = LABEL(60) | NO_WAIT)), STATUS_OK);
        CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_OK);
        seen[info_kind(result_info(init))]++;
        if (info_kind(result_info(init)) == MESSAGE_CALL)
            CHECK_EQ(call(init, CALL(reply, 0)), STATUS_OK);
        if (i >= 2)
            CHECK(seen[MESSAGE_SEND] > 0 && seen[MESSAGE_SIGNAL] > 0 && seen[MESSAGE_CALL] > 0);
    }
    CHECK_EQ(finish(sender), STATUS_OK);
}

SCENARIO(signals_gather_until_they_are_received)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 four = derive(init, endpoint, ~0ull, 4);
    CHECK_EQ(call(init, CALL(signal, four)), STATUS_OK);
    CHECK_EQ(call(init, CALL(signal, endpoint)), STATUS_OK);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 5);
    CHECK_EQ(info_kind(result_info(init)), MESSAGE_SIGNAL);
    CHECK_EQ(result_badge(init), 0);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK_EQ(call(init, CALL(signal, four)), STATUS_OK);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(result_word(server, 0), 4);
    CHECK_EQ(endpoint_named(init, endpoint)->signals, 0);
    u64 mute = derive(init, endpoint, RIGHT_SEND | RIGHT_RECEIVE, 0);
    CHECK_EQ(call(init, CALL(signal, mute)), STATUS_MISSING_RIGHT);
}

SCENARIO(a_call_is_answered)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 badged = derive(init, endpoint, ~0ull, 45);
    for (u32 round = 0; round < 2; round++) { /* server first, then caller first */
        if (round == 0)
            CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
        fill(init, 0x21);
        CHECK(start(init, CALL(call, badged, EIGHT(10), .info = message_info(3, 20, 0, 0),
                               .deadline = FOREVER)));
        if (round == 1)
            CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
        CHECK_EQ(finish(server), STATUS_OK);
        CHECK_EQ(info_kind(result_info(server)), MESSAGE_CALL);
        CHECK_EQ(info_label(result_info(server)), 3);
        CHECK_EQ(result_badge(server), 45);
        CHECK(has_words(server, 10) && holds(server, 0x21, 0, 20));
        CHECK(is_blocked(init));
        CHECK_EQ(thread_state(init->thread), THREAD_STATE_CALLING);
        fill(server, 0x22);
        CHECK_EQ(call(server,
                      CALL(reply, 0, EIGHT(20), .info = message_info(4, 30, 0, 0) | INFO_FAILED)),
                 STATUS_OK);
        CHECK_EQ(finish(init), STATUS_OK);
        CHECK_EQ(info_kind(result_info(init)), MESSAGE_REPLY);
        CHECK_EQ(info_label(result_info(init)), 4);
        CHECK_EQ(info_length(result_info(init)), 30);
        CHECK(result_info(init) & INFO_FAILED);
        CHECK(has_words(init, 20) && holds(init, 0x22, 0, 30));
        CHECK_EQ(call(server, CALL(reply, 0)), STATUS_NO_CALLER);
    }
    CHECK_EQ(call(server, CALL(reply, 0, .info = message_info(0, 300, 0, 0))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(call, endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
}

SCENARIO(reply_receive_answers_and_waits_for_the_next)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    struct actor *other = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    CHECK(start(server, CALL(reply_receive, endpoint, .deadline = FOREVER))); /* nobody to answer */
    CHECK(is_blocked(server));
    for (u32 i = 0; i < 3; i++) {
        CHECK(start(init, CALL(call, endpoint, EIGHT(i), .deadline = FOREVER)));
        CHECK_EQ(finish(server), STATUS_OK);
        CHECK(has_words(server, i));
        CHECK(start(server, CALL(reply_receive, endpoint, EIGHT(50 + i), .info = NO_WAIT,
                                 .deadline = FOREVER)));
        CHECK(is_blocked(server)); /* the flag is the reply's */
        CHECK_EQ(finish(init), STATUS_OK);
        CHECK(has_words(init, 50 + i));
    }
    /* With the next caller waiting already. */
    CHECK(start(init, CALL(call, endpoint, EIGHT(1), .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK(start(other, CALL(call, endpoint, EIGHT(70), .deadline = FOREVER)));
    CHECK(is_blocked(other));
    CHECK_EQ(call(server, CALL(reply_receive, endpoint, EIGHT(60), .deadline = FOREVER)),
             STATUS_OK);
    CHECK(has_words(server, 70));
    CHECK_EQ(finish(init), STATUS_OK);
    CHECK(has_words(init, 60));
    CHECK(is_blocked(other));
    CHECK_EQ(call(server, CALL(reply_receive, endpoint, .info = message_info(0, 257, 0, 0),
                               .deadline = FOREVER)),
             STATUS_BAD_ARGUMENT);
    CHECK(is_blocked(other)); /* still to be answered */
    CHECK_EQ(call(server, CALL(reply, 0, EIGHT(80))), STATUS_OK);
    CHECK_EQ(finish(other), STATUS_OK);
    CHECK(has_words(other, 80));
    CHECK_EQ(call(server, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
}

SCENARIO(a_server_that_receives_again_drops_its_caller)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(init, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(server, CALL(receive, endpoint, .info = message_info(0, 0, 0, 5))),
             STATUS_BAD_ARGUMENT);
    CHECK(is_blocked(init)); /* a call that fails has changed nothing */
    CHECK_EQ(call(server, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    CHECK_EQ(finish(init), STATUS_REPLY_DROPPED);
    CHECK_EQ(call(server, CALL(reply, 0)), STATUS_NO_CALLER);
}

SCENARIO(a_server_that_dies_tells_its_caller)
{
    struct actor *init = directed_init();
    u64 handle;
    struct actor *server = new_thread(init, init_self(), &handle);
    struct actor *killer = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(init, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(killer, CALL(kill, handle)), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_SERVER_DIED);
}

SCENARIO(a_wait_ends_at_its_deadline)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 soon = sim_now_ns() + 3000000;
    CHECK_EQ(call(init, CALL(receive, endpoint, .deadline = soon)), STATUS_TIMED_OUT);
    CHECK(sim_now_ns() >= soon);
    CHECK_EQ(call(init, CALL(receive, endpoint, .deadline = 0)), STATUS_TIMED_OUT);
    CHECK_EQ(call(init, CALL(send, endpoint, .deadline = sim_now_ns() + 3000000)),
             STATUS_TIMED_OUT);
    CHECK_EQ(endpoint_named(init, endpoint)->blocked_sends, 0);
    CHECK_EQ(call(init, CALL(call, endpoint, .deadline = sim_now_ns() + 3000000)),
             STATUS_TIMED_OUT);
    CHECK_EQ(endpoint_named(init, endpoint)->blocked_sends, 0);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK_EQ(call(init, CALL(call, endpoint, .deadline = sim_now_ns() + 3000000)),
             STATUS_TIMED_OUT);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(server, CALL(reply, 0)), STATUS_NO_CALLER);
    CHECK_EQ(call(server, CALL(null, 0)), STATUS_OK);
}

SCENARIO(a_caller_that_left_is_no_reason_not_to_serve_the_next)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK_EQ(call(init, CALL(call, endpoint, .deadline = sim_now_ns() + 3000000)),
             STATUS_TIMED_OUT);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK(start(server, CALL(reply_receive, endpoint, .deadline = FOREVER)));
    CHECK(is_blocked(server));
    CHECK(start(init, CALL(call, endpoint, EIGHT(9), .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK(has_words(server, 9));
    CHECK_EQ(call(server, CALL(reply, 0, EIGHT(10))), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_OK);
}

SCENARIO(cancel_ends_any_wait_of_another)
{
    struct actor *init = directed_init();
    u64 handle;
    struct actor *waiter = new_thread(init, init_self(), &handle);
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    CHECK_EQ(call(init, CALL(cancel, handle)), STATUS_NOT_FOUND);
    CHECK(start(waiter, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK_EQ(call(init, CALL(cancel, handle)), STATUS_OK);
    CHECK_EQ(finish(waiter), STATUS_CANCELLED);
    CHECK(start(waiter, CALL(send, endpoint, .deadline = FOREVER)));
    CHECK_EQ(call(init, CALL(cancel, handle)), STATUS_OK);
    CHECK_EQ(finish(waiter), STATUS_CANCELLED);
    CHECK_EQ(endpoint_named(init, endpoint)->blocked_sends, 0);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(waiter, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(init, CALL(cancel, handle)), STATUS_OK);
    CHECK_EQ(finish(waiter), STATUS_CANCELLED);
    CHECK_EQ(call(server, CALL(reply, 0)), STATUS_NO_CALLER);
    u64 weak = derive(init, handle, ~(u64)RIGHT_CONTROL, 0);
    CHECK_EQ(call(init, CALL(cancel, weak)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(cancel, endpoint)), STATUS_WRONG_TYPE);
    /* A held thread is not in a wait that others may end. */
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_SUSPEND))), STATUS_OK);
    CHECK_EQ(call(init, CALL(cancel, handle)), STATUS_BUSY);
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_RESUME))), STATUS_OK);
}

/* Who waits by a capability hears when it is revoked, and nobody else does. */
SCENARIO(revocation_wakes_those_who_wait_by_what_was_revoked)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 revoked = derive(init, endpoint, ~0ull, 0);
    u64 child = derive(init, revoked, ~0ull, 0);
    u64 spared = derive(init, endpoint, ~0ull, 0);
    struct actor *bad_sender = new_thread(init, init_self(), NULL);
    struct actor *good_sender = new_thread(init, init_self(), NULL);
    struct actor *bad_caller = new_thread(init, init_self(), NULL);
    CHECK(start(bad_sender, CALL(send, child, .deadline = FOREVER)));
    CHECK(start(good_sender, CALL(send, spared, .info = LABEL(5), .deadline = FOREVER)));
    CHECK(start(bad_caller, CALL(call, child, .deadline = FOREVER)));
    CHECK_EQ(status_of_revoke(init, revoked), STATUS_OK);
    CHECK_EQ(finish(bad_sender), STATUS_REVOKED);
    CHECK_EQ(finish(bad_caller), STATUS_REVOKED);
    CHECK(is_blocked(good_sender));
    CHECK_EQ(endpoint_named(init, endpoint)->blocked_sends, 1);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(info_label(result_info(init)), 5);
    CHECK_EQ(finish(good_sender), STATUS_OK);
    /* Receivers and callers that are served. */
    u64 again = derive(init, revoked, ~0ull, 0);
    CHECK(start(bad_sender, CALL(receive, again, .deadline = FOREVER)));
    CHECK(start(good_sender, CALL(receive, spared, .deadline = FOREVER)));
    CHECK_EQ(status_of_revoke(init, revoked), STATUS_OK);
    CHECK_EQ(finish(bad_sender), STATUS_REVOKED);
    CHECK(is_blocked(good_sender));
    again = derive(init, revoked, ~0ull, 0);
    CHECK(start(bad_caller, CALL(call, again, .deadline = FOREVER)));
    CHECK_EQ(finish(good_sender), STATUS_OK);
    CHECK(is_blocked(bad_caller));
    CHECK_EQ(status_of_revoke(init, revoked), STATUS_OK);
    CHECK_EQ(finish(bad_caller), STATUS_REVOKED);
    CHECK_EQ(call(good_sender, CALL(reply, 0)), STATUS_NO_CALLER);
}

SCENARIO(an_endpoint_that_is_destroyed_wakes_everybody)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    CHECK_EQ(call(init, CALL(create_endpoint, group, W(2, 0))), STATUS_OK);
    u64 endpoint = result_word(init, 0);
    struct actor *server = new_thread(init, init_self(), NULL);
    struct actor *caller = new_thread(init, init_self(), NULL);
    struct actor *waiting = new_thread(init, init_self(), NULL);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(caller, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK(start(waiting, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(call(init, CALL(send, endpoint, .info = NO_WAIT)), STATUS_OK);
    CHECK_EQ(call(init, CALL(group_control, group, W(GROUP_DESTROY))), STATUS_OK);
    CHECK_EQ(finish(caller), STATUS_PEER_CLOSED);
    CHECK_EQ(finish(waiting), STATUS_PEER_CLOSED);
    CHECK_EQ(call(server, CALL(reply, 0)), STATUS_NO_CALLER);
    CHECK_EQ(call(init, CALL(send, endpoint, .info = NO_WAIT)), STATUS_REVOKED);
}

/* --- Who receives -------------------------------------------------------------------------------
 */

SCENARIO(an_endpoint_without_a_receiver_goes_down_after_its_grace)
{
    struct actor *init = directed_init();
    for (u32 round = 0; round < 2; round++) {
        u64 grace = round == 0 ? 0 : 10000000;
        u64 endpoint = make_endpoint(init, 1, grace);
        u64 binder = derive(init, endpoint, ~(u64)RIGHT_RECEIVE, 0);
        CHECK_EQ(status_of_close(init, endpoint), STATUS_OK); /* the last right to receive */
        if (round == 1) {
            struct actor *caller = new_thread(init, init_self(), NULL);
            CHECK(start(caller, CALL(call, binder, .deadline = FOREVER)));
            pass_time(grace / 2);
            CHECK(is_blocked(caller));
            CHECK_EQ(call(init, CALL(send, binder, .info = NO_WAIT)), STATUS_OK);
            pass_time(grace);
            CHECK(!is_blocked(caller));
            CHECK_EQ(finish(caller), STATUS_PEER_CLOSED);
        }
        pass_time(1000000);
        CHECK_EQ(call(init, CALL(send, binder, .info = NO_WAIT)), STATUS_PEER_CLOSED);
        CHECK_EQ(call(init, CALL(call, binder, .deadline = FOREVER)), STATUS_PEER_CLOSED);
        CHECK(endpoint_named(init, binder)->down);
        /* REBIND gives the receiving side to somebody new, and it is up again. */
        u64 receiver = derive(init, binder, RIGHT_RECEIVE, 0);
        CHECK_EQ(call(init, CALL(receive, receiver, .info = NO_WAIT)),
                 round == 0 ? STATUS_WOULD_BLOCK : STATUS_OK);
        CHECK_EQ(call(init, CALL(send, binder, .info = NO_WAIT)), STATUS_OK);
        CHECK(!endpoint_named(init, binder)->down);
    }
}

SCENARIO(a_receiver_in_time_stops_the_grace)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 10000000);
    u64 binder = derive(init, endpoint, ~(u64)RIGHT_RECEIVE, 0);
    struct actor *caller = new_thread(init, init_self(), NULL);
    CHECK_EQ(status_of_close(init, endpoint), STATUS_OK);
    CHECK(start(caller, CALL(call, binder, .deadline = FOREVER)));
    pass_time(8000000);
    u64 receiver = derive(init, binder, RIGHT_RECEIVE, 0);
    pass_time(8000000);
    CHECK(is_blocked(caller));
    CHECK_EQ(status_of_close(init, receiver), STATUS_OK);
    pass_time(8000000); /* the whole grace time again */
    CHECK(is_blocked(caller));
    pass_time(8000000);
    CHECK_EQ(finish(caller), STATUS_PEER_CLOSED);
}

SCENARIO(grace_begins_anew_after_an_end)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 10000000);
    u64 binder = derive(init, endpoint, ~(u64)RIGHT_RECEIVE, 0);
    CHECK_EQ(status_of_close(init, endpoint), STATUS_OK);
    pass_time(20000000);
    /* Down. Somebody receives again, and is lost again, and nobody has looked meanwhile. */
    u64 receiver = derive(init, binder, RIGHT_RECEIVE, 0);
    CHECK_EQ(status_of_close(init, receiver), STATUS_OK);
    struct actor *caller = new_thread(init, init_self(), NULL);
    CHECK(start(caller, CALL(call, binder, .deadline = FOREVER)));
    pass_time(8000000);
    CHECK(is_blocked(caller));
    pass_time(8000000);
    CHECK_EQ(finish(caller), STATUS_PEER_CLOSED);
}

SCENARIO(a_grace_that_was_stopped_does_not_shorten_the_next)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 10000000);
    u64 binder = derive(init, endpoint, ~(u64)RIGHT_RECEIVE, 0);
    struct actor *caller = new_thread(init, init_self(), NULL);
    CHECK_EQ(status_of_close(init, endpoint), STATUS_OK);
    CHECK(start(caller, CALL(call, binder, .deadline = FOREVER)));
    pass_time(4000000);
    u64 receiver = derive(init, binder, RIGHT_RECEIVE, 0);
    CHECK_EQ(status_of_close(init, receiver), STATUS_OK);
    pass_time(8000000); /* the first would be over */
    CHECK(is_blocked(caller));
    pass_time(4000000);
    CHECK_EQ(finish(caller), STATUS_PEER_CLOSED);
}

/* With nobody left at all there is nothing to wait for. */
SCENARIO(an_endpoint_goes_before_its_grace_is_over)
{
    struct actor *init = directed_init();
    for (u32 i = 0; i < 20; i++) {
        u64 endpoint = make_endpoint(init, 0, 10000000);
        u64 binder = derive(init, endpoint, ~(u64)RIGHT_RECEIVE, 0);
        CHECK_EQ(status_of_close(init, endpoint), STATUS_OK);
        settle();
        CHECK(endpoint_named(init, binder)->grace.armed);
        CHECK_EQ(status_of_close(init, binder), STATUS_OK);
    }
    pass_time(30000000);
}

SCENARIO(a_right_to_receive_that_is_moved_is_not_lost)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 sender = derive(init, endpoint, RIGHT_SEND, 0);
    struct child child = spawn(init, NULL, 0);
    CHECK_EQ(endpoint_named(init, endpoint)->receive_caps, 1);
    CHECK_EQ(call(init, CALL(grant, child.process, W(endpoint, ~0u, CAP_SEND_MOVE))), STATUS_OK);
    u64 moved = result_word(init, 0);
    CHECK_EQ(endpoint_named(init, sender)->receive_caps, 1);
    CHECK_EQ(call(child.main, CALL(receive, moved, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(send, sender, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
    /* Moved on without the right: nobody receives any more. */
    struct child second = spawn(init, NULL, 0);
    put_cap(child.main, 0, second.process, ~0u, CAP_SEND_COPY);
    CHECK_EQ(call(init, CALL(grant, child.process, W(second.process, ~0u, CAP_SEND_COPY))),
             STATUS_OK);
    u64 target = result_word(init, 0);
    struct call away = CALL(grant, target, W(moved, ~RIGHT_RECEIVE, CAP_SEND_MOVE));
    CHECK_EQ(call(child.main, away), STATUS_OK);
    pass_time(1000000);
    CHECK_EQ(endpoint_named(init, sender)->receive_caps, 0);
    CHECK_EQ(call(init, CALL(send, sender, .info = NO_WAIT)), STATUS_PEER_CLOSED);
}
