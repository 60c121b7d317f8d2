/* For sched/ alone. */
#ifndef SCHED_SCHED_INTERNAL_H
#define SCHED_SCHED_INTERNAL_H

#include "sched/run_queue.h"
#include "sched/sched.h"

/* This CPU owns `activity`, which is idle: its thread becomes ready here, or is sent to a CPU where
 * it may run. */
void sched_enqueue(struct cpu *cpu, struct activity *activity);

/* A ready thread lets go of the activity that it was lent, on this CPU, and has its own, idle. */
void sched_send_home(struct thread *thread);

/* A group's virtual time runs on each CPU by itself: the activity keeps its distance from it when
 * it goes from one CPU to another, to the share there. */
void sched_rebase(struct activity *activity, u32 from, u32 to);

/* sched/balance.c. Sends a ready activity of this CPU to CPU `to`. */
void sched_send_to(struct activity *activity, u32 to);
/* This CPU has nothing to do: asks the nearest busy one. */
void balance_ask(struct cpu *cpu);
/* Others have asked this CPU. */
void balance_answer(struct cpu *cpu);
/* Somebody waits here: is a CPU idle that may take it? Sends it there. */
void balance_push(struct cpu *cpu);
bool balance_can_push(struct cpu *cpu);

void thread_timeout(struct timer *timer, u64 now_ns);
void sched_wake_mail(struct mail *mail);

#endif
