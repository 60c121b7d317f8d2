/*
 * The process manager: starts programs of the boot archive in groups of their own, and accounts for
 * their ends. Served by services/supervisor. What a client may do is tied to the badge of its
 * capability by the manifest.
 */
#ifndef INTERFACES_MANAGER_H
#define INTERFACES_MANAGER_H

#include "abi/fault.h"
#include "abi/message.h"

#define MANAGER_INTERFACE 2u

/*
 * RUN     data: program name and arguments, each ended by NUL; w0: MANAGER_RUN_*; w1: time limit in
 * ns (0: none); capability 0 (optional): endpoint with SIGNAL, signalled when the job has ended
 *      -> w0 job, w1 process id; capability 0: the process (WAIT, INSPECT)
 *         NOT_FOUND: no such program. FULL: too many jobs. Errors of spawn as they are.
 */
#define MANAGER_RUN MESSAGE_LABEL(MANAGER_INTERFACE, 1)

/*
 * RESULT  w0: job
 *      -> data: struct manager_result. Forgets the job: its number is free afterwards.
 *         WOULD_BLOCK: it has not ended. NOT_FOUND: no such job of this client.
 */
#define MANAGER_RESULT MESSAGE_LABEL(MANAGER_INTERFACE, 2)

/* KILL    w0: process id. Ends a process of a job or service. NOT_FOUND: not one that the manager
 * started. */
#define MANAGER_KILL MESSAGE_LABEL(MANAGER_INTERFACE, 3)

/*
 * SERVICE w0: index
 *      -> data: struct manager_service. NOT_FOUND: past the last one.
 */
#define MANAGER_SERVICE MESSAGE_LABEL(MANAGER_INTERFACE, 4)

/* PROGRAM w0: index  -> data: name of the program, NUL-terminated. NOT_FOUND: past the last one. */
#define MANAGER_PROGRAM MESSAGE_LABEL(MANAGER_INTERFACE, 5)

/* BOOT    -> w0: time-stamp counter ticks from the loader's hand-over to init's main */
#define MANAGER_BOOT MESSAGE_LABEL(MANAGER_INTERFACE, 6)

enum manager_end {
    MANAGER_END_OWN = 0,        /* by itself, or by its fault: see the record */
    MANAGER_END_KILLED = 1,     /* by MANAGER_KILL */
    MANAGER_END_TIME_LIMIT = 2, /* its time limit passed */
};

struct manager_result {
    struct exit_record record;
    u64 process_id;
    u64 run_ns; /* from start to end, on the clock */
    u64 cpu_ns; /* of its group */
    u32 end;    /* enum manager_end */
    u32 reserved;
};

enum manager_service_state {
    SERVICE_RUNNING = 0,
    SERVICE_WAITING = 1, /* to be restarted */
    SERVICE_STOPPED = 2, /* ended, and the policy does not restart it */
    SERVICE_FAILED = 3,  /* could not be started, or ended too often */
};

struct manager_service {
    char name[32];
    u64 process_id; /* 0: none */
    u32 state;      /* enum manager_service_state */
    u32 restarts;
    struct exit_record last_end; /* reason EXIT_RUNNING: has not ended yet */
};

_Static_assert(sizeof(struct manager_result) == 64, "layout");
_Static_assert(sizeof(struct manager_service) == 80, "layout");

#endif
