/* Messages between processes, and what each sees of the other's end. */
#include "systest.h"

static enum status start_server(const char *role, endpoint_t *endpoint, struct process *process)
{
    struct process_cap cap;
    enum status status = make_endpoint(0, endpoint);

    if (status != STATUS_OK)
        return status;
    cap = GIVE("endpoint", *endpoint, RIGHT_RECEIVE);
    return start_role(systest.group, role, NULL, &cap, 1, process);
}

BOOT_TEST(ipc_processes, call_across_address_spaces)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);
    struct exit_record record;
    struct process process;
    endpoint_t endpoint;
    u8 data[200];

    CHECK_OK(start_server("echo", &endpoint, &process));
    for (u32 i = 0; i < sizeof(data); i++)
        data[i] = (u8)(i ^ 0x55);
    message_put_data(&message, data, sizeof(data));
    for (u64 i = 0; i < MESSAGE_WORDS; i++)
        message.words[i] = i * i;
    CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
    for (u64 i = 0; i < MESSAGE_WORDS; i++)
        CHECK_EQ(message.words[i], i * i + 1);
    CHECK_EQ(message_length(&message), sizeof(data));
    CHECK_EQ(memcmp(message_data(), data, sizeof(data)), 0);
    CHECK_OK(quit_echo(endpoint));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_processes, capability_goes_through_another_process)
{
    struct message message = MESSAGE_INIT(ECHO_CAP);
    struct exit_record record;
    struct process process;
    endpoint_t endpoint;
    endpoint_t other;
    cap_t back;

    CHECK_OK(start_server("echo", &endpoint, &process));
    CHECK_OK(make_endpoint(0, &other));
    (void)message_put_cap(&message, other.cap, UINT32_MAX, CAP_SEND_COPY);
    message_accept(&message, 1);
    CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
    CHECK_EQ(message_cap_count(&message), 1);
    back = message_take_cap(&message, 0);
    CHECK_OK(endpoint_signal((endpoint_t){back}));
    CHECK_OK(cap_revoke(other.cap));
    CHECK_REVOKED(endpoint_signal((endpoint_t){back}));
    (void)cap_close(back);
    CHECK_OK(cap_close(other.cap));
    CHECK_OK(quit_echo(endpoint));
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_processes, server_death_reaches_the_caller)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);
    struct exit_record record;
    struct process process;
    endpoint_t endpoint;

    CHECK_OK(start_server("die", &endpoint, &process));
    CHECK_STATUS(ipc_call(endpoint, &message, PATIENCE), STATUS_SERVER_DIED);
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_processes, dropped_reply_reaches_the_caller)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);
    struct exit_record record;
    struct process process;
    endpoint_t endpoint;

    CHECK_OK(start_server("drop", &endpoint, &process));
    CHECK_STATUS(ipc_call(endpoint, &message, PATIENCE), STATUS_REPLY_DROPPED);
    message = MESSAGE_INIT(0);
    CHECK_OK(ipc_send(endpoint, &message, PATIENCE));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, 0);
    CHECK_OK(cap_close(endpoint.cap));
}

/* Only the child can receive; once it is gone, nobody can serve. */
BOOT_TEST(ipc_processes, nobody_left_to_serve)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    endpoint_t endpoint;
    endpoint_t client;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, RIGHT_SEND, &client.cap));
    cap = (struct process_cap){
        .name = "endpoint", .cap = endpoint.cap, .rights = UINT32_MAX, .mode = CAP_SEND_MOVE};
    CHECK_OK(start_role(systest.group, "die", NULL, &cap, 1, &process));
    CHECK_STATUS(ipc_call(client, &message, PATIENCE), STATUS_SERVER_DIED);
    CHECK_OK(end_of(&process, &record));
    message = MESSAGE_INIT(ECHO_WORDS);
    CHECK_STATUS(ipc_call(client, &message, PATIENCE), STATUS_PEER_CLOSED);
    CHECK_OK(cap_close(client.cap));
}

BOOT_TEST(ipc_processes, dead_caller_is_no_caller)
{
    struct message message;
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_SEND);
    CHECK_OK(start_role(systest.group, "call", NULL, &cap, 1, &process));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_EQ(message_kind(&message), MESSAGE_CALL);
    CHECK_OK(process_kill(process.handle, 5));
    CHECK_OK(end_of(&process, &record));
    message = MESSAGE_INIT(0);
    CHECK_STATUS(ipc_reply(&message), STATUS_NO_CALLER);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_processes, reply_to_a_process)
{
    struct message message;
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_SEND);
    CHECK_OK(start_role(systest.group, "call", NULL, &cap, 1, &process));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    message = MESSAGE_INIT(0);
    CHECK_OK(ipc_reply(&message));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, STATUS_OK);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_processes, signal_crosses_processes)
{
    struct process_cap cap;
    struct message message;
    struct exit_record record;
    struct process process;
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_SIGNAL);
    cap.badge = 0x10;
    CHECK_OK(start_role(systest.group, "signal", NULL, &cap, 1, &process));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_EQ(message.words[0], 0x10);
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, STATUS_OK);
    CHECK_OK(cap_close(endpoint.cap));
}

static endpoint_t restarted;

static u64 call_and_wait(void *argument)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);

    (void)argument;
    return ipc_call(restarted, &message, PATIENCE);
}

/* A capability names the endpoint, not who serves it: a new server takes over, and the client's
 * handle stays good. */
BOOT_TEST(ipc_processes, new_server_takes_over)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    struct thread thread;
    endpoint_t client;

    CHECK_OK(start_server("die", &restarted, &process));
    CHECK_OK(cap_derive_rights(restarted.cap, RIGHT_SEND, &client.cap));
    CHECK_STATUS(ipc_call(client, &message, PATIENCE), STATUS_SERVER_DIED);
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(thread_start(&thread, call_and_wait, NULL, 0));
    time_sleep_ns(2 * NS_PER_MS);
    cap = GIVE("endpoint", restarted, RIGHT_RECEIVE);
    CHECK_OK(start_role(systest.group, "echo", NULL, &cap, 1, &process));
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    message = MESSAGE_INIT(ECHO_WORDS);
    CHECK_OK(ipc_call(client, &message, PATIENCE));
    CHECK_OK(quit_echo(client));
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(client.cap));
    CHECK_OK(cap_close(restarted.cap));
}

/* While nobody can receive, callers wait for the grace time, and no longer. */
BOOT_TEST(ipc_processes, grace_time_ends)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    endpoint_t endpoint;
    endpoint_t client;
    u64 start_ns;

    CHECK_OK(endpoint_create(systest.group, 0, 30 * NS_PER_MS, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, RIGHT_SEND, &client.cap));
    cap = (struct process_cap){
        .name = "endpoint", .cap = endpoint.cap, .rights = UINT32_MAX, .mode = CAP_SEND_MOVE};
    CHECK_OK(start_role(systest.group, "die", NULL, &cap, 1, &process));
    CHECK_STATUS(ipc_call(client, &message, PATIENCE), STATUS_SERVER_DIED);
    start_ns = time_now_ns();
    message = MESSAGE_INIT(ECHO_WORDS);
    CHECK_STATUS(ipc_call(client, &message, PATIENCE), STATUS_PEER_CLOSED);
    CHECK(time_now_ns() - start_ns < NS_PER_S);
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(client.cap));
}
