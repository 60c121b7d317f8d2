#include "mm/frame.h"

#include "frame_fixture.h"

static u64 free_in_map(void)
{
    u64 count = 0;

    for (u32 i = 0; i < boot->memory_range_count; i++)
        if (boot->memory_ranges[i].kind == BOOT_MEMORY_FREE)
            count += (boot->memory_ranges[i].end - boot->memory_ranges[i].start) >> PAGE_SHIFT;
    return count;
}

TEST(early_frames_are_zeroed_distinct_and_in_free_memory)
{
    static u64 seen[200];

    start_early(8 * MIB, 1);
    memset(arch_phys_to_virt(paddr(7 * MIB)), 0xff, MIB);
    for (u32 i = 0; i < 200; i++) {
        paddr_t frame = frame_early_alloc();
        const u8 *bytes = arch_phys_to_virt(frame);
        u8 any = 0;

        for (u32 k = 0; k < PAGE_SIZE; k++)
            any |= bytes[k];
        EXPECT_EQ(any, 0);
        EXPECT(in_free_range(frame.raw));
        for (u32 k = 0; k < i; k++)
            EXPECT_NE(seen[k], frame.raw);
        seen[i] = frame.raw;
    }
    frame_init(boot);
    make_account(ALL);
    for (u32 k = 0; k < 200; k++)
        EXPECT(!frame_is_memory(paddr(seen[k])));
    while (hold(0, 0))
        for (u32 k = 0; k < 200; k++)
            EXPECT_NE(seen[k], held[held_count - 1].pfn << PAGE_SHIFT);
    EXPECT_LE(200, statistics().by_use[FRAME_KERNEL]);
}

TEST(early_allocation_goes_on_after_start_and_panics_when_nothing_is_left)
{
    start(4 * MIB, 1);
    u64 before = free_frames();

    for (u32 i = 0; i < 100; i++)
        (void)frame_early_alloc();
    EXPECT_EQ(free_frames(), before - 100);
}

TEST(early_allocation_takes_every_free_frame_and_no_other)
{
    start_early(4 * MIB, 1);
    u64 count = free_in_map();

    for (u64 i = 0; i < count; i++)
        EXPECT(in_free_range(frame_early_alloc().raw));
}

static void take_early_without_end(void *argument)
{
    (void)argument;
    for (;;)
        (void)frame_early_alloc();
}

TEST(early_allocation_panics_when_nothing_is_left)
{
    start_early(4 * MIB, 1);
    EXPECT_DIES(take_early_without_end, NULL);
}

TEST(all_free_memory_is_managed_and_nothing_else)
{
    start(16 * MIB, 1);
    struct frame_statistics s = statistics();

    EXPECT_EQ(s.total, free_in_map());
    EXPECT_EQ(s.free + s.by_use[FRAME_KERNEL], s.total);
    EXPECT_LE(s.by_use[FRAME_KERNEL], s.total / 100);

    while (hold(0, 0))
        EXPECT(in_free_range(held[held_count - 1].pfn << PAGE_SHIFT));
    EXPECT(!frame_is_memory(paddr(0)));
    EXPECT(!frame_is_memory(paddr(0x300000))); /* a reserved stretch */
    EXPECT(!frame_is_memory(paddr(0xfec00000)));
    EXPECT(!frame_is_memory(paddr(1ull << 45)));
    EXPECT(frame_is_memory(paddr(held[0].pfn << PAGE_SHIFT)));
}

TEST(every_order_is_aligned_and_comes_back_whole)
{
    start(32 * MIB, 1);
    u32 before[FRAME_MAX_ORDER + 1];
    u32 after[FRAME_MAX_ORDER + 1];

    frame_cache_drain();
    count_runs(0, before);
    for (u32 order = 0; order <= FRAME_MAX_ORDER; order++) {
        for (u32 i = 0; i < 3; i++) {
            REQUIRE(hold(order, 0));
            EXPECT_EQ(held[held_count - 1].pfn & ((1ull << order) - 1), 0);
        }
        EXPECT_EQ(statistics().by_use[FRAME_USER], 3ull << order);
        EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), 3ull << order);
        drop_all();
        EXPECT_EQ(statistics().by_use[FRAME_USER], 0);
    }
    count_runs(0, after);
    EXPECT_MEM_EQ(before, after, sizeof(before));
    EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), 0);
}

static void stamp(const struct run *run)
{
    for (u64 i = 0; i < 1ull << run->order; i++)
        *(u64 *)arch_phys_to_virt(paddr((run->pfn + i) << PAGE_SHIFT)) = run->tag + i;
}

static bool stamp_holds(const struct run *run)
{
    for (u64 i = 0; i < 1ull << run->order; i++)
        if (*(u64 *)arch_phys_to_virt(paddr((run->pfn + i) << PAGE_SHIFT)) != run->tag + i)
            return false;
    return true;
}

/* Every frame allocated carries its run's stamp: two runs that overlap would spoil one another's.
 */
static void random_rounds(u32 rounds, u32 nodes)
{
    u64 in_use = 0;
    u64 total = free_frames();

    for (u32 round = 0; round < rounds; round++) {
        bool grow = unit_random_below(1000) < (round / 1000 % 2 == 0 ? 600 : 400);

        if (grow && held_count < MAX_HELD) {
            u32 order = (u32)__builtin_ctzll(unit_random() | 1ull << FRAME_MAX_ORDER);

            if (hold(order, (u32)unit_random_below(nodes))) {
                held[held_count - 1].tag = round << 12;
                stamp(&held[held_count - 1]);
                in_use += 1ull << order;
            }
        } else if (held_count > 0) {
            u32 index = (u32)unit_random_below(held_count);

            EXPECT(stamp_holds(&held[index]));
            in_use -= 1ull << held[index].order;
            drop(index);
        }
        if (round % 64 == 0) {
            EXPECT_EQ(free_frames(), total - in_use);
            EXPECT_EQ(statistics().by_use[FRAME_USER], in_use);
            EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), in_use);
        }
        if (round % 777 == 0)
            frame_cache_drain();
    }
    for (u32 i = 0; i < held_count; i++)
        EXPECT(stamp_holds(&held[i]));
}

TEST(random_use_matches_a_model_and_restores_the_start)
{
    for (u32 nodes = 1; nodes <= 2; nodes++) {
        u32 before[2][FRAME_MAX_ORDER + 1] = {0};
        u32 after[2][FRAME_MAX_ORDER + 1] = {0};

        start(24 * MIB, nodes);
        for (u32 i = 0; i < nodes; i++)
            count_runs(i, before[i]);
        random_rounds(20000, nodes);
        drop_all();
        for (u32 i = 0; i < nodes; i++)
            count_runs(i, after[i]);
        EXPECT_MEM_EQ(before, after, sizeof(before));
        EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), 0);
    }
}

TEST(runs_do_not_merge_across_nodes)
{
    start_early(20 * MIB, 2);
    /* The border at 10 MiB lies in the middle of a 4 MiB run. Early frames come from the end. */
    u32 last = 0;

    while (boot->memory_ranges[last].start != 10 * MIB)
        last++;
    boot->memory_ranges[last].end = 16 * MIB;
    boot->memory_ranges[last + 1] = (struct boot_memory_range){
        .start = 16 * MIB, .end = 20 * MIB, .kind = BOOT_MEMORY_FREE, .node = 0};
    boot->memory_range_count = last + 2;
    frame_init(boot);
    EXPECT_EQ(statistics().node_free[1], 6 * MIB / PAGE_SIZE);
    for (u32 i = 0; i < 2; i++) {
        for (u32 order = 0; order <= FRAME_MAX_ORDER; order++) {
            LIST_FOREACH (link, &frame_nodes[i].free[order]) {
                u64 run = arch_virt_to_phys(link).raw;

                EXPECT_EQ(frame_node(paddr(run)), i);
                EXPECT_EQ(frame_node(paddr(run + (PAGE_SIZE << order) - 1)), i);
            }
        }
    }
}

TEST(a_node_is_used_first_and_then_its_nearest)
{
    start(16 * MIB, 2);
    u64 on_node_1 = statistics().node_free[1];

    for (u64 i = 0; i < on_node_1; i++) {
        if (!hold(0, 1) || frame_node(paddr(held[held_count - 1].pfn << PAGE_SHIFT)) != 1)
            break;
    }
    /* All but the reserve of node 1 came first. */
    EXPECT_EQ(held_count, on_node_1 - 32 + 1);
    EXPECT_EQ(frame_node(paddr(held[held_count - 1].pfn << PAGE_SHIFT)), 0);
    EXPECT_EQ(statistics().node_free[1], 32);
    EXPECT_EQ(statistics().node_local[1], on_node_1 - 32);
    EXPECT_EQ(statistics().node_remote[1], 0);
    EXPECT_EQ(statistics().node_remote[0], 1);
}

TEST(nodes_are_tried_by_distance)
{
    static const u8 distances[4][4] = {
        {50, 40, 20, 20}, {40, 10, 30, 20}, {20, 30, 10, 60}, {10, 10, 10, 10}};
    static const u8 expected[4][4] = {{0, 2, 3, 1}, {1, 3, 2, 0}, {2, 0, 1, 3}, {3, 0, 1, 2}};

    start_early(8 * MIB, 1);
    boot->node_count = 4;
    for (u32 i = 0; i < 4; i++)
        memcpy(boot->node_distance[i], distances[i], 4);
    frame_init(boot);
    for (u32 i = 0; i < 4; i++)
        EXPECT_MEM_EQ(frame_nodes[i].nearest, expected[i], 4);
}

TEST(page_zero_is_never_given_out)
{
    start_early(4 * MIB, 1);
    boot->memory_ranges[0].start = 0;
    boot->trampoline = boot->memory_ranges[0].end;
    frame_init(boot);
    u64 before = free_frames();

    frame_add_range(0, 3 * PAGE_SIZE, 0);
    EXPECT_EQ(free_frames(), before + 2);
    EXPECT(!frame_is_memory(paddr(0)));
    EXPECT(frame_is_memory(paddr(PAGE_SIZE)));
}

TEST(a_range_added_later_is_given_out_but_for_the_start_page)
{
    start(4 * MIB, 1);
    const struct boot_memory_range *loader = NULL;

    for (u32 i = 0; i < boot->memory_range_count; i++)
        if (boot->memory_ranges[i].kind == BOOT_MEMORY_LOADER)
            loader = &boot->memory_ranges[i];
    REQUIRE(loader != NULL);
    boot->trampoline = loader->start + 2 * PAGE_SIZE;
    u64 pages = (loader->end - loader->start) >> PAGE_SHIFT;
    u64 before = free_frames();
    u64 total = statistics().total;

    EXPECT(!frame_is_memory(paddr(loader->start)));
    frame_add_range(loader->start, loader->end, 0);
    EXPECT_EQ(free_frames(), before + pages - 1);
    EXPECT_EQ(statistics().total, total + pages - 1);
    EXPECT(frame_is_memory(paddr(loader->start)));
    EXPECT(!frame_is_memory(paddr(boot->trampoline)));
    u64 found = 0;

    while (hold(0, 0)) {
        u64 address = held[held_count - 1].pfn << PAGE_SHIFT;

        EXPECT_NE(address, boot->trampoline);
        found += address >= loader->start && address < loader->end;
    }
    EXPECT_LE(1, found);
}

TEST(incomplete_pages_are_left_out)
{
    start(4 * MIB, 1);
    u64 before = free_frames();

    for (u32 i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];

        if (range->kind == BOOT_MEMORY_INIT)
            frame_add_range(range->start + 1, range->start + 2 * PAGE_SIZE + 1, 0);
    }
    EXPECT_EQ(free_frames(), before + 1);
}

TEST(a_shared_frame_is_freed_by_its_last_owner)
{
    start(8 * MIB, 1);
    u64 before = free_frames();
    paddr_t frame;

    REQUIRE(frame_alloc(&account, FRAME_USER, 0, 0, &frame) == STATUS_OK);
    EXPECT(!frame_is_shared(frame));
    REQUIRE(frame_share(&account, frame) == STATUS_OK);
    REQUIRE(frame_share(&account, frame) == STATUS_OK);
    EXPECT(frame_is_shared(frame));
    EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), 3);
    frame_unshare(&account, frame);
    frame_unshare(&account, frame);
    EXPECT(!frame_is_shared(frame));
    EXPECT_EQ(free_frames(), before - 1);
    EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), 1);
    frame_unshare(&account, frame);
    EXPECT_EQ(free_frames(), before);
    EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), 0);
}

TEST(a_charge_that_fails_takes_no_frame)
{
    start(8 * MIB, 1);
    make_account(20);
    u64 before = free_frames();
    paddr_t frame;

    EXPECT_EQ(frame_alloc(&account, FRAME_USER, 5, 0, &frame), STATUS_GROUP_LIMIT);
    EXPECT_EQ(free_frames(), before);
    EXPECT_EQ(frame_alloc(&account, FRAME_USER, 4, 0, &frame), STATUS_OK);
    EXPECT_EQ(frame_alloc(&account, FRAME_USER, 3, 0, &frame), STATUS_GROUP_LIMIT);
    EXPECT_EQ(free_frames(), before - 16);
}

TEST(an_injected_failure_at_any_step_changes_nothing)
{
    start(8 * MIB, 1);
    u64 before = free_frames();
    paddr_t frame;
    enum status status;
    u32 failures = 0;

    for (u64 n = 1;; n++) {
        bool zeroed = n % 2 == 0;

        unit_fail_nth((n + 1) / 2);
        status = zeroed ? frame_alloc_zeroed(&account, FRAME_USER, &frame)
                        : frame_alloc(&account, FRAME_USER, 0, 0, &frame);
        bool failed = unit_failed();

        unit_fail_nth(0);
        if (!failed)
            break;
        failures++;
        EXPECT_NE(status, STATUS_OK);
        EXPECT_EQ(free_frames(), before);
        EXPECT_EQ(account_used(&account, GROUP_MEMORY_FRAMES), 0);
    }
    EXPECT_LE(2, failures);
    EXPECT_EQ(status, STATUS_OK);
    frame_free(&account, frame, 0);
}

TEST(the_kernel_itself_is_spared_injected_failures)
{
    start(8 * MIB, 1);
    paddr_t frame;

    unit_fail_nth(1);
    EXPECT_EQ(frame_alloc(NULL, FRAME_KERNEL, 0, 0, &frame), STATUS_OK);
    EXPECT(!unit_failed());
}

static void free_again(void *argument)
{
    frame_free(NULL, *(paddr_t *)argument, 0);
}

static void free_wrong_order(void *argument)
{
    frame_free(NULL, *(paddr_t *)argument, 1);
}

static void allocate_until_checked(void *argument)
{
    paddr_t frame;

    *((u64 *)arch_phys_to_virt(*(paddr_t *)argument) + 100) = 1;
    for (u32 i = 0; i < 100; i++)
        if (frame_alloc(NULL, FRAME_KERNEL, 0, 0, &frame) != STATUS_OK)
            return;
}

static void free_as_zero(void *argument)
{
    frame_free_zeroed(NULL, *(paddr_t *)argument);
}

TEST(a_frame_called_zero_that_is_not_is_caught)
{
    start(64 * MIB, 1);
    paddr_t frame;

    REQUIRE(frame_alloc_zeroed(NULL, FRAME_KERNEL, &frame) == STATUS_OK);
    ((u8 *)arch_phys_to_virt(frame))[PAGE_SIZE - 1] = 1;
    EXPECT_DIES(free_as_zero, &frame);
}

TEST(double_free_wrong_order_and_use_after_free_are_caught)
{
    start(8 * MIB, 1);
    paddr_t frame;
    paddr_t inside;

    REQUIRE(frame_alloc(NULL, FRAME_KERNEL, 2, 0, &frame) == STATUS_OK);
    inside = paddr(frame.raw + PAGE_SIZE);
    EXPECT_DIES(free_wrong_order, &frame);
    EXPECT_DIES(free_again, &inside);
    frame_free(NULL, frame, 2);
    EXPECT_DIES(free_again, &frame);

    REQUIRE(frame_alloc(NULL, FRAME_KERNEL, 0, 0, &frame) == STATUS_OK);
    frame_free(NULL, frame, 0);
    EXPECT_DIES(free_again, &frame);
    EXPECT_DIES(allocate_until_checked, &frame);
}

TEST(memory_in_banks_far_apart_needs_records_for_the_banks_only)
{
    /* One bank as given, and a description of another 1 TiB up that is never touched but for its
     * start. */
    start_early(64 * MIB, 1);
    struct boot_memory_range *last = &boot->memory_ranges[boot->memory_range_count];

    *last = (struct boot_memory_range){.start = 1ull << 40,
                                       .end = (1ull << 40) + 128 * MIB,
                                       .kind = BOOT_MEMORY_LOADER,
                                       .node = 0};
    boot->memory_range_count++;
    frame_init(boot);
    make_account(ALL);
    /* 8 bytes a frame for 192 MiB, and 16 bytes for each of the 8193 sections. */
    EXPECT_LE(statistics().by_use[FRAME_KERNEL], (192 * MIB / 512 + 8193 * 16) / PAGE_SIZE + 3);
    EXPECT(frame_record((1ull << 28) + 5) != NULL);
    EXPECT(frame_record((1ull << 28) - 5) == NULL);
    EXPECT(frame_record(UINT64_MAX >> PAGE_SHIFT) == NULL);
    EXPECT(hold(0, 0));
}
