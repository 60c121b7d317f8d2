/*
 * cpio: reads an archive in the "newc" format (magic 070701), as made by `cpio -o -H newc`.
 *
 * The archive is untrusted and only read; nothing is allocated, nothing is global. An entry's name
 * and data point into the archive and live as long as it does. A name may be padded with further
 * NULs (up to CPIO_NAME_FIELD_MAX bytes in all): a writer can so place the data of a file on a page
 * boundary, which lets executables be mapped straight from the archive.
 *
 *   +--------+------+-----+------+-----+--------+- - -+------------------+
 *   | header | name | 0-3 | data | 0-3 | header |     | TRAILER!!!       |
 *   +--------+------+-----+------+-----+--------+- - -+------------------+
 *   110 bytes; name and data are padded to multiples of four from the archive's start
 */
#ifndef LIB_CPIO_H
#define LIB_CPIO_H

#include "abi/status.h"
#include "abi/types.h"

#define CPIO_NAME_MAX       255u
#define CPIO_NAME_FIELD_MAX 8192u

/* File type bits of mode (POSIX). */
#define CPIO_MODE_TYPE      0170000u
#define CPIO_MODE_FILE      0100000u
#define CPIO_MODE_DIRECTORY 0040000u

enum cpio_error {
    CPIO_OK = 0,
    CPIO_END,
    CPIO_NOT_FOUND,
    CPIO_CUT_SHORT,
    CPIO_BAD_MAGIC,
    CPIO_BAD_FIELD,
    CPIO_BAD_NAME,
    CPIO_ERROR_COUNT
};

struct cpio_entry {
    const char *name; /* NUL-terminated, inside the archive */
    const u8 *data;
    u64 name_length; /* without the NUL; 1 to CPIO_NAME_MAX */
    u64 size_bytes;
    u64 offset; /* of data in the archive */
    u32 mode;
};

/* Reads the entry at *position (0: the first) and moves *position behind it. CPIO_END at the
 * trailer, with neither changed; any other error but CPIO_NOT_FOUND when the archive is damaged
 * there. An archive without a trailer is cut short. */
enum cpio_error cpio_next(const void *archive, u64 size_bytes, u64 *position,
                          struct cpio_entry *entry) MUST_USE;

/* The first regular file of that name (compared byte by byte). CPIO_NOT_FOUND, or the damage met
 * before it. */
enum cpio_error cpio_find(const void *archive, u64 size_bytes, const char *name,
                          struct cpio_entry *entry) MUST_USE;

/* A short text for people: "is cut short". */
const char *cpio_error_text(enum cpio_error error);

#endif
