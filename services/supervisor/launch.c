/*
 * Starting one child with exactly what its entry says. Capabilities made for it alone (a range of
 * ports, an interrupt) are moved into it; the rest are copied with fewer rights.
 */
#include "supervisor.h"

#include "ferrous/start.h"
#include "ferrous/time.h"
#include "lib/string.h"

struct assembly {
    struct supervisor *supervisor;
    const struct manifest_entry *entry;
    struct child *child;
    struct process_cap caps[MANIFEST_MAX_CAPS];
    u32 cap_count;
};

u32 child_index(const struct supervisor *supervisor, const struct child *child)
{
    return (u32)(child - supervisor->children);
}

static enum status make_group(struct supervisor *supervisor, const struct manifest_entry *entry,
                              const char *name, group_t *group)
{
    struct group_limits limits;

    group_limits_init(&limits, name);
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++)
        limits.limit[i] = entry->limit[i];
    limits.cpu_weight = entry->weight;
    return group_create(supervisor->root, &limits, group);
}

/* The capability itself: borrowed (mode COPY), or made for the child (mode MOVE). */
static enum status assemble_cap(struct assembly *assembly, const struct manifest_cap *wanted,
                                struct process_cap *cap)
{
    struct supervisor *supervisor = assembly->supervisor;
    struct cap_restriction range = CAP_DERIVE_ALL;
    interrupt_t interrupt;
    enum status status;

    *cap =
        (struct process_cap){.name = wanted->name, .rights = wanted->rights, .mode = CAP_SEND_COPY};
    switch (wanted->kind) {
    case MANIFEST_ENDPOINT:
        cap->cap = supervisor->endpoints[wanted->first].cap;
        if ((wanted->rights & RIGHT_RECEIVE) == 0)
            cap->badge = child_index(supervisor, assembly->child) + 1;
        return STATUS_OK;
    case MANIFEST_GROUP:
        cap->cap = assembly->child->group.cap;
        return STATUS_OK;
    case MANIFEST_MACHINE:
        cap->cap = supervisor->machine.cap;
        return STATUS_OK;
    case MANIFEST_ARCHIVE:
        cap->cap = supervisor->archive_memory.cap;
        return STATUS_OK;
    case MANIFEST_TRACE:
        cap->cap = supervisor->trace.cap;
        return STATUS_OK;
    case MANIFEST_MANAGER:
        cap->cap = supervisor->endpoint.cap;
        cap->rights = RIGHT_SEND;
        cap->badge = child_index(supervisor, assembly->child) + 1;
        return STATUS_OK;
    case MANIFEST_PORTS:
        cap->mode = CAP_SEND_MOVE;
        range.range_offset = wanted->first;
        range.range_length = wanted->count;
        return cap_derive(supervisor->ports.cap, &range, &cap->cap);
    default:
        cap->mode = CAP_SEND_MOVE;
        status = interrupt_create(supervisor->machine, assembly->child->group, wanted->first,
                                  &interrupt);
        if (status == STATUS_OK)
            cap->cap = interrupt.cap;
        return status;
    }
}

static enum status assemble(struct assembly *assembly)
{
    for (u32 i = 0; i < assembly->entry->cap_count; i++) {
        enum status status = assemble_cap(assembly, &assembly->entry->caps[i], &assembly->caps[i]);

        if (status != STATUS_OK)
            return status;
        assembly->cap_count++;
    }
    return STATUS_OK;
}

/* Closes what was made for a child that could not be started. */
static void disassemble(struct assembly *assembly)
{
    for (u32 i = 0; i < assembly->cap_count; i++) {
        if (assembly->caps[i].mode == CAP_SEND_MOVE)
            (void)cap_close(assembly->caps[i].cap);
    }
}

void child_destroy_group(struct child *child)
{
    process_close(&child->process);
    (void)group_destroy(child->group);
    (void)cap_close(child->group.cap);
    child->group.cap = CAP_NULL;
}

static enum status launch_in_group(struct assembly *assembly, const struct launch_request *request)
{
    struct child *child = assembly->child;
    struct process_spec spec = {.name = request->argument_count > 0 ? request->arguments[0]
                                                                    : request->file,
                                .group = child->group,
                                .arguments = request->arguments,
                                .argument_count = request->argument_count};
    enum status status = archive_find(&assembly->supervisor->archive, request->file, &spec.image);

    if (status == STATUS_OK)
        status = assemble(assembly);
    spec.caps = assembly->caps;
    spec.cap_count = assembly->cap_count;
    if (status == STATUS_OK)
        status = process_spawn(&spec, &child->process);
    if (status != STATUS_OK)
        disassemble(assembly);
    return status;
}

enum status launch(struct supervisor *supervisor, struct child *child,
                   const struct launch_request *request)
{
    struct assembly assembly = {.supervisor = supervisor, .entry = request->entry, .child = child};
    enum status status = make_group(supervisor, request->entry, request->file, &child->group);

    if (status != STATUS_OK)
        return status;
    child->started_ns = time_now_ns();
    status = launch_in_group(&assembly, request);
    if (status == STATUS_OK)
        status = process_watch(child->process.handle, child->watch);
    if (status != STATUS_OK)
        child_destroy_group(child);
    return status;
}

enum status child_collect(struct child *child)
{
    struct group_usage usage;
    enum status status = process_poll(child->process.handle, &child->record);

    if (status == STATUS_WOULD_BLOCK)
        return status;
    if (status != STATUS_OK)
        memset(&child->record, 0, sizeof(child->record));
    child->ended_ns = time_now_ns();
    child->cpu_ns = group_usage(child->group, &usage) == STATUS_OK ? usage.cpu_ns : 0;
    return STATUS_OK;
}
