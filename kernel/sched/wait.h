/*
 * Waiting: a thread blocks on one list, under one lock, with one deadline. Whoever ends the wait
 * (what it waited for, the deadline, cancel, death) does so under that lock, so exactly one does.
 */
#ifndef SCHED_WAIT_H
#define SCHED_WAIT_H

#include "sched/thread.h"

struct wait_ops {
    enum thread_state_kind kind; /* for people */
    bool only_death_ends_it;     /* another thread's cancel does not */
    /* The wait is being ended from outside with `status`; the lock is held, the thread is off its
     * list. Sets results and undoes what the wait had set up. */
    void (*abort)(struct thread *thread, enum status status);
    /* For people: what the thread waits on, borrowed. The lock is held. NULL: nothing that is an
     * object. */
    struct object *(*waits_on)(const struct thread *thread);
};

/* The current thread of this CPU stops here: saves what must be saved before anybody can see it as
 * waiting. */
void wait_prepare(struct thread *thread);

/* Puts the prepared thread on `list` (NULL: on none) under `lock`, which is held. From the unlock
 * on another CPU may wake it. The kernel entry goes on without a current thread. */
void wait_begin(struct thread *thread, struct spinlock *lock, struct list *list,
                const struct wait_ops *ops, void *object, u64 deadline_ns);

/* Takes the lock of the wait that the thread is in, which holds the wait as it is; NULL: it is in
 * none. No locks above RANK_PROCESS held. */
struct spinlock *wait_lock_taken(struct thread *thread) MUST_USE;

/* Takes the thread off: the lock is held, and the thread waits under it. The caller then sets
 * results, unlocks and calls sched_wake. */
void wait_end(struct thread *thread);

/* Ends whatever wait the thread is in, with `status`, and wakes it. False if it is in none. No
 * locks held. */
bool wait_cancel(struct thread *thread, enum status status);

/* The same for a wait that others may end; BUSY: its kind is not one of them; NOT_FOUND: it is in
 * none. Decided under the lock of that very wait. */
enum status wait_interrupt(struct thread *thread, enum status status) MUST_USE;

/* An abort that only sets the status. */
void wait_abort_status(struct thread *thread, enum status status);

/* The current thread waits until wait_cancel lets it go on: suspended, or not started yet. */
void wait_hold(struct thread *thread);
/* The same for a thread that has never run. */
void wait_hold_new(struct thread *thread);
/* Lets a thread that is held go on; false: it is not held. */
bool wait_release(struct thread *thread);
/* The thread, referenced, becomes frozen or no longer so as its group and those above say now, and
 * goes on if nothing else holds it (sched/freeze.h). Not started, it stays so. No locks held. */
void wait_heed_group(struct thread *thread);
/* Reads or sets the registers of a thread that is held. BUSY: it is not. */
enum status wait_held_registers(struct thread *thread, struct thread_registers *registers,
                                bool set) MUST_USE;
bool wait_is_held(const struct thread *thread);

/* What it is doing, for people. */
enum thread_state_kind thread_state(const struct thread *thread);
/* The same of one that was just seen not to wait. */
enum thread_state_kind thread_state_awake(const struct thread *thread);

#endif
