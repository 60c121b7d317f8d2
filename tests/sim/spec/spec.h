/*
 * What capabilities and messages are to do, as a program: an executable specification.
 *
 * It is written from docs/capabilities.md, docs/ipc.md, docs/system-calls.md, abi/ and the design,
 * and shares nothing with the kernel but abi/. Everything is a plain set in a fixed array; nothing
 * is clever. Revocation removes the descendants of a capability, so there are no epochs; closing
 * hands children up at once, so there are no ghosts; a message is delivered or not.
 *
 * It stands for a kernel between two kernel entries whose long work is done. Memory, slots and
 * groups never run out, calls do not nest deeper than the kernel allows, and no thread faults.
 *
 * The specification learns from the kernel what it cannot know: the numbers of handles, and, where
 * it leaves a choice, what was chosen (struct spec_oracle).
 */
#ifndef SPEC_H
#define SPEC_H

#include "abi/message.h"
#include "abi/rights.h"
#include "abi/status.h"
#include "abi/syscalls.h"
#include "abi/types.h"

#define SPEC_CAPS      48u
#define SPEC_THREADS   6u
#define SPEC_PROCESSES 3u
#define SPEC_OBJECTS   16u
#define SPEC_QUEUE     4u
#define SPEC_MAPPINGS  12u
#define SPEC_GONE      8u /* handles that each process remembers having had */
#define SPEC_NONE      (-1)

typedef int spec_ref; /* an index, SPEC_NONE: none */

/* What a capability is, whoever holds it. A mapping is a capability without a handle. */
struct spec_cap {
    bool used;
    bool is_mapping;
    bool badged;
    bool no_derive;
    bool no_transfer;
    spec_ref process;
    spec_ref object;
    spec_ref parent; /* SPEC_NONE: made with the object */
    u32 rights;
    u32 depth;
    u64 handle; /* as the kernel named it; 0: not known yet */
    u64 badge;
    u64 expires_ns;
    u64 start; /* of the range */
    u64 end;
    u64 address; /* of a mapping */
};

/* A handle that was good once. */
struct spec_gone {
    u64 handle;
    bool revoked;
};

struct spec_message {
    u64 info;
    u64 words[2]; /* the first and the last: those in between travel with them */
    u64 badge;
    struct message_cap caps[MESSAGE_MAX_CAPS];
};

struct spec_endpoint {
    u32 depth;
    u32 queued;
    u32 turn; /* which source is looked at first: 0 signals, 1 queue, 2 senders */
    u64 signals;
    struct spec_message queue[SPEC_QUEUE];
    bool down;
    u64 grace_ns;
    u64 down_at; /* the grace time ends; TIME_NEVER: somebody can receive, or it is over */
};

struct spec_object {
    bool alive;
    enum object_type type;
    bool was_made; /* by a call: its place is used again when it is dead */
    spec_ref what; /* of processes and threads: which */
    struct spec_endpoint endpoint;
    spec_ref peer;    /* of an endpoint: the channel's other end; SPEC_NONE: no channel, or gone */
    bool peer_died;   /* of an endpoint: there was one */
    spec_ref caller;  /* of a reply object: the thread that waits; SPEC_NONE: no more */
    bool holder_died; /* of a reply object: its capability went with a process */
};

enum spec_wait {
    SPEC_RUNS = 0,
    SPEC_SENDS = 1,    /* one-way */
    SPEC_CALLS = 2,    /* nobody has taken the call yet */
    SPEC_SERVED = 3,   /* a server has */
    SPEC_RECEIVES = 4, /* */
    SPEC_ENDED = 5,    /* the thread is no more */
};

/* What a thread's last call gave it. */
struct spec_result {
    bool fresh;      /* since spec_begin */
    u64 allowed;     /* statuses that the kernel may give: bit by enum status */
    bool is_message; /* info, badge and words are those of a message */
    u64 info;
    u64 badge;
    u64 words[2];
    u32 word_count; /* words that mean something: 2, or 1, or none */
    spec_ref caps[MESSAGE_MAX_CAPS];
    spec_ref
        made; /* a capability whose handle the kernel is to return in word 0; SPEC_NONE: none */
    spec_ref made_second; /* the same in word 1 */
    bool is_facts;        /* inspect: word 0 to 5 are those of `facts` */
    u64 facts[6];
};

struct spec_thread {
    bool used;
    spec_ref process;
    enum spec_wait wait;
    spec_ref endpoint; /* where it waits */
    spec_ref cap;      /* by which capability; SPEC_NONE: it was closed or moved since */
    u64 deadline_ns;
    u64 asked_ns; /* the deadline that the call named; it inherits a tighter one */
    u64 since;    /* order of waiting */
    struct spec_message message;
    u64 willing;      /* info word that says what it takes */
    spec_ref serving; /* thread */
    spec_ref server;
    spec_ref reply; /* the object that its call has been deferred to */
    struct spec_result result;
};

struct spec_process {
    bool used;
    bool dead;
    struct spec_gone gone[SPEC_GONE];
    u32 gone_count;
};

/* What the specification leaves open. */
struct spec_oracle {
    /* A thread waits by a capability that was closed or moved, and something of the object has been
     * revoked: has its wait ended? */
    bool (*wait_has_ended)(u32 thread);
};

struct spec {
    struct spec_cap caps[SPEC_CAPS];
    struct spec_object objects[SPEC_OBJECTS];
    struct spec_thread threads[SPEC_THREADS];
    struct spec_process processes[SPEC_PROCESSES];
    u64 order; /* counts waits */
    u64 now_ns;
    bool overflow; /* an array was too small: the run says nothing */
};

struct spec_call {
    u32 thread;
    u32 number;
    u64 handle;
    u64 info;
    u64 deadline_ns;
    u64 words[MESSAGE_WORDS];
    struct message_cap caps[MESSAGE_MAX_CAPS];
};

/* The state that the functions below work on, and what decides where there is a choice. */
void spec_use(struct spec *spec, const struct spec_oracle *oracle);

/* Forgets results; then one of the two: a system call is made (if it blocks, the thread waits in
 * the state afterwards), or time passes to `now_ns` and deadlines with it. */
void spec_begin(u64 now_ns);
void spec_issue(const struct spec_call *call);
void spec_time_passes(void);

/* Is the call known? A table entry each: spec_calls in spec.c. */
bool spec_knows(u32 number);

/* What there is at the start. */
spec_ref spec_new_process(void);
spec_ref spec_new_thread(spec_ref process);
spec_ref spec_new_object(enum object_type type, spec_ref what);
void spec_new_endpoint(spec_ref object, u32 depth, u64 grace_ns);
/* Two endpoints become the ends of a channel. */
void spec_tie(spec_ref one, spec_ref other);
spec_ref spec_new_cap(spec_ref process, spec_ref object, u64 handle, u32 rights);

/* A hash of all that is observable, with threads, processes and objects by their index and
 * capabilities by what they are. */
u64 spec_hash(void);

#endif
