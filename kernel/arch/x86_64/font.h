/* A 5 by 8 font for printable ASCII, drawn for this console. */
#ifndef X86_64_FONT_H
#define X86_64_FONT_H

#include "abi/types.h"

#define FONT_FIRST   0x20u
#define FONT_LAST    0x7eu
#define FONT_COLUMNS 5u
#define FONT_ROWS    8u /* the last is for what hangs below the line */

/* Rows from the top; bit 4 is the leftmost dot. */
extern const u8 font_glyphs[FONT_LAST - FONT_FIRST + 1][FONT_ROWS];

#endif
