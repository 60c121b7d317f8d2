/* Messages between threads of this process, and what endpoints do on their own. */
#include "systest.h"

#include "ferrous/lock.h"

BOOT_TEST(ipc, call_carries_words_both_ways)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(ECHO_WORDS);
    struct thread thread;

    CHECK_OK(start_echo(&endpoint, &thread));
    for (u64 i = 0; i < MESSAGE_WORDS; i++)
        message.words[i] = 0x1111111111111111ull * i;
    CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
    CHECK_EQ(message_kind(&message), MESSAGE_REPLY);
    CHECK_EQ(message_label(&message), ECHO_WORDS);
    for (u64 i = 0; i < MESSAGE_WORDS; i++)
        CHECK_EQ(message.words[i], 0x1111111111111111ull * i + 1);
    CHECK_OK(stop_echo(endpoint, &thread));
}

BOOT_TEST(ipc, call_carries_data_of_every_length)
{
    static endpoint_t endpoint;
    struct thread thread;
    u8 data[MESSAGE_MAX_INLINE];

    CHECK_OK(start_echo(&endpoint, &thread));
    for (u32 length = 0; length <= MESSAGE_MAX_INLINE; length += length < 20 ? 1 : 59) {
        struct message message = MESSAGE_INIT(ECHO_WORDS);

        for (u32 i = 0; i < length; i++)
            data[i] = (u8)(i * 7 + length);
        message_put_data(&message, data, length);
        CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
        CHECK_EQ(message_length(&message), length);
        CHECK_EQ(memcmp(message_data(), data, length), 0);
    }
    CHECK_OK(stop_echo(endpoint, &thread));
}

BOOT_TEST(ipc, too_much_data_is_refused)
{
    struct message message = MESSAGE_INIT(1);
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(1, &endpoint));
    message.info = message_info(1, MESSAGE_MAX_INLINE + 1, 0, 0);
    CHECK_STATUS(ipc_send(endpoint, &message, SOON), STATUS_BAD_ARGUMENT);
    message.info = message_info(1, 0, MESSAGE_MAX_CAPS + 1, 0);
    CHECK_STATUS(ipc_send(endpoint, &message, SOON), STATUS_BAD_ARGUMENT);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, failures_reach_the_caller)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(ECHO_FAIL);
    struct thread thread;

    CHECK_OK(start_echo(&endpoint, &thread));
    message.words[0] = STATUS_FULL;
    CHECK_STATUS(ipc_call_checked(endpoint, &message, PATIENCE), STATUS_FULL);
    CHECK_OK(stop_echo(endpoint, &thread));
}

BOOT_TEST(ipc, badge_tells_the_server_who)
{
    static endpoint_t endpoint;
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    struct message message = MESSAGE_INIT(ECHO_BADGE);
    struct thread thread;
    endpoint_t child;

    CHECK_OK(start_echo(&endpoint, &thread));
    restriction.badge = 0xabcdef0123456789ull;
    CHECK_OK(cap_derive(endpoint.cap, &restriction, &child.cap));
    CHECK_OK(ipc_call(child, &message, PATIENCE));
    CHECK_EQ(message.words[0], 0xabcdef0123456789ull);
    message = MESSAGE_INIT(ECHO_BADGE);
    CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
    CHECK_EQ(message.words[0], 0);
    CHECK_OK(cap_close(child.cap));
    CHECK_OK(stop_echo(endpoint, &thread));
}

static u64 receive_without_caps(void *argument)
{
    struct message message;

    return ipc_receive(*(endpoint_t *)argument, &message, 0, PATIENCE);
}

BOOT_TEST(ipc, deadlines_end_waits)
{
    struct message message = MESSAGE_INIT(1);
    endpoint_t endpoint;
    u64 deadline_ns;

    CHECK_OK(make_endpoint(0, &endpoint));
    deadline_ns = SOON;
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, deadline_ns), STATUS_TIMED_OUT);
    CHECK(time_now_ns() >= deadline_ns);
    deadline_ns = SOON;
    message = MESSAGE_INIT(1);
    CHECK_STATUS(ipc_send(endpoint, &message, deadline_ns), STATUS_TIMED_OUT);
    CHECK(time_now_ns() >= deadline_ns);
    message = MESSAGE_INIT(1);
    CHECK_STATUS(ipc_call(endpoint, &message, SOON), STATUS_TIMED_OUT);
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, 1), STATUS_TIMED_OUT);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, nonblocking_calls_do_not_wait)
{
    struct message message = MESSAGE_INIT(1);
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_STATUS(ipc_poll(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    message = MESSAGE_INIT(1);
    message.info |= INFO_NONBLOCK;
    CHECK_STATUS(ipc_send(endpoint, &message, TIME_NEVER), STATUS_WOULD_BLOCK);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, queue_keeps_messages_in_order)
{
    struct message message = MESSAGE_INIT(1);
    endpoint_t endpoint;
    enum status status;

    CHECK_OK(make_endpoint(4, &endpoint));
    for (u64 i = 0; i < 4; i++) {
        message = MESSAGE_INIT(100 + i);
        message.words[0] = i;
        message.words[7] = ~i;
        message_put_data(&message, &i, sizeof(i));
        CHECK_OK(ipc_send(endpoint, &message, SOON));
    }
    message.info |= INFO_NONBLOCK;
    status = ipc_send(endpoint, &message, TIME_NEVER);
    CHECK(status == STATUS_FULL || status == STATUS_WOULD_BLOCK);
    for (u64 i = 0; i < 4; i++) {
        CHECK_OK(ipc_receive(endpoint, &message, 0, SOON));
        CHECK_EQ(message_label(&message), 100 + i);
        CHECK_EQ(message_kind(&message), MESSAGE_SEND);
        CHECK_EQ(message.words[0], i);
        CHECK_EQ(message.words[7], ~i);
        CHECK_EQ(message_length(&message), sizeof(i));
        CHECK_EQ(memcmp(message_data(), &i, sizeof(i)), 0);
    }
    CHECK_STATUS(ipc_poll(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, queued_messages_die_with_the_endpoint)
{
    struct message message;
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(8, &endpoint));
    for (u32 i = 0; i < 8; i++) {
        message = MESSAGE_INIT(i);
        CHECK_OK(ipc_send(endpoint, &message, SOON));
    }
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, signals_add_up)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    struct message message;
    endpoint_t endpoint;
    endpoint_t low;
    endpoint_t high;

    CHECK_OK(make_endpoint(0, &endpoint));
    restriction.badge = 4;
    CHECK_OK(cap_derive(endpoint.cap, &restriction, &low.cap));
    restriction.badge = 1ull << 63;
    CHECK_OK(cap_derive(endpoint.cap, &restriction, &high.cap));
    CHECK_OK(endpoint_signal(low));
    CHECK_OK(endpoint_signal(low));
    CHECK_OK(endpoint_signal(high));
    CHECK_OK(endpoint_signal(endpoint));
    CHECK_OK(ipc_receive(endpoint, &message, 0, SOON));
    CHECK_EQ(message_kind(&message), MESSAGE_SIGNAL);
    CHECK_EQ(message.words[0], 4 | 1ull << 63 | 1);
    CHECK_STATUS(ipc_poll(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_OK(cap_close(low.cap));
    CHECK_OK(cap_close(high.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 signal_later(void *argument)
{
    time_sleep_ns(2 * NS_PER_MS);
    return endpoint_signal(*(endpoint_t *)argument);
}

BOOT_TEST(ipc, signal_wakes_a_receiver)
{
    static endpoint_t endpoint;
    struct message message;
    struct thread thread;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, signal_later, &endpoint, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_EQ(message_kind(&message), MESSAGE_SIGNAL);
    CHECK_EQ(message.words[0], 1);
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, reply_without_a_call_is_refused)
{
    struct message message = MESSAGE_INIT(1);

    CHECK_STATUS(ipc_reply(&message), STATUS_NO_CALLER);
}

BOOT_TEST(ipc, reply_receive_without_a_call_still_receives)
{
    struct message message = MESSAGE_INIT(1);
    endpoint_t endpoint;
    enum status status;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(endpoint_signal(endpoint));
    status = ipc_reply_receive(endpoint, &message, 0, SOON);
    CHECK(status == STATUS_OK || status == STATUS_NO_CALLER);
    if (status == STATUS_NO_CALLER)
        CHECK_OK(ipc_poll(endpoint, &message, 0));
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 call_once(void *argument)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);

    return ipc_call(*(endpoint_t *)argument, &message, PATIENCE);
}

BOOT_TEST(ipc, receive_drops_an_unanswered_call)
{
    static endpoint_t endpoint;
    struct message message;
    struct thread thread;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, call_once, &endpoint, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_EQ(message_kind(&message), MESSAGE_CALL);
    CHECK_STATUS(ipc_poll(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_EQ(thread_join(&thread), STATUS_REPLY_DROPPED);
    message = MESSAGE_INIT(0);
    CHECK_STATUS(ipc_reply(&message), STATUS_NO_CALLER);
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 call_briefly(void *argument)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);

    return ipc_call(*(endpoint_t *)argument, &message, time_after_ns(5 * NS_PER_MS));
}

BOOT_TEST(ipc, reply_to_a_caller_that_left_says_so)
{
    static endpoint_t endpoint;
    struct message message;
    struct thread thread;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, call_briefly, &endpoint, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_EQ(thread_join(&thread), STATUS_TIMED_OUT);
    message = MESSAGE_INIT(0);
    CHECK_STATUS(ipc_reply(&message), STATUS_NO_CALLER);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, callers_wait_their_turn)
{
    static endpoint_t endpoint;
    struct thread threads[6];
    struct thread server;

    CHECK_OK(make_endpoint(0, &endpoint));
    for (u32 i = 0; i < 6; i++)
        CHECK_OK(thread_start(&threads[i], call_once, &endpoint, 0));
    time_sleep_ns(2 * NS_PER_MS);
    CHECK_OK(thread_start(&server, serve_echo, &endpoint, 0));
    for (u32 i = 0; i < 6; i++)
        CHECK_EQ(thread_join(&threads[i]), STATUS_OK);
    CHECK_OK(quit_echo(endpoint));
    CHECK_EQ(thread_join(&server), 7);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, cancel_ends_a_wait)
{
    static endpoint_t endpoint;
    struct thread thread;
    u64 result;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, receive_without_caps, &endpoint, 0));
    time_sleep_ns(2 * NS_PER_MS);
    CHECK_OK(kthread_cancel(thread.handle));
    result = thread_join(&thread);
    CHECK_EQ(result, STATUS_CANCELLED);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc, revoking_wakes_waiters)
{
    static endpoint_t child;
    struct thread thread;
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, UINT32_MAX, &child.cap));
    CHECK_OK(thread_start(&thread, call_once, &child, 0));
    time_sleep_ns(2 * NS_PER_MS);
    CHECK_OK(cap_revoke(endpoint.cap));
    CHECK_EQ(thread_join(&thread), STATUS_REVOKED);
    (void)cap_close(child.cap);
    CHECK_OK(cap_close(endpoint.cap));
}

/* A nested call: A calls B, whose server calls C. */
static endpoint_t inner;

static u64 serve_by_calling(void *argument)
{
    endpoint_t outer = *(endpoint_t *)argument;
    struct message message;
    struct message nested = MESSAGE_INIT(ECHO_WORDS);
    enum status status = ipc_receive(outer, &message, 0, PATIENCE);

    if (status != STATUS_OK)
        return status;
    nested.words[0] = message.words[0];
    status = ipc_call(inner, &nested, PATIENCE);
    message = MESSAGE_INIT(0);
    message.words[0] = nested.words[0];
    (void)!ipc_reply(&message);
    return status;
}

BOOT_TEST(ipc, calls_nest)
{
    static endpoint_t outer;
    struct message message = MESSAGE_INIT(1);
    struct thread middle;
    struct thread server;

    CHECK_OK(start_echo(&inner, &server));
    CHECK_OK(make_endpoint(0, &outer));
    CHECK_OK(thread_start(&middle, serve_by_calling, &outer, 0));
    message.words[0] = 10;
    CHECK_OK(ipc_call(outer, &message, PATIENCE));
    CHECK_EQ(message.words[0], 11);
    CHECK_EQ(thread_join(&middle), STATUS_OK);
    CHECK_OK(cap_close(outer.cap));
    CHECK_OK(stop_echo(inner, &server));
}

BOOT_TEST(ipc, many_calls_stay_exact)
{
    static endpoint_t endpoint;
    struct thread thread;

    CHECK_OK(start_echo(&endpoint, &thread));
    for (u64 i = 0; i < 2000; i++) {
        struct message message = MESSAGE_INIT(ECHO_WORDS);

        message.words[0] = i;
        CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
        CHECK_EQ(message.words[0], i + 1);
    }
    CHECK_OK(stop_echo(endpoint, &thread));
}
