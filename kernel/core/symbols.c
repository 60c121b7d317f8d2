/*
 * The table of symbols (written by tools/symbols.py), little-endian, all positions from its start:
 *
 *     header      magic, version, function count, file count, positions of files, lines and
 * strings, size functions   start (from the image's start), size, name, first byte of its lines;
 * sorted by start; one more entry ends the last one's lines files       position of the name in
 * strings lines       per function, rows as numbers of variable length (7 bits a byte, low first):
 *                     advance in bytes * 2 + 1 if the file changes; the file's index if so; change
 * of line (zigzag) strings     NUL-terminated names
 */
#include "core/symbols.h"

#define SYMBOLS_MAGIC   0x4d595346u /* "FSYM" */
#define SYMBOLS_VERSION 1u

struct symbols_header {
    u32 magic;
    u32 version;
    u32 function_count;
    u32 file_count;
    u32 files_at;
    u32 lines_at;
    u32 strings_at;
    u32 size_bytes;
};

struct symbols_function {
    u32 start;
    u32 size_bytes;
    u32 name;
    u32 lines;
};

/* A position in the rows of one function. */
struct line_reader {
    const u8 *at;
    const u8 *end;
    bool damaged;
};

/* The bounds of the table and of the image, from the linker script; absent (null) in the simulator.
 */
extern const u8 kernel_symbols_start[] __attribute__((weak, visibility("hidden")));
extern const u8 kernel_symbols_end[] __attribute__((weak, visibility("hidden")));
extern const u8 kernel_image_start[] __attribute__((weak, visibility("hidden")));

static bool header_is_sound(const struct symbols_header *header, size_t size)
{
    if (size < sizeof(*header) || header->magic != SYMBOLS_MAGIC ||
        header->version != SYMBOLS_VERSION || header->size_bytes > size)
        return false;
    u64 functions_end =
        sizeof(*header) + ((u64)header->function_count + 1) * sizeof(struct symbols_function);
    u64 files_end = header->files_at + (u64)header->file_count * sizeof(u32);
    return functions_end <= header->files_at && files_end <= header->lines_at &&
           header->lines_at <= header->strings_at && header->strings_at < header->size_bytes &&
           header->files_at % sizeof(u32) == 0 &&
           ((const char *)header)[header->size_bytes - 1] == '\0';
}

static const char *string_at(const struct symbols_header *header, u32 position)
{
    if (position >= header->size_bytes - header->strings_at)
        return "";
    return (const char *)header + header->strings_at + position;
}

static const char *file_name(const struct symbols_header *header, u64 index)
{
    if (index >= header->file_count)
        return "";
    const void *files = (const u8 *)header + header->files_at;
    return string_at(header, ((const u32 *)files)[index]);
}

static u64 read_number(struct line_reader *reader)
{
    u64 value = 0;
    for (u32 shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        u8 byte = *reader->at++;
        value |= (u64)(byte & 0x7fu) << shift;
        if (!(byte & 0x80u))
            return value;
    }
    reader->damaged = true;
    return 0;
}

static i64 read_signed(struct line_reader *reader)
{
    u64 value = read_number(reader);
    return (i64)(value >> 1) ^ -(i64)(value & 1);
}

/* Sets file and line of the last row at or before `offset` in the function. */
static void find_line(const struct symbols_header *header, const struct symbols_function *function,
                      struct symbol *out)
{
    u32 limit = header->strings_at - header->lines_at;
    if (function[0].lines > function[1].lines || function[1].lines > limit)
        return;
    const u8 *lines = (const u8 *)header + header->lines_at;
    struct line_reader reader = {lines + function[0].lines, lines + function[1].lines, false};
    u64 at = 0, file = 0;
    i64 line = 0;
    while (reader.at < reader.end) {
        u64 step = read_number(&reader);
        if (step & 1)
            file = read_number(&reader);
        line += read_signed(&reader);
        at += step >> 1;
        if (reader.damaged || at > out->offset)
            return;
        out->line = (u32)line;
        out->file = file_name(header, file);
    }
}

bool symbol_table_find(const void *table, size_t size, u64 offset, struct symbol *out)
{
    const struct symbols_header *header = table;
    if (!header_is_sound(header, size))
        return false;
    const void *after_header = header + 1;
    const struct symbols_function *functions = after_header;
    u32 low = 0, high = header->function_count; /* the first that starts beyond offset is in here */
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (functions[middle].start <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || offset - functions[low - 1].start >= functions[low - 1].size_bytes)
        return false;
    const struct symbols_function *function = &functions[low - 1];
    struct symbol found = {.name = string_at(header, function->name),
                           .file = "",
                           .offset = offset - function->start,
                           .line = 0};
    find_line(header, function, &found);
    *out = found;
    return true;
}

bool symbol_find(u64 offset, struct symbol *out)
{
    if (!kernel_symbols_start)
        return false;
    size_t size = (size_t)(kernel_symbols_end - kernel_symbols_start);
    return symbol_table_find(kernel_symbols_start, size, offset, out);
}

bool symbol_find_address(u64 address, struct symbol *out)
{
    /* SAFETY: the address is only compared with the image's start, never followed. */
    u64 start = (u64)(uintptr_t)kernel_image_start;
    return address >= start && symbol_find(address - start, out);
}
