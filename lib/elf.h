/*
 * ELF: turns an x86_64 executable file into a load plan.
 *
 * The file is untrusted. Everything in the plan has been checked against the file's size and
 * against the address range that the caller allows, so whoever carries the plan out needs no checks
 * of its own. Nothing is allocated, nothing is global, the file is only read. Used by the loader
 * and by user space that spawns processes. Ranges are half-open. Format: System V ABI (gABI)
 * chapters 4 and 5, x86-64 psABI chapter 4.
 *
 * Position-independent images (ET_DYN) must be self-contained: their only relocations are
 * R_X86_64_RELATIVE, none of them in an executable segment.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include "abi/status.h"
#include "abi/types.h"

#define ELF_MAX_SEGMENTS        8u
#define ELF_MAX_PROGRAM_HEADERS 64u

#define ELF_SEGMENT_READ    1u
#define ELF_SEGMENT_WRITE   2u
#define ELF_SEGMENT_EXECUTE 4u

enum elf_error {
    ELF_OK = 0,
    ELF_NOT_ELF,
    ELF_NOT_64_BIT,
    ELF_WRONG_MACHINE,
    ELF_WRONG_KIND,
    ELF_CUT_SHORT,
    ELF_BAD_HEADER,
    ELF_NO_SEGMENT,
    ELF_TOO_MANY_SEGMENTS,
    ELF_WILD_SEGMENT,
    ELF_OVERLAPPING_SEGMENTS,
    ELF_WRITABLE_CODE,
    ELF_BAD_ENTRY,
    ELF_BAD_RELOCATION,
    ELF_NEEDS_LINKER,
    ELF_ERROR_COUNT
};

/* file_size bytes of the file from file_offset go to virt, zeros follow up to memory_size. virt and
 * file_offset agree modulo the page size. No two segments share a page. */
struct elf_segment {
    u64 virt; /* as linked */
    u64 file_offset;
    u64 file_size;
    u64 memory_size; /* not 0 */
    u32 flags;       /* ELF_SEGMENT_* */
    u32 reserved;
};

struct elf_plan {
    bool position_independent; /* ET_DYN: may be loaded at virt + any page-aligned slide */
    u32 segment_count;         /* at least 1 */
    u64 entry;                 /* as linked; in an executable segment */
    u64 start;                 /* lowest page of any segment */
    u64 end;                   /* page after the last of any segment */
    u64 relocations;           /* file offset of the table of relocations (24 bytes each) */
    u64 relocation_count;
    struct elf_segment segments[ELF_MAX_SEGMENTS]; /* by rising address */
};

/* Checks the file of `size_bytes` at `file` (borrowed, any alignment) and fills the plan (on ELF_OK
 * only). All segments must lie in [lowest, highest), addresses as linked. Every error of the
 * enumeration but ELF_OK can be returned; a file from which bytes are missing gives ELF_CUT_SHORT.
 * Time: linear in the file's size. */
enum elf_error elf_plan_make(const void *file, u64 size_bytes, u64 lowest, u64 highest,
                             struct elf_plan *plan) MUST_USE;

/* Writes a whole image as planned into `image`, which has room for plan->end - plan->start bytes:
 * the segments, zeros between them, and relocations for running at plan->start + slide. `file` is
 * the one that the plan was made from, unchanged. */
void elf_plan_load(const struct elf_plan *plan, const void *file, void *image, u64 slide);

/* A short text for people: "is not an ELF file". */
const char *elf_error_text(enum elf_error error);

#endif
