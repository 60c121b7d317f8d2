/* kernel/arch/x86_64/include/port/memory.h: page-table entries. What is encoded is what is decoded;
 * user access and write access are there only if asked for; an entry that may not be executed says
 * so. */
#include "arch/memory.h"

#define BIT(entry, bit) (((entry) & (bit)) != 0)

/*@ requires frame.raw % 0x1000 == 0 && frame.raw < 0x10000000000000;
    assigns \nothing;
    ensures present: BIT(\result, PTE_PRESENT);
    ensures address: (\result & PTE_ADDRESS) == frame.raw;
    ensures write: BIT(\result, PTE_WRITE) <==> BIT(access, ACCESS_WRITE);
    ensures user: BIT(\result, PTE_USER) <==> BIT(access, ACCESS_USER);
    ensures execute: BIT(\result, PTE_NO_EXECUTE) <==> !BIT(access, ACCESS_EXECUTE);
    ensures device: BIT(\result, PTE_UNCACHED) <==> BIT(access, ACCESS_DEVICE);
    ensures large: BIT(\result, PTE_LARGE) <==> level > 0;
    ensures not_global: !BIT(\result, PTE_GLOBAL);
    ensures reserved: (\result & 0x7ff0000000000e00) == 0; */
static inline u64 arch_pte_leaf(paddr_t frame, u32 access, u32 level);

/*@ requires table.raw % 0x1000 == 0 && table.raw < 0x10000000000000;
    assigns \nothing;
    ensures present: BIT(\result, PTE_PRESENT);
    ensures address: (\result & PTE_ADDRESS) == table.raw;
    ensures not_leaf: !BIT(\result, PTE_LARGE);
    ensures reserved: (\result & 0xfff0000000000e00) == 0; */
static inline u64 arch_pte_table(paddr_t table);

/*@ assigns \nothing;
    ensures (\result != 0) <==> entry % 2 == 1; */
static inline bool arch_pte_present(u64 entry);

/*@ assigns \nothing;
    ensures (\result != 0) <==> level == 0 || BIT(entry, PTE_LARGE); */
static inline bool arch_pte_is_leaf(u64 entry, u32 level);

/*@ assigns \nothing;
    ensures (\result & ACCESS_READ) != 0;
    ensures write: BIT(\result, ACCESS_WRITE) <==> BIT(entry, PTE_WRITE);
    ensures user: BIT(\result, ACCESS_USER) <==> BIT(entry, PTE_USER);
    ensures device: BIT(\result, ACCESS_DEVICE) <==> BIT(entry, PTE_UNCACHED);
    ensures execute: BIT(\result, ACCESS_EXECUTE) <==> !BIT(entry, PTE_NO_EXECUTE);
    ensures nothing_else: \result < 32; */
static inline u32 arch_pte_access(u64 entry);

/*@ assigns \nothing;
    ensures \result.raw == (entry & PTE_ADDRESS); */
static inline paddr_t arch_pte_address(u64 entry, u32 level);

/*@ assigns \nothing;
    ensures \result.raw == raw; */
static inline paddr_t paddr(u64 raw);

/*@ requires frame.raw % 0x1000 == 0 && frame.raw < 0x10000000000000 && access < 32;
    assigns \nothing;
    ensures \result == (access | ACCESS_READ); */
u32 wp_access_returns(paddr_t frame, u32 access, u32 level)
{
    return arch_pte_access(arch_pte_leaf(frame, access, level));
}

/*@ requires frame.raw % 0x1000 == 0 && frame.raw < 0x10000000000000;
    assigns \nothing;
    ensures \result == frame.raw; */
u64 wp_address_returns(paddr_t frame, u32 access, u32 level)
{
    return arch_pte_address(arch_pte_leaf(frame, access, level), level).raw;
}
