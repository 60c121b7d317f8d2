/* For proc/ alone. */
#ifndef PROC_PROCESS_INTERNAL_H
#define PROC_PROCESS_INTERNAL_H

#include "proc/process.h"

void watcher_init(void);
void registry_remove(struct process *process);

/* The last thread is gone, or there never was one: the job that takes the process apart. Once. */
void process_take_apart(struct process *process);

#endif
