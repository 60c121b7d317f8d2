/*
 * What the loader takes from the firmware: memory, files, tables, random numbers, the screen; and
 * its leave. Every function that can fail says so in one line and stops: there is nothing a caller
 * could do about it. Memory is mapped at its physical address while the firmware's page tables are
 * loaded.
 */
#ifndef BOOT_FIRMWARE_H
#define BOOT_FIRMWARE_H

#include "efi.h"
#include "memory_map.h"
#include "lib/chacha.h"

#define FIRMWARE_MAX_CLAIMS 64u

struct firmware {
    efi_handle image;
    struct efi_system_table *system;
    struct efi_boot_services *boot;

    /* The memory map as last read, and room for what is made of it. */
    u8 *map;
    u64 map_capacity_bytes;
    u64 map_bytes;
    u64 map_key;
    u64 descriptor_bytes;
    struct map_items items;

    /* What was allocated for others than the loader, to be told apart in the memory map. */
    u32 claim_count;
    struct map_item claims[FIRMWARE_MAX_CLAIMS];
};

/* A file of the partition that the loader came from, in whole pages; the rest of the last is zero.
 */
struct firmware_file {
    const char *name; /* for messages */
    u64 phys;
    u64 size_bytes;
    bool found;
};

void firmware_init(struct firmware *firmware, efi_handle image, struct efi_system_table *system);

/* Whole pages, zeroed, from anywhere; `kind` is what the memory map will say of them. `what` is for
 * the message when there is too little memory. */
u64 firmware_alloc(struct firmware *firmware, u64 size_bytes, u32 kind, const char *what);

/* The same at a multiple of `alignment` (a power of two), below 4 GiB where there is room:
 * processors are started in a mode that reaches no further. */
u64 firmware_alloc_aligned(struct firmware *firmware, u64 size_bytes, u64 alignment, u32 kind,
                           const char *what);

/* One page below 1 MiB, not page 0. */
u64 firmware_alloc_low(struct firmware *firmware, u32 kind, const char *what);

/* Reads \ferrous\NAME. A required file that is missing or empty, and any file that is larger than 1
 * GiB, ends early or cannot be read, is an error; one that is not required and missing or empty has
 * found == false. */
struct firmware_file firmware_read_file(struct firmware *firmware, const char *name, u32 kind,
                                        bool required);

/* Reads the firmware's memory map and turns it into ranges. */
void firmware_memory_map(struct firmware *firmware, const struct acpi_result *nodes,
                         struct boot_info *info);

/* Physical address of the RSDP; 0: the firmware offers none. */
u64 firmware_rsdp(const struct firmware *firmware);

/* Fills in `random` from the best source there is, which is returned, and the others besides. */
enum boot_seed_source firmware_random(struct firmware *firmware, struct random *random);

void firmware_framebuffer(struct firmware *firmware, struct boot_framebuffer *framebuffer);

/* Ends the firmware's boot services and fills in the final memory map. The last use of `firmware`.
 */
void firmware_leave(struct firmware *firmware, const struct acpi_result *nodes,
                    struct boot_info *info);

#endif
