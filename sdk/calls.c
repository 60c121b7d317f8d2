/* The typed system calls. No state: each function fills a frame and takes its result apart. */
#include "ferrous/calls.h"

#include "lib/string.h"

#define WORDS(...)                                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* Runs system call `name` on `object` with the given words, in a frame called `frame`. */
#define ENTER(name, object, ...)                                                                   \
    struct syscall_frame frame = {.number = SYS_##name,                                            \
                                  .handle = (object).bits,                                         \
                                  .deadline = TIME_NEVER,                                          \
                                  .words = WORDS(__VA_ARGS__)};                                    \
    enum status status = ferrous_syscall(&frame)

enum status cap_derive(cap_t cap, const struct cap_restriction *restriction, cap_t *child)
{
    ENTER(derive, cap, restriction->rights, restriction->badge, restriction->expiry_ns,
          restriction->range_offset, restriction->range_length, restriction->flags);
    if (status == STATUS_OK)
        child->bits = frame.words[0];
    return status;
}

enum status cap_derive_rights(cap_t cap, u32 rights, cap_t *child)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;

    restriction.rights = rights;
    return cap_derive(cap, &restriction, child);
}

enum status cap_grant(process_t process, cap_t cap, u32 rights, u32 mode, cap_t *remote)
{
    ENTER(grant, process.cap, cap.bits, rights, mode);
    if (status == STATUS_OK)
        remote->bits = frame.words[0];
    return status;
}

enum status cap_revoke(cap_t cap)
{
    return ferrous_syscall_plain(SYS_revoke, cap.bits, 0, 0);
}

enum status cap_close(cap_t cap)
{
    if (cap_is_null(cap))
        return STATUS_OK;
    return ferrous_syscall_plain(SYS_close, cap.bits, 0, 0);
}

enum status cap_inspect(cap_t cap, struct cap_facts *facts)
{
    ENTER(inspect, cap, 0);
    if (status != STATUS_OK)
        return status;
    facts->type = (u32)frame.words[0];
    facts->rights = (u32)(frame.words[0] >> 32);
    facts->badge = frame.words[1];
    facts->range_start = frame.words[2];
    facts->range_length = frame.words[3];
    facts->expiry_ns = frame.words[4];
    facts->depth = frame.words[5];
    facts->object_id = frame.words[6];
    facts->sole = frame.words[7] != 0;
    return STATUS_OK;
}

enum status endpoint_create(group_t group, u32 queue_depth, u64 grace_ns, endpoint_t *endpoint)
{
    ENTER(create_endpoint, group.cap, queue_depth, grace_ns);
    if (status == STATUS_OK)
        endpoint->cap.bits = frame.words[0];
    return status;
}

/* What is given on of the sending side: all but receiving. */
#define SENDING (RIGHT_SEND | RIGHT_SIGNAL | RIGHT_TRANSFER | RIGHT_DERIVE)

static void close_channel(const struct channel *end)
{
    (void)cap_close(end->send.cap);
    (void)cap_close(end->receive.cap);
}

enum status channel_create(group_t group, u32 queue_depth, u64 grace_ns, struct channel *a,
                           struct channel *b)
{
    ENTER(create_channel, group.cap, queue_depth, grace_ns);
    if (status != STATUS_OK)
        return status;
    *a = (struct channel){.receive.cap.bits = frame.words[0]};
    *b = (struct channel){.receive.cap.bits = frame.words[1]};
    status = cap_derive_rights(b->receive.cap, SENDING, &a->send.cap);
    if (status == STATUS_OK)
        status = cap_derive_rights(a->receive.cap, SENDING, &b->send.cap);
    if (status != STATUS_OK) {
        close_channel(a);
        close_channel(b);
    }
    return status;
}

/* The last references of mappings go a grace period after them. */
#define TAKE_TRIES 4

enum status memory_take(memory_t memory)
{
    struct cap_facts facts = {0};
    enum status status = STATUS_OK;

    /* Revoking returns when all kernel entries that had found the capability elsewhere are over:
     * what they have mapped meanwhile is seen below. */
    for (u32 i = 0; i < TAKE_TRIES && status == STATUS_OK && !facts.sole; i++) {
        status = cap_revoke(memory.cap);
        if (status == STATUS_OK)
            status = cap_inspect(memory.cap, &facts);
    }
    if (status == STATUS_OK && !facts.sole)
        return STATUS_BUSY;
    return status;
}

enum status memory_create(group_t group, u64 size_bytes, u32 flags, memory_t *memory)
{
    ENTER(create_memory, group.cap, size_bytes, flags);
    if (status == STATUS_OK)
        memory->cap.bits = frame.words[0];
    return status;
}

enum status memory_map_into(process_t process, memory_t memory, u64 offset, u64 size_bytes,
                            u32 flags, u64 *address)
{
    ENTER(map, memory.cap, process.cap.bits, *address, offset, size_bytes, flags);
    if (status == STATUS_OK)
        *address = frame.words[0];
    return status;
}

enum status memory_clone(group_t group, memory_t source, u64 offset, u64 size, memory_t *memory)
{
    ENTER(clone_memory, group.cap, source.cap.bits, offset, size, 0, 0, 0);
    if (status == STATUS_OK)
        memory->cap.bits = frame.words[0];
    return status;
}

enum status memory_discard(memory_t memory, u64 offset, u64 size_bytes)
{
    ENTER(discard_memory, memory.cap, offset, size_bytes);
    return status;
}

enum status memory_map(memory_t memory, u64 offset, u64 size_bytes, u32 flags, u64 *address)
{
    return memory_map_into((process_t){CAP_NULL}, memory, offset, size_bytes, flags, address);
}

enum status memory_unmap_in(process_t process, u64 address, u64 size_bytes)
{
    ENTER(unmap, CAP_NULL, process.cap.bits, address, size_bytes);
    return status;
}

enum status memory_unmap(u64 address, u64 size_bytes)
{
    return memory_unmap_in((process_t){CAP_NULL}, address, size_bytes);
}

enum status memory_protect_in(process_t process, u64 address, u64 size_bytes, u32 flags)
{
    ENTER(protect, CAP_NULL, process.cap.bits, address, size_bytes, 0, flags);
    return status;
}

enum status memory_protect(u64 address, u64 size_bytes, u32 flags)
{
    return memory_protect_in((process_t){CAP_NULL}, address, size_bytes, flags);
}

enum status process_create(group_t group, const struct spawn_plan *plan, process_t *process,
                           thread_t *thread, u64 *process_id)
{
    ENTER(spawn, group.cap, (u64)(uintptr_t)plan);
    if (status != STATUS_OK)
        return status;
    process->cap.bits = frame.words[0];
    thread->cap.bits = frame.words[1];
    *process_id = frame.words[2];
    return STATUS_OK;
}

static enum status wait_with(process_t process, u64 info, u64 deadline_ns,
                             struct exit_record *record)
{
    struct syscall_frame frame = {
        .number = SYS_wait, .info = info, .handle = process.cap.bits, .deadline = deadline_ns};
    enum status status = ferrous_syscall(&frame);

    if (status != STATUS_OK)
        return status;
    record->reason = (u32)frame.words[0];
    record->fault = (u32)(frame.words[0] >> 32);
    record->code = (i64)frame.words[1];
    record->address = frame.words[2];
    record->pc = frame.words[3];
    return STATUS_OK;
}

enum status process_wait(process_t process, u64 deadline_ns, struct exit_record *record)
{
    return wait_with(process, 0, deadline_ns, record);
}

enum status process_poll(process_t process, struct exit_record *record)
{
    return wait_with(process, INFO_NONBLOCK, TIME_NEVER, record);
}

enum status process_watch(process_t process, endpoint_t endpoint)
{
    return ferrous_syscall_plain(SYS_watch, process.cap.bits, endpoint.cap.bits, 0);
}

enum status process_kill(process_t process, i64 code)
{
    return ferrous_syscall_plain(SYS_kill, process.cap.bits, (u64)code, 0);
}

_Noreturn void process_exit(i64 code)
{
    for (;;)
        (void)ferrous_syscall_plain(SYS_exit, 0, (u64)code, 0);
}

enum status kthread_create(process_t process, u64 entry, u64 stack, u64 argument, u64 pointer,
                           bool held, void *buffer, struct thread_facts *facts)
{
    ENTER(create_thread, process.cap, entry, stack, argument, pointer, held ? 1 : 0,
          (u64)(uintptr_t)buffer);
    if (status != STATUS_OK)
        return status;
    facts->thread.cap.bits = frame.words[0];
    facts->id = frame.words[1];
    return STATUS_OK;
}

enum status kthread_control(thread_t thread, u64 operation, u64 argument)
{
    return ferrous_syscall_plain(SYS_thread_control, thread.cap.bits, operation, argument);
}

enum status kthread_get_registers(thread_t thread, struct thread_registers *registers)
{
    return kthread_control(thread, THREAD_GET_REGISTERS, (u64)(uintptr_t)registers);
}

enum status kthread_set_registers(thread_t thread, const struct thread_registers *registers)
{
    return kthread_control(thread, THREAD_SET_REGISTERS, (u64)(uintptr_t)registers);
}

enum status process_memory(process_t process, u64 operation, u64 there, void *here, u64 *size)
{
    ENTER(process_memory, process.cap, operation, there, (u64)(uintptr_t)here, *size);
    if (status == STATUS_OK)
        *size = frame.words[0];
    return status;
}

enum status kthread_kill(thread_t thread, i64 code)
{
    return ferrous_syscall_plain(SYS_kill, thread.cap.bits, (u64)code, 0);
}

enum status kthread_cancel(thread_t thread)
{
    return ferrous_syscall_plain(SYS_cancel, thread.cap.bits, 0, 0);
}

enum status futex_wait(u32 *word, u32 expected, u64 deadline_ns)
{
    u64 address = (u64)(uintptr_t)word;
    u64 value = expected;

    return ferrous_syscall_short(SYS_futex_wait, 0, deadline_ns, &address, &value);
}

u64 futex_wake(u32 *word, u64 count)
{
    u64 result = (u64)(uintptr_t)word;

    if (ferrous_syscall_short(SYS_futex_wake, 0, TIME_NEVER, &result, &count) != STATUS_OK)
        return 0;
    return result;
}

void group_limits_init(struct group_limits *limits, const char *name)
{
    memset(limits, 0, sizeof(*limits));
    string_copy(limits->name, sizeof(limits->name), name);
    for (size_t i = 0; i < sizeof(limits->limit) / sizeof(limits->limit[0]); i++)
        limits->limit[i] = GROUP_NO_LIMIT;
}

enum status group_create(group_t parent, const struct group_limits *limits, group_t *group)
{
    ENTER(create_resource_group, parent.cap, (u64)(uintptr_t)limits);
    if (status == STATUS_OK)
        group->cap.bits = frame.words[0];
    return status;
}

enum status group_destroy(group_t group)
{
    return ferrous_syscall_plain(SYS_group_control, group.cap.bits, GROUP_DESTROY, 0);
}

enum status group_set_limit(group_t group, enum group_resource resource, u64 limit)
{
    ENTER(group_control, group.cap, GROUP_SET_LIMIT, resource, limit);
    return status;
}

enum status group_set_weight(group_t group, u64 weight)
{
    ENTER(group_control, group.cap, GROUP_SET_WEIGHT, weight);
    return status;
}

enum status group_set_quota(group_t group, u64 quota_ns, u64 period_ns)
{
    ENTER(group_control, group.cap, GROUP_SET_QUOTA, quota_ns, period_ns);
    return status;
}

enum status group_suspend(group_t group)
{
    return ferrous_syscall_plain(SYS_group_control, group.cap.bits, GROUP_SUSPEND, 0);
}

enum status group_resume(group_t group)
{
    return ferrous_syscall_plain(SYS_group_control, group.cap.bits, GROUP_RESUME, 0);
}

enum status group_usage(group_t group, struct group_usage *usage)
{
    return ferrous_syscall_plain(SYS_group_info, group.cap.bits, (u64)(uintptr_t)usage, 0);
}

enum status interrupt_create(machine_t machine, group_t payer, u32 line, interrupt_t *interrupt)
{
    ENTER(create_interrupt, machine.cap, payer.cap.bits, 0, line);
    if (status == STATUS_OK)
        interrupt->cap.bits = frame.words[0];
    return status;
}

enum status interrupt_ack(interrupt_t interrupt, endpoint_t endpoint)
{
    return ferrous_syscall_plain(SYS_interrupt_ack, interrupt.cap.bits, endpoint.cap.bits, 0);
}

enum status port_in(ports_t ports, u16 port, u32 width_bytes, u32 *value)
{
    u64 w0 = port;
    u64 w1 = width_bytes;
    enum status status = ferrous_syscall_short(SYS_port_in, ports.cap.bits, TIME_NEVER, &w0, &w1);

    if (status == STATUS_OK)
        *value = (u32)w0;
    return status;
}

enum status port_out(ports_t ports, u16 port, u32 width_bytes, u32 value)
{
    ENTER(port_out, ports.cap, port, width_bytes, value);
    return status;
}

enum status machine_info(machine_t machine, enum machine_info_topic topic, void *buffer, u64 size,
                         u64 position, u64 *written, u64 *next)
{
    ENTER(machine_info, machine.cap, topic, (u64)(uintptr_t)buffer, size, position);
    if (status != STATUS_OK)
        return status;
    *written = frame.words[0];
    if (next != NULL)
        *next = frame.words[1];
    return STATUS_OK;
}

enum status machine_control(machine_t machine, u64 operation, u64 argument)
{
    return ferrous_syscall_plain(SYS_machine_control, machine.cap.bits, operation, argument);
}

enum status process_list(machine_t machine, struct process_entry *entries, u64 *count, u64 after)
{
    ENTER(process_list, machine.cap, (u64)(uintptr_t)entries, *count, after);
    if (status == STATUS_OK)
        *count = frame.words[0];
    return status;
}

enum status timer_create(group_t group, endpoint_t endpoint, ktimer_t *timer)
{
    ENTER(create_timer, group.cap, endpoint.cap.bits);
    if (status == STATUS_OK)
        timer->cap.bits = frame.words[0];
    return status;
}

enum status timer_set(ktimer_t timer, u64 deadline_ns, u64 period_ns)
{
    u64 none = 0;

    return ferrous_syscall_short(SYS_timer_set, timer.cap.bits, deadline_ns, &period_ns, &none);
}

enum status trace_domain_control(trace_domain_t domain, u64 operation, u64 argument, u64 *result)
{
    ENTER(trace_control, domain.cap, operation, argument);
    if (status == STATUS_OK && result != NULL)
        *result = frame.words[0];
    return status;
}

enum status trace_domain_emit(trace_domain_t domain, const u64 words[4])
{
    ENTER(trace_emit, domain.cap, words[0], words[1], words[2], words[3]);
    return status;
}

const char *status_text(enum status status)
{
    switch (status) {
#define STATUS(number, name, text)                                                                 \
    case STATUS_##name:                                                                            \
        return text;
#include "abi/status.def"
#undef STATUS
    }
    return "unknown status";
}
