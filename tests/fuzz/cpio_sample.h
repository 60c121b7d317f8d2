/*
 * A small valid archive, and what must hold of every archive that is read. Shared by
 * lib/cpio_test.c and fuzz_cpio.c. Entries: a folder, a file, a file whose name is padded so that
 * its data lies at 512, an empty file, the trailer.
 */
#ifndef FUZZ_CPIO_SAMPLE_H
#define FUZZ_CPIO_SAMPLE_H

#include "lib/checked_math.h"
#include "lib/cpio.h"
#include "lib/string.h"

#define CPIO_SAMPLE_LIMIT   2048u
#define CPIO_SAMPLE_ALIGNED 512u

struct cpio_sample {
    u32 size_bytes;
    u8 bytes[CPIO_SAMPLE_LIMIT];
};

static inline void cpio_sample_put_hex(u8 *at, u32 value)
{
    static const char digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                    '8', '9', 'a', 'b', 'c', 'D', 'E', 'F'};
    for (u32 i = 0; i < 8; i++)
        at[i] = (u8)digits[value >> (28 - 4 * i) & 15];
}

/* Adds an entry whose data starts at a multiple of `alignment` (a multiple of 4). */
static inline void cpio_sample_add(struct cpio_sample *sample, const char *name, u32 mode,
                                   const void *data, u32 size_bytes, u32 alignment)
{
    u8 *header = sample->bytes + sample->size_bytes;
    u32 name_at = sample->size_bytes + 110;
    u32 data_at = (u32)align_up(name_at + strlen(name) + 1, alignment);
    u32 name_bytes = alignment == 4 ? (u32)strlen(name) + 1 : data_at - name_at;
    memcpy(header, "070701", 6);
    const u32 fields[13] = {1, mode, 0, 0, 1, 0, size_bytes, 0, 0, 0, 0, name_bytes, 0};
    for (u32 i = 0; i < 13; i++)
        cpio_sample_put_hex(header + 6 + 8 * i, fields[i]);
    memcpy(sample->bytes + name_at, name, strlen(name));
    memcpy(sample->bytes + data_at, data, size_bytes);
    sample->size_bytes = (u32)align_up(data_at + size_bytes, 4);
}

static inline void cpio_sample_make(struct cpio_sample *sample)
{
    memset(sample, 0, sizeof(*sample));
    cpio_sample_add(sample, "bin", CPIO_MODE_DIRECTORY | 0755, "", 0, 4);
    cpio_sample_add(sample, "bin/shell", CPIO_MODE_FILE | 0755, "seven b", 7, 4);
    cpio_sample_add(sample, "manifest", CPIO_MODE_FILE | 0644, "service shell\n", 14,
                    CPIO_SAMPLE_ALIGNED);
    cpio_sample_add(sample, "empty", CPIO_MODE_FILE | 0644, "", 0, 4);
    cpio_sample_add(sample, "TRAILER!!!", 0, "", 0, 4);
}

/* What is wrong with an entry that cpio_next has delivered; NULL: nothing. */
static inline const char *cpio_entry_fault(const void *archive, u64 size_bytes,
                                           const struct cpio_entry *entry)
{
    const u8 *name = (const u8 *)entry->name, *start = archive;
    if (entry->name_length == 0 || entry->name_length > CPIO_NAME_MAX)
        return "length of a name";
    if (name < start || !range_fits((u64)(name - start), entry->name_length + 1, size_bytes))
        return "a name beyond the archive";
    if (string_length_bounded(entry->name, entry->name_length + 1) != entry->name_length)
        return "end of a name";
    if (!range_fits(entry->offset, entry->size_bytes, size_bytes))
        return "data beyond the archive";
    if (entry->data != start + entry->offset || !is_aligned(entry->offset, 4))
        return "place of data";
    return NULL;
}

/* Walks the whole archive; NULL: entries are right, positions only grow. *error: how it ended. */
static inline const char *cpio_archive_fault(const void *archive, u64 size_bytes,
                                             enum cpio_error *error)
{
    struct cpio_entry entry;
    u64 position = 0;
    for (;;) {
        u64 before = position;
        *error = cpio_next(archive, size_bytes, &position, &entry);
        if (*error != CPIO_OK)
            return position == before ? NULL : "position moved by an error";
        if (position < before + 110 || position > size_bytes)
            return "position after an entry";
        const char *fault = cpio_entry_fault(archive, size_bytes, &entry);
        if (fault != NULL)
            return fault;
    }
}

#endif
