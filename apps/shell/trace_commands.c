/* Looking at what the kernel has recorded of itself, and at what services can be asked. */
#include "ferrous/time.h"
#include "ferrous/trace.h"
#include "interfaces/recorder_client.h"
#include "lib/string.h"
#include "shell.h"

#define MOST_EVENTS     512u
#define USUAL_EVENTS    20u
#define EVENT_TEXT_SIZE 240u

#define RECORDER_POLL_NS (20 * NS_PER_MS)

typedef unsigned long long ull;

static bool failed(enum status status)
{
    if (status == STATUS_OK)
        return false;
    print("trace: %s\n", status_text(status));
    return true;
}

void shell_print_event(const struct trace_event *event, const char *text)
{
    print("%6llu.%06llu cpu %u thread %u: %s\n", (ull)(event->time_ns / NS_PER_S),
          (ull)(event->time_ns % NS_PER_S / 1000), event->cpu, event->thread, text);
}

/* The newest `count` events; of those only the ones in whose text the word occurs. */
static void show(const struct shell *shell, u32 count, const char *word)
{
    static struct trace_event events[MOST_EVENTS];
    struct trace_view view;

    if (failed(trace_view_open(shell->trace, &view)))
        return;
    /* All before the first line is printed, since printing makes events too. */
    count = trace_view_last(&view, events, count);
    trace_view_close(&view);
    for (u32 i = 0; i < count; i++) {
        const struct trace_event *event = &events[i];
        char text[EVENT_TEXT_SIZE];

        (void)trace_event_format(text, sizeof(text), event, ferrous_interfaces);
        if (string_contains(text, word))
            shell_print_event(event, text);
    }
}

/* Records a category from now on, or no longer. */
static void record(const struct shell *shell, const char *name, bool on)
{
    enum trace_category category = trace_category_find(name);
    struct trace_view view;
    u64 categories;

    if (category == TRACE_CATEGORY_COUNT) {
        print("trace: '%s' is none of syscall, sched, ipc, memory, security, device, boot, user\n",
              name);
        return;
    }
    if (failed(trace_view_open(shell->trace, &view)))
        return;
    categories = view.header->categories;
    trace_view_close(&view);
    categories = on ? categories | 1ull << category : categories & ~(1ull << category);
    (void)failed(trace_domain_control(shell->trace, TRACE_SET_CATEGORIES, categories, NULL));
}

/* Waits until the recording has been written; ctrl-c leaves it to itself. */
static void wait_for_recorder(struct shell *shell)
{
    struct recorder_state_reply state;

    shell->pending &= ~(u64)EVENT_INTERRUPT;
    for (;;) {
        if (failed(recorder_state(shell->recorder, TIME_NEVER, &state)))
            return;
        if (state.mode == RECORDER_MODE_IDLE)
            break;
        if (shell_wait(shell, EVENT_INTERRUPT, time_after_ns(RECORDER_POLL_NS)) != 0) {
            print("^C\n");
            break;
        }
    }
    print("trace: %llu events, %llu lost, %llu of the recorder's own left out, %llu bytes\n",
          (ull)state.events, (ull)state.lost, (ull)state.omitted, (ull)state.bytes_written);
}

static void start_recorder(struct shell *shell, enum recorder_mode mode)
{
    enum status status = recorder_start(shell->recorder, mode, TIME_NEVER);

    if (status == STATUS_NOT_FOUND)
        print("trace: there is no second serial line\n");
    else if (!failed(status) && mode == RECORDER_MODE_SAVE)
        wait_for_recorder(shell);
}

/* `trace save`, `trace stream on|held|off`; false: it is none of these. */
static bool run_recorder(struct shell *shell, int argc, char **argv)
{
    if (argc == 2 && string_equal(argv[1], "save")) {
        start_recorder(shell, RECORDER_MODE_SAVE);
        return true;
    }
    if (argc != 3 || !string_equal(argv[1], "stream"))
        return false;
    if (string_equal(argv[2], "on"))
        start_recorder(shell, RECORDER_MODE_LIVE);
    else if (string_equal(argv[2], "held"))
        start_recorder(shell, RECORDER_MODE_HELD);
    else if (!string_equal(argv[2], "off"))
        return false;
    else if (!failed(recorder_stop(shell->recorder, TIME_NEVER)))
        wait_for_recorder(shell);
    return true;
}

static void run_trace(struct shell *shell, int argc, char **argv)
{
    u64 count = USUAL_EVENTS;

    if (run_recorder(shell, argc, argv))
        return;
    if (argc == 3 && string_equal(argv[1], "on")) {
        record(shell, argv[2], true);
    } else if (argc == 3 && string_equal(argv[1], "off")) {
        record(shell, argv[2], false);
    } else if (argc > 3 || (argc > 1 && !string_to_u64(argv[1], &count))) {
        print("usage: trace [COUNT [WORD]] | on CATEGORY | off CATEGORY | save | "
              "stream on|held|off\n");
    } else {
        show(shell, count < MOST_EVENTS ? (u32)count : MOST_EVENTS, argc == 3 ? argv[2] : "");
    }
}

static void print_params(const struct interface_param *params, u32 count)
{
    print("(");
    for (u32 i = 0; i < count; i++)
        print("%s%s %s", i > 0 ? ", " : "", params[i].type, params[i].name);
    print(")");
}

static void print_method(const struct interface_method *method)
{
    print("  %2u %s %s", method->number, method->one_way ? "send" : "call", method->name);
    print_params(method->request, method->request_count);
    if (method->reply_count > 0) {
        print(" -> ");
        print_params(method->reply, method->reply_count);
    }
    print("\n");
}

static void run_interfaces(struct shell *shell, int argc, char **argv)
{
    (void)shell;
    for (u32 i = 0; ferrous_interfaces[i] != NULL; i++) {
        const struct interface_names *names = ferrous_interfaces[i];

        if (argc > 1 && !string_equal(argv[1], names->name))
            continue;
        print("%s: number %u, version %u\n", names->name, names->number, names->version);
        for (size_t method = 0; method < names->method_count; method++)
            print_method(&names->methods[method]);
    }
}

const struct shell_command trace_commands[] = {
    {"interfaces", "[NAME]", "what services can be asked", 0, run_interfaces},
    {"trace", "[COUNT [WORD]]", "newest events; trace on|off CATEGORY, save, stream on|off", 0,
     run_trace},
    {NULL, NULL, NULL, 0, NULL},
};
