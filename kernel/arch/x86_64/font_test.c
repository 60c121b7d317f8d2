#include "font.c"

#include "unit.h"

#define GLYPHS (FONT_LAST - FONT_FIRST + 1)

TEST(every_glyph_fits_its_columns)
{
    for (u32 i = 0; i < GLYPHS; i++)
        for (u32 row = 0; row < FONT_ROWS; row++)
            EXPECT_LT(font_row(i, row), 1u << FONT_COLUMNS);
}

TEST(no_two_glyphs_look_alike)
{
    for (u32 i = 0; i < GLYPHS; i++)
        for (u32 j = 0; j < i; j++)
            EXPECT(font_glyphs[i] != font_glyphs[j]);
}
