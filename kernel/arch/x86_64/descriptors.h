/* GDT, TSS and IDT (Intel SDM 3A, chapters 3, 6.14 and 7.7). */
#ifndef X86_64_DESCRIPTORS_H
#define X86_64_DESCRIPTORS_H

#include "arch/types.h"

#define GDT_WORDS     7u /* null, kernel code and data, user data and code, TSS (two words) */
#define TSS_IST_COUNT 4u

struct tss {
    u32 reserved0;
    u32 rsp_low_high[6]; /* RSP0 to RSP2, each low then high */
    u32 reserved1[2];
    u32 ist_low_high[14]; /* IST1 to IST7 */
    u32 reserved2[2];
    u16 reserved3;
    u16 io_map; /* offset; beyond the limit: no ports for user mode */
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "as the CPU reads it");

struct idt_gate {
    u64 low;
    u64 high;
};

/* A 64-bit interrupt gate (type 14) in the kernel's code segment. */
static inline struct idt_gate idt_gate_encode(u64 handler, u32 ist, u32 privilege)
{
    const u64 present = 1ull << 47;
    const u64 interrupt_gate = 14ull << 40;
    struct idt_gate gate;
    gate.low = (handler & 0xffffu) | (u64)0x08 << 16 | (u64)(ist & 7u) << 32 | interrupt_gate |
               (u64)(privilege & 3u) << 45 | present | ((handler >> 16) & 0xffffu) << 48;
    gate.high = handler >> 32;
    return gate;
}

/* The two words of an available 64-bit TSS descriptor (type 9). */
static inline void tss_descriptor_encode(u64 base, u32 limit, u64 words[2])
{
    const u64 present = 1ull << 47;
    const u64 available_tss = 9ull << 40;
    words[0] = (limit & 0xffffu) | (base & 0xffffffu) << 16 | available_tss | present |
               (u64)((limit >> 16) & 0xfu) << 48 | ((base >> 24) & 0xffu) << 56;
    words[1] = base >> 32;
}

static inline void tss_set_stack(struct tss *tss, u64 rsp0)
{
    tss->rsp_low_high[0] = (u32)rsp0;
    tss->rsp_low_high[1] = (u32)(rsp0 >> 32);
}

/* `ist` counts from 1. */
static inline void tss_set_ist(struct tss *tss, u32 ist, u64 top)
{
    tss->ist_low_high[2 * (ist - 1)] = (u32)top;
    tss->ist_low_high[2 * (ist - 1) + 1] = (u32)(top >> 32);
}

struct port_cpu;

/* Fills the IDT. Once, by the boot processor. */
void descriptors_init(void);

/* Loads GDT, TSS, IDT and segment registers of the calling CPU, whose GS base is then `cpu`. */
void descriptors_load(struct port_cpu *cpu);

/* Points this CPU's IST entries at cpu->ist_tops. The word above each top becomes the GS base. */
void descriptors_set_ist(struct port_cpu *cpu);

/* The page that holds the IDT, which may be mapped read-only. */
const void *descriptors_idt_page(void);

#endif
