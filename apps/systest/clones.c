/* clone_memory: copies that share pages until one side writes. */
#include "systest.h"

#include "ferrous/thread.h"

#define PAGES 8u

static volatile u64 *word_of(u64 address, u64 page)
{
    return (volatile u64 *)(uintptr_t)(address + page * PAGE_SIZE);
}

/* An object of PAGES pages, all but the last written, and a mapping of it. */
static void make_source(memory_t *source, u64 *address)
{
    CHECK_OK(make_mapping(PAGES * PAGE_SIZE, MAP_READ | MAP_WRITE, address, source));
    for (u64 page = 0; page < PAGES - 1; page++)
        *word_of(*address, page) = 100 + page;
}

BOOT_TEST(clones, each_side_writes_its_own_copy)
{
    memory_t source;
    memory_t clone;
    u64 ours;
    u64 theirs = 0;

    make_source(&source, &ours);
    CHECK_OK(memory_clone(systest.group, source, 0, PAGES * PAGE_SIZE, &clone));
    CHECK_OK(memory_map(clone, 0, PAGES * PAGE_SIZE, MAP_READ | MAP_WRITE, &theirs));
    *word_of(ours, 0) = 1;
    *word_of(theirs, 1) = 2;
    *word_of(ours, 2) = 3;
    *word_of(theirs, 2) = 4;
    *word_of(ours, PAGES - 1) = 5; /* a page that nobody had */
    CHECK_EQ(*word_of(theirs, 0), 100);
    CHECK_EQ(*word_of(ours, 1), 101);
    CHECK_EQ(*word_of(ours, 2), 3);
    CHECK_EQ(*word_of(theirs, 2), 4);
    for (u64 page = 3; page < PAGES - 1; page++) {
        CHECK_EQ(*word_of(ours, page), 100 + page);
        CHECK_EQ(*word_of(theirs, page), 100 + page);
    }
    CHECK_EQ(*word_of(theirs, PAGES - 1), 0);
    CHECK_OK(memory_unmap(theirs, PAGES * PAGE_SIZE));
    CHECK_OK(memory_unmap(ours, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(clone.cap));
    CHECK_OK(cap_close(source.cap));
}

/* A page that gets another frame changes in every mapping of its object. */
BOOT_TEST(clones, all_mappings_of_one_side_stay_the_same_memory)
{
    memory_t source;
    memory_t clone;
    u64 first;
    u64 second = 0;
    u64 private = 0;

    make_source(&source, &first);
    CHECK_OK(memory_map(source, PAGE_SIZE, PAGE_SIZE, MAP_READ | MAP_WRITE, &second));
    CHECK_OK(
        memory_map(source, PAGE_SIZE, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_PRIVATE, &private));
    CHECK_OK(memory_clone(systest.group, source, 0, PAGES * PAGE_SIZE, &clone));
    CHECK_EQ(*word_of(second, 0), 101);
    CHECK_EQ(*word_of(private, 0), 101);
    *word_of(first, 1) = 7; /* both others have the old page in their tables now */
    CHECK_EQ(*word_of(second, 0), 7);
    CHECK_EQ(*word_of(private, 0), 7);
    *word_of(second, 0) = 8;
    CHECK_EQ(*word_of(first, 1), 8);
    *word_of(private, 0) = 9;
    CHECK_EQ(*word_of(first, 1), 8);
    CHECK_OK(cap_close(clone.cap));
    *word_of(first, 3) = 10; /* nobody shares any more */
    CHECK_EQ(*word_of(first, 3), 10);
    CHECK_OK(memory_unmap(private, PAGE_SIZE));
    CHECK_OK(memory_unmap(second, PAGE_SIZE));
    CHECK_OK(memory_unmap(first, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(source.cap));
}

BOOT_TEST(clones, a_range_a_clone_of_a_clone_and_a_source_that_has_gone)
{
    memory_t source;
    memory_t clone;
    memory_t second;
    u64 address;
    u64 seen = 0;

    make_source(&source, &address);
    CHECK_OK(memory_clone(systest.group, source, 2 * PAGE_SIZE, 3 * PAGE_SIZE, &clone));
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(source.cap));
    CHECK_OK(memory_clone(systest.group, clone, PAGE_SIZE, 2 * PAGE_SIZE, &second));
    CHECK_OK(cap_close(clone.cap));
    CHECK_OK(memory_map(second, 0, 2 * PAGE_SIZE, MAP_READ | MAP_WRITE, &seen));
    CHECK_EQ(*word_of(seen, 0), 103);
    *word_of(seen, 1) += 1;
    CHECK_EQ(*word_of(seen, 1), 105);
    CHECK_OK(memory_unmap(seen, 2 * PAGE_SIZE));
    CHECK_OK(cap_close(second.cap));
}

BOOT_TEST(clones, each_owner_pays_for_each_page)
{
    struct group_limits limits;
    struct group_usage usage;
    memory_t source;
    memory_t clone;
    group_t group;
    u64 address;
    u64 seen = 0;

    make_source(&source, &address);
    group_limits_init(&limits, "clone");
    CHECK_OK(group_create(systest.group, &limits, &group));
    CHECK_OK(memory_clone(group, source, 0, PAGES * PAGE_SIZE, &clone));
    CHECK_OK(group_usage(group, &usage));
    CHECK_EQ(usage.used[GROUP_MEMORY_FRAMES], PAGES - 1);
    CHECK_OK(memory_map(clone, 0, PAGES * PAGE_SIZE, MAP_READ | MAP_WRITE, &seen));
    for (u64 page = 0; page < PAGES - 1; page++)
        *word_of(seen, page) += 1;
    for (u32 i = 0; i < 1000; i++) { /* the shares that were given up go after grace periods */
        CHECK_OK(group_usage(group, &usage));
        if (usage.used[GROUP_MEMORY_FRAMES] == PAGES - 1)
            break;
        thread_yield();
    }
    CHECK_EQ(usage.used[GROUP_MEMORY_FRAMES], PAGES - 1);
    CHECK_OK(memory_unmap(seen, PAGES * PAGE_SIZE));
    CHECK_OK(group_destroy(group));
    CHECK_OK(group_usage(group, &usage));
    CHECK_EQ(usage.used[GROUP_MEMORY_FRAMES], 0);
    CHECK_EQ(*word_of(address, 3), 103);
    CHECK_OK(cap_close(group.cap));
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(source.cap));
}

BOOT_TEST(clones, one_that_cannot_be_paid_for_leaves_nothing)
{
    struct group_limits limits;
    struct group_usage usage;
    memory_t source;
    memory_t clone;
    group_t group;
    u64 address;

    make_source(&source, &address);
    group_limits_init(&limits, "small");
    limits.limit[GROUP_MEMORY_FRAMES] = PAGES / 2;
    CHECK_OK(group_create(systest.group, &limits, &group));
    CHECK_STATUS(memory_clone(group, source, 0, PAGES * PAGE_SIZE, &clone), STATUS_GROUP_LIMIT);
    CHECK_OK(group_destroy(group));
    CHECK_OK(group_usage(group, &usage));
    CHECK_EQ(usage.used[GROUP_MEMORY_FRAMES] + usage.used[GROUP_OBJECTS], 0);
    *word_of(address, 0) = 1;
    CHECK_OK(cap_close(group.cap));
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(source.cap));
}

BOOT_TEST(clones, arguments_are_checked)
{
    memory_t source;
    memory_t clone;
    memory_t run;
    cap_t weak;
    u64 address;
    const u64 size = PAGES * PAGE_SIZE;

    make_source(&source, &address);
    CHECK_STATUS(memory_clone(systest.group, source, 0, 0, &clone), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_clone(systest.group, source, 1, PAGE_SIZE, &clone), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_clone(systest.group, source, 0, PAGE_SIZE - 1, &clone),
                 STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_clone(systest.group, source, PAGE_SIZE, size, &clone), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_clone(systest.group, source, UINT64_MAX - PAGE_SIZE + 1, size, &clone),
                 STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_clone(systest.group, (memory_t){CAP_NULL}, 0, size, &clone),
                 STATUS_BAD_HANDLE);
    CHECK_STATUS(memory_clone(systest.group, (memory_t){systest.group.cap}, 0, size, &clone),
                 STATUS_WRONG_TYPE);
    CHECK_OK(cap_derive_rights(source.cap, RIGHT_WRITE, &weak));
    CHECK_STATUS(memory_clone(systest.group, (memory_t){weak}, 0, size, &clone),
                 STATUS_MISSING_RIGHT);
    CHECK_OK(cap_close(weak));
    CHECK_STATUS(memory_clone(systest.group, (memory_t){weak}, 0, size, &clone),
                 STATUS_STALE_HANDLE);
    CHECK_OK(memory_create(systest.group, PAGE_SIZE, MEMORY_CONTIGUOUS, &run));
    CHECK_STATUS(memory_clone(systest.group, run, 0, PAGE_SIZE, &clone), STATUS_NOT_SUPPORTED);
    CHECK_STATUS(memory_clone(systest.group, systest.image.memory, 0, PAGE_SIZE, &clone),
                 STATUS_NOT_SUPPORTED);
    CHECK_OK(cap_close(run.cap));
    CHECK_OK(memory_unmap(address, size));
    CHECK_OK(cap_close(source.cap));
}

BOOT_TEST(clones, pages_that_the_kernel_has_pinned_are_not_shared)
{
    struct thread_facts facts;
    memory_t source;
    memory_t clone;
    memory_t other;
    u64 address;

    make_source(&source, &address);
    CHECK_OK(kthread_create(start_self(), USER_START, USER_START, 0, 0, true,
                            (void *)(uintptr_t)address, &facts));
    CHECK_STATUS(memory_clone(systest.group, source, 0, PAGE_SIZE, &clone), STATUS_BUSY);
    CHECK_OK(kthread_kill(facts.thread, 0));
    CHECK_OK(cap_close(facts.thread.cap));
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(source.cap));
    /* And the other way round. */
    make_source(&other, &address);
    CHECK_OK(memory_clone(systest.group, other, 0, PAGE_SIZE, &clone));
    CHECK_STATUS(kthread_create(start_self(), USER_START, USER_START, 0, 0, true,
                                (void *)(uintptr_t)address, &facts),
                 STATUS_BUSY);
    CHECK_OK(cap_close(clone.cap));
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(other.cap));
}

BOOT_TEST(clones, what_is_shared_is_mapped_a_bounded_number_of_times)
{
    static u64 places[80];
    memory_t source;
    memory_t clone;
    u64 address;
    u32 count = 0;
    enum status status = STATUS_OK;

    make_source(&source, &address);
    CHECK_OK(memory_clone(systest.group, source, 0, PAGE_SIZE, &clone));
    for (; count < 80 && status == STATUS_OK; count += status == STATUS_OK) {
        places[count] = 0;
        status = memory_map(clone, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &places[count]);
    }
    CHECK_EQ(status, STATUS_FULL);
    CHECK_EQ(count, 64);
    for (u32 i = 0; i < count; i++)
        CHECK_EQ(*word_of(places[i], 0), 100);
    *word_of(places[5], 0) = 1;
    for (u32 i = 0; i < count; i++)
        CHECK_EQ(*word_of(places[i], 0), 1);
    CHECK_EQ(*word_of(address, 0), 100);
    for (u32 i = 0; i < count; i++)
        CHECK_OK(memory_unmap(places[i], PAGE_SIZE));
    CHECK_OK(cap_close(clone.cap));
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(source.cap));
}

static u32 stop;

static u64 write_on(void *argument)
{
    u64 value = 0;

    while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE) == 0)
        *(volatile u64 *)argument = ++value;
    return value;
}

/* Once clone_memory has returned, no writer of the source, on whatever CPU, reaches the clone. */
BOOT_TEST(clones, a_clone_does_not_change_while_the_source_is_written)
{
    struct thread writer;
    memory_t source;
    u64 address;

    stop = 0;
    make_source(&source, &address);
    CHECK_OK(thread_start(&writer, write_on, (void *)(uintptr_t)address, 0));
    for (u32 i = 0; i < 20; i++) {
        memory_t clone;
        u64 seen = 0;
        u64 value;

        CHECK_OK(memory_clone(systest.group, source, 0, PAGE_SIZE, &clone));
        CHECK_OK(memory_map(clone, 0, PAGE_SIZE, MAP_READ, &seen));
        value = *word_of(seen, 0);
        for (u32 spin = 0; spin < 2000; spin++)
            CHECK_EQ(*word_of(seen, 0), value);
        thread_yield();
        CHECK_EQ(*word_of(seen, 0), value);
        CHECK_OK(memory_unmap(seen, PAGE_SIZE));
        CHECK_OK(cap_close(clone.cap));
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    CHECK(thread_join(&writer) > 0);
    CHECK_OK(memory_unmap(address, PAGES * PAGE_SIZE));
    CHECK_OK(cap_close(source.cap));
}
