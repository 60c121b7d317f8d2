/* The boot archive, by lib/cpio. */
#include "ferrous/archive.h"

#include "ferrous/calls.h"
#include "lib/cpio.h"

enum status archive_open(memory_t memory, struct archive *archive)
{
    struct cap_facts facts;
    u64 address = 0;
    enum status status = cap_inspect(memory.cap, &facts);

    if (status != STATUS_OK)
        return status;
    status = memory_map(memory, 0, facts.range_length, MAP_READ, &address);
    if (status != STATUS_OK)
        return status;
    archive->memory = memory;
    archive->data = (const void *)(uintptr_t)address;
    archive->size_bytes = facts.range_length;
    return STATUS_OK;
}

enum status archive_find(const struct archive *archive, const char *name,
                         struct process_image *image)
{
    struct cpio_entry entry;
    enum cpio_error error = cpio_find(archive->data, archive->size_bytes, name, &entry);

    if (error == CPIO_NOT_FOUND)
        return STATUS_NOT_FOUND;
    if (error != CPIO_OK)
        return STATUS_BAD_ARGUMENT;
    image->memory = archive->memory;
    image->offset = entry.offset;
    image->data = entry.data;
    image->size_bytes = entry.size_bytes;
    image->plan = NULL;
    return STATUS_OK;
}

const char *archive_name(const struct archive *archive, u32 index)
{
    struct cpio_entry entry;
    u64 position = 0;

    while (cpio_next(archive->data, archive->size_bytes, &position, &entry) == CPIO_OK) {
        if ((entry.mode & CPIO_MODE_TYPE) == CPIO_MODE_FILE && index-- == 0)
            return entry.name;
    }
    return NULL;
}
