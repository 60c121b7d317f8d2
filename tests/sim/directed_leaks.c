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
