/*
 * Grace periods: a callback runs once every CPU has left the kernel entry it was in (or was idle)
 * since the callback was registered. Each kernel entry is a read-side section by construction.
 *
 * A period is a number. Period n is over when every CPU that was not idle has reported having seen
 * n at a kernel exit. Nobody waits: the CPU that reports last advances the period. Callbacks run on
 * the CPU that registered them, at a kernel exit, a bounded number at a time.
 *
 * Locks: none; per-CPU lists and atomic counters.
 */
#ifndef CORE_GRACE_H
#define CORE_GRACE_H

#include "core/cpu.h"

struct grace_node {
    struct grace_node *next;
    void (*function)(struct grace_node *node);
};

/* Registers `function(node)`. The node is taken until the call. */
void grace_defer(struct grace_node *node, void (*function)(struct grace_node *node));

/* What this CPU has registered gets its period: before it reads which one to report. */
void grace_settle(struct cpu *cpu);
/* The newest period asked for. */
extern u64 grace_newest; /* atomic */
static inline u64 grace_period(void)
{
    return ATOMIC_LOAD(&grace_newest);
}
/* This CPU holds no pointers from lookups, and has dropped what it had to since it read `period`
 * from grace_period: called at each kernel exit and before idling. Runs up to
 * a fixed number of due callbacks; true if more are due now. */
bool grace_quiescent(struct cpu *cpu, u64 period);

/* The CPU goes idle, or is back: an idle CPU counts as quiescent. */
void grace_idle_enter(struct cpu *cpu);
void grace_idle_leave(struct cpu *cpu);

/* Does this CPU wait for a period? Then CPUs that have been in user mode since it began want a
 * nudge, which this sends. Called from the timer. */
static inline bool grace_is_waiting(const struct cpu *cpu)
{
    return cpu->grace_waiting || cpu->grace_next;
}
/* Callbacks of this CPU are due: it should not sleep. */
bool grace_is_due(const struct cpu *cpu);
void grace_nudge(void);

#endif
