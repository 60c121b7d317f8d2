/*
 * Spin locks with a rank. A CPU takes locks in rising rank; equal ranks only in rising address and
 * only where the rank says so (docs/locking.md holds the one order). Interrupts are always off in
 * the kernel, so a lock is never taken by an interrupt on its holder's CPU. Debug builds check
 * holder, rank and interrupts.
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include "arch/atomic.h"
#include "arch/types.h"

enum lock_rank {
    RANK_PROCESS = 1, /* process: threads, state, watchers */
    RANK_VSPACE = 2,  /* vspace: region tree and page tables */
    RANK_MEMORY = 3,  /* memory object: pages */
    RANK_IPC = 4, /* endpoint, futex bucket, job, timer and interrupt objects: queues of waiters */
    RANK_SPACE = 5,    /* capability space: slots, free list; two at once in address order */
    RANK_TREE = 6,     /* an object's derivation tree and epoch */
    RANK_GROUP = 7,    /* group and account: children, borrowing */
    RANK_REGISTRY = 8, /* lists of all processes, groups, jobs */
    RANK_TIMER = 9,    /* a CPU's timer queue */
    RANK_SLAB = 10,
    RANK_FRAME = 11, /* a node's buddy allocator */
    RANK_LOG = 12,
    RANK_COUNT = 13
};

struct spinlock {
    u32 held;
    u16 rank;
    u16 holder; /* debug: CPU index + 1 */
};

#define SPINLOCK_INIT(r) ((struct spinlock){.rank = (r)})

void spinlock_init(struct spinlock *lock, enum lock_rank rank);
void spin_lock(struct spinlock *lock);
/* Two locks of one rank, which may be the same lock, in address order. */
void spin_lock_pair(struct spinlock *a, struct spinlock *b);
void spin_unlock_pair(struct spinlock *a, struct spinlock *b);
void spin_unlock(struct spinlock *lock);
/* The caller lets go of a lock that somebody else then releases by a store of 0 to this word. */
u32 *spin_unlock_later(struct spinlock *lock);
/* For assertions; always true in release builds. */
bool spin_is_held(const struct spinlock *lock);

#endif
