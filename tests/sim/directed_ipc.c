/* Directed programs: messages. Long because each is a scenario of its own, and they share steps. */
#include "directed.h"

#include "ipc/endpoint.h"
#include "sched/wait.h"

#include <string.h>

#define LABEL(n) message_info((n), 0, 0, 0)
#define NO_WAIT  INFO_NONBLOCK

static struct endpoint *endpoint_named(struct actor *actor, u64 handle)
{
    const struct cap_slot *slot = peek_slot(actor->thread->space, handle);
    CHECK(slot != NULL);
    return slot ? CONTAINER_OF(slot->object, struct endpoint, object) : NULL;
}

static void fill(struct actor *actor, u8 byte)
{
    memset(buffer(actor)->data, byte, MESSAGE_MAX_INLINE);
}

static bool holds(struct actor *actor, u8 byte, u32 from, u32 to)
{
    for (u32 i = from; i < to; i++)
        if (buffer(actor)->data[i] != byte)
            return false;
    return true;
}

static bool has_words(struct actor *actor, u64 first)
{
    for (u32 i = 0; i < MESSAGE_WORDS; i++)
        if (result_word(actor, i) != first + i)
            return false;
    return true;
}

#define EIGHT(n) W((n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7)

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
    CHECK_EQ(call(init, CALL(send, badged, EIGHT(100), .info = message_info(7, 33, 0, 0))),
             STATUS_OK);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(result_badge(server), 42);
    CHECK_EQ(info_label(result_info(server)), 7);
    CHECK_EQ(info_length(result_info(server)), 33);
    CHECK_EQ(info_kind(result_info(server)), MESSAGE_SEND);
    CHECK_EQ(info_cap_count(result_info(server)), 0);
    CHECK(has_words(server, 100));
    CHECK(holds(server, 0xaa, 0, 33) && holds(server, 0x11, 33, MESSAGE_MAX_INLINE));
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

/* --- Capabilities in messages --------------------------------------------------------------------
 */

/* A child process that receives, and init that sends to it. */
struct pair {
    u64 endpoint;
    struct child child;
};

static struct pair make_pair(struct actor *init)
{
    u64 endpoint = make_endpoint(init, 4, 0);
    struct pair pair = {.endpoint = endpoint, .child = spawn(init, &endpoint, 1)};
    return pair;
}

static void listen(struct pair *pair, u32 accept)
{
    CHECK(
        start(pair->child.main, CALL(receive, pair->child.caps[0],
                                     .info = message_info(0, 0, 0, accept), .deadline = FOREVER)));
    CHECK(is_blocked(pair->child.main));
}

SCENARIO(capabilities_travel_with_messages)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    u64 memory = make_memory(init, PAGE_SIZE), extra = derive(init, memory, ~0ull, 0);
    listen(&pair, 2);
    put_cap(init, 0, memory, RIGHT_READ, CAP_SEND_COPY);
    put_cap(init, 1, extra, RIGHT_READ | RIGHT_WRITE, CAP_SEND_MOVE);
    CHECK_EQ(call(init, CALL(send, pair.endpoint, .info = message_info(1, 0, 2, 0))), STATUS_OK);
    struct actor *main = pair.child.main;
    CHECK_EQ(finish(main), STATUS_OK);
    CHECK_EQ(info_cap_count(result_info(main)), 2);
    CHECK_EQ(result_info(main) & INFO_CAPS_LOST, 0);
    u64 copied = got_cap(main, 0), moved = got_cap(main, 1);
    CHECK_EQ(got_cap(main, 2), 0);
    CHECK_EQ(status_of(main, copied), STATUS_OK);
    CHECK_EQ(result_word(main, 0) >> 32, RIGHT_READ);
    CHECK_EQ(status_of(main, moved), STATUS_OK);
    CHECK_EQ(result_word(main, 0) >> 32, RIGHT_READ | RIGHT_WRITE);
    CHECK_EQ(status_of(init, extra), STATUS_STALE_HANDLE);
    CHECK_EQ(status_of(init, memory), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, memory), STATUS_OK);
    CHECK_EQ(status_of(main, copied), STATUS_REVOKED);
}

SCENARIO(a_receiver_takes_no_more_capabilities_than_it_said)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    u64 memory = make_memory(init, PAGE_SIZE);
    put_cap(init, 0, memory, ~0u, CAP_SEND_COPY);
    put_cap(init, 1, memory, ~0u, CAP_SEND_COPY);
    listen(&pair, 1);
    CHECK_EQ(call(init, CALL(send, pair.endpoint, .info = message_info(1, 0, 2, 0))),
             STATUS_NOT_ACCEPTED);
    CHECK(is_blocked(pair.child.main));
    CHECK_EQ(call(init,
                  CALL(call, pair.endpoint, .info = message_info(1, 0, 2, 0), .deadline = FOREVER)),
             STATUS_NOT_ACCEPTED);
    CHECK_EQ(call(init, CALL(send, pair.endpoint, .info = message_info(1, 0, 1, 0))), STATUS_OK);
    CHECK_EQ(finish(pair.child.main), STATUS_OK);
    CHECK_EQ(info_cap_count(result_info(pair.child.main)), 1);
    /* The sender that waits hears it, too, and the receiver goes on to the next. */
    struct actor *sender = new_thread(init, init_self(), NULL);
    put_cap(sender, 0, memory, ~0u, CAP_SEND_COPY);
    CHECK(start(sender,
                CALL(send, pair.endpoint, .info = message_info(1, 0, 1, 0), .deadline = FOREVER)));
    CHECK(is_blocked(sender));
    CHECK_EQ(call(pair.child.main, CALL(receive, pair.child.caps[0], .info = NO_WAIT)),
             STATUS_WOULD_BLOCK);
    CHECK_EQ(finish(sender), STATUS_NOT_ACCEPTED);
    CHECK_EQ(endpoint_named(init, pair.endpoint)->blocked_sends, 0);
    CHECK(start(sender,
                CALL(call, pair.endpoint, .info = message_info(1, 0, 1, 0), .deadline = FOREVER)));
    CHECK_EQ(call(pair.child.main, CALL(receive, pair.child.caps[0], .info = NO_WAIT)),
             STATUS_WOULD_BLOCK);
    CHECK_EQ(finish(sender), STATUS_NOT_ACCEPTED);
    CHECK_EQ(endpoint_named(init, pair.endpoint)->blocked_sends, 0);
}

SCENARIO(a_reply_brings_no_more_capabilities_than_its_caller_takes)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    struct actor *server = pair.child.main;
    u64 memory = make_memory(init, PAGE_SIZE);
    struct call give = CALL(grant, pair.child.process, W(memory, ~0u, CAP_SEND_COPY));
    CHECK_EQ(call(init, give), STATUS_OK);
    u64 theirs = result_word(init, 0);
    put_cap(server, 0, theirs, ~0u, CAP_SEND_COPY);
    listen(&pair, 0);
    CHECK(start(init, CALL(call, pair.endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(server, CALL(reply, 0, .info = message_info(0, 0, 1, 0))), STATUS_NOT_ACCEPTED);
    CHECK(is_blocked(init)); /* and is still served */
    CHECK_EQ(call(server, CALL(reply_receive, pair.child.caps[0], .info = message_info(0, 0, 1, 0),
                               .deadline = FOREVER)),
             STATUS_NOT_ACCEPTED);
    CHECK(is_blocked(init));
    CHECK_EQ(call(server, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_OK);
    listen(&pair, 0);
    CHECK(start(init,
                CALL(call, pair.endpoint, .info = message_info(0, 0, 0, 1), .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(server, CALL(reply, 0, .info = message_info(0, 0, 1, 0))), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_OK);
    CHECK_EQ(status_of(init, got_cap(init, 0)), STATUS_OK);
}

SCENARIO(a_message_with_one_bad_capability_moves_nothing)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    u64 memory = make_memory(init, PAGE_SIZE), extra = derive(init, memory, ~0ull, 0);
    u32 theirs = pair.child.main->thread->space->used_count;
    listen(&pair, 4);
    struct call send = CALL(send, pair.endpoint, .info = message_info(1, 0, 3, 0));
    put_cap(init, 0, memory, ~0u, CAP_SEND_COPY);
    put_cap(init, 1, extra, ~0u, CAP_SEND_MOVE);
    put_cap(init, 2, 12345, ~0u, CAP_SEND_COPY);
    CHECK_EQ(call(init, send), STATUS_BAD_HANDLE);
    put_cap(init, 2, memory, ~0u, 7);
    CHECK_EQ(call(init, send), STATUS_BAD_ARGUMENT);
    put_cap(init, 2, init_main_thread(), ~0u, CAP_SEND_MOVE);
    CHECK_EQ(call(init, send), STATUS_MISSING_RIGHT);
    CHECK_EQ(pair.child.main->thread->space->used_count, theirs);
    CHECK_EQ(status_of(init, extra), STATUS_OK);
    CHECK(is_blocked(pair.child.main));
    /* The same capability moved twice: the second finds it gone. */
    put_cap(init, 2, extra, ~0u, CAP_SEND_MOVE);
    CHECK_EQ(call(init, send), STATUS_OK);
    CHECK_EQ(finish(pair.child.main), STATUS_OK);
    CHECK(result_info(pair.child.main) & INFO_CAPS_LOST);
    CHECK(got_cap(pair.child.main, 1) != 0 && got_cap(pair.child.main, 2) == 0);
    CHECK_EQ(pair.child.main->thread->space->used_count, theirs + 2);
    CHECK_EQ(pair.child.main->thread->space->reserved, 0);
}

SCENARIO(a_message_that_finds_no_memory_moves_nothing)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    u64 memory = make_memory(init, PAGE_SIZE), extra = derive(init, memory, ~0ull, 0);
    u32 theirs = pair.child.main->thread->space->used_count;
    listen(&pair, 4);
    put_cap(init, 0, memory, ~0u, CAP_SEND_COPY);
    put_cap(init, 1, extra, ~0u, CAP_SEND_MOVE);
    put_cap(init, 2, memory, ~0u, CAP_SEND_COPY);
    put_cap(init, 3, memory, ~0u, CAP_SEND_COPY);
    bool failed = true;
    u32 refused = 0;
    for (u64 n = 1; failed && !directed_failed(); n++) {
        fail_allocation(n);
        u64 status = call(init, CALL(send, pair.endpoint, .info = message_info(1, 0, 4, 0)));
        failed = allocation_failed();
        if (status == STATUS_OK)
            break;
        refused++;
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
        CHECK(is_blocked(pair.child.main));
        CHECK_EQ(pair.child.main->thread->space->used_count, theirs);
        CHECK_EQ(pair.child.main->thread->space->reserved, 0);
        CHECK_EQ(status_of(init, extra), STATUS_OK);
    }
    CHECK(refused > 0);
    CHECK_EQ(finish(pair.child.main), STATUS_OK);
    CHECK_EQ(pair.child.main->thread->space->used_count, theirs + 4);
}

/* A group with room for little pays for the receiver's space. */
SCENARIO(a_receiver_that_can_pay_for_no_capability_gets_none)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), memory = make_memory(init, PAGE_SIZE);
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    struct spawn_plan plan = sound_plan();
    plan.cap_count = 1;
    plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_COPY};
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    struct pair pair = {.endpoint = endpoint, .child = child_of(init)};
    struct call full = CALL(group_control, group, W(GROUP_SET_LIMIT, GROUP_KERNEL_BYTES, 0));
    CHECK_EQ(call(init, full), STATUS_OK);
    listen(&pair, 4);
    u64 extra = derive(init, memory, ~0ull, 0);
    put_cap(init, 0, extra, ~0u, CAP_SEND_MOVE);
    struct call send = CALL(send, endpoint, .info = message_info(1, 0, 1, 0));
    CHECK_EQ(call(init, send), STATUS_GROUP_LIMIT);
    put_cap(init, 0, memory, ~0u, CAP_SEND_COPY);
    CHECK_EQ(call(init, send), STATUS_GROUP_LIMIT);
    CHECK_EQ(status_of(init, extra), STATUS_OK);
    CHECK_EQ(call(init, CALL(send, endpoint)), STATUS_OK);
}

SCENARIO(messages_out_of_bounds_are_refused)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 4, 0);
    static const u64 bad[] = {(u64)257 << INFO_LENGTH_SHIFT, (u64)4095 << INFO_LENGTH_SHIFT,
                              (u64)5 << INFO_CAPS_SHIFT, (u64)5 << INFO_ACCEPT_SHIFT};
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_EQ(call(init, CALL(send, endpoint, .info = bad[i])), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(call, endpoint, .info = bad[i])), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(receive, endpoint, .info = bad[i])), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(reply, 0, .info = bad[i])), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(reply_receive, endpoint, .info = bad[i])), STATUS_BAD_ARGUMENT);
    }
    CHECK_EQ(call(init, CALL(send, endpoint, .info = (u64)256 << INFO_LENGTH_SHIFT)), STATUS_OK);
    CHECK_EQ(call(init, CALL(create_endpoint, init_cap(INIT_CAP_GROUP), W(257, 0))),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(create_endpoint, init_cap(INIT_CAP_GROUP), W(1ull << 32, 0))),
             STATUS_BAD_ARGUMENT);
    CHECK(make_endpoint(init, 256, 0) != 0);
}

/* --- Whose time ---------------------------------------------------------------------------------
 */

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
