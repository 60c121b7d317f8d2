/*
 * The shell: a process that has the console, the process manager, and the machine capability with
 * the rights to look and to switch off, and the trace domain. Everything it waits for arrives at
 * its one endpoint, as signal bits.
 */
#ifndef SHELL_H
#define SHELL_H

#include "ferrous/calls.h"
#include "ferrous/console.h"
#include "ferrous/handle.h"
#include "line_editor.h"

#define SHELL_MAX_ARGUMENTS 16u

#define EVENT_INPUT     1u
#define EVENT_INTERRUPT 2u
#define EVENT_JOB       4u

struct shell {
    endpoint_t console;
    endpoint_t manager;
    machine_t machine;
    trace_domain_t trace;
    endpoint_t recorder;
    endpoint_t events;      /* receiving */
    endpoint_t input_event; /* the same with one badge each, to hand out */
    endpoint_t interrupt_event;
    endpoint_t job_event;
    u64 pending; /* EVENT_* received and not yet looked at */
    struct history history;
    struct line_editor editor;
};

/* Asks the console (again, after its driver was restarted) for its events. */
void shell_subscribe(struct shell *shell);

/* Waits until one of `events` happens or the deadline passes; returns those that happened and
 * forgets them. */
u64 shell_wait(struct shell *shell, u64 events, u64 deadline_ns);

struct shell_command {
    const char *name;
    const char *usage; /* its arguments; "" for none */
    const char *help;
    u32 min_arguments;
    void (*run)(struct shell *shell, int argc, char **argv);
};

/* Ended by a name of NULL. */
extern const struct shell_command system_commands[];
extern const struct shell_command job_commands[];
extern const struct shell_command trace_commands[];
extern const struct shell_command question_commands[];
extern const struct shell_command observe_commands[];

struct trace_event;
/* A line for an event; `text`: as trace_event_format told it. */
void shell_print_event(const struct trace_event *event, const char *text);

/* Runs one line. */
void shell_execute(struct shell *shell, char *line);

/* Cuts a line into words in place: blanks separate, "double quotes" hold together. Returns how
 * many, at most `max`; -1 when there are more or a quote is not closed. */
int shell_split(char *line, char **words, int max);

#endif
