/*
 * A small valid executable, and what must hold of every load plan. Shared by lib/elf_test.c and
 * fuzz_elf.c.
 *
 *   0 header | 64 program headers (5) | 344 code | 360 relocations (2) | 408 dynamic table
 *   488 data | 512 end
 */
#ifndef FUZZ_ELF_SAMPLE_H
#define FUZZ_ELF_SAMPLE_H

#include "lib/checked_math.h"
#include "lib/elf.h"
#include "lib/string.h"
#include "tests/fuzz/bytes.h"

#define ELF_SAMPLE_BYTES   512u
#define ELF_SAMPLE_BASE    0xffffffff80000000ull
#define ELF_SAMPLE_HIGHEST 0xffffffffc0000000ull
#define ELF_SAMPLE_HEADERS 64u
#define ELF_SAMPLE_CODE    344u
#define ELF_SAMPLE_RELA    360u
#define ELF_SAMPLE_DYNAMIC 408u
#define ELF_SAMPLE_DATA    488u

#define ELF_SAMPLE_TEXT_VIRT   ELF_SAMPLE_BASE
#define ELF_SAMPLE_RODATA_VIRT (ELF_SAMPLE_BASE + 0x1000 + ELF_SAMPLE_RELA)
#define ELF_SAMPLE_DATA_VIRT   (ELF_SAMPLE_BASE + 0x2000 + ELF_SAMPLE_DATA)
#define ELF_SAMPLE_DATA_BYTES  0x1800u

#define ELF_SAMPLE_EXEC 2u
#define ELF_SAMPLE_DYN  3u

/* File offset of a field of program header `index`: its offset in Elf64_Phdr. */
#define ELF_PHDR_TYPE   0u
#define ELF_PHDR_FLAGS  4u
#define ELF_PHDR_OFFSET 8u
#define ELF_PHDR_VIRT   16u
#define ELF_PHDR_FILE   32u
#define ELF_PHDR_MEMORY 40u

static inline u32 elf_sample_phdr(u32 index, u32 field)
{
    return ELF_SAMPLE_HEADERS + index * 56 + field;
}

static inline void elf_sample_segment(u8 *file, u32 index, u32 type, u32 flags, u64 offset,
                                      u64 virt, u64 file_bytes, u64 memory_bytes)
{
    u8 *at = file + elf_sample_phdr(index, 0);
    put_field(at, 4, type);
    put_field(at + 4, 4, flags);
    put_field(at + 8, 8, offset);
    put_field(at + 16, 8, virt);
    put_field(at + 24, 8, virt);
    put_field(at + 32, 8, file_bytes);
    put_field(at + 40, 8, memory_bytes);
    put_field(at + 48, 8, PAGE_SIZE);
}

static inline void elf_sample_make(u8 file[ELF_SAMPLE_BYTES], u32 type)
{
    static const u8 ident[8] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0};
    memset(file, 0, ELF_SAMPLE_BYTES);
    memcpy(file, ident, sizeof(ident));
    put_field(file + 16, 2, type);
    put_field(file + 18, 2, 62);
    put_field(file + 20, 4, 1);
    put_field(file + 24, 8, ELF_SAMPLE_BASE + ELF_SAMPLE_CODE);
    put_field(file + 32, 8, ELF_SAMPLE_HEADERS);
    put_field(file + 52, 2, 64);
    put_field(file + 54, 2, 56);
    put_field(file + 56, 2, 5);
    elf_sample_segment(file, 0, 1, 5, 0, ELF_SAMPLE_TEXT_VIRT, 360, 360);
    elf_sample_segment(file, 1, 1, 4, ELF_SAMPLE_RELA, ELF_SAMPLE_RODATA_VIRT, 128, 128);
    elf_sample_segment(file, 2, 1, 6, ELF_SAMPLE_DATA, ELF_SAMPLE_DATA_VIRT, 24,
                       ELF_SAMPLE_DATA_BYTES);
    elf_sample_segment(file, 3, 2, 4, ELF_SAMPLE_DYNAMIC, ELF_SAMPLE_RODATA_VIRT + 48, 80, 80);
    elf_sample_segment(file, 4, 0x6474e551, 6, 0, 0, 0, 0);
    memset(file + ELF_SAMPLE_CODE, 0x90, 16);

    /* data[0] = &code, data[1] = &data[0]; data[2] is no pointer */
    u8 *relocation = file + ELF_SAMPLE_RELA;
    put_field(relocation, 8, ELF_SAMPLE_DATA_VIRT);
    put_field(relocation + 8, 8, 8);
    put_field(relocation + 16, 8, ELF_SAMPLE_BASE + ELF_SAMPLE_CODE);
    put_field(relocation + 24, 8, ELF_SAMPLE_DATA_VIRT + 8);
    put_field(relocation + 32, 8, 8);
    put_field(relocation + 40, 8, ELF_SAMPLE_DATA_VIRT);
    put_field(file + ELF_SAMPLE_DATA + 16, 8, 0x1122334455667788ull);

    static const u64 dynamic[10] = {7, ELF_SAMPLE_RODATA_VIRT, 8, 48, 9, 24, 0x6ffffff9, 2, 0, 0};
    for (u32 i = 0; i < 10; i++)
        put_field(file + ELF_SAMPLE_DYNAMIC + 8 * i, 8, dynamic[i]);
}

/* What is wrong with a plan that elf_plan_make has accepted; NULL: nothing. */
static inline const char *elf_plan_fault(const struct elf_plan *plan, u64 size_bytes, u64 lowest,
                                         u64 highest)
{
    bool entry_in_code = false;
    u64 previous_end = lowest;
    if (plan->segment_count == 0 || plan->segment_count > ELF_MAX_SEGMENTS)
        return "number of segments";
    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        u64 end;
        if (segment->memory_size == 0 || segment->file_size > segment->memory_size)
            return "sizes of a segment";
        if (!range_fits(segment->file_offset, segment->file_size, size_bytes))
            return "a segment beyond the file";
        if (!checked_add(segment->virt, segment->memory_size, &end) ||
            align_down(segment->virt, PAGE_SIZE) < previous_end)
            return "order or overlap of segments";
        previous_end = align_up(end, PAGE_SIZE);
        if (previous_end < end || previous_end > highest)
            return "a segment beyond the highest address";
        if (!is_aligned(segment->virt - segment->file_offset, PAGE_SIZE))
            return "congruence of a segment";
        if ((segment->flags & ELF_SEGMENT_WRITE) && (segment->flags & ELF_SEGMENT_EXECUTE))
            return "writable code";
        if ((segment->flags & ELF_SEGMENT_EXECUTE) && plan->entry >= segment->virt &&
            plan->entry < end)
            entry_in_code = true;
    }
    if (!entry_in_code)
        return "entry point";
    if (plan->start != align_down(plan->segments[0].virt, PAGE_SIZE) || plan->end != previous_end)
        return "span of the image";
    if (plan->relocation_count > size_bytes / 24 ||
        !range_fits(plan->relocations, plan->relocation_count * 24, size_bytes))
        return "relocations beyond the file";
    return NULL;
}

#endif
