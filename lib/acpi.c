/*
 * Finding ACPI tables; see acpi.h.
 *
 * RSDP -> XSDT (or RSDT) -> tables. Each is viewed first for its length, then whole, and nothing in
 * it is believed before its checksum is right. Tables that nobody asks for are never read beyond
 * their header.
 */
#include "lib/acpi.h"

#include "lib/acpi_internal.h"

#include "lib/checked_math.h"
#include "lib/string.h"

#define RSDP_BYTES_1 20u /* ACPI 1.0 */
#define RSDP_BYTES_2 36u

static void name_table(struct acpi_result *result, const char *signature)
{
    memset(result->table, 0, sizeof(result->table));
    memcpy(result->table, signature, 4);
}

static const u8 *view(const struct acpi_memory *memory, u64 phys, u64 size_bytes)
{
    u64 end;
    if (phys == 0 || !checked_add(phys, size_bytes, &end))
        return NULL;
    return memory->view(memory->context, phys, size_bytes);
}

static bool sums_to_zero(const u8 *bytes, u64 size_bytes)
{
    u8 sum = 0;
    for (u64 i = 0; i < size_bytes; i++)
        sum = (u8)(sum + bytes[i]);
    return sum == 0;
}

/* The whole table at `phys`, which must have that signature. */
static enum acpi_error open_table(const struct acpi_memory *memory, u64 phys, const char *signature,
                                  struct acpi_table *table)
{
    const u8 *header = view(memory, phys, ACPI_HEADER_BYTES);
    if (header == NULL)
        return ACPI_BAD_ADDRESS;
    if (memcmp(header, signature, 4) != 0)
        return ACPI_BAD_SIGNATURE;
    u32 size_bytes = acpi_u32(header + 4);
    if (size_bytes < ACPI_HEADER_BYTES || size_bytes > ACPI_MAX_TABLE)
        return ACPI_BAD_LENGTH;
    const u8 *bytes = view(memory, phys, size_bytes);
    if (bytes == NULL)
        return ACPI_BAD_LENGTH;
    if (!sums_to_zero(bytes, size_bytes))
        return ACPI_BAD_CHECKSUM;
    *table = (struct acpi_table){.bytes = bytes, .size_bytes = size_bytes};
    return ACPI_OK;
}

/* The list of tables: addresses of entry_bytes (4 or 8) each, from ACPI_HEADER_BYTES on. */
struct root {
    struct acpi_table table;
    u32 entry_bytes;
};

static enum acpi_error open_root(const struct acpi_memory *memory, u64 rsdp, struct root *root,
                                 struct acpi_result *result)
{
    name_table(result, "RSDP");
    if (rsdp == 0)
        return ACPI_NO_RSDP;
    const u8 *pointer = view(memory, rsdp, RSDP_BYTES_1);
    if (pointer == NULL)
        return ACPI_BAD_ADDRESS;
    if (memcmp(pointer, "RSD PTR ", 8) != 0)
        return ACPI_BAD_SIGNATURE;
    if (!sums_to_zero(pointer, RSDP_BYTES_1))
        return ACPI_BAD_CHECKSUM;
    u64 rsdt = acpi_u32(pointer + 16), xsdt = 0;
    if (pointer[15] >= 2) {
        pointer = view(memory, rsdp, RSDP_BYTES_2);
        if (pointer == NULL)
            return ACPI_BAD_ADDRESS;
        u32 size_bytes = acpi_u32(pointer + 20);
        if (size_bytes < RSDP_BYTES_2 || size_bytes > ACPI_MAX_TABLE)
            return ACPI_BAD_LENGTH;
        pointer = view(memory, rsdp, size_bytes);
        if (pointer == NULL)
            return ACPI_BAD_LENGTH;
        if (!sums_to_zero(pointer, size_bytes))
            return ACPI_BAD_CHECKSUM;
        xsdt = acpi_u64(pointer + 24);
    }

    const char *signature = xsdt != 0 ? "XSDT" : "RSDT";
    name_table(result, signature);
    root->entry_bytes = xsdt != 0 ? 8 : 4;
    enum acpi_error error = open_table(memory, xsdt != 0 ? xsdt : rsdt, signature, &root->table);
    if (error != ACPI_OK)
        return error;
    if ((root->table.size_bytes - ACPI_HEADER_BYTES) % root->entry_bytes != 0)
        return ACPI_BAD_LENGTH;
    return ACPI_OK;
}

/* The first table with that signature. Firmware leaves entries of zero; others that point nowhere
 * are damage. */
static enum acpi_error find_table(const struct acpi_memory *memory, const struct root *root,
                                  const char *signature, struct acpi_table *table,
                                  struct acpi_result *result)
{
    name_table(result, signature);
    for (u32 at = ACPI_HEADER_BYTES; at < root->table.size_bytes; at += root->entry_bytes) {
        const u8 *entry = root->table.bytes + at;
        u64 phys = root->entry_bytes == 8 ? acpi_u64(entry) : acpi_u32(entry);
        if (phys == 0)
            continue;
        const u8 *header = view(memory, phys, ACPI_HEADER_BYTES);
        if (header == NULL) {
            name_table(result, root->entry_bytes == 8 ? "XSDT" : "RSDT");
            return ACPI_BAD_ADDRESS;
        }
        if (memcmp(header, signature, 4) == 0)
            return open_table(memory, phys, signature, table);
    }
    return ACPI_NO_TABLE;
}

/* One node, everything local: what holds without an SRAT. */
static void assume_one_node(struct boot_info *info)
{
    info->node_count = 1;
    for (u32 i = 0; i < BOOT_MAX_NODES; i++) {
        for (u32 j = 0; j < BOOT_MAX_NODES; j++)
            info->node_distance[i][j] = i == j ? 10 : 20;
    }
    for (u32 i = 0; i < info->cpu_count; i++)
        info->cpus[i].node = 0;
}

static enum acpi_error read_nodes(const struct acpi_memory *memory, const struct root *root,
                                  struct boot_info *info, struct acpi_result *result)
{
    struct acpi_table table;
    struct acpi_domains domains;
    assume_one_node(info);
    enum acpi_error error = find_table(memory, root, "SRAT", &table, result);
    if (error == ACPI_NO_TABLE)
        return ACPI_OK;
    if (error == ACPI_OK)
        error = acpi_read_srat(&table, info, result, &domains);
    if (error != ACPI_OK)
        return error;

    error = find_table(memory, root, "SLIT", &table, result);
    if (error == ACPI_NO_TABLE)
        return ACPI_OK;
    return error == ACPI_OK ? acpi_read_slit(&table, &domains, info) : error;
}

static enum acpi_error read_devices(const struct acpi_memory *memory, const struct root *root,
                                    struct boot_info *info, struct acpi_result *result)
{
    struct acpi_table table;
    enum acpi_error error = find_table(memory, root, "FACP", &table, result);
    if (error == ACPI_OK)
        error = acpi_read_fadt(&table, info);
    if (error != ACPI_OK && error != ACPI_NO_TABLE)
        return error;

    error = find_table(memory, root, "HPET", &table, result);
    if (error == ACPI_OK)
        error = acpi_read_hpet(&table, info);
    if (error != ACPI_OK && error != ACPI_NO_TABLE)
        return error;

    error = find_table(memory, root, "MCFG", &table, result);
    if (error == ACPI_OK)
        error = acpi_read_mcfg(&table, info, result);
    if (error != ACPI_OK && error != ACPI_NO_TABLE)
        return error;

    error = find_table(memory, root, "DMAR", &table, result);
    if (error == ACPI_OK)
        error = acpi_read_dmar(&table, info, result);
    return error == ACPI_NO_TABLE ? ACPI_OK : error;
}

enum acpi_error acpi_read(const struct acpi_memory *memory, u64 rsdp, u32 boot_apic_id,
                          struct boot_info *info, struct acpi_result *result)
{
    struct root root;
    struct acpi_table madt;
    memset(result, 0, sizeof(*result));
    info->rsdp = rsdp;
    info->local_apic = 0;
    info->hpet = 0;
    info->acpi_pm1a_control = 0;
    info->flags &= ~BOOT_FLAG_LEGACY_PIC;
    info->cpu_count = 0;
    info->ioapic_count = 0;
    info->irq_override_count = 0;
    info->ecam_count = 0;
    info->iommu_count = 0;

    enum acpi_error error = open_root(memory, rsdp, &root, result);
    if (error == ACPI_OK)
        error = find_table(memory, &root, "APIC", &madt, result);
    if (error == ACPI_OK)
        error = acpi_read_madt(&madt, boot_apic_id, info, result);
    if (error == ACPI_OK)
        error = read_nodes(memory, &root, info, result);
    if (error == ACPI_OK)
        error = read_devices(memory, &root, info, result);
    return error;
}

const char *acpi_error_text(enum acpi_error error)
{
    static const char *const texts[ACPI_ERROR_COUNT] = {
        [ACPI_OK] = "is well formed",
        [ACPI_NO_RSDP] = "is not offered by the firmware",
        [ACPI_NO_TABLE] = "is missing",
        [ACPI_BAD_ADDRESS] = "points to where no memory is",
        [ACPI_BAD_SIGNATURE] = "has a wrong signature",
        [ACPI_BAD_LENGTH] = "has an impossible length",
        [ACPI_BAD_CHECKSUM] = "has a wrong checksum",
        [ACPI_BAD_ENTRY] = "has an entry of an impossible size",
        [ACPI_BAD_VALUE] = "has a field out of range",
        [ACPI_TOO_MANY] = "describes more than this system can hold",
        [ACPI_NO_BOOT_CPU] = "does not list the boot processor",
    };
    if ((u32)error >= ACPI_ERROR_COUNT)
        return "has an unknown error";
    return texts[error];
}
