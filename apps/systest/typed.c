/* Messages that do not fit their interface, sent to the console and the process manager by hand:
 * each is refused with the status that says why, nothing is done, and nothing stays behind. */
#include "ferrous/server.h"
#include "interfaces/console_client.h"
#include "interfaces/manager_client.h"
#include "systest.h"

static endpoint_t manager(void)
{
    return (endpoint_t){start_cap("manager")};
}

static endpoint_t console(void)
{
    return (endpoint_t){start_cap("console")};
}

static enum status ask(endpoint_t endpoint, struct message message)
{
    return ipc_call_checked(endpoint, &message, PATIENCE);
}

static enum status ask_with_data(endpoint_t endpoint, struct message message, u32 size)
{
    static const u8 data[MESSAGE_MAX_INLINE];

    message_put_data(&message, data, size);
    return ask(endpoint, message);
}

/* With a copy of a capability that has these rights at most. */
static enum status ask_with_cap(endpoint_t endpoint, struct message message, cap_t cap, u32 rights)
{
    (void)message_put_cap(&message, cap, rights, CAP_SEND_COPY);
    return ask(endpoint, message);
}

/* A request with these first two words. */
static struct message request(u32 label, u64 w0, u64 w1)
{
    struct message message = MESSAGE_INIT(label);

    message.words[0] = w0;
    message.words[1] = w1;
    return message;
}

BOOT_TEST(typed, versions_are_told)
{
    u32 version = 0;

    CHECK_OK(console_version(console(), PATIENCE, &version));
    CHECK_EQ(version, CONSOLE_INTERFACE_VERSION);
    CHECK_OK(manager_version(manager(), PATIENCE, &version));
    CHECK_EQ(version, MANAGER_INTERFACE_VERSION);
    /* The console does not speak the manager's interface. */
    CHECK_STATUS(manager_version(console(), PATIENCE, &version), STATUS_NO_METHOD);
}

BOOT_TEST(typed, unknown_methods_are_refused)
{
    endpoint_t endpoint;

    CHECK_STATUS(ask(console(), request(0, 0, 0)), STATUS_NO_METHOD);
    CHECK_STATUS(ask(console(), request(UINT32_MAX, 0, 0)), STATUS_NO_METHOD);
    CHECK_STATUS(ask(console(), request(MESSAGE_LABEL(CONSOLE_INTERFACE, 5), 0, 0)),
                 STATUS_NO_METHOD);
    CHECK_STATUS(ask(manager(), request(MESSAGE_LABEL(MANAGER_INTERFACE, 7), 0, 0)),
                 STATUS_NO_METHOD);
    /* What came with it is closed. */
    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_STATUS(ask_with_cap(console(), request(77, 0, 0), endpoint.cap, RIGHT_SIGNAL),
                 STATUS_NO_METHOD);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(typed, lengths_and_counts_must_agree)
{
    struct console_write_reply reply;

    /* The count announces more than there is, less, and more than ever can be. */
    CHECK_STATUS(ask_with_data(console(), request(CONSOLE_WRITE, 5, 0), 4), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask_with_data(console(), request(CONSOLE_WRITE, 3, 0), 4), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask(console(), request(CONSOLE_WRITE, 257, 0)), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask(console(), request(CONSOLE_WRITE, 0xffff, 0)), STATUS_BAD_MESSAGE);
    /* Counts of arrays that the method does not have. */
    CHECK_STATUS(ask(console(), request(CONSOLE_WRITE, 1u << 16, 0)), STATUS_BAD_MESSAGE);
    /* Data, or a word, where none is foreseen. */
    CHECK_STATUS(ask_with_data(console(), request(CONSOLE_READ, 1, 0), 1), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask(console(), request(CONSOLE_READ, 1, 1)), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask(manager(), request(MANAGER_KILL, UINT64_MAX, 1)), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask(console(), request(CONSOLE_VERSION, 1, 0)), STATUS_BAD_MESSAGE);
    /* As it should be. */
    CHECK_OK(console_write(console(), "", 0, PATIENCE, &reply));
    CHECK_EQ(reply.taken, 0);
}

BOOT_TEST(typed, values_must_be_of_their_type)
{
    /* `wanted` is a u32, `event` an enum. */
    CHECK_STATUS(ask(console(), request(CONSOLE_READ, 1ull << 32, 0)), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask(console(), request(CONSOLE_SUBSCRIBE, 0, 0)), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask(console(), request(CONSOLE_SUBSCRIBE, 3, 0)), STATUS_BAD_MESSAGE);
    CHECK_STATUS(ask(console(), request(CONSOLE_SUBSCRIBE, CONSOLE_EVENT_INPUT | 1ull << 32, 0)),
                 STATUS_BAD_MESSAGE);
}

BOOT_TEST(typed, capabilities_must_be_what_they_should)
{
    struct message subscribe = request(CONSOLE_SUBSCRIBE, CONSOLE_EVENT_INTERRUPT, 0);
    struct message two = subscribe;
    endpoint_t endpoint;
    memory_t memory;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(memory_create(systest.group, PAGE_SIZE, 0, &memory));
    CHECK_STATUS(ask_with_cap(console(), subscribe, memory.cap, UINT32_MAX), STATUS_WRONG_TYPE);
    CHECK_STATUS(ask_with_cap(console(), subscribe, endpoint.cap, RIGHT_SEND | RIGHT_RECEIVE),
                 STATUS_MISSING_RIGHT);
    CHECK_STATUS(ask_with_cap(console(), request(CONSOLE_STATE, 0, 0), endpoint.cap, RIGHT_SIGNAL),
                 STATUS_BAD_MESSAGE);
    CHECK_STATUS(
        ask_with_cap(console(), request(CONSOLE_VERSION, 0, 0), endpoint.cap, RIGHT_SIGNAL),
        STATUS_BAD_MESSAGE);
    (void)message_put_cap(&two, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
    CHECK_STATUS(ask_with_cap(console(), two, endpoint.cap, RIGHT_SIGNAL), STATUS_NOT_ACCEPTED);
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

/* A call's message, sent one way: it is not done, since nobody would hear how it ended. */
BOOT_TEST(typed, call_sent_one_way_is_not_done)
{
    struct message message = request(CONSOLE_SUBSCRIBE, CONSOLE_EVENT_INTERRUPT, 0);
    struct console_state_reply state;
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    (void)message_put_cap(&message, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
    CHECK_OK(ipc_send(console(), &message, PATIENCE));
    CHECK_OK(console_state(console(), PATIENCE, &state));
    /* Had it subscribed, the driver would hold a child of this endpoint now. */
    CHECK_OK(cap_close(endpoint.cap));
}

/* The reply of `run` brings a capability. A client that takes none gets an error, and the manager,
 * which is init, goes on. */
BOOT_TEST(typed, reply_that_is_not_taken_ends_no_server)
{
    static const char words[] = "hello\0--silent";
    struct message message = request(MANAGER_RUN, 0, sizeof(words));
    struct manager_result_reply end;
    struct message wake;
    endpoint_t endpoint;
    u32 ended = 0;

    CHECK_OK(make_endpoint(0, &endpoint));
    message_put_data(&message, words, sizeof(words));
    (void)message_put_cap(&message, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
    CHECK_STATUS(ipc_call_checked(manager(), &message, PATIENCE), STATUS_NOT_ACCEPTED);
    CHECK_OK(ipc_receive(endpoint, &wake, 0, PATIENCE));
    /* It ran all the same; whoever looks finds its result. */
    for (u64 job = 0; job < 64; job++)
        ended += manager_result(manager(), job, PATIENCE, &end) == STATUS_OK;
    CHECK_EQ(ended, 1);
    CHECK_OK(cap_close(endpoint.cap));
}

#define ANSWER_WITH_CLOSED_CAP 1u
#define ANSWER_WITH_MOVED_CAP  2u

/* Answers one label with a capability that it does not have any more, one with a new endpoint that
 * moves to the client, all others with nothing. */
static void answer_with_caps(void *context, struct message *message)
{
    u32 label = message_label(message);
    endpoint_t created;

    *message = MESSAGE_INIT(label);
    if (label == ANSWER_WITH_CLOSED_CAP)
        (void)message_put_cap(message, *(const cap_t *)context, RIGHT_SIGNAL, CAP_SEND_COPY);
    else if (label == ANSWER_WITH_MOVED_CAP && make_endpoint(0, &created) == STATUS_OK)
        (void)message_put_cap(message, created.cap, RIGHT_SIGNAL, CAP_SEND_MOVE);
}

static u64 serve(void *server)
{
    return server_run(server);
}

BOOT_TEST(typed, reply_that_cannot_be_delivered_ends_no_server)
{
    struct server server = {.handle = answer_with_caps};
    struct message message;
    struct thread thread;
    endpoint_t endpoint;
    endpoint_t closed;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_endpoint(0, &closed));
    CHECK_OK(cap_close(closed.cap));
    server.context = &closed.cap;
    CHECK_OK(cap_derive_rights(endpoint.cap, RIGHT_RECEIVE, &server.endpoint.cap));
    CHECK_OK(thread_start(&thread, serve, &server, 0));
    for (u32 i = 0; i < 3; i++) {
        message = MESSAGE_INIT(ANSWER_WITH_CLOSED_CAP);
        message_accept(&message, 1);
        CHECK_STATUS(ipc_call_checked(endpoint, &message, PATIENCE), STATUS_STALE_HANDLE);
        CHECK_OK(ask(endpoint, request(3, 0, 0)));
        /* What would have moved stays with the server, which closes it: the counts show it. */
        CHECK_STATUS(ask(endpoint, request(ANSWER_WITH_MOVED_CAP, 0, 0)), STATUS_NOT_ACCEPTED);
        message = MESSAGE_INIT(ANSWER_WITH_MOVED_CAP);
        message_accept(&message, 1);
        CHECK_OK(ipc_call_checked(endpoint, &message, PATIENCE));
        CHECK_OK(cap_close(message_take_cap(&message, 0)));
    }
    CHECK_OK(cap_revoke(endpoint.cap));
    CHECK_EQ(thread_join(&thread), STATUS_REVOKED);
    (void)cap_close(server.endpoint.cap);
    CHECK_OK(cap_close(endpoint.cap));
}
