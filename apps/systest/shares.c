/* Shares of the processor: counted by the time that the kernel bills to each group. */
#include "systest.h"

#include "ferrous/console.h"

#define SLICES          100u
#define MAX_SLICES      1500u
#define SLICE_NS        (4 * NS_PER_MS)
#define MAX_SPINNERS    6u
#define PATIENCE_ROUNDS 10000u

struct spinners {
    group_t group;
    struct process processes[MAX_SPINNERS];
    u32 count;
};

/* A group of this weight with processes that compute without end, all on the first processor. */
static enum status start_spinners(group_t parent, u64 weight, u32 count, struct spinners *out)
{
    enum status status = make_group(parent, GROUP_OBJECTS, GROUP_NO_LIMIT, &out->group);

    if (status == STATUS_OK)
        status = group_set_weight(out->group, weight);
    for (out->count = 0; status == STATUS_OK && out->count < count; out->count++) {
        struct process *process = &out->processes[out->count];

        status = start_role(out->group, "spin", NULL, NULL, 0, process);
        if (status == STATUS_OK)
            status = kthread_control(process->main_thread, THREAD_SET_CPUS, 1);
    }
    return status;
}

static void end_spinners(struct spinners *spinners)
{
    struct exit_record record;

    for (u32 i = 0; i < spinners->count; i++) {
        CHECK_OK(process_kill(spinners->processes[i].handle, 0));
        CHECK_OK(end_of(&spinners->processes[i], &record));
    }
    CHECK_OK(end_group(spinners->group));
}

static u64 billed(group_t group)
{
    struct group_usage usage = {0};

    return group_usage(group, &usage) == STATUS_OK ? usage.cpu_ns : 0;
}

/* Does the first get `due` thousandths of what both get, within 20? What one is ahead by is some
 * slices at most, however long: so the longer it is looked at the nearer it must come. Where time
 * is not the machine's own a slice may be long, therefore up to MAX_SLICES. */
static bool gets(const struct spinners *first, const struct spinners *second, u64 due)
{
    u64 first_before = billed(first->group), second_before = billed(second->group);
    u64 part = 0, total = 0;

    for (u32 i = 0; i < PATIENCE_ROUNDS && total < MAX_SLICES * SLICE_NS; i++) {
        time_sleep_ns(SLICE_NS);
        u64 a = billed(first->group) - first_before;
        total = a + billed(second->group) - second_before;
        part = total > 0 ? a * 1000 / total : 0;
        if (total >= SLICES * SLICE_NS && part + 20 >= due && part <= due + 20)
            return true;
    }
    print("share: %lu of 1000, due %lu, after %lu ms\n", part, due, (u64)(total / NS_PER_MS));
    return false;
}

BOOT_TEST(shares, a_group_with_many_threads_gets_no_more)
{
    struct spinners one, many;

    CHECK_OK(start_spinners(systest.group, 100, 1, &one));
    CHECK_OK(start_spinners(systest.group, 100, 6, &many));
    CHECK(gets(&one, &many, 500));
    end_spinners(&many);
    end_spinners(&one);
}

BOOT_TEST(shares, weights_divide_and_can_be_changed)
{
    struct spinners high, low;

    CHECK_OK(start_spinners(systest.group, 300, 1, &high));
    CHECK_OK(start_spinners(systest.group, 100, 2, &low));
    CHECK(gets(&high, &low, 750));
    CHECK_OK(group_set_weight(low.group, 300));
    CHECK(gets(&high, &low, 500));
    end_spinners(&low);
    end_spinners(&high);
}

BOOT_TEST(shares, a_weight_divides_what_the_parent_has)
{
    struct spinners beside, low, high;
    group_t above;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, GROUP_NO_LIMIT, &above));
    CHECK_OK(start_spinners(systest.group, 100, 1, &beside));
    CHECK_OK(start_spinners(above, 100, 1, &low));
    CHECK_OK(start_spinners(above, 300, 1, &high));
    /* Half is beside's; of the other half a quarter is low's. */
    CHECK(gets(&beside, &low, 800));
    CHECK(gets(&high, &low, 750));
    end_spinners(&high);
    end_spinners(&low);
    end_spinners(&beside);
    CHECK_OK(end_group(above));
}

#define QUOTA_NS  (2 * NS_PER_MS)
#define PERIOD_NS (20 * NS_PER_MS)
#define TRIES     8u

/* Over many periods, so that what a period begins and ends with does not matter: one period more
 * may have been drawn from than lies within; a slice on top. */
static bool keeps_to_quota(group_t group)
{
    u64 start = time_now_ns();
    u64 before = billed(group);
    u64 used, passed;

    time_sleep_ns(20 * PERIOD_NS);
    used = billed(group) - before;
    passed = time_now_ns() - start;
    return used > 0 && used <= (passed / PERIOD_NS + 2) * QUOTA_NS + SLICE_NS;
}

/* Of a machine that is itself not run for a while the time is billed to whoever was running: so
 * there are several tries, one of which must keep to the quota. (That each does on a machine that
 * runs is shown by tests/sim/directed_quota.c.) */
BOOT_TEST(shares, a_quota_is_not_passed)
{
    struct spinners limited;
    bool kept = false;

    CHECK_OK(start_spinners(systest.group, 100, 3, &limited));
    CHECK_STATUS(group_set_quota(limited.group, 1, 10 * NS_PER_MS), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(group_set_quota(limited.group, NS_PER_MS, 2 * NS_PER_S), STATUS_BAD_ARGUMENT);
    CHECK_OK(group_set_quota(limited.group, QUOTA_NS, PERIOD_NS));
    for (u32 i = 0; i < TRIES && !kept; i++)
        kept = keeps_to_quota(limited.group);
    CHECK(kept);
    CHECK_OK(group_set_quota(limited.group, 0, 0));
    end_spinners(&limited);
}

BOOT_TEST(shares, a_throttled_group_is_destroyed_at_once)
{
    struct exit_record record;
    struct process process;
    struct group_usage usage;
    group_t group;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, GROUP_NO_LIMIT, &group));
    CHECK_OK(group_set_quota(group, NS_PER_MS, NS_PER_S));
    CHECK_OK(start_role(group, "spin", NULL, NULL, 0, &process));
    time_sleep_ns(10 * NS_PER_MS);
    CHECK_OK(group_destroy(group));
    CHECK(process_wait(process.handle, PATIENCE, &record) != STATUS_OK);
    CHECK_OK(group_usage(group, &usage));
    CHECK_EQ(usage.used[GROUP_THREADS], 0);
    process_close(&process);
    CHECK_OK(cap_close(group.cap));
}
