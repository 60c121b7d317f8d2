/* What `why` and `who` answer: who waits for whom, and who can reach what. Numbers are for people
 * and give no authority. */
#ifndef ABI_QUESTIONS_H
#define ABI_QUESTIONS_H

#include "abi/types.h"

/* A thread, and what it waits for. Fields that do not apply are 0. */
struct why_entry {
    u64 process_id;
    u64 thread_id;
    u64 object_id;   /* that it waits on: an endpoint, a process, a group, what is being revoked */
    u64 since_ns;    /* about when the wait began; 0: not recorded, as for a call served at once */
    u64 deadline_ns; /* TIME_NEVER: none, or it does not wait */
    u64 server_process_id; /* who serves its call; 0: nobody yet, or it was deferred */
    u64 server_thread_id;
    u64 reply_id;          /* the reply object that its call was deferred to */
    u64 client_process_id; /* whose call it serves itself */
    u64 client_thread_id;
    u64 trace_id;    /* lower half */
    u32 state;       /* enum thread_state_kind */
    u32 object_type; /* enum object_type */
    u32 cpu;
    u32 flags; /* WHY_* */
};

#define WHY_FAULTED   1u /* the call is the message of a fault */
#define WHY_SUSPENDED 2u
#define WHY_KILLED    4u /* it ends as soon as it runs */

enum who_topic {
    WHO_CAPABILITIES = 0, /* those in a process's space, by slot */
    WHO_MAPPINGS = 1,     /* memory in a process's address space, by address */
};

/* A way in which a process can reach an object. */
struct who_entry {
    u64 place; /* slot; address of the mapping */
    u64 object_id;
    u64 payer_id;          /* the group that pays for the object */
    u64 parent_process_id; /* in whose space the capability lies that it was derived from; 0: it is
                              the object's first, or that one is being closed */
    u64 parent_slot;
    u64 badge;
    u64 size_bytes; /* of a mapping */
    u32 object_type;
    u32 rights; /* of a mapping: MAP_READ, _WRITE, _EXECUTE */
    u32 depth;
    u32 flags; /* WHO_* */
};

#define WHO_EXPIRES      1u
#define WHO_NO_DERIVE    2u /* sealed against derivation */
#define WHO_NO_TRANSFER  4u
#define WHO_PRIVATE_COPY 8u /* a mapping whose writes nobody else sees */

_Static_assert(sizeof(struct why_entry) == 104, "ABI layout");
_Static_assert(sizeof(struct who_entry) == 72, "ABI layout");

#endif
