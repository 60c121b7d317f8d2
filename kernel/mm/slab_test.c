#include "mm/slab.h"

#include "core/cpu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "port/inject.h"
#include "port/sim.h"
#include "unit.h"

#define ALL      GROUP_NO_LIMIT
#define MAX_HELD 4096u
#define BYTES    GROUP_KERNEL_BYTES

static struct account account;
static void *held[MAX_HELD];

static void start(u64 bytes)
{
    u64 limits[GROUP_RESOURCE_COUNT];
    struct boot_info *boot = sim_boot_memory(bytes, 1);

    sim_inject_hook = unit_should_fail;
    cpu_table_init(boot);
    arch_cpu_bind(cpu_at(0), 0);
    frame_early_init(boot);
    frame_init(boot);
    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        limits[what] = ALL;
    account_init(&account, NULL, limits);
    memset(held, 0, sizeof(held));
}

static u64 free_frames(void)
{
    struct frame_statistics statistics;

    frame_statistics(&statistics);
    return statistics.free;
}

static bool is_zero(const void *object, u32 size)
{
    const u8 *bytes = object;

    for (u32 i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

TEST(objects_are_zeroed_aligned_charged_and_apart)
{
    static const struct {
        u32 size, alignment;
    } kinds[] = {{1, 1},     {8, 8},     {24, 8},    {64, 64},  {100, 16},  {192, 64},
                 {1000, 64}, {2048, 64}, {4096, 64}, {5000, 8}, {16384, 64}};

    for (u32 kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        struct slab_cache cache;
        u32 count = 200;

        start(16 << 20);
        slab_cache_init(&cache, "thing", kinds[kind].size, kinds[kind].alignment);
        EXPECT_LE(kinds[kind].size, cache.object_size);
        EXPECT_EQ(cache.object_size % kinds[kind].alignment, 0);
        for (u32 i = 0; i < count; i++) {
            REQUIRE(slab_alloc(&cache, &account, &held[i]) == STATUS_OK);
            EXPECT_EQ((u64)held[i] % kinds[kind].alignment, 0);
            EXPECT(is_zero(held[i], kinds[kind].size));
            memset(held[i], (int)i + 1, cache.object_size);
        }
        EXPECT_EQ(cache.live_objects, count);
        EXPECT_EQ(account_used(&account, BYTES), (u64)count * cache.object_size);
        for (u32 i = 0; i < count; i++)
            for (u32 k = 0; k < kinds[kind].size; k++)
                if (((u8 *)held[i])[k] != (u8)(i + 1))
                    EXPECT(!"objects overlap");
        for (u32 i = 0; i < count; i++)
            slab_free(&cache, &account, held[i]);
        EXPECT_EQ(cache.live_objects, 0);
        EXPECT_LE(cache.slab_count, 1);
        EXPECT_EQ(account_used(&account, BYTES), 0);
    }
}

TEST(little_of_a_slab_is_wasted)
{
    for (u32 size = 16; size <= 16384; size += 48) {
        struct slab_cache cache;

        start(4 << 20);
        slab_cache_init(&cache, "thing", size, 8);
        u64 used = (u64)cache.per_slab * cache.object_size;

        EXPECT_LE(used + 64, PAGE_SIZE << cache.order);
        EXPECT(size > 400 || cache.order == 0);
        /* One object per slab cannot do better than its own size; more of them leave a quarter at
         * most. */
        EXPECT_LE((PAGE_SIZE << cache.order) * 3 / 4, used);
    }
}

TEST(an_address_is_reused_for_its_own_kind_only)
{
    struct slab_cache a;
    struct slab_cache b;
    void *object;
    void *other;
    void *again;
    void *keep;

    start(4 << 20);
    slab_cache_init(&a, "a", 128, 8);
    slab_cache_init(&b, "b", 128, 8);
    REQUIRE(slab_alloc(&a, NULL, &keep) == STATUS_OK);
    REQUIRE(slab_alloc(&a, NULL, &object) == STATUS_OK);
    slab_free(&a, NULL, object);
    REQUIRE(slab_alloc(&b, NULL, &other) == STATUS_OK);
    EXPECT(other != object);
    REQUIRE(slab_alloc(&a, NULL, &again) == STATUS_OK);
    EXPECT(again == object);
    EXPECT(is_zero(again, 128));
}

TEST(frames_go_back_when_slabs_are_empty_but_for_one)
{
    struct slab_cache cache;

    start(8 << 20);
    slab_cache_init(&cache, "thing", 500, 8);
    u64 before = free_frames();
    u32 count = cache.per_slab * 20;

    for (u32 i = 0; i < count; i++)
        REQUIRE(slab_alloc(&cache, NULL, &held[i]) == STATUS_OK);
    EXPECT_EQ(cache.slab_count, 20);
    EXPECT_EQ(free_frames(), before - (20ull << cache.order));
    EXPECT(cache.partial == NULL);
    for (u32 i = 0; i < count; i++)
        slab_free(&cache, NULL, held[i]);
    EXPECT_EQ(cache.slab_count, 1);
    EXPECT(cache.empty != NULL);
    EXPECT(cache.partial == NULL);
    EXPECT_EQ(free_frames(), before - (1ull << cache.order));
    REQUIRE(slab_alloc(&cache, NULL, &held[0]) == STATUS_OK);
    EXPECT_EQ(cache.slab_count, 1);
    EXPECT(cache.empty == NULL);
}

TEST(random_use_matches_a_model)
{
    struct slab_cache cache;
    u32 live = 0;

    start(16 << 20);
    slab_cache_init(&cache, "thing", 200, 8);
    for (u32 round = 0; round < 40000; round++) {
        u32 slot = (u32)unit_random_below(round < 20000 ? 2000 : 300);

        if (held[slot] == NULL) {
            REQUIRE(slab_alloc(&cache, &account, &held[slot]) == STATUS_OK);
            EXPECT(is_zero(held[slot], 200));
            for (u32 i = 0; i < 25; i++)
                ((u64 *)held[slot])[i] = slot;
            live++;
        } else {
            for (u32 i = 0; i < 25; i++)
                EXPECT_EQ(((u64 *)held[slot])[i], slot);
            slab_free(&cache, &account, held[slot]);
            held[slot] = NULL;
            live--;
        }
        EXPECT_EQ(cache.live_objects, live);
        EXPECT_EQ(account_used(&account, BYTES), (u64)live * cache.object_size);
    }
    for (u32 slot = 0; slot < 2000; slot++) {
        if (held[slot] != NULL)
            slab_free(&cache, &account, held[slot]);
        held[slot] = NULL;
    }
    EXPECT_EQ(cache.live_objects, 0);
    EXPECT_EQ(cache.slab_count, 1);
}

TEST(no_memory_and_a_full_account_charge_nothing)
{
    struct slab_cache cache;
    void *object;
    u32 count = 0;

    start(4 << 20);
    slab_cache_init(&cache, "thing", 2000, 8);
    account_set_limit(&account, BYTES, 3 * cache.object_size + 5);
    for (u32 i = 0; i < 3; i++)
        REQUIRE(slab_alloc(&cache, &account, &held[i]) == STATUS_OK);
    EXPECT_EQ(slab_alloc(&cache, &account, &object), STATUS_GROUP_LIMIT);
    EXPECT_EQ(account_used(&account, BYTES), 3 * cache.object_size);
    account_set_limit(&account, BYTES, ALL);

    while (slab_alloc(&cache, &account, &object) == STATUS_OK)
        count++;
    EXPECT_LT(100, count);
    EXPECT_EQ(slab_alloc(&cache, &account, &object), STATUS_NO_MEMORY);
    EXPECT_EQ(account_used(&account, BYTES), (count + 3) * cache.object_size);
    /* The reserve is there for the kernel. */
    EXPECT_EQ(slab_alloc(&cache, NULL, &object), STATUS_OK);
}

TEST(an_injected_failure_at_any_step_changes_nothing)
{
    struct slab_cache cache;
    void *object;
    u32 failures = 0;

    start(4 << 20);
    slab_cache_init(&cache, "thing", 2000, 8);
    u64 before = free_frames();

    for (u64 n = 1;; n++) {
        unit_fail_nth(n);
        enum status status = slab_alloc(&cache, &account, &object);
        bool failed = unit_failed();

        unit_fail_nth(0);
        if (!failed) {
            EXPECT_EQ(status, STATUS_OK);
            break;
        }
        failures++;
        EXPECT_NE(status, STATUS_OK);
        EXPECT_EQ(account_used(&account, BYTES), 0);
        EXPECT_EQ(cache.live_objects, 0);
        EXPECT_EQ(free_frames(), before);
    }
    EXPECT_LE(1, failures);
}

TEST(all_caches_are_listed)
{
    struct slab_cache a;
    struct slab_cache b;

    start(4 << 20);
    EXPECT(slab_first_cache() == NULL);
    slab_cache_init(&a, "a", 64, 8);
    slab_cache_init(&b, "b", 64, 8);
    EXPECT(slab_first_cache() == &b);
    EXPECT(b.next_cache == &a);
    EXPECT(a.next_cache == NULL);
}

struct misuse {
    struct slab_cache cache;
    void *object;
};

static void free_object_again(void *argument)
{
    struct misuse *misuse = argument;

    slab_free(&misuse->cache, NULL, misuse->object);
}

static void write_then_allocate(void *argument)
{
    struct misuse *misuse = argument;
    void *object;

    ((u8 *)misuse->object)[90] = 1;
    if (slab_alloc(&misuse->cache, NULL, &object) != STATUS_OK)
        return;
}

static void free_inside(void *argument)
{
    struct misuse *misuse = argument;

    slab_free(&misuse->cache, NULL, (char *)misuse->object + 8);
}

TEST(double_free_and_use_after_free_are_caught)
{
    struct misuse misuse;
    void *keep;

    start(4 << 20);
    slab_cache_init(&misuse.cache, "thing", 100, 8);
    REQUIRE(slab_alloc(&misuse.cache, NULL, &keep) == STATUS_OK);
    REQUIRE(slab_alloc(&misuse.cache, NULL, &misuse.object) == STATUS_OK);
    EXPECT_DIES(free_inside, &misuse);
    slab_free(&misuse.cache, NULL, misuse.object);
    EXPECT_DIES(free_object_again, &misuse);
    EXPECT_DIES(write_then_allocate, &misuse);
}
