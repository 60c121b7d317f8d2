/*
 * The supervisor: init. One thread, one endpoint: deaths of children (one signal bit each) and
 * requests of the process manager's clients arrive there.
 *
 * A child is a service of the manifest or a job (a program run for a client). Each lives in a
 * resource group of its own, destroyed with everything in it: a service's when it has ended, a
 * job's when its client has fetched the result or has gone, so that what the client was given of a
 * short job is good when it arrives. Its place in
 * `children` is its signal bit, and the badge by which the manager knows it as a client is that
 * place plus one.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "ferrous/archive.h"
#include "ferrous/calls.h"
#include "ferrous/ipc.h"
#include "interfaces/manager_server.h"
#include "manifest.h"

#define MAX_CHILDREN  64u
#define MAX_ARGUMENTS 16u

enum child_state {
    CHILD_FREE = 0, /* the place is free */
    CHILD_RUNNING = 1,
    CHILD_WAITING = 2, /* a service that will be started at restart_at_ns */
    CHILD_STOPPED = 3, /* a service that has ended for good */
    CHILD_FAILED = 4,
    CHILD_ENDED = 5, /* a job whose result has not been fetched */
};

struct child {
    u32 state; /* enum child_state */
    u32 end;   /* enum manager_end, of a job */
    const struct manifest_entry *entry;
    group_t group;
    struct process process;
    struct exit_record record; /* of the last end */
    u64 started_ns;
    u64 ended_ns;
    u64 cpu_ns;
    endpoint_t watch; /* the supervisor's endpoint with this place's bit as badge; kept */
    /* services */
    u32 restarts;
    u64 restart_at_ns;
    /* jobs */
    u64 client;        /* badge of who asked */
    u64 deadline_ns;   /* time limit */
    endpoint_t notify; /* signalled at the end; may be null */
};

struct supervisor {
    group_t root;
    machine_t machine;
    memory_t archive_memory;
    ports_t ports;
    trace_domain_t trace;
    u64 boot_ticks; /* from the loader's hand-over to main */
    endpoint_t endpoint;
    struct archive archive;
    struct manifest manifest;
    endpoint_t endpoints[MANIFEST_MAX_ENDPOINTS];
    struct child children[MAX_CHILDREN];
};

/* --- launch.c --- */

struct launch_request {
    const struct manifest_entry *entry;
    const char *file; /* in the archive */
    const char *const *arguments;
    u32 argument_count;
};

/* Starts a process as the entry says, in a new group, into `child` (group, process and started_ns
 * are set). On failure nothing is left. NOT_FOUND: no such file; else what the calls it makes
 * return. */
enum status launch(struct supervisor *supervisor, struct child *child,
                   const struct launch_request *request) MUST_USE;

/* Notes how a child has ended: record, used time. WOULD_BLOCK: it has not. */
enum status child_collect(struct child *child) MUST_USE;

/* Closes what is held of a child that has ended, and destroys its group with all that is left. */
void child_destroy_group(struct child *child);

u32 child_index(const struct supervisor *supervisor, const struct child *child);

/* --- services.c --- */

/* Starts all services of the manifest in order. */
void services_start(struct supervisor *supervisor);
/* A service's process has been collected: restart, later restart, or not. */
void service_ended(struct supervisor *supervisor, struct child *child);
/* Starts what is due; returns when the next is (TIME_NEVER: none). */
u64 services_run_due(struct supervisor *supervisor, u64 now_ns);

/* --- jobs.c --- */

void job_ended(struct child *child);
/* Kills jobs past their time limit; returns the next limit. */
u64 jobs_run_due(struct supervisor *supervisor, u64 now_ns);
/* Kills and forgets the jobs of a client that has gone. */
void jobs_drop_client(struct supervisor *supervisor, u64 client);
/* Handles one request of the manager's interface; *message becomes the reply. */
void manager_handle(void *context, struct message *message);

/* --- log.c --- */

/* A line on the console, if the console takes it soon: the supervisor never waits long for a
 * service. */
void supervisor_log(struct supervisor *supervisor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
