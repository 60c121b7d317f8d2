/* Threads of this process: stack, thread-local variables and join. */
#ifndef FERROUS_THREAD_H
#define FERROUS_THREAD_H

#include "ferrous/handle.h"
#include "ferrous/syscall.h"

#define THREAD_DEFAULT_STACK 65536u

/* A joinable thread; owned by who created it until thread_join. */
struct thread {
    thread_t handle;
    u64 id;
    void *block;
};

/*
 * Runs function(argument) in a new thread with `stack_size` bytes of stack (0:
 * THREAD_DEFAULT_STACK) above a guard page. The memory comes from start_group(). NO_MEMORY,
 * GROUP_LIMIT, NO_SLOT; MISSING_RIGHT without a group.
 */
enum status thread_start(struct thread *thread, u64 (*function)(void *argument), void *argument,
                         size_t stack_size) MUST_USE;

/* Waits until it has returned, frees it, and gives its result. */
u64 thread_join(struct thread *thread);

/* Unmaps what is kept of joined threads for the next ones (up to four mappings). */
void thread_release_spares(void);

/* Ends the calling thread, which is not the main one. */
_Noreturn void thread_finish(u64 result);

thread_t thread_self(void);

#endif
