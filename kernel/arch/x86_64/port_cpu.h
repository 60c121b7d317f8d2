/*
 * What the port keeps for each CPU. In kernel mode GS points at the calling CPU's structure, whose
 * first words the entry code reads by the offsets in offsets.h. Only its CPU touches it, but for
 * `started` and `stopped`.
 */
#ifndef X86_64_PORT_CPU_H
#define X86_64_PORT_CPU_H

#include "abi/bootinfo.h"
#include "arch/context.h"
#include "descriptors.h"
#include "offsets.h"

struct cpu;
struct trap_frame;

#define HINDRANCE_FPU_OPEN                                                                         \
    1u /* user mode may use the FPU without a trap: registers may hold state */
#define HINDRANCE_NO_FSGSBASE 2u

struct port_cpu {
    u64 user_sp;     /* scratch of the system-call entry */
    u64 context_end; /* end of the pushed part of the context that user mode runs on */
    u64 stack_top;   /* the kernel stack; 16-byte aligned */
    struct cpu *core;
    struct port_cpu *self;
    u32 swap_hindrance; /* HINDRANCE_*; see arch_swap_hindrance */

    u32 index;
    u32 apic_id;

    u64 timer_armed_ns; /* what the LAPIC timer is set for; TIME_NEVER: off */

    u32 trap_depth; /* exceptions in kernel mode being handled */

    /* The exception being reported, for a panic; NULL if none. */
    const struct trap_frame *fault_frame;

    u64 ist_tops[TSS_IST_COUNT]; /* stacks of NMI and the like; 0: none yet */
    struct tss tss;
    u64 gdt[GDT_WORDS];

    u32 start_state; /* enum start_state (smp.c), atomic */
    u32 stopped;     /* atomic: halted for a panic */
    u64 started_tsc; /* the CPU's time stamp when it came up */
} ALIGNED(CACHE_LINE);

/* By CPU index. */
struct port_cpu *port_cpu_at(u32 index);

static inline struct port_cpu *port_this_cpu(void)
{
    struct port_cpu *cpu;
    /* SAFETY: GS points at this CPU's structure in kernel mode; `self` is CPU_SELF. */
    __asm__("movq %%gs:%c1, %0" : "=r"(cpu) : "i"(CPU_SELF));
    return cpu;
}

static inline bool fpu_is_open(const struct port_cpu *cpu)
{
    return (cpu->swap_hindrance & HINDRANCE_FPU_OPEN) != 0;
}

/* The context that user mode was last left from, or is to be entered with, on this CPU. */
static inline struct arch_context *port_current_context(struct port_cpu *cpu)
{
    /* SAFETY: context_end was made from a context by the exit code. */
    return (struct arch_context *)(cpu->context_end - CONTEXT_END);
}

/* Fills in structure `index` and makes GS of the calling CPU point at it. */
void port_cpu_install(u32 index, u64 stack_top);

/* First C code of the boot processor. */
NORETURN void port_start(const struct boot_info *boot);

#endif
