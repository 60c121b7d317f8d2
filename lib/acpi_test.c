/* ACPI tables: a good set gives its machine, and no damage passes unseen or makes a wild access. */
#include "lib/acpi.h"

#include "tests/fuzz/acpi_sample.h"
#include "unit.h"

#include <stdlib.h>

static struct boot_info info;
static struct acpi_result result;

/* Reads a copy of exactly `size` bytes, so that a sanitizer sees any read past the end. */
static enum acpi_error read_blob(const u8 *bytes, u64 size)
{
    u8 *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, bytes, size);
    struct acpi_blob blob = {copy, size};
    struct acpi_memory memory = {acpi_blob_view, &blob};
    memset(&info, 0xee, sizeof(info));
    memset(&result, 0xee, sizeof(result));
    enum acpi_error error =
        acpi_read(&memory, ACPI_SAMPLE_BASE, ACPI_SAMPLE_BOOT_CPU, &info, &result);
    free(copy);
    return error;
}

static enum acpi_error read_sample(const struct acpi_sample *sample)
{
    return read_blob(sample->bytes, sample->size_bytes);
}

static void expect_error_or_sane(const struct acpi_sample *sample)
{
    enum acpi_error error = read_sample(sample);
    if (error != ACPI_OK) {
        EXPECT_LT(error, ACPI_ERROR_COUNT);
        EXPECT_EQ(strlen(result.table), 4);
        return;
    }
    const char *fault = acpi_machine_fault(&info, &result);
    EXPECT_STR_EQ(fault == NULL ? "" : fault, "");
}

/* Replaces a field of the n-th table (of `sample->tables`) and corrects the checksums. */
static enum acpi_error damaged(u32 table, u32 offset, u32 width, u64 value)
{
    struct acpi_sample sample;
    acpi_sample_make(&sample, 2);
    put_field(sample.bytes + sample.tables[table] + offset, width, value);
    acpi_repair(sample.bytes, sample.size_bytes);
    return read_sample(&sample);
}

static void expect_sample_machine(void)
{
    EXPECT_EQ(info.rsdp, ACPI_SAMPLE_BASE);
    EXPECT_EQ(info.local_apic, 0xfee01000);
    EXPECT_EQ(info.hpet, 0xfed00000);
    EXPECT_EQ(info.acpi_pm1a_control, 0x604);
    EXPECT(info.flags & BOOT_FLAG_LEGACY_PIC);

    const struct boot_cpu cpus[3] = {
        {2, 18, 0, BOOT_CPU_ENABLED},
        {0, 16, 1, BOOT_CPU_ENABLED},
        {300, 77, 1, BOOT_CPU_ENABLED | BOOT_CPU_X2APIC},
    };
    EXPECT_EQ(info.cpu_count, 3);
    EXPECT_MEM_EQ(info.cpus, cpus, sizeof(cpus));

    EXPECT_EQ(info.node_count, 2);
    EXPECT_EQ(info.node_distance[0][0], 10);
    EXPECT_EQ(info.node_distance[0][1], 21);
    EXPECT_EQ(info.node_distance[1][0], 25);
    EXPECT_EQ(result.affinity_count, 2);
    EXPECT_EQ(result.affinities[0].start, 0);
    EXPECT_EQ(result.affinities[0].end, 0x40000000);
    EXPECT_EQ(result.affinities[0].node, 0);
    EXPECT_EQ(result.affinities[1].end, 0x80000000);
    EXPECT_EQ(result.affinities[1].node, 1);

    EXPECT_EQ(info.ioapic_count, 1);
    EXPECT_EQ(info.ioapics[0].address, 0xfec00000);
    EXPECT_EQ(info.ioapics[0].id, 9);
    EXPECT_EQ(info.ioapics[0].gsi_base, 24);
    EXPECT_EQ(info.irq_override_count, 1);
    EXPECT_EQ(info.irq_overrides[0].irq, 0);
    EXPECT_EQ(info.irq_overrides[0].gsi, 2);
    EXPECT_EQ(info.irq_overrides[0].flags, 0xd);
    EXPECT_EQ(info.ecam_count, 1);
    EXPECT_EQ(info.ecams[0].address, 0xb0000000);
    EXPECT_EQ(info.ecams[0].bus_last, 255);
    EXPECT_EQ(info.iommu_count, 1);
    EXPECT_EQ(info.iommus[0].address, 0xfed90000);
    EXPECT_EQ(info.iommus[0].segment, 3);
    EXPECT_EQ(info.iommus[0].flags, 1);
    EXPECT_EQ(result.ignored_cpus, 0);
    EXPECT_EQ(result.ignored_entries, 0);
}

TEST(tables_by_xsdt_give_the_machine)
{
    struct acpi_sample sample;
    acpi_sample_make(&sample, 2);
    REQUIRE(read_sample(&sample) == ACPI_OK);
    expect_sample_machine();
}

TEST(tables_by_rsdt_give_the_same_machine)
{
    struct acpi_sample sample;
    acpi_sample_make(&sample, 0);
    REQUIRE(read_sample(&sample) == ACPI_OK);
    expect_sample_machine();
}

TEST(without_optional_tables_there_is_one_node_and_no_device)
{
    struct acpi_sample sample;
    acpi_sample_start(&sample);
    acpi_sample_madt(&sample);
    acpi_sample_root(&sample, 2, 1);
    REQUIRE(read_sample(&sample) == ACPI_OK);
    EXPECT_EQ(info.cpu_count, 3);
    EXPECT_EQ(info.node_count, 1);
    EXPECT_EQ(info.cpus[2].node, 0);
    EXPECT_EQ(info.node_distance[0][0], 10);
    EXPECT_EQ(info.node_distance[0][1], 20);
    EXPECT_EQ(info.hpet, 0);
    EXPECT_EQ(info.ecam_count + info.iommu_count + info.acpi_pm1a_control, 0);
}

TEST(no_rsdp_and_no_madt_are_errors)
{
    struct acpi_sample sample;
    struct acpi_blob blob = {sample.bytes, 0};
    struct acpi_memory memory = {acpi_blob_view, &blob};
    EXPECT_EQ(acpi_read(&memory, 0, 0, &info, &result), ACPI_NO_RSDP);
    EXPECT_STR_EQ(result.table, "RSDP");
    EXPECT_EQ(acpi_read(&memory, UINT64_MAX - 3, 0, &info, &result), ACPI_BAD_ADDRESS);

    acpi_sample_start(&sample);
    acpi_sample_root(&sample, 2, 0);
    EXPECT_EQ(read_sample(&sample), ACPI_NO_TABLE);
    EXPECT_STR_EQ(result.table, "APIC");
}

TEST(memory_cut_at_any_length_is_an_error)
{
    struct acpi_sample sample;
    for (u8 revision = 0; revision <= 2; revision += 2) {
        acpi_sample_make(&sample, revision);
        for (u64 size = 0; size < sample.size_bytes; size++)
            EXPECT_NE(read_blob(sample.bytes, size), ACPI_OK);
    }
}

/* A bit flipped in a table that is read is seen by its checksum; in the signature of a table that
 * may be missing, it hides the table. */
TEST(every_flipped_bit_is_noticed)
{
    struct acpi_sample sample;
    acpi_sample_make(&sample, 2);
    for (u32 bit = 0; bit < sample.size_bytes * 8; bit++) {
        bool optional_signature = false;
        for (u32 i = 1; i < ACPI_SAMPLE_TABLES; i++)
            optional_signature |= bit / 8 >= sample.tables[i] && bit / 8 < sample.tables[i] + 4;
        sample.bytes[bit / 8] ^= (u8)(1u << bit % 8);
        if (optional_signature)
            expect_error_or_sane(&sample);
        else
            EXPECT_NE(read_sample(&sample), ACPI_OK);
        sample.bytes[bit / 8] ^= (u8)(1u << bit % 8);
    }
}

TEST(every_flipped_bit_under_a_right_checksum_is_an_error_or_a_sane_machine)
{
    struct acpi_sample sample;
    for (u8 revision = 0; revision <= 2; revision += 2) {
        acpi_sample_make(&sample, revision);
        for (u32 bit = 0; bit < sample.size_bytes * 8; bit++) {
            acpi_sample_make(&sample, revision);
            sample.bytes[bit / 8] ^= (u8)(1u << bit % 8);
            acpi_repair(sample.bytes, sample.size_bytes);
            expect_error_or_sane(&sample);
        }
    }
}

TEST(every_field_of_any_wild_value_is_an_error_or_a_sane_machine)
{
    struct acpi_sample sample;
    acpi_sample_make(&sample, 2);
    u32 size = sample.size_bytes;
    for (u32 width = 1; width <= 8; width *= 2) {
        for (u32 at = 0; at + width <= size; at += width < 4 ? width : 2) {
            for (u32 i = 0; i < WILD_VALUE_COUNT; i++) {
                acpi_sample_make(&sample, 2);
                put_field(sample.bytes + at, width, wild_value(i));
                acpi_repair(sample.bytes, size);
                expect_error_or_sane(&sample);
            }
        }
    }
}

TEST(each_kind_of_damage_is_named)
{
    const struct {
        u32 table;
        u32 offset;
        u32 width;
        u64 value;
        enum acpi_error error;
    } cases[] = {
        {0, 0, 4, 0x20202020, ACPI_NO_TABLE},
        {0, 4, 4, 35, ACPI_BAD_LENGTH},
        {0, 4, 4, 40, ACPI_BAD_LENGTH},
        {0, 4, 4, 45, ACPI_BAD_ENTRY},
        {0, 4, 4, 51, ACPI_BAD_ENTRY},
        {0, 4, 4, 44, ACPI_NO_BOOT_CPU},
        {0, 4, 4, ACPI_MAX_TABLE + 1, ACPI_BAD_LENGTH},
        {0, 4, 4, UINT32_MAX, ACPI_BAD_LENGTH},
        {0, 45, 1, 0, ACPI_BAD_ENTRY},
        {0, 45, 1, 1, ACPI_BAD_ENTRY},
        {0, 45, 1, 7, ACPI_BAD_ENTRY},
        {0, 45, 1, 255, ACPI_BAD_ENTRY},
        {0, 64, 4, 0, ACPI_OK}, /* APIC 2 as x2APIC is still there */
        {1, 4, 4, 47, ACPI_BAD_LENGTH},
        {1, 49, 1, 15, ACPI_BAD_ENTRY},
        {1, 48 + 16 + 16 + 24 + 8, 8, UINT64_MAX - 5, ACPI_BAD_VALUE},
        {1, 48 + 16 + 16 + 24 + 8, 8, 0x3ffff000, ACPI_BAD_VALUE},
        {2, 36, 8, 5, ACPI_BAD_LENGTH},
        {2, 36, 8, 0x100000006ull, ACPI_BAD_LENGTH},
        {2, 36, 8, UINT64_MAX, ACPI_BAD_LENGTH},
        {2, 44 + 6 + 5, 1, 9, ACPI_BAD_VALUE},
        {2, 44 + 6 + 1, 1, 11, ACPI_BAD_VALUE},
        {3, 4, 4, 115, ACPI_BAD_LENGTH},
        {3, 64, 4, 0x10000, ACPI_BAD_VALUE},
        {4, 4, 4, 55, ACPI_BAD_LENGTH},
        {4, 40, 1, 1, ACPI_BAD_VALUE},
        {4, 44, 8, 0, ACPI_BAD_VALUE},
        {4, 44, 8, 0xfed00001, ACPI_BAD_VALUE},
        {5, 4, 4, 43, ACPI_BAD_LENGTH},
        {5, 4, 4, 59, ACPI_BAD_LENGTH},
        {5, 44, 8, 0, ACPI_BAD_VALUE},
        {5, 44, 8, 0xfffffffffff00000ull, ACPI_BAD_VALUE},
        {5, 54, 2, 0x0001, ACPI_BAD_VALUE},
        {6, 4, 4, 47, ACPI_BAD_LENGTH},
        {6, 4, 4, 50, ACPI_BAD_ENTRY},
        {6, 50, 2, 3, ACPI_BAD_ENTRY},
        {6, 50, 2, 8, ACPI_BAD_ENTRY},
        {6, 50, 2, 200, ACPI_BAD_ENTRY},
        {6, 56, 8, 0, ACPI_BAD_VALUE},
    };
    for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum acpi_error error =
            damaged(cases[i].table, cases[i].offset, cases[i].width, cases[i].value);
        if (!EXPECT_STR_EQ(acpi_error_text(error), acpi_error_text(cases[i].error)))
            EXPECT_EQ(i, UINT32_MAX);
    }
}

TEST(a_wrong_checksum_names_its_table)
{
    static const char *const names[] = {"APIC", "SRAT", "SLIT", "FACP", "HPET", "MCFG", "DMAR"};
    struct acpi_sample sample;
    for (u32 i = 0; i < ACPI_SAMPLE_TABLES; i++) {
        acpi_sample_make(&sample, 2);
        sample.bytes[sample.tables[i] + 30]++;
        EXPECT_EQ(read_sample(&sample), ACPI_BAD_CHECKSUM);
        EXPECT_STR_EQ(result.table, names[i]);
    }
    acpi_sample_make(&sample, 2);
    sample.bytes[sample.root + 30]++;
    EXPECT_EQ(read_sample(&sample), ACPI_BAD_CHECKSUM);
    EXPECT_STR_EQ(result.table, "XSDT");
    acpi_sample_make(&sample, 2);
    sample.bytes[10]++;
    EXPECT_EQ(read_sample(&sample), ACPI_BAD_CHECKSUM);
    EXPECT_STR_EQ(result.table, "RSDP");
}

TEST(processors_beyond_the_limit_are_counted_and_the_boot_processor_is_kept)
{
    struct acpi_sample sample;
    acpi_sample_start(&sample);
    sample.tables[0] = acpi_sample_open(&sample, "APIC", 5);
    acpi_add(&sample, 4, 0xfee00000);
    acpi_add(&sample, 4, 0);
    for (u8 id = 0; id < BOOT_MAX_CPUS + 6; id++)
        acpi_sample_local_apic(&sample, (u8)(id + 10), 1);
    acpi_sample_local_apic(&sample, ACPI_SAMPLE_BOOT_CPU, 1);
    acpi_sample_close(&sample, sample.tables[0]);
    acpi_sample_root(&sample, 2, 1);
    REQUIRE(read_sample(&sample) == ACPI_OK);
    EXPECT_EQ(info.cpu_count, BOOT_MAX_CPUS);
    EXPECT_EQ(info.cpus[0].apic_id, ACPI_SAMPLE_BOOT_CPU);
    EXPECT_EQ(info.cpus[1].apic_id, 10);
    EXPECT_EQ(result.ignored_cpus, 7);
    EXPECT(!(info.flags & BOOT_FLAG_LEGACY_PIC));
}

TEST(more_domains_than_nodes_are_an_error)
{
    struct acpi_sample sample;
    for (u32 count = BOOT_MAX_NODES; count <= BOOT_MAX_NODES + 1; count++) {
        acpi_sample_start(&sample);
        acpi_sample_madt(&sample);
        sample.tables[1] = acpi_sample_open(&sample, "SRAT", 3);
        acpi_add(&sample, 4, 1);
        acpi_add(&sample, 8, 0);
        for (u32 i = 0; i < count; i++)
            acpi_sample_srat_memory(&sample, 1000 - i, i * 0x100000, 0x100000, 1);
        acpi_sample_close(&sample, sample.tables[1]);
        acpi_sample_root(&sample, 2, 2);
        EXPECT_EQ(read_sample(&sample), count <= BOOT_MAX_NODES ? ACPI_OK : ACPI_TOO_MANY);
        if (count <= BOOT_MAX_NODES) {
            EXPECT_EQ(info.node_count, count);
            EXPECT_EQ(result.affinities[0].node, BOOT_MAX_NODES - 1);
            EXPECT_EQ(result.affinities[count - 1].node, 0);
        }
    }
}

TEST(old_srat_domains_have_eight_bits)
{
    struct acpi_sample sample;
    acpi_sample_make(&sample, 2);
    u8 *srat = sample.bytes + sample.tables[1];
    srat[8] = 1;
    put_field(srat + 48 + 9, 3, 0xabcdef); /* reserved in that revision */
    acpi_repair(sample.bytes, sample.size_bytes);
    REQUIRE(read_sample(&sample) == ACPI_OK);
    expect_sample_machine();
}

TEST(every_error_has_its_own_text)
{
    for (u32 i = 0; i < ACPI_ERROR_COUNT; i++) {
        for (u32 j = 0; j < i; j++)
            EXPECT(!string_equal(acpi_error_text((enum acpi_error)i),
                                 acpi_error_text((enum acpi_error)j)));
    }
    EXPECT_STR_EQ(acpi_error_text((enum acpi_error)999), "has an unknown error");
}
