/*
 * ACPI: reads the tables that describe processors, interrupts, memory nodes, PCI Express, timers
 * and DMA remapping into the machine description of abi/bootinfo.h. No AML.
 *
 * The tables are firmware's, but may be damaged: signatures, lengths, checksums, entry sizes and
 * counts are checked, and memory is read only through a function of the caller, which says what may
 * be read. Nothing is allocated, nothing is global. Source: ACPI 6.4 chapter 5.2; PCI Firmware 3.3
 * section 4.1.2 (MCFG); IA-PC HPET 1.0a section 3.2.4; Intel VT-d 3.3 chapter 8 (DMAR).
 */
#ifndef LIB_ACPI_H
#define LIB_ACPI_H

#include "abi/bootinfo.h"
#include "abi/status.h"

#define ACPI_MAX_AFFINITIES 128u
#define ACPI_MAX_TABLE      (1u << 20) /* bytes of one table that is read */

/* How physical memory is read. */
struct acpi_memory {
    /* The `size_bytes` (at least 1) at physical address `phys`, readable until acpi_read returns;
     * NULL where any of them is not memory that may be read. */
    const void *(*view)(void *context, u64 phys, u64 size_bytes);
    void *context;
};

enum acpi_error {
    ACPI_OK = 0,
    ACPI_NO_RSDP,
    ACPI_NO_TABLE,
    ACPI_BAD_ADDRESS,
    ACPI_BAD_SIGNATURE,
    ACPI_BAD_LENGTH,
    ACPI_BAD_CHECKSUM,
    ACPI_BAD_ENTRY,
    ACPI_BAD_VALUE,
    ACPI_TOO_MANY,
    ACPI_NO_BOOT_CPU,
    ACPI_ERROR_COUNT
};

/* A range of physical memory that belongs to a node (SRAT). */
struct acpi_affinity {
    u64 start;
    u64 end;
    u32 node;
};

/* What acpi_read finds besides what boot_info holds. */
struct acpi_result {
    char table[8];       /* signature of the table last looked at: where the error is */
    u32 ignored_cpus;    /* more than BOOT_MAX_CPUS; these are not used */
    u32 ignored_entries; /* I/O APICs, overrides, ECAM ranges or IOMMUs beyond their limits */
    u32 affinity_count;
    struct acpi_affinity affinities[ACPI_MAX_AFFINITIES]; /* by rising address, not overlapping */
};

/*
 * Reads all tables reachable from the RSDP at `rsdp` and fills in `info`: local_apic, hpet, rsdp,
 * acpi_pm1a_control, the processors (enabled ones; that with `boot_apic_id` first), nodes and
 * distances, I/O APICs, overrides, ECAM ranges, IOMMUs and BOOT_FLAG_LEGACY_PIC. Other fields are
 * left alone. RSDP, RSDT or XSDT, and MADT must be there; the rest may be missing. After an error
 * these fields of `info` are undefined, and `result->table` names the table. Proximity domains
 * become node numbers from 0, in order of their number; ACPI_TOO_MANY: more than BOOT_MAX_NODES of
 * them, or more than ACPI_MAX_AFFINITIES ranges.
 */
enum acpi_error acpi_read(const struct acpi_memory *memory, u64 rsdp, u32 boot_apic_id,
                          struct boot_info *info, struct acpi_result *result) MUST_USE;

/* A short text for people: "has a wrong checksum". */
const char *acpi_error_text(enum acpi_error error);

#endif
