/*
 * Timers: one queue per CPU, ordered by time.
 *
 * A timer is armed on the CPU that arms it. Cancelling works from any CPU; a callback that has
 * begun elsewhere is not waited for, so callbacks check under their own locks whether they are
 * still meant.
 *
 * Locks: the queue's (RANK_TIMER).
 */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "core/cpu.h"
#include "lib/tree.h"

struct timer {
    struct tree_node link; /* key: deadline in ns */
    u32 cpu;               /* in whose queue, while armed; atomic */
    u32 armed;             /* atomic */
    /* Without locks, at the timer interrupt, which came at `now_ns`. */
    void (*fire)(struct timer *timer, u64 now_ns);
};

/* Now plus `ns`, TIME_NEVER at most. */
u64 deadline_after(u64 ns);

void timer_subsystem_init(void);
void timer_init(struct timer *timer, void (*fire)(struct timer *timer, u64 now_ns));

/* Arms a timer that is not armed, on this CPU. */
void timer_arm(struct timer *timer, u64 deadline_ns);
/* Afterwards it is not armed. Whoever may arm it at the same time must be excluded by the caller.
 */
void timer_cancel(struct timer *timer);

/* Fires what is due on this CPU, a bounded number; true if more is due. */
bool timer_run(u64 now_ns);

#endif
