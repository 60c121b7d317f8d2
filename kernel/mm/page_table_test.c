#include "mm/page_table.h"

#include "core/cpu.h"
#include "lib/checked_math.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "port/inject.h"
#include "port/sim.h"
#include "unit.h"

#define ALL    GROUP_NO_LIMIT
#define MIB2   (2ull << 20)
#define GIB    (1ull << 30)
#define RW     (ACCESS_READ | ACCESS_WRITE | ACCESS_USER)
#define RO     (ACCESS_READ | ACCESS_USER)
#define RX     (ACCESS_READ | ACCESS_EXECUTE | ACCESS_USER)
#define FRAMES GROUP_MEMORY_FRAMES

static struct account account;

static void start(u64 limit)
{
    u64 limits[GROUP_RESOURCE_COUNT];
    struct boot_info *boot = sim_boot_memory(16 << 20, 1);

    sim_inject_hook = unit_should_fail;
    cpu_table_init(boot);
    arch_cpu_bind(cpu_at(0), 0);
    frame_early_init(boot);
    frame_init(boot);
    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        limits[what] = limit;
    account_init(&account, NULL, limits);
}

static u64 free_frames(void)
{
    struct frame_statistics statistics;

    frame_statistics(&statistics);
    return statistics.free;
}

static bool maps(const struct page_table *table, u64 address, u64 frame, u32 access, u32 level)
{
    paddr_t found = {0};
    u32 found_access = 0;
    u32 found_level = 99;

    return page_table_lookup(table, address, &found, &found_access, &found_level) &&
           found.raw == frame && found_access == access && found_level == level;
}

static bool maps_nothing(const struct page_table *table, u64 address)
{
    paddr_t frame;
    u32 access;
    u32 level;

    return !page_table_lookup(table, address, &frame, &access, &level);
}

static bool unmap(struct page_table *table, u64 address)
{
    paddr_t frame;
    u32 access;
    u32 level;

    return page_table_unmap(table, address, &frame, &access, &level);
}

/* Number of leaves there were. */
static u32 unmap_all(struct page_table *table)
{
    u64 address = 0;
    u32 level;
    u32 count = 0;

    for (; page_table_next(table, address, 1ull << 47, &address, &level); count++)
        EXPECT(unmap(table, address));
    return count;
}

TEST(a_fresh_root_has_the_kernel_half_and_nothing_else)
{
    struct page_table table;
    u64 expected[512] = {0};

    start(ALL);
    REQUIRE(page_table_create(&table, &account) == STATUS_OK);
    arch_root_init(expected);
    EXPECT_MEM_EQ(arch_phys_to_virt(table.root), expected, sizeof(expected));
    EXPECT_EQ(table.table_frames, 1);
    EXPECT_EQ(account_used(&account, FRAMES), 1);
    page_table_destroy(&table);
    EXPECT_EQ(account_used(&account, FRAMES), 0);
}

TEST(pages_of_both_sizes_are_found_with_their_access)
{
    struct page_table table;

    start(ALL);
    REQUIRE(page_table_create(&table, &account) == STATUS_OK);
    EXPECT_EQ(page_table_map(&table, 0x400000, paddr(0x5000), RW, 0), STATUS_OK);
    EXPECT_EQ(page_table_map(&table, 0x401000, paddr(0x6000), RX, 0), STATUS_OK);
    EXPECT_EQ(page_table_map(&table, 0x7ffffffff000, paddr(0x7000), RO, 0), STATUS_OK);
    EXPECT_EQ(page_table_map(&table, GIB, paddr(MIB2), RW | ACCESS_DEVICE, 1), STATUS_OK);
    EXPECT_EQ(table.table_frames, 1 + 3 + 3 + 1);

    EXPECT(maps(&table, 0x400000, 0x5000, RW, 0));
    EXPECT(maps(&table, 0x400fff, 0x5000, RW, 0));
    EXPECT(maps(&table, 0x401000, 0x6000, RX, 0));
    EXPECT(maps(&table, 0x7ffffffff123, 0x7000, RO, 0));
    EXPECT(maps(&table, GIB + MIB2 - 1, MIB2, RW | ACCESS_DEVICE, 1));
    EXPECT(maps_nothing(&table, 0x402000));
    EXPECT(maps_nothing(&table, 0x3ff000));
    EXPECT(maps_nothing(&table, GIB + MIB2));
    EXPECT(maps_nothing(&table, GIB - 1));

    EXPECT(unmap(&table, 0x400000));
    EXPECT(unmap(&table, 0x401000));
    EXPECT(unmap(&table, 0x7ffffffff000));
    EXPECT(unmap(&table, GIB + 0x5000));
    EXPECT(maps_nothing(&table, GIB));
    page_table_destroy(&table);
    EXPECT_EQ(account_used(&account, FRAMES), 0);
}

TEST(what_is_there_is_not_mapped_over)
{
    struct page_table table;

    start(ALL);
    REQUIRE(page_table_create(&table, &account) == STATUS_OK);
    EXPECT_EQ(page_table_map(&table, 0x1000, paddr(0x5000), RW, 0), STATUS_OK);
    EXPECT_EQ(page_table_map(&table, 0x1000, paddr(0x6000), RO, 0), STATUS_EXISTS);
    EXPECT_EQ(page_table_map(&table, 0, paddr(MIB2), RO, 1), STATUS_EXISTS);
    EXPECT_EQ(page_table_map(&table, MIB2, paddr(MIB2), RW, 1), STATUS_OK);
    EXPECT_EQ(page_table_map(&table, MIB2 + 0x3000, paddr(0x6000), RO, 0), STATUS_EXISTS);
    EXPECT_EQ(page_table_map(&table, MIB2, paddr(2 * MIB2), RO, 1), STATUS_EXISTS);
    EXPECT(maps(&table, 0x1000, 0x5000, RW, 0));
    EXPECT(maps(&table, MIB2 + 0x3000, MIB2, RW, 1));
}

TEST(replace_changes_present_leaves_only)
{
    struct page_table table;

    start(ALL);
    REQUIRE(page_table_create(&table, &account) == STATUS_OK);
    EXPECT(!page_table_replace(&table, 0x1000, paddr(0x9000), RO));
    EXPECT(!unmap(&table, 0x1000));
    EXPECT_EQ(page_table_map(&table, 0x1000, paddr(0x5000), RW, 0), STATUS_OK);
    EXPECT_EQ(page_table_map(&table, MIB2, paddr(MIB2), RW, 1), STATUS_OK);
    EXPECT(page_table_replace(&table, 0x1000, paddr(0x5000), RX));
    EXPECT(page_table_replace(&table, MIB2 + 0x1000, paddr(MIB2), RO));
    EXPECT(maps(&table, 0x1000, 0x5000, RX, 0));
    EXPECT(maps(&table, MIB2, MIB2, RO, 1));
    EXPECT(page_table_replace(&table, 0x1000, paddr(0x9000), RW));
    EXPECT(page_table_replace(&table, MIB2, paddr(3 * MIB2), RW));
    EXPECT(maps(&table, 0x1000, 0x9000, RW, 0));
    EXPECT(maps(&table, MIB2, 3 * MIB2, RW, 1));
    EXPECT(!page_table_replace(&table, 0x2000, paddr(0x9000), RO));
}

/* Tables without a leaf: made by a page that is taken out again. */
static void make_empty_table(struct page_table *table, u64 address)
{
    REQUIRE(page_table_map(table, address, paddr(0x5000), RW, 0) == STATUS_OK);
    EXPECT(unmap(table, address));
}

TEST(next_finds_the_first_leaf_of_any_size)
{
    struct page_table table;
    static const u64 pages[] = {0x10000, 0x1ff000, 0x400000, GIB, 0x7f0000000000, 0x7ffffffff000};
    u64 address;
    u32 level;
    u64 from = 0;

    start(ALL);
    REQUIRE(page_table_create(&table, &account) == STATUS_OK);
    EXPECT(!page_table_next(&table, 0, 1ull << 47, &address, &level));
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
        EXPECT_EQ(page_table_map(&table, pages[i], paddr(0), RW, pages[i] == GIB), STATUS_OK);
    /* Tables without leaves are passed over. */
    for (u64 i = 0; i < 4; i++)
        make_empty_table(&table, 0x200000000000 + i * MIB2);
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
        REQUIRE(page_table_next(&table, from, 1ull << 47, &address, &level));
        EXPECT_EQ(address, pages[i]);
        EXPECT_EQ(level, pages[i] == GIB);
        from = address + (level == 1 ? MIB2 : PAGE_SIZE);
    }
    EXPECT(!page_table_next(&table, from, 1ull << 47, &address, &level));
    EXPECT(!page_table_next(&table, 0x11000, 0x1ff000, &address, &level));
    EXPECT(page_table_next(&table, 0x11000, 0x200000, &address, &level));
    /* From within a large page, that page itself. */
    EXPECT(page_table_next(&table, GIB + 0x5000, GIB + 0x6000, &address, &level));
    EXPECT_EQ(address, GIB);
}

#define WINDOWS    3u
#define WINDOW     (4 * MIB2)
#define PAGES      (WINDOW / PAGE_SIZE)
#define PAGE_LARGE 1u

struct model_page {
    u64 frame;
    u32 access; /* 0: none */
    u32 level;
};

static const u64 windows[WINDOWS] = {0, GIB - WINDOW / 2, 0x7fffffffffff + 1 - WINDOW};
static struct model_page model[WINDOWS][PAGES];

static void model_fill(struct model_page *pages, u64 first, u32 level, struct model_page page)
{
    u64 count = level == 0 ? 1 : 512;

    for (u64 i = 0; i < count; i++)
        pages[first + i] = page;
}

static bool model_is_empty(const struct model_page *pages, u64 first, u32 level)
{
    for (u64 i = 0; i < (level == 0 ? 1 : 512); i++)
        if (pages[first + i].access != 0)
            return false;
    return true;
}

/* Page tables once made stay, so a large page is refused where small ones were: the model follows
 * the answer, which must be a refusal where something is mapped. */
static void random_map(struct page_table *table, u32 w, u64 page)
{
    u32 level = unit_random_below(8) == 0;
    u64 first = level == 0 ? page : page & ~511ull;
    struct model_page mapping = {.frame = unit_random_below(1000) * MIB2, .level = level};
    static const u32 accesses[] = {RO, RW, RX, RW | ACCESS_DEVICE};

    mapping.access = accesses[unit_random_below(4)];

    bool empty = model_is_empty(model[w], first, level);
    enum status status = page_table_map(table, windows[w] + first * PAGE_SIZE, paddr(mapping.frame),
                                        mapping.access, level);

    EXPECT(status == STATUS_OK || status == STATUS_EXISTS);
    EXPECT(empty || status == STATUS_EXISTS);
    EXPECT(level == 1 || !empty || status == STATUS_OK);
    if (status == STATUS_OK)
        model_fill(model[w], first, level, mapping);
}

static void random_unmap(struct page_table *table, u32 w, u64 page)
{
    struct model_page mapping = model[w][page];
    u64 first = mapping.level == 0 ? page : page & ~511ull;
    paddr_t frame;
    u32 access;
    u32 level;
    bool found = page_table_unmap(table, windows[w] + page * PAGE_SIZE, &frame, &access, &level);

    EXPECT_EQ(found, mapping.access != 0);
    if (!found)
        return;
    EXPECT_EQ(frame.raw, mapping.frame);
    EXPECT_EQ(access, mapping.access);
    EXPECT_EQ(level, mapping.level);
    model_fill(model[w], first, level, (struct model_page){0});
}

static void random_change(struct page_table *table, u32 w, u64 page)
{
    struct model_page mapping = model[w][page];
    u64 first = mapping.level == 0 ? page : page & ~511ull;
    if (unit_random_below(2) == 0)
        mapping.frame = unit_random_below(1000) * MIB2;
    bool changed =
        page_table_replace(table, windows[w] + page * PAGE_SIZE, paddr(mapping.frame), RO);
    EXPECT_EQ(changed, mapping.access != 0);
    if (!changed)
        return;
    mapping.access = RO;
    model_fill(model[w], first, mapping.level, mapping);
}

static void expect_next(const struct page_table *table, u32 w, u64 page)
{
    u64 expected = page;
    u64 address;
    u32 level;

    while (expected < PAGES && model[w][expected].access == 0)
        expected++;
    bool found = page_table_next(table, windows[w] + page * PAGE_SIZE, windows[w] + WINDOW,
                                 &address, &level);

    EXPECT_EQ(found, expected < PAGES);
    if (!found || expected == PAGES)
        return;
    EXPECT_EQ(level, model[w][expected].level);
    EXPECT_EQ(address, windows[w] + (level == 0 ? expected : expected & ~511ull) * PAGE_SIZE);
}

TEST(random_use_matches_a_model)
{
    struct page_table table;

    start(ALL);
    memset(model, 0, sizeof(model));
    u64 before = free_frames();

    REQUIRE(page_table_create(&table, &account) == STATUS_OK);
    for (u32 round = 0; round < 60000; round++) {
        u32 w = (u32)unit_random_below(WINDOWS);
        u64 page = unit_random_below(unit_random_below(2) == 0 ? PAGES : 600);
        u64 what = unit_random_below(10);

        if (what < 3)
            random_map(&table, w, page);
        else if (what < 6)
            random_unmap(&table, w, page);
        else if (what < 7)
            random_change(&table, w, page);
        else if (what < 8)
            expect_next(&table, w, page);
        else if (model[w][page].access == 0)
            EXPECT(maps_nothing(&table, windows[w] + page * PAGE_SIZE));
        else
            EXPECT(maps(&table, windows[w] + page * PAGE_SIZE, model[w][page].frame,
                        model[w][page].access, model[w][page].level));
        EXPECT_EQ(account_used(&account, FRAMES), table.table_frames);
    }
    unmap_all(&table);
    page_table_destroy(&table);
    EXPECT_EQ(account_used(&account, FRAMES), 0);
    EXPECT_EQ(free_frames(), before);
}

TEST(tables_freed_empty_are_handed_out_zero_again)
{
    start(ALL);
    for (u32 round = 0; round < 50; round++) {
        struct page_table table;
        u64 base = unit_random_below(1ull << 34) << PAGE_SHIFT;

        REQUIRE(page_table_create(&table, &account) == STATUS_OK);
        for (u64 i = 0; i < 20; i++)
            EXPECT_EQ(page_table_map(&table, base + (i * 37) * PAGE_SIZE, paddr(0x5000), RW, 0),
                      STATUS_OK);
        EXPECT_EQ(unmap_all(&table), 20);
        page_table_destroy(&table);
    }
    EXPECT_EQ(account_used(&account, FRAMES), 0);
}

/* Maps; on failure everything is taken apart and nothing may be left charged. */
static enum status build_and_destroy(void)
{
    struct page_table table;
    enum status status = page_table_create(&table, &account);

    if (status != STATUS_OK)
        return status;
    status = page_table_map(&table, 0x400000, paddr(0x5000), RW, 0);
    if (status == STATUS_OK)
        status = page_table_map(&table, GIB, paddr(MIB2), RW, 1);
    if (status == STATUS_OK)
        status = page_table_map(&table, 2 * GIB - MIB2, paddr(0x5000), RW, 0);
    if (status == STATUS_OK)
        status = page_table_map(&table, 2 * GIB, paddr(0x5000), RW, 0);
    EXPECT_EQ(account_used(&account, FRAMES), table.table_frames);
    (void)unmap(&table, 0x400000);
    (void)unmap(&table, GIB);
    (void)unmap(&table, 2 * GIB - MIB2);
    (void)unmap(&table, 2 * GIB);
    page_table_destroy(&table);
    return status;
}

TEST(a_failure_at_any_step_leaves_charges_exact)
{
    u32 failures = 0;

    start(ALL);
    u64 before = free_frames();

    for (u64 n = 1;; n++) {
        unit_fail_nth(n);
        enum status status = build_and_destroy();
        bool failed = unit_failed();

        unit_fail_nth(0);
        EXPECT_EQ(status != STATUS_OK, failed);
        EXPECT_EQ(account_used(&account, FRAMES), 0);
        EXPECT_EQ(free_frames(), before);
        if (!failed)
            break;
        failures++;
    }
    EXPECT_LE(8, failures);

    /* And the same by limit: the n-th frame is one too many. */
    for (u64 limit = 0;; limit++) {
        account_set_limit(&account, FRAMES, limit);
        enum status status = build_and_destroy();

        EXPECT_EQ(account_used(&account, FRAMES), 0);
        EXPECT_EQ(free_frames(), before);
        if (status == STATUS_OK) {
            EXPECT_EQ(limit, 8);
            break;
        }
        EXPECT_EQ(status, STATUS_GROUP_LIMIT);
    }
}

/* Pages far apart, of both sizes, and an empty table: cleared in steps, with nothing left over. */
TEST(clearing_goes_on_where_it_stopped)
{
    struct page_table table;
    u32 steps = 0;

    start(ALL);
    u64 before = free_frames();

    REQUIRE(page_table_create(&table, &account) == STATUS_OK);
    for (u64 i = 0; i < 40; i++)
        REQUIRE(page_table_map(&table, GIB + i * 5 * PAGE_SIZE, paddr(0x5000), RW, 0) == STATUS_OK);
    REQUIRE(page_table_map(&table, 3 * GIB, paddr(MIB2), RW, 1) == STATUS_OK);
    make_empty_table(&table, 5 * GIB);
    while (!page_table_clear_some(&table, 160))
        steps++;
    EXPECT_LE(3, steps); /* some 500 entries are looked at */
    EXPECT_LE(steps, 50);
    EXPECT_EQ(table.table_frames, 1);
    EXPECT_EQ(account_used(&account, FRAMES), 1);
    page_table_destroy(&table);
    EXPECT_EQ(account_used(&account, FRAMES), 0);
    EXPECT_EQ(free_frames(), before);
}
