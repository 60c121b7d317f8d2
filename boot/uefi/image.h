/* The kernel's and init's executables, and the page tables with which the kernel starts. */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include "firmware.h"
#include "lib/elf.h"

/* What the jump into the kernel needs. */
struct start {
    u64 root;       /* physical: the loader's page tables */
    u64 entry;      /* virtual */
    u64 boot_info;  /* virtual: in the direct map */
    u64 descriptor; /* virtual: in the direct map: struct start_page */
};

/* Checks init's file and fills in init_* of `info`. */
void image_plan_init(const struct firmware_file *file, struct boot_info *info);

/* Puts the kernel's image in memory and where it runs in `info`: at a random place, or as linked if
 * `random` is NULL. `plan` is what the file was found to hold. */
void image_load_kernel(struct firmware *firmware, const struct firmware_file *file,
                       struct random *random, struct elf_plan *plan, struct boot_info *info);

/* Chooses the place of the direct map (random as above), builds the page tables for the start and
 * those for the firmware's runtime services, and says how to begin. memory_ranges must be there. */
struct start image_map(struct firmware *firmware, const struct elf_plan *plan,
                       struct random *random, struct boot_info *info);

/* Leaves the loader for the kernel. The firmware's services have been left. */
__attribute__((noreturn)) void image_start(const struct start *start);

#endif
