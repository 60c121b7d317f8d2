/* Encoding of I/O APIC redirection entries and of MADT interrupt overrides; pure functions. */
#ifndef X86_64_IOAPIC_ENTRY_H
#define X86_64_IOAPIC_ENTRY_H

#include "abi/bootinfo.h"

#define IOAPIC_MASKED      (1ull << 16)
#define IOAPIC_LEVEL       (1ull << 15)
#define IOAPIC_ACTIVE_LOW  (1ull << 13)
#define IOAPIC_TARGET_BITS 56

#define LEGACY_IRQS 16u
#define IRQ_CASCADE 2u

/* Where a legacy IRQ arrives, and how it is signalled. */
struct irq_route {
    u32 gsi;
    bool level;
    bool active_low;
};

/* MADT flags (ACPI 6.4, table 5.26): polarity in bits 0-1, trigger in bits 2-3; 0: as the bus has
 * it. */
static inline struct irq_route irq_route_of(const struct boot_irq_override *overrides, u32 count,
                                            u32 irq)
{
    bool legacy = irq < LEGACY_IRQS; /* ISA: edge, active high; PCI: level, active low */
    struct irq_route route = {.gsi = irq, .level = !legacy, .active_low = !legacy};
    for (u32 i = 0; i < count; i++) {
        const struct boot_irq_override *o = &overrides[i];
        if (o->irq != irq)
            continue;
        u32 polarity = o->flags & 3u, trigger = o->flags >> 2 & 3u;
        route.gsi = o->gsi;
        if (polarity)
            route.active_low = polarity == 3;
        if (trigger)
            route.level = trigger == 3;
    }
    return route;
}

/* Fixed delivery to one CPU, physical destination (82093AA, 3.2.4). */
static inline u64 ioapic_entry(const struct irq_route *route, u32 vector, u32 apic_id, bool masked)
{
    u64 entry = vector | (u64)apic_id << IOAPIC_TARGET_BITS;
    if (route->level)
        entry |= IOAPIC_LEVEL;
    if (route->active_low)
        entry |= IOAPIC_ACTIVE_LOW;
    return masked ? entry | IOAPIC_MASKED : entry;
}

#endif
