/* The kernel's memory map: sorted, disjoint, nothing lost, the more careful kind wins. */
#include "memory_map.h"

#include "unit.h"

#define ITEM_LIMIT 64u
#define PAGES      40u /* of the small machine on which chance is tried */

static struct map_item item_room[ITEM_LIMIT];
static struct map_items items;
static struct acpi_result nodes;
static struct boot_memory_range ranges[BOOT_MAX_MEMORY_RANGES];
static u32 range_count;

static void start(void)
{
    items = (struct map_items){.items = item_room, .limit = ITEM_LIMIT};
    nodes = (struct acpi_result){0};
    range_count = 0;
}

static void add(u64 first, u64 end, u32 kind)
{
    EXPECT(map_items_add(&items, first * PAGE_SIZE, end * PAGE_SIZE, kind));
}

static bool build(void)
{
    return map_build(&items, &nodes, ranges, BOOT_MAX_MEMORY_RANGES, &range_count);
}

static void expect_range(u32 index, u64 first, u64 end, u32 kind, u32 node)
{
    EXPECT_LT(index, range_count);
    EXPECT_EQ(ranges[index].start, first * PAGE_SIZE);
    EXPECT_EQ(ranges[index].end, end * PAGE_SIZE);
    EXPECT_EQ(ranges[index].kind, kind);
    EXPECT_EQ(ranges[index].node, node);
}

TEST(neighbours_of_one_kind_merge_whatever_their_order)
{
    start();
    add(8, 16, BOOT_MEMORY_FREE);
    add(20, 24, BOOT_MEMORY_FREE);
    add(1, 8, BOOT_MEMORY_FREE);
    add(16, 20, BOOT_MEMORY_ACPI);
    REQUIRE(build());
    EXPECT_EQ(range_count, 3);
    expect_range(0, 1, 16, BOOT_MEMORY_FREE, 0);
    expect_range(1, 16, 20, BOOT_MEMORY_ACPI, 0);
    expect_range(2, 20, 24, BOOT_MEMORY_FREE, 0);
}

TEST(what_the_loader_claims_shows_through_and_holes_stay)
{
    start();
    add(1, 100, BOOT_MEMORY_LOADER);
    add(200, 300, BOOT_MEMORY_FREE);
    add(10, 20, BOOT_MEMORY_KERNEL);
    add(20, 21, BOOT_MEMORY_RESERVED);
    REQUIRE(build());
    EXPECT_EQ(range_count, 5);
    expect_range(0, 1, 10, BOOT_MEMORY_LOADER, 0);
    expect_range(1, 10, 20, BOOT_MEMORY_KERNEL, 0);
    expect_range(2, 20, 21, BOOT_MEMORY_RESERVED, 0);
    expect_range(3, 21, 100, BOOT_MEMORY_LOADER, 0);
    expect_range(4, 200, 300, BOOT_MEMORY_FREE, 0);
}

TEST(nodes_split_ranges)
{
    start();
    add(0, 100, BOOT_MEMORY_FREE);
    nodes.affinity_count = 2;
    nodes.affinities[0] = (struct acpi_affinity){0, 50 * PAGE_SIZE, 1};
    nodes.affinities[1] = (struct acpi_affinity){50 * PAGE_SIZE, 90 * PAGE_SIZE + 100, 0};
    REQUIRE(build());
    EXPECT_EQ(range_count, 2);
    expect_range(0, 0, 50, BOOT_MEMORY_FREE, 1);
    expect_range(1, 50, 100, BOOT_MEMORY_FREE, 0);
}

TEST(bad_items_are_refused)
{
    start();
    EXPECT(map_items_add(&items, 0x1000, 0x1000, BOOT_MEMORY_FREE));
    EXPECT_EQ(items.count, 0);
    EXPECT(!map_items_add(&items, 0x2000, 0x1000, BOOT_MEMORY_FREE));
    EXPECT(!map_items_add(&items, 0x1001, 0x2000, BOOT_MEMORY_FREE));
    EXPECT(!map_items_add(&items, 0x1000, 0x2001, BOOT_MEMORY_FREE));
    for (u32 i = 0; i < ITEM_LIMIT; i++)
        add(i, i + 1, BOOT_MEMORY_FREE);
    EXPECT(!map_items_add(&items, 0, PAGE_SIZE, BOOT_MEMORY_FREE));
}

TEST(more_ranges_than_fit_are_refused)
{
    start();
    for (u32 i = 0; i < 3; i++)
        add(2 * i, 2 * i + 1, BOOT_MEMORY_FREE);
    EXPECT(!map_build(&items, &nodes, ranges, 2, &range_count));
    EXPECT(map_build(&items, &nodes, ranges, 3, &range_count));
    EXPECT_EQ(range_count, 3);
}

/* Descriptors are 48 bytes apart in today's firmware, 40 of which are known. */
TEST(firmware_types_become_kinds)
{
    static const u32 expected[17] = {
        BOOT_MEMORY_RESERVED, BOOT_MEMORY_LOADER,   BOOT_MEMORY_LOADER,   BOOT_MEMORY_FREE,
        BOOT_MEMORY_FREE,     BOOT_MEMORY_RUNTIME,  BOOT_MEMORY_RUNTIME,  BOOT_MEMORY_FREE,
        BOOT_MEMORY_RESERVED, BOOT_MEMORY_ACPI,     BOOT_MEMORY_ACPI,     BOOT_MEMORY_MMIO,
        BOOT_MEMORY_MMIO,     BOOT_MEMORY_RESERVED, BOOT_MEMORY_RESERVED, BOOT_MEMORY_RESERVED,
        BOOT_MEMORY_RESERVED,
    };
    u8 map[17 * 48] = {0};
    start();
    for (u32 i = 0; i < 17; i++) {
        struct efi_memory_descriptor descriptor = {
            .type = i == 16 ? 0x80000005 : i, .phys = i * 0x3000, .page_count = 2};
        __builtin_memcpy(map + i * 48, &descriptor, sizeof(descriptor));
    }
    REQUIRE(map_items_add_firmware(&items, map, sizeof(map), 48));
    EXPECT_EQ(items.count, 17);
    for (u32 i = 0; i < 17; i++) {
        EXPECT_EQ(items.items[i].kind, expected[i]);
        EXPECT_EQ(items.items[i].start, i * 0x3000);
        EXPECT_EQ(items.items[i].end, i * 0x3000 + 0x2000);
    }
}

TEST(damaged_firmware_maps_are_refused)
{
    struct efi_memory_descriptor descriptor = {.type = 7, .phys = 0x1000, .page_count = 1};
    start();
    EXPECT(!map_items_add_firmware(&items, &descriptor, sizeof(descriptor), 39));
    EXPECT(!map_items_add_firmware(&items, &descriptor, sizeof(descriptor), 0));
    descriptor.page_count = 1ull << 52;
    EXPECT(!map_items_add_firmware(&items, &descriptor, sizeof(descriptor), 40));
    descriptor.page_count = (1ull << 52) - 1;
    EXPECT(!map_items_add_firmware(&items, &descriptor, sizeof(descriptor), 40));
    descriptor.page_count = 1;
    descriptor.phys = 0x1008;
    EXPECT(!map_items_add_firmware(&items, &descriptor, sizeof(descriptor), 40));
    descriptor.phys = 0x1000;
    EXPECT(map_items_add_firmware(&items, &descriptor, sizeof(descriptor), 40));
    EXPECT_EQ(items.count, 1);
}

TEST(memory_its_end_and_what_is_free_are_found)
{
    start();
    add(1, 10, BOOT_MEMORY_FREE);
    add(10, 20, BOOT_MEMORY_ACPI);
    add(20, 30, BOOT_MEMORY_LOADER);
    add(40, 50, BOOT_MEMORY_MMIO);
    add(60, 70, BOOT_MEMORY_RESERVED);
    REQUIRE(build());
    EXPECT_EQ(map_memory_end(ranges, range_count), 30 * PAGE_SIZE);
    EXPECT_EQ(map_free_bytes(ranges, range_count), 19 * PAGE_SIZE);
    EXPECT(map_is_memory(ranges, range_count, 0x1000, 30 * PAGE_SIZE));
    EXPECT(map_is_memory(ranges, range_count, 60 * PAGE_SIZE + 1, 60 * PAGE_SIZE + 2));
    EXPECT(!map_is_memory(ranges, range_count, 0xfff, 0x1001));
    EXPECT(!map_is_memory(ranges, range_count, 29 * PAGE_SIZE, 30 * PAGE_SIZE + 1));
    EXPECT(!map_is_memory(ranges, range_count, 45 * PAGE_SIZE, 46 * PAGE_SIZE));
    EXPECT(!map_is_memory(ranges, range_count, UINT64_MAX - 8, UINT64_MAX));
}

/* Compares with a page-by-page account. */
TEST(any_items_give_the_highest_kind_of_each_page)
{
    for (u32 round = 0; round < 3000; round++) {
        u32 kinds[PAGES] = {0}, page_nodes[PAGES] = {0};
        start();
        for (u64 n = unit_random_below(12); n > 0; n--) {
            u64 first = unit_random_below(PAGES), end = first + unit_random_below(PAGES - first);
            u32 kind = 1 + (u32)unit_random_below(10);
            add(first, end, kind);
            for (u64 page = first; page < end; page++)
                kinds[page] = kind > kinds[page] ? kind : kinds[page];
        }
        u64 border = unit_random_below(PAGES);
        nodes.affinity_count = 1;
        nodes.affinities[0] = (struct acpi_affinity){border * PAGE_SIZE, (u64)PAGES * PAGE_SIZE, 3};
        for (u64 page = border; page < PAGES; page++)
            page_nodes[page] = 3;
        REQUIRE(build());
        u64 at = 0;
        for (u32 i = 0; i < range_count; i++) {
            EXPECT_LE(at, ranges[i].start);
            EXPECT_LT(ranges[i].start, ranges[i].end);
            if (i > 0 && ranges[i - 1].end == ranges[i].start)
                EXPECT(ranges[i - 1].kind != ranges[i].kind ||
                       ranges[i - 1].node != ranges[i].node);
            for (u64 page = at / PAGE_SIZE; page < ranges[i].start / PAGE_SIZE; page++)
                EXPECT_EQ(kinds[page], 0);
            for (u64 page = ranges[i].start / PAGE_SIZE; page < ranges[i].end / PAGE_SIZE; page++) {
                EXPECT_EQ(kinds[page], ranges[i].kind);
                EXPECT_EQ(page_nodes[page], ranges[i].node);
            }
            at = ranges[i].end;
        }
        for (u64 page = at / PAGE_SIZE; page < PAGES; page++)
            EXPECT_EQ(kinds[page], 0);
    }
}
