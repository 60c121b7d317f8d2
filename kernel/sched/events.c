/* The event of a system call: written where its thread is about to go back, wait, or give way. */
#include "sched/sched.h"

void sched_tell_call(struct cpu *cpu, const struct thread *thread, bool over)
{
    if (!TRACE_IS_ON(SYSCALL_EXIT))
        return;
    u64 object = cap_object_id(thread->space, thread->context.handle);
    u64 now = trace_now(cpu);
    if (over)
        trace_put(cpu, &thread->trace, now, TRACE_SYSCALL_EXIT, cpu->syscall_number,
                  thread->context.number, object, 0);
    else
        trace_put(cpu, &thread->trace, now, TRACE_SYSCALL_BLOCK, cpu->syscall_number, object,
                  thread->wait_deadline, 0);
}
