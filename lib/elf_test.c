/* Load plans: what a good file gives; that no damage passes unseen or makes a wild access. */
#include "lib/elf.h"

#include "tests/fuzz/elf_sample.h"
#include "unit.h"

#include <stdlib.h>

/* Runs on a copy of exactly `size` bytes, so that a sanitizer sees any read past the end. */
static enum elf_error plan_of(const u8 *file, u64 size, u64 lowest, u64 highest,
                              struct elf_plan *plan)
{
    u8 *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, file, size);
    enum elf_error error = elf_plan_make(copy, size, lowest, highest, plan);
    free(copy);
    return error;
}

static enum elf_error sample_plan(const u8 *file, struct elf_plan *plan)
{
    return plan_of(file, ELF_SAMPLE_BYTES, ELF_SAMPLE_BASE, ELF_SAMPLE_HIGHEST, plan);
}

/* The sample with one field changed. */
static enum elf_error damaged(u32 type, u32 offset, u32 width, u64 value)
{
    u8 file[ELF_SAMPLE_BYTES];
    struct elf_plan plan;
    elf_sample_make(file, type);
    put_field(file + offset, width, value);
    return sample_plan(file, &plan);
}

/* Accepts an error, or a plan that is right and can be carried out within its own bounds. */
static void expect_error_or_sane(const u8 *file, u64 size)
{
    struct elf_plan plan;
    enum elf_error error = plan_of(file, size, ELF_SAMPLE_BASE, ELF_SAMPLE_HIGHEST, &plan);
    if (error != ELF_OK) {
        EXPECT_LT(error, ELF_ERROR_COUNT);
        return;
    }
    const char *fault = elf_plan_fault(&plan, size, ELF_SAMPLE_BASE, ELF_SAMPLE_HIGHEST);
    EXPECT_STR_EQ(fault == NULL ? "" : fault, "");
    if (plan.end - plan.start > 1u << 20)
        return;
    u8 *image = malloc(plan.end - plan.start);
    elf_plan_load(&plan, file, image, 0x200000);
    free(image);
}

TEST(position_independent_file_gives_its_plan)
{
    u8 file[ELF_SAMPLE_BYTES];
    struct elf_plan plan;
    elf_sample_make(file, ELF_SAMPLE_DYN);
    REQUIRE(sample_plan(file, &plan) == ELF_OK);
    EXPECT(plan.position_independent);
    EXPECT_EQ(plan.entry, ELF_SAMPLE_BASE + ELF_SAMPLE_CODE);
    EXPECT_EQ(plan.start, ELF_SAMPLE_BASE);
    EXPECT_EQ(plan.end, ELF_SAMPLE_BASE + 0x4000);
    EXPECT_EQ(plan.segment_count, 3);
    EXPECT_EQ(plan.segments[0].flags, ELF_SEGMENT_READ | ELF_SEGMENT_EXECUTE);
    EXPECT_EQ(plan.segments[1].flags, ELF_SEGMENT_READ);
    EXPECT_EQ(plan.segments[2].flags, ELF_SEGMENT_READ | ELF_SEGMENT_WRITE);
    EXPECT_EQ(plan.segments[2].virt, ELF_SAMPLE_DATA_VIRT);
    EXPECT_EQ(plan.segments[2].file_offset, ELF_SAMPLE_DATA);
    EXPECT_EQ(plan.segments[2].file_size, 24);
    EXPECT_EQ(plan.segments[2].memory_size, ELF_SAMPLE_DATA_BYTES);
    EXPECT_EQ(plan.relocations, ELF_SAMPLE_RELA);
    EXPECT_EQ(plan.relocation_count, 2);
    EXPECT(elf_plan_fault(&plan, sizeof(file), ELF_SAMPLE_BASE, ELF_SAMPLE_HIGHEST) == NULL);
}

TEST(fixed_file_gives_a_plan_without_relocations)
{
    u8 file[ELF_SAMPLE_BYTES];
    struct elf_plan plan;
    elf_sample_make(file, ELF_SAMPLE_EXEC);
    REQUIRE(sample_plan(file, &plan) == ELF_OK);
    EXPECT(!plan.position_independent);
    EXPECT_EQ(plan.segment_count, 3);
    EXPECT_EQ(plan.relocation_count, 0);
}

TEST(loading_fills_the_image_and_relocates_it)
{
    const u64 slide = 0x12200000;
    u8 file[ELF_SAMPLE_BYTES];
    struct elf_plan plan;
    elf_sample_make(file, ELF_SAMPLE_DYN);
    REQUIRE(sample_plan(file, &plan) == ELF_OK);
    u8 *image = malloc(plan.end - plan.start);
    memset(image, 0xa5, plan.end - plan.start);
    elf_plan_load(&plan, file, image, slide);

    EXPECT_MEM_EQ(image, file, 360);
    EXPECT_MEM_EQ(image + 0x1000 + ELF_SAMPLE_RELA, file + ELF_SAMPLE_RELA, 128);
    const u8 *data = image + 0x2000 + ELF_SAMPLE_DATA;
    EXPECT_EQ(get_field(data, 8), ELF_SAMPLE_BASE + ELF_SAMPLE_CODE + slide);
    EXPECT_EQ(get_field(data + 8, 8), ELF_SAMPLE_DATA_VIRT + slide);
    EXPECT_EQ(get_field(data + 16, 8), 0x1122334455667788ull);
    u64 not_zero = 0;
    for (u64 i = 360; i < 0x1000 + ELF_SAMPLE_RELA; i++)
        not_zero += image[i] != 0;
    for (const u8 *at = data + 24; at < image + (plan.end - plan.start); at++)
        not_zero += *at != 0;
    EXPECT_EQ(not_zero, 0);
    free(image);
}

TEST(segments_out_of_order_are_sorted)
{
    u8 file[ELF_SAMPLE_BYTES], header[56];
    struct elf_plan plan;
    elf_sample_make(file, ELF_SAMPLE_DYN);
    memcpy(header, file + elf_sample_phdr(0, 0), 56);
    memcpy(file + elf_sample_phdr(0, 0), file + elf_sample_phdr(2, 0), 56);
    memcpy(file + elf_sample_phdr(2, 0), header, 56);
    REQUIRE(sample_plan(file, &plan) == ELF_OK);
    EXPECT_EQ(plan.segments[0].virt, ELF_SAMPLE_TEXT_VIRT);
    EXPECT_EQ(plan.segments[2].virt, ELF_SAMPLE_DATA_VIRT);
}

TEST(a_file_cut_at_any_length_is_cut_short)
{
    u8 file[ELF_SAMPLE_BYTES];
    struct elf_plan plan;
    for (u32 type = ELF_SAMPLE_EXEC; type <= ELF_SAMPLE_DYN; type++) {
        elf_sample_make(file, type);
        for (u64 size = 1; size < ELF_SAMPLE_BYTES; size++)
            EXPECT_EQ(plan_of(file, size, ELF_SAMPLE_BASE, ELF_SAMPLE_HIGHEST, &plan),
                      ELF_CUT_SHORT);
    }
    EXPECT_EQ(plan_of(file, 0, ELF_SAMPLE_BASE, ELF_SAMPLE_HIGHEST, &plan), ELF_NOT_ELF);
}

TEST(every_flipped_bit_gives_an_error_or_a_sane_plan)
{
    u8 file[ELF_SAMPLE_BYTES];
    elf_sample_make(file, ELF_SAMPLE_DYN);
    for (u32 bit = 0; bit < ELF_SAMPLE_BYTES * 8; bit++) {
        file[bit / 8] ^= (u8)(1u << bit % 8);
        expect_error_or_sane(file, sizeof(file));
        file[bit / 8] ^= (u8)(1u << bit % 8);
    }
}

TEST(every_field_of_any_wild_value_gives_an_error_or_a_sane_plan)
{
    u8 file[ELF_SAMPLE_BYTES];
    for (u32 width = 1; width <= 8; width *= 2) {
        for (u32 at = 0; at + width <= ELF_SAMPLE_BYTES; at += width < 4 ? width : 4) {
            for (u32 i = 0; i < WILD_VALUE_COUNT; i++) {
                elf_sample_make(file, ELF_SAMPLE_DYN);
                put_field(file + at, width, wild_value(i));
                expect_error_or_sane(file, sizeof(file));
            }
        }
    }
}

TEST(several_wild_fields_at_once_give_an_error_or_a_sane_plan)
{
    u8 file[ELF_SAMPLE_BYTES];
    for (u32 round = 0; round < 20000; round++) {
        elf_sample_make(file, ELF_SAMPLE_DYN);
        for (u64 n = 1 + unit_random_below(4); n > 0; n--) {
            u64 at = 24 + 4 * unit_random_below((ELF_SAMPLE_BYTES - 32) / 4);
            u64 value = unit_random_below(2) ? wild_value((u32)unit_random_below(WILD_VALUE_COUNT))
                                             : ELF_SAMPLE_BASE + unit_random_below(0x5000);
            put_field(file + at, unit_random_below(2) ? 8 : 4, value);
        }
        expect_error_or_sane(file, sizeof(file));
    }
}

TEST(each_kind_of_damage_is_named)
{
    const struct {
        u32 offset;
        u32 width;
        u64 value;
        enum elf_error error;
    } cases[] = {
        {0, 1, 0x7e, ELF_NOT_ELF},
        {3, 1, 'G', ELF_NOT_ELF},
        {4, 1, 1, ELF_NOT_64_BIT},
        {5, 1, 2, ELF_WRONG_MACHINE},
        {18, 2, 183, ELF_WRONG_MACHINE},
        {6, 1, 0, ELF_BAD_HEADER},
        {20, 4, 2, ELF_BAD_HEADER},
        {52, 2, 63, ELF_BAD_HEADER},
        {54, 2, 32, ELF_BAD_HEADER},
        {16, 2, 1, ELF_WRONG_KIND},
        {16, 2, 4, ELF_WRONG_KIND},
        {32, 8, ELF_SAMPLE_BYTES, ELF_CUT_SHORT},
        {32, 8, UINT64_MAX - 10, ELF_CUT_SHORT},
        {56, 2, 0, ELF_NO_SEGMENT},
        {56, 2, 9, ELF_CUT_SHORT},
        {56, 2, 65, ELF_TOO_MANY_SEGMENTS},
        {24, 8, 0, ELF_BAD_ENTRY},
        {24, 8, ELF_SAMPLE_DATA_VIRT, ELF_BAD_ENTRY},
        {24, 8, ELF_SAMPLE_BASE + 360, ELF_BAD_ENTRY},
        {elf_sample_phdr(0, ELF_PHDR_FLAGS), 4, 4, ELF_BAD_ENTRY},
        {elf_sample_phdr(0, ELF_PHDR_FLAGS), 4, 7, ELF_WRITABLE_CODE},
        {elf_sample_phdr(0, ELF_PHDR_OFFSET), 8, 1, ELF_WILD_SEGMENT},
        {elf_sample_phdr(0, ELF_PHDR_OFFSET), 8, 0x1000, ELF_CUT_SHORT},
        {elf_sample_phdr(0, ELF_PHDR_OFFSET), 8, 0xfffffffffffff000ull, ELF_CUT_SHORT},
        {elf_sample_phdr(0, ELF_PHDR_VIRT), 8, ELF_SAMPLE_BASE - 0x1000, ELF_WILD_SEGMENT},
        {elf_sample_phdr(2, ELF_PHDR_VIRT), 8, ELF_SAMPLE_HIGHEST + ELF_SAMPLE_DATA,
         ELF_WILD_SEGMENT},
        {elf_sample_phdr(2, ELF_PHDR_VIRT), 8, ELF_SAMPLE_BASE + 0x1000 + ELF_SAMPLE_DATA,
         ELF_OVERLAPPING_SEGMENTS},
        {elf_sample_phdr(2, ELF_PHDR_VIRT), 8, ELF_SAMPLE_BASE + ELF_SAMPLE_DATA,
         ELF_OVERLAPPING_SEGMENTS},
        {elf_sample_phdr(0, ELF_PHDR_MEMORY), 8, 0x1001, ELF_OVERLAPPING_SEGMENTS},
        {elf_sample_phdr(0, ELF_PHDR_MEMORY), 8, 359, ELF_WILD_SEGMENT},
        {elf_sample_phdr(2, ELF_PHDR_MEMORY), 8, 0x40000000, ELF_WILD_SEGMENT},
        {elf_sample_phdr(2, ELF_PHDR_MEMORY), 8, UINT64_MAX, ELF_WILD_SEGMENT},
        {elf_sample_phdr(2, ELF_PHDR_MEMORY), 8, 0 - ELF_SAMPLE_DATA_VIRT - 1, ELF_WILD_SEGMENT},
        {elf_sample_phdr(2, ELF_PHDR_FILE), 8, 25, ELF_CUT_SHORT},
        {elf_sample_phdr(2, ELF_PHDR_FILE), 8, ELF_SAMPLE_DATA_BYTES + 1, ELF_WILD_SEGMENT},
        {elf_sample_phdr(4, ELF_PHDR_TYPE), 4, 3, ELF_NEEDS_LINKER},
        {elf_sample_phdr(4, ELF_PHDR_TYPE), 4, 2, ELF_BAD_RELOCATION},
        {elf_sample_phdr(3, ELF_PHDR_OFFSET), 8, ELF_SAMPLE_BYTES, ELF_CUT_SHORT},
        {ELF_SAMPLE_RELA, 8, ELF_SAMPLE_DATA_VIRT + ELF_SAMPLE_DATA_BYTES - 7, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_RELA, 8, ELF_SAMPLE_DATA_VIRT - 1, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_RELA, 8, ELF_SAMPLE_BASE + ELF_SAMPLE_CODE, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_RELA, 8, UINT64_MAX - 3, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_RELA + 8, 4, 1, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_RELA + 12, 4, 1, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_DYNAMIC, 8, 1, ELF_NEEDS_LINKER},
        {ELF_SAMPLE_DYNAMIC, 8, 22, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_DYNAMIC, 8, 35, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_DYNAMIC + 8, 8, ELF_SAMPLE_RODATA_VIRT + 88, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_DYNAMIC + 24, 8, 47, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_DYNAMIC + 24, 8, 24 * 6, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_DYNAMIC + 24, 8, 0xfffffffffffffff0ull, ELF_BAD_RELOCATION},
        {ELF_SAMPLE_DYNAMIC + 40, 8, 16, ELF_BAD_RELOCATION},
    };
    for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum elf_error error =
            damaged(ELF_SAMPLE_DYN, cases[i].offset, cases[i].width, cases[i].value);
        EXPECT_STR_EQ(elf_error_text(error), elf_error_text(cases[i].error));
    }
}

TEST(more_segments_than_a_plan_holds_are_refused)
{
    /* Program headers behind the sample: nine one-page segments. */
    u8 file[ELF_SAMPLE_BYTES + 9 * 56];
    struct elf_plan plan;
    elf_sample_make(file, ELF_SAMPLE_EXEC);
    put_field(file + 32, 8, ELF_SAMPLE_BYTES);
    for (u32 count = 8; count <= 9; count++) {
        put_field(file + 56, 2, count);
        memset(file + ELF_SAMPLE_BYTES, 0, 9 * 56);
        for (u32 i = 0; i < count; i++) {
            u8 *at = file + ELF_SAMPLE_BYTES + i * 56;
            put_field(at, 4, 1);
            put_field(at + 4, 4, i == 0 ? 5 : 6);
            put_field(at + 16, 8, ELF_SAMPLE_BASE + i * 0x1000);
            put_field(at + 40, 8, 0x1000);
        }
        enum elf_error error =
            plan_of(file, sizeof(file), ELF_SAMPLE_BASE, ELF_SAMPLE_HIGHEST, &plan);
        EXPECT_EQ(error, count == 8 ? ELF_OK : ELF_TOO_MANY_SEGMENTS);
    }
}

TEST(a_failed_plan_is_not_written)
{
    u8 file[ELF_SAMPLE_BYTES];
    struct elf_plan plan, before;
    memset(&plan, 0x5a, sizeof(plan));
    before = plan;
    elf_sample_make(file, ELF_SAMPLE_DYN);
    put_field(file + ELF_SAMPLE_RELA + 8, 4, 1);
    EXPECT_EQ(sample_plan(file, &plan), ELF_BAD_RELOCATION);
    EXPECT_MEM_EQ(&plan, &before, sizeof(plan));
}

TEST(every_error_has_its_own_text)
{
    for (u32 i = 0; i < ELF_ERROR_COUNT; i++) {
        for (u32 j = 0; j < i; j++)
            EXPECT(!string_equal(elf_error_text((enum elf_error)i),
                                 elf_error_text((enum elf_error)j)));
    }
    EXPECT_STR_EQ(elf_error_text((enum elf_error)999), "has an unknown error");
}
