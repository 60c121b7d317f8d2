/* The table of invariants, and the comparison of before and after. */
#include "simulator.h"

#include "cap/space.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "view.h"

#include <stdio.h>

static const struct invariant *const tables[] = {
    invariants_memory, invariants_cap, invariants_group, invariants_sched, invariants_ipc,
};

void invariants_check(void)
{
    view_take();
    for (u32 i = 0; i < ARRAY_SIZE(tables); i++)
        for (const struct invariant *at = tables[i]; at->name; at++) {
            if (run_has_failed())
                return;
            at->check(at->name);
        }
}

/* Invariants that are checked while the kernel runs, not in between. */
static const char *const immediate[] = {
    "tlb_reaches_freed_frame",
    "loaded_root_freed",
    "frame_given_twice",
    "frame_freed_twice",
    "frame_payer",
    "frame_order",
    "zeroed_frame",
    "slab_given_twice",
    "slab_freed_twice",
    "slab_cache",
    "vector_state",
    "status_known",
    "bad_handle_refused",
    "progress",
    "init_progress",
    "census",
};

u32 invariants_count(void)
{
    u32 count = ARRAY_SIZE(immediate);
    for (u32 i = 0; i < ARRAY_SIZE(tables); i++)
        for (const struct invariant *at = tables[i]; at->name; at++)
            count++;
    return count;
}

void invariants_print(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(tables); i++)
        for (const struct invariant *at = tables[i]; at->name; at++)
            printf("%s\n", at->name);
    for (u32 i = 0; i < ARRAY_SIZE(immediate); i++)
        printf("%s (at once)\n", immediate[i]);
}

/* Frames and bytes, and who is charged for them. */
static void count_frames(struct census *census)
{
    struct frame_statistics statistics;
    frame_statistics(&statistics);
    u64 slabs = 0;
    u64 chunks = 0;
    u32 at = 0;
    for (const struct slab_cache *cache = slab_first_cache(); cache; cache = cache->next_cache) {
        slabs += cache->slab_count << cache->order;
        if (at < CENSUS_CACHES)
            census->slab_objects[at++] = cache->live_objects;
    }
    for (u32 i = 0; i < view()->process_count; i++) {
        const struct cap_space *space = view()->spaces[i];
        bool has_table = space->chunks && space->chunks != space->inline_chunks;
        chunks += space->slot_count / CAP_CHUNK_SLOTS + has_table;
    }
    u64 user = statistics.by_use[FRAME_USER] + statistics.by_use[FRAME_PAGE_TABLE];
    census->other_frames = statistics.total - statistics.by_use[FRAME_FREE] - user - slabs - chunks;
    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        census->charges[what] = invariants_charges(what);
    census->charges[GROUP_MEMORY_FRAMES] -= user + chunks;
}

static void compare_frames(const struct census *before, const struct census *after)
{
    u32 at = 0;
    for (const struct slab_cache *cache = slab_first_cache(); cache && at < CENSUS_CACHES;
         cache = cache->next_cache, at++)
        EXPECT("census", before->slab_objects[at] == after->slab_objects[at],
               "%llu structures of cache %s at the start, %llu after everything has died",
               (unsigned long long)before->slab_objects[at], cache->name,
               (unsigned long long)after->slab_objects[at]);
    EXPECT("census", before->other_frames == after->other_frames,
           "%llu frames of the kernel at the start, %llu after everything has died",
           (unsigned long long)before->other_frames, (unsigned long long)after->other_frames);
    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        EXPECT("census", before->charges[what] == after->charges[what],
               "resource %u: %lld charged at the start, %lld after everything has died", what,
               (long long)before->charges[what], (long long)after->charges[what]);
}

void census_take(struct census *census)
{
    *census = (struct census){0};
    for (u32 type = 0; type < OBJECT_TYPE_COUNT; type++)
        census->objects[type] = object_count((enum object_type)type);
    census->cap_nodes = cap_node_count();
    view_take();
    count_frames(census);
    for (u32 i = 0; i < view()->object_count; i++)
        if (view()->objects[i]->id > census->last_id)
            census->last_id = view()->objects[i]->id;
}

/* What is there now and was not at the start. */
static void print_newcomers(u64 last_id)
{
    view_take();
    for (u32 i = 0; i < view()->object_count; i++) {
        const struct object *object = view()->objects[i];
        if (object->id > last_id)
            history_line("left over: object %llu of type %u, state %u, %u references",
                         (unsigned long long)object->id, object->type, object->state,
                         object->references);
    }
}

void census_compare(const struct census *before, const struct census *after)
{
    for (u32 type = 0; type < OBJECT_TYPE_COUNT; type++)
        EXPECT("census", before->objects[type] == after->objects[type],
               "%llu objects of type %u at the start, %llu after everything has died",
               (unsigned long long)before->objects[type], type,
               (unsigned long long)after->objects[type]);
    EXPECT("census", before->cap_nodes == after->cap_nodes,
           "%llu capabilities at the start, %llu after everything has died",
           (unsigned long long)before->cap_nodes, (unsigned long long)after->cap_nodes);
    compare_frames(before, after);
    if (run_has_failed())
        print_newcomers(before->last_id);
}
