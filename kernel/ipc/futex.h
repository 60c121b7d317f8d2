/*
 * Futexes: threads wait on a 32-bit word of memory, of one process or shared by several. The key is
 * what the word is, not where it is seen (struct memory_word). A waiter whose word is unmapped may
 * be woken for no reason, as any waiter may.
 *
 * Locks: one per hash bucket (RANK_IPC).
 */
#ifndef IPC_FUTEX_H
#define IPC_FUTEX_H

#include "sched/wait.h"

void futex_init(void);

/* The current thread waits while the word is `expected`. WOULD_BLOCK: it is not; BAD_ADDRESS,
 * BAD_ARGUMENT, TIMED_OUT. */
void futex_wait(struct thread *thread, u64 address, u32 expected, u64 deadline_ns);

/* Wakes up to `limit` waiters of the word, 64 at most; returns how many. */
u32 futex_wake(struct vspace *vspace, u64 address, u32 limit);

#endif
