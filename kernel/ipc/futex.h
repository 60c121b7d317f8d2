/*
 * Futexes: threads of one process wait on a 32-bit word of its memory. The key is address space and address.
 *
 * Locks: one per hash bucket (RANK_IPC).
 */
#ifndef IPC_FUTEX_H
#define IPC_FUTEX_H

#include "sched/wait.h"

void futex_init(void);

/* The current thread waits while the word is `expected`. WOULD_BLOCK: it is not; BAD_ADDRESS, BAD_ARGUMENT, TIMED_OUT. */
void futex_wait(struct thread *thread, u64 address, u32 expected, u64 deadline_ns);

/* Wakes up to `limit` waiters of the word; returns how many. */
u32 futex_wake(struct vspace *vspace, u64 address, u32 limit);

#endif
