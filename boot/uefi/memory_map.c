/* The kernel's memory map; see memory_map.h. */
#include "memory_map.h"

#include "lib/checked_math.h"
#include "lib/string.h"

bool map_items_add(struct map_items *items, u64 start, u64 end, u32 kind)
{
    if (start == end)
        return true;
    if (start > end || !is_aligned(start, PAGE_SIZE) || !is_aligned(end, PAGE_SIZE) ||
        items->count == items->limit)
        return false;
    items->items[items->count++] = (struct map_item){.start = start, .end = end, .kind = kind};
    return true;
}

/* Boot services memory is free: by the time the map counts, they are gone. */
static u32 kind_of(u32 efi_type)
{
    switch (efi_type) {
    case EFI_MEMORY_CONVENTIONAL:
    case EFI_MEMORY_BOOT_CODE:
    case EFI_MEMORY_BOOT_DATA:
        return BOOT_MEMORY_FREE;
    case EFI_MEMORY_LOADER_CODE:
    case EFI_MEMORY_LOADER_DATA:
        return BOOT_MEMORY_LOADER;
    case EFI_MEMORY_ACPI_RECLAIM:
    case EFI_MEMORY_ACPI_NVS:
        return BOOT_MEMORY_ACPI;
    case EFI_MEMORY_RUNTIME_CODE:
    case EFI_MEMORY_RUNTIME_DATA:
        return BOOT_MEMORY_RUNTIME;
    case EFI_MEMORY_MMIO:
    case EFI_MEMORY_MMIO_PORTS:
        return BOOT_MEMORY_MMIO;
    default:
        return BOOT_MEMORY_RESERVED;
    }
}

bool map_items_add_firmware(struct map_items *items, const void *map, u64 size_bytes,
                            u64 descriptor_bytes)
{
    struct efi_memory_descriptor descriptor;
    if (descriptor_bytes < sizeof(descriptor))
        return false;
    for (u64 at = 0; range_fits(at, sizeof(descriptor), size_bytes); at += descriptor_bytes) {
        u64 bytes, end;
        memcpy(&descriptor, (const u8 *)map + at, sizeof(descriptor));
        if (!checked_mul(descriptor.page_count, PAGE_SIZE, &bytes) ||
            !checked_add(descriptor.phys, bytes, &end) ||
            !map_items_add(items, descriptor.phys, end, kind_of(descriptor.type)))
            return false;
    }
    return true;
}

/* What holds from `at` up to *next; kind 0: nothing. */
static u32 kind_at(const struct map_items *items, u64 at, u64 *next)
{
    u32 kind = 0;
    *next = UINT64_MAX;
    for (u32 i = 0; i < items->count; i++) {
        const struct map_item *item = &items->items[i];
        if (item->start > at) {
            *next = min_u64(*next, item->start);
        } else if (item->end > at) {
            *next = min_u64(*next, item->end);
            if (item->kind > kind)
                kind = item->kind;
        }
    }
    return kind;
}

static u32 node_at(const struct acpi_result *nodes, u64 at, u64 *next)
{
    u32 node = 0;
    for (u32 i = 0; i < nodes->affinity_count; i++) {
        const struct acpi_affinity *affinity = &nodes->affinities[i];
        u64 start = align_down(affinity->start, PAGE_SIZE);
        u64 end = align_down(affinity->end, PAGE_SIZE);
        if (start > at) {
            *next = min_u64(*next, start);
        } else if (end > at) {
            *next = min_u64(*next, end);
            node = affinity->node;
        }
    }
    return node;
}

bool map_build(const struct map_items *items, const struct acpi_result *nodes,
               struct boot_memory_range *ranges, u32 limit, u32 *count)
{
    u32 made = 0;
    for (u64 at = 0, next; at != UINT64_MAX; at = next) {
        u32 kind = kind_at(items, at, &next);
        u32 node = node_at(nodes, at, &next);
        if (kind == 0)
            continue;
        struct boot_memory_range *last = made > 0 ? &ranges[made - 1] : NULL;
        if (last != NULL && last->end == at && last->kind == kind && last->node == node) {
            last->end = next;
            continue;
        }
        if (made == limit)
            return false;
        ranges[made++] =
            (struct boot_memory_range){.start = at, .end = next, .kind = kind, .node = node};
    }
    *count = made;
    return true;
}

bool map_is_memory(const struct boot_memory_range *ranges, u32 count, u64 start, u64 end)
{
    for (u32 i = 0; i < count && start < end; i++) {
        if (ranges[i].kind != BOOT_MEMORY_MMIO && start >= ranges[i].start && start < ranges[i].end)
            start = ranges[i].end;
    }
    return start >= end;
}

u64 map_memory_end(const struct boot_memory_range *ranges, u32 count)
{
    u64 end = 0;
    for (u32 i = 0; i < count; i++) {
        if (ranges[i].kind != BOOT_MEMORY_RESERVED && ranges[i].kind != BOOT_MEMORY_MMIO)
            end = ranges[i].end;
    }
    return end;
}

u64 map_free_bytes(const struct boot_memory_range *ranges, u32 count)
{
    u64 bytes = 0;
    for (u32 i = 0; i < count; i++) {
        if (ranges[i].kind == BOOT_MEMORY_FREE || ranges[i].kind == BOOT_MEMORY_LOADER)
            bytes += ranges[i].end - ranges[i].start;
    }
    return bytes;
}
