/* The services that every booted system has, asked for what they do: the console and the process
 * manager. What does not fit their interfaces is in typed.c. */
#include "interfaces/console_client.h"
#include "interfaces/manager_client.h"
#include "systest.h"

static endpoint_t manager(void)
{
    return (endpoint_t){start_cap("manager")};
}

static endpoint_t console(void)
{
    return (endpoint_t){start_cap("console")};
}

/* A message as no stub would send it. */
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
    struct manager_run_reply reply;
    enum status status =
        manager_run(manager(), words, (u32)size, limit_ns, notify, PATIENCE, &reply);

    if (status == STATUS_OK) {
        *job = reply.job;
        *process_id = reply.process_id;
        (void)cap_close(reply.process.cap);
    }
    return status;
}

#define RUN(words, limit_ns, notify, job, id) run(words, sizeof(words), limit_ns, notify, job, id)

static enum status result_of(u64 job, struct manager_job_end *result)
{
    struct manager_result_reply reply;
    enum status status = manager_result(manager(), job, PATIENCE, &reply);

    if (status == STATUS_OK)
        *result = reply.result;
    return status;
}

/* Waits for the signal that the job has ended, then fetches its result. */
static enum status end_of_job(endpoint_t notify, u64 job, struct manager_job_end *result)
{
    struct message message;
    enum status status = ipc_receive(notify, &message, 0, PATIENCE);

    return status == STATUS_OK ? result_of(job, result) : status;
}

BOOT_TEST(manager, runs_a_program_and_tells_its_end)
{
    struct manager_job_end result;
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
    struct manager_job_end result;
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
    struct manager_job_end result;
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
    struct manager_job_end result;
    endpoint_t notify;
    u64 job;
    u64 id;

    CHECK_OK(make_endpoint(0, &notify));
    CHECK_OK(RUN("crash\0loop", 0, notify, &job, &id));
    CHECK_OK(manager_kill(manager(), id, PATIENCE));
    CHECK_OK(end_of_job(notify, job, &result));
    CHECK_EQ(result.end, MANAGER_END_KILLED);
    CHECK_STATUS(manager_kill(manager(), id, PATIENCE), STATUS_NOT_FOUND);
    CHECK_OK(cap_close(notify.cap));
}

BOOT_TEST(manager, nonsense_is_refused)
{
    static const char endless[MESSAGE_MAX_INLINE] = {'a', 'b'};
    struct manager_job_end result;
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
    CHECK_STATUS(ask(manager(), 0, 0), STATUS_NO_METHOD);
    CHECK_STATUS(ask(manager(), MESSAGE_LABEL(MANAGER_INTERFACE, 999), 0), STATUS_NO_METHOD);
    CHECK_STATUS(ask(manager(), CONSOLE_STATE, 0), STATUS_NO_METHOD);
}

BOOT_TEST(manager, services_and_programs_are_listed)
{
    struct manager_service_reply service;
    struct manager_program_reply program;
    bool found = false;

    CHECK_OK(manager_service(manager(), 0, PATIENCE, &service));
    CHECK(service.service.name[0] != '\0');
    CHECK_EQ(service.service.state, MANAGER_SERVICE_STATE_RUNNING);
    for (u64 i = 0; !found; i++) {
        CHECK_OK(manager_program(manager(), i, PATIENCE, &program));
        found = string_equal(program.name, "systest");
    }
}

BOOT_TEST(manager, job_keeps_its_group_to_itself)
{
    struct manager_job_end result;
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

BOOT_TEST(console, subscriptions_come_and_go)
{
    endpoint_t endpoint;

    CHECK_OK(make_endpoint(0, &endpoint));
    for (u32 i = 0; i < 40; i++)
        CHECK_OK(console_subscribe(console(), CONSOLE_EVENT_INTERRUPT, endpoint, PATIENCE));
    /* Without an endpoint: no longer. */
    CHECK_OK(
        console_subscribe(console(), CONSOLE_EVENT_INTERRUPT, (endpoint_t){CAP_NULL}, PATIENCE));
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
