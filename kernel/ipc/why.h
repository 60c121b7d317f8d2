/* Explaining a thread's wait. */
#ifndef IPC_WHY_H
#define IPC_WHY_H

#include "abi/questions.h"
#include "sched/thread.h"

/* What the thread does or waits for at this instant, under the lock of its wait. Takes locks of
 * RANK_PROCESS and RANK_IPC, one after the other. */
void thread_explain(struct thread *thread, struct why_entry *entry);

#endif
