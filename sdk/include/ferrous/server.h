/*
 * The loop of a server: receive, dispatch, reply, for ever. One request at a time; what arrives
 * besides calls goes to the same handler.
 */
#ifndef FERROUS_SERVER_H
#define FERROUS_SERVER_H

#include "ferrous/ipc.h"

struct server {
    endpoint_t endpoint; /* RECEIVE */
    u32 accept;          /* capabilities that a request may bring */
    void *context;       /* for the functions below */

    /*
     * A call or one-way message: *message is the request and becomes the reply (set its info with
     * message_info or message_fail, or leave it: the request's label goes back; words as they are).
     * The reply to a one-way message is dropped. Capabilities that came with it belong to the
     * handler.
     */
    void (*handle)(void *context, struct message *message);
    /* Signals; NULL: ignored. */
    void (*handle_signal)(void *context, u64 bits);
    /* Asked before each wait: until when; on passing it, handle_signal is called with 0. NULL:
     * never. */
    u64 (*next_deadline)(void *context);
};

/* Returns only when the endpoint is of no use any more, with the reason. */
enum status server_run(const struct server *server);

#endif
