/* The boot archive: a cpio archive in a memory object, mapped read-only into this program. */
#ifndef FERROUS_ARCHIVE_H
#define FERROUS_ARCHIVE_H

#include "ferrous/process.h"

struct archive {
    memory_t memory; /* borrowed */
    const void *data;
    u64 size_bytes;
};

/* Maps all of `memory` (needs READ; EXECUTE too where programs are started from it). Stays mapped.
 */
enum status archive_open(memory_t memory, struct archive *archive) MUST_USE;

/* The file of that name; NOT_FOUND, or BAD_ARGUMENT where the archive is damaged before it. */
enum status archive_find(const struct archive *archive, const char *name,
                         struct process_image *image) MUST_USE;

/* The n-th file's name, valid as long as the archive; NULL past the last. */
const char *archive_name(const struct archive *archive, u32 index);

#endif
