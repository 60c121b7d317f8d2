/* Resource groups: limits hold, receipts are exact. */
#include "systest.h"

BOOT_TEST(groups, usage_rises_and_falls)
{
    struct group_usage before;
    struct group_usage after;
    endpoint_t endpoint;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_MEMORY_FRAMES, GROUP_NO_LIMIT, &group));
    CHECK_OK(group_usage(group, &before));
    CHECK(string_equal(before.name, "test"));
    CHECK_OK(endpoint_create(group, 4, 0, &endpoint));
    CHECK_OK(group_usage(group, &after));
    CHECK_EQ(after.used[GROUP_OBJECTS], before.used[GROUP_OBJECTS] + 1);
    CHECK(after.used[GROUP_KERNEL_BYTES] > before.used[GROUP_KERNEL_BYTES]);
    CHECK_OK(cap_close(endpoint.cap));
    for (u32 i = 0; i < 100; i++) {
        CHECK_OK(group_usage(group, &after));
        if (after.used[GROUP_OBJECTS] == before.used[GROUP_OBJECTS])
            break;
        time_sleep_ns(NS_PER_MS);
    }
    CHECK_EQ(after.used[GROUP_OBJECTS], before.used[GROUP_OBJECTS]);
    CHECK_EQ(after.used[GROUP_KERNEL_BYTES], before.used[GROUP_KERNEL_BYTES]);
    CHECK_OK(end_group(group));
}

BOOT_TEST(groups, object_limit_holds)
{
    endpoint_t endpoints[10];
    enum status status = STATUS_OK;
    group_t group;
    u32 count = 0;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, 5, &group));
    while (count < 10) {
        status = endpoint_create(group, 0, 0, &endpoints[count]);
        if (status != STATUS_OK)
            break;
        count++;
    }
    CHECK_STATUS(status, STATUS_GROUP_LIMIT);
    CHECK(count >= 3 && count <= 5);
    while (count > 0)
        CHECK_OK(cap_close(endpoints[--count].cap));
    CHECK_OK(end_group(group));
}

BOOT_TEST(groups, memory_limit_holds_for_eager_memory)
{
    memory_t memory;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_MEMORY_FRAMES, 48, &group));
    CHECK_STATUS(memory_create(group, 64 * PAGE_SIZE, MEMORY_EAGER, &memory), STATUS_GROUP_LIMIT);
    CHECK_OK(memory_create(group, 32 * PAGE_SIZE, MEMORY_EAGER, &memory));
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(end_group(group));
}

BOOT_TEST(groups, memory_limit_ends_who_eats_too_much)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_MEMORY_FRAMES, 256, &group));
    cap = GIVE("group", group, RIGHT_CREATE_MEMORY);
    CHECK_OK(start_role(group, "eat", NULL, &cap, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_FAULT);
    CHECK_EQ(record.fault, FAULT_NO_MEMORY);
    CHECK_OK(end_group(group));
}

BOOT_TEST(groups, process_limit_holds)
{
    struct exit_record record;
    struct process first;
    struct process second;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_PROCESSES, 1, &group));
    CHECK_OK(start_role(group, "sleep", NULL, NULL, 0, &first));
    CHECK_STATUS(start_role(group, "sleep", NULL, NULL, 0, &second), STATUS_GROUP_LIMIT);
    CHECK_OK(process_kill(first.handle, 0));
    CHECK_OK(end_of(&first, &record));
    CHECK_OK(end_group(group));
}

BOOT_TEST(groups, spawn_in_a_tight_group_fails_whole)
{
    struct process process;
    struct exit_record record;

    /* At every limit spawn works wholly or leaves nothing: the counts are compared after this test.
     */
    for (u64 frames = 0; frames < 40; frames += 3) {
        group_t group;
        enum status status;

        CHECK_OK(make_group(systest.group, GROUP_MEMORY_FRAMES, frames, &group));
        status = start_role(group, "exit", "0", NULL, 0, &process);
        CHECK(status == STATUS_OK || status == STATUS_GROUP_LIMIT);
        if (status == STATUS_OK)
            CHECK_OK(end_of(&process, &record));
        CHECK_OK(end_group(group));
    }
}

BOOT_TEST(groups, limits_can_be_moved)
{
    endpoint_t endpoint;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, GROUP_NO_LIMIT, &group));
    CHECK_OK(group_set_limit(group, GROUP_OBJECTS, 0));
    CHECK_STATUS(endpoint_create(group, 0, 0, &endpoint), STATUS_GROUP_LIMIT);
    CHECK_OK(group_set_limit(group, GROUP_OBJECTS, 100));
    CHECK_OK(endpoint_create(group, 0, 0, &endpoint));
    CHECK_OK(cap_close(endpoint.cap));
    CHECK_OK(group_set_weight(group, 500));
    CHECK_STATUS(group_set_weight(group, 0), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(group_set_weight(group, 10001), STATUS_BAD_ARGUMENT);
    CHECK(group_set_limit(group, GROUP_RESOURCE_COUNT, 1) == STATUS_BAD_ARGUMENT);
    CHECK_OK(end_group(group));
}

BOOT_TEST(groups, parents_limit_binds_children)
{
    memory_t memory;
    group_t outer;
    group_t inner;

    CHECK_OK(make_group(systest.group, GROUP_MEMORY_FRAMES, 50, &outer));
    CHECK_OK(make_group(outer, GROUP_MEMORY_FRAMES, GROUP_NO_LIMIT, &inner));
    CHECK_STATUS(memory_create(inner, 64 * PAGE_SIZE, MEMORY_EAGER, &memory), STATUS_GROUP_LIMIT);
    CHECK_OK(memory_create(inner, 20 * PAGE_SIZE, MEMORY_EAGER, &memory));
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(end_group(inner));
    CHECK_OK(end_group(outer));
}

BOOT_TEST(groups, destroy_takes_everything)
{
    struct exit_record record;
    struct process process;
    endpoint_t endpoint;
    memory_t memory;
    group_t outer;
    group_t inner;
    u64 address = 0;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, GROUP_NO_LIMIT, &outer));
    CHECK_OK(make_group(outer, GROUP_OBJECTS, GROUP_NO_LIMIT, &inner));
    CHECK_OK(endpoint_create(inner, 8, 0, &endpoint));
    CHECK_OK(memory_create(outer, 4 * PAGE_SIZE, MEMORY_EAGER, &memory));
    CHECK_OK(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    CHECK_OK(start_role(inner, "sleep", NULL, NULL, 0, &process));
    CHECK_OK(group_destroy(outer));
    CHECK(endpoint_signal(endpoint) != STATUS_OK);
    CHECK(process_wait(process.handle, SOON, &record) != STATUS_OK || record.reason == EXIT_GROUP);
    CHECK(ferrous_syscall_plain(SYS_group_info, systest.group.cap.bits, address, 0) != STATUS_OK);
    process_close(&process);
    (void)cap_close(endpoint.cap);
    (void)cap_close(memory.cap);
    (void)cap_close(inner.cap);
    (void)cap_close(outer.cap);
}

static void make_fill_and_destroy(void)
{
    struct process process;
    endpoint_t endpoint;
    memory_t memory;
    memory_t clone;
    group_t group;
    u64 address = 0;

    CHECK_OK(make_group(systest.group, GROUP_MEMORY_FRAMES, 400, &group));
    CHECK_OK(endpoint_create(group, 8, 0, &endpoint));
    CHECK_OK(memory_create(group, 30 * PAGE_SIZE, MEMORY_EAGER, &memory));
    CHECK_OK(memory_clone(group, memory, 0, 10 * PAGE_SIZE, &clone));
    CHECK_OK(memory_map(memory, 0, 30 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    *(volatile u64 *)(uintptr_t)address = 1; /* one page is shared no more */
    CHECK_OK(memory_discard(memory, 5 * PAGE_SIZE, 20 * PAGE_SIZE));
    CHECK_OK(start_role(group, "sleep", NULL, NULL, 0, &process));
    CHECK_OK(group_destroy(group));
    process_close(&process);
    (void)cap_close(endpoint.cap);
    (void)cap_close(memory.cap);
    (void)cap_close(clone.cap);
    (void)cap_close(group.cap);
}

/* What all rounds together have lost shows in the counts that are compared after each test. */
BOOT_TEST(groups, a_thousand_rounds_of_making_filling_and_destroying_lose_nothing)
{
    for (u32 i = 0; i < 1000; i++)
        make_fill_and_destroy();
}

static u64 time_used_by(group_t group)
{
    struct group_usage usage;

    return group_usage(group, &usage) == STATUS_OK ? usage.cpu_ns : 0;
}

static bool uses_more_than(group_t group, u64 used)
{
    for (u32 i = 0; i < 1000 && time_used_by(group) == used; i++)
        time_sleep_ns(NS_PER_MS);
    return time_used_by(group) > used;
}

BOOT_TEST(groups, a_suspended_group_uses_no_time_until_it_is_resumed)
{
    struct process early;
    struct process busy;
    struct process late;
    group_t outer;
    group_t inner;
    u64 used;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, GROUP_NO_LIMIT, &outer));
    CHECK_OK(make_group(outer, GROUP_OBJECTS, GROUP_NO_LIMIT, &inner));
    CHECK_OK(start_role(inner, "tick", NULL, NULL, 0, &early));
    CHECK_OK(start_role(inner, "spin", NULL, NULL, 0, &busy));
    CHECK(uses_more_than(inner, 0));
    CHECK_OK(group_suspend(outer));
    used = time_used_by(inner);
    CHECK_OK(start_role(inner, "tick", NULL, NULL, 0, &late)); /* stands still from the first */
    time_sleep_ns(20 * NS_PER_MS);
    CHECK(time_used_by(inner) < used + NS_PER_MS); /* who had not had its turn finds out then */
    used = time_used_by(inner);
    CHECK_OK(group_suspend(inner));
    CHECK_OK(group_resume(outer)); /* the one below was suspended by itself, too */
    time_sleep_ns(5 * NS_PER_MS);
    CHECK_EQ(time_used_by(inner), used);
    CHECK_OK(group_resume(inner));
    CHECK(uses_more_than(inner, used));
    CHECK_OK(group_suspend(inner));
    CHECK_OK(process_kill(early.handle, 1));
    CHECK_OK(group_destroy(outer));
    process_close(&early);
    process_close(&busy);
    process_close(&late);
    (void)cap_close(inner.cap);
    (void)cap_close(outer.cap);
}

BOOT_TEST(groups, suspending_checks_its_group)
{
    group_t group;
    group_t weak;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, 0, &group));
    CHECK_OK(group_suspend(group)); /* costs a group that may make nothing nothing */
    CHECK_OK(group_suspend(group));
    CHECK_OK(group_resume(group));
    CHECK_OK(group_resume(group));
    CHECK_OK(cap_derive_rights(group.cap, ~RIGHT_GROUP_CONTROL, &weak.cap));
    CHECK_STATUS(group_suspend(weak), STATUS_MISSING_RIGHT);
    CHECK_STATUS(group_resume(weak), STATUS_MISSING_RIGHT);
    CHECK_OK(cap_close(weak.cap));
    CHECK_STATUS(group_suspend(weak), STATUS_STALE_HANDLE);
    CHECK_STATUS(ferrous_syscall_plain(SYS_group_control, thread_self().cap.bits, GROUP_SUSPEND, 0),
                 STATUS_WRONG_TYPE);
    CHECK_OK(end_group(group));
}

BOOT_TEST(groups, destroyed_group_creates_nothing)
{
    endpoint_t endpoint;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, GROUP_NO_LIMIT, &group));
    CHECK_OK(group_destroy(group));
    CHECK(endpoint_create(group, 0, 0, &endpoint) != STATUS_OK);
    (void)cap_close(group.cap);
}

BOOT_TEST(groups, arguments_are_checked)
{
    struct group_limits limits;
    group_t group;

    group_limits_init(&limits, "test");
    limits.cpu_weight = 10001;
    CHECK_STATUS(group_create(systest.group, &limits, &group), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(ferrous_syscall_plain(SYS_group_control, systest.group.cap.bits, 99, 0),
                 STATUS_BAD_ARGUMENT);
}

BOOT_TEST(groups, twenty_containers)
{
    for (u32 i = 0; i < 20; i++) {
        struct exit_record record;
        struct process process;
        group_t group;

        CHECK_OK(make_group(systest.group, GROUP_PROCESSES, 4, &group));
        CHECK_OK(start_role(group, "exit", "1", NULL, 0, &process));
        CHECK_OK(end_of(&process, &record));
        CHECK_EQ(record.code, 1);
        CHECK_OK(end_group(group));
    }
}
