/* Any bytes as an archive: entries that lie inside, then an end or an error. */
#include "tests/fuzz/cpio_sample.h"
#include "tests/fuzz/seeds.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    enum cpio_error error;
    struct cpio_entry entry;
    const char *fault = cpio_archive_fault(data, size, &error);
    fuzz_require(fault == NULL, fault);
    if (cpio_find(data, size, "manifest", &entry) == CPIO_OK) {
        fault = cpio_entry_fault(data, size, &entry);
        fuzz_require(fault == NULL, fault);
        fuzz_require(string_equal(entry.name, "manifest"), "name of what was found");
    }
    return 0;
}

static void write_seeds(const char *folder)
{
    struct cpio_sample sample;
    cpio_sample_make(&sample);
    seed_write(folder, "four_entries", sample.bytes, sample.size_bytes);
}

SEEDS_WRITTEN_BY(write_seeds)
