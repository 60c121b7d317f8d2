/* The table of invariants, and the comparison of before and after. */
#include "simulator.h"

#include "mm/frame.h"
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

void census_take(struct census *census)
{
    *census = (struct census){0};
    for (u32 type = 0; type < OBJECT_TYPE_COUNT; type++)
        census->objects[type] = object_count((enum object_type)type);
    census->cap_nodes = cap_node_count();
    view_take();
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
    if (run_has_failed())
        print_newcomers(before->last_id);
}
