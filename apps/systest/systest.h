/*
 * Booted tests of the kernel, one family per file. The same program plays the other side in child
 * processes: `systest --role NAME ...` (roles.c). Every test leaves the machine as it found it: the
 * counts of live objects, capability nodes and free frames are compared.
 */
#ifndef SYSTEST_H
#define SYSTEST_H

#include "ferrous/ipc.h"
#include "ferrous/questions.h"
#include "ferrous/start.h"
#include "ferrous/test_ground.h"
#include "ferrous/thread.h"
#include "lib/string.h"

/* What the tests stand on; set once. */
extern struct test_ground systest;

/* The main function of a child. */
int run_role(int argc, char **argv);

/* Labels of the echo server (roles.c, and serve_echo for threads). */
#define ECHO_WORDS MESSAGE_LABEL(0x7e57, 1) /* every word plus one, data as it came */
#define ECHO_QUIT  MESSAGE_LABEL(0x7e57, 2)
#define ECHO_BADGE MESSAGE_LABEL(0x7e57, 3) /* -> w0 badge */
#define ECHO_FAIL  MESSAGE_LABEL(0x7e57, 4) /* -> failure w0 */
#define ECHO_CAP   MESSAGE_LABEL(0x7e57, 5) /* takes a capability, gives it back */

/* Serves until ECHO_QUIT or until the endpoint fails; returns how many requests were served. */
u64 serve_echo(void *endpoint);
enum status quit_echo(endpoint_t endpoint);

/* An echo server in a thread of its own, on a new endpoint that must stay where it is. */
enum status start_echo(endpoint_t *endpoint, struct thread *thread) MUST_USE;
enum status stop_echo(endpoint_t endpoint, struct thread *thread) MUST_USE;

#endif
