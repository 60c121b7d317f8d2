/* Lists of what there is, made from the ledger. */
#include "view.h"

#include <string.h>

#include "dev/interrupt.h"
#include "dev/machine.h"
#include "dev/ports.h"
#include "dev/timer_object.h"
#include "ipc/reply.h"
#include "peek.h"
#include "proc/process.h"

static struct view current;

const struct view *view(void)
{
    return &current;
}

static void add_object(struct object *object)
{
    if (current.object_count < ARRAY_SIZE(current.objects))
        current.objects[current.object_count++] = object;
}

static void add_process(struct process *process)
{
    if (current.process_count == VIEW_MAX)
        return;
    current.vspaces[current.process_count] = &process->vspace;
    current.spaces[current.process_count] = &process->space;
    current.processes[current.process_count++] = process;
    add_object(&process->object);
}

static void add(const struct ledger_object *line)
{
    const char *name = line->cache->name;
    if (strcmp(name, "process") == 0) {
        add_process(line->address);
    } else if (strcmp(name, "thread") == 0) {
        struct thread *thread = line->address;
        if (current.thread_count < VIEW_MAX)
            current.threads[current.thread_count++] = thread;
        add_object(&thread->object);
    } else if (strcmp(name, "memory") == 0) {
        struct memory *memory = line->address;
        if (current.memory_count < VIEW_MAX)
            current.memories[current.memory_count++] = memory;
        add_object(&memory->object);
    } else if (strcmp(name, "group") == 0) {
        struct group *group = line->address;
        if (current.group_count < VIEW_MAX)
            current.groups[current.group_count++] = group;
        add_object(&group->object);
    } else if (strcmp(name, "endpoint") == 0) {
        add_object(&((struct endpoint *)line->address)->object);
    } else if (strcmp(name, "reply") == 0) {
        add_object(&((struct reply *)line->address)->object);
    } else if (strcmp(name, "interrupt") == 0) {
        add_object(&((struct interrupt *)line->address)->object);
    } else if (strcmp(name, "timer") == 0) {
        add_object(&((struct timer_object *)line->address)->object);
    }
}

void view_take(void)
{
    current.thread_count = 0;
    current.process_count = 0;
    current.memory_count = 0;
    current.group_count = 0;
    current.object_count = 0;
    current.groups[current.group_count++] = group_root();
    add_object(&group_root()->object);
    add_object(machine_object());
    add_object(trace_domain_object());
    add_object(ports_object());
    current.singleton_count = current.object_count;
    for (u32 i = 0; i < ledger_object_count(); i++)
        add(ledger_object(i));
}

bool node_is_slot(const struct cap_node *node)
{
    return ledger_holds("cap_node", node);
}
