/* The heap, against a shadow of what it handed out. */
#include "ferrous/heap.h"

#include <stdlib.h>

#include "lib/string.h"
#include "unit.h"

#define MAX_REGIONS 64u
#define MAX_BLOCKS  300u

static void *regions[MAX_REGIONS];
static u32 region_count;
static u32 corruptions;

static void *grow(void *context, size_t *size)
{
    void *region;

    (void)context;
    if (unit_should_fail() || region_count == MAX_REGIONS)
        return NULL;
    *size = *size < 8192 ? 8192 : (*size + 15) & ~(size_t)15;
    region = aligned_alloc(16, *size);
    memset(region, 0xa5, *size);
    regions[region_count++] = region;
    return region;
}

static void corrupted(void *context, const void *address)
{
    (void)context;
    (void)address;
    corruptions++;
}

static void set_up(struct heap *heap)
{
    region_count = 0;
    corruptions = 0;
    heap_init(heap, grow, corrupted, NULL);
}

static void tear_down(void)
{
    while (region_count > 0)
        free(regions[--region_count]);
}

TEST(blocks_are_aligned_and_apart)
{
    struct heap heap;
    u8 *blocks[20];

    set_up(&heap);
    for (u32 i = 0; i < 20; i++) {
        blocks[i] = heap_alloc(&heap, i);
        REQUIRE(blocks[i] != NULL);
        EXPECT_EQ((uintptr_t)blocks[i] % HEAP_ALIGNMENT, 0);
        memset(blocks[i], (int)i, i);
    }
    for (u32 i = 0; i < 20; i++) {
        for (u32 at = 0; at < i; at++)
            EXPECT_EQ(blocks[i][at], i);
        heap_free(&heap, blocks[i]);
    }
    EXPECT(heap_check(&heap));
    EXPECT_EQ(heap.used_bytes, 0);
    tear_down();
}

TEST(freed_neighbours_are_joined)
{
    struct heap heap;
    void *blocks[30];

    set_up(&heap);
    for (u32 i = 0; i < 30; i++)
        blocks[i] = heap_alloc(&heap, 200);
    for (u32 i = 0; i < 30; i += 2)
        heap_free(&heap, blocks[i]);
    for (u32 i = 1; i < 30; i += 2)
        heap_free(&heap, blocks[i]);
    EXPECT(heap_check(&heap));
    /* All of the only region is one block again. */
    EXPECT(heap_alloc(&heap, 8192 - 64) != NULL);
    EXPECT_EQ(region_count, 1);
    tear_down();
}

TEST(double_free_is_found)
{
    struct heap heap;
    void *block;
    void *guard;

    set_up(&heap);
    block = heap_alloc(&heap, 100);
    guard = heap_alloc(&heap, 100);
    heap_free(&heap, block);
    heap_free(&heap, block);
    EXPECT_EQ(corruptions, 1);
    EXPECT(heap_check(&heap));
    heap_free(&heap, guard);
    tear_down();
}

TEST(overrun_of_a_header_is_found)
{
    struct heap heap;
    u8 *first;
    u8 *second;

    set_up(&heap);
    first = heap_alloc(&heap, 32);
    second = heap_alloc(&heap, 32);
    REQUIRE(first != NULL && second != NULL);
    memset(first, 0x41, 32 + 8);
    heap_free(&heap, second);
    EXPECT_EQ(corruptions, 1);
    tear_down();
}

TEST(impossible_sizes_are_refused)
{
    struct heap heap;

    set_up(&heap);
    EXPECT(heap_alloc(&heap, SIZE_MAX) == NULL);
    EXPECT(heap_alloc(&heap, SIZE_MAX - 15) == NULL);
    EXPECT(heap_alloc(&heap, 1ull << 50) == NULL);
    EXPECT_EQ(region_count, 0);
    tear_down();
}

TEST(failed_growth_changes_nothing)
{
    struct heap heap;
    void *block;

    set_up(&heap);
    unit_fail_nth(1);
    EXPECT(heap_alloc(&heap, 10) == NULL);
    unit_fail_nth(0);
    block = heap_alloc(&heap, 10);
    EXPECT(block != NULL);
    unit_fail_nth(1);
    EXPECT(heap_resize(&heap, block, 100000) == NULL);
    unit_fail_nth(0);
    heap_free(&heap, block);
    EXPECT_EQ(corruptions, 0);
    EXPECT(heap_check(&heap));
    tear_down();
}

TEST(resize_keeps_the_content)
{
    struct heap heap;
    u8 *block;

    set_up(&heap);
    block = heap_resize(&heap, NULL, 50);
    REQUIRE(block != NULL);
    for (u32 i = 0; i < 50; i++)
        block[i] = (u8)i;
    block = heap_resize(&heap, block, 5000);
    for (u32 i = 0; i < 50; i++)
        EXPECT_EQ(block[i], i);
    block = heap_resize(&heap, block, 20);
    for (u32 i = 0; i < 20; i++)
        EXPECT_EQ(block[i], i);
    EXPECT(heap_check(&heap));
    heap_free(&heap, block);
    EXPECT_EQ(heap.used_bytes, 0);
    tear_down();
}

static size_t random_size(void)
{
    u64 kind = unit_random_below(10);

    return unit_random_below(kind < 7 ? 100 : kind < 9 ? 2000 : 20000);
}

static bool is_filled(const u8 *block, size_t size, u8 value)
{
    for (size_t i = 0; i < size; i++) {
        if (block[i] != value)
            return false;
    }
    return true;
}

TEST(random_work_keeps_every_block_intact)
{
    static u8 *blocks[MAX_BLOCKS];
    static size_t sizes[MAX_BLOCKS];
    struct heap heap;

    set_up(&heap);
    memset(blocks, 0, sizeof(blocks));
    for (u32 step = 0; step < 20000; step++) {
        u64 i = unit_random_below(MAX_BLOCKS);
        size_t size = random_size();

        if (blocks[i] != NULL)
            EXPECT(is_filled(blocks[i], sizes[i], (u8)i));
        if (blocks[i] != NULL && unit_random_below(3) != 0) {
            heap_free(&heap, blocks[i]);
            blocks[i] = NULL;
        } else {
            u8 *block = heap_resize(&heap, blocks[i], size);

            if (block == NULL)
                continue;
            EXPECT(is_filled(block,
                             blocks[i] == NULL ? 0
                             : size < sizes[i] ? size
                                               : sizes[i],
                             (u8)i));
            blocks[i] = block;
            sizes[i] = size;
            memset(block, (int)i, size);
        }
        if (step % 256 == 0)
            EXPECT(heap_check(&heap));
    }
    for (u32 i = 0; i < MAX_BLOCKS; i++)
        heap_free(&heap, blocks[i]);
    EXPECT(heap_check(&heap));
    EXPECT_EQ(heap.used_bytes, 0);
    EXPECT_EQ(corruptions, 0);
    tear_down();
}
