/* What spawn and the start of init share: the pages and capabilities that every process begins
 * with. For proc/ alone. */
#ifndef PROC_START_H
#define PROC_START_H

#include "proc/process.h"

/* A process under construction. */
struct start {
    struct process *process; /* a reference */
    struct thread *thread;   /* a reference */
    struct memory *stack;    /* a reference: its stack, which ends in the start page */
    u64 page_address;
    struct start_info *info; /* in the start page, through the direct map, until start_release */
};

/* Process, main thread, stack, start page and info page. On failure nothing is left but the process
 * in `start`, if it exists: see start_abandon. */
enum status start_begin(struct start *start, struct payer *payer, const char *name, u64 parent_id,
                        u64 stack_size_bytes) MUST_USE;

/* The process's own capabilities go in, and the main thread is given its registers. */
enum status start_finish(struct start *start, u64 entry) MUST_USE;

/* Gives up a process that never ran. */
void start_abandon(struct start *start);

/* Drops the references of a started process. */
void start_release(struct start *start);

enum status start_map(struct process *process, struct memory *memory, u64 memory_page,
                      u64 page_count, u32 map_flags, u64 *address) MUST_USE;

#endif
