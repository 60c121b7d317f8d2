/*
 * Contexts: portable registers, a thread pointer, and one simulated vector register whose content
 * shows whether the kernel keeps it over preemption and never shows it to another thread.
 */
#include "sim_internal.h"

#include <string.h>

#include "abi/memory.h"
#include "abi/syscalls.h"
#include "arch/atomic.h"
#include "arch/upcalls.h"

#define SIM_FPU_BYTES     64u
#define SIM_FLAGS_ALLOWED 0xcd5ull /* the arithmetic flags and DF of x86_64 */

u64 arch_fpu_size(void)
{
    return SIM_FPU_BYTES;
}

void arch_context_init(struct arch_context *context, u64 entry, u64 sp, u64 argument,
                       u64 thread_pointer, void *fpu_area)
{
    context->pc = entry;
    context->sp = sp;
    context->argument = argument;
    context->thread_pointer = thread_pointer;
    context->vector = fpu_area;
    *context->vector = 0;
}

void arch_context_leave(struct arch_context *context, bool voluntary)
{
    *context->vector = voluntary ? 0 : sim_current_cpu()->vector;
}

void arch_context_enter(struct arch_context *context)
{
    sim_current_cpu()->vector = *context->vector;
}

void arch_context_swap(struct arch_context *from, struct arch_context *to)
{
    arch_context_leave(from, true);
    arch_context_enter(to);
}

void arch_context_exchange(struct arch_context *from, struct arch_context *to)
{
    arch_context_leave(from, false);
    arch_context_enter(to);
}

/* What the machine's entry code does: the fast way first, then the other. */
struct arch_context *sim_syscall(struct arch_context *context, u64 number)
{
    struct arch_handover handover = {0};
    if (number == SYS_call)
        handover = upcall_fast_call(context->handle, context->info, context->deadline);
    else if (number == SYS_reply_receive)
        handover = upcall_fast_reply_receive(context->handle, context->info, context->deadline);
    if (!handover.to)
        return upcall_syscall(number);
    handover.to->number = STATUS_OK;
    handover.to->info = context->info;
    handover.to->handle = context->handle;
    handover.to->aux = context->aux;
    memcpy(handover.to->words, context->words, sizeof(context->words));
    ATOMIC_STORE(handover.held, 0);
    return handover.to;
}

bool arch_context_set_thread_pointer(struct arch_context *context, u64 value)
{
    if (value >= USER_END)
        return false;
    context->thread_pointer = value;
    return true;
}

bool arch_context_is_sane(const struct arch_context *context)
{
    return context->pc < USER_END && (context->flags & ~SIM_FLAGS_ALLOWED) == 0;
}

void arch_context_sanitize(struct arch_context *context)
{
    if (context->pc >= USER_END)
        context->pc = 0;
    if (context->sp >= USER_END)
        context->sp = 0;
    context->flags &= SIM_FLAGS_ALLOWED;
}

u64 sim_vector_get(u32 cpu)
{
    return sim_machine()->cpus[cpu].vector;
}

void sim_vector_set(u32 cpu, u64 value)
{
    sim_machine()->cpus[cpu].vector = value;
}

_Static_assert(offsetof(struct thread_registers, scratch) ==
                   offsetof(struct arch_context, argument),
               "the two begin alike");

void arch_context_get(const struct arch_context *context, struct thread_registers *registers)
{
    *registers = (struct thread_registers){.thread_pointer = context->thread_pointer};
    memcpy(registers, context, offsetof(struct thread_registers, scratch));
}

void arch_context_set(struct arch_context *context, const struct thread_registers *registers)
{
    memcpy(context, registers, offsetof(struct thread_registers, scratch));
    if (registers->thread_pointer < USER_END)
        context->thread_pointer = registers->thread_pointer;
    arch_context_sanitize(context);
}
