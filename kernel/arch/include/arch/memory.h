/*
 * Physical memory, page tables and TLB.
 *
 * Page tables are a radix tree of ARCH_PT_LEVELS levels of 512 entries; level 0 holds leaves of 4
 * KiB, level 1 may hold leaves of 2 MiB. mm/page_table walks it; the port knows what the bits of an
 * entry mean.
 *
 * port/memory.h defines, inline:
 *   ARCH_PT_LEVELS, ARCH_PT_ENTRIES (512)
 *   void *arch_phys_to_virt(paddr_t)            an address in the direct map
 *   paddr_t arch_virt_to_phys(const void *)     only for addresses in the direct map
 *   u64 arch_pte_leaf(paddr_t, u32 access, u32 level)   ACCESS_* below
 *   u64 arch_pte_table(paddr_t)
 *   bool arch_pte_present(u64), arch_pte_is_leaf(u64, u32 level)
 *   paddr_t arch_pte_address(u64, u32 level)
 *   u32 arch_pte_access(u64)
 *   u64 arch_pte_read(const u64 *entry), void arch_pte_write(u64 *entry, u64 value)
 *                                               one load or store at a direct-map address; a later
 *                                               arch_tlb_* call or grace period makes it seen by
 * walkers
 */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include "arch/types.h"
#include "abi/bootinfo.h"

#define ACCESS_READ    1u
#define ACCESS_WRITE   2u
#define ACCESS_EXECUTE 4u
#define ACCESS_USER    8u
#define ACCESS_DEVICE  16u /* uncached */

#include "port/memory.h"

/* Clears or copies one page at its direct-map address. A port may bring its own with
 * ARCH_HAS_PAGE_OPERATIONS. */
#ifndef ARCH_HAS_PAGE_OPERATIONS
static inline void arch_page_zero(void *page)
{
    u64 *words = page;

    for (u32 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
        words[i] = 0;
}

static inline void arch_page_copy(void *restrict to, const void *restrict from)
{
    u64 *out = to;
    const u64 *in = from;

    for (u32 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
        out[i] = in[i];
}
#endif

/* Early, before frames: where the direct map lies. */
void arch_memory_init_early(const struct boot_info *boot);

/* Builds the kernel's own page tables with frames from `alloc_frame` (zeroed, never fails or
 * panics) and loads them: image W^X by section, direct map not executable, guard pages, device
 * registers of the interrupt controllers; nothing of the loader. After it MEMORY_LOADER ranges may
 * be freed. */
void arch_memory_init(const struct boot_info *boot, paddr_t (*alloc_frame)(void));

/* A kernel stack of `size_bytes` with an unmapped guard page below; returns its top. For CPUs at
 * boot. Same `alloc_frame` rules. */
void *arch_stack_create(u64 size_bytes, paddr_t (*alloc_frame)(void));

/* A new address space's root table from a zeroed frame: kernel half filled in. */
void arch_root_init(void *root_table);
/* Makes the kernel half of a root table zero again. */
void arch_root_fini(void *root_table);

/* Loads a user address space on this CPU, or the kernel's own tables alone. Flushes what the port
 * must flush. Cost: one page-table register write, which is a full memory barrier. */
void arch_root_load(paddr_t root);
void arch_root_load_kernel(void);

/* Drops this CPU's cached translation of one page, or of the whole user half, of the loaded root.
 */
void arch_tlb_flush_page(u64 address);
void arch_tlb_flush_user(void);

/* Sizes of text, read-only data, data and bss of the kernel image. */
u64 arch_image_size_bytes(void);

/* Copies between kernel and the loaded user address space. False if a page was missing or forbade
 * it; then some bytes may have been copied and *fault_address says where it stopped. Addresses must
 * be below USER_END (checked by the caller). Never causes an upcall. */
bool arch_user_read(void *to, user_ptr_t from, u64 size_bytes, u64 *fault_address);
bool arch_user_write(user_ptr_t to, const void *from, u64 size_bytes, u64 *fault_address);

/* Atomic 32-bit load for futexes; same result rules. `address` is 4-byte aligned. */
bool arch_user_load_u32(user_ptr_t address, u32 *value);

#endif
