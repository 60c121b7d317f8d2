/*
 * Port of the simulator: a thread's registers. No code runs for a simulated thread; the simulator's
 * program generator reads and writes these fields as user code would.
 */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#include "arch/types.h"

struct arch_context {
    u64 number; /* in: system call; out: status */
    u64 info;
    u64 handle;
    u64 deadline;
    u64 aux;
    u64 words[8];
    u64 pc;
    u64 flags;
    u64 sp;
    u64 argument; /* the first argument register, as a new thread finds it */
    u64 thread_pointer;
    u64 started; /* 0 until the thread has run once: the simulator then makes its own record of it
                  */
    u64 *vector; /* the borrowed area for vector state: one simulated register */
};

/* Nothing is in the way: see arch/context.h. */
static inline bool arch_can_swap(void)
{
    return true;
}

static inline bool arch_context_can_swap(const struct arch_context *context)
{
    (void)context;
    return true;
}

static inline void arch_copy_data(void *to, const void *from, u64 size_bytes)
{
    __builtin_memcpy(to, from, size_bytes);
}

void arch_context_swap(struct arch_context *from, struct arch_context *to);
void arch_context_exchange(struct arch_context *from, struct arch_context *to);

#endif
