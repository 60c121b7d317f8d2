/* The loader's page tables, walked as a processor does: what is mapped, how, nothing besides. */
#include "paging.h"

#include "unit.h"

#include <stdlib.h>

#define TABLE_LIMIT 64u

static void *tables[TABLE_LIMIT];
static u32 table_count;

static u64 take_table(void *context)
{
    (void)context;
    void *table = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    if (table_count == TABLE_LIMIT)
        abort();
    __builtin_memset(table, 0, PAGE_SIZE);
    tables[table_count++] = table;
    return (u64)(uintptr_t)table;
}

static struct paging start(u64 page_most)
{
    while (table_count > 0)
        free(tables[--table_count]);
    return (struct paging){.page_most = page_most, .alloc_table = take_table};
}

static void expect_mapped(const struct paging *paging, u64 virt, u64 phys, u32 access)
{
    u64 found = 0;
    u32 found_access = 99;
    EXPECT(paging_lookup(paging, virt, &found, &found_access));
    EXPECT_EQ(found, phys);
    EXPECT_EQ(found_access, access);
}

static void expect_hole(const struct paging *paging, u64 virt)
{
    u64 found;
    u32 access;
    EXPECT(!paging_lookup(paging, virt, &found, &access));
}

TEST(an_image_is_mapped_page_by_page_with_its_rights)
{
    const u64 virt = 0xffffffff80200000ull;
    struct paging paging = start(PAGE_2M);
    expect_hole(&paging, virt);
    EXPECT(paging_map(&paging, virt, 0x7000, 0x2000, PAGING_EXECUTE));
    EXPECT(paging_map(&paging, virt + 0x3000, 0xa000, 0x1000, 0));
    EXPECT(paging_map(&paging, virt + 0x4000, 0xb000, 0x1000, PAGING_WRITE));
    expect_mapped(&paging, virt, 0x7000, PAGING_EXECUTE);
    expect_mapped(&paging, virt + 0x1fff, 0x8fff, PAGING_EXECUTE);
    expect_hole(&paging, virt + 0x2000);
    expect_mapped(&paging, virt + 0x3123, 0xa123, 0);
    expect_mapped(&paging, virt + 0x4000, 0xb000, PAGING_WRITE);
    expect_hole(&paging, virt + 0x5000);
    expect_hole(&paging, virt - 1);
    EXPECT_EQ(table_count, 4);
}

TEST(the_direct_map_uses_the_largest_pages_allowed)
{
    const u64 virt = 0xffff812340000000ull;
    const struct {
        u64 page_most;
        u32 table_count;
    } cases[] = {{PAGE_1G, 2}, {PAGE_2M, 2 + 5}};
    for (u32 i = 0; i < 2; i++) {
        struct paging paging = start(cases[i].page_most);
        EXPECT(paging_map(&paging, virt, 0, 5 * PAGE_1G, PAGING_WRITE));
        EXPECT_EQ(table_count, cases[i].table_count);
        for (u64 at = 0; at < 5 * PAGE_1G; at += PAGE_2M + 0x1234)
            expect_mapped(&paging, virt + at, at, PAGING_WRITE);
        expect_mapped(&paging, virt + 5 * PAGE_1G - 1, 5 * PAGE_1G - 1, PAGING_WRITE);
        expect_hole(&paging, virt + 5 * PAGE_1G);
        expect_hole(&paging, virt - 1);
        expect_hole(&paging, 0);
    }
}

TEST(pages_grow_and_shrink_with_alignment)
{
    struct paging paging = start(PAGE_1G);
    u64 first = PAGE_2M - 0x2000, size = 2 * PAGE_2M + 0x5000;
    EXPECT(paging_map(&paging, first, first, size, PAGING_WRITE | PAGING_EXECUTE));
    for (u64 at = first; at < first + size; at += 0x1000)
        expect_mapped(&paging, at, at, PAGING_WRITE | PAGING_EXECUTE);
    expect_hole(&paging, first - 1);
    expect_hole(&paging, first + size);
    EXPECT_EQ(table_count,
              5); /* root, 512 GiB, 1 GiB, and one table of small pages at either end */
}

TEST(a_range_across_a_root_entry_is_mapped)
{
    struct paging paging = start(PAGE_1G);
    u64 virt = 0xffff808000000000ull - PAGE_1G;
    EXPECT(paging_map(&paging, virt, PAGE_1G, 2 * PAGE_1G, PAGING_WRITE));
    expect_mapped(&paging, virt + PAGE_1G - 1, 2 * PAGE_1G - 1, PAGING_WRITE);
    expect_mapped(&paging, virt + PAGE_1G, 2 * PAGE_1G, PAGING_WRITE);
    EXPECT_EQ(table_count, 3);
}

TEST(nothing_is_mapped_twice)
{
    struct paging paging = start(PAGE_2M);
    EXPECT(paging_map(&paging, 0x400000, 0x400000, PAGE_2M, 0));
    EXPECT(!paging_map(&paging, 0x400000, 0x800000, PAGE_2M, 0));
    EXPECT(!paging_map(&paging, 0x401000, 0x401000, 0x1000, 0));
    EXPECT(paging_map(&paging, 0x201000, 0x201000, 0x1000, 0));
    EXPECT(!paging_map(&paging, 0x200000, 0x200000, PAGE_2M, 0));
    expect_mapped(&paging, 0x401000, 0x401000, 0);
    (void)start(PAGE_SIZE);
}
