#include "mm/frame.h"

#include "frame_fixture.h"

TEST(the_last_frames_are_for_the_kernel)
{
    start(8 * MIB, 1);
    paddr_t frame;
    u32 kernel = 0;

    while (hold(0, 0))
        ;
    EXPECT_EQ(free_frames(), 64);
    EXPECT_EQ(frame_alloc(&account, FRAME_USER, 0, 0, &frame), STATUS_NO_MEMORY);
    EXPECT_EQ(frame_alloc(&account, FRAME_USER, 3, 0, &frame), STATUS_NO_MEMORY);
    EXPECT_EQ(frame_alloc_zeroed(&account, FRAME_USER, &frame), STATUS_NO_MEMORY);
    EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), held_count);
    while (frame_alloc(NULL, FRAME_KERNEL, 0, 0, &frame) == STATUS_OK) {
        held[held_count + kernel] = (struct run){.pfn = frame.raw >> PAGE_SHIFT};
        kernel++;
    }
    EXPECT_EQ(kernel, 64);
    EXPECT_EQ(free_frames(), 0);
    /* What the kernel returns refills the reserve before anybody else gets it. */
    for (u32 i = 0; i < kernel; i++)
        frame_free(NULL, paddr(held[held_count + i].pfn << PAGE_SHIFT), 0);
    EXPECT_EQ(frame_alloc(&account, FRAME_USER, 0, 0, &frame), STATUS_NO_MEMORY);
}

TEST(no_frame_hides_in_the_cache_when_all_are_wanted)
{
    start(32 * MIB, 1);
    u64 before = free_frames();

    REQUIRE(before < MAX_HELD);
    for (u32 i = 0; i < 300; i++)
        hold(0, 0);
    drop_all();
    for (u32 i = 0; i < 40; i++)
        hold(0, 0);
    while (held_count > 0)
        drop(held_count - 1); /* back into the cache */
    while (hold(0, 0))
        ;
    EXPECT_EQ(held_count, before - 64);
}

TEST(a_node_that_is_low_fills_no_cache)
{
    start(32 * MIB, 1);
    while (free_frames() > 200)
        hold(0, 0);
    frame_cache_drain();
    EXPECT(hold(0, 0));
    EXPECT_EQ(this_cpu()->frame_cache_count, 0);
    drop_all();
}

TEST(cached_frames_are_merged_for_a_large_run)
{
    start(4 * MIB, 1);
    paddr_t run;
    paddr_t frame;

    frame_nodes[0].low = 0; /* so that even this small machine caches */
    REQUIRE(frame_alloc(NULL, FRAME_KERNEL, 3, 0, &run) == STATUS_OK);
    frame_free(NULL, run, 3);
    u64 pfn = run.raw >> PAGE_SHIFT;

    while (frame_alloc(NULL, FRAME_KERNEL, 0, 0, &frame) == STATUS_OK)
        held[held_count++].pfn = frame.raw >> PAGE_SHIFT;
    EXPECT_EQ(free_frames(), 0);
    for (u32 i = 0; i < held_count; i++)
        if (held[i].pfn >> 3 == pfn >> 3)
            frame_free(NULL, paddr(held[i].pfn << PAGE_SHIFT), 0);
    EXPECT_EQ(this_cpu()->frame_cache_count, 7); /* and one in the buddies */
    EXPECT_EQ(frame_alloc(NULL, FRAME_KERNEL, 3, 0, &frame), STATUS_OK);
    EXPECT_EQ(frame.raw, run.raw);
}

/* `count` frames that are zero, allocated on a node. */
static void hold_zero(u32 count, u32 node)
{
    for (u32 i = 0; i < count && hold(0, node); i++)
        memset(arch_phys_to_virt(paddr(held[held_count - 1].pfn << PAGE_SHIFT)), 0, PAGE_SIZE);
}

static void drop_all_zero(void)
{
    while (held_count > 0)
        frame_free_zeroed(&account, paddr(held[--held_count].pfn << PAGE_SHIFT));
}

TEST(the_cache_of_zero_frames_is_bounded_and_of_its_own_node)
{
    start(64 * MIB, 2);
    u64 before = free_frames();
    u64 on_node_1 = statistics().node_free[1];

    hold_zero(40, 0);
    drop_all_zero();
    EXPECT_EQ(this_cpu()->zero_cache_count, ZERO_CACHE_SIZE);
    EXPECT_EQ(free_frames(), before);
    frame_cache_drain();
    EXPECT_EQ(this_cpu()->zero_cache_count, 0);
    hold_zero(5, 1);
    drop_all_zero();
    EXPECT_EQ(this_cpu()->zero_cache_count, 0);
    EXPECT_EQ(statistics().node_free[1], on_node_1);
}

TEST(zero_frames_serve_when_nothing_else_is_left)
{
    start(32 * MIB, 1);
    hold_zero(10, 0);
    drop_all_zero();
    EXPECT_EQ(this_cpu()->zero_cache_count, 10);
    while (hold(0, 0))
        ;
    EXPECT_EQ(this_cpu()->zero_cache_count, 0);
    EXPECT_EQ(free_frames(), 64);
}

TEST(zeroed_frames_are_zero_whatever_they_were)
{
    start(64 * MIB, 1);
    for (u32 round = 0; round < 2000; round++) {
        paddr_t frame;
        u64 *words;
        u64 any = 0;

        REQUIRE(frame_alloc_zeroed(&account, FRAME_PAGE_TABLE, &frame) == STATUS_OK);
        words = arch_phys_to_virt(frame);
        for (u32 i = 0; i < 512; i++)
            any |= words[i];
        EXPECT_EQ(any, 0);
        held[held_count++] = (struct run){.pfn = frame.raw >> PAGE_SHIFT, .tag = 1};
        if (unit_random_below(2) == 0) {
            words[unit_random_below(512)] = unit_random();
            held[held_count - 1].tag = 0;
        }
        if (unit_random_below(3) == 0) {
            while (held_count > 0) {
                struct run run = held[--held_count];

                if (run.tag == 1)
                    frame_free_zeroed(&account, paddr(run.pfn << PAGE_SHIFT));
                else
                    frame_free(&account, paddr(run.pfn << PAGE_SHIFT), 0);
            }
        }
    }
    EXPECT_EQ(statistics().by_use[FRAME_PAGE_TABLE], held_count);
    EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), held_count);
}
