/*
 * Hard quotas: what a group may use of all CPUs together in a period. For sched/ alone.
 *
 * A share of a limited group (by a quota of its own, or of a group above) draws cycles from those
 * quotas in pieces before it uses them: it may run until `cycles` reaches `allowed`. What it has
 * drawn and not used lapses when the period is over. With nothing left to draw it is throttled: off
 * the tree of shares until the quota that is empty is filled again.
 *
 * What runs inside a server is not stopped there: up to QUOTA_DEBT_NS are used in advance, and
 * drawn later. Beyond that the server goes on in its own time.
 */
#ifndef SCHED_QUOTA_H
#define SCHED_QUOTA_H

#include "sched/run_queue.h"

#define QUOTA_PIECE_NS 1000000ull
#define QUOTA_DEBT_NS  4000000ull

/* The current thread is about to go on: may it, and until when? False: it has been put back, and
 * its share is throttled; nothing is current. Sets the queue's `quota_ns`. */
bool quota_check(struct cpu *cpu);
/* `quota_ns` has come: shares whose quota is full again are due as before. */
void quota_expired(struct cpu *cpu, u64 now_ns);
/* A throttled share comes back: its quota may have been filled, or one of its activities is made
 * the running one. */
void quota_release(struct run_queue *queue, struct share *share);
/* A throttled share has lost its last ready activity. */
void quota_forget(struct run_queue *queue, struct share *share);

#endif
