/*
 * The short ways of signal, send and receive: the common case of each in few steps. They change
 * what the general path changes; whatever is unusual is left to it, before anything is done. Who
 * runs next is sched_exit's matter. Each is there twice, with events (`traced`, a constant) and
 * without.
 *
 * Locks: the endpoint's.
 */
#include "core/assert.h"
#include "ipc/call_events.h"
#include "ipc/fast_find.h"

#define ACCEPT_MASK (0xfull << INFO_ACCEPT_SHIFT)

/* Lock held: the first receiver, if what it waits by is good without looking further and it has no
 * deadline; NULL: there is none, or the general path has to look. */
static inline struct thread *plain_receiver(struct endpoint *endpoint, u64 epoch)
{
    struct list *first = endpoint->receivers.next;
    struct thread *receiver = LIST_ENTRY(first, struct thread, wait_link);
    return likely(first != &endpoint->receivers) && likely(receiver->wait_mark.epoch == epoch) &&
                   likely(receiver->wait_deadline == TIME_NEVER)
               ? receiver
               : NULL;
}

static inline __attribute__((always_inline)) bool signal_now(struct thread *thread, bool traced)
{
    struct cpu *cpu = this_cpu();
    struct found found;
    if (has_to_look(cpu, traced) ||
        !fast_find(thread->space, thread->context.handle, RIGHT_SIGNAL, &found))
        return false;
    struct endpoint *endpoint = found.endpoint;
    u64 bits = found.badge ? found.badge : 1;
    spin_lock(&endpoint->lock);
    struct thread *receiver = plain_receiver(endpoint, found.epoch);
    if (unlikely(ATOMIC_LOAD(&endpoint->object.epoch) != found.epoch) ||
        unlikely(!receiver && !list_is_empty(&endpoint->receivers))) {
        spin_unlock(&endpoint->lock);
        return false;
    }
    if (receiver) {
        fast_end_wait(receiver);
        message_deliver_signals(bits, receiver);
    } else {
        endpoint->signals |= bits;
    }
    spin_unlock(&endpoint->lock);
    thread_set_status(thread, STATUS_OK);
    COUNT(cpu, SIGNALS);
    if (traced)
        TRACE(IPC_SIGNAL, endpoint->object.id, bits, receiver ? receiver->object.id : 0, 0);
    if (receiver)
        sched_wake_last(receiver);
    return true;
}

static inline __attribute__((always_inline)) bool send_now(struct thread *thread, bool traced)
{
    struct cpu *cpu = this_cpu();
    struct found found;
    u64 info = thread->context.info;
    u32 length = (u32)(info >> INFO_LENGTH_SHIFT);
    if (has_to_look(cpu, traced) || unlikely(length > MESSAGE_MAX_INLINE) ||
        !fast_find(thread->space, thread->context.handle, RIGHT_SEND, &found))
        return false;
    struct endpoint *endpoint = found.endpoint;
    spin_lock(&endpoint->lock);
    struct thread *receiver = plain_receiver(endpoint, found.epoch);
    if (unlikely(!receiver) || unlikely(endpoint->down) ||
        unlikely(ATOMIC_LOAD(&endpoint->object.epoch) != found.epoch)) {
        spin_unlock(&endpoint->lock);
        return false;
    }
    fast_end_wait(receiver);
    for (u32 i = 0; i < MESSAGE_WORDS; i++)
        receiver->context.words[i] = thread->context.words[i];
    if (unlikely(length))
        arch_copy_data(receiver->buffer->data, thread->buffer->data, length);
    receiver->context.number = STATUS_OK;
    receiver->context.info = info | (u64)MESSAGE_SEND << INFO_KIND_SHIFT;
    receiver->context.handle = found.badge;
    receiver->context.aux = thread->activity->trace;
    spin_unlock(&endpoint->lock);
    thread_set_status(thread, STATUS_OK);
    COUNT(cpu, SENDS);
    if (traced)
        TRACE(IPC_SEND, endpoint->object.id, info_label(info), found.badge, receiver->object.id);
    sched_wake_last(receiver);
    return true;
}

static inline __attribute__((always_inline)) bool receive_now(struct thread *thread, bool traced)
{
    struct cpu *cpu = this_cpu();
    struct found found;
    u64 handle = thread->context.handle;
    u64 info = thread->context.info;
    if (has_to_look(cpu, traced) || unlikely(info & ~ACCEPT_MASK) ||
        unlikely(info_accept(info) > MESSAGE_MAX_CAPS) ||
        unlikely(ATOMIC_LOAD(&thread->serving) != NULL) ||
        unlikely(thread->activity != thread->home) ||
        !fast_find(thread->space, handle, RIGHT_RECEIVE, &found))
        return false;
    struct endpoint *endpoint = found.endpoint;
    spin_lock(&endpoint->lock);
    if (unlikely(endpoint->unquiet) || unlikely(!list_is_empty(&endpoint->senders)) ||
        unlikely(ATOMIC_LOAD(&endpoint->object.epoch) != found.epoch)) {
        spin_unlock(&endpoint->lock);
        return false;
    }
    if (endpoint->signals) {
        message_deliver_signals(endpoint->signals, thread);
        endpoint->signals = 0;
        endpoint->turn = SOURCE_QUEUE;
        if (traced && TRACE_IS_ON(IPC_RECEIVE))
            message_tell_receipt(endpoint, thread);
    } else {
        thread->message_info = info;
        thread->wait_mark = (struct cap_mark){.handle = handle, .epoch = found.epoch};
        wait_prepare(thread);
        wait_begin(thread, &endpoint->lock, &endpoint->receivers, &receive_ops, endpoint,
                   thread->context.deadline);
    }
    spin_unlock(&endpoint->lock);
    return true;
}

#define WAY(name)                                                                                  \
    static __attribute__((noinline)) bool name##_traced(struct thread *thread)                     \
    {                                                                                              \
        return name##_now(thread, true);                                                           \
    }                                                                                              \
    bool fast_##name(struct thread *thread)                                                        \
    {                                                                                              \
        if (unlikely(this_cpu()->attention.any))                                                   \
            return TRACE_BUILT && name##_traced(thread);                                           \
        return name##_now(thread, false);                                                          \
    }

WAY(signal)
WAY(send)
WAY(receive)
