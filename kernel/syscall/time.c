/* System calls for time and observation. */
#include "arch/time.h"
#include "dev/machine.h"
#include "dev/timer_object.h"
#include "syscall/syscall.h"
#include "trace/trace.h"

void syscall_create_timer(struct thread *thread)
{
    struct cap_ref endpoint;
    struct group *group;
    u64 handle = arg(thread, 0);
    enum status status = syscall_take_group(thread, RIGHT_CREATE_TIMER, &group);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    status = syscall_lookup_at(thread, handle, OBJECT_ENDPOINT, RIGHT_SIGNAL, &endpoint);
    if (status == STATUS_OK) {
        struct timer_object *timer;
        status = timer_object_create(&group->payer, &endpoint, &timer);
        if (status == STATUS_OK)
            syscall_return_object(thread, &timer->object, RIGHTS_TIMER, 0);
    }
    if (status != STATUS_OK)
        thread_set_status(thread, status);
    object_put(&group->object);
}

void syscall_timer_set(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_TIMER, RIGHT_SET, &ref);
    if (status == STATUS_OK)
        status =
            timer_object_set(timer_object_of(ref.object), thread->context.deadline, arg(thread, 0));
    thread_set_status(thread, status);
}

static enum status get_rings(struct thread *thread)
{
    struct memory *memory = trace_domain_memory();
    struct cap_grant grant = {
        .rights = RIGHT_READ | RIGHT_DERIVE | RIGHT_TRANSFER | RIGHT_REVOKE,
        .expires_ns = TIME_NEVER,
        .range_end = memory->page_count << PAGE_SHIFT,
    };
    cap_t handle;
    enum status status = cap_insert_root(thread->space, &memory->object, &grant, &handle);
    if (status == STATUS_OK) {
        set_result(thread, 0, handle.bits);
        set_result(thread, 1, grant.range_end);
    }
    return status;
}

void syscall_trace_control(struct thread *thread)
{
    struct cap_ref ref;
    u64 operation = arg(thread, 0), value = arg(thread, 1);
    u32 right = operation == TRACE_GET_MEMORY ? RIGHT_TRACE_READ : RIGHT_TRACE_CONTROL;
    enum status status = syscall_lookup(thread, OBJECT_TRACE_DOMAIN, right, &ref);
    if (status == STATUS_OK) {
        if (operation == TRACE_GET_MEMORY)
            status = get_rings(thread);
        else if (operation == TRACE_SET_CATEGORIES && value < 1u << TRACE_CATEGORY_COUNT)
            trace_root_set_categories((u32)value);
        else
            status = STATUS_BAD_ARGUMENT;
    }
    thread_set_status(thread, status);
}

void syscall_trace_emit(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_TRACE_DOMAIN, RIGHT_TRACE_EMIT, &ref);
    if (status == STATUS_OK)
        TRACE(USER, arg(thread, 0), arg(thread, 1), arg(thread, 2), arg(thread, 3));
    thread_set_status(thread, status);
}

void syscall_clock(struct thread *thread)
{
    thread_set_status(thread, STATUS_OK);
    set_result(thread, 0, arch_clock_ns());
}
