/* Commands that start and end processes, through the process manager. */
#include "ferrous/time.h"
#include "interfaces/manager_client.h"
#include "lib/string.h"
#include "shell.h"

#define CRASH_LIMIT_NS (300 * NS_PER_MS)

typedef unsigned long long ull;

static const char *fault_text(u32 fault)
{
    switch (fault) {
    case FAULT_PAGE_READ:
        return "read where nothing may be read";
    case FAULT_PAGE_WRITE:
        return "write where nothing may be written";
    case FAULT_PAGE_EXECUTE:
        return "jump where nothing may be executed";
    case FAULT_NO_MEMORY:
        return "memory limit reached on a page fault";
    case FAULT_DIVIDE:
        return "division error";
    case FAULT_ILLEGAL:
        return "undefined instruction";
    case FAULT_PRIVILEGED:
        return "privileged instruction or protection fault";
    case FAULT_BREAKPOINT:
        return "breakpoint";
    case FAULT_DEBUG:
        return "debug exception";
    case FAULT_ALIGNMENT:
        return "misaligned access";
    case FAULT_FLOATING_POINT:
        return "floating-point exception";
    default:
        return "unknown fault";
    }
}

/* How a process ended, in a few words. */
static void describe_end(char *text, size_t size, const struct exit_record *record)
{
    switch (record->reason) {
    case EXIT_NORMAL:
        format_to(text, size, "ended with code %lld", (long long)record->code);
        break;
    case EXIT_FAULT:
        format_to(text, size, "%s: address %#llx, pc %#llx", fault_text(record->fault),
                  (ull)record->address, (ull)record->pc);
        break;
    case EXIT_KILLED:
        format_to(text, size, "killed");
        break;
    case EXIT_GROUP:
        format_to(text, size, "ended with its group");
        break;
    default:
        format_to(text, size, "-");
        break;
    }
}

/* One line on how it ended; nothing after a normal end with code 0. */
static void tell_end(const char *name, const struct manager_job_end *result)
{
    const struct exit_record *record = &result->record;
    char text[128];

    if (record->reason == EXIT_NORMAL && record->code == 0)
        return;
    if (record->reason == EXIT_KILLED && result->end == MANAGER_END_TIME_LIMIT)
        format_to(text, sizeof(text), "time limit passed after %llu ms",
                  (ull)(result->run_ns / NS_PER_MS));
    else
        describe_end(text, sizeof(text), record);
    print("%s: %s\n", name, text);
}

/* Packs argv into one string of NUL-ended words; 0: it does not fit. */
static size_t pack(char *text, size_t size, int argc, char **argv)
{
    size_t used = 0;

    for (int i = 0; i < argc; i++) {
        size_t length = strlen(argv[i]) + 1;

        if (length > size - used)
            return 0;
        memcpy(text + used, argv[i], length);
        used += length;
    }
    return used;
}

static bool start_job(struct shell *shell, int argc, char **argv, u64 limit_ns,
                      struct manager_run_reply *job)
{
    char text[MESSAGE_MAX_INLINE];
    size_t size = pack(text, sizeof(text), argc, argv);
    enum status status;

    if (size == 0) {
        print("%s: the arguments are too long\n", argv[0]);
        return false;
    }
    status =
        manager_run(shell->manager, text, (u32)size, limit_ns, shell->job_event, TIME_NEVER, job);
    if (status != STATUS_OK) {
        print("%s: %s\n", argv[0],
              status == STATUS_NOT_FOUND ? "no such program" : status_text(status));
        return false;
    }
    (void)cap_close(job->process.cap);
    return true;
}

/* Runs a program to its end; ctrl-c kills it. */
static void run_to_end(struct shell *shell, int argc, char **argv, u64 limit_ns)
{
    struct manager_result_reply end;
    struct manager_run_reply job;
    enum status status;

    shell->pending &= ~(u64)EVENT_INTERRUPT;
    if (!start_job(shell, argc, argv, limit_ns, &job))
        return;
    for (;;) {
        status = manager_result(shell->manager, job.job, TIME_NEVER, &end);
        if (status != STATUS_WOULD_BLOCK)
            break;
        if ((shell_wait(shell, EVENT_JOB | EVENT_INTERRUPT, TIME_NEVER) & EVENT_INTERRUPT) != 0) {
            print("^C\n");
            (void)!manager_kill(shell->manager, job.process_id, TIME_NEVER);
        }
    }
    if (status == STATUS_OK)
        tell_end(argv[0], &end.result);
    else
        print("%s: its result is lost: %s\n", argv[0], status_text(status));
}

static void run_run(struct shell *shell, int argc, char **argv)
{
    run_to_end(shell, argc - 1, argv + 1, 0);
}

static void run_crash(struct shell *shell, int argc, char **argv)
{
    run_to_end(shell, argc, argv, CRASH_LIMIT_NS);
}

static void run_kill(struct shell *shell, int argc, char **argv)
{
    enum status status;
    u64 process_id;

    (void)argc;
    if (!string_to_u64(argv[1], &process_id)) {
        print("kill: '%s' is not a number\n", argv[1]);
        return;
    }
    status = manager_kill(shell->manager, process_id, TIME_NEVER);
    if (status == STATUS_NOT_FOUND)
        print("kill: %llu is no service or program of the process manager\n", (ull)process_id);
    else if (status != STATUS_OK)
        print("kill: %s\n", status_text(status));
}

static const char *service_state_text(u32 state)
{
    static const char *const names[] = {"running", "waiting", "stopped", "failed"};

    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

static void run_svc(struct shell *shell, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    print("  %-16s %-8s %5s %8s  %s\n", "NAME", "STATE", "PID", "RESTARTS", "LAST END");
    for (u64 index = 0;; index++) {
        struct manager_service_reply reply;
        const struct manager_service_facts *service = &reply.service;
        char last_end[128];

        if (manager_service(shell->manager, index, TIME_NEVER, &reply) != STATUS_OK)
            return;
        describe_end(last_end, sizeof(last_end), &service->last_end);
        print("  %-16s %-8s %5llu %8u  %s\n", service->name, service_state_text(service->state),
              (ull)service->process_id, service->restarts, last_end);
    }
}

static void run_programs(struct shell *shell, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (u64 index = 0;; index++) {
        struct manager_program_reply reply;

        if (manager_program(shell->manager, index, TIME_NEVER, &reply) != STATUS_OK)
            return;
        print("  %s\n", reply.name);
    }
}

const struct shell_command job_commands[] = {
    {"run", "NAME [ARGS]", "run a program to its end; ctrl-c kills it", 1, run_run},
    {"crash", "[KIND]", "run a program that does something forbidden", 0, run_crash},
    {"kill", "PID", "end a program or a service", 1, run_kill},
    {"svc", "", "services", 0, run_svc},
    {"programs", "", "what the boot archive holds", 0, run_programs},
    {NULL, NULL, NULL, 0, NULL},
};
