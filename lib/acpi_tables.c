/*
 * Reading ACPI tables; see acpi.h. Each function gets a table whose length and checksum are right
 * and checks that every field it reads lies inside. Offsets are those of the specifications named
 * there.
 */
#include "lib/acpi_internal.h"

#include "lib/checked_math.h"

#define MADT_BYTES 44u
#define FADT_PM1A  64u
#define FADT_BYTES 116u /* ACPI 1.0 */
#define FADT_XPM1A 172u
#define HPET_BYTES 56u
#define MCFG_BYTES 44u
#define DMAR_BYTES 48u

#define MADT_LOCAL_APIC         0u
#define MADT_IO_APIC            1u
#define MADT_OVERRIDE           2u
#define MADT_LOCAL_APIC_ADDRESS 5u
#define MADT_LOCAL_X2APIC       9u
#define MADT_PC_AT_COMPATIBLE   1u /* flags: dual 8259s are there */
#define MADT_CPU_ENABLED        1u

#define GAS_MEMORY 0u
#define GAS_IO     1u
#define DMAR_DRHD  0u

/* Walks entries of (type, length) bytes. False at the end; *error is set if an entry does not fit.
 */
static bool next_entry(const struct acpi_table *table, u32 *at, const u8 **entry,
                       enum acpi_error *error)
{
    if (*at == table->size_bytes)
        return false;
    u32 left = table->size_bytes - *at;
    if (left < 2 || table->bytes[*at + 1] < 2 || table->bytes[*at + 1] > left) {
        *error = ACPI_BAD_ENTRY;
        return false;
    }
    *entry = table->bytes + *at;
    *at += (*entry)[1];
    return true;
}

static void add_cpu(struct boot_info *info, struct acpi_result *result, struct boot_cpu cpu,
                    u32 boot_apic_id)
{
    for (u32 i = 0; i < info->cpu_count; i++) {
        if (info->cpus[i].apic_id == cpu.apic_id)
            return; /* listed as APIC and as x2APIC */
    }
    if (info->cpu_count == BOOT_MAX_CPUS) {
        result->ignored_cpus++;
        if (cpu.apic_id != boot_apic_id)
            return;
        info->cpu_count--;
    }
    info->cpus[info->cpu_count++] = cpu;
}

static void add_ioapic(const u8 *entry, struct boot_info *info, struct acpi_result *result)
{
    if (info->ioapic_count == BOOT_MAX_IOAPICS) {
        result->ignored_entries++;
        return;
    }
    info->ioapics[info->ioapic_count++] = (struct boot_ioapic){
        .address = acpi_u32(entry + 4),
        .id = entry[2],
        .gsi_base = acpi_u32(entry + 8),
    };
}

static void add_override(const u8 *entry, struct boot_info *info, struct acpi_result *result)
{
    if (info->irq_override_count == BOOT_MAX_IRQ_OVERRIDES) {
        result->ignored_entries++;
        return;
    }
    info->irq_overrides[info->irq_override_count++] = (struct boot_irq_override){
        .irq = entry[3],
        .gsi = acpi_u32(entry + 4),
        .flags = acpi_u16(entry + 8),
    };
}

/* Size that an entry of this type has at least; 2 for types that are passed over. */
static u32 madt_entry_bytes(u8 type)
{
    switch (type) {
    case MADT_LOCAL_APIC:
        return 8;
    case MADT_IO_APIC:
    case MADT_LOCAL_APIC_ADDRESS:
        return 12;
    case MADT_OVERRIDE:
        return 10;
    case MADT_LOCAL_X2APIC:
        return 16;
    default:
        return 2;
    }
}

static void read_madt_entry(const u8 *entry, u32 boot_apic_id, struct boot_info *info,
                            struct acpi_result *result)
{
    struct boot_cpu cpu = {.flags = BOOT_CPU_ENABLED};
    switch (entry[0]) {
    case MADT_LOCAL_APIC:
        cpu.acpi_uid = entry[2];
        cpu.apic_id = entry[3];
        if ((acpi_u32(entry + 4) & MADT_CPU_ENABLED) && cpu.apic_id != 0xff)
            add_cpu(info, result, cpu, boot_apic_id);
        break;
    case MADT_LOCAL_X2APIC:
        cpu.apic_id = acpi_u32(entry + 4);
        cpu.acpi_uid = acpi_u32(entry + 12);
        if (cpu.apic_id >= 0xff)
            cpu.flags |= BOOT_CPU_X2APIC;
        if ((acpi_u32(entry + 8) & MADT_CPU_ENABLED) && cpu.apic_id != UINT32_MAX)
            add_cpu(info, result, cpu, boot_apic_id);
        break;
    case MADT_IO_APIC:
        add_ioapic(entry, info, result);
        break;
    case MADT_OVERRIDE:
        add_override(entry, info, result);
        break;
    case MADT_LOCAL_APIC_ADDRESS:
        info->local_apic = acpi_u64(entry + 4);
        break;
    default:
        break;
    }
}

static bool put_boot_cpu_first(struct boot_info *info, u32 boot_apic_id)
{
    for (u32 i = 0; i < info->cpu_count; i++) {
        struct boot_cpu cpu = info->cpus[i];
        if (cpu.apic_id != boot_apic_id)
            continue;
        for (; i > 0; i--)
            info->cpus[i] = info->cpus[i - 1];
        info->cpus[0] = cpu;
        return true;
    }
    return false;
}

enum acpi_error acpi_read_madt(const struct acpi_table *table, u32 boot_apic_id,
                               struct boot_info *info, struct acpi_result *result)
{
    enum acpi_error error = ACPI_OK;
    const u8 *entry;
    u32 at = MADT_BYTES;
    if (table->size_bytes < MADT_BYTES)
        return ACPI_BAD_LENGTH;
    info->local_apic = acpi_u32(table->bytes + 36);
    if (acpi_u32(table->bytes + 40) & MADT_PC_AT_COMPATIBLE)
        info->flags |= BOOT_FLAG_LEGACY_PIC;

    while (next_entry(table, &at, &entry, &error)) {
        if (entry[1] < madt_entry_bytes(entry[0]))
            return ACPI_BAD_ENTRY;
        read_madt_entry(entry, boot_apic_id, info, result);
    }
    if (error != ACPI_OK)
        return error;
    if (info->local_apic == 0 || !is_aligned(info->local_apic, PAGE_SIZE))
        return ACPI_BAD_VALUE;
    return put_boot_cpu_first(info, boot_apic_id) ? ACPI_OK : ACPI_NO_BOOT_CPU;
}

/* The extended address (ACPI 2.0 and later) wins where it is given and is an I/O port. */
enum acpi_error acpi_read_fadt(const struct acpi_table *table, struct boot_info *info)
{
    if (table->size_bytes < FADT_BYTES)
        return ACPI_BAD_LENGTH;
    u64 port = acpi_u32(table->bytes + FADT_PM1A);
    if (table->size_bytes >= FADT_XPM1A + 12) {
        const u8 *address = table->bytes + FADT_XPM1A;
        if (address[0] == GAS_IO && acpi_u64(address + 4) != 0)
            port = acpi_u64(address + 4);
    }
    if (port > UINT16_MAX)
        return ACPI_BAD_VALUE;
    info->acpi_pm1a_control = port;
    return ACPI_OK;
}

enum acpi_error acpi_read_hpet(const struct acpi_table *table, struct boot_info *info)
{
    if (table->size_bytes < HPET_BYTES)
        return ACPI_BAD_LENGTH;
    if (table->bytes[40] != GAS_MEMORY)
        return ACPI_BAD_VALUE;
    u64 address = acpi_u64(table->bytes + 44);
    if (address == 0 || !is_aligned(address, 1024))
        return ACPI_BAD_VALUE;
    info->hpet = address;
    return ACPI_OK;
}

enum acpi_error acpi_read_mcfg(const struct acpi_table *table, struct boot_info *info,
                               struct acpi_result *result)
{
    if (table->size_bytes < MCFG_BYTES || (table->size_bytes - MCFG_BYTES) % 16 != 0)
        return ACPI_BAD_LENGTH;
    for (u32 at = MCFG_BYTES; at < table->size_bytes; at += 16) {
        const u8 *entry = table->bytes + at;
        struct boot_ecam ecam = {
            .address = acpi_u64(entry),
            .segment = acpi_u16(entry + 8),
            .bus_start = entry[10],
            .bus_last = entry[11],
        };
        u64 end;
        if (ecam.address == 0 || !is_aligned(ecam.address, 1u << 20) ||
            ecam.bus_start > ecam.bus_last ||
            !checked_add(ecam.address, (u64)(ecam.bus_last + 1) << 20, &end))
            return ACPI_BAD_VALUE;
        if (info->ecam_count == BOOT_MAX_ECAM)
            result->ignored_entries++;
        else
            info->ecams[info->ecam_count++] = ecam;
    }
    return ACPI_OK;
}

/* Remapping structures have 16-bit type and length, unlike the entries of other tables. */
enum acpi_error acpi_read_dmar(const struct acpi_table *table, struct boot_info *info,
                               struct acpi_result *result)
{
    if (table->size_bytes < DMAR_BYTES)
        return ACPI_BAD_LENGTH;
    for (u32 at = DMAR_BYTES; at < table->size_bytes;) {
        const u8 *entry = table->bytes + at;
        u32 left = table->size_bytes - at;
        if (left < 4 || acpi_u16(entry + 2) < 4 || acpi_u16(entry + 2) > left)
            return ACPI_BAD_ENTRY;
        u32 entry_bytes = acpi_u16(entry + 2);
        at += entry_bytes;
        if (acpi_u16(entry) != DMAR_DRHD)
            continue;
        if (entry_bytes < 16)
            return ACPI_BAD_ENTRY;
        struct boot_iommu iommu = {
            .address = acpi_u64(entry + 8),
            .segment = acpi_u16(entry + 6),
            .flags = entry[4] & 1,
        };
        if (iommu.address == 0 || !is_aligned(iommu.address, PAGE_SIZE))
            return ACPI_BAD_VALUE;
        if (info->iommu_count == BOOT_MAX_IOMMUS)
            result->ignored_entries++;
        else
            info->iommus[info->iommu_count++] = iommu;
    }
    return ACPI_OK;
}
