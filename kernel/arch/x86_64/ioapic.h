/*
 * I/O APICs (82093AA) and the lines made of them.
 *
 * A line that fired stays masked until its driver says so. A level line is masked in the I/O APIC.
 * An edge would be lost there, so an edge line stays open in the hardware: an edge that comes while
 * the line is masked is remembered, and unmasking sends the interrupt again. A second one closes
 * the hardware too (there is one to remember already), so that a device gone wild is heard at most
 * twice per unmasking.
 */
#ifndef X86_64_IOAPIC_H
#define X86_64_IOAPIC_H

#include "abi/bootinfo.h"

/* Maps the registers; while arch_memory_init runs. */
void ioapic_map(const struct boot_info *boot);

/* Masks everything, the legacy 8259s too; keeps a copy of the overrides. */
void ioapic_init(const struct boot_info *boot);

/* An interrupt of this line arrived. True: it is masked now and the core must be told. */
bool ioapic_line_fired(u32 line);

#endif
