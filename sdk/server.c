/* The server loop. A reply that nobody waits for any more is dropped by the kernel; the loop goes
 * on. */
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
           status == STATUS_NOT_ACCEPTED || status == STATUS_REPLY_DROPPED;
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
            status =
                ipc_reply_receive(server->endpoint, &message, server->accept, deadline_of(server));
        else
            status = ipc_receive(server->endpoint, &message, server->accept, deadline_of(server));
    }
}
