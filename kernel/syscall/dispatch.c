/* From a system call's number to its handler. */
#include "arch/upcalls.h"
#include "syscall/syscall.h"
#include "trace/trace.h"

typedef void (*handler_t)(struct thread *thread);

static void no_such_call(struct thread *thread)
{
    thread_set_status(thread, STATUS_BAD_SYSCALL);
    cap_note_denial(STATUS_BAD_SYSCALL, 0, OBJECT_NONE);
}

/* A mask bounds the index also where the processor runs ahead (Spectre v1). */
_Static_assert((SYSCALL_LIMIT & (SYSCALL_LIMIT - 1)) == 0, "a mask must do");

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* all that are not calls, then the calls */
static const handler_t handlers[SYSCALL_LIMIT] = {
    [0 ... SYSCALL_LIMIT - 1] = no_such_call,
#define SYSCALL(number, name) [number] = syscall_##name,
#include "abi/syscalls.def"
#undef SYSCALL
};
#pragma GCC diagnostic pop

struct arch_context *upcall_syscall(u64 number)
{
    struct cpu *cpu = this_cpu();
    COUNT(cpu, SYSCALLS);
    cpu->entry_is_syscall = true;
    cpu->syscall_number = (u32)number;
    if (likely(number < SYSCALL_LIMIT))
        handlers[number % SYSCALL_LIMIT](cpu->current);
    else
        no_such_call(cpu->current);
    cpu = this_cpu(); /* cheaper than to keep it */
    if (likely(!cpu->attention.any))
        return &cpu->current->context;
    if (TRACE_BUILT && unlikely(cpu->attention.trace)) {
        /* Another that has entered has taken the place of who called, whose event is written. */
        const struct thread *thread = CONTAINER_OF(cpu->trace_context, struct thread, trace);
        if (cpu->entry_is_syscall)
            sched_tell_call(cpu, thread, cpu->current == thread && cpu->entered == thread);
        if (!cpu->attention.look)
            return &cpu->current->context;
    }
    return sched_exit();
}

#define BIT(name) (1ull << SYS_##name)

const u64 upcall_light_calls = BIT(null) | BIT(signal) | BIT(cancel) | BIT(revoke) | BIT(close) |
                               BIT(yield) | BIT(futex_wait) | BIT(futex_wake) | BIT(group_info) |
                               BIT(interrupt_ack) | BIT(port_in) | BIT(timer_set) | BIT(clock);

void syscall_null(struct thread *thread)
{
    thread_set_status(thread, STATUS_OK);
}

enum status syscall_take_group(struct thread *thread, u32 rights, struct group **group)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_GROUP, rights, &ref);
    if (status == STATUS_OK)
        status = cap_ref_take(&ref);
    if (status == STATUS_OK)
        *group = group_of(ref.object);
    return status;
}

void syscall_return_object(struct thread *thread, struct object *object, u32 rights, u64 range_end)
{
    struct cap_grant grant = {
        .rights = rights | RIGHTS_COMMON, .expires_ns = TIME_NEVER, .range_end = range_end};
    cap_t handle;
    enum status status = object_enlist(object);
    if (status == STATUS_OK)
        status = cap_insert_root(thread->space, object, &grant, &handle);
    object_put(object);
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        set_result(thread, 0, handle.bits);
}
