/* The test runner's main: finds its capabilities, compares counts around each test, prints the
 * closing line. */
#include "systest.h"

#include "ferrous/console.h"
#include "lib/format.h"

#define SETTLE_TRIES 100u
#define SETTLE_NS    NS_PER_MS

struct systest systest;

static struct machine_counts counts_before;

static void read_counts(struct machine_counts *counts)
{
    u64 written;

    memset(counts, 0, sizeof(*counts));
    (void)!machine_info(systest.machine, MACHINE_INFO_COUNTS, counts, sizeof(*counts), 0, &written,
                        NULL);
}

static void before(void)
{
    read_counts(&counts_before);
}

/* Frames of slabs count as free: which of them go back depends on how objects happen to lie in
 * them. The objects themselves are counted exactly. Denials only ever grow. */
static bool same(const struct machine_counts *a, const struct machine_counts *b)
{
    return memcmp(a->objects, b->objects, sizeof(a->objects)) == 0 &&
           a->cap_nodes == b->cap_nodes && a->slab_objects == b->slab_objects &&
           a->free_frames + a->slab_frames == b->free_frames + b->slab_frames;
}

/* What was freed is returned after a grace period, so a difference gets some time to vanish. */
static bool after(char *text, size_t size)
{
    struct machine_counts counts;
    u32 type = 0;

    for (u32 i = 0; i < SETTLE_TRIES; i++) {
        read_counts(&counts);
        if (same(&counts, &counts_before))
            return true;
        time_sleep_ns(SETTLE_NS);
    }
    while (type < 16 && counts.objects[type] == counts_before.objects[type])
        type++;
    if (type < 16)
        format_to(text, size, "objects of type %u: %llu before, %llu after", type,
                  (unsigned long long)counts_before.objects[type],
                  (unsigned long long)counts.objects[type]);
    else if (counts.cap_nodes != counts_before.cap_nodes)
        format_to(text, size, "capability nodes: %llu before, %llu after",
                  (unsigned long long)counts_before.cap_nodes,
                  (unsigned long long)counts.cap_nodes);
    else if (counts.slab_objects != counts_before.slab_objects)
        format_to(text, size, "kernel structures: %llu before, %llu after",
                  (unsigned long long)counts_before.slab_objects,
                  (unsigned long long)counts.slab_objects);
    else
        format_to(text, size, "free frames: %llu and %llu in slabs before, %llu and %llu after",
                  (unsigned long long)counts_before.free_frames,
                  (unsigned long long)counts_before.slab_frames,
                  (unsigned long long)counts.free_frames, (unsigned long long)counts.slab_frames);
    return false;
}

int main(int argc, char **argv)
{
    struct test_hooks hooks = {.before = before, .after = after};
    struct test_totals totals;

    if (argc > 2 && string_equal(argv[1], "--role"))
        return run_role(argc, argv);
    systest.group = start_group();
    systest.machine.cap = start_cap("machine");
    systest.ports.cap = start_cap("ports");
    if (cap_is_null(systest.group.cap) || cap_is_null(systest.machine.cap) ||
        archive_open((memory_t){start_cap("archive")}, &systest.archive) != STATUS_OK ||
        archive_find(&systest.archive, "systest", &systest.image) != STATUS_OK) {
        print("systest: needs group, machine and archive\n");
        return 2;
    }
    hooks.cpu_count = start_info_page()->cpu_count;
    totals = test_run_all(&hooks, argc > 1 ? argv[1] : NULL);
    if (totals.skipped != 0)
        print("systest: %u tests need more processors\n", totals.skipped);
    print("systest: %u passed, %u failed\n", totals.passed, totals.failed);
    return totals.failed == 0 ? 0 : 1;
}
