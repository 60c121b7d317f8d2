/*
 * The fast path: a call to a server that waits, and the reply that waits again, hand the activity
 * and the CPU over directly. All checks come first and only read; whatever is unusual is left to
 * the general path, which has done nothing yet. What remains touches no run queue and allocates
 * nothing, and the endpoint's lock is the only atomic operation.
 *
 * What is not looked at here, and why it need not be: requests of other CPUs come with an
 * interrupt, which is taken once user mode is back; slices, deadlines and grace periods come with
 * the timer, which was armed at the last way out that looked. The activity stays the one that is
 * billed, so no clock is read.
 *
 * Order: the words that make a thread found as waiting are written before the page-table register,
 * which is a full barrier, and its flags are read after it. Whoever sets a flag does so before it
 * looks for a wait. So one of the two sees the other.
 *
 * Locks: the endpoint's, released by the port when it has taken the message out of the sender's
 * registers.
 */
#include "arch/upcalls.h"
#include "abi/syscalls.h"
#include "core/assert.h"
#include "ipc/call_events.h"
#include "ipc/fast_find.h"

/* Nothing but a label and at most MESSAGE_MAX_INLINE bytes of data. */
static inline bool info_is_plain(u64 info)
{
    return (u32)(info >> INFO_LENGTH_SHIFT) <= MESSAGE_MAX_INLINE;
}

/* The same, and perhaps willingness to take capabilities. */
static inline bool info_is_plain_or_accepts(u64 info)
{
    const u32 shift = INFO_ACCEPT_SHIFT - INFO_LENGTH_SHIFT;
    u32 high = (u32)(info >> INFO_LENGTH_SHIFT);
    return high <= (MESSAGE_MAX_CAPS << shift | MESSAGE_MAX_INLINE) &&
           (u16)high <= MESSAGE_MAX_INLINE;
}

#define ACCEPT_MASK (0xfull << INFO_ACCEPT_SHIFT)

/* Looks `handle` up. What the thread is to wait with is noted in it, and the badge is where the
 * port takes it from; all of it means nothing as long as the thread does not wait. */
static inline bool find(struct thread *thread, u64 handle, u64 right, struct endpoint **endpoint)
{
    struct found found;
    if (unlikely(!fast_find(thread->space, handle, right, &found)))
        return false;
    thread->wait_mark = (struct cap_mark){.handle = handle, .epoch = found.epoch};
    thread->context.handle = found.badge;
    *endpoint = found.endpoint;
    return true;
}

/* Lock held. Waits without a deadline, and is free to run here at once? */
static bool can_take_over(const struct cpu *cpu, const struct thread *to)
{
    u32 flags = ATOMIC_LOAD(&to->flags);
    if (unlikely(flags) && (flags != THREAD_FLAG_BOUND || !(to->cpu_mask >> cpu->index & 1)))
        return false;
    return likely(to->wait_deadline == TIME_NEVER) && likely(arch_context_can_swap(&to->context));
}

/* Lock held, to be released by the port: `from` has stopped, `to` goes on. */
static inline struct arch_handover hand_over(struct cpu *cpu, struct thread *from,
                                             struct thread *to, struct endpoint *endpoint)
{
    cpu->current = to;
    cpu->entered = to;
    cpu->trace_context = &to->trace;
    arch_context_swap(&from->context, &to->context);
    vspace_switch(cpu, to->vspace);
    u32 killed = ATOMIC_LOAD(&from->flags) & THREAD_FLAG_KILLED;
    if (unlikely(killed | (ATOMIC_LOAD(&to->flags) & ~THREAD_FLAG_BOUND))) {
        /* Perhaps before the wait of the one, or where the other runs, could be seen: to be looked
         * at again, at once. */
        cpu->recheck = killed ? from : NULL;
        cpu->attention.look = 1;
        arch_ipi_send_self();
    }
    return (struct arch_handover){.to = &to->context, .held = spin_unlock_later(&endpoint->lock)};
}

static inline void begin_wait(struct thread *thread, struct endpoint *endpoint, struct list *list,
                              const struct wait_ops *ops)
{
    thread->wait_ops = ops;
    thread->wait_since = 0; /* no clock is read */
    list_push_back(list, &thread->wait_link);
    ATOMIC_STORE(&thread->wait_lock, &endpoint->lock);
}

/* To the general path, which finds in the context what the port has not yet saved there. */
static struct arch_handover give_up(struct thread *thread, u64 handle, u64 info)
{
    thread->context.handle = handle;
    thread->context.info = info;
    return (struct arch_handover){0};
}

/* The running thread is about to wait in this system call. */
static inline void tell_block(struct cpu *cpu, const struct thread *thread, u32 number,
                              const struct endpoint *endpoint, u64 now)
{
    if (cpu->trace_mask & 1u << TRACE_OF_SYSCALL_BLOCK)
        trace_put(cpu, &thread->trace, now, TRACE_SYSCALL_BLOCK, number, endpoint->object.id,
                  TIME_NEVER, 0);
}

/* `nested`: the caller serves somebody itself. `traced`: events are written. Constants at each use,
 * so that the common case pays nothing for the others. */
static inline __attribute__((always_inline)) struct arch_handover
call_now(u64 handle, u64 info, u64 deadline_ns, bool nested, bool traced)
{
    struct cpu *cpu = this_cpu();
    struct thread *caller = cpu->current;
    struct activity *activity = caller->activity;
    struct endpoint *endpoint;
    if (has_to_look(cpu, traced) || unlikely(!info_is_plain(info)) ||
        unlikely((deadline_ns & caller->serve_deadline) != TIME_NEVER) ||
        unlikely(!arch_can_swap()) || (nested && unlikely(!sched_may_lend(caller, false))) ||
        unlikely(!find(caller, handle, RIGHT_SEND, &endpoint)))
        return give_up(caller, handle, info);
    caller->message_info = info;
    caller->context.info = info | (u64)MESSAGE_CALL << INFO_KIND_SHIFT;
    spin_lock(&endpoint->lock);
    u64 epoch = ATOMIC_LOAD(&endpoint->object.epoch);
    struct list *first = endpoint->receivers.next;
    struct thread *server = LIST_ENTRY(first, struct thread, wait_link);
    if (unlikely(first == &endpoint->receivers) || unlikely(caller->wait_mark.epoch != epoch) ||
        unlikely(server->wait_mark.epoch != epoch) || unlikely(endpoint->down) ||
        !can_take_over(cpu, server)) {
        spin_unlock(&endpoint->lock);
        return give_up(caller, caller->wait_mark.handle, caller->message_info);
    }

    /* Nothing fails from here on. */
    fast_end_wait(server);
    server->serving = caller;
    caller->server = server;
    if (nested)
        sched_lend(caller, server);
    else
        sched_lend_home(caller, activity, server);
    u64 trace = caller->trace.trace;
    caller->context.aux = trace;
    server->trace.trace = trace;
    server->trace.span = activity->next_span++;
    if (traced) {
        u64 now = trace_now(cpu);
        call_note(caller, endpoint, caller->context.handle, now);
        tell_block(cpu, caller, SYS_call, endpoint, now);
    }
    begin_wait(caller, endpoint, &endpoint->served, &reply_ops);
    u32 length = (u32)(caller->message_info >> INFO_LENGTH_SHIFT);
    if (unlikely(length))
        arch_copy_data(server->buffer->data, caller->buffer->data, length);
    COUNT(cpu, FAST_CALLS);
    return hand_over(cpu, caller, server, endpoint);
}

static __attribute__((noinline)) struct arch_handover call_nested(u64 handle, u64 info,
                                                                  u64 deadline_ns)
{
    return call_now(handle, info, deadline_ns, true, false);
}

static __attribute__((noinline)) struct arch_handover call_nested_traced(u64 handle, u64 info,
                                                                         u64 deadline_ns)
{
    return call_now(handle, info, deadline_ns, true, true);
}

static __attribute__((noinline)) struct arch_handover call_traced(u64 handle, u64 info,
                                                                  u64 deadline_ns)
{
    const struct thread *caller = this_cpu()->current;
    if (unlikely(caller->activity != caller->home))
        return call_nested_traced(handle, info, deadline_ns);
    return call_now(handle, info, deadline_ns, false, true);
}

struct arch_handover upcall_fast_call(u64 handle, u64 info, u64 deadline_ns)
{
    const struct cpu *cpu = this_cpu();
    const struct thread *caller = cpu->current;
    if (unlikely(cpu->attention.any))
        return TRACE_BUILT ? call_traced(handle, info, deadline_ns)
                           : give_up(cpu->current, handle, info);
    if (unlikely(caller->activity != caller->home))
        return call_nested(handle, info, deadline_ns);
    return call_now(handle, info, deadline_ns, false, false);
}

/* Lock held: nobody but the caller waits for this server. */
static bool is_quiet(const struct endpoint *endpoint)
{
    return likely((endpoint->signals | endpoint->unquiet) == 0) &&
           likely(list_is_empty(&endpoint->senders));
}

static struct arch_handover reply_nested(u64 handle, u64 info, u64 deadline_ns);
static struct arch_handover reply_nested_traced(u64 handle, u64 info, u64 deadline_ns);

/* As call_now. */
static inline __attribute__((always_inline)) struct arch_handover
reply_now(u64 handle, u64 info, u64 deadline_ns, bool nested, bool traced)
{
    struct cpu *cpu = this_cpu();
    struct thread *server = cpu->current;
    struct endpoint *endpoint;
    if (has_to_look(cpu, traced) || unlikely(!arch_can_swap()) ||
        unlikely(!info_is_plain_or_accepts(info)) || unlikely(deadline_ns != TIME_NEVER) ||
        unlikely(!find(server, handle, RIGHT_RECEIVE, &endpoint)))
        return give_up(server, handle, info);
    server->message_info = info;
    server->context.info = (info & ~ACCEPT_MASK) | (u64)MESSAGE_REPLY << INFO_KIND_SHIFT;
    spin_lock(&endpoint->lock);
    struct thread *caller = server->serving;
    if (unlikely(!caller) || unlikely(caller->wait_lock != &endpoint->lock) ||
        unlikely(ATOMIC_LOAD(&endpoint->object.epoch) != server->wait_mark.epoch) ||
        !is_quiet(endpoint) || unlikely(caller->faulted) ||
        unlikely(nested ? !sched_may_return(server, caller) : server->activity != caller->home) ||
        unlikely(server->home->cpu != cpu->index) || !can_take_over(cpu, caller)) {
        spin_unlock(&endpoint->lock);
        if (!nested && caller && server->activity != caller->home)
            return (traced ? reply_nested_traced : reply_nested)(server->wait_mark.handle,
                                                                 server->message_info, deadline_ns);
        return give_up(server, server->wait_mark.handle, server->message_info);
    }

    /* Nothing fails from here on. */
    if (traced) {
        u64 now = trace_now(cpu);
        if (call_is_noted(cpu, caller))
            call_put_round(cpu, endpoint, caller, server, info_label(server->message_info), now);
        tell_block(cpu, server, SYS_reply_receive, endpoint, now);
    }
    fast_end_wait(caller);
    server->serving = NULL;
    caller->server = NULL;
    if (nested)
        sched_return_lent(server, caller);
    else
        sched_return_home(server, caller);
    begin_wait(server, endpoint, &endpoint->receivers, &receive_ops);
    u32 length = (u16)(server->message_info >> INFO_LENGTH_SHIFT);
    if (unlikely(length))
        arch_copy_data(caller->buffer->data, server->buffer->data, length);
    server->context.handle = 0;
    server->context.aux = 0;
    COUNT(cpu, FAST_REPLIES);
    return hand_over(cpu, server, caller, endpoint);
}

static __attribute__((noinline)) struct arch_handover reply_nested(u64 handle, u64 info,
                                                                   u64 deadline_ns)
{
    return reply_now(handle, info, deadline_ns, true, false);
}

static __attribute__((noinline)) struct arch_handover reply_nested_traced(u64 handle, u64 info,
                                                                          u64 deadline_ns)
{
    return reply_now(handle, info, deadline_ns, true, true);
}

static __attribute__((noinline)) struct arch_handover reply_traced(u64 handle, u64 info,
                                                                   u64 deadline_ns)
{
    return reply_now(handle, info, deadline_ns, false, true);
}

struct arch_handover upcall_fast_reply_receive(u64 handle, u64 info, u64 deadline_ns)
{
    const struct cpu *cpu = this_cpu();
    if (unlikely(cpu->attention.any))
        return TRACE_BUILT ? reply_traced(handle, info, deadline_ns)
                           : give_up(cpu->current, handle, info);
    return reply_now(handle, info, deadline_ns, false, false);
}
