/* A server of the sample interface that answers what it was asked, for the tests and the fuzzer. */
#ifndef ECHO_H
#define ECHO_H

#include "tests/idl/sample_server.h"

extern const struct sample_ops echo_ops;

struct echo {
    u32 calls;     /* handlers that were called */
    u64 badge;     /* of the last */
    cap_t kept[2]; /* capabilities taken from a request, that the reply copies */
    char note[21];
    u32 note_number;
    bool note_has_listener;
};

extern struct echo echo;

/* Dispatches with echo_ops. */
void echo_serve(struct message *message);

/* Closes what was kept for the reply. */
void echo_close_kept(void);

#endif
