/* A 5 by 8 font for printable ASCII, drawn for this console. */
#ifndef X86_64_FONT_H
#define X86_64_FONT_H

#include "abi/types.h"

#define FONT_FIRST   0x20u
#define FONT_LAST    0x7eu
#define FONT_COLUMNS 5u
#define FONT_ROWS    8u /* the last is for what hangs below the line */

/* A byte for each row, the top one in the highest; bit 4 of it is the leftmost dot. */
extern const u64 font_glyphs[FONT_LAST - FONT_FIRST + 1];

static inline u8 font_row(u32 glyph, u32 row)
{
    return (u8)(font_glyphs[glyph] >> (FONT_ROWS - 1 - row) * 8);
}

#endif
