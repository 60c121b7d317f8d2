/*
 * Where things lie in the kernel's half of the address space, and how far they may slide.
 *
 *   0xffff800000000000  direct map of physical memory, slid by a multiple of 1 GiB; it ends below
 *   0xffffc00000000000  the kernel's own use; nothing of the loader's
 *   0xffffffff80000000  kernel image, slid by a multiple of 2 MiB; it ends below
 *   0xffffffffc0000000  the kernel's own use
 */
#ifndef BOOT_LAYOUT_H
#define BOOT_LAYOUT_H

#include "abi/types.h"

#define LAYOUT_DIRECT_MAP_START 0xffff800000000000ull
#define LAYOUT_DIRECT_MAP_END   0xffffc00000000000ull
#define LAYOUT_DIRECT_MAP_STEP  (1ull << 30)
#define LAYOUT_DIRECT_MAP_LEAST (4ull << 30) /* bytes mapped at least */

#define LAYOUT_IMAGE_START 0xffffffff80000000ull
#define LAYOUT_IMAGE_END   0xffffffffc0000000ull
#define LAYOUT_IMAGE_STEP  (1ull << 21)

#endif
