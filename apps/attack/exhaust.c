/*
 * A group uses up everything that it may: memory, kernel bytes, objects, processes, threads. It
 * gets errors; a victim outside goes on as before and pays nothing; and when the group is
 * destroyed, all comes back.
 */
#include "attack.h"

#define HOG_KINDS 8u

/* Each makes one thing more; the status of the first that is refused ends the hog's work. */
static endpoint_t own;

static enum status more_endpoints(void)
{
    endpoint_t endpoint;

    return endpoint_create(start_group(), 256, 0, &endpoint);
}

static enum status more_memory(void)
{
    memory_t memory;

    return memory_create(start_group(), 16 * PAGE_SIZE, MEMORY_EAGER, &memory);
}

static enum status more_mappings(void)
{
    static memory_t memory;
    u64 address = 0;

    if (cap_is_null(memory.cap) && memory_create(start_group(), PAGE_SIZE, 0, &memory) != STATUS_OK)
        return STATUS_GROUP_LIMIT;
    return memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_EAGER, &address);
}

static enum status more_handles(void)
{
    cap_t child;

    return cap_derive_rights(own.cap, RIGHT_SIGNAL, &child);
}

static enum status more_timers(void)
{
    ktimer_t timer;
    enum status status = timer_create(start_group(), own, &timer);

    return status == STATUS_OK ? timer_set(timer, time_after_ns(NS_PER_MS), 100000) : status;
}

static enum status more_threads(void)
{
    struct thread_facts facts;

    return kthread_create(start_self(), USER_START, USER_START, 0, 0, true, spare_buffer(), &facts);
}

static enum status more_processes(void)
{
    static struct spawn_plan plan = {.entry = USER_START, .flags = SPAWN_HELD};
    struct process process;

    return process_create(start_group(), &plan, &process.handle, &process.main_thread, &process.id);
}

static enum status more_groups(void)
{
    struct group_limits limits;
    group_t group;

    group_limits_init(&limits, "hog");
    return group_create(start_group(), &limits, &group);
}

static const struct hog {
    const char *name;
    enum status (*more)(void);
} hogs[HOG_KINDS] = {
    {"endpoints", more_endpoints}, {"memory", more_memory}, {"mappings", more_mappings},
    {"handles", more_handles},     {"timers", more_timers}, {"threads", more_threads},
    {"processes", more_processes}, {"groups", more_groups},
};

/* Takes until it is refused; false if the refusal is none that a limit gives. */
static bool take_all(const struct hog *hog)
{
    enum status status;

    do {
        status = hog->more();
    } while (status == STATUS_OK);
    return IS_IN(status, SET(GROUP_LIMIT) | SET(NO_SLOT) | SET(TOO_DEEP));
}

/* Takes of one kind first, then of all others, reports, and goes on trying until it is killed. */
int role_hog(const char *argument)
{
    if (endpoint_create(start_group(), 0, 0, &own) != STATUS_OK)
        return 1;
    for (u32 i = 0; i < HOG_KINDS; i++) {
        if (string_equal(hogs[i].name, argument) && !take_all(&hogs[i]))
            return 2;
    }
    for (u32 i = 0; i < HOG_KINDS; i++) {
        if (!take_all(&hogs[i]))
            return 3;
    }
    if (endpoint_signal((endpoint_t){start_cap("ready")}) != STATUS_OK)
        return 4;
    for (;;) {
        for (u32 i = 0; i < HOG_KINDS; i++)
            (void)!hogs[i].more();
    }
}

static enum status make_limited(group_t *group)
{
    struct group_limits limits;

    group_limits_init(&limits, "hogs");
    limits.limit[GROUP_MEMORY_FRAMES] = 1500;
    limits.limit[GROUP_KERNEL_BYTES] = 768 * 1024;
    limits.limit[GROUP_OBJECTS] = 800;
    limits.limit[GROUP_PROCESSES] = 16;
    limits.limit[GROUP_THREADS] = 48;
    return group_create(attack.group, &limits, group);
}

static enum status start_hog(group_t group, endpoint_t ready, u32 kind, struct process *process)
{
    struct cap_restriction badged = CAP_DERIVE_ALL;
    struct process_cap caps[2];
    enum status status;
    endpoint_t mine;

    badged.rights = RIGHT_SIGNAL | RIGHT_TRANSFER | RIGHT_DERIVE;
    badged.badge = 1ull << kind;
    status = cap_derive(ready.cap, &badged, &mine.cap);
    if (status != STATUS_OK)
        return status;
    caps[0] = GIVE("group", group, UINT32_MAX & ~RIGHT_GROUP_CONTROL);
    caps[1] = GIVE("ready", mine, RIGHT_SIGNAL);
    caps[1].mode = CAP_SEND_MOVE;
    status = start_role(group, "hog", hogs[kind].name, caps, 2, process);
    if (status != STATUS_OK)
        (void)cap_close(mine.cap);
    return status;
}

/* Waits until all hogs of `mask` have met a limit. */
static bool all_ready(endpoint_t ready, u64 mask)
{
    while (mask != 0) {
        struct message message;

        if (ipc_receive(ready, &message, 0, PATIENCE) != STATUS_OK)
            return false;
        mask &= ~message.words[0];
    }
    return true;
}

/* For a while: whatever the hogs do, there is no room for more. */
static void expect_nothing_fits(group_t group)
{
    u64 until = time_after_ns(20 * NS_PER_MS);

    while (time_now_ns() < until) {
        memory_t memory;

        CHECK_STATUS(memory_create(group, 1024 * PAGE_SIZE, MEMORY_EAGER, &memory),
                     STATUS_GROUP_LIMIT);
    }
}

static void exhaust(u32 first, u32 end)
{
    struct process processes[HOG_KINDS];
    struct group_usage before;
    struct group_usage after;
    struct victim victim;
    endpoint_t ready;
    group_t group;
    u64 mask = 0;

    CHECK_OK(victim_start(&victim));
    CHECK(victim_works(&victim, 10));
    CHECK_OK(group_usage(victim.group, &before));
    CHECK_OK(make_endpoint(0, &ready));
    CHECK_OK(make_limited(&group));
    for (u32 kind = first; kind < end; kind++) {
        CHECK_OK(start_hog(group, ready, kind, &processes[kind]));
        mask |= 1ull << kind;
    }
    if (!all_ready(ready, mask)) {
        struct exit_record record = {0};

        (void)!process_poll(processes[first].handle, &record);
        test_fail(__FILE__, __LINE__, "%s: reason %u, fault %u, code %lld", hogs[first].name,
                  record.reason, record.fault, (long long)record.code);
        return;
    }
    expect_nothing_fits(group);
    CHECK(victim_works(&victim, 200));
    CHECK_OK(group_usage(victim.group, &after));
    CHECK_EQ(memcmp(before.used, after.used, sizeof(before.used)), 0);
    CHECK(end_group_empty(group));
    for (u32 kind = first; kind < end; kind++)
        process_close(&processes[kind]);
    CHECK(victim_works(&victim, 10));
    CHECK(victim_stop(&victim));
    CHECK_OK(cap_close(ready.cap));
}

BOOT_TEST(exhaust, each_resource_alone)
{
    for (u32 kind = 0; kind < HOG_KINDS && !test_has_failed(); kind++)
        exhaust(kind, kind + 1);
}

/* Nearly at one of the limits at least. */
static bool is_at_a_limit(const struct group_usage *usage)
{
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++) {
        if (usage->used[i] >= usage->limit[i] / 10 * 9)
            return true;
    }
    return false;
}

/* All at once: what each gets depends on the others, what the victim gets does not. Who starts
 * first may leave too little to start the next, so they are held back by nothing but their order.
 */
BOOT_TEST(exhaust, all_resources_at_once)
{
    static const u32 order[] = {7, 6, 5, 4, 0};
    struct group_usage usage;
    struct process processes[HOG_KINDS];
    struct victim victim;
    endpoint_t ready;
    group_t group;
    u64 started = 0;

    CHECK_OK(victim_start(&victim));
    CHECK_OK(make_endpoint(0, &ready));
    CHECK_OK(make_limited(&group));
    for (u32 i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        enum status status = start_hog(group, ready, order[i], &processes[started]);

        CHECK_IN(status, SET(OK) | SET(GROUP_LIMIT));
        started += status == STATUS_OK;
    }
    CHECK(started > 0);
    for (u32 i = 0; i < 40; i++) {
        CHECK(victim_works(&victim, 10));
        time_sleep_ns(NS_PER_MS);
    }
    CHECK_OK(group_usage(group, &usage));
    CHECK(is_at_a_limit(&usage));
    CHECK(end_group_empty(group));
    for (u64 i = 0; i < started; i++)
        process_close(&processes[i]);
    CHECK(victim_works(&victim, 10));
    CHECK(victim_stop(&victim));
    CHECK_OK(cap_close(ready.cap));
}
