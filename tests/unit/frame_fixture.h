/*
 * A small machine for tests of the frame allocator: simulated memory, one account, and a list of
 * the runs that the test holds. Each test program includes it once.
 */
#ifndef FRAME_FIXTURE_H
#define FRAME_FIXTURE_H

#include "core/cpu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/frame_internal.h"
#include "port/inject.h"
#include "port/sim.h"
#include "unit.h"

#define MIB      (1ull << 20)
#define MAX_HELD 8192u
#define ALL      GROUP_NO_LIMIT

static struct boot_info *boot;
static struct account account;

struct run {
    u64 pfn;
    u32 order;
    u32 tag;
};

static struct run held[MAX_HELD];
static u32 held_count;

static inline void make_account(u64 frames)
{
    u64 limits[GROUP_RESOURCE_COUNT];

    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        limits[what] = ALL;
    limits[GROUP_MEMORY_FRAMES] = frames;
    account_init(&account, NULL, limits);
}

static inline void start_early(u64 bytes, u32 nodes)
{
    sim_inject_hook = unit_should_fail;
    held_count = 0;
    boot = sim_boot_memory(bytes, nodes);
    cpu_table_init(boot);
    arch_cpu_bind(cpu_at(0), 0);
    frame_early_init(boot);
}

static inline void start(u64 bytes, u32 nodes)
{
    start_early(bytes, nodes);
    frame_init(boot);
    make_account(ALL);
}

static inline struct frame_statistics statistics(void)
{
    struct frame_statistics result;

    frame_statistics(&result);
    return result;
}

static inline u64 free_frames(void)
{
    return statistics().free;
}

/* How many runs of each order are free. */
static inline void count_runs(u32 node, u32 counts[FRAME_MAX_ORDER + 1])
{
    for (u32 order = 0; order <= FRAME_MAX_ORDER; order++) {
        counts[order] = 0;
        LIST_FOREACH (link, &frame_nodes[node].free[order])
            counts[order]++;
    }
    for (u32 i = 0; i < frame_nodes[node].fresh_count; i++) {
        const struct frame_range *fresh = &frame_nodes[node].fresh[i];

        counts[FRAME_MAX_ORDER] += (u32)((fresh->end - fresh->start) >> FRAME_MAX_ORDER);
    }
}

static inline bool hold(u32 order, u32 node)
{
    paddr_t frame;

    if (frame_alloc(&account, FRAME_USER, order, node, &frame) != STATUS_OK)
        return false;
    held[held_count++] = (struct run){.pfn = frame.raw >> PAGE_SHIFT, .order = order};
    return true;
}

static inline void drop(u32 index)
{
    frame_free(&account, paddr(held[index].pfn << PAGE_SHIFT), held[index].order);
    held[index] = held[--held_count];
}

static inline void drop_all(void)
{
    while (held_count > 0)
        drop((u32)unit_random_below(held_count));
    frame_cache_drain();
}

static inline bool in_free_range(u64 address)
{
    for (u32 i = 0; i < boot->memory_range_count; i++)
        if (address >= boot->memory_ranges[i].start && address < boot->memory_ranges[i].end)
            return boot->memory_ranges[i].kind == BOOT_MEMORY_FREE;
    return false;
}

#endif
