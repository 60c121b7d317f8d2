/*
 * One CPU takes memory away while others read and write it: unmap, protect, revoke. Once the call
 * has returned, no access succeeds.
 *
 * A child touches a page in a loop; its faults come to this process, which maps the page again and
 * lets the child repeat the instruction. The page is mapped here too, so what the child still does
 * is seen: a write by the counter that it raises, a read by the value that it passes on.
 */
#include "attack.h"

#include "abi/fault.h"

/* Where the child finds the two pages. */
#define TOUCHED_AT 0x200000000ull
#define SEEN_AT    0x300000000ull

#define TOUCHERS  3u
#define FORBIDDEN UINT64_MAX

/* The page that is taken away. */
struct touched {
    u64 counter; /* writers raise it */
    u64 value;   /* readers look at it */
};

/* The page that stays. */
struct seen {
    u64 value; /* what readers saw last */
    u64 forbidden;
};

static u64 touch_for_ever(void *argument)
{
    struct touched *touched = (void *)TOUCHED_AT;
    struct seen *seen = (void *)SEEN_AT;
    bool writes = *(const char *)argument == 'w';

    for (;;) {
        if (writes) {
            (void)__atomic_fetch_add(&touched->counter, 1, __ATOMIC_RELAXED);
        } else {
            u64 value = __atomic_load_n(&touched->value, __ATOMIC_RELAXED);

            if (value == FORBIDDEN)
                (void)__atomic_fetch_add(&seen->forbidden, 1, __ATOMIC_RELAXED);
            __atomic_store_n(&seen->value, value, __ATOMIC_RELAXED);
        }
    }
}

/* argument: "w" or "r". Touches with one thread a CPU, but the first. */
int role_touch(const char *argument)
{
    static char how;
    struct thread threads[TOUCHERS];
    u32 others = cpu_count() - 1 < TOUCHERS ? cpu_count() - 1 : TOUCHERS;

    how = argument[0];
    for (u32 i = 1; i < others; i++) {
        if (start_on(1 + i, &threads[i], touch_for_ever, &how) != STATUS_OK)
            return 1;
    }
    return (int)touch_for_ever(&how);
}

static struct scene {
    struct process child;
    endpoint_t faults;
    memory_t touched_memory;
    memory_t seen_memory;
    cap_t lent; /* the capability that the child's mapping was made by */
    struct touched *touched;
    struct seen *seen;
} scene;

static enum status map_page_for_child(void)
{
    u64 address = TOUCHED_AT;
    enum status status = cap_derive_rights(scene.touched_memory.cap, UINT32_MAX, &scene.lent);

    if (status != STATUS_OK)
        return status;
    status = memory_map_into(scene.child.handle, (memory_t){scene.lent}, 0, PAGE_SIZE,
                             MAP_READ | MAP_WRITE | MAP_FIXED, &address);
    (void)cap_close(scene.lent);
    return status;
}

static enum status open_scene(const char *how)
{
    struct process_cap cap;
    struct process_spec spec = {.held = true, .cap_count = 1, .caps = &cap};
    u64 address = SEEN_AT;
    u64 own;
    enum status status = make_endpoint(0, &scene.faults);

    if (status != STATUS_OK)
        return status;
    spec.fault_endpoint = scene.faults;
    cap = GIVE("group", attack.group, RIGHT_CREATE_MEMORY);
    status = make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &own, &scene.touched_memory);
    scene.touched = (void *)(uintptr_t)own;
    if (status == STATUS_OK)
        status = make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &own, &scene.seen_memory);
    scene.seen = (void *)(uintptr_t)own;
    if (status == STATUS_OK)
        status = start_role_with(&spec, attack.group, "touch", how, &scene.child);
    if (status == STATUS_OK)
        status = memory_map_into(scene.child.handle, scene.seen_memory, 0, PAGE_SIZE,
                                 MAP_READ | MAP_WRITE | MAP_FIXED, &address);
    if (status == STATUS_OK)
        status = map_page_for_child();
    return status == STATUS_OK ? release_on(1, &scene.child) : status;
}

static void close_scene(void)
{
    struct exit_record record;

    (void)process_kill(scene.child.handle, 0);
    (void)!end_of(&scene.child, &record);
    (void)!memory_unmap(address_of(scene.touched), PAGE_SIZE);
    (void)!memory_unmap(address_of(scene.seen), PAGE_SIZE);
    (void)cap_close(scene.touched_memory.cap);
    (void)cap_close(scene.seen_memory.cap);
    (void)cap_close(scene.faults.cap);
}

/* The ways to take it away, and to give it back. */
static enum status take_by_unmapping(void)
{
    return memory_unmap_in(scene.child.handle, TOUCHED_AT, PAGE_SIZE);
}

static enum status take_by_protecting(void)
{
    return memory_protect_in(scene.child.handle, TOUCHED_AT, PAGE_SIZE, 0);
}

static enum status take_writing(void)
{
    return memory_protect_in(scene.child.handle, TOUCHED_AT, PAGE_SIZE, MAP_READ);
}

static enum status give_access(void)
{
    return memory_protect_in(scene.child.handle, TOUCHED_AT, PAGE_SIZE, MAP_READ | MAP_WRITE);
}

/* The child's mapping goes with the capability that it was made by, this process's own too: that is
 * mapped anew. */
static enum status take_by_revoking(void)
{
    return cap_revoke(scene.touched_memory.cap);
}

/* Waits for the fault of one that tried. Its answer is for later. */
static bool somebody_faults(void)
{
    struct message message;

    return ipc_receive(scene.faults, &message, 0, PATIENCE) == STATUS_OK &&
           message_kind(&message) == MESSAGE_FAULT;
}

/* Answers it, and all who came after it: each repeats its instruction. */
static enum status answer_faults(void)
{
    struct message message;
    enum status status;

    do {
        message = MESSAGE_INIT(FAULT_REPLY_RETRY);
        status = ipc_reply(&message);
    } while (status == STATUS_OK && ipc_poll(scene.faults, &message, 0) == STATUS_OK);
    return status;
}

static u64 progress(bool writes)
{
    return writes ? __atomic_load_n(&scene.touched->counter, __ATOMIC_RELAXED)
                  : __atomic_load_n(&scene.seen->value, __ATOMIC_RELAXED);
}

/* The child touches the page in this round. */
static bool is_touched(bool writes, u64 round)
{
    u64 until = PATIENCE;
    u64 before = progress(writes);

    __atomic_store_n(&scene.touched->value, round, __ATOMIC_RELEASE);
    while (writes ? progress(true) == before : progress(false) != round) {
        if (time_now_ns() > until)
            return false;
        thread_yield();
    }
    return true;
}

/* Somebody has tried, and nothing of the page has been touched since it was taken away. */
static bool is_left_alone(bool writes)
{
    u64 before = __atomic_load_n(&scene.touched->counter, __ATOMIC_ACQUIRE);
    u64 until = time_after_ns(50 * NS_PER_US);

    __atomic_store_n(&scene.touched->value, FORBIDDEN, __ATOMIC_RELEASE);
    while (time_now_ns() < until)
        continue;
    if (!somebody_faults())
        return false;
    if (writes)
        return __atomic_load_n(&scene.touched->counter, __ATOMIC_ACQUIRE) == before;
    return __atomic_load_n(&scene.seen->forbidden, __ATOMIC_ACQUIRE) == 0;
}

static void take_away(bool writes, enum status (*take)(void), enum status (*give)(void))
{
    CHECK_OK(open_scene(writes ? "w" : "r"));
    for (u64 round = 1; round <= options.rounds; round++) {
        CHECK(is_touched(writes, round));
        CHECK_OK(take());
        if (take == take_by_revoking) {
            u64 address = address_of(scene.touched);

            CHECK_OK(memory_map(scene.touched_memory, 0, PAGE_SIZE,
                                MAP_READ | MAP_WRITE | MAP_FIXED, &address));
        }
        CHECK(is_left_alone(writes));
        __atomic_store_n(&scene.touched->value, 0, __ATOMIC_RELEASE);
        CHECK_OK(give());
        CHECK_OK(answer_faults());
    }
    close_scene();
}

BOOT_TEST_FLAGS(memory, unmapped_is_not_written, TEST_SMP)
{
    take_away(true, take_by_unmapping, map_page_for_child);
}

BOOT_TEST_FLAGS(memory, unmapped_is_not_read, TEST_SMP)
{
    take_away(false, take_by_unmapping, map_page_for_child);
}

BOOT_TEST_FLAGS(memory, protected_is_not_written, TEST_SMP)
{
    take_away(true, take_writing, give_access);
}

BOOT_TEST_FLAGS(memory, protected_is_not_read, TEST_SMP)
{
    take_away(false, take_by_protecting, give_access);
}

BOOT_TEST_FLAGS(memory, revoked_is_not_written, TEST_SMP)
{
    take_away(true, take_by_revoking, map_page_for_child);
}

BOOT_TEST_FLAGS(memory, revoked_is_not_read, TEST_SMP)
{
    take_away(false, take_by_revoking, map_page_for_child);
}
