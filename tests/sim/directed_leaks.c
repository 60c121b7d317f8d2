/* Directed programs: a group is made, filled with everything and destroyed, over and over; after
 * each round every counter and every free frame is what it was. */
#include "directed.h"

#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/process.h"

#define RW    (MAP_READ | MAP_WRITE)
#define PAGES 24ull /* more than an object holds without a table */

/* What a round must leave as it was. */
struct counts {
    struct frame_statistics frames;
    u64 objects[OBJECT_TYPE_COUNT];
    u64 cap_nodes;
    u64 slab_objects;
    u64 charged[GROUP_RESOURCE_COUNT]; /* to the root group */
};

static struct counts count_all(struct actor *init)
{
    struct counts counts = {.cap_nodes = cap_node_count()};
    struct group_usage usage = {0};
    u64 place = scratch(init, 1);
    CHECK_EQ(call(init, CALL(group_info, init_cap(INIT_CAP_GROUP), W(place))), STATUS_OK);
    peek(init, place, &usage, sizeof(usage));
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++)
        counts.charged[i] = usage.used[i];
    frame_statistics(&counts.frames);
    for (u32 i = 0; i < OBJECT_TYPE_COUNT; i++)
        counts.objects[i] = object_count((enum object_type)i);
    for (const struct slab_cache *cache = slab_first_cache(); cache; cache = cache->next_cache)
        counts.slab_objects += cache->live_objects;
    return counts;
}

static void expect_same(const struct counts *now, const struct counts *before)
{
    CHECK_EQ(now->frames.total, before->frames.total);
    CHECK_EQ(now->frames.free, before->frames.free);
    for (u32 i = 0; i < FRAME_USE_COUNT; i++)
        CHECK_EQ(now->frames.by_use[i], before->frames.by_use[i]);
    for (u32 i = 0; i < OBJECT_TYPE_COUNT; i++)
        CHECK_EQ(now->objects[i], before->objects[i]);
    CHECK_EQ(now->cap_nodes, before->cap_nodes);
    CHECK_EQ(now->slab_objects, before->slab_objects);
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++)
        CHECK_EQ(now->charged[i], before->charged[i]);
}

/* Handles of init's that a round has made. */
struct round {
    struct actor *init;
    u64 handles[16];
    u32 count;
};

/* Makes a call whose result is a capability; CAP_NULL if it fails. */
static u64 make(struct round *round, struct call request)
{
    if (!CHECK_EQ(call(round->init, request), STATUS_OK))
        return 0;
    u64 handle = result_word(round->init, 0);
    round->handles[round->count++] = handle;
    return handle;
}

/* Memory of the group: written, shared with a clone, mapped privately, given back in part. */
static void fill_with_memory(struct round *round, u64 group)
{
    struct actor *init = round->init;
    u64 size = PAGES * PAGE_SIZE;
    u64 memory = make(round, CALL(create_memory, group, W(size, MEMORY_EAGER)));
    make(round, CALL(create_memory, group, W(4 * PAGE_SIZE, MEMORY_CONTIGUOUS)));
    CHECK_EQ(call(init, CALL(map, memory, W(0, 0, 0, size, RW))), STATUS_OK);
    u64 shared = result_word(init, 0);
    CHECK_EQ(call(init, CALL(map, memory, W(0, 0, 0, size, RW | MAP_PRIVATE))), STATUS_OK);
    u64 private = result_word(init, 0);
    for (u64 page = 0; page < PAGES; page += 5) {
        CHECK(touch(init, shared + page * PAGE_SIZE, ACCESS_WRITE));
        CHECK(touch(init, private + page * PAGE_SIZE, ACCESS_WRITE));
    }
    make(round, CALL(clone_memory, group, W(memory, 0, size / 2)));
    CHECK_EQ(call(init, CALL(discard_memory, memory, W(size / 2, size / 4))), STATUS_OK);
    CHECK_EQ(call(init, CALL(unmap, 0, W(0, private, size / 2))), STATUS_OK);
    /* What is left of the private mapping is init's, and of the shared one the group's. */
    CHECK_EQ(call(init, CALL(unmap, 0, W(0, private + size / 2, size / 2))), STATUS_OK);
}

static void fill_with_objects(struct round *round, u64 group)
{
    struct actor *init = round->init;
    u64 endpoint = make(round, CALL(create_endpoint, group, W(4, 0)));
    make(round, CALL(create_timer, group, W(endpoint)));
    CHECK_EQ(call(init, CALL(send, endpoint, .info = NO_WAIT)), STATUS_OK); /* stays queued */
    struct call derive = CALL(derive, endpoint, W(~0ull, 5, TIME_NEVER));
    make(round, derive);
    struct spawn_plan plan = sound_plan();
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    struct child child = child_of(init);
    round->handles[round->count++] = child.process;
    round->handles[round->count++] = child.thread;
    CHECK_EQ(call(init, CALL(watch, child.process, W(endpoint))), STATUS_OK);
    CHECK(touch(child.main, scratch(child.main, 2), ACCESS_WRITE));
}

static void make_fill_and_destroy(struct actor *init)
{
    struct round round = {.init = init};
    struct group_limits limits = no_limits();
    limits.limit[GROUP_MEMORY_FRAMES] = 200;
    u64 outer = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    u64 inner = make_group(init, outer, &limits);
    fill_with_memory(&round, inner);
    fill_with_objects(&round, inner);
    fill_with_memory(&round, outer);
    CHECK_EQ(call(init, CALL(group_control, outer, W(GROUP_DESTROY))), STATUS_OK);
    for (u32 i = 0; i < round.count; i++)
        (void)status_of_close(init, round.handles[i]);
    (void)status_of_close(init, inner); /* went with the group above */
    CHECK_EQ(status_of_close(init, outer), STATUS_OK);
    pass_time(100000000);
}

RACE(rounds_of_making_filling_and_destroying_a_group_lose_nothing)
{
    struct actor *init = directed_init();
    for (u32 i = 0; i < 3; i++)
        make_fill_and_destroy(init); /* caches and slabs fill */
    struct counts before = count_all(init);
    for (u64 i = 0; directed_next_round(i); i++) {
        make_fill_and_destroy(init);
        struct counts now = count_all(init);
        expect_same(&now, &before);
    }
}

/* Every allocation that the call makes fails in turn, until it makes one more than there are: each
 * time an error, and nothing is left of what was begun. Frames that a slab keeps for the next time
 * may stay, and spare credit of the account, which is returned before anything is compared. */
static void sweep(struct actor *init, struct account *account, struct call request, u32 at_least)
{
    u32 failed = 0;
    for (u64 n = 1; n < 200; n++) {
        account_return_credit(account);
        struct counts before = count_all(init);
        fail_allocation(n);
        u64 status = call(init, request);
        if (!allocation_failed()) {
            CHECK_EQ(status, STATUS_OK);
            CHECK(failed >= at_least);
            return;
        }
        if (status == STATUS_OK)
            continue; /* it could do without: a page that comes when it is touched */
        failed++;
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
        pass_time(100000000);
        account_return_credit(account);
        struct counts after = count_all(init);
        after.frames = before.frames;
        expect_same(&after, &before);
        if (directed_failed())
            return;
    }
    CHECK(false);
}

SCENARIO(no_allocation_that_fails_loses_anything)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    const struct cap_slot *slot = peek_slot(init->thread->space, group);
    if (!CHECK(slot != NULL))
        return;
    struct account *account = &group_of(slot->object)->payer.account;
    u64 endpoint = make_endpoint(init, 100, 0), size = PAGES * PAGE_SIZE;
    CHECK_EQ(call(init, CALL(create_memory, group, W(size, MEMORY_EAGER))), STATUS_OK);
    u64 memory = result_word(init, 0);
    struct child child = spawn(init, NULL, 0);
    struct spawn_plan plan = sound_plan();
    u64 buffer = buffer_place(init);
    CHECK(touch(init, buffer, ACCESS_WRITE)); /* its page may be due with the first that fails */
    u64 plan_place = scratch(init, 0), limits_place = plan_place + sizeof(plan);
    poke(init, plan_place, &plan, sizeof(plan));
    poke(init, limits_place, &limits, sizeof(limits));
    struct {
        struct call call;
        u32 at_least; /* allocations */
    } sweeps[] = {
        {CALL(create_endpoint, group, W(4, 0)), 1},
        {CALL(create_channel, group, W(4, 0)), 2},
        {CALL(create_memory, group, W(PAGE_SIZE, 0)), 1},
        {CALL(create_memory, group, W(size, MEMORY_EAGER)), 2},
        {CALL(create_memory, group, W(4 * PAGE_SIZE, MEMORY_CONTIGUOUS)), 2},
        {CALL(clone_memory, group, W(memory, 0, size)), 2},
        {CALL(create_timer, group, W(endpoint)), 2},
        {CALL(create_resource_group, group, W(limits_place)), 1},
        {CALL(derive, endpoint, W(~0ull, 5, TIME_NEVER)), 1},
        {CALL(grant, child.process, W(endpoint, ~0u, CAP_SEND_COPY)), 1},
        {CALL(map, memory, W(0, 0, 0, size, RW)), 1},
        {CALL(map, memory, W(0, 0, 0, size, RW | MAP_PRIVATE)), 1},
        {CALL(watch, child.process, W(endpoint)), 1},
        {CALL(send, endpoint, .info = NO_WAIT), 1},
        {CALL(create_thread, init_self(), W(USER_START, USER_START, 0, 0, 1, buffer)), 3},
        {CALL(spawn, group, W(plan_place)), 8},
    };
    for (u32 i = 0; i < ARRAY_SIZE(sweeps) && !directed_failed(); i++)
        sweep(init, account, sweeps[i].call, sweeps[i].at_least);
}
