/*
 * From what the firmware says and what the loader has allocated to the kernel's memory map. Plain
 * computation: no firmware calls, no globals.
 */
#ifndef BOOT_MEMORY_MAP_H
#define BOOT_MEMORY_MAP_H

#include "efi.h"
#include "abi/status.h"
#include "lib/acpi.h"

/* A stretch of memory and what it is. Items may overlap: the higher kind wins, so that an
 * allocation of the loader's shows through the firmware's "loader data", and what is reserved
 * anywhere is reserved. */
struct map_item {
    u64 start;
    u64 end;
    u32 kind; /* enum boot_memory_kind */
};

struct map_items {
    struct map_item *items;
    u32 count;
    u32 limit;
};

/* False when there is no room, or the item is not page-aligned or ends before it starts (an empty
 * one is passed over). */
bool map_items_add(struct map_items *items, u64 start, u64 end, u32 kind) MUST_USE;

/* Adds one item per descriptor of the firmware's map (7.2.3), whose size may be larger than the
 * structure. False as above. */
bool map_items_add_firmware(struct map_items *items, const void *map, u64 size_bytes,
                            u64 descriptor_bytes) MUST_USE;

/* Fills `ranges`: sorted, disjoint, neighbours of the same kind and node merged, split at the
 * borders of nodes. False when more than `limit` would be needed. */
bool map_build(const struct map_items *items, const struct acpi_result *nodes,
               struct boot_memory_range *ranges, u32 limit, u32 *count) MUST_USE;

/* Whether all of [start, end) lies in ranges that hold memory (anything but MMIO). */
bool map_is_memory(const struct boot_memory_range *ranges, u32 count, u64 start, u64 end);

/* Where memory that anybody will touch ends, and how much is free now or later (FREE, LOADER). */
u64 map_memory_end(const struct boot_memory_range *ranges, u32 count);
u64 map_free_bytes(const struct boot_memory_range *ranges, u32 count);

#endif
