/*
 * The kernel as typed messages see it, for tests on the host: two threads' message buffers, and
 * capabilities that are entries of a table. A call goes from the client's buffer to the server's,
 * through fake_server, and back. What a test does to a message on its way it does in a hook.
 */
#ifndef FAKE_H
#define FAKE_H

#include "ferrous/typed.h"

struct fake {
    /* Serves *message, which has come as the server's; NULL: nobody does, PEER_CLOSED. */
    void (*server)(struct message *message);
    /* Between sender and receiver; `buffer` is the receiver's. NULL: nothing happens there. */
    void (*on_request)(struct message *message, struct message_buffer *buffer);
    void (*on_reply)(struct message *message, struct message_buffer *buffer);
    u32 accept; /* of the server */
    /* What was sent last, as the sender had it. */
    struct message sent;
    struct message_buffer sent_buffer;
    enum status transport; /* of the next calls, in place of a delivery */
};

extern struct fake fake;

/* Forgets all; capabilities too. */
void fake_reset(void);

/* A new capability. */
cap_t fake_cap(enum object_type type, u32 rights);
/* Those neither closed nor moved away. */
u32 fake_live_caps(void);
u32 fake_rights(cap_t cap);
/* Inspecting it finds nothing any more; it must be closed all the same. */
void fake_revoke(cap_t cap);

/* The buffer that typed_buffer gives from now on. */
struct message_buffer *fake_use_server_buffer(void);
struct message_buffer *fake_use_client_buffer(void);

#endif
