/* Shared by acpi.c (finding tables) and acpi_tables.c (reading them). */
#ifndef LIB_ACPI_INTERNAL_H
#define LIB_ACPI_INTERNAL_H

#include "lib/acpi.h"

#define ACPI_HEADER_BYTES 36u

/* A table whose length and checksum have been checked; `bytes` may lie at any alignment. */
struct acpi_table {
    const u8 *bytes;
    u32 size_bytes; /* at least ACPI_HEADER_BYTES */
};

/* Readers of little-endian fields; the caller has checked that they lie in the table. */
static inline u16 acpi_u16(const u8 *at)
{
    return (u16)(at[0] | at[1] << 8);
}

static inline u32 acpi_u32(const u8 *at)
{
    return (u32)acpi_u16(at) | (u32)acpi_u16(at + 2) << 16;
}

static inline u64 acpi_u64(const u8 *at)
{
    return (u64)acpi_u32(at) | (u64)acpi_u32(at + 4) << 32;
}

/* One reader per table. MADT comes before SRAT, which comes before SLIT; acpi_read sees to that. */
enum acpi_error acpi_read_madt(const struct acpi_table *table, u32 boot_apic_id,
                               struct boot_info *info, struct acpi_result *result) MUST_USE;
enum acpi_error acpi_read_fadt(const struct acpi_table *table, struct boot_info *info) MUST_USE;
enum acpi_error acpi_read_hpet(const struct acpi_table *table, struct boot_info *info) MUST_USE;
enum acpi_error acpi_read_mcfg(const struct acpi_table *table, struct boot_info *info,
                               struct acpi_result *result) MUST_USE;
enum acpi_error acpi_read_dmar(const struct acpi_table *table, struct boot_info *info,
                               struct acpi_result *result) MUST_USE;

/* Proximity domains in use, by rising number: the index is the node. */
struct acpi_domains {
    u32 count;
    u32 domain[BOOT_MAX_NODES];
};

enum acpi_error acpi_read_srat(const struct acpi_table *table, struct boot_info *info,
                               struct acpi_result *result, struct acpi_domains *domains) MUST_USE;
enum acpi_error acpi_read_slit(const struct acpi_table *table, const struct acpi_domains *domains,
                               struct boot_info *info) MUST_USE;

#endif
