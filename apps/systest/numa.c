/* NUMA: memory comes from the node of the CPU that first touches it, and from the nearest other
 * node when that is full. On a machine with one node only the sums are tested. */
#include "systest.h"

#include "ferrous/thread.h"

#define MAX_NODES   8u
#define MAX_CPUS    64u
#define PAGES       2000u
#define BEYOND      500u /* pages more than a full node has */
#define RUN_PAGES   512u /* of an object that helps to fill a node */
#define MAX_RUNS    64u
#define FILL_LIMIT  (60ull << 20) /* free memory of a node that this program's limit can fill */
#define SPARE_PAGES 64u

static struct machine_node nodes[MAX_NODES];

static u32 read_nodes(struct machine_node *into)
{
    u64 written = 0;
    enum status status = machine_info(systest.machine, MACHINE_INFO_NODES, into,
                                      MAX_NODES * sizeof(*into), 0, &written, NULL);

    return status == STATUS_OK ? (u32)(written / sizeof(*into)) : 0;
}

/* Moves this thread to a CPU of the node; false: the node has none. */
static bool go_to_node(u32 node)
{
    static struct machine_cpu cpus[MAX_CPUS];
    u64 written = 0;
    u64 mask = 0;

    if (machine_info(systest.machine, MACHINE_INFO_CPUS, cpus, sizeof(cpus), 0, &written, NULL) !=
        STATUS_OK)
        return false;
    for (u64 i = 0; i < written / sizeof(cpus[0]); i++) {
        if (cpus[i].node == node && cpus[i].online != 0)
            mask |= 1ull << i;
    }
    if (mask == 0 || kthread_control(thread_self(), THREAD_SET_CPUS, mask) != STATUS_OK)
        return false;
    thread_yield();
    return true;
}

static void go_anywhere(void)
{
    CHECK_OK(kthread_control(thread_self(), THREAD_SET_CPUS, UINT64_MAX));
}

BOOT_TEST(numa, nodes_add_up)
{
    struct machine_memory memory;
    u64 written;
    u64 total = 0;
    u32 count = read_nodes(nodes);

    CHECK_OK(machine_info(systest.machine, MACHINE_INFO_MEMORY, &memory, sizeof(memory), 0,
                          &written, NULL));
    CHECK_EQ(count, memory.node_count);
    for (u32 i = 0; i < count; i++) {
        CHECK_EQ(nodes[i].used_bytes + nodes[i].free_bytes, nodes[i].total_bytes);
        CHECK(nodes[i].free_bytes <= nodes[i].total_bytes);
        total += nodes[i].total_bytes;
    }
    CHECK_EQ(total, memory.total_bytes);
    CHECK(nodes[0].local_frames > 0);
}

static void touch_all(u64 address, u64 page_count)
{
    for (u64 page = 0; page < page_count; page++)
        *(volatile u64 *)(uintptr_t)(address + page * PAGE_SIZE) = page;
}

static u64 frames_since(u64 free_before, u64 free_after)
{
    return free_before > free_after ? (free_before - free_after) / PAGE_SIZE : 0;
}

/* At least 95 % of what a program touches on a CPU of a node comes from there. */
static void touch_on_node(u32 node, u32 count)
{
    struct machine_node before[MAX_NODES];
    struct machine_node after[MAX_NODES];
    u64 address;

    CHECK_OK(make_mapping(PAGES * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    CHECK_EQ(read_nodes(before), count);
    touch_all(address, PAGES);
    CHECK_EQ(read_nodes(after), count);
    CHECK(frames_since(before[node].free_bytes, after[node].free_bytes) >= PAGES * 95 / 100);
    CHECK(after[node].local_frames - before[node].local_frames >= PAGES * 95 / 100);
    for (u32 i = 0; i < count; i++) {
        CHECK_EQ(after[i].remote_frames, before[i].remote_frames);
        if (i != node)
            CHECK(frames_since(before[i].free_bytes, after[i].free_bytes) <= PAGES * 5 / 100);
    }
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
}

BOOT_TEST(numa, a_pinned_program_has_local_frames)
{
    u32 count = read_nodes(nodes);

    for (u32 node = 0; count > 1 && node < count; node++) {
        if (nodes[node].free_bytes / PAGE_SIZE > 2 * PAGES && go_to_node(node))
            touch_on_node(node, count);
    }
    go_anywhere();
}

static memory_t runs[MAX_RUNS];

/* Takes what the node has; how many objects it took. */
static u32 fill_node(u32 node)
{
    u32 taken = 0;

    while (taken < MAX_RUNS && read_nodes(nodes) > node &&
           nodes[node].free_bytes / PAGE_SIZE > RUN_PAGES + RUN_PAGES / 2) {
        if (memory_create(systest.group, RUN_PAGES * PAGE_SIZE, MEMORY_EAGER, &runs[taken]) !=
            STATUS_OK)
            break;
        taken++;
    }
    return taken;
}

/* The node is nearly full: more than it has left comes from the other, which counts it. */
static void touch_beyond(u32 node, u32 other)
{
    struct machine_node before[MAX_NODES];
    struct machine_node after[MAX_NODES];
    u64 address;
    u64 left;
    u64 pages;

    (void)read_nodes(before);
    left = before[node].free_bytes / PAGE_SIZE;
    pages = left + BEYOND;
    CHECK_OK(make_mapping(pages * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    touch_all(address, pages);
    (void)read_nodes(after);
    CHECK(after[other].remote_frames - before[other].remote_frames >= BEYOND);
    CHECK(frames_since(before[other].free_bytes, after[other].free_bytes) >= BEYOND);
    CHECK(after[node].free_bytes / PAGE_SIZE <= 2 * SPARE_PAGES);
    for (u64 page = 0; page < pages; page += 97)
        CHECK_EQ(*(volatile u64 *)(uintptr_t)(address + page * PAGE_SIZE), page);
    CHECK_OK(memory_unmap(address, pages * PAGE_SIZE));
}

BOOT_TEST(numa, a_full_node_is_helped_by_the_next)
{
    u32 count = read_nodes(nodes);

    if (count == 2 && nodes[1].free_bytes <= FILL_LIMIT &&
        nodes[0].free_bytes / PAGE_SIZE > 4 * PAGES && go_to_node(1)) {
        u32 taken = fill_node(1);

        CHECK(taken > 0);
        touch_beyond(1, 0);
        for (u32 i = 0; i < taken; i++)
            CHECK_OK(cap_close(runs[i].cap));
    }
    go_anywhere();
}
