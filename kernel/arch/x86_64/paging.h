/* The kernel's own page tables. */
#ifndef X86_64_PAGING_H
#define X86_64_PAGING_H

#include "abi/bootinfo.h"
#include "arch/memory.h"

enum mapping_kind { MAPPING_UNCACHED, MAPPING_COMBINING, MAPPING_CACHED };

/* While arch_memory_init runs: maps physical [start, start + size) (any alignment) into the device
 * window, writable and not executable. Panics when the window is full. */
void *paging_map_physical(u64 start, u64 size_bytes, enum mapping_kind kind);

/* Is there a kernel or IST stack at this address? Its page may still be a guard page. */
bool paging_is_stack(u64 address);

/* Root of page tables for starting CPUs: the kernel half, and the trampoline page mapped at its
 * physical address. Below 4 GiB; 0 if that could not be had. */
u64 paging_startup_root(void);

/* Root with the firmware's runtime regions in the lower half and the kernel in the upper; 0: none.
 */
u64 paging_firmware_root(void);

#endif
