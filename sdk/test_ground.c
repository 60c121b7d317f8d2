/* What programs of booted tests share. */
#include "ferrous/test_ground.h"

#include "ferrous/console.h"
#include "ferrous/start.h"
#include "lib/format.h"
#include "lib/string.h"

#define SETTLE_TRIES 100u
#define SETTLE_NS    NS_PER_MS
#define TYPE_COUNT   16u

static const struct test_ground *ground;
static const char *program_name;
static struct machine_counts counts_before;

bool test_ground_open(struct test_ground *opened, const char *program)
{
    opened->group = start_group();
    opened->machine.cap = start_cap("machine");
    opened->ports.cap = start_cap("ports");
    ground = opened;
    program_name = program;
    if (cap_is_null(opened->group.cap) || cap_is_null(opened->machine.cap) ||
        archive_open((memory_t){start_cap("archive")}, &opened->archive) != STATUS_OK ||
        archive_find(&opened->archive, program, &opened->image) != STATUS_OK) {
        print("%s: needs group, machine and archive\n", program);
        return false;
    }
    return true;
}

void test_read_counts(struct machine_counts *counts)
{
    u64 written;

    memset(counts, 0, sizeof(*counts));
    (void)!machine_info(ground->machine, MACHINE_INFO_COUNTS, counts, sizeof(*counts), 0, &written,
                        NULL);
}

static void before(void)
{
    test_read_counts(&counts_before);
}

/* Frames of slabs count as free: which of them go back depends on how objects happen to lie in
 * them. The objects themselves are counted exactly. Denials only ever grow. */
static bool same(const struct machine_counts *a, const struct machine_counts *b)
{
    return memcmp(a->objects, b->objects, sizeof(a->objects)) == 0 &&
           a->cap_nodes == b->cap_nodes && a->slab_objects == b->slab_objects &&
           a->free_frames + a->slab_frames == b->free_frames + b->slab_frames;
}

static void describe(char *text, size_t size, const char *what, u64 was, u64 is)
{
    format_to(text, size, "%s: %llu before, %llu after", what, (unsigned long long)was,
              (unsigned long long)is);
}

static void describe_difference(char *text, size_t size, const struct machine_counts *counts)
{
    char what[24];
    u32 type = 0;

    while (type < TYPE_COUNT && counts->objects[type] == counts_before.objects[type])
        type++;
    if (type < TYPE_COUNT) {
        format_to(what, sizeof(what), "objects of type %u", type);
        describe(text, size, what, counts_before.objects[type], counts->objects[type]);
    } else if (counts->cap_nodes != counts_before.cap_nodes) {
        describe(text, size, "capability nodes", counts_before.cap_nodes, counts->cap_nodes);
    } else if (counts->slab_objects != counts_before.slab_objects) {
        describe(text, size, "kernel structures", counts_before.slab_objects, counts->slab_objects);
    } else {
        describe(text, size, "free frames and those of slabs",
                 counts_before.free_frames + counts_before.slab_frames,
                 counts->free_frames + counts->slab_frames);
    }
}

/* What was freed is returned after a grace period, so a difference gets some time to vanish. */
static bool after(char *text, size_t size)
{
    struct machine_counts counts;

    for (u32 i = 0; i < SETTLE_TRIES; i++) {
        test_read_counts(&counts);
        if (same(&counts, &counts_before))
            return true;
        time_sleep_ns(SETTLE_NS);
    }
    describe_difference(text, size, &counts);
    return false;
}

int test_ground_run(const char *filter)
{
    struct test_hooks hooks = {
        .before = before, .after = after, .cpu_count = start_info_page()->cpu_count};
    struct test_totals totals = test_run_all(&hooks, filter);

    if (totals.skipped != 0)
        print("%s: %u tests need more processors\n", program_name, totals.skipped);
    print("%s: %u passed, %u failed\n", program_name, totals.passed, totals.failed);
    return totals.failed == 0 ? 0 : 1;
}

int test_play_role(const struct test_role *roles, size_t count, int argc, char **argv)
{
    for (size_t i = 0; i < count; i++) {
        if (string_equal(roles[i].name, argv[2]))
            return roles[i].run(argc > 3 ? argv[3] : "");
    }
    return 255;
}

enum status start_role_with(const struct process_spec *more, group_t group, const char *role,
                            const char *argument, struct process *process)
{
    const char *arguments[] = {program_name, "--role", role, argument};
    struct process_spec spec = *more;

    spec.name = role;
    spec.group = group;
    spec.image = ground->image;
    spec.arguments = arguments;
    spec.argument_count = argument == NULL ? 3 : 4;
    return process_spawn(&spec, process);
}

enum status start_role(group_t group, const char *role, const char *argument,
                       const struct process_cap *caps, u32 cap_count, struct process *process)
{
    struct process_spec more = {.caps = caps, .cap_count = cap_count};

    return start_role_with(&more, group, role, argument, process);
}

enum status end_of(struct process *process, struct exit_record *record)
{
    enum status status = process_wait(process->handle, PATIENCE, record);

    if (status == STATUS_TIMED_OUT)
        (void)process_kill(process->handle, 0);
    process_close(process);
    return status;
}

enum status make_endpoint(u32 depth, endpoint_t *endpoint)
{
    return endpoint_create(ground->group, depth, 0, endpoint);
}

enum status make_mapping(u64 size, u32 flags, u64 *address, memory_t *memory)
{
    memory_t object;
    enum status status = memory_create(ground->group, size, 0, &object);

    if (status != STATUS_OK)
        return status;
    *address = 0;
    status = memory_map(object, 0, size, flags, address);
    if (memory == NULL || status != STATUS_OK)
        (void)cap_close(object.cap);
    else
        *memory = object;
    return status;
}

enum status make_group(group_t parent, enum group_resource resource, u64 limit, group_t *group)
{
    struct group_limits limits;

    group_limits_init(&limits, "test");
    limits.limit[resource] = limit;
    return group_create(parent, &limits, group);
}

enum status end_group(group_t group)
{
    enum status status = group_destroy(group);

    (void)cap_close(group.cap);
    return status;
}
