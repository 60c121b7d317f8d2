/* Tables through which lower layers reach the ones above. */
#include "core/cpu.h"
#include "core/panic.h"
#include "lib/format.h"
#include "proc/process.h"
#include "sched/sched.h"
#include "trace/trace.h"

#define PANIC_EVENTS 16u

const struct sched_hooks sched_hooks = {.end_thread = process_end_thread};

static void describe_current(void (*line)(const char *text))
{
    struct cpu *cpu = this_cpu();
    char text[160];
    if (!cpu || !cpu->current) {
        line("no thread was running");
        return;
    }
    const struct thread *thread = cpu->current;
    const char *name = thread->process ? thread->process->name : "?";
    format_to(text, sizeof(text), "thread %lu of process %lu (%s), user pc 0x%lx, system call %u",
              thread->object.id, thread->process ? thread->process->object.id : 0, name,
              thread->context.pc, cpu->syscall_number);
    line(text);
}

static void last_events(void (*line)(const char *text))
{
    line("last events, newest first:");
    trace_print_last(PANIC_EVENTS, line);
}

const struct panic_hooks panic_hooks = {
    .describe_current = describe_current,
    .last_events = last_events,
};
