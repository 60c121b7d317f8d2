/* The table of CPUs. */
#include "core/cpu.h"

#include "abi/trace.h"
#include "core/assert.h"

KERNEL_STATE static struct cpu cpus[CPU_MAX];
KERNEL_STATE static u32 count;
KERNEL_STATE static struct trace_metrics
    early_metrics; /* until the trace domain exists; never read */

void cpu_table_init(const struct boot_info *boot)
{
    ASSERT(boot->cpu_count >= 1 && boot->cpu_count <= CPU_MAX);
    count = boot->cpu_count;
    for (u32 i = 0; i < count; i++) {
        cpus[i].index = i;
        cpus[i].node = boot->cpus[i].node;
        cpus[i].apic_id = boot->cpus[i].apic_id;
        cpus[i].metrics = &early_metrics;
        cpus[i].idle = 1; /* quiescent until it starts */
    }
}

struct cpu *cpu_at(u32 index)
{
    DEBUG_ASSERT(index < count);
    return &cpus[index];
}

u32 cpu_count(void)
{
    return count;
}
