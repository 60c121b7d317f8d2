/*
 * Page tables of four levels, built through an identity map (tables are reached at their physical
 * address). Source: Intel SDM volume 3, 4.5.
 */
#ifndef BOOT_PAGING_H
#define BOOT_PAGING_H

#include "abi/types.h"

#define PAGE_2M (1ull << 21)
#define PAGE_1G (1ull << 30)

#define PAGING_WRITE   1u
#define PAGING_EXECUTE 2u

/* Page tables under construction. */
struct paging {
    u64 root;      /* physical; 0 before the first mapping */
    u64 page_most; /* largest page to use: PAGE_SIZE, PAGE_2M or PAGE_1G */
    /* One zeroed page for a table; does not return when there is none. */
    u64 (*alloc_table)(void *context);
    void *context;
};

/* Maps [virt, virt + size_bytes) to phys and on, with the largest pages that fit. All three are
 * page-aligned; the range lies within one half of the address space. False when a part of it is
 * mapped already. */
bool paging_map(struct paging *paging, u64 virt, u64 phys, u64 size_bytes, u32 access);

/* What a processor would find: false when virt is not mapped. *access as above. */
bool paging_lookup(const struct paging *paging, u64 virt, u64 *phys, u32 *access);

#endif
