/*
 * Port of the simulator: physical memory is one host mapping at a fixed address, page-table entries
 * have the layout of x86_64 (Intel SDM volume 3, 4.5), so that the portable walk meets the same
 * words as on the machine.
 */
#ifndef PORT_MEMORY_H
#define PORT_MEMORY_H

#include "arch/atomic.h"
#include "arch/types.h"

#define ARCH_PT_LEVELS  4u
#define ARCH_PT_ENTRIES 512u

/* Where physical address 0 appears. Fixed, so that a saved state can be loaded again. */
#define SIM_DIRECT_MAP 0x200000000000ull

#define SIM_PTE_PRESENT  (1ull << 0)
#define SIM_PTE_WRITE    (1ull << 1)
#define SIM_PTE_USER     (1ull << 2)
#define SIM_PTE_UNCACHED (1ull << 4)
#define SIM_PTE_LARGE    (1ull << 7)
#define SIM_PTE_NX       (1ull << 63)
#define SIM_PTE_ADDRESS  0x000ffffffffff000ull

static inline void *arch_phys_to_virt(paddr_t address)
{
    return (void *)(uintptr_t)(SIM_DIRECT_MAP + address.raw);
}

static inline paddr_t arch_virt_to_phys(const void *pointer)
{
    return paddr((u64)(uintptr_t)pointer - SIM_DIRECT_MAP);
}

static inline u64 arch_pte_leaf(paddr_t frame, u32 access, u32 level)
{
    u64 entry = frame.raw | SIM_PTE_PRESENT;
    entry |= access & ACCESS_WRITE ? SIM_PTE_WRITE : 0;
    entry |= access & ACCESS_USER ? SIM_PTE_USER : 0;
    entry |= access & ACCESS_DEVICE ? SIM_PTE_UNCACHED : 0;
    entry |= access & ACCESS_EXECUTE ? 0 : SIM_PTE_NX;
    entry |= level > 0 ? SIM_PTE_LARGE : 0;
    return entry;
}

static inline u64 arch_pte_table(paddr_t frame)
{
    return frame.raw | SIM_PTE_PRESENT | SIM_PTE_WRITE | SIM_PTE_USER;
}

static inline bool arch_pte_present(u64 entry)
{
    return (entry & SIM_PTE_PRESENT) != 0;
}

static inline bool arch_pte_is_leaf(u64 entry, u32 level)
{
    return level == 0 || (entry & SIM_PTE_LARGE) != 0;
}

static inline paddr_t arch_pte_address(u64 entry, u32 level)
{
    u64 page_mask = (1ull << (PAGE_SHIFT + 9u * level)) - 1;
    u64 offset_mask = arch_pte_is_leaf(entry, level) ? page_mask : PAGE_SIZE - 1;
    return paddr(entry & SIM_PTE_ADDRESS & ~offset_mask);
}

static inline u32 arch_pte_access(u64 entry)
{
    u32 access = ACCESS_READ;
    access |= entry & SIM_PTE_WRITE ? ACCESS_WRITE : 0;
    access |= entry & SIM_PTE_USER ? ACCESS_USER : 0;
    access |= entry & SIM_PTE_UNCACHED ? ACCESS_DEVICE : 0;
    access |= entry & SIM_PTE_NX ? 0 : ACCESS_EXECUTE;
    return access;
}

static inline u64 arch_pte_read(const u64 *entry)
{
    return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static inline void arch_pte_write(u64 *entry, u64 value)
{
    atomic_point(entry, true); /* another CPU's walker may still see the old entry here */
    __atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

#endif
