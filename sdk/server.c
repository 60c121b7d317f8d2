/* The server loop. A reply that nobody waits for any more is dropped by the kernel; the loop goes
 * on. So it does after a reply that the client cannot take: no client may end its server. */
#include "ferrous/server.h"

#include "ferrous/calls.h"

static u64 deadline_of(const struct server *server)
{
    return server->next_deadline == NULL ? TIME_NEVER : server->next_deadline(server->context);
}

static void signal_to(const struct server *server, u64 bits)
{
    if (server->handle_signal != NULL)
        server->handle_signal(server->context, bits);
}

/* True: *message now holds a reply to be sent. */
static bool dispatch(const struct server *server, struct message *message)
{
    u64 request = message->info;

    switch (message_kind(message)) {
    case MESSAGE_SIGNAL:
        signal_to(server, message->words[0]);
        return false;
    case MESSAGE_CALL:
    case MESSAGE_FAULT:
        server->handle(server->context, message);
        /* Left as it came: its label goes back, but not data and capabilities that nobody put
         * there. */
        if (message->info == request)
            message->info = message_info(info_label(request), 0, 0, 0);
        return true;
    default:
        server->handle(server->context, message);
        return false;
    }
}

/* Statuses of a wait that say nothing about the endpoint. */
static bool may_go_on(enum status status)
{
    return status == STATUS_CANCELLED || status == STATUS_NO_CALLER ||
           status == STATUS_REPLY_DROPPED;
}

static enum status receive_next(const struct server *server, struct message *message)
{
    return ipc_receive(server->endpoint, message, server->accept, deadline_of(server));
}

static bool moves_caps(const struct message *message)
{
    const struct message_cap *caps = message_buffer()->send_caps;
    bool moves = false;

    for (u32 i = 0; i < message_cap_count(message); i++)
        moves = moves || caps[i].mode == CAP_SEND_MOVE;
    return moves;
}

/* A reply was not delivered: what it would have moved is still here, and nobody wants it. */
static void close_unmoved(const struct message *message)
{
    const struct message_cap *caps = message_buffer()->send_caps;

    for (u32 i = 0; i < message_cap_count(message); i++) {
        if (caps[i].mode == CAP_SEND_MOVE)
            (void)cap_close(caps[i].cap);
    }
}

/* Ends the call with the reason why its reply could not be delivered. */
static enum status reply_failure(enum status status)
{
    struct message failure;

    message_fail(&failure, status);
    return ipc_reply(&failure);
}

/*
 * Answers and waits for the next. A reply whose capabilities have no room at the client (it accepts
 * fewer, its space is full, its group at its limit) leaves the call open: the client gets the
 * reason in its place. A reply that moves capabilities is sent by itself, since only then is it
 * known whether they have left.
 */
static enum status reply_and_receive(const struct server *server, struct message *message)
{
    enum status status;

    if (moves_caps(message)) {
        status = ipc_reply(message);
        if (status != STATUS_OK) {
            close_unmoved(message);
            (void)!reply_failure(status);
        }
        return receive_next(server, message);
    }
    status = ipc_reply_receive(server->endpoint, message, server->accept, deadline_of(server));
    if (status == STATUS_OK || status == STATUS_TIMED_OUT || may_go_on(status))
        return status;
    /* NO_CALLER: the reply was delivered, and it is the endpoint that is of no use. */
    if (reply_failure(status) != STATUS_OK)
        return status;
    return receive_next(server, message);
}

enum status server_run(const struct server *server)
{
    struct message message;
    enum status status = receive_next(server, &message);

    for (;;) {
        if (status == STATUS_TIMED_OUT)
            signal_to(server, 0);
        else if (status != STATUS_OK && !may_go_on(status))
            return status;
        if (status == STATUS_OK && dispatch(server, &message))
            status = reply_and_receive(server, &message);
        else
            status = receive_next(server, &message);
    }
}
