/* x86_64 page-table entries (Intel SDM 3A, 4.5) and the direct map. */
#ifndef PORT_MEMORY_H
#define PORT_MEMORY_H

#include "arch/types.h"

#define ARCH_PT_LEVELS  4u
#define ARCH_PT_ENTRIES 512u

#define PTE_PRESENT       (1ull << 0)
#define PTE_WRITE         (1ull << 1)
#define PTE_USER          (1ull << 2)
#define PTE_WRITE_THROUGH (1ull << 3)
#define PTE_UNCACHED      (1ull << 4)
#define PTE_ACCESSED      (1ull << 5)
#define PTE_DIRTY         (1ull << 6)
#define PTE_LARGE         (1ull << 7)
#define PTE_GLOBAL        (1ull << 8)
#define PTE_NO_EXECUTE    (1ull << 63)
#define PTE_ADDRESS       0x000ffffffffff000ull

/* Where physical address 0 lies in the direct map. Written once, by arch_memory_init_early. */
extern u64 port_direct_map;

static inline void *arch_phys_to_virt(paddr_t address)
{
    /* SAFETY: the direct map covers all memory that the core is given; callers own the frame. */
    return (void *)(port_direct_map + address.raw);
}

static inline paddr_t arch_virt_to_phys(const void *pointer)
{
    /* SAFETY: only direct-map addresses come here; the result is a number. */
    return paddr((u64)pointer - port_direct_map);
}

/* Accessed and dirty are set from the start: nobody looks at them, and walkers need not write them.
 */
static inline u64 arch_pte_leaf(paddr_t frame, u32 access, u32 level)
{
    u64 entry = (frame.raw & PTE_ADDRESS) | PTE_PRESENT | PTE_ACCESSED;
    if (access & ACCESS_WRITE)
        entry |= PTE_WRITE | PTE_DIRTY;
    if (access & ACCESS_USER)
        entry |= PTE_USER;
    if (access & ACCESS_DEVICE)
        entry |= PTE_UNCACHED | PTE_WRITE_THROUGH;
    if (!(access & ACCESS_EXECUTE))
        entry |= PTE_NO_EXECUTE;
    if (level > 0)
        entry |= PTE_LARGE;
    return entry;
}

static inline u64 arch_pte_table(paddr_t table)
{
    return (table.raw & PTE_ADDRESS) | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
}

static inline bool arch_pte_present(u64 entry)
{
    return (entry & PTE_PRESENT) != 0;
}

/* Of a present entry. */
static inline bool arch_pte_is_leaf(u64 entry, u32 level)
{
    return level == 0 || (entry & PTE_LARGE) != 0;
}

static inline paddr_t arch_pte_address(u64 entry, u32 level)
{
    (void)level; /* bits 12 to 20 of our large leaves are zero: frames are aligned and the PAT bit
                    unused */
    return paddr(entry & PTE_ADDRESS);
}

static inline u32 arch_pte_access(u64 entry)
{
    u32 access = ACCESS_READ;
    if (entry & PTE_WRITE)
        access |= ACCESS_WRITE;
    if (entry & PTE_USER)
        access |= ACCESS_USER;
    if (entry & PTE_UNCACHED)
        access |= ACCESS_DEVICE;
    if (!(entry & PTE_NO_EXECUTE))
        access |= ACCESS_EXECUTE;
    return access;
}

static inline u64 arch_pte_read(const u64 *entry)
{
    return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static inline void arch_pte_write(u64 *entry, u64 value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

#define ARCH_HAS_PAGE_OPERATIONS

static inline void arch_page_zero(void *page)
{
    u64 count = PAGE_SIZE / sizeof(u64);

    /* SAFETY: the page is the caller's; RDI and RCX are given back changed. */
    __asm__ volatile("rep stosq" : "+D"(page), "+c"(count) : "a"(0ull) : "memory");
}

static inline void arch_page_copy(void *restrict to, const void *restrict from)
{
    u64 count = PAGE_SIZE / sizeof(u64);

    /* SAFETY: both pages are the caller's and do not overlap. */
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

#endif
