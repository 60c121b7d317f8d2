/* The services that every booted system has: the console and the process manager, asked rightly and
 * wrongly. */
#include "interfaces/console.h"
#include "interfaces/manager.h"
#include "systest.h"

static endpoint_t manager(void)
{
    return (endpoint_t){start_cap("manager")};
}

static endpoint_t console(void)
{
    return (endpoint_t){start_cap("console")};
}

static enum status ask(endpoint_t endpoint, u32 label, u64 w0)
{
    struct message message = MESSAGE_INIT(label);

    message.words[0] = w0;
    return ipc_call_checked(endpoint, &message, PATIENCE);
}

/* Runs a command line of NUL-ended words; the process capability is closed at once. */
static enum status run(const char *words, size_t size, u64 limit_ns, endpoint_t notify, u64 *job,
                       u64 *process_id)
{
    struct message message = MESSAGE_INIT(MANAGER_RUN);
    enum status status;

    message.words[1] = limit_ns;
    message_put_data(&message, words, size);
    if (!cap_is_null(notify.cap))
        (void)message_put_cap(&message, notify.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
    message_accept(&message, 1);
    status = ipc_call_checked(manager(), &message, PATIENCE);
    if (status == STATUS_OK) {
        *job = message.words[0];
        *process_id = message.words[1];
        message_drop_caps(&message, 0);
    }
    return status;
}

#define RUN(words, limit_ns, notify, job, id) run(words, sizeof(words), limit_ns, notify, job, id)

static enum status result_of(u64 job, struct manager_result *result)
{
    struct message message = MESSAGE_INIT(MANAGER_RESULT);
    enum status status;

    message.words[0] = job;
    status = ipc_call_checked(manager(), &message, PATIENCE);
    if (status == STATUS_OK && message_length(&message) == sizeof(*result))
        memcpy(result, message_data(), sizeof(*result));
    return status;
}

/* Waits for the signal that the job has ended, then fetches its result. */
static enum status end_of_job(endpoint_t notify, u64 job, struct manager_result *result)
{
    struct message message;
    enum status status = ipc_receive(notify, &message, 0, PATIENCE);

    return status == STATUS_OK ? result_of(job, result) : status;
}

BOOT_TEST(manager, runs_a_program_and_tells_its_end)
{
    struct manager_result result;
    endpoint_t notify;
    u64 job;
    u64 id;

    CHECK_OK(make_endpoint(0, &notify));
    CHECK_OK(RUN("hello\0--silent", 0, notify, &job, &id));
    CHECK_OK(end_of_job(notify, job, &result));
    CHECK_EQ(result.record.reason, EXIT_NORMAL);
    CHECK_EQ(result.record.code, 0);
    CHECK_EQ(result.process_id, id);
    CHECK_EQ(result.end, MANAGER_END_OWN);
    CHECK_STATUS(result_of(job, &result), STATUS_NOT_FOUND);
    CHECK_OK(cap_close(notify.cap));
}

BOOT_TEST(manager, crash_is_told_with_its_place)
{
    struct manager_result result;
    endpoint_t notify;
    u64 job;
    u64 id;

    CHECK_OK(make_endpoint(0, &notify));
    CHECK_OK(RUN("crash\0null", 0, notify, &job, &id));
    CHECK_OK(end_of_job(notify, job, &result));
    CHECK_EQ(result.record.reason, EXIT_FAULT);
    CHECK_EQ(result.record.fault, FAULT_PAGE_WRITE);
    CHECK_EQ(result.record.address, 8);
    CHECK_OK(cap_close(notify.cap));
}

BOOT_TEST(manager, time_limit_ends_a_job)
{
    struct manager_result result;
    endpoint_t notify;
    u64 job;
    u64 id;

    CHECK_OK(make_endpoint(0, &notify));
    CHECK_OK(RUN("crash\0loop", 20 * NS_PER_MS, notify, &job, &id));
    CHECK_STATUS(result_of(job, &result), STATUS_WOULD_BLOCK);
    CHECK_OK(end_of_job(notify, job, &result));
    CHECK_EQ(result.record.reason, EXIT_KILLED);
    CHECK_EQ(result.end, MANAGER_END_TIME_LIMIT);
    CHECK(result.run_ns >= 20 * NS_PER_MS);
    CHECK_OK(cap_close(notify.cap));
}

BOOT_TEST(manager, kill_ends_a_job)
{
    struct manager_result result;
    endpoint_t notify;
    u64 job;
    u64 id;

    CHECK_OK(make_endpoint(0, &notify));
    CHECK_OK(RUN("crash\0loop", 0, notify, &job, &id));
    CHECK_OK(ask(manager(), MANAGER_KILL, id));
    CHECK_OK(end_of_job(notify, job, &result));
    CHECK_EQ(result.end, MANAGER_END_KILLED);
    CHECK_STATUS(ask(manager(), MANAGER_KILL, id), STATUS_NOT_FOUND);
    CHECK_OK(cap_close(notify.cap));
}

BOOT_TEST(manager, nonsense_is_refused)
{
    static const char endless[MESSAGE_MAX_INLINE] = {'a', 'b'};
    struct manager_result result;
    endpoint_t none = {CAP_NULL};
    u64 job;
    u64 id;

    CHECK_STATUS(RUN("no-such-program", 0, none, &job, &id), STATUS_NOT_FOUND);
    CHECK_STATUS(RUN("manifest", 0, none, &job, &id), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(run("hello", 5, 0, none, &job, &id), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(run("", 0, 0, none, &job, &id), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(run("", 1, 0, none, &job, &id), STATUS_NOT_FOUND);
    CHECK_STATUS(run(endless, sizeof(endless), 0, none, &job, &id), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(result_of(12345678, &result), STATUS_NOT_FOUND);
    CHECK_STATUS(result_of(0, &result), STATUS_NOT_FOUND);
    CHECK_STATUS(ask(manager(), MANAGER_KILL, 1ull << 60), STATUS_NOT_FOUND);
    CHECK_STATUS(ask(manager(), MANAGER_SERVICE, UINT64_MAX), STATUS_NOT_FOUND);
    CHECK_STATUS(ask(manager(), MANAGER_PROGRAM, 1ull << 40), STATUS_NOT_FOUND);
    CHECK_STATUS(ask(manager(), 0, 0), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(ask(manager(), MESSAGE_LABEL(MANAGER_INTERFACE, 999), 0), STATUS_BAD_ARGUMENT);
}

BOOT_TEST(manager, services_and_programs_are_listed)
{
    struct message message;
    bool found = false;

    CHECK_OK(ask(manager(), MANAGER_SERVICE, 0));
    for (u64 i = 0; !found; i++) {
        message = MESSAGE_INIT(MANAGER_PROGRAM);
        message.words[0] = i;
        CHECK_OK(ipc_call_checked(manager(), &message, PATIENCE));
        found = string_equal(message_data(), "systest");
    }
}

BOOT_TEST(manager, job_keeps_its_group_to_itself)
{
    struct manager_result result;
    endpoint_t notify;

    CHECK_OK(make_endpoint(0, &notify));
    for (u32 i = 0; i < 10; i++) {
        u64 job;
        u64 id;

        CHECK_OK(RUN("hello\0--silent", 0, notify, &job, &id));
        CHECK_OK(end_of_job(notify, job, &result));
        CHECK_EQ(result.record.reason, EXIT_NORMAL);
    }
    CHECK_OK(cap_close(notify.cap));
}

BOOT_TEST(console, nonsense_is_refused)
{
    struct message message;

    CHECK_STATUS(ask(console(), 0, 0), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(ask(console(), UINT32_MAX, 0), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(ask(console(), MESSAGE_LABEL(CONSOLE_INTERFACE, 77), 0), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(ask(console(), CONSOLE_SUBSCRIBE, 0), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(ask(console(), CONSOLE_SUBSCRIBE, 99), STATUS_BAD_ARGUMENT);
    message = MESSAGE_INIT(CONSOLE_WRITE);
    CHECK_OK(ipc_call_checked(console(), &message, PATIENCE));
    CHECK_EQ(message.words[0], 0);
}

BOOT_TEST(console, subscriptions_come_and_go)
{
    struct message message;
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    for (u32 i = 0; i < 40; i++) {
        message = MESSAGE_INIT(CONSOLE_SUBSCRIBE);
        message.words[0] = CONSOLE_EVENT_INTERRUPT;
        (void)message_put_cap(&message, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
        CHECK_OK(ipc_call_checked(console(), &message, PATIENCE));
    }
    /* Without a capability: no longer. */
    CHECK_OK(ask(console(), CONSOLE_SUBSCRIBE, CONSOLE_EVENT_INTERRUPT));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(console, unwanted_capabilities_are_dropped)
{
    struct message message = MESSAGE_INIT(CONSOLE_STATE);
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    (void)message_put_cap(&message, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
    CHECK_OK(ipc_call_checked(console(), &message, PATIENCE));
    CHECK(message.words[1] != 0);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(devices, interrupt_is_bound_to_an_endpoint)
{
    interrupt_t interrupt = {start_cap("interrupt")};
    interrupt_t child;
    endpoint_t endpoint;
    struct message message;

    CHECK_OK(cap_derive_rights(interrupt.cap, UINT32_MAX, &child.cap));
    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_STATUS(interrupt_ack(child, (endpoint_t){systest.group.cap}), STATUS_WRONG_TYPE);
    CHECK_OK(interrupt_ack(child, endpoint));
    CHECK_OK(interrupt_ack(child, (endpoint_t){CAP_NULL}));
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, SOON), STATUS_TIMED_OUT);
    CHECK_OK(cap_revoke(endpoint.cap));
    CHECK_OK(cap_close(child.cap));
    CHECK_OK(cap_close(endpoint.cap));
}
