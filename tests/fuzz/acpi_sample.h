/*
 * A small valid set of ACPI tables in a piece of physical memory, and what must hold of every
 * machine that is read from one. Shared by lib/acpi_test.c and fuzz_acpi.c.
 *
 * The machine: processors with APIC ids 0, 2 and 300 (one more disabled), the boot processor is 2;
 * memory nodes from proximity domains 1 and 5.
 */
#ifndef FUZZ_ACPI_SAMPLE_H
#define FUZZ_ACPI_SAMPLE_H

#include "lib/acpi.h"
#include "lib/checked_math.h"
#include "lib/string.h"
#include "tests/fuzz/bytes.h"

#define ACPI_SAMPLE_BASE     0xf0000ull
#define ACPI_SAMPLE_LIMIT    4096u
#define ACPI_SAMPLE_BOOT_CPU 2u
#define ACPI_SAMPLE_TABLES   7u

struct acpi_sample {
    u32 size_bytes;
    u32 root;                       /* offset of the XSDT, or of the RSDT */
    u32 tables[ACPI_SAMPLE_TABLES]; /* offsets: APIC, SRAT, SLIT, FACP, HPET, MCFG, DMAR */
    u8 bytes[ACPI_SAMPLE_LIMIT];    /* RSDP first */
};

/* Physical memory from ACPI_SAMPLE_BASE on, for struct acpi_memory. */
struct acpi_blob {
    const u8 *bytes;
    u64 size_bytes;
};

static inline const void *acpi_blob_view(void *context, u64 phys, u64 size_bytes)
{
    const struct acpi_blob *blob = context;
    if (!range_contains(ACPI_SAMPLE_BASE, ACPI_SAMPLE_BASE + blob->size_bytes, phys, size_bytes))
        return NULL;
    return blob->bytes + (phys - ACPI_SAMPLE_BASE);
}

/* Makes bytes[0, size) sum to zero by its byte at `at`. */
static inline void acpi_fix_sum(u8 *bytes, u64 size_bytes, u64 at)
{
    u8 sum = 0;
    bytes[at] = 0;
    for (u64 i = 0; i < size_bytes; i++)
        sum = (u8)(sum + bytes[i]);
    bytes[at] = (u8)-sum;
}

/* Starts a table at the end of the sample; its fields follow by acpi_add. */
static inline u32 acpi_sample_open(struct acpi_sample *sample, const char *signature, u8 revision)
{
    u32 at = sample->size_bytes;
    memcpy(sample->bytes + at, signature, 4);
    sample->bytes[at + 8] = revision;
    sample->size_bytes += 36;
    return at;
}

static inline void acpi_add(struct acpi_sample *sample, u32 width, u64 value)
{
    put_field(sample->bytes + sample->size_bytes, width, value);
    sample->size_bytes += width;
}

static inline void acpi_sample_close(struct acpi_sample *sample, u32 table)
{
    u32 bytes = sample->size_bytes - table;
    put_field(sample->bytes + table + 4, 4, bytes);
    acpi_fix_sum(sample->bytes + table, bytes, 9);
}

static inline void acpi_sample_local_apic(struct acpi_sample *sample, u8 id, u32 flags)
{
    acpi_add(sample, 2, 0x0800);
    acpi_add(sample, 1, id + 16u);
    acpi_add(sample, 1, id);
    acpi_add(sample, 4, flags);
}

static inline void acpi_sample_madt(struct acpi_sample *sample)
{
    sample->tables[0] = acpi_sample_open(sample, "APIC", 5);
    acpi_add(sample, 4, 0xfee00000);
    acpi_add(sample, 4, 1);
    acpi_sample_local_apic(sample, 0, 1);
    acpi_sample_local_apic(sample, 1, 0);
    acpi_sample_local_apic(sample, 2, 1);
    acpi_add(sample, 4, 0x1009); /* x2APIC */
    acpi_add(sample, 4, 300);
    acpi_add(sample, 4, 1);
    acpi_add(sample, 4, 77);
    acpi_add(sample, 4, 0x1009); /* the same processor as APIC 2 */
    acpi_add(sample, 4, 2);
    acpi_add(sample, 4, 1);
    acpi_add(sample, 4, 18);
    acpi_add(sample, 4, 0x00090c01); /* I/O APIC 9 */
    acpi_add(sample, 4, 0xfec00000);
    acpi_add(sample, 4, 24);
    acpi_add(sample, 4, 0x00000a02); /* IRQ 0 on GSI 2 */
    acpi_add(sample, 4, 2);
    acpi_add(sample, 2, 0xd);
    acpi_add(sample, 4, 0x0604); /* NMI: not of interest */
    acpi_add(sample, 2, 1);
    acpi_add(sample, 4, 0x0c05); /* the local APIC's 64-bit address */
    acpi_add(sample, 8, 0xfee01000);
    acpi_sample_close(sample, sample->tables[0]);
}

static inline void acpi_sample_srat_memory(struct acpi_sample *sample, u32 domain, u64 start,
                                           u64 bytes, u32 flags)
{
    acpi_add(sample, 2, 0x2801);
    acpi_add(sample, 4, domain);
    acpi_add(sample, 2, 0);
    acpi_add(sample, 8, start);
    acpi_add(sample, 8, bytes);
    acpi_add(sample, 4, 0);
    acpi_add(sample, 4, flags);
    acpi_add(sample, 8, 0);
}

static inline void acpi_sample_srat(struct acpi_sample *sample)
{
    sample->tables[1] = acpi_sample_open(sample, "SRAT", 3);
    acpi_add(sample, 4, 1);
    acpi_add(sample, 8, 0);
    acpi_add(sample, 4, 0x00051000); /* APIC 0 in domain 5 */
    acpi_add(sample, 4, 1);
    acpi_add(sample, 8, 0);
    acpi_add(sample, 4, 0x02011000); /* APIC 2 in domain 1 */
    acpi_add(sample, 4, 1);
    acpi_add(sample, 8, 0);
    acpi_add(sample, 4, 0x1802); /* x2APIC 300 in domain 5 */
    acpi_add(sample, 4, 5);
    acpi_add(sample, 4, 300);
    acpi_add(sample, 4, 1);
    acpi_add(sample, 8, 0);
    acpi_sample_srat_memory(sample, 5, 0x40000000, 0x40000000, 1);
    acpi_sample_srat_memory(sample, 1, 0, 0x40000000, 1);
    acpi_sample_srat_memory(sample, 7, 0x90000000, 0x1000, 0);
    acpi_sample_close(sample, sample->tables[1]);
}

static inline void acpi_sample_slit(struct acpi_sample *sample)
{
    sample->tables[2] = acpi_sample_open(sample, "SLIT", 1);
    acpi_add(sample, 8, 6);
    for (u32 i = 0; i < 6; i++) {
        for (u32 j = 0; j < 6; j++)
            acpi_add(sample, 1, i == j ? 10 : 20 + i);
    }
    acpi_sample_close(sample, sample->tables[2]);
}

static inline void acpi_sample_devices(struct acpi_sample *sample)
{
    sample->tables[3] = acpi_sample_open(sample, "FACP", 6);
    memset(sample->bytes + sample->size_bytes, 0, 208);
    put_field(sample->bytes + sample->tables[3] + 64, 4, 0x604);
    sample->size_bytes += 208;
    acpi_sample_close(sample, sample->tables[3]);

    sample->tables[4] = acpi_sample_open(sample, "HPET", 1);
    acpi_add(sample, 4, 0x8086a201);
    acpi_add(sample, 4, 0x4000);
    acpi_add(sample, 8, 0xfed00000);
    acpi_add(sample, 4, 0);
    acpi_sample_close(sample, sample->tables[4]);

    sample->tables[5] = acpi_sample_open(sample, "MCFG", 1);
    acpi_add(sample, 8, 0);
    acpi_add(sample, 8, 0xb0000000);
    acpi_add(sample, 4, 0xff000000); /* segment 0, buses 0 to 255 */
    acpi_add(sample, 4, 0);
    acpi_sample_close(sample, sample->tables[5]);

    sample->tables[6] = acpi_sample_open(sample, "DMAR", 1);
    acpi_add(sample, 4, 0x26);
    acpi_add(sample, 8, 0);
    acpi_add(sample, 4, 0x00100000); /* DRHD */
    acpi_add(sample, 4, 0x00030001); /* all PCI, segment 3 */
    acpi_add(sample, 8, 0xfed90000);
    acpi_add(sample, 4, 0x00080003); /* another structure */
    acpi_add(sample, 4, 0);
    acpi_sample_close(sample, sample->tables[6]);
}

static inline void acpi_sample_rsdp(struct acpi_sample *sample, u8 revision)
{
    u8 *rsdp = sample->bytes;
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = revision;
    put_field(rsdp + 16, 4, revision < 2 ? ACPI_SAMPLE_BASE + sample->root : 0);
    put_field(rsdp + 20, 4, revision < 2 ? 0 : 36);
    put_field(rsdp + 24, 8, revision < 2 ? 0 : ACPI_SAMPLE_BASE + sample->root);
    acpi_fix_sum(rsdp, 20, 8);
    acpi_fix_sum(rsdp, 36, 32);
}

/* An empty sample with room for RSDP and root. */
static inline void acpi_sample_start(struct acpi_sample *sample)
{
    memset(sample, 0, sizeof(*sample));
    sample->root = 36;
    sample->size_bytes = sample->root + 36 + 8 * (ACPI_SAMPLE_TABLES + 1);
}

/* Writes RSDP and RSDT or XSDT of the first `count` tables, an empty entry in front. */
static inline void acpi_sample_root(struct acpi_sample *sample, u8 revision, u32 count)
{
    u32 width = revision < 2 ? 4 : 8, size_bytes = sample->size_bytes;
    sample->size_bytes = sample->root;
    (void)acpi_sample_open(sample, revision < 2 ? "RSDT" : "XSDT", 1);
    acpi_add(sample, width, 0);
    for (u32 i = 0; i < count; i++)
        acpi_add(sample, width, ACPI_SAMPLE_BASE + sample->tables[i]);
    acpi_sample_close(sample, sample->root);
    acpi_sample_rsdp(sample, revision);
    sample->size_bytes = size_bytes;
}

/* revision 0: RSDP of ACPI 1.0 with an RSDT; 2: with an XSDT. */
static inline void acpi_sample_make(struct acpi_sample *sample, u8 revision)
{
    acpi_sample_start(sample);
    acpi_sample_madt(sample);
    acpi_sample_srat(sample);
    acpi_sample_slit(sample);
    acpi_sample_devices(sample);
    acpi_sample_root(sample, revision, ACPI_SAMPLE_TABLES);
}

/* Corrects the checksum of the table at `phys`, if it lies in the blob. Its offset, or 0. */
static inline u64 acpi_repair_table(u8 *bytes, u64 size_bytes, u64 phys)
{
    u64 at = phys - ACPI_SAMPLE_BASE;
    if (phys <= ACPI_SAMPLE_BASE || !range_fits(at, 36, size_bytes))
        return 0;
    u64 table_bytes = get_field(bytes + at + 4, 4);
    if (table_bytes < 36 || !range_fits(at, table_bytes, size_bytes))
        return 0;
    acpi_fix_sum(bytes + at, table_bytes, at == 0 ? 8 : 9);
    return at;
}

/* Corrects the checksums of all tables that can be found, so that damage gets past them. */
static inline void acpi_repair(u8 *bytes, u64 size_bytes)
{
    if (size_bytes < 36)
        return;
    u64 root = 0;
    u32 width = 8;
    u64 rsdp_bytes = get_field(bytes + 20, 4);
    if (bytes[15] >= 2)
        root = get_field(bytes + 24, 8);
    if (root == 0) {
        root = get_field(bytes + 16, 4);
        width = 4;
    }
    u64 at = acpi_repair_table(bytes, size_bytes, root);
    if (at != 0) {
        u64 end = at + get_field(bytes + at + 4, 4);
        for (u64 entry = at + 36; entry + width <= end; entry += width)
            (void)acpi_repair_table(bytes, size_bytes, get_field(bytes + entry, width));
        (void)acpi_repair_table(bytes, size_bytes, root);
    }
    acpi_fix_sum(bytes, 20, 8);
    if (rsdp_bytes >= 36 && rsdp_bytes <= size_bytes)
        acpi_fix_sum(bytes, rsdp_bytes, 32);
}

static inline const char *acpi_cpu_fault(const struct boot_info *info)
{
    if (info->cpu_count == 0 || info->cpu_count > BOOT_MAX_CPUS)
        return "number of processors";
    if (info->cpus[0].apic_id != ACPI_SAMPLE_BOOT_CPU)
        return "the boot processor is not the first";
    for (u32 i = 0; i < info->cpu_count; i++) {
        if (info->cpus[i].node >= info->node_count)
            return "node of a processor";
        if (!(info->cpus[i].flags & BOOT_CPU_ENABLED))
            return "a processor that is not enabled";
        for (u32 j = 0; j < i; j++) {
            if (info->cpus[i].apic_id == info->cpus[j].apic_id)
                return "a processor listed twice";
        }
    }
    return NULL;
}

/* What is wrong with a machine that acpi_read has accepted; NULL: nothing. */
static inline const char *acpi_machine_fault(const struct boot_info *info,
                                             const struct acpi_result *result)
{
    if (info->node_count == 0 || info->node_count > BOOT_MAX_NODES)
        return "number of nodes";
    const char *fault = acpi_cpu_fault(info);
    if (fault != NULL)
        return fault;
    if (info->ioapic_count > BOOT_MAX_IOAPICS || info->ecam_count > BOOT_MAX_ECAM ||
        info->irq_override_count > BOOT_MAX_IRQ_OVERRIDES || info->iommu_count > BOOT_MAX_IOMMUS ||
        result->affinity_count > ACPI_MAX_AFFINITIES)
        return "a count beyond its limit";
    for (u32 i = 0; i < result->affinity_count; i++) {
        const struct acpi_affinity *affinity = &result->affinities[i];
        if (affinity->start >= affinity->end || affinity->node >= info->node_count)
            return "a range of memory";
        if (i > 0 && affinity->start < result->affinities[i - 1].end)
            return "order or overlap of memory";
    }
    for (u32 i = 0; i < info->node_count; i++) {
        for (u32 j = 0; j < info->node_count; j++) {
            if (info->node_distance[i][j] < 10 || (i == j && info->node_distance[i][j] != 10))
                return "distance of nodes";
        }
    }
    for (u32 i = 0; i < info->ecam_count; i++) {
        if (info->ecams[i].bus_start > info->ecams[i].bus_last || info->ecams[i].address == 0)
            return "a range of PCI Express";
    }
    if (info->local_apic == 0 || info->acpi_pm1a_control > UINT16_MAX)
        return "an address";
    return NULL;
}

#endif
