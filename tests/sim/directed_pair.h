/* For the directed programs of the fast and the short ways: two threads that can take them. */
#ifndef DIRECTED_PAIR_H
#define DIRECTED_PAIR_H

#include "directed.h"

/* A caller and a server on one CPU, so that nothing keeps them from the fast path. */
struct pair {
    struct actor *init, *caller, *server;
    u64 caller_thread, server_thread;
    u64 endpoint, badged;
};

/* On CPU 1, where nobody else is; the server waits at the endpoint, and nothing is traced. */
struct pair make_pair(void);
/* Events, mail and new threads leave a note to look again, once: afterwards nothing keeps a call
 * from the fast path. */
void warm(struct actor *actor);
/* One that has been killed ends when it gets a CPU. */
bool will_go_on(const struct actor *actor);

#endif
