/* The server loop. A reply that nobody waits for any more is dropped by the kernel; the loop goes
 * on. So it does after a reply that the client cannot take: no client may end its server. */
#include "ferrous/server.h"

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

/*
 * Answers and waits for the next. A reply whose capabilities have no room at the client (it accepts
 * fewer, its space is full, its group at its limit) leaves the call open: the client gets the
 * reason in its place.
 */
static enum status reply_and_receive(const struct server *server, struct message *message)
{
    struct message failure;
    enum status status =
        ipc_reply_receive(server->endpoint, message, server->accept, deadline_of(server));

    if (status == STATUS_OK || status == STATUS_TIMED_OUT || may_go_on(status))
        return status;
    message_fail(&failure, status);
    /* NO_CALLER: the reply was delivered, and it is the endpoint that is of no use. */
    if (ipc_reply(&failure) != STATUS_OK)
        return status;
    return ipc_receive(server->endpoint, message, server->accept, deadline_of(server));
}

enum status server_run(const struct server *server)
{
    struct message message;
    enum status status =
        ipc_receive(server->endpoint, &message, server->accept, deadline_of(server));

    for (;;) {
        if (status == STATUS_TIMED_OUT)
            signal_to(server, 0);
        else if (status != STATUS_OK && !may_go_on(status))
            return status;
        if (status == STATUS_OK && dispatch(server, &message))
            status = reply_and_receive(server, &message);
        else
            status = ipc_receive(server->endpoint, &message, server->accept, deadline_of(server));
    }
}
