/* Local APIC (Intel SDM 3A, chapter 11): xAPIC, or x2APIC where the CPU has it. */
#ifndef X86_64_LAPIC_H
#define X86_64_LAPIC_H

#include "abi/bootinfo.h"

/* Maps the registers; while arch_memory_init runs. */
void lapic_map(const struct boot_info *boot);

/* Enables the calling CPU's; its timer is off. */
void lapic_init_cpu(void);
bool lapic_is_ready(void);
u32 lapic_id(void);

void lapic_eoi(void);

/* Interrupt `vector` to the CPU with this APIC id. Never waits long. */
void lapic_send(u32 apic_id, u32 vector);
void lapic_send_init(u32 apic_id);
void lapic_send_startup(u32 apic_id, u32 page);
/* NMI to all other CPUs. */
void lapic_send_nmi_to_others(void);

/* One-shot timer. Counts are bus ticks, or a TSC value in deadline mode; 0 stops it. */
void lapic_timer_init(bool deadline_mode);
void lapic_timer_start(u32 ticks);
u32 lapic_timer_count(void);
void lapic_timer_mask(void);

#endif
