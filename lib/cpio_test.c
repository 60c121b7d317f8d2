/* The archive reader: a good archive gives its files; no damage makes a wild access. */
#include "lib/cpio.h"

#include "tests/fuzz/bytes.h"
#include "tests/fuzz/cpio_sample.h"
#include "unit.h"

#include <stdlib.h>

/* Walks a copy of exactly `size` bytes, so that a sanitizer sees any read past the end. */
static enum cpio_error walk(const u8 *archive, u64 size)
{
    enum cpio_error error;
    u8 *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, archive, size);
    const char *fault = cpio_archive_fault(copy, size, &error);
    EXPECT_STR_EQ(fault == NULL ? "" : fault, "");
    free(copy);
    return error;
}

/* Offsets of the headers in the sample, the trailer's last. */
static u32 header_offsets(const struct cpio_sample *sample, u32 *offsets)
{
    struct cpio_entry entry;
    u64 position = 0;
    u32 count = 0;
    do
        offsets[count++] = (u32)position;
    while (cpio_next(sample->bytes, sample->size_bytes, &position, &entry) == CPIO_OK);
    return count;
}

TEST(entries_come_in_order_with_their_data)
{
    const struct {
        const char *name;
        const char *data;
        u32 type;
    } expected[] = {
        {"bin", "", CPIO_MODE_DIRECTORY},
        {"bin/shell", "seven b", CPIO_MODE_FILE},
        {"manifest", "service shell\n", CPIO_MODE_FILE},
        {"empty", "", CPIO_MODE_FILE},
    };
    struct cpio_sample sample;
    struct cpio_entry entry;
    u64 position = 0;
    cpio_sample_make(&sample);
    for (u32 i = 0; i < 4; i++) {
        REQUIRE(cpio_next(sample.bytes, sample.size_bytes, &position, &entry) == CPIO_OK);
        EXPECT_STR_EQ(entry.name, expected[i].name);
        EXPECT_EQ(entry.name_length, strlen(expected[i].name));
        EXPECT_EQ(entry.mode & CPIO_MODE_TYPE, expected[i].type);
        EXPECT_EQ(entry.size_bytes, strlen(expected[i].data));
        EXPECT_MEM_EQ(entry.data, expected[i].data, entry.size_bytes);
    }
    EXPECT_EQ(cpio_next(sample.bytes, sample.size_bytes, &position, &entry), CPIO_END);
    EXPECT_EQ(cpio_next(sample.bytes, sample.size_bytes, &position, &entry), CPIO_END);
    EXPECT_STR_EQ(entry.name, "empty");
}

TEST(a_padded_name_places_its_data)
{
    struct cpio_sample sample;
    struct cpio_entry entry;
    cpio_sample_make(&sample);
    REQUIRE(cpio_find(sample.bytes, sample.size_bytes, "manifest", &entry) == CPIO_OK);
    EXPECT_EQ(entry.offset % CPIO_SAMPLE_ALIGNED, 0);
    EXPECT_EQ(entry.name_length, 8);
}

TEST(find_gives_files_only_and_by_their_whole_name)
{
    struct cpio_sample sample;
    struct cpio_entry entry;
    cpio_sample_make(&sample);
    REQUIRE(cpio_find(sample.bytes, sample.size_bytes, "bin/shell", &entry) == CPIO_OK);
    EXPECT_MEM_EQ(entry.data, "seven b", 7);
    const char *absent[] = {"bin", "bin/shel", "bin/shell2", "", "TRAILER!!!", "Manifest"};
    for (u32 i = 0; i < 6; i++)
        EXPECT_EQ(cpio_find(sample.bytes, sample.size_bytes, absent[i], &entry), CPIO_NOT_FOUND);
}

TEST(an_archive_cut_at_any_length_is_cut_short)
{
    struct cpio_sample sample;
    struct cpio_entry entry;
    u32 offsets[8];
    cpio_sample_make(&sample);
    u32 trailer = offsets[header_offsets(&sample, offsets) - 1];
    u32 needed = trailer + 110 + (u32)sizeof("TRAILER!!!");
    for (u64 size = 0; size < needed; size++) {
        EXPECT_EQ(walk(sample.bytes, size), CPIO_CUT_SHORT);
        EXPECT_EQ(cpio_find(sample.bytes, size, "absent", &entry), CPIO_CUT_SHORT);
    }
    EXPECT_EQ(walk(sample.bytes, needed), CPIO_END);
}

TEST(every_flipped_bit_of_a_header_is_an_error_or_a_right_entry)
{
    struct cpio_sample sample;
    cpio_sample_make(&sample);
    u32 errors = 0;
    for (u32 bit = 0; bit < sample.size_bytes * 8; bit++) {
        sample.bytes[bit / 8] ^= (u8)(1u << bit % 8);
        enum cpio_error error = walk(sample.bytes, sample.size_bytes);
        EXPECT_LT(error, CPIO_ERROR_COUNT);
        errors += error != CPIO_END;
        sample.bytes[bit / 8] ^= (u8)(1u << bit % 8);
    }
    EXPECT_LT(1000, errors); /* the magic alone gives 5 * 48; most digits become none */
}

TEST(every_field_of_any_wild_value_is_an_error_or_a_right_entry)
{
    struct cpio_sample sample;
    u32 offsets[8];
    cpio_sample_make(&sample);
    u32 count = header_offsets(&sample, offsets);
    EXPECT_EQ(count, 5);
    for (u32 header = 0; header < count; header++) {
        for (u32 field = 0; field < 13; field++) {
            for (u32 i = 0; i < WILD_VALUE_COUNT; i++) {
                cpio_sample_make(&sample);
                cpio_sample_put_hex(sample.bytes + offsets[header] + 6 + 8 * field,
                                    (u32)wild_value(i));
                EXPECT_LT(walk(sample.bytes, sample.size_bytes), CPIO_ERROR_COUNT);
            }
        }
    }
}

TEST(each_kind_of_damage_is_named)
{
    const struct {
        u32 offset;
        const char *text;
        enum cpio_error error;
    } cases[] = {
        {0, "070702", CPIO_BAD_MAGIC},    {0, "070707", CPIO_BAD_MAGIC},
        {6, "0000000g", CPIO_BAD_FIELD},  {102, "-0000000", CPIO_BAD_FIELD},
        {94, "00000000", CPIO_BAD_NAME},  {94, "00002001", CPIO_BAD_NAME},
        {94, "ffffffff", CPIO_BAD_NAME},  {94, "00000003", CPIO_BAD_NAME},
        {94, "00000030", CPIO_BAD_NAME},  {94, "00001fff", CPIO_CUT_SHORT},
        {54, "00000800", CPIO_CUT_SHORT}, {54, "ffffffff", CPIO_CUT_SHORT},
        {54, "00000004", CPIO_BAD_MAGIC},
    };
    for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cpio_sample sample;
        cpio_sample_make(&sample);
        memcpy(sample.bytes + cases[i].offset, cases[i].text, strlen(cases[i].text));
        EXPECT_STR_EQ(cpio_error_text(walk(sample.bytes, sample.size_bytes)),
                      cpio_error_text(cases[i].error));
    }
}

TEST(a_name_has_a_limit_and_nothing_behind_its_end)
{
    struct cpio_sample sample;
    char name[CPIO_NAME_MAX + 2];
    for (u32 length = CPIO_NAME_MAX; length <= CPIO_NAME_MAX + 1; length++) {
        memset(&sample, 0, sizeof(sample));
        memset(name, 'n', sizeof(name));
        name[length] = '\0';
        cpio_sample_add(&sample, name, CPIO_MODE_FILE, "x", 1, 4);
        cpio_sample_add(&sample, "TRAILER!!!", 0, "", 0, 4);
        EXPECT_EQ(walk(sample.bytes, sample.size_bytes),
                  length <= CPIO_NAME_MAX ? CPIO_END : CPIO_BAD_NAME);
    }
    cpio_sample_make(&sample);
    struct cpio_entry entry;
    REQUIRE(cpio_find(sample.bytes, sample.size_bytes, "manifest", &entry) == CPIO_OK);
    sample.bytes[entry.offset - 1] = 'x';
    EXPECT_EQ(walk(sample.bytes, sample.size_bytes), CPIO_BAD_NAME);
}

TEST(every_error_has_its_own_text)
{
    for (u32 i = 0; i < CPIO_ERROR_COUNT; i++) {
        for (u32 j = 0; j < i; j++)
            EXPECT(!string_equal(cpio_error_text((enum cpio_error)i),
                                 cpio_error_text((enum cpio_error)j)));
    }
    EXPECT_STR_EQ(cpio_error_text((enum cpio_error)999), "has an unknown error");
}
