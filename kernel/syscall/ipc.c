/* System calls for messages. The operations themselves are in ipc/. */
#include "ipc/reply.h"
#include "syscall/syscall.h"

/* Apart, so that what need not go this way has no room made for `ref`. */
static __attribute__((noinline)) void
with_endpoint(struct thread *thread, u32 rights,
              void (*operation)(struct thread *, const struct cap_ref *, u64, u64))
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_ENDPOINT, rights, &ref);
    if (unlikely(status != STATUS_OK)) {
        thread_set_status(thread, status);
        return;
    }
    operation(thread, &ref, thread->context.info, thread->context.deadline);
}

void syscall_send(struct thread *thread)
{
    if (!fast_send(thread))
        with_endpoint(thread, RIGHT_SEND, endpoint_send);
}

void syscall_receive(struct thread *thread)
{
    if (!fast_receive(thread))
        with_endpoint(thread, RIGHT_RECEIVE, endpoint_receive);
}

void syscall_call(struct thread *thread)
{
    with_endpoint(thread, RIGHT_SEND, endpoint_call);
}

void syscall_reply(struct thread *thread)
{
    struct cap_ref ref;
    if (likely(thread->context.handle == 0)) {
        endpoint_reply(thread, NULL, thread->context.info);
        return;
    }
    enum status status = syscall_lookup(thread, OBJECT_REPLY, RIGHT_REPLY, &ref);
    if (status == STATUS_OK)
        endpoint_reply(thread, &ref, thread->context.info);
    else
        thread_set_status(thread, status);
}

void syscall_defer(struct thread *thread)
{
    struct group *group;
    cap_t handle;
    enum status status = syscall_take_group(thread, RIGHT_CREATE_ENDPOINT, &group);
    if (status == STATUS_OK) {
        status = reply_defer(thread, &group->payer, &handle);
        object_put(&group->object);
    }
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        set_result(thread, 0, handle.bits);
}

void syscall_adopt(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = STATUS_OK;
    bool named = thread->context.handle != 0;
    if (named)
        status = syscall_lookup(thread, OBJECT_REPLY, RIGHT_REPLY, &ref);
    if (status == STATUS_OK)
        status = reply_adopt(thread, named ? &ref : NULL);
    thread_set_status(thread, status);
}

void syscall_reply_receive(struct thread *thread)
{
    with_endpoint(thread, RIGHT_RECEIVE, endpoint_reply_receive);
}

void syscall_signal(struct thread *thread)
{
    struct cap_ref ref;
    if (likely(fast_signal(thread)))
        return;
    enum status status = syscall_lookup(thread, OBJECT_ENDPOINT, RIGHT_SIGNAL, &ref);
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        endpoint_signal(endpoint_of(ref.object), ref.badge ? ref.badge : 1);
}

void syscall_cancel(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_THREAD, RIGHT_CONTROL, &ref);
    if (status == STATUS_OK)
        status = wait_interrupt(thread_of(ref.object), STATUS_CANCELLED);
    thread_set_status(thread, status);
}

void syscall_create_endpoint(struct thread *thread)
{
    struct group *group;
    struct endpoint *endpoint;
    enum status status = syscall_take_group(thread, RIGHT_CREATE_ENDPOINT, &group);
    if (status == STATUS_OK) {
        status = endpoint_create(&group->payer, arg(thread, 0), arg(thread, 1), &endpoint);
        object_put(&group->object);
    }
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        syscall_return_object(thread, &endpoint->object, RIGHTS_ENDPOINT, 0);
}

void syscall_create_channel(struct thread *thread)
{
    struct group *group;
    struct endpoint *ends[2];
    u64 depth = arg(thread, 0);
    enum status status = syscall_take_group(thread, RIGHT_CREATE_ENDPOINT, &group);
    if (status == STATUS_OK) {
        status = channel_create(&group->payer, depth, arg(thread, 1), ends);
        object_put(&group->object);
    }
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    syscall_return_object(thread, &ends[1]->object, RIGHTS_ENDPOINT, 0);
    cap_t second = {arg(thread, 0)};
    if (thread->context.number != STATUS_OK) {
        object_put(&ends[0]->object);
        return;
    }
    syscall_return_object(thread, &ends[0]->object, RIGHTS_ENDPOINT, 0);
    if (thread->context.number == STATUS_OK) {
        set_result(thread, 1, second.bits);
        return;
    }
    cap_undo_insert(thread->space, second);
    set_result(thread, 0, depth); /* nothing is given */
}
