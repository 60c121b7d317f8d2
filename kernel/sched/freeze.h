/*
 * Suspending resource groups.
 *
 * A thread is frozen while its group, or one above that, is suspended. The group's word says what
 * is to be; THREAD_FLAG_FROZEN of a thread is its copy, which the way out of the kernel looks at.
 * Whoever changes the word goes through the threads below and lets each copy it anew, and a thread
 * copies it when it is started. Copying happens under one lock and looks at the words then, so
 * after the last change the last copy is right, however many change and copy at once.
 */
#ifndef SCHED_FREEZE_H
#define SCHED_FREEZE_H

#include "sched/thread.h"

/* Suspends or resumes `group` for the current thread, which has a reference to it and hands that
 * over. A job in slices: suspended, every thread below is out of user mode when it ends; one of
 * another suspended group stays frozen when this one is resumed. Sets the caller's status. */
void freeze_group(struct thread *caller, struct group *group, bool suspend);

#endif
