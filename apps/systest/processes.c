/* Processes: spawn, wait, watch, kill, exit, faults. */
#include "systest.h"

#include "lib/format.h"

static enum status run_to_end(const char *role, const char *argument, struct exit_record *record)
{
    struct process process;
    enum status status = start_role(systest.group, role, argument, NULL, 0, &process);

    return status == STATUS_OK ? end_of(&process, record) : status;
}

BOOT_TEST(processes, exit_code_is_told)
{
    struct exit_record record;

    CHECK_OK(run_to_end("exit", "0", &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
    CHECK_OK(run_to_end("exit", "1234567", &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 1234567);
}

BOOT_TEST(processes, start_page_tells_everything)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_SEND);
    cap.badge = 77;
    CHECK_OK(start_role(systest.group, "inspect", "with blanks, and commas", &cap, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(processes, wait_has_a_deadline_and_can_poll)
{
    struct exit_record record;
    struct process process;

    CHECK_OK(start_role(systest.group, "sleep", NULL, NULL, 0, &process));
    CHECK_STATUS(process_poll(process.handle, &record), STATUS_WOULD_BLOCK);
    CHECK_STATUS(process_wait(process.handle, SOON, &record), STATUS_TIMED_OUT);
    CHECK_OK(process_kill(process.handle, 9));
    CHECK_OK(process_poll(process.handle, &record));
    CHECK_EQ(record.reason, EXIT_KILLED);
    CHECK_EQ(record.code, 9);
    CHECK_OK(process_wait(process.handle, TIME_NEVER, &record));
    CHECK_EQ(record.reason, EXIT_KILLED);
    process_close(&process);
}

BOOT_TEST(processes, a_spinning_process_can_be_killed)
{
    struct exit_record record;
    struct process process;

    CHECK_OK(start_role(systest.group, "spin", NULL, NULL, 0, &process));
    time_sleep_ns(5 * NS_PER_MS);
    CHECK_OK(process_kill(process.handle, 1));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_KILLED);
}

BOOT_TEST(processes, watch_signals_the_end)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;
    struct exit_record record;
    struct process process;
    struct message message;
    endpoint_t endpoint;
    endpoint_t watch;

    CHECK_OK(make_endpoint(0, &endpoint));
    restriction.rights = RIGHT_SIGNAL;
    restriction.badge = 0x40;
    CHECK_OK(cap_derive(endpoint.cap, &restriction, &watch.cap));
    CHECK_OK(start_role(systest.group, "sleep", NULL, NULL, 0, &process));
    CHECK_OK(process_watch(process.handle, watch));
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, SOON), STATUS_TIMED_OUT);
    CHECK_OK(process_kill(process.handle, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_EQ(message_kind(&message), MESSAGE_SIGNAL);
    CHECK_EQ(message.words[0], 0x40);
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(watch.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(processes, watch_of_the_dead_signals_at_once)
{
    struct exit_record record;
    struct process process;
    struct message message;
    endpoint_t endpoint;
    enum status status;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(start_role(systest.group, "exit", "3", NULL, 0, &process));
    CHECK_OK(process_wait(process.handle, PATIENCE, &record));
    status = process_watch(process.handle, endpoint);
    CHECK(status == STATUS_OK || status == STATUS_DEAD);
    if (status == STATUS_OK)
        CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(endpoint.cap));
}

static const struct fault_case {
    const char *address;
    u64 value;
} fault_cases[] = {{"0x0", 0},
                   {"0x1008", 0x1008},
                   {"0x7ffffffff000", 0x7ffffffff000},
                   {"0xffffffff80000000", 0xffffffff80000000ull}};

BOOT_TEST(processes, faults_end_the_process_with_the_reason)
{
    struct exit_record record;

    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        CHECK_OK(run_to_end("fault", fault_cases[i].address, &record));
        CHECK_EQ(record.reason, EXIT_FAULT);
        CHECK_EQ(record.fault, FAULT_PAGE_WRITE);
        CHECK_EQ(record.address, fault_cases[i].value);
        CHECK(record.pc != 0);
    }
    CHECK_OK(run_to_end("illegal", NULL, &record));
    CHECK_EQ(record.reason, EXIT_FAULT);
    CHECK_EQ(record.fault, FAULT_ILLEGAL);
}

static enum status start_with_handler(const char *role, endpoint_t handler, struct process *process)
{
    const char *arguments[] = {"systest", "--role", role, "0x20008"};
    struct process_spec spec = {.name = role,
                                .group = systest.group,
                                .image = systest.image,
                                .arguments = arguments,
                                .argument_count = 4,
                                .fault_endpoint = handler};

    return process_spawn(&spec, process);
}

BOOT_TEST(processes, fault_goes_to_the_handler)
{
    struct exit_record record;
    struct fault_record fault;
    struct process process;
    struct message message;
    endpoint_t handler;

    CHECK_OK(make_endpoint(0, &handler));
    CHECK_OK(start_with_handler("fault", handler, &process));
    CHECK_OK(ipc_receive(handler, &message, 0, PATIENCE));
    CHECK_EQ(message_kind(&message), MESSAGE_FAULT);
    CHECK_EQ(message_length(&message), sizeof(fault));
    memcpy(&fault, message_data(), sizeof(fault));
    CHECK_EQ(fault.reason, FAULT_PAGE_WRITE);
    CHECK_EQ(fault.address, 0x20008);
    message = MESSAGE_INIT(FAULT_REPLY_KILL);
    CHECK_OK(ipc_reply(&message));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_FAULT);
    CHECK_EQ(record.fault, FAULT_PAGE_WRITE);
    CHECK_OK(cap_close(handler.cap));
}

BOOT_TEST(processes, handler_mends_and_retries)
{
    struct exit_record record;
    struct process process;
    struct message message;
    u64 address = 0x20000;
    endpoint_t handler;
    memory_t memory;

    CHECK_OK(make_endpoint(0, &handler));
    CHECK_OK(memory_create(systest.group, PAGE_SIZE, 0, &memory));
    CHECK_OK(start_with_handler("fault", handler, &process));
    CHECK_OK(ipc_receive(handler, &message, 0, PATIENCE));
    CHECK_OK(memory_map_into(process.handle, memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_FIXED,
                             &address));
    message = MESSAGE_INIT(FAULT_REPLY_RETRY);
    CHECK_OK(ipc_reply(&message));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(cap_close(handler.cap));
}

BOOT_TEST(processes, handler_skips_an_instruction)
{
    struct exit_record record;
    struct fault_record fault;
    struct process process;
    struct message message;
    endpoint_t handler;

    CHECK_OK(make_endpoint(0, &handler));
    CHECK_OK(start_with_handler("illegal", handler, &process));
    CHECK_OK(ipc_receive(handler, &message, 0, PATIENCE));
    memcpy(&fault, message_data(), sizeof(fault));
    CHECK_EQ(fault.reason, FAULT_ILLEGAL);
    message = MESSAGE_INIT(FAULT_REPLY_SKIP);
    message.words[0] = fault.pc + 2;
    CHECK_OK(ipc_reply(&message));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_OK(cap_close(handler.cap));
}

BOOT_TEST(processes, handler_that_gives_up_lets_it_die)
{
    struct exit_record record;
    struct process process;
    struct message message;
    endpoint_t handler;

    CHECK_OK(make_endpoint(0, &handler));
    CHECK_OK(start_with_handler("fault", handler, &process));
    CHECK_OK(ipc_receive(handler, &message, 0, PATIENCE));
    CHECK_STATUS(ipc_poll(handler, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_FAULT);
    CHECK_OK(cap_close(handler.cap));
}

BOOT_TEST(processes, exit_in_any_thread_ends_it)
{
    struct process_cap cap = GIVE("group", systest.group, RIGHT_CREATE_MEMORY);
    struct exit_record record;
    struct process process;

    CHECK_OK(start_role(systest.group, "thread-exit", NULL, &cap, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 21);
}

BOOT_TEST(processes, threads_and_objects_go_with_it)
{
    struct process_cap caps[2];
    struct exit_record record;
    struct process process;
    struct message message;
    endpoint_t ready;

    CHECK_OK(make_endpoint(0, &ready));
    caps[0] = GIVE("group", systest.group, RIGHT_CREATE_MEMORY | RIGHT_CREATE_ENDPOINT);
    caps[1] = GIVE("ready", ready, RIGHT_SIGNAL);
    CHECK_OK(start_role(systest.group, "crowd", NULL, caps, 2, &process));
    CHECK_OK(ipc_receive(ready, &message, 0, PATIENCE));
    CHECK_OK(process_kill(process.handle, 0));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_KILLED);
    CHECK_OK(cap_close(ready.cap));
}

BOOT_TEST(processes, held_process_starts_when_told)
{
    const char *arguments[] = {"systest", "--role", "exit", "7"};
    struct process_spec spec = {.name = "held",
                                .group = systest.group,
                                .image = systest.image,
                                .arguments = arguments,
                                .argument_count = 4,
                                .held = true};
    struct exit_record record;
    struct process process;

    CHECK_OK(process_spawn(&spec, &process));
    CHECK_STATUS(process_wait(process.handle, SOON, &record), STATUS_TIMED_OUT);
    CHECK_OK(kthread_control(process.main_thread, THREAD_START, 0));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, 7);
}

BOOT_TEST(processes, spawn_checks_its_plan)
{
    static struct spawn_plan plan;
    process_t process;
    thread_t thread;
    u64 id;

    memset(&plan, 0, sizeof(plan));
    plan.entry = USER_START;
    plan.segment_count = SPAWN_MAX_SEGMENTS + 1;
    CHECK_STATUS(process_create(systest.group, &plan, &process, &thread, &id), STATUS_BAD_ARGUMENT);
    plan.segment_count = 0;
    plan.cap_count = SPAWN_MAX_CAPS + 1;
    CHECK_STATUS(process_create(systest.group, &plan, &process, &thread, &id), STATUS_BAD_ARGUMENT);
    plan.cap_count = 1;
    CHECK_STATUS(process_create(systest.group, &plan, &process, &thread, &id), STATUS_BAD_HANDLE);
    plan.cap_count = 0;
    plan.arguments_size = START_ARGUMENTS_SIZE + 1;
    CHECK_STATUS(process_create(systest.group, &plan, &process, &thread, &id), STATUS_BAD_ARGUMENT);
    plan.arguments_size = 0;
    plan.segment_count = 1;
    plan.segments[0] = (struct spawn_segment){.address = USER_START,
                                              .size_bytes = PAGE_SIZE,
                                              .map_flags = MAP_READ | MAP_WRITE | MAP_EXECUTE};
    CHECK_STATUS(process_create(systest.group, &plan, &process, &thread, &id), STATUS_BAD_ARGUMENT);
    plan.segments[0].map_flags = MAP_READ;
    plan.segments[0].address = 0;
    CHECK(process_create(systest.group, &plan, &process, &thread, &id) != STATUS_OK);
    plan.segments[0].address = USER_START + 1;
    CHECK(process_create(systest.group, &plan, &process, &thread, &id) != STATUS_OK);
    plan.segments[0].address = 0xffff800000000000ull;
    CHECK(process_create(systest.group, &plan, &process, &thread, &id) != STATUS_OK);
    plan.segments[0].address = USER_START;
    plan.segments[0].memory = systest.group.cap;
    CHECK_STATUS(process_create(systest.group, &plan, &process, &thread, &id), STATUS_WRONG_TYPE);
}

/* An entry that is not executable, or not canonical, is that process's affair alone. */
BOOT_TEST(processes, wild_entries_fault)
{
    static const u64 entries[] = {USER_START, USER_END - PAGE_SIZE};
    static struct spawn_plan plan;
    struct exit_record record;
    struct process process;

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        memset(&plan, 0, sizeof(plan));
        plan.entry = entries[i];
        CHECK_OK(process_create(systest.group, &plan, &process.handle, &process.main_thread,
                                &process.id));
        CHECK_OK(end_of(&process, &record));
        CHECK_EQ(record.reason, EXIT_FAULT);
        CHECK_EQ(record.fault, FAULT_PAGE_EXECUTE);
    }
}

BOOT_TEST(processes, a_process_cannot_wait_for_itself_or_give_itself_away)
{
    struct exit_record record;
    struct cap_facts facts;

    CHECK(process_wait(start_self(), SOON, &record) != STATUS_OK);
    CHECK_OK(cap_inspect(start_self().cap, &facts));
    CHECK_EQ(facts.rights & RIGHT_TRANSFER, 0);
}

BOOT_TEST(processes, fifty_come_and_go)
{
    struct exit_record record;

    for (u64 i = 0; i < 50; i++) {
        char code[8];

        format_to(code, sizeof(code), "%u", (u32)i);
        CHECK_OK(run_to_end("exit", code, &record));
        CHECK_EQ(record.code, i);
    }
}

BOOT_TEST(processes, ten_at_once)
{
    struct process processes[10];
    struct exit_record record;

    for (u32 i = 0; i < 10; i++)
        CHECK_OK(start_role(systest.group, "exit", "5", NULL, 0, &processes[i]));
    for (u32 i = 0; i < 10; i++) {
        CHECK_OK(end_of(&processes[i], &record));
        CHECK_EQ(record.code, 5);
    }
}

BOOT_TEST(processes, main_thread_may_end_first)
{
    struct process_cap cap = GIVE("group", systest.group, RIGHT_CREATE_MEMORY);
    struct exit_record record;
    struct process process;

    CHECK_OK(start_role(systest.group, "main-exit", NULL, &cap, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 33);
}

/* A process in any kind of wait can be killed, and leaves no trace in what it waited for. */
BOOT_TEST(processes, killed_in_every_wait)
{
    static const char *const waits[] = {"receive", "send", "call", "wait", "futex"};
    struct process_cap caps[2];
    struct exit_record record;
    struct message message;
    struct process process;
    endpoint_t endpoint;
    struct process other;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(start_role(systest.group, "sleep", NULL, NULL, 0, &other));
    caps[0] = GIVE("endpoint", endpoint, RIGHT_SEND | RIGHT_RECEIVE);
    caps[1] = GIVE("process", other.handle, RIGHT_WAIT);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        CHECK_OK(start_role(systest.group, "block", waits[i], caps, 2, &process));
        CHECK_STATUS(process_wait(process.handle, SOON, &record), STATUS_TIMED_OUT);
        CHECK_OK(process_kill(process.handle, 3));
        CHECK_OK(end_of(&process, &record));
        CHECK_EQ(record.reason, EXIT_KILLED);
        CHECK_STATUS(ipc_poll(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    }
    CHECK_OK(process_kill(other.handle, 0));
    CHECK_OK(end_of(&other, &record));
    CHECK_OK(cap_close(endpoint.cap));
}

/* The place of a program differs from run to run. */
BOOT_TEST(processes, addresses_are_random)
{
    u64 first = 0;
    bool differs = false;

    for (u32 i = 0; i < 4; i++) {
        struct exit_record record;

        CHECK_OK(run_to_end("illegal", NULL, &record));
        if (i == 0)
            first = record.pc;
        differs = differs || record.pc != first;
    }
    CHECK(differs);
}
