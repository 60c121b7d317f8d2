/*
 * Records of frames. Memory is divided into sections of 128 MiB; a section that holds memory has an
 * array of records from its first frame of memory to its last, so that holes between banks cost
 * nothing:
 *
 *     pfn  = | section | index in section (15 bits) |
 *
 *     sections[section] -> { records, first, count }
 *
 * Which frames of these are the allocator's follows from the boot description's memory ranges,
 * which stay where they are for the kernel's life.
 *
 * Locks: none; all is written at boot, but for the mark that a range has been given to the
 * allocator, which is set before its frames can be allocated.
 */
#include "mm/frame_internal.h"

#include "arch/atomic.h"
#include "arch/cpu.h"
#include "core/assert.h"
#include "lib/bitmap.h"
#include "lib/checked_math.h"

#define SECTION_SHIFT  15u
#define SECTION_FRAMES (1ull << SECTION_SHIFT)

struct section {
    struct frame *records;
    u32 first; /* index in the section of records[0] */
    u32 count;
};

KERNEL_STATE static const struct boot_info *description;
KERNEL_STATE static struct section *sections;
KERNEL_STATE static u64 section_count;
KERNEL_STATE static u64 managed[BITMAP_WORDS(BOOT_MAX_MEMORY_RANGES)];

/* Memory that is free now or can become free later. */
static bool has_records(const struct boot_memory_range *range)
{
    switch (range->kind) {
    case BOOT_MEMORY_FREE:
    case BOOT_MEMORY_LOADER:
    case BOOT_MEMORY_BOOT_INFO:
    case BOOT_MEMORY_ARCHIVE:
    case BOOT_MEMORY_INIT:
        return true;
    default:
        return false;
    }
}

/* Widens the section to the frame before `end`, relative to it; `first` and `end` rise from call to
 * call. */
static void cover(struct section *section, u32 first, u32 end)
{
    if (section->count == 0)
        section->first = first;
    section->count = end - section->first;
}

static void cover_range(const struct boot_memory_range *range)
{
    u64 end = range->end >> PAGE_SHIFT;

    for (u64 pfn = range->start >> PAGE_SHIFT; pfn < end;) {
        u64 section = pfn >> SECTION_SHIFT;
        u64 base = section << SECTION_SHIFT;
        u64 stop = min_u64(end, base + SECTION_FRAMES);

        cover(&sections[section], (u32)(pfn - base), (u32)(stop - base));
        pfn = stop;
    }
}

/* Zeroed memory for a table that is kept for ever. */
static void *take_table(u64 size_bytes, u32 node)
{
    /* SAFETY: early frames are in the direct map and belong to the caller alone. */
    return arch_phys_to_virt(frame_early_take(align_up(size_bytes, PAGE_SIZE) >> PAGE_SHIFT, node));
}

void frame_map_init(const struct boot_info *boot)
{
    u64 top = 0;

    description = boot;
    for (u32 i = 0; i < boot->memory_range_count; i++)
        if (has_records(&boot->memory_ranges[i]))
            top = max_u64(top, boot->memory_ranges[i].end >> PAGE_SHIFT);
    section_count = (top + SECTION_FRAMES - 1) >> SECTION_SHIFT;
    ASSERT(section_count > 0);
    sections = take_table(section_count * sizeof(struct section), 0);

    for (u32 i = 0; i < boot->memory_range_count; i++)
        if (has_records(&boot->memory_ranges[i]))
            cover_range(&boot->memory_ranges[i]);
    for (u64 i = 0; i < section_count; i++) {
        struct section *section = &sections[i];

        if (section->count == 0)
            continue;

        u64 first = (i << SECTION_SHIFT) + section->first;

        section->records = take_table(section->count * sizeof(struct frame),
                                      frame_node(paddr(first << PAGE_SHIFT)));
    }
}

struct frame *frame_record(u64 pfn)
{
    u64 number = pfn >> SECTION_SHIFT;

    if (unlikely(number >= section_count))
        return NULL;

    const struct section *section = &sections[number];
    u32 index = (u32)(pfn & (SECTION_FRAMES - 1)) - section->first;

    return likely(index < section->count) ? &section->records[index] : NULL;
}

/* Index of the range that holds an address; the count of ranges if none does. */
static u32 range_of(u64 address)
{
    u32 low = 0;
    u32 high = description->memory_range_count;

    while (low < high) {
        u32 middle = (low + high) / 2;

        if (description->memory_ranges[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == description->memory_range_count || description->memory_ranges[low].start > address)
        return description->memory_range_count;
    return low;
}

void frame_map_manage(u64 start_pfn, u64 end_pfn)
{
    for (u32 i = 0; i < description->memory_range_count; i++) {
        const struct boot_memory_range *range = &description->memory_ranges[i];

        if (has_records(range) && ranges_overlap(range->start >> PAGE_SHIFT,
                                                 range->end >> PAGE_SHIFT, start_pfn, end_pfn))
            ATOMIC_OR(&managed[i / 64], 1ull << (i % 64));
    }
}

u64 frame_next_excluded(u64 pfn, u64 end)
{
    u64 trampoline = description->trampoline >> PAGE_SHIFT;

    if (pfn == 0)
        return pfn;
    return trampoline >= pfn && trampoline < end ? trampoline : end;
}

u32 frame_node(paddr_t frame)
{
    u32 range = range_of(frame.raw);

    return range == description->memory_range_count ? 0 : description->memory_ranges[range].node;
}

bool frame_is_memory(paddr_t frame)
{
    u32 range = range_of(frame.raw);

    return range != description->memory_range_count && bitmap_test(managed, range) &&
           frame.raw < frame_early_range_end(range) &&
           !frame_is_excluded(description, frame.raw >> PAGE_SHIFT);
}
