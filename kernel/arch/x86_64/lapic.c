/* SAFETY (this file): registers are reached through the uncached page that arch_memory_init maps,
 * or through MSRs. */
#include "lapic.h"

#include "arch/cpu.h"
#include "cpu_features.h"
#include "offsets.h"
#include "paging.h"
#include "x86.h"

#define REG_ID            0x020u
#define REG_TPR           0x080u
#define REG_EOI           0x0b0u
#define REG_SPURIOUS      0x0f0u
#define REG_ERROR         0x280u
#define REG_ICR           0x300u
#define REG_ICR_HIGH      0x310u
#define REG_LVT_TIMER     0x320u
#define REG_LVT_LINT0     0x350u
#define REG_LVT_LINT1     0x360u
#define REG_LVT_ERROR     0x370u
#define REG_TIMER_INITIAL 0x380u
#define REG_TIMER_CURRENT 0x390u
#define REG_TIMER_DIVIDE  0x3e0u

#define BASE_ENABLE      (1ull << 11)
#define BASE_X2APIC      (1ull << 10)
#define SPURIOUS_ENABLE  (1u << 8)
#define LVT_MASKED       (1u << 16)
#define LVT_TSC_DEADLINE (2u << 17)
#define DIVIDE_BY_1      0xbu

#define ICR_INIT       (5u << 8)
#define ICR_STARTUP    (6u << 8)
#define ICR_NMI        (4u << 8)
#define ICR_BUSY       (1u << 12)
#define ICR_ASSERT     (1u << 14)
#define ICR_ALL_OTHERS (3u << 18)
#define ICR_WAIT_LIMIT 100000u

static volatile u8 *registers;
static bool ready;

static u32 lapic_read(u32 reg)
{
    if (cpu_has(FEATURE_X2APIC))
        return (u32)x86_rdmsr(MSR_X2APIC + (reg >> 4));
    return x86_mmio_read((volatile u32 *)(registers + reg));
}

static void lapic_write(u32 reg, u32 value)
{
    if (cpu_has(FEATURE_X2APIC))
        x86_wrmsr(MSR_X2APIC + (reg >> 4), value);
    else
        x86_mmio_write((volatile u32 *)(registers + reg), value);
}

void lapic_map(const struct boot_info *boot)
{
    registers = paging_map_physical(boot->local_apic, PAGE_SIZE, MAPPING_UNCACHED);
}

bool lapic_is_ready(void)
{
    return ready;
}

u32 lapic_id(void)
{
    u32 id = lapic_read(REG_ID);
    return cpu_has(FEATURE_X2APIC) ? id : id >> 24;
}

void lapic_init_cpu(void)
{
    u64 base = x86_rdmsr(MSR_APIC_BASE) | BASE_ENABLE;
    x86_wrmsr(MSR_APIC_BASE, base);
    if (cpu_has(FEATURE_X2APIC))
        x86_wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
    lapic_write(REG_TPR, 0);
    lapic_write(REG_LVT_TIMER, LVT_MASKED);
    lapic_write(REG_LVT_LINT0, LVT_MASKED);
    lapic_write(REG_LVT_LINT1, LVT_MASKED);
    lapic_write(REG_LVT_ERROR, LVT_MASKED);
    lapic_write(REG_ERROR, 0);
    lapic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    lapic_eoi();
    ready = true;
}

void lapic_eoi(void)
{
    lapic_write(REG_EOI, 0);
}

/* xAPIC takes one command at a time; the wait ends after a bounded number of reads in any case. */
static void icr_write(u32 apic_id, u32 command)
{
    if (cpu_has(FEATURE_X2APIC)) {
        /* Earlier stores must be seen before the interrupt; WRMSR of the ICR does not order them.
         */
        __asm__ volatile("mfence; lfence" ::: "memory");
        x86_wrmsr(MSR_X2APIC + (REG_ICR >> 4), (u64)apic_id << 32 | command);
        return;
    }
    for (u32 i = 0; i < ICR_WAIT_LIMIT && (lapic_read(REG_ICR) & ICR_BUSY); i++)
        arch_spin_hint();
    lapic_write(REG_ICR_HIGH, apic_id << 24);
    lapic_write(REG_ICR, command);
}

void lapic_send(u32 apic_id, u32 vector)
{
    icr_write(apic_id, ICR_ASSERT | vector);
}

void lapic_send_init(u32 apic_id)
{
    icr_write(apic_id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_startup(u32 apic_id, u32 page)
{
    icr_write(apic_id, ICR_ASSERT | ICR_STARTUP | page);
}

void lapic_send_nmi_to_others(void)
{
    icr_write(0, ICR_ASSERT | ICR_NMI | ICR_ALL_OTHERS);
}

void lapic_timer_init(bool deadline_mode)
{
    lapic_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    lapic_write(REG_LVT_TIMER, VECTOR_TIMER | (deadline_mode ? LVT_TSC_DEADLINE : 0));
    /* The mode must be in place before the first deadline is written (Intel SDM 3A, 11.5.4.1). */
    __asm__ volatile("mfence" ::: "memory");
}

void lapic_timer_mask(void)
{
    lapic_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    lapic_write(REG_LVT_TIMER, VECTOR_TIMER | LVT_MASKED);
}

void lapic_timer_start(u32 ticks)
{
    lapic_write(REG_TIMER_INITIAL, ticks);
}

u32 lapic_timer_count(void)
{
    return lapic_read(REG_TIMER_CURRENT);
}
