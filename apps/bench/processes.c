/* Threads, processes, containers, faults. */
#include "bench.h"

#include "ferrous/thread.h"

static u64 do_nothing(void *argument)
{
    return (u64)(uintptr_t)argument;
}

static void run_small(group_t group)
{
    static const char *const arguments[] = {"hello", "--silent"};
    struct process_spec spec = {.name = "hello",
                                .group = group,
                                .image = bench.small,
                                .arguments = arguments,
                                .argument_count = 2};
    struct exit_record record;
    struct process process;

    MUST(process_spawn(&spec, &process));
    MUST(process_wait(process.handle, TIME_NEVER, &record));
    process_close(&process);
    if (record.reason != EXIT_NORMAL || record.code != 0)
        fatal("hello did not end well");
}

static void run_container(void)
{
    struct group_limits limits;
    group_t group;

    group_limits_init(&limits, "container");
    limits.limit[GROUP_MEMORY_FRAMES] = 256;
    MUST(group_create(bench.group, &limits, &group));
    run_small(group);
    MUST(group_destroy(group));
    MUST(cap_close(group.cap));
}

/* The child measures and reports; here its faults are answered. */
static void measure_faults(void)
{
    struct process_cap cap = {.name = "console",
                              .cap = start_cap("console"),
                              .rights = RIGHT_SEND,
                              .mode = CAP_SEND_COPY};
    struct exit_record record;
    struct process process;
    struct message message;
    endpoint_t handler;
    enum status status;

    MUST(endpoint_create(bench.group, 0, 0, &handler));
    start_role("fault", &cap, 1, handler, &process);
    MUST(process_watch(process.handle, handler));
    status = ipc_receive(handler, &message, 0, TIME_NEVER);
    while (status == STATUS_OK && message_kind(&message) == MESSAGE_FAULT) {
        const struct fault_record *fault = message_data();

        message = MESSAGE_INIT(FAULT_REPLY_SKIP);
        message.words[0] = fault->pc + 2;
        status = ipc_reply_receive(handler, &message, 0, TIME_NEVER);
    }
    MUST(process_wait(process.handle, TIME_NEVER, &record));
    process_close(&process);
    (void)cap_close(handler.cap);
}

void bench_processes(void)
{
    struct thread thread;

    MEASURE("thread_create_join", 200, 1, {
        MUST(thread_start(&thread, do_nothing, NULL, 8192));
        (void)thread_join(&thread);
    });
    MEASURE("spawn_run_reap", 100, 1, run_small(bench.group));
    MEASURE("container", 50, 1, run_container());
    measure_faults();
}
