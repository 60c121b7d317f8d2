/*
 * Frames before the allocator exists: taken downward from the ends of free ranges, the highest
 * range first, so that low memory and large aligned runs stay whole. They are the kernel's for
 * ever.
 *
 * Locks: none; the boot processor alone runs.
 */
#include "mm/frame_internal.h"

#include "arch/cpu.h"
#include "core/assert.h"
#include "lib/string.h"

KERNEL_STATE static const struct boot_info *description;
KERNEL_STATE static u32 taken[BOOT_MAX_MEMORY_RANGES]; /* frames, from the end of each range */
KERNEL_STATE static bool finished;

void frame_early_init(const struct boot_info *boot)
{
    ASSERT(boot->memory_range_count <= BOOT_MAX_MEMORY_RANGES);
    ASSERT(boot->node_count >= 1 && boot->node_count <= BOOT_MAX_NODES);
    description = boot;
    memset(taken, 0, sizeof(taken));
    finished = false;
}

u64 frame_early_range_end(u32 index)
{
    return description->memory_ranges[index].end - ((u64)taken[index] << PAGE_SHIFT);
}

/* Takes from the range's end, if it has as much and no page in it that must stay as it is. */
static bool take_from(u32 index, u64 count, paddr_t *run)
{
    const struct boot_memory_range *range = &description->memory_ranges[index];
    u64 end = frame_early_range_end(index);

    if (range->kind != BOOT_MEMORY_FREE || (end - range->start) >> PAGE_SHIFT < count)
        return false;

    u64 start = end - (count << PAGE_SHIFT);

    for (u64 address = start; address < end; address += PAGE_SIZE)
        if (frame_is_excluded(description, address >> PAGE_SHIFT))
            return false;
    taken[index] += (u32)count;
    *run = paddr(start);
    return true;
}

/* Any node will do if `node` is BOOT_MAX_NODES. */
static bool take_on(u32 node, u64 count, paddr_t *run)
{
    for (u32 i = description->memory_range_count; i-- > 0;)
        if ((node == BOOT_MAX_NODES || description->memory_ranges[i].node == node) &&
            take_from(i, count, run))
            return true;
    return false;
}

paddr_t frame_early_take(u64 count, u32 node)
{
    paddr_t run;

    ASSERT(!finished);
    if (!take_on(node, count, &run) && !take_on(BOOT_MAX_NODES, count, &run))
        panic("not enough memory to start: %lu frames in a row are missing", (unsigned long)count);
    /* SAFETY: the run was free until now, and the loader mapped all free memory. */
    memset(arch_phys_to_virt(run), 0, count << PAGE_SHIFT);
    return run;
}

paddr_t frame_early_alloc(void)
{
    paddr_t frame;

    if (!finished)
        return frame_early_take(1, 0);
    if (frame_alloc_zeroed(NULL, FRAME_KERNEL, &frame) != STATUS_OK)
        panic("out of memory while starting");
    return frame;
}

u64 frame_early_taken(u32 node)
{
    u64 total = 0;

    for (u32 i = 0; i < description->memory_range_count; i++)
        if (description->memory_ranges[i].node == node)
            total += taken[i];
    return total;
}

void frame_early_finish(void)
{
    finished = true;
}
