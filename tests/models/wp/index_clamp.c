/* kernel/arch/include/arch/cpu.h: the index clamp as the contract has it. The x86_64 port has its
 * own in assembly, which WP does not see; its unit and booted tests cover that. */
#include "abi/types.h"

/*@ assigns \nothing;
    ensures bounds: limit > 0 ==> \result < limit;
    ensures kept: index < limit ==> \result == index;
    ensures refused: index >= limit ==> \result == 0; */
static inline u64 arch_index_clamp(u64 index, u64 limit);

#define PORT_CPU_H
#include "arch/cpu.h"
