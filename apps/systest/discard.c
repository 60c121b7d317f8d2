/* discard_memory: pages that are given back, and copies that go with the mapping that had them. */
#include "systest.h"

#define PAGES 100u

static volatile u64 *word_of(u64 address, u64 page)
{
    return (volatile u64 *)(uintptr_t)(address + page * PAGE_SIZE);
}

static u64 frames_used(void)
{
    struct group_usage usage = {0};

    return group_usage(systest.group, &usage) != STATUS_OK ? 0 : usage.used[GROUP_MEMORY_FRAMES];
}

static void make_filled(memory_t *memory, u64 *address)
{
    CHECK_OK(make_mapping(PAGES * PAGE_SIZE, MAP_READ | MAP_WRITE, address, memory));
    for (u64 page = 0; page < PAGES; page++)
        *word_of(*address, page) = 1000 + page;
}

BOOT_TEST(discard, pages_go_back_to_the_group_and_read_as_zeros)
{
    memory_t memory;
    u64 address;
    u64 before;

    make_filled(&memory, &address);
    before = frames_used();
    CHECK_OK(memory_discard(memory, 10 * PAGE_SIZE, 80 * PAGE_SIZE));
    CHECK(before - frames_used() >= 16); /* a group's spare credit hides some */
    for (u64 page = 0; page < PAGES; page++)
        CHECK_EQ(*word_of(address, page), page >= 10 && page < 90 ? 0 : 1000 + page);
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}

/* A group that has no page to spare gets along by giving pages back. */
BOOT_TEST(discard, a_full_group_can_go_on_with_what_it_gave_back)
{
    struct group_limits limits;
    memory_t memory;
    memory_t other;
    group_t group;
    u64 address = 0;

    group_limits_init(&limits, "discard");
    limits.limit[GROUP_MEMORY_FRAMES] = 41;
    CHECK_OK(group_create(systest.group, &limits, &group));
    CHECK_OK(memory_create(group, 40 * PAGE_SIZE, MEMORY_EAGER, &memory)); /* and a table */
    CHECK_STATUS(memory_create(group, PAGE_SIZE, MEMORY_EAGER, &other), STATUS_GROUP_LIMIT);
    CHECK_OK(memory_discard(memory, 0, 2 * PAGE_SIZE));
    CHECK_OK(memory_create(group, 2 * PAGE_SIZE, MEMORY_EAGER, &other));
    CHECK_OK(memory_map(memory, 0, 40 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    CHECK_OK(cap_close(other.cap));
    *word_of(address, 39) = 1;
    CHECK_OK(memory_unmap(address, 40 * PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(group_destroy(group));
    CHECK_OK(cap_close(group.cap));
}

BOOT_TEST(discard, refuses_what_is_not_a_range_of_anonymous_memory)
{
    memory_t memory;
    memory_t run;
    memory_t readable;

    CHECK_OK(memory_create(systest.group, 2 * PAGE_SIZE, 0, &memory));
    CHECK_OK(memory_create(systest.group, PAGE_SIZE, MEMORY_CONTIGUOUS, &run));
    CHECK_OK(cap_derive_rights(memory.cap, RIGHT_READ, &readable.cap));
    CHECK_STATUS(memory_discard(memory, 1, PAGE_SIZE), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_discard(memory, 0, PAGE_SIZE + 1), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_discard(memory, 0, 0), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_discard(memory, PAGE_SIZE, 2 * PAGE_SIZE), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_discard(memory, 0, UINT64_MAX - PAGE_SIZE + 1), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_discard(run, 0, PAGE_SIZE), STATUS_NOT_SUPPORTED);
    CHECK_STATUS(memory_discard(readable, 0, PAGE_SIZE), STATUS_MISSING_RIGHT);
    CHECK_OK(memory_discard(memory, 0, 2 * PAGE_SIZE));
    CHECK_OK(cap_close(readable.cap));
    CHECK_OK(cap_close(run.cap));
    CHECK_OK(cap_close(memory.cap));
}

static u32 stop;

/* Counts up in a word that may turn to zero under it, and in its second mapping. */
static u64 write_on(void *argument)
{
    volatile u64 *words = argument;
    u64 count = 0;

    while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE) == 0) {
        words[0] = ++count;
        words[1] = ~count;
    }
    return count;
}

/* A writer on another CPU meets pages that are zero or its own, and two mappings never differ. */
BOOT_TEST(discard, does_not_disturb_who_writes_meanwhile)
{
    struct thread writer;
    memory_t memory;
    u64 address;
    u64 again = 0;

    stop = 0;
    CHECK_OK(make_mapping(4 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    CHECK_OK(memory_map(memory, 0, 4 * PAGE_SIZE, MAP_READ | MAP_WRITE, &again));
    CHECK_OK(thread_start(&writer, write_on, (void *)(uintptr_t)address, 0));
    for (u32 i = 0; i < 100; i++) {
        CHECK_OK(memory_discard(memory, 0, 4 * PAGE_SIZE));
        *word_of(again, 1) = i + 1;
        CHECK_EQ(*word_of(address, 1), i + 1);
        thread_yield();
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    CHECK(thread_join(&writer) > 0);
    *word_of(again, 0) = 5;
    CHECK_EQ(*word_of(address, 0), 5);
    CHECK_OK(memory_unmap(again, 4 * PAGE_SIZE));
    CHECK_OK(memory_unmap(address, 4 * PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}

/* Unmapping the middle of a private mapping frees the copies that it had. */
BOOT_TEST(discard, copies_go_with_their_part_of_the_mapping)
{
    memory_t memory;
    u64 source;
    u64 copy = 0;
    u64 before;

    make_filled(&memory, &source);
    CHECK_OK(memory_map(memory, 0, PAGES * PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_PRIVATE, &copy));
    for (u64 page = 0; page < PAGES; page++)
        *word_of(copy, page) = page;
    before = frames_used();
    CHECK_OK(memory_unmap(copy + 10 * PAGE_SIZE, 80 * PAGE_SIZE));
    for (u32 i = 0; i < 1000 && before - frames_used() < 16; i++)
        time_sleep_ns(NS_PER_MS);
    CHECK(before - frames_used() >= 16);
    CHECK_EQ(*word_of(copy, 9), 9);
    CHECK_EQ(*word_of(copy, 95), 95);
    CHECK_EQ(*word_of(source, 50), 1050);
    CHECK_OK(memory_unmap(copy, 10 * PAGE_SIZE));
    CHECK_OK(memory_unmap(copy + 90 * PAGE_SIZE, 10 * PAGE_SIZE));
    CHECK_OK(memory_unmap(source, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}
