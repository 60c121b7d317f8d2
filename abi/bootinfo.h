/*
 * BootInfo: the machine description that the loader (or the simulator) hands to the kernel.
 *
 * One contiguous, page-aligned block in memory of kind MEMORY_BOOT_INFO. All ranges are half-open,
 * all addresses physical unless named virt. Every table is bounded and checked by its producer; the
 * kernel checks magic, version, size and counts again and parses nothing.
 *
 * State of the machine at the kernel's entry point (x86_64):
 *   - long mode, interrupts off, CR0.WP and EFER.NXE set, GDT of the loader still loaded;
 *   - RDI holds the direct-map address of struct boot_info; RSP is undefined (the kernel sets its
 * own);
 *   - the loader's page tables map the kernel image at kernel_virt (W^X by segment), all memory
 * below direct_map_end at direct_map_virt (writable, not executable), and one identity page that
 *     performed the jump. The kernel replaces them and then frees MEMORY_LOADER.
 */
#ifndef ABI_BOOTINFO_H
#define ABI_BOOTINFO_H

#include "abi/types.h"

#define BOOT_INFO_MAGIC   0x746f6f4273755246ull /* "FruSBoot", little-endian */
#define BOOT_INFO_VERSION 1u

#define BOOT_MAX_MEMORY_RANGES 256u
#define BOOT_MAX_CPUS          64u
#define BOOT_MAX_NODES         8u
#define BOOT_MAX_IOAPICS       8u
#define BOOT_MAX_IRQ_OVERRIDES 24u
#define BOOT_MAX_ECAM          8u
#define BOOT_MAX_IOMMUS        8u
#define BOOT_MAX_SEGMENTS      8u
#define BOOT_COMMAND_LINE_SIZE 1024u
#define BOOT_SEED_SIZE         64u

enum boot_memory_kind {
    BOOT_MEMORY_FREE = 1, /* usable at once */
    BOOT_MEMORY_LOADER =
        2, /* loader code, data and page tables: free once the kernel has its own */
    BOOT_MEMORY_KERNEL = 3,    /* the kernel image as loaded, bss included */
    BOOT_MEMORY_BOOT_INFO = 4, /* this block */
    BOOT_MEMORY_ARCHIVE = 5,   /* the boot archive (cpio newc) */
    BOOT_MEMORY_INIT = 6,      /* init's ELF file as read */
    BOOT_MEMORY_ACPI = 7,      /* ACPI tables; kept */
    BOOT_MEMORY_RUNTIME = 8,   /* UEFI runtime services code and data; kept */
    BOOT_MEMORY_RESERVED = 9,  /* present but never to be touched */
    BOOT_MEMORY_MMIO = 10,     /* memory-mapped devices named by the firmware */
};

/* Sorted by start, not overlapping, page-aligned, one NUMA node each (0 where there is no SRAT). */
struct boot_memory_range {
    u64 start;
    u64 end;
    u32 kind; /* enum boot_memory_kind */
    u32 node;
};

#define BOOT_CPU_ENABLED 1u
#define BOOT_CPU_X2APIC  2u /* id does not fit xAPIC (255 and above) */

/* The boot processor comes first. */
struct boot_cpu {
    u32 apic_id;
    u32 acpi_uid;
    u32 node;
    u32 flags;
};

struct boot_ioapic {
    u64 address;
    u32 id;
    u32 gsi_base;
};

/* MADT interrupt source override (ACPI 6.4, 5.2.12.5). flags as in the table: polarity, trigger. */
struct boot_irq_override {
    u32 irq;
    u32 gsi;
    u32 flags;
    u32 reserved;
};

/* PCI Express configuration space (MCFG). */
struct boot_ecam {
    u64 address;
    u16 segment;
    u8 bus_start;
    u8 bus_last;
    u32 reserved;
};

/* DMA remapping hardware unit (DMAR, DRHD). */
struct boot_iommu {
    u64 address;
    u16 segment;
    u16 flags; /* bit 0: INCLUDE_PCI_ALL */
    u32 reserved;
};

enum boot_pixel_format { BOOT_PIXEL_NONE = 0, BOOT_PIXEL_BGRX = 1, BOOT_PIXEL_RGBX = 2 };

struct boot_framebuffer {
    u64 address;
    u64 size_bytes;
    u32 width;
    u32 height;
    u32 stride_pixels;
    u32 format; /* enum boot_pixel_format; NONE: there is no framebuffer */
};

#define BOOT_SEGMENT_READ    1u
#define BOOT_SEGMENT_WRITE   2u
#define BOOT_SEGMENT_EXECUTE 4u

/* A loadable segment of init: file_size bytes at archive-independent offset file_offset of the ELF
 * file in memory, then zeros up to memory_size. virt is page-congruent to file_offset. */
struct boot_segment {
    u64 virt;
    u64 file_offset;
    u64 file_size;
    u64 memory_size;
    u32 flags;
    u32 reserved;
};

enum boot_seed_source { BOOT_SEED_FIRMWARE = 1, BOOT_SEED_RDRAND = 2, BOOT_SEED_JITTER = 3 };

struct boot_info {
    u64 magic;
    u32 version;
    u32 size_bytes; /* sizeof(struct boot_info) */

    u64 kernel_phys; /* where the image lies */
    u64 kernel_virt; /* where it runs: link address + slide */
    u64 kernel_size_bytes;
    u64 direct_map_virt;
    u64 direct_map_end; /* physical end of what the direct map covers */

    u64 archive_phys;
    u64 archive_size_bytes;
    u64 init_phys; /* init's ELF file, page-aligned */
    u64 init_size_bytes;
    u64 init_entry;
    u32 init_segment_count;
    u32 seed_source; /* enum boot_seed_source */
    struct boot_segment init_segments[BOOT_MAX_SEGMENTS];

    u8 seed[BOOT_SEED_SIZE];                   /* the kernel wipes this copy after use */
    char command_line[BOOT_COMMAND_LINE_SIZE]; /* NUL-terminated */

    u64 local_apic; /* xAPIC register page */
    u64 hpet;       /* 0: none */
    u64 trampoline; /* a page below 1 MiB for starting other CPUs; of kind RESERVED in the map */
    u64 rsdp;       /* for user-space ACPI tools */
    u64 efi_system_table; /* physical; 0: no runtime services */
    /* Page tables with an identity map of everything below 4 GiB and of the runtime regions above,
     * for reset only; of kind RUNTIME in the map. Their upper half is empty: the kernel puts its
     * own there before it loads them. */
    u64 efi_runtime_cr3;
    u64 acpi_pm1a_control; /* FADT: I/O port for power-off when there are no runtime services; 0:
                              none */

    u32 memory_range_count;
    u32 cpu_count;
    u32 node_count; /* at least 1 */
    u32 ioapic_count;
    u32 irq_override_count;
    u32 ecam_count;
    u32 iommu_count;
    u32 flags;

    struct boot_memory_range memory_ranges[BOOT_MAX_MEMORY_RANGES];
    struct boot_cpu cpus[BOOT_MAX_CPUS];
    u8 node_distance[BOOT_MAX_NODES][BOOT_MAX_NODES]; /* SLIT; 10 is local, 20 without a SLIT */
    struct boot_ioapic ioapics[BOOT_MAX_IOAPICS];
    struct boot_irq_override irq_overrides[BOOT_MAX_IRQ_OVERRIDES];
    struct boot_ecam ecams[BOOT_MAX_ECAM];
    struct boot_iommu iommus[BOOT_MAX_IOMMUS];
    struct boot_framebuffer framebuffer;

    u64 tsc_at_loader_start; /* for the boot record */
    u64 tsc_at_handover;
};

#define BOOT_FLAG_LEGACY_PIC 1u /* MADT says that dual 8259s are installed: mask them */

_Static_assert(sizeof(struct boot_memory_range) == 24, "layout");
_Static_assert(sizeof(struct boot_segment) == 40, "layout");
_Static_assert(sizeof(struct boot_info) <= 6 * 4096, "boot info fits six pages");

#endif
