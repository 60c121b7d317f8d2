/*
 * x86_64: this CPU is found through GS, which in kernel mode always points at this CPU's struct
 * port_cpu (port_cpu.h). The first words of that structure are all that is needed here.
 */
#ifndef PORT_CPU_H
#define PORT_CPU_H

#include "arch/types.h"

struct cpu;

/* Mutable kernel state needs no gathering on the machine. */
#define KERNEL_STATE

/* Counts bindings. It stands as an input of the load below, so that the compiler reloads after a
 * binding and only then; nothing reads its value. */
extern u32 port_bindings;

/* The core's structure of the calling CPU; NULL before arch_cpu_bind. */
static inline struct cpu *arch_this_cpu(void)
{
    struct cpu *cpu;
    /* SAFETY: GS points at struct port_cpu from the first instruction in C on; 24 is CPU_CORE. */
    __asm__("movq %%gs:24, %0" : "=r"(cpu) : "m"(port_bindings));
    return cpu;
}

#define ARCH_HAS_INDEX_CLAMP

static inline u64 arch_index_clamp(u64 index, u64 limit)
{
    u64 mask;
    /* SAFETY: arithmetic on registers; the borrow of index - limit, spread over the word. */
    __asm__("cmpq %2, %1; sbbq %0, %0" : "=r"(mask) : "r"(index), "r"(limit) : "cc");
    return index & mask;
}

static inline void arch_spin_hint(void)
{
    /* SAFETY: PAUSE changes no state. */
    __asm__ volatile("pause" ::: "memory");
}

#endif
