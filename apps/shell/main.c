/* The shell's main loop: events in, lines out to the commands. */
#include "shell.h"

#include "ferrous/ipc.h"
#include "ferrous/start.h"
#include "ferrous/time.h"
#include "lib/string.h"

#define PROMPT      "ferrous> "
#define INPUT_CHUNK 64u

/* A restarted driver has forgotten who listens: ask again when nothing came for that long. */
#define SUBSCRIBE_AGAIN_NS (2 * NS_PER_S)

static struct shell the_shell;

static void write_console(void *context, const char *text, size_t size)
{
    struct shell *shell = context;

    (void)!console_write_all(shell->console, text, size, TIME_NEVER);
}

static enum status make_event(struct shell *shell, u64 bit, endpoint_t *endpoint)
{
    struct cap_restriction restriction = CAP_DERIVE_ALL;

    restriction.rights = RIGHT_SIGNAL | RIGHT_DERIVE | RIGHT_TRANSFER;
    restriction.badge = bit;
    return cap_derive(shell->events.cap, &restriction, &endpoint->cap);
}

void shell_subscribe(struct shell *shell)
{
    (void)!console_subscribe(shell->console, CONSOLE_EVENT_INPUT, shell->input_event, TIME_NEVER);
    (void)!console_subscribe(shell->console, CONSOLE_EVENT_INTERRUPT, shell->interrupt_event,
                             TIME_NEVER);
}

u64 shell_wait(struct shell *shell, u64 events, u64 deadline_ns)
{
    while ((shell->pending & events) == 0) {
        u64 again_ns = time_after_ns(SUBSCRIBE_AGAIN_NS);
        u64 until_ns = deadline_ns < again_ns ? deadline_ns : again_ns;
        struct message message;
        enum status status = ipc_receive(shell->events, &message, 0, until_ns);

        if (status == STATUS_OK && message_kind(&message) == MESSAGE_SIGNAL)
            shell->pending |= message.words[0];
        else if (status == STATUS_TIMED_OUT && until_ns == deadline_ns)
            return 0;
        else
            shell_subscribe(shell);
    }
    events &= shell->pending;
    shell->pending &= ~events;
    return events;
}

static void greet(struct shell *shell)
{
    const struct info_page *page = start_info_page();

    print("\n%s, %u %s, %llu MiB. `help` lists the commands.\n", page->version_text,
          page->cpu_count, page->cpu_count == 1 ? "processor" : "processors",
          (unsigned long long)(page->memory_bytes >> 20));
    (void)shell;
}

/* Feeds what was typed to the editor until there is nothing more. */
static void take_input(struct shell *shell)
{
    struct console_read_reply input;

    for (;;) {
        if (console_read(shell->console, INPUT_CHUNK, TIME_NEVER, &input) != STATUS_OK ||
            input.text_count == 0)
            return;
        for (u32 i = 0; i < input.text_count; i++) {
            switch (line_editor_feed(&shell->editor, input.text[i])) {
            case LINE_READY:
                shell_execute(shell, shell->editor.text);
                line_editor_begin(&shell->editor);
                break;
            case LINE_CANCELLED:
                line_editor_begin(&shell->editor);
                break;
            default:
                break;
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct shell *shell = &the_shell;

    (void)argc;
    (void)argv;
    shell->console.cap = start_cap("console");
    shell->manager.cap = start_cap("manager");
    shell->machine.cap = start_cap("machine");
    shell->trace.cap = start_cap("trace");
    shell->recorder.cap = start_cap("recorder");
    if (endpoint_create(start_group(), 0, 0, &shell->events) != STATUS_OK ||
        make_event(shell, EVENT_INPUT, &shell->input_event) != STATUS_OK ||
        make_event(shell, EVENT_INTERRUPT, &shell->interrupt_event) != STATUS_OK ||
        make_event(shell, EVENT_JOB, &shell->job_event) != STATUS_OK)
        fatal("the shell cannot make its endpoint");
    line_editor_init(&shell->editor, PROMPT, &shell->history, write_console, shell);
    shell_subscribe(shell);
    greet(shell);
    line_editor_begin(&shell->editor);
    for (;;) {
        u64 events = shell_wait(shell, EVENT_INPUT | EVENT_INTERRUPT, TIME_NEVER);

        if ((events & EVENT_INTERRUPT) != 0) {
            line_editor_cancel(&shell->editor);
            line_editor_begin(&shell->editor);
        }
        take_input(shell);
    }
}
