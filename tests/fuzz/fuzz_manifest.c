/* The manifest's parser, given anything. What it accepts must keep its own bounds. */
#include "services/supervisor/manifest.h"

#include <stdlib.h>

#include "lib/string.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_entry(const struct manifest *manifest, const struct manifest_entry *entry)
{
    if (entry->cap_count > MANIFEST_MAX_CAPS || entry->argument_count > MANIFEST_MAX_ARGUMENTS ||
        string_length_bounded(entry->name, MANIFEST_NAME_SIZE) == MANIFEST_NAME_SIZE ||
        string_length_bounded(entry->file, MANIFEST_NAME_SIZE) == MANIFEST_NAME_SIZE ||
        entry->name[0] == '\0' || entry->weight > 10000)
        abort();
    for (u32 i = 0; i < entry->cap_count; i++) {
        const struct manifest_cap *cap = &entry->caps[i];

        if (string_length_bounded(cap->name, MANIFEST_NAME_SIZE) == MANIFEST_NAME_SIZE ||
            (cap->kind == MANIFEST_ENDPOINT && cap->first >= manifest->endpoint_count) ||
            (cap->kind == MANIFEST_PORTS && cap->first + cap->count > 0x10000))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct manifest manifest;
    struct manifest_error error = {0};
    enum status status = manifest_parse((const char *)data, size, &manifest, &error);

    if (status != STATUS_OK) {
        if (error.line == 0 ||
            string_length_bounded(error.text, MANIFEST_ERROR_SIZE) == MANIFEST_ERROR_SIZE)
            abort();
        return 0;
    }
    if (manifest.entry_count > MANIFEST_MAX_ENTRIES ||
        manifest.endpoint_count > MANIFEST_MAX_ENDPOINTS)
        abort();
    for (u32 i = 0; i < manifest.entry_count; i++)
        check_entry(&manifest, &manifest.entries[i]);
    return 0;
}
