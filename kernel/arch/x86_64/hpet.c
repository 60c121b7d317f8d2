/* SAFETY (this file): registers are reached through the uncached page that arch_memory_init maps.
 */
#include "hpet.h"

#include "clock_scale.h"
#include "paging.h"
#include "x86.h"

#define REG_CAPABILITIES 0x000u
#define REG_PERIOD       0x004u /* femtoseconds, upper half of the capabilities */
#define REG_CONFIG       0x010u
#define REG_COUNTER      0x0f0u
#define REG_COUNTER_HIGH 0x0f4u

#define CAPABILITY_64_BITS (1u << 13)
#define CONFIG_ENABLE      1u
#define CONFIG_LEGACY      2u
#define PERIOD_MAX_FS      100000000u

static volatile u8 *registers;
static u64 multiplier;

static u32 hpet_register(u32 offset)
{
    return x86_mmio_read((volatile u32 *)(registers + offset));
}

void hpet_map(const struct boot_info *boot)
{
    if (boot->hpet)
        registers = paging_map_physical(boot->hpet, PAGE_SIZE, MAPPING_UNCACHED);
}

bool hpet_init(void)
{
    if (!registers)
        return false;
    u32 period = hpet_register(REG_PERIOD);
    if (period == 0 || period > PERIOD_MAX_FS ||
        !(hpet_register(REG_CAPABILITIES) & CAPABILITY_64_BITS))
        return false;
    multiplier = scale_of_period_fs(period);
    u32 config = hpet_register(REG_CONFIG) & ~CONFIG_LEGACY;
    x86_mmio_write((volatile u32 *)(registers + REG_CONFIG), config | CONFIG_ENABLE);
    return true;
}

/* Two 32-bit reads, as not every HPET can be read in one; again if the upper half moved between. */
u64 hpet_read(void)
{
    for (;;) {
        u32 high = hpet_register(REG_COUNTER_HIGH);
        u32 low = hpet_register(REG_COUNTER);
        if (likely(high == hpet_register(REG_COUNTER_HIGH)))
            return (u64)high << 32 | low;
    }
}

u64 hpet_multiplier(void)
{
    return multiplier;
}
