/*
 * Locks of user space, over futexes: one word each, no kernel object, nothing to destroy. All are
 * initialised by zeros. They serve the threads of a process, and of several processes where they
 * lie in memory that all have mapped (not privately). None is recursive.
 */
#ifndef FERROUS_LOCK_H
#define FERROUS_LOCK_H

#include "abi/status.h"
#include "abi/types.h"

/* 0: free; 1: held; 2: held, and somebody may be waiting. */
struct mutex {
    u32 state;
};

#define MUTEX_INIT ((struct mutex){0})

void mutex_lock(struct mutex *mutex);
bool mutex_try_lock(struct mutex *mutex) MUST_USE;
void mutex_unlock(struct mutex *mutex);

/* Waiters are counted by sequence: a signal changes it. */
struct condition {
    u32 sequence;
};

#define CONDITION_INIT ((struct condition){0})

/* Gives the mutex up, waits, and takes it again, also when the deadline passed (TIMED_OUT). May
 * return early: the caller tests its condition in a loop. */
enum status condition_wait(struct condition *condition, struct mutex *mutex, u64 deadline_ns);
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

struct semaphore {
    u32 count;
    u32 waiters;
};

#define SEMAPHORE_INIT(n) ((struct semaphore){.count = (n)})

/* Takes one; TIMED_OUT when the deadline passed first. */
enum status semaphore_wait(struct semaphore *semaphore, u64 deadline_ns);
bool semaphore_try_wait(struct semaphore *semaphore) MUST_USE;
void semaphore_post(struct semaphore *semaphore);

/* 0: not run; 1: running; 2: done. */
struct once {
    u32 state;
};

#define ONCE_INIT ((struct once){0})

/* Runs `function` in the first caller; the others wait until it is done. */
void once_run(struct once *once, void (*function)(void));

#endif
