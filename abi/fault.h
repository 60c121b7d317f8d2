/* Faults of user threads: what the fault endpoint receives, and why a process ended. */
#ifndef ABI_FAULT_H
#define ABI_FAULT_H

#include "abi/types.h"

enum fault_reason {
    FAULT_NONE = 0,
    FAULT_PAGE_READ = 1, /* no readable page at address */
    FAULT_PAGE_WRITE = 2,
    FAULT_PAGE_EXECUTE = 3,
    FAULT_NO_MEMORY = 4, /* a page was due but the group is at its limit */
    FAULT_DIVIDE = 5,
    FAULT_ILLEGAL = 6,    /* undefined instruction */
    FAULT_PRIVILEGED = 7, /* privileged instruction or general protection */
    FAULT_BREAKPOINT = 8,
    FAULT_DEBUG = 9,
    FAULT_ALIGNMENT = 10,
    FAULT_FLOATING_POINT = 11,
    FAULT_OTHER = 12,
};

/* Inline data of a MESSAGE_FAULT. Sizes in bytes: 48. */
struct fault_record {
    u32 reason; /* enum fault_reason */
    u32 code;   /* the hardware's error code */
    u64 address;
    u64 pc;
    u64 sp;
    u64 flags;
    u64 thread_id;
};

/* Label of the reply to a fault. Anything else, or no reply, kills the process. */
#define FAULT_REPLY_KILL  0u
#define FAULT_REPLY_RETRY 1u /* run the instruction again */
#define FAULT_REPLY_SKIP  2u /* go on at word 0 */

/* Why a process ended; `wait` and a supervisor see it. */
enum exit_reason {
    EXIT_RUNNING = 0, /* has not ended */
    EXIT_NORMAL = 1,  /* `exit`; the code is its argument */
    EXIT_KILLED = 2,  /* `kill`; the code is its argument */
    EXIT_FAULT = 3,   /* unhandled fault; the code is the fault_reason */
    EXIT_GROUP = 4,   /* its group was destroyed */
};

struct exit_record {
    u32 reason; /* enum exit_reason */
    u32 fault;  /* enum fault_reason, for EXIT_FAULT */
    i64 code;
    u64 address; /* fault address, for EXIT_FAULT */
    u64 pc;      /* where it happened, for EXIT_FAULT */
};

_Static_assert(sizeof(struct fault_record) == 48, "ABI layout");
_Static_assert(sizeof(struct exit_record) == 32, "ABI layout");

#endif
