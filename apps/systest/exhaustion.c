/* Every call that creates something, where its group has nothing left: an error, and nothing
 * changed. */
#include "systest.h"

/* Tries each kind of creation in `group`; all must fail with GROUP_LIMIT. */
static void expect_nothing_fits(group_t group)
{
    struct group_limits limits;
    struct process process;
    endpoint_t endpoint;
    endpoint_t made;
    struct channel ends[2];
    memory_t memory;
    memory_t source;
    group_t inner;
    ktimer_t timer;

    group_limits_init(&limits, "inner");
    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_STATUS(endpoint_create(group, 0, 0, &made), STATUS_GROUP_LIMIT);
    CHECK_STATUS(channel_create(group, 0, 0, &ends[0], &ends[1]), STATUS_GROUP_LIMIT);
    CHECK_STATUS(memory_create(group, PAGE_SIZE, 0, &memory), STATUS_GROUP_LIMIT);
    CHECK_OK(memory_create(systest.group, PAGE_SIZE, MEMORY_EAGER, &source));
    CHECK_STATUS(memory_clone(group, source, 0, PAGE_SIZE, &memory), STATUS_GROUP_LIMIT);
    CHECK_OK(cap_close(source.cap));
    CHECK_STATUS(timer_create(group, endpoint, &timer), STATUS_GROUP_LIMIT);
    CHECK_STATUS(group_create(group, &limits, &inner), STATUS_GROUP_LIMIT);
    CHECK_STATUS(start_role(group, "exit", "0", NULL, 0, &process), STATUS_GROUP_LIMIT);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(exhaustion, no_objects_left)
{
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, 0, &group));
    expect_nothing_fits(group);
    CHECK_OK(end_group(group));
}

BOOT_TEST(exhaustion, no_kernel_bytes_left)
{
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_KERNEL_BYTES, 0, &group));
    expect_nothing_fits(group);
    CHECK_OK(end_group(group));
}

BOOT_TEST(exhaustion, no_frames_left)
{
    struct process process;
    memory_t memory;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_MEMORY_FRAMES, 0, &group));
    CHECK_STATUS(memory_create(group, PAGE_SIZE, MEMORY_EAGER, &memory), STATUS_GROUP_LIMIT);
    CHECK_STATUS(memory_create(group, PAGE_SIZE, MEMORY_CONTIGUOUS, &memory), STATUS_GROUP_LIMIT);
    CHECK_STATUS(start_role(group, "exit", "0", NULL, 0, &process), STATUS_GROUP_LIMIT);
    CHECK_OK(end_group(group));
}

BOOT_TEST(exhaustion, no_threads_left)
{
    struct process process;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_THREADS, 0, &group));
    CHECK_STATUS(start_role(group, "exit", "0", NULL, 0, &process), STATUS_GROUP_LIMIT);
    CHECK_OK(end_group(group));
}

/* A child of every limit between nothing and enough: whole or not at all. */
BOOT_TEST(exhaustion, spawn_at_every_limit_of_kernel_bytes)
{
    for (u64 bytes = 0; bytes < 24576; bytes += 512) {
        struct exit_record record;
        struct process process;
        group_t group;
        enum status status;

        CHECK_OK(make_group(systest.group, GROUP_KERNEL_BYTES, bytes, &group));
        status = start_role(group, "exit", "0", NULL, 0, &process);
        CHECK(status == STATUS_OK || status == STATUS_GROUP_LIMIT);
        if (status == STATUS_OK) {
            CHECK_OK(end_of(&process, &record));
            CHECK(record.reason == EXIT_NORMAL || record.reason == EXIT_FAULT);
        }
        CHECK_OK(end_group(group));
    }
}

BOOT_TEST(exhaustion, spawn_at_every_limit_of_objects)
{
    for (u64 objects = 0; objects < 24; objects++) {
        struct exit_record record;
        struct process process;
        group_t group;
        enum status status;

        CHECK_OK(make_group(systest.group, GROUP_OBJECTS, objects, &group));
        status = start_role(group, "exit", "0", NULL, 0, &process);
        CHECK(status == STATUS_OK || status == STATUS_GROUP_LIMIT);
        if (status == STATUS_OK)
            CHECK_OK(end_of(&process, &record));
        CHECK_OK(end_group(group));
    }
}

BOOT_TEST(exhaustion, capability_space_fills_up)
{
    struct exit_record record;
    struct process process;
    struct process_cap caps[2];
    group_t group;

    /* The child derives until it cannot: by its group's limit, or for want of a slot. */
    CHECK_OK(make_group(systest.group, GROUP_KERNEL_BYTES, 128 * 1024, &group));
    caps[0] = GIVE("group", group, RIGHT_CREATE_ENDPOINT);
    CHECK_OK(start_role(group, "hoard", NULL, caps, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK(record.code == STATUS_GROUP_LIMIT || record.code == STATUS_NO_SLOT);
    CHECK_OK(end_group(group));
}

BOOT_TEST(exhaustion, heap_says_no)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, 20, &group));
    cap = GIVE("group", group, RIGHT_CREATE_MEMORY);
    CHECK_OK(start_role(group, "malloc", NULL, &cap, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
    CHECK_OK(end_group(group));
}
