/*
 * The grid of characters is kept in memory, so that scrolling reads no pixels and draws only cells
 * that change. It scrolls by a quarter of the screen at a time, which makes the cost of a line
 * small.
 *
 * SAFETY (this file): pixels are written through the mapping that framebuffer_map makes; the grid
 * is cut to its size there.
 */
#include "framebuffer.h"

#include "font.h"
#include "lib/string.h"
#include "options.h"
#include "paging.h"

#define CELL_WIDTH      8u
#define CELL_HEIGHT     16u
#define GLYPH_LEFT      1u
#define MAX_COLUMNS     160u
#define MAX_ROWS        64u
#define COLOUR_INK      0x00d0d0d0u /* grey: the same in either order of red and blue */
#define COLOUR_PAPER    0x00000000u
#define BYTES_PER_PIXEL 4u

static volatile u32 *pixels; /* NULL: not mapped */
static bool enabled;
static u32 stride;
static u32 columns, rows;
static u32 column, row;
static char cells[MAX_ROWS][MAX_COLUMNS];

static bool is_usable(const struct boot_framebuffer *fb)
{
    return fb->format != BOOT_PIXEL_NONE && fb->width >= CELL_WIDTH && fb->height >= CELL_HEIGHT &&
           fb->stride_pixels >= fb->width &&
           fb->size_bytes >= (u64)fb->stride_pixels * fb->height * BYTES_PER_PIXEL;
}

void framebuffer_init(const struct boot_info *boot)
{
    const struct boot_framebuffer *fb = &boot->framebuffer;
    if (!is_usable(fb) || command_line_has(boot->command_line, "fb=off"))
        return;
    stride = fb->stride_pixels;
    columns = fb->width / CELL_WIDTH;
    rows = fb->height / CELL_HEIGHT;
    if (columns > MAX_COLUMNS)
        columns = MAX_COLUMNS;
    if (rows > MAX_ROWS)
        rows = MAX_ROWS;
    memset(cells, ' ', sizeof(cells));
    enabled = true;
}

/* Each dot of the font is one pixel wide and two high. */
static void draw_cell(u32 x, u32 y)
{
    u32 glyph = (u8)cells[y][x] - FONT_FIRST;
    volatile u32 *corner = pixels + (u64)y * CELL_HEIGHT * stride + x * CELL_WIDTH;
    for (u32 line = 0; line < CELL_HEIGHT; line++) {
        u32 dots = (u32)font_row(glyph, line * FONT_ROWS / CELL_HEIGHT)
                   << (CELL_WIDTH - FONT_COLUMNS - GLYPH_LEFT);
        for (u32 dot = 0; dot < CELL_WIDTH; dot++)
            corner[dot] = dots >> (CELL_WIDTH - 1 - dot) & 1u ? COLOUR_INK : COLOUR_PAPER;
        corner += stride;
    }
}

static void put_cell(u32 x, u32 y, char c)
{
    if (cells[y][x] == c)
        return;
    cells[y][x] = c;
    if (pixels)
        draw_cell(x, y);
}

void framebuffer_map(const struct boot_info *boot)
{
    if (!enabled)
        return;
    const struct boot_framebuffer *fb = &boot->framebuffer;
    u64 size = (u64)fb->stride_pixels * fb->height * BYTES_PER_PIXEL;
    volatile u32 *mapped = paging_map_physical(fb->address, size, MAPPING_COMBINING);
    pixels = mapped;
}

static void draw_all(void)
{
    for (u32 y = 0; y < rows; y++)
        for (u32 x = 0; x < columns; x++)
            draw_cell(x, y);
}

static void scroll(void)
{
    u32 lines = rows / 4 ? rows / 4 : 1;
    for (u32 y = 0; y < rows; y++)
        for (u32 x = 0; x < columns; x++)
            put_cell(x, y, y + lines < rows ? cells[y + lines][x] : ' ');
    row = rows - lines;
}

static void new_line(void)
{
    column = 0;
    if (++row == rows)
        scroll();
}

static void put_character(char c)
{
    if (c == '\n') {
        new_line();
        return;
    }
    if (column == columns)
        new_line();
    if ((u8)c < FONT_FIRST || (u8)c > FONT_LAST)
        c = '?';
    put_cell(column++, row, c);
}

void framebuffer_write(const char *text, size_t length)
{
    static bool drawn;
    if (!enabled)
        return;
    if (pixels && !drawn) {
        drawn = true;
        draw_all();
    }
    for (size_t i = 0; i < length; i++)
        put_character(text[i]);
}
