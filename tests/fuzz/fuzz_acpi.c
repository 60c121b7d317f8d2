/*
 * Any bytes as firmware tables: an error that names a table, or a machine that keeps its promises.
 * Read once as they are and once with checksums corrected, since chance rarely makes a right one.
 */
#include "tests/fuzz/acpi_sample.h"
#include "tests/fuzz/seeds.h"

static struct boot_info info;
static struct acpi_result result;

static void read_tables(const u8 *bytes, size_t size)
{
    struct acpi_blob blob = {bytes, size};
    struct acpi_memory memory = {acpi_blob_view, &blob};
    memset(&info, 0xee, sizeof(info));
    if (acpi_read(&memory, ACPI_SAMPLE_BASE, ACPI_SAMPLE_BOOT_CPU, &info, &result) != ACPI_OK) {
        fuzz_require(strlen(result.table) == 4, "an error without a table's name");
        return;
    }
    const char *fault = acpi_machine_fault(&info, &result);
    fuzz_require(fault == NULL, fault);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    read_tables(data, size);
    u8 *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, data, size);
    acpi_repair(copy, size);
    read_tables(copy, size);
    free(copy);
    return 0;
}

static void write_seeds(const char *folder)
{
    struct acpi_sample sample;
    acpi_sample_make(&sample, 2);
    seed_write(folder, "by_xsdt", sample.bytes, sample.size_bytes);
    acpi_sample_make(&sample, 0);
    seed_write(folder, "by_rsdt", sample.bytes, sample.size_bytes);
}

SEEDS_WRITTEN_BY(write_seeds)
