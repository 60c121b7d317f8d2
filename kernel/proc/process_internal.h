/* For proc/ alone. */
#ifndef PROC_PROCESS_INTERNAL_H
#define PROC_PROCESS_INTERNAL_H

#include "proc/process.h"

void watcher_init(void);
void registry_remove(struct process *process);
/* The process with this id, borrowed until the kernel entry ends; NULL: there is none that is not
 * dead. */
struct process *process_find(u64 id);

/* The last thread is gone, or there never was one: the job that takes the process apart. Once. */
void process_take_apart(struct process *process);

#endif
