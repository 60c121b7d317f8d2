/* What the families share. */
#include "systest.h"

/* One request of the echo server; false: it was told to stop. */
static bool answer_echo(struct message *message)
{
    u32 length = message_length(message);
    cap_t cap = message_take_cap(message, 0);
    bool go_on = true;

    switch (message_label(message)) {
    case ECHO_WORDS:
        for (u32 i = 0; i < MESSAGE_WORDS; i++)
            message->words[i]++;
        message->info = message_info(ECHO_WORDS, length, 0, 0);
        break;
    case ECHO_BADGE:
        message->words[0] = message->badge;
        message->info = message_info(ECHO_BADGE, 0, 0, 0);
        break;
    case ECHO_FAIL:
        message_fail(message, (enum status)message->words[0]);
        break;
    case ECHO_CAP:
        message->info = message_info(ECHO_CAP, 0, 0, 0);
        if (!cap_is_null(cap))
            (void)message_put_cap(message, cap, UINT32_MAX, CAP_SEND_MOVE);
        break;
    default:
        message->info = message_info(ECHO_QUIT, 0, 0, 0);
        go_on = false;
        break;
    }
    return go_on;
}

u64 serve_echo(void *endpoint)
{
    endpoint_t served = *(const endpoint_t *)endpoint;
    struct message message;
    enum status status = ipc_receive(served, &message, 1, PATIENCE);
    u64 count = 0;

    while (status == STATUS_OK) {
        count++;
        if (!answer_echo(&message)) {
            (void)!ipc_reply(&message);
            break;
        }
        status = ipc_reply_receive(served, &message, 1, PATIENCE);
    }
    return count;
}

enum status quit_echo(endpoint_t endpoint)
{
    struct message message = MESSAGE_INIT(ECHO_QUIT);

    return ipc_call(endpoint, &message, PATIENCE);
}

enum status start_echo(endpoint_t *endpoint, struct thread *thread)
{
    enum status status = make_endpoint(0, endpoint);

    if (status != STATUS_OK)
        return status;
    return thread_start(thread, serve_echo, endpoint, 0);
}

enum status stop_echo(endpoint_t endpoint, struct thread *thread)
{
    enum status status = quit_echo(endpoint);

    (void)thread_join(thread);
    (void)cap_close(endpoint.cap);
    return status;
}
