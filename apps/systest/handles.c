/*
 * Every call that takes a capability, given each kind of wrong one: a table of calls, and one test
 * per kind. The arguments besides the handle are good ones, so that nothing else can be what the
 * kernel objects to.
 */
#include "systest.h"

/* Objects of every type, with all rights that this program can have. */
static struct targets {
    cap_t cap[OBJECT_TYPE_COUNT];
    struct process process;
    struct group_limits limits;
    struct group_usage usage;
    struct spawn_plan plan;
    struct machine_counts counts;
    struct process_entry entry;
    struct why_entry why;
    struct who_entry who;
} targets;

#define ANY OBJECT_NONE

struct call {
    const char *name;
    u64 number;
    u32 type;
    u32 right; /* 0: needs none */
    u64 words[6];
};

static u64 at(const void *pointer)
{
    return (u64)(uintptr_t)pointer;
}

#define MAX_CALLS 56u
static struct call calls[MAX_CALLS];
static u32 call_count;

static void add(const char *name, u64 number, u32 type, u32 right, u64 w0, u64 w1, u64 w2, u64 w3)
{
    calls[call_count++] = (struct call){name, number, type, right, {w0, w1, w2, w3}};
}

#define ADD(name, type, right, w0, w1, w2, w3) add(#name, SYS_##name, type, right, w0, w1, w2, w3)

static u64 own_process_id(void)
{
    struct cap_facts facts;

    return cap_inspect(start_info()->self, &facts) == STATUS_OK ? facts.object_id : 0;
}

static void list_calls(void)
{
    u64 endpoint = targets.cap[OBJECT_ENDPOINT].bits;

    call_count = 0;
    ADD(send, OBJECT_ENDPOINT, RIGHT_SEND, 0, 0, 0, 0);
    ADD(receive, OBJECT_ENDPOINT, RIGHT_RECEIVE, 0, 0, 0, 0);
    ADD(call, OBJECT_ENDPOINT, RIGHT_SEND, 0, 0, 0, 0);
    ADD(reply_receive, OBJECT_ENDPOINT, RIGHT_RECEIVE, 0, 0, 0, 0);
    ADD(signal, OBJECT_ENDPOINT, RIGHT_SIGNAL, 0, 0, 0, 0);
    ADD(cancel, OBJECT_THREAD, RIGHT_CONTROL, 0, 0, 0, 0);
    ADD(create_endpoint, OBJECT_GROUP, RIGHT_CREATE_ENDPOINT, 0, 0, 0, 0);
    ADD(defer, OBJECT_GROUP, RIGHT_CREATE_ENDPOINT, 0, 0, 0, 0);
    ADD(create_channel, OBJECT_GROUP, RIGHT_CREATE_ENDPOINT, 0, 0, 0, 0);
    ADD(derive, ANY, RIGHT_DERIVE, UINT32_MAX, 0, TIME_NEVER, 0);
    ADD(grant, OBJECT_PROCESS, RIGHT_GRANT, endpoint, UINT32_MAX, CAP_SEND_COPY, 0);
    ADD(revoke, ANY, RIGHT_REVOKE, 0, 0, 0, 0);
    ADD(close, ANY, 0, 0, 0, 0, 0);
    ADD(inspect, ANY, 0, 0, 0, 0, 0);
    ADD(create_memory, OBJECT_GROUP, RIGHT_CREATE_MEMORY, PAGE_SIZE, 0, 0, 0);
    ADD(clone_memory, OBJECT_GROUP, RIGHT_CREATE_MEMORY, targets.cap[OBJECT_MEMORY].bits, 0,
        PAGE_SIZE, 0);
    ADD(discard_memory, OBJECT_MEMORY, RIGHT_WRITE, 0, PAGE_SIZE, 0, 0);
    ADD(spawn, OBJECT_GROUP, RIGHT_SPAWN, at(&targets.plan), 0, 0, 0);
    ADD(wait, OBJECT_PROCESS, RIGHT_WAIT, 0, 0, 0, 0);
    ADD(watch, OBJECT_PROCESS, RIGHT_WAIT, endpoint, 0, 0, 0);
    ADD(kill, OBJECT_PROCESS, RIGHT_KILL, 0, 0, 0, 0);
    ADD(create_thread, OBJECT_PROCESS, RIGHT_CONTROL, USER_START, USER_START, 0, 0);
    ADD(thread_control, OBJECT_THREAD, RIGHT_CONTROL, THREAD_SET_CPUS, 1, 0, 0);
    ADD(process_memory, OBJECT_PROCESS, RIGHT_READ_MEMORY, PROCESS_MEMORY_READ, at(&targets.limits),
        at(&targets.usage), 8);
    ADD(create_resource_group, OBJECT_GROUP, RIGHT_CREATE_GROUP, at(&targets.limits), 0, 0, 0);
    ADD(group_control, OBJECT_GROUP, RIGHT_GROUP_CONTROL, GROUP_SET_WEIGHT, 100, 0, 0);
    ADD(group_control, OBJECT_GROUP, RIGHT_GROUP_CONTROL, GROUP_SET_QUOTA, 0, 0, 0);
    ADD(group_info, OBJECT_GROUP, RIGHT_GROUP_INFO, at(&targets.usage), 0, 0, 0);
    ADD(port_in, OBJECT_PORTS, RIGHT_PORT_IN, 0x80, 1, 0, 0);
    ADD(port_out, OBJECT_PORTS, RIGHT_PORT_OUT, 0x80, 1, 0, 0);
    ADD(interrupt_ack, OBJECT_INTERRUPT, RIGHT_BIND, endpoint, 0, 0, 0);
    ADD(create_interrupt, OBJECT_MACHINE, RIGHT_INTERRUPTS, targets.cap[OBJECT_GROUP].bits, 0, 5,
        0);
    ADD(machine_info, OBJECT_MACHINE, RIGHT_FACTS, MACHINE_INFO_COUNTS, at(&targets.counts),
        sizeof(targets.counts), 0);
    ADD(machine_control, OBJECT_MACHINE, RIGHT_POWER, MACHINE_POWER_OFF, 0, 0, 0);
    ADD(process_list, OBJECT_MACHINE, RIGHT_PROCESS_LIST, at(&targets.entry), 1, 0, 0);
    ADD(why, OBJECT_MACHINE, RIGHT_PROCESS_LIST, at(&targets.why), 1, own_process_id(), 0);
    ADD(who, OBJECT_MACHINE, RIGHT_PROCESS_LIST, at(&targets.who), 1, own_process_id(),
        WHO_CAPABILITIES);
    ADD(create_timer, OBJECT_GROUP, RIGHT_CREATE_TIMER, endpoint, 0, 0, 0);
    ADD(timer_set, OBJECT_TIMER, RIGHT_SET, 0, 0, 0, 0);
    ADD(trace_control, OBJECT_TRACE_DOMAIN, RIGHT_TRACE_READ, TRACE_GET_MEMORY, 0, 0, 0);
    ADD(trace_emit, OBJECT_TRACE_DOMAIN, RIGHT_TRACE_EMIT, 1, 2, 3, 4);
}

static enum status make_objects(void)
{
    endpoint_t endpoint;
    memory_t memory;
    ktimer_t timer;
    group_t group;
    enum status status = make_endpoint(0, &endpoint);

    if (status == STATUS_OK) {
        targets.cap[OBJECT_ENDPOINT] = endpoint.cap;
        status = memory_create(systest.group, PAGE_SIZE, 0, &memory);
    }
    if (status == STATUS_OK) {
        targets.cap[OBJECT_MEMORY] = memory.cap;
        status = timer_create(systest.group, endpoint, &timer);
    }
    if (status == STATUS_OK) {
        targets.cap[OBJECT_TIMER] = timer.cap;
        status = group_create(systest.group, &targets.limits, &group);
    }
    if (status == STATUS_OK) {
        targets.cap[OBJECT_GROUP] = group.cap;
        status = start_role(systest.group, "sleep", NULL, NULL, 0, &targets.process);
    }
    return status;
}

static bool set_up(void)
{
    memset(&targets, 0, sizeof(targets));
    group_limits_init(&targets.limits, "handles");
    if (make_objects() != STATUS_OK) {
        test_fail(__FILE__, __LINE__, "cannot make one object of each type");
        return false;
    }
    targets.cap[OBJECT_PROCESS] = targets.process.handle.cap;
    targets.cap[OBJECT_THREAD] = targets.process.main_thread.cap;
    targets.cap[OBJECT_MACHINE] = systest.machine.cap;
    targets.cap[OBJECT_PORTS] = systest.ports.cap;
    targets.cap[OBJECT_INTERRUPT] = start_cap("interrupt");
    targets.cap[OBJECT_TRACE_DOMAIN] = start_cap("trace");
    list_calls();
    return true;
}

static void tear_down(void)
{
    struct exit_record record;

    (void)process_kill(targets.process.handle, 0);
    (void)!end_of(&targets.process, &record);
    (void)!group_destroy((group_t){targets.cap[OBJECT_GROUP]});
    (void)cap_close(targets.cap[OBJECT_GROUP]);
    (void)cap_close(targets.cap[OBJECT_ENDPOINT]);
    (void)cap_close(targets.cap[OBJECT_MEMORY]);
    (void)cap_close(targets.cap[OBJECT_TIMER]);
}

static void expect(const struct call *call, cap_t cap, enum status expected)
{
    struct syscall_frame frame = {
        .number = call->number, .info = INFO_NONBLOCK, .handle = cap.bits, .deadline = SOON};
    enum status status;

    memcpy(frame.words, call->words, sizeof(call->words));
    status = ferrous_syscall(&frame);
    if (status != expected)
        test_fail(__FILE__, __LINE__, "%s: %s, not %s", call->name, status_text(status),
                  status_text(expected));
}

BOOT_TEST(handles, null_is_refused)
{
    if (!set_up())
        return;
    for (u32 i = 0; i < call_count; i++)
        expect(&calls[i], CAP_NULL, STATUS_BAD_HANDLE);
    tear_down();
}

BOOT_TEST(handles, guessed_is_refused)
{
    if (!set_up())
        return;
    for (u32 i = 0; i < call_count; i++) {
        cap_t right = targets.cap[calls[i].type == ANY ? OBJECT_ENDPOINT : calls[i].type];

        expect(&calls[i], (cap_t){right.bits ^ (1ull << 40)}, STATUS_BAD_HANDLE);
        expect(&calls[i], (cap_t){UINT64_MAX}, STATUS_BAD_HANDLE);
    }
    tear_down();
}

BOOT_TEST(handles, closed_is_stale)
{
    if (!set_up())
        return;
    for (u32 i = 0; i < call_count; i++) {
        cap_t cap = targets.cap[calls[i].type == ANY ? OBJECT_ENDPOINT : calls[i].type];
        cap_t child;

        if (cap_derive_rights(cap, UINT32_MAX, &child) != STATUS_OK) {
            test_fail(__FILE__, __LINE__, "%s: cannot derive", calls[i].name);
            continue;
        }
        (void)cap_close(child);
        expect(&calls[i], child, STATUS_STALE_HANDLE);
    }
    tear_down();
}

BOOT_TEST(handles, wrong_type_is_told)
{
    if (!set_up())
        return;
    for (u32 i = 0; i < call_count; i++) {
        u32 other = calls[i].type == OBJECT_MEMORY ? OBJECT_TIMER : OBJECT_MEMORY;

        if (calls[i].type != ANY)
            expect(&calls[i], targets.cap[other], STATUS_WRONG_TYPE);
    }
    tear_down();
}

BOOT_TEST(handles, missing_right_is_told)
{
    if (!set_up())
        return;
    for (u32 i = 0; i < call_count; i++) {
        cap_t cap = targets.cap[calls[i].type == ANY ? OBJECT_ENDPOINT : calls[i].type];
        cap_t child;

        if (calls[i].right == 0)
            continue;
        if (cap_derive_rights(cap, ~calls[i].right, &child) != STATUS_OK) {
            test_fail(__FILE__, __LINE__, "%s: cannot derive", calls[i].name);
            continue;
        }
        expect(&calls[i], child, STATUS_MISSING_RIGHT);
        (void)cap_close(child);
    }
    tear_down();
}

BOOT_TEST(handles, revoked_is_told)
{
    endpoint_t endpoint;
    cap_t child;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, UINT32_MAX, &child));
    CHECK_OK(cap_revoke(endpoint.cap));
    CHECK_REVOKED(endpoint_signal((endpoint_t){child}));
    CHECK_OK(endpoint_signal(endpoint));
    (void)cap_close(child);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(handles, unknown_calls_are_refused)
{
    static const u64 numbers[] = {22, 40, 41, 42, 50, 60, 63, 64, 1000, UINT64_MAX};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        CHECK_STATUS(ferrous_syscall_plain(numbers[i], 0, 0, 0), STATUS_BAD_SYSCALL);
}

BOOT_TEST(handles, null_call_works)
{
    CHECK_OK(ferrous_syscall_plain(SYS_null, 0, 0, 0));
}

BOOT_TEST(handles, denials_are_counted)
{
    struct machine_counts before;
    struct machine_counts after;
    u64 written;

    CHECK_OK(machine_info(systest.machine, MACHINE_INFO_COUNTS, &before, sizeof(before), 0,
                          &written, NULL));
    for (u32 i = 0; i < 10; i++)
        CHECK_STATUS(endpoint_signal((endpoint_t){CAP_NULL}), STATUS_BAD_HANDLE);
    CHECK_OK(machine_info(systest.machine, MACHINE_INFO_COUNTS, &after, sizeof(after), 0, &written,
                          NULL));
    CHECK(after.denials - before.denials >= 10);
}
