/*
 * Services: started in the manifest's order; when one ends, its policy decides. The wait before a
 * restart doubles with each one up to a limit and is forgotten once the service has run for a
 * while.
 */
#include "supervisor.h"

#include "ferrous/time.h"
#include "lib/checked_math.h"
#include "lib/string.h"

#define STABLE_NS      (10 * NS_PER_S)
#define BACKOFF_MAX_NS (5 * NS_PER_S)

static void start_service(struct supervisor *supervisor, struct child *child)
{
    const char *arguments[MANIFEST_MAX_ARGUMENTS + 1];
    struct launch_request request = {.entry = child->entry,
                                     .file = child->entry->file,
                                     .arguments = arguments,
                                     .argument_count = child->entry->argument_count + 1};
    enum status status;

    arguments[0] = child->entry->name;
    for (u32 i = 0; i < child->entry->argument_count; i++)
        arguments[i + 1] = child->entry->arguments[i];
    status = launch(supervisor, child, &request);
    if (status == STATUS_OK) {
        child->state = CHILD_RUNNING;
        return;
    }
    child->state = CHILD_FAILED;
    supervisor_log(supervisor, "cannot start %s: %s", child->entry->name, status_text(status));
}

void services_start(struct supervisor *supervisor)
{
    u32 next = 0;

    for (u32 i = 0; i < supervisor->manifest.entry_count; i++) {
        const struct manifest_entry *entry = &supervisor->manifest.entries[i];

        if (!entry->is_service)
            continue;
        supervisor->children[next].entry = entry;
        start_service(supervisor, &supervisor->children[next]);
        next++;
    }
}

static bool wants_restart(const struct child *child)
{
    bool failed = child->record.reason != EXIT_NORMAL || child->record.code != 0;

    switch (child->entry->restart) {
    case RESTART_ALWAYS:
        return true;
    case RESTART_ON_FAILURE:
        return failed;
    default:
        return false;
    }
}

static u64 backoff(const struct child *child)
{
    u64 wait_ns = child->entry->backoff_ns;

    for (u32 i = 1; i < child->restarts && wait_ns < BACKOFF_MAX_NS; i++)
        wait_ns *= 2;
    return min_u64(wait_ns, max_u64(BACKOFF_MAX_NS, child->entry->backoff_ns));
}

void service_ended(struct supervisor *supervisor, struct child *child)
{
    jobs_drop_client(supervisor, child_index(supervisor, child) + 1);
    if (child->ended_ns - child->started_ns >= STABLE_NS)
        child->restarts = 0;
    if (!wants_restart(child)) {
        child->state = CHILD_STOPPED;
        supervisor_log(supervisor, "%s has ended", child->entry->name);
        return;
    }
    if (child->restarts >= child->entry->restart_max) {
        child->state = CHILD_FAILED;
        supervisor_log(supervisor, "%s has ended too often; given up", child->entry->name);
        return;
    }
    child->restarts++;
    child->restart_at_ns = time_after_ns(backoff(child));
    child->state = CHILD_WAITING;
}

u64 services_run_due(struct supervisor *supervisor, u64 now_ns)
{
    u64 next = TIME_NEVER;

    for (u32 i = 0; i < MAX_CHILDREN; i++) {
        struct child *child = &supervisor->children[i];

        if (child->state != CHILD_WAITING)
            continue;
        if (child->restart_at_ns <= now_ns)
            start_service(supervisor, child);
        else
            next = min_u64(next, child->restart_at_ns);
    }
    return next;
}
