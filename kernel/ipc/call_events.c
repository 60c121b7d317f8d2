/* Events of calls that the general path ends or passes on. */
#include "ipc/call_events.h"

void call_tell_end(const struct thread *caller, const struct thread *replier, u32 label,
                   enum status failure)
{
    if (likely(!TRACE_IS_ON(IPC_ROUND)))
        return;
    struct cpu *cpu = this_cpu();
    if (call_is_noted(cpu, caller))
        call_put_round(cpu, caller->wait_object, caller, replier ? replier : caller->server,
                       failure != STATUS_OK ? (u32)failure : label, trace_now(cpu));
    else
        TRACE(IPC_REPLY, caller->object.id, label, failure, 0);
}

void call_tell_begin(struct thread *caller)
{
    struct cpu *cpu = this_cpu();
    const struct endpoint *endpoint = caller->wait_object;
    if (unlikely(TRACE_IS_ON(IPC_CALL)) && call_is_noted(cpu, caller))
        trace_put(cpu, &caller->trace, caller->called_at, TRACE_IPC_CALL, endpoint->object.id,
                  info_label(caller->message_info), caller->message_badge,
                  caller->server->object.id);
    call_forget(caller);
}

void message_tell_receipt(const struct endpoint *endpoint, const struct thread *receiver)
{
    struct trace_context context = receiver->trace;
    context.trace = receiver->context.aux;
    trace_put(this_cpu(), &context, trace_now(this_cpu()), TRACE_IPC_RECEIVE, endpoint->object.id,
              info_label(receiver->context.info), receiver->context.handle,
              info_kind(receiver->context.info));
}
