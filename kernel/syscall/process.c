/* System calls for processes and threads. */
#include "abi/memory.h"
#include "ipc/futex.h"
#include "mm/user_copy.h"
#include "proc/spawn.h"
#include "syscall/syscall.h"

void syscall_spawn(struct thread *thread)
{
    struct group *group;
    enum status status = syscall_take_group(thread, RIGHT_SPAWN, &group);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    struct spawn_plan plan;
    struct spawned result;
    status = user_read(&plan, user_ptr(arg(thread, 0)), sizeof(plan));
    if (status == STATUS_OK)
        status = process_spawn(thread, group, &plan, &result);
    object_put(&group->object);
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    set_result(thread, 0, result.process.bits);
    set_result(thread, 1, result.thread.bits);
    set_result(thread, 2, result.id);
}

void syscall_wait(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_PROCESS, RIGHT_WAIT, &ref);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    process_wait(thread, process_of(ref.object), (thread->context.info & INFO_NONBLOCK) != 0,
                 thread->context.deadline);
}

void syscall_watch(struct thread *thread)
{
    struct cap_ref process, endpoint;
    enum status status = syscall_lookup(thread, OBJECT_PROCESS, RIGHT_WAIT, &process);
    if (status == STATUS_OK)
        status =
            syscall_lookup_at(thread, arg(thread, 0), OBJECT_ENDPOINT, RIGHT_SIGNAL, &endpoint);
    if (status == STATUS_OK)
        status = process_watch(process_of(process.object), &endpoint);
    thread_set_status(thread, status);
}

void syscall_kill(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_NONE, RIGHT_KILL, &ref);
    if (status == STATUS_OK && ref.object->type != OBJECT_PROCESS &&
        ref.object->type != OBJECT_THREAD) {
        status = STATUS_WRONG_TYPE;
        cap_note_denial(status, 0, OBJECT_PROCESS);
    }
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    if (ref.object->type == OBJECT_THREAD) {
        process_kill_thread(thread_of(ref.object));
        return;
    }
    struct process *process = process_of(ref.object);
    process_kill(process,
                 &(struct exit_record){.reason = EXIT_KILLED, .code = (i64)arg(thread, 0)});
    process_wait(thread, process, false, TIME_NEVER);
}

void syscall_exit(struct thread *thread)
{
    if (arg(thread, 1) == 1) {
        u64 word = arg(thread, 2);
        const u32 ended = 1;
        if (word != 0 && user_write(user_ptr(word), &ended, sizeof(ended)) == STATUS_OK)
            (void)futex_wake(thread->vspace, word, UINT32_MAX);
        process_kill_thread(thread);
        return;
    }
    struct exit_record record = {.reason = EXIT_NORMAL, .code = (i64)arg(thread, 0)};
    process_kill(thread->process, &record);
}

void syscall_yield(struct thread *thread)
{
    thread_set_status(thread, STATUS_OK);
    sched_yield_cpu();
}

static bool is_user_address(u64 address)
{
    return address >= USER_START && address < USER_END;
}

/* A thread whose message buffer lies at `buffer`, in memory of the process's own. */
static enum status add_thread(struct process *process, u64 buffer, struct thread **out)
{
    struct memory *memory;
    u64 offset;
    if (buffer % MESSAGE_BUFFER_ALIGNMENT != 0)
        return STATUS_BAD_ARGUMENT;
    enum status status = vspace_shared_memory(&process->vspace, buffer, &memory, &offset);
    if (status != STATUS_OK)
        return status;
    status = process_add_thread(process, memory, offset, out);
    object_put(&memory->object);
    if (status == STATUS_OK)
        (*out)->buffer_user = buffer;
    return status;
}

void syscall_create_thread(struct thread *thread)
{
    struct cap_ref ref;
    u64 entry = arg(thread, 0), stack = arg(thread, 1), argument = arg(thread, 2);
    u64 pointer = arg(thread, 3), held = arg(thread, 4), buffer = arg(thread, 5);
    enum status status = syscall_lookup(thread, OBJECT_PROCESS, RIGHT_CONTROL, &ref);
    if (status == STATUS_OK &&
        (!is_user_address(entry) || !is_user_address(stack) || pointer >= USER_END || held > 1))
        status = STATUS_BAD_ARGUMENT;
    struct thread *created = NULL;
    if (status == STATUS_OK)
        status = cap_ref_take(
            &ref); /* the thread refers to the process: its last capability may go meanwhile */
    if (status == STATUS_OK) {
        status = add_thread(process_of(ref.object), buffer, &created);
        object_put(ref.object);
    }
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    arch_context_init(&created->context, entry, stack, argument, pointer, created->fpu_area);
    object_get(&created->object);
    syscall_return_object(thread, &created->object, RIGHTS_THREAD, 0);
    if (thread->context.number == STATUS_OK) {
        set_result(thread, 1, created->object.id);
        /* The new thread finds its own handle where it can have one. */
        if (created->process == thread->process) {
            created->context.words[0] = arg(thread, 0);
            created->context.words[1] = created->object.id;
        }
        if (!held)
            process_start_thread(created);
    } else {
        process_kill_thread(created);
    }
    object_put(&created->object);
}

static u64 online_cpus(void)
{
    u64 mask = 0;
    for (u32 i = 0; i < cpu_count(); i++)
        mask |= (u64)ATOMIC_LOAD(&cpu_at(i)->online) << i;
    return mask;
}

/* A CPU looks at its thread's flags at each kernel exit, before it reports that it has been there.
 * One that looked just before the flag was set may report once without having seen it, but not
 * twice. */
static enum job_result suspend_slice(struct job *job)
{
    return thread_of_job(job)->work_phase++ < 2 ? JOB_GRACE : JOB_DONE;
}

static enum status access_registers(struct thread *target, user_ptr_t place, bool set)
{
    struct thread_registers registers;
    enum status status = set ? user_read(&registers, place, sizeof(registers)) : STATUS_OK;
    if (status == STATUS_OK)
        status = wait_held_registers(target, &registers, set);
    if (status == STATUS_OK && !set)
        status = user_write(place, &registers, sizeof(registers));
    return status;
}

static enum status control(struct thread *caller, struct thread *target, u64 operation, u64 value)
{
    switch (operation) {
    case THREAD_START:
        if (ATOMIC_LOAD(&target->flags) & THREAD_FLAG_SUSPENDED)
            return STATUS_BUSY;
        process_start_thread(target);
        return STATUS_OK;
    case THREAD_SUSPEND:
        (void)ATOMIC_OR(&target->flags, THREAD_FLAG_SUSPENDED);
        sched_kick(target);
        if (target != caller)
            thread_work(caller, suspend_slice);
        return STATUS_OK;
    case THREAD_RESUME:
        (void)ATOMIC_AND(&target->flags, ~THREAD_FLAG_SUSPENDED);
        process_start_thread(target);
        return STATUS_OK;
    case THREAD_SET_CPUS:
        value &= online_cpus();
        if (value == 0)
            return STATUS_BAD_ARGUMENT;
        ATOMIC_STORE(&target->cpu_mask, value);
        (void)ATOMIC_OR(&target->flags, THREAD_FLAG_MOVE | THREAD_FLAG_BOUND);
        sched_kick(target);
        return STATUS_OK;
    case THREAD_SET_POINTER:
        if (target != caller || !arch_context_set_thread_pointer(&target->context, value))
            return STATUS_BAD_ARGUMENT;
        return STATUS_OK;
    case THREAD_GET_REGISTERS:
    case THREAD_SET_REGISTERS:
        return access_registers(target, user_ptr(value), operation == THREAD_SET_REGISTERS);
    default:
        return STATUS_BAD_ARGUMENT;
    }
}

/* The page there stays readable until this kernel entry ends, whatever becomes of it. */
void syscall_process_memory(struct thread *thread)
{
    struct cap_ref ref;
    u64 address = arg(thread, 1), size = arg(thread, 3), left = PAGE_SIZE - address % PAGE_SIZE;
    bool write = arg(thread, 0) == PROCESS_MEMORY_WRITE;
    enum status status = syscall_lookup(thread, OBJECT_PROCESS,
                                        write ? RIGHT_WRITE_MEMORY : RIGHT_READ_MEMORY, &ref);
    if (status == STATUS_OK && arg(thread, 0) > PROCESS_MEMORY_WRITE)
        status = STATUS_BAD_ARGUMENT;
    char *there;
    if (status == STATUS_OK)
        status = vspace_reach(&process_of(ref.object)->vspace, address,
                              write ? ACCESS_WRITE : ACCESS_READ, &there);
    size = size < left ? size : left;
    if (status == STATUS_OK && write)
        status = user_read(there, user_ptr(arg(thread, 2)), size);
    else if (status == STATUS_OK)
        status = user_write(user_ptr(arg(thread, 2)), there, size);
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        set_result(thread, 0, size);
}

void syscall_thread_control(struct thread *thread)
{
    struct cap_ref ref;
    u64 operation = arg(thread, 0), value = arg(thread, 1);
    enum status status = syscall_lookup(thread, OBJECT_THREAD, RIGHT_CONTROL, &ref);
    thread_set_status(thread, status); /* before it may wait */
    if (status == STATUS_OK)
        status = control(thread, thread_of(ref.object), operation, value);
    if (status != STATUS_OK)
        thread_set_status(thread, status);
}

void syscall_futex_wait(struct thread *thread)
{
    futex_wait(thread, arg(thread, 0), (u32)arg(thread, 1), thread->context.deadline);
}

void syscall_futex_wake(struct thread *thread)
{
    u64 limit = arg(thread, 1) < UINT32_MAX ? arg(thread, 1) : UINT32_MAX;
    u32 woken = futex_wake(thread->vspace, arg(thread, 0), (u32)limit);
    thread_set_status(thread, STATUS_OK);
    set_result(thread, 0, woken);
}
