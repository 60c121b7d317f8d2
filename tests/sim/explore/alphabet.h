/*
 * The calls that are tried in each state, with which arguments: a table entry each, in alphabet.c.
 */
#ifndef ALPHABET_H
#define ALPHABET_H

#include "world.h"

enum act_group {
    ACT_IPC = 0,      /* messages without capabilities */
    ACT_WAITS = 1,    /* with deadlines, cancel */
    ACT_CAPS = 2,     /* derive, revoke, close, inspect, grant */
    ACT_TRANSFER = 3, /* capabilities in messages */
    ACT_MEMORY = 4,
    ACT_END = 5, /* the end of threads and processes */
    ACT_EXPIRY = 6,
    ACT_DEFER = 7,  /* reply objects: made, worked for, answered, handed on, dropped */
    ACT_REBIND = 8, /* the receiving side lost and had again */
    ACT_MAKE = 9,   /* channels, clones of memory */
    ACT_TIME = 10,
    ACT_GROUPS = 11
};

/* One step of an exploration. */
struct action {
    u8 entry; /* in the table */
    u8 thread;
    u16 slot;   /* of the capability acted on; 0: none */
    u16 second; /* of another that is an argument */
};

#define MAX_ACTIONS 2048u

/* What can be done in the present state, always in the same order. */
u32 alphabet_list(struct action *actions);
/* The call that an action is, in the present state; false: it is none. */
bool alphabet_call(const struct action *action, struct spec_call *call);
/* Does it, in kernel and specification; what differs is noted (violated). */
void alphabet_do(const struct action *action);
/* Does it end a thread or a process? */
bool alphabet_ends_something(const struct action *action);
/* As text, of the state in which it is to be done. */
void alphabet_describe(const struct action *action, char *text, size_t size);

#endif
