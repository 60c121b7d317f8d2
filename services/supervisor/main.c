/*
 * Init's main: from the boot capabilities to a running system, then the endpoint for ever. What
 * goes wrong before the console serves cannot be told on it; it is the exit code instead, which the
 * kernel reports when init ends.
 */
#include "supervisor.h"

#include "abi/bootinfo.h"
#include "ferrous/server.h"
#include "ferrous/start.h"
#include "ferrous/time.h"
#include "lib/checked_math.h"

enum start_failure {
    FAILURE_ENDPOINT = 1,
    FAILURE_ARCHIVE = 2,
    FAILURE_NO_MANIFEST = 3,
    FAILURE_MANIFEST = 1000, /* plus the line number */
};

static struct supervisor the_supervisor;

static void take_caps(struct supervisor *supervisor)
{
    const struct start_info *info = start_info();

    supervisor->root.cap = info->caps[INIT_CAP_GROUP];
    supervisor->machine.cap = info->caps[INIT_CAP_MACHINE];
    supervisor->archive_memory.cap = info->caps[INIT_CAP_ARCHIVE];
    supervisor->ports.cap = info->caps[INIT_CAP_PORTS];
    supervisor->trace.cap = info->caps[INIT_CAP_TRACE];
}

/* How long the kernel took, by the loader's note of when it let go. */
static u64 ticks_since_hand_over(void)
{
    memory_t memory = {start_info()->caps[INIT_CAP_BOOT_INFO]};
    u64 now = time_ticks();
    u64 size = (sizeof(struct boot_info) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    u64 address = 0;
    u64 ticks;

    if (memory_map(memory, 0, size, MAP_READ, &address) != STATUS_OK)
        return 0;
    ticks = now - ((const struct boot_info *)(uintptr_t)address)->tsc_at_handover;
    (void)!memory_unmap(address, size);
    return ticks;
}

static i64 read_manifest(struct supervisor *supervisor)
{
    struct process_image file;
    struct manifest_error error = {0};

    if (archive_open(supervisor->archive_memory, &supervisor->archive) != STATUS_OK)
        return FAILURE_ARCHIVE;
    if (archive_find(&supervisor->archive, "manifest", &file) != STATUS_OK)
        return FAILURE_NO_MANIFEST;
    if (manifest_parse(file.data, file.size_bytes, &supervisor->manifest, &error) != STATUS_OK)
        return FAILURE_MANIFEST + error.line;
    return 0;
}

/* The supervisor's endpoint, one signalling capability per place, and the manifest's endpoints. */
static enum status make_endpoints(struct supervisor *supervisor)
{
    enum status status = endpoint_create(supervisor->root, 0, 0, &supervisor->endpoint);

    for (u32 i = 0; i < MAX_CHILDREN && status == STATUS_OK; i++) {
        struct cap_restriction bit = CAP_DERIVE_ALL;

        bit.rights = RIGHT_SIGNAL;
        bit.badge = 1ull << i;
        status = cap_derive(supervisor->endpoint.cap, &bit, &supervisor->children[i].watch.cap);
    }
    for (u32 i = 0; i < supervisor->manifest.endpoint_count && status == STATUS_OK; i++) {
        const struct manifest_endpoint *wanted = &supervisor->manifest.endpoints[i];

        status = endpoint_create(supervisor->root, wanted->depth, wanted->grace_ns,
                                 &supervisor->endpoints[i]);
    }
    return status;
}

static void handle_deaths(void *context, u64 bits)
{
    struct supervisor *supervisor = context;

    for (u32 i = 0; i < MAX_CHILDREN; i++) {
        struct child *child = &supervisor->children[i];

        if ((bits & 1ull << i) == 0 || child->state != CHILD_RUNNING ||
            child_collect(child) != STATUS_OK)
            continue;
        if (child->entry->is_service) {
            child_destroy_group(child);
            service_ended(supervisor, child);
        } else {
            job_ended(child);
        }
    }
}

static u64 run_due(void *context)
{
    struct supervisor *supervisor = context;
    u64 now_ns = time_now_ns();
    u64 next_service = services_run_due(supervisor, now_ns);
    u64 next_job = jobs_run_due(supervisor, now_ns);

    return min_u64(next_service, next_job);
}

int main(int argc, char **argv)
{
    struct supervisor *supervisor = &the_supervisor;
    struct server server = {.accept = MANAGER_MAX_CAPS,
                            .context = supervisor,
                            .handle = manager_handle,
                            .handle_signal = handle_deaths,
                            .next_deadline = run_due};
    i64 failure;

    (void)argc;
    (void)argv;
    supervisor->boot_ticks = ticks_since_hand_over();
    take_caps(supervisor);
    failure = read_manifest(supervisor);
    if (failure != 0)
        return (int)failure;
    if (make_endpoints(supervisor) != STATUS_OK)
        return FAILURE_ENDPOINT;
    services_start(supervisor);
    server.endpoint = supervisor->endpoint;
    return (int)server_run(&server) + 100;
}
