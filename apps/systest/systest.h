/*
 * Booted tests of the kernel, one family per file. The same program plays the other side in child
 * processes: `systest --role NAME ...` (roles.c). Every test leaves the machine as it found it: the
 * counts of live objects, capability nodes and free frames are compared.
 */
#ifndef SYSTEST_H
#define SYSTEST_H

#include "ferrous/archive.h"
#include "ferrous/calls.h"
#include "ferrous/ipc.h"
#include "ferrous/start.h"
#include "ferrous/test.h"
#include "ferrous/thread.h"
#include "ferrous/time.h"
#include "lib/string.h"

/* What the tests stand on; set once. */
struct systest {
    group_t group;
    machine_t machine;
    ports_t ports;
    struct archive archive;
    struct process_image image; /* of this program */
};

extern struct systest systest;

/* A deadline that no working kernel reaches: a test that meets it fails instead of hanging. */
#define PATIENCE_NS (5 * NS_PER_S)
#define PATIENCE    time_after_ns(PATIENCE_NS)
/* A deadline that is meant to pass. */
#define SOON        time_after_ns(2 * NS_PER_MS)

/* Runs a role in a child process that pays from `group`. The role finds the capabilities by name.
 */
enum status start_role(group_t group, const char *role, const char *argument,
                       const struct process_cap *caps, u32 cap_count,
                       struct process *process) MUST_USE;

/* The usual capability to give: `endpoint` under its name with these rights. */
#define GIVE(name_, handle_, rights_)                                                              \
    ((struct process_cap){                                                                         \
        .name = (name_), .cap = (handle_).cap, .rights = (rights_), .mode = CAP_SEND_COPY})

/* Waits for its end within PATIENCE and closes the handles. */
enum status end_of(struct process *process, struct exit_record *record) MUST_USE;

/* The main function of a child. */
int run_role(int argc, char **argv);

enum status make_endpoint(u32 depth, endpoint_t *endpoint) MUST_USE;

/* A private mapping of `size` fresh bytes; *memory, where not NULL, is the object, else its handle
 * is closed. */
enum status make_mapping(u64 size, u32 flags, u64 *address, memory_t *memory) MUST_USE;

/* Revoked: a handle says so until clean-up has emptied its slot, and then that it is stale. */
#define CHECK_REVOKED(call)                                                                        \
    do {                                                                                           \
        enum status check_status = (call);                                                         \
        if (check_status != STATUS_REVOKED && check_status != STATUS_STALE_HANDLE) {               \
            test_fail(__FILE__, __LINE__, "%s: %s, not revoked", #call,                            \
                      status_text(check_status));                                                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

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
