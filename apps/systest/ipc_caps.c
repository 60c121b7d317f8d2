/* Capabilities in messages: what travels, what does not, and what the sender is left with. */
#include "systest.h"

static u64 receive_nothing(void *argument)
{
    struct message message;

    return ipc_receive(*(endpoint_t *)argument, &message, 0, PATIENCE);
}

BOOT_TEST(ipc_caps, capability_is_moved_there_and_back)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(ECHO_CAP);
    struct thread thread;
    endpoint_t other;
    endpoint_t child;
    cap_t back;

    CHECK_OK(start_echo(&endpoint, &thread));
    CHECK_OK(make_endpoint(0, &other));
    CHECK_OK(cap_derive_rights(other.cap, UINT32_MAX, &child.cap));
    (void)message_put_cap(&message, child.cap, UINT32_MAX, CAP_SEND_MOVE);
    message_accept(&message, 1);
    CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
    CHECK_EQ(message_cap_count(&message), 1);
    back = message_take_cap(&message, 0);
    CHECK_STATUS(endpoint_signal(child), STATUS_STALE_HANDLE);
    CHECK_OK(endpoint_signal((endpoint_t){back}));
    CHECK_OK(cap_close(back));
    CHECK_OK(cap_close(other.cap));
    CHECK_OK(stop_echo(endpoint, &thread));
}

BOOT_TEST(ipc_caps, capability_is_copied_with_fewer_rights)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(ECHO_CAP);
    struct cap_facts facts;
    struct thread thread;
    endpoint_t other;
    cap_t back;

    CHECK_OK(start_echo(&endpoint, &thread));
    CHECK_OK(make_endpoint(0, &other));
    (void)message_put_cap(&message, other.cap, RIGHT_SIGNAL | RIGHT_TRANSFER, CAP_SEND_COPY);
    message_accept(&message, 1);
    CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
    back = message_take_cap(&message, 0);
    CHECK_OK(cap_inspect(back, &facts));
    CHECK_EQ(facts.rights & ~RIGHTS_COMMON, RIGHT_SIGNAL);
    CHECK_OK(endpoint_signal(other));
    CHECK_OK(cap_close(back));
    CHECK_OK(cap_close(other.cap));
    CHECK_OK(stop_echo(endpoint, &thread));
}

BOOT_TEST(ipc_caps, capabilities_need_acceptance)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(1);
    struct thread thread;
    endpoint_t other;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_endpoint(0, &other));
    CHECK_OK(thread_start(&thread, receive_nothing, &endpoint, 0));
    (void)message_put_cap(&message, other.cap, UINT32_MAX, CAP_SEND_COPY);
    CHECK_STATUS(ipc_send(endpoint, &message, PATIENCE), STATUS_NOT_ACCEPTED);
    message = MESSAGE_INIT(2);
    CHECK_OK(ipc_send(endpoint, &message, PATIENCE));
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    CHECK_OK(cap_close(other.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 receive_with_cap(void *argument)
{
    struct message message;
    enum status status = ipc_receive(*(endpoint_t *)argument, &message, 1, PATIENCE);

    if (status == STATUS_OK)
        message_drop_caps(&message, 0);
    return status;
}

BOOT_TEST(ipc_caps, transfer_needs_the_right)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(1);
    struct thread thread;
    endpoint_t other;
    cap_t child;
    enum status status;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_endpoint(0, &other));
    CHECK_OK(cap_derive_rights(other.cap, ~RIGHT_TRANSFER, &child));
    CHECK_OK(thread_start(&thread, receive_with_cap, &endpoint, 0));
    (void)message_put_cap(&message, child, UINT32_MAX, CAP_SEND_COPY);
    status = ipc_send(endpoint, &message, PATIENCE);
    CHECK(status == STATUS_MISSING_RIGHT || status == STATUS_SEALED);
    message = MESSAGE_INIT(1);
    (void)message_put_cap(&message, other.cap, UINT32_MAX, CAP_SEND_COPY);
    CHECK_OK(ipc_send(endpoint, &message, PATIENCE));
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    CHECK_OK(cap_close(child));
    CHECK_OK(cap_close(other.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

/* A capability is not left in a queue: such a message waits for its receiver. */
BOOT_TEST(ipc_caps, messages_with_capabilities_are_not_queued)
{
    struct message message = MESSAGE_INIT(1);
    endpoint_t endpoint;
    endpoint_t other;

    CHECK_OK(make_endpoint(8, &endpoint));
    CHECK_OK(make_endpoint(0, &other));
    (void)message_put_cap(&message, other.cap, UINT32_MAX, CAP_SEND_MOVE);
    CHECK_STATUS(ipc_send(endpoint, &message, SOON), STATUS_TIMED_OUT);
    CHECK_OK(endpoint_signal(other));
    CHECK_STATUS(ipc_poll(endpoint, &message, 1), STATUS_WOULD_BLOCK);
    CHECK_OK(cap_close(other.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 receive_four(void *argument)
{
    struct message message;
    u64 good = 0;

    if (ipc_receive(*(endpoint_t *)argument, &message, MESSAGE_MAX_CAPS, PATIENCE) != STATUS_OK)
        return 0;
    for (u32 i = 0; i < message_cap_count(&message); i++)
        good += endpoint_signal((endpoint_t){message_take_cap(&message, i)}) == STATUS_OK;
    message_drop_caps(&message, 0);
    return good;
}

BOOT_TEST(ipc_caps, four_capabilities_at_once)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(1);
    struct thread thread;
    endpoint_t others[MESSAGE_MAX_CAPS];

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, receive_four, &endpoint, 0));
    for (u32 i = 0; i < MESSAGE_MAX_CAPS; i++) {
        CHECK_OK(make_endpoint(0, &others[i]));
        CHECK(message_put_cap(&message, others[i].cap, UINT32_MAX,
                              i % 2 == 0 ? CAP_SEND_COPY : CAP_SEND_MOVE));
    }
    CHECK(!message_put_cap(&message, others[0].cap, UINT32_MAX, CAP_SEND_COPY));
    CHECK_OK(ipc_send(endpoint, &message, PATIENCE));
    CHECK_EQ(thread_join(&thread), MESSAGE_MAX_CAPS);
    for (u32 i = 0; i < MESSAGE_MAX_CAPS; i++) {
        CHECK_STATUS(endpoint_signal(others[i]), i % 2 == 0 ? STATUS_OK : STATUS_STALE_HANDLE);
        (void)cap_close(others[i].cap);
    }
    CHECK_OK(cap_close(endpoint.cap));
}

/* One bad capability in the list: the message is refused, and the good ones stay with the sender.
 */
BOOT_TEST(ipc_caps, capabilities_travel_all_or_none)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(1);
    struct thread thread;
    endpoint_t good;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_endpoint(0, &good));
    CHECK_OK(thread_start(&thread, receive_four, &endpoint, 0));
    (void)message_put_cap(&message, good.cap, UINT32_MAX, CAP_SEND_MOVE);
    (void)message_put_cap(&message, (cap_t){good.cap.bits ^ 1ull << 50}, UINT32_MAX, CAP_SEND_MOVE);
    CHECK(ipc_send(endpoint, &message, PATIENCE) != STATUS_OK);
    CHECK_OK(endpoint_signal(good));
    message = MESSAGE_INIT(1);
    (void)message_put_cap(&message, good.cap, UINT32_MAX, CAP_SEND_COPY);
    CHECK_OK(ipc_send(endpoint, &message, PATIENCE));
    CHECK_EQ(thread_join(&thread), 1);
    CHECK_OK(cap_close(good.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_caps, capability_cannot_be_moved_twice)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(1);
    struct thread thread;
    endpoint_t other;
    u64 received;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_endpoint(0, &other));
    CHECK_OK(thread_start(&thread, receive_four, &endpoint, 0));
    (void)message_put_cap(&message, other.cap, UINT32_MAX, CAP_SEND_MOVE);
    (void)message_put_cap(&message, other.cap, UINT32_MAX, CAP_SEND_MOVE);
    if (ipc_send(endpoint, &message, PATIENCE) != STATUS_OK) {
        CHECK_OK(endpoint_signal(other));
        message = MESSAGE_INIT(1);
        CHECK_OK(ipc_send(endpoint, &message, PATIENCE));
    }
    received = thread_join(&thread);
    CHECK(received <= 1);
    (void)cap_close(other.cap);
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 answer_with_cap(void *argument)
{
    struct message message;
    endpoint_t other;
    enum status status;

    if (make_endpoint(0, &other) != STATUS_OK ||
        ipc_receive(*(endpoint_t *)argument, &message, 0, PATIENCE) != STATUS_OK)
        return STATUS_BAD_ARGUMENT;
    message = MESSAGE_INIT(0);
    (void)message_put_cap(&message, other.cap, UINT32_MAX, CAP_SEND_COPY);
    status = ipc_reply(&message);
    (void)cap_close(other.cap);
    if (status == STATUS_NOT_ACCEPTED) {
        message = MESSAGE_INIT(0);
        (void)!ipc_reply(&message);
    }
    return status;
}

BOOT_TEST(ipc_caps, replies_bring_no_unwanted_capabilities)
{
    static endpoint_t endpoint;
    struct message message = MESSAGE_INIT(1);
    struct thread thread;
    enum status status;
    u64 result;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, answer_with_cap, &endpoint, 0));
    status = ipc_call(endpoint, &message, PATIENCE);
    CHECK_EQ(message_cap_count(&message), 0);
    result = thread_join(&thread);
    CHECK(result == STATUS_NOT_ACCEPTED || status == STATUS_NOT_ACCEPTED);
    CHECK_OK(cap_close(endpoint.cap));
}
