/*
 * Questions about other processes: what a thread waits for, to the end of the chain, and who can
 * reach an object. They need the machine capability with PROCESS_LIST.
 *
 * Answers are put together from several system calls, so while the system runs on, neighbours in a
 * chain may be of different instants. A cycle is read twice before it is called a deadlock.
 */
#ifndef FERROUS_QUESTIONS_H
#define FERROUS_QUESTIONS_H

#include "abi/questions.h"
#include "ferrous/handle.h"
#include "ferrous/syscall.h"

/* The threads of a process with ids above `after`, in rising order; *count is in (room) and out.
 * NOT_FOUND: there is no such process. */
enum status process_why(machine_t machine, u64 process_id, struct why_entry *entries, u64 *count,
                        u64 after) MUST_USE;

/* What a process can reach: its capabilities by slot, or its mappings by address. *count is in
 * (room) and out; *place is where to begin, then where to go on, 0: that was all. NOT_FOUND. */
enum status process_who(machine_t machine, u64 process_id, enum who_topic topic,
                        struct who_entry *entries, u64 *count, u64 *place) MUST_USE;

#define WHY_CHAIN_MAX 32u

enum why_end {
    WHY_END_FREE = 0,     /* the last thread runs, or waits for nobody in particular */
    WHY_END_DEADLOCK = 1, /* the last waits for an earlier one of the chain: entry `again` */
    WHY_END_PERHAPS = 2,  /* so it does, but other threads might serve it as well */
    WHY_END_NOBODY = 3,   /* nobody can receive where the last one waits */
    WHY_END_LONG = 4,     /* the chain goes on */
};

struct why_chain {
    struct why_entry entries[WHY_CHAIN_MAX];
    u32 count;
    u32 again;
    enum why_end end;
};

/* Follows what a thread (0: the first of the process that is not running) waits for: the server of
 * its call, or who can receive where it sends, and so on. NOT_FOUND: no such process or thread. */
enum status why_follow(machine_t machine, u64 process_id, u64 thread_id,
                       struct why_chain *chain) MUST_USE;

/* A way in which `process_id` can reach what was asked for. */
struct who_found {
    u64 process_id;
    enum who_topic topic;
    struct who_entry entry;
};

/* Calls `tell` for each capability to, and each mapping of, the object with this number, in all
 * processes, as long as it returns true. */
enum status who_reaches(machine_t machine, u64 object_id,
                        bool (*tell)(const struct who_found *found, void *context),
                        void *context) MUST_USE;

#endif
