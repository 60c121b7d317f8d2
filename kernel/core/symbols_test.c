/* The reader of the table of symbols, with a small table made by hand and damaged in every way. */
#include "core/symbols.h"
#include "unit.h"

#include <string.h>

/* Two functions, two files: `first` at 0x10 (8 bytes, lines 5 and 7), `second` at 0x20 (4 bytes,
 * line 300). */
static const struct {
    u32 header[8];
    u32 functions[3][4];
    u32 files[2];
    u8 rows[9];
    char texts[27];
} sample = {
    .header = {0x4d595346u, 1, 2, 2, 80, 88, 97, 124},
    .functions = {{0x10, 8, 0, 0}, {0x20, 4, 6, 5}, {0x30, 0, 0, 9}},
    .files = {13, 20},
    .rows = {1, 0, 10, 8, 4, /* second */ 1, 1, 0xd8, 4},
    .texts = "first\0second\0core.c\0io.c",
};
_Static_assert(sizeof(sample) == 124, "the positions in the header");

static void make_table(u8 *table)
{
    memcpy(table, &sample, sizeof(sample));
}

static bool find(const u8 *table, u64 offset, struct symbol *out)
{
    return symbol_table_find(table, 124, offset, out);
}

TEST(an_offset_is_given_its_function_file_and_line)
{
    _Alignas(8) u8 table[124];
    make_table(table);
    struct symbol symbol;
    REQUIRE(find(table, 0x10, &symbol));
    EXPECT_STR_EQ(symbol.name, "first");
    EXPECT_STR_EQ(symbol.file, "core.c");
    EXPECT_EQ(symbol.line, 5);
    EXPECT_EQ(symbol.offset, 0);
    REQUIRE(find(table, 0x13, &symbol));
    EXPECT_EQ(symbol.line, 5);
    REQUIRE(find(table, 0x14, &symbol));
    EXPECT_EQ(symbol.line, 7);
    EXPECT_EQ(symbol.offset, 4);
    REQUIRE(find(table, 0x23, &symbol));
    EXPECT_STR_EQ(symbol.name, "second");
    EXPECT_STR_EQ(symbol.file, "io.c");
    EXPECT_EQ(symbol.line, 300);
}

TEST(gaps_and_what_lies_outside_are_not_found)
{
    _Alignas(8) u8 table[124];
    make_table(table);
    struct symbol symbol = {.line = 77};
    EXPECT(!find(table, 0, &symbol));
    EXPECT(!find(table, 0xf, &symbol));
    EXPECT(!find(table, 0x18, &symbol));
    EXPECT(!find(table, 0x24, &symbol));
    EXPECT(!find(table, ~0ull, &symbol));
    EXPECT_EQ(symbol.line, 77);
}

TEST(a_table_cut_short_is_refused)
{
    _Alignas(8) u8 table[124];
    make_table(table);
    struct symbol symbol;
    for (size_t size = 0; size < 124; size++)
        EXPECT(!symbol_table_find(table, size, 0x10, &symbol));
    EXPECT(symbol_table_find(table, 124, 0x10, &symbol));
}

TEST(a_damaged_table_is_never_read_outside)
{
    struct symbol symbol;
    u64 found = 0;
    for (u32 byte = 0; byte < 124; byte++) {
        for (u32 bit = 0; bit < 8; bit++) {
            _Alignas(8) u8 table[124];
            make_table(table);
            table[byte] ^= (u8)(1u << bit);
            for (u64 offset = 0; offset < 0x40; offset++) {
                if (find(table, offset, &symbol))
                    found += strlen(symbol.name) + strlen(symbol.file) < 124;
            }
        }
    }
    EXPECT_LT(0, found);
}

TEST(the_host_has_no_table)
{
    struct symbol symbol;
    EXPECT(!symbol_find(0x10, &symbol));
    EXPECT(!symbol_find_address(0x10, &symbol));
}
