/* SAFETY (this file): registers are reached through the uncached pages that arch_memory_init maps.
 */
#include "ioapic.h"

#include "arch/atomic.h"
#include "arch/cpu.h"
#include "arch/device.h"
#include "ioapic_entry.h"
#include "lapic.h"
#include "offsets.h"
#include "paging.h"
#include "port_cpu.h"
#include "x86.h"

#define REG_SELECT  0x00u
#define REG_WINDOW  0x10u
#define REG_VERSION 1u
#define REG_ENTRY   0x10u

#define PIC1       0x20u
#define PIC2       0xa0u
#define PIC_INIT   0x11u
#define PIC_8086   0x01u
#define MAX_INPUTS 240u

struct ioapic {
    volatile u8 *registers;
    u32 gsi_base;
    u32 inputs;
};

struct line {
    bool connected;
    bool masked;  /* the driver has not said that it may come again */
    bool pending; /* an edge came while masked */
    bool hardware_masked;
    u32 cpu_apic_id;
    u32 ioapic;
    u32 input;
    struct irq_route route;
};

static struct ioapic ioapics[BOOT_MAX_IOAPICS];
static u32 ioapic_count;

/* Guards the lines and the register windows. The port's own: held for a few instructions, takes no
 * other lock. */
static u32 lines_lock;
static struct line lines[ARCH_IRQ_LINES];
static struct boot_irq_override overrides[BOOT_MAX_IRQ_OVERRIDES];
static u32 override_count;

static void lock(void)
{
    while (ATOMIC_EXCHANGE(&lines_lock, 1) != 0)
        arch_spin_hint();
}

static void unlock(void)
{
    ATOMIC_STORE(&lines_lock, 0);
}

static u32 ioapic_read(const struct ioapic *apic, u32 reg)
{
    x86_mmio_write((volatile u32 *)(apic->registers + REG_SELECT), reg);
    return x86_mmio_read((volatile u32 *)(apic->registers + REG_WINDOW));
}

static void ioapic_write(const struct ioapic *apic, u32 reg, u32 value)
{
    x86_mmio_write((volatile u32 *)(apic->registers + REG_SELECT), reg);
    x86_mmio_write((volatile u32 *)(apic->registers + REG_WINDOW), value);
}

/* The half with the mask bit goes last when unmasking, and it is masked in between. */
static void entry_write(const struct ioapic *apic, u32 input, u64 entry)
{
    u32 reg = REG_ENTRY + 2 * input;
    ioapic_write(apic, reg, (u32)entry | (u32)IOAPIC_MASKED);
    ioapic_write(apic, reg + 1, (u32)(entry >> 32));
    ioapic_write(apic, reg, (u32)entry);
}

/* Only the half that holds the mask. */
static void line_mask_hardware(struct line *line, bool masked)
{
    line->hardware_masked = masked;
    u64 entry = ioapic_entry(&line->route, (u32)(line - lines) + VECTOR_IRQ, 0, masked);
    ioapic_write(&ioapics[line->ioapic], REG_ENTRY + 2 * line->input, (u32)entry);
}

void ioapic_map(const struct boot_info *boot)
{
    ioapic_count = boot->ioapic_count;
    for (u32 i = 0; i < ioapic_count; i++) {
        ioapics[i].registers =
            paging_map_physical(boot->ioapics[i].address, REG_WINDOW + 4, MAPPING_UNCACHED);
        ioapics[i].gsi_base = boot->ioapics[i].gsi_base;
    }
}

/* What a masked 8259 may still send arrives at vectors of its own (8259A, initialisation). */
static void pic_silence(void)
{
    x86_out8(PIC1, PIC_INIT);
    x86_out8(PIC2, PIC_INIT);
    x86_out8(PIC1 + 1, VECTOR_PIC);
    x86_out8(PIC2 + 1, VECTOR_PIC + 8);
    x86_out8(PIC1 + 1, 1u << IRQ_CASCADE);
    x86_out8(PIC2 + 1, IRQ_CASCADE);
    x86_out8(PIC1 + 1, PIC_8086);
    x86_out8(PIC2 + 1, PIC_8086);
    x86_out8(PIC1 + 1, 0xff);
    x86_out8(PIC2 + 1, 0xff);
}

void ioapic_init(const struct boot_info *boot)
{
    override_count = boot->irq_override_count;
    for (u32 i = 0; i < override_count; i++)
        overrides[i] = boot->irq_overrides[i];
    if (boot->flags & BOOT_FLAG_LEGACY_PIC)
        pic_silence();
    for (u32 i = 0; i < ioapic_count; i++) {
        u32 inputs = (ioapic_read(&ioapics[i], REG_VERSION) >> 16 & 0xff) + 1;
        ioapics[i].inputs = inputs < MAX_INPUTS ? inputs : MAX_INPUTS;
        for (u32 input = 0; input < ioapics[i].inputs; input++)
            entry_write(&ioapics[i], input, IOAPIC_MASKED);
    }
}

static bool find_input(u32 gsi, struct line *line)
{
    for (u32 i = 0; i < ioapic_count; i++) {
        if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].inputs) {
            line->ioapic = i;
            line->input = gsi - ioapics[i].gsi_base;
            return true;
        }
    }
    return false;
}

/* A free line that no connected one shares its input with. */
static enum status find_line(const struct line *wanted, u32 *found)
{
    u32 free = ARCH_IRQ_LINES;
    for (u32 i = 0; i < ARCH_IRQ_LINES; i++) {
        if (!lines[i].connected && free == ARCH_IRQ_LINES)
            free = i;
        if (lines[i].connected && lines[i].ioapic == wanted->ioapic &&
            lines[i].input == wanted->input)
            return STATUS_BUSY;
    }
    *found = free;
    return free < ARCH_IRQ_LINES ? STATUS_OK : STATUS_BUSY;
}

enum status arch_irq_connect(u32 irq, u32 *line)
{
    struct line wanted = {.connected = true, .masked = true};
    wanted.route = irq_route_of(overrides, override_count, irq);
    wanted.hardware_masked = wanted.route.level;
    if (irq == IRQ_CASCADE || !find_input(wanted.route.gsi, &wanted))
        return STATUS_NOT_FOUND;
    wanted.cpu_apic_id = port_this_cpu()->apic_id;
    lock();
    u32 index;
    enum status status = find_line(&wanted, &index);
    if (status == STATUS_OK) {
        lines[index] = wanted;
        entry_write(&ioapics[wanted.ioapic], wanted.input,
                    ioapic_entry(&wanted.route, VECTOR_IRQ + index, wanted.cpu_apic_id,
                                 wanted.hardware_masked));
        *line = index;
    }
    unlock();
    return status;
}

void arch_irq_disconnect(u32 line)
{
    lock();
    if (lines[line].connected) {
        entry_write(&ioapics[lines[line].ioapic], lines[line].input, IOAPIC_MASKED);
        lines[line] = (struct line){0};
    }
    unlock();
}

void arch_irq_unmask(u32 line)
{
    struct line *l = &lines[line];
    lock();
    if (l->connected && l->masked) {
        l->masked = false;
        if (l->hardware_masked)
            line_mask_hardware(l, false);
        if (l->pending) {
            l->pending = false;
            lapic_send(l->cpu_apic_id, VECTOR_IRQ + line);
        }
    }
    unlock();
}

void arch_irq_mask(u32 line)
{
    struct line *l = &lines[line];
    lock();
    if (l->connected && !l->masked) {
        l->masked = true;
        if (l->route.level)
            line_mask_hardware(l, true);
    }
    unlock();
}

bool ioapic_line_fired(u32 line)
{
    struct line *l = &lines[line];
    bool tell = false;
    lock();
    if (!l->connected) {
        /* It was disconnected while the interrupt was on its way. */
    } else if (!l->masked) {
        l->masked = true;
        if (l->route.level)
            line_mask_hardware(l, true);
        tell = true;
    } else if (!l->route.level) {
        if (l->pending)
            line_mask_hardware(l, true);
        l->pending = true;
    }
    unlock();
    return tell;
}
