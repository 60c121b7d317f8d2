/* Spawn plans: mostly sound, sometimes not. */
#include "program.h"

#include "abi/memory.h"
#include "abi/message.h"
#include "abi/rights.h"
#include "abi/spawn.h"

#include <string.h>

static void add_segment(struct spawn_plan *plan, struct spawn_segment segment)
{
    if (plan->segment_count < SPAWN_MAX_SEGMENTS)
        plan->segments[plan->segment_count++] = segment;
}

static void plan_segments(struct program *program, struct spawn_plan *plan)
{
    if (chance(&program->random, 19, 20))
        add_segment(plan, (struct spawn_segment){.address = SCRATCH_ADDRESS,
                                                 .size_bytes = SCRATCH_PAGES * PAGE_SIZE,
                                                 .map_flags = MAP_READ | MAP_WRITE});
    u32 extra = (u32)below(&program->random, 3);
    for (u32 i = 0; i < extra; i++) {
        static const u32 kinds[] = {MAP_READ, MAP_READ | MAP_EXECUTE, MAP_READ | MAP_WRITE,
                                    MAP_READ | MAP_WRITE | MAP_PRIVATE};
        u32 flags = kinds[below(&program->random, ARRAY_SIZE(kinds))];
        if (chance(&program->random, 1, 20))
            flags = (u32)sim_random_next(&program->random) & 63;
        add_segment(plan, (struct spawn_segment){
                              .memory.bits = chance(&program->random, 1, 4)
                                                 ? 0
                                                 : pick_handle(program, OBJECT_MEMORY),
                              .memory_offset = chance(&program->random, 1, 8) ? PAGE_SIZE : 0,
                              .address = TEXT_ADDRESS + i * 0x100000,
                              .size_bytes = PAGE_SIZE * (1 + below(&program->random, 2)),
                              .map_flags = flags,
                          });
    }
}

static void plan_caps(struct program *program, struct spawn_plan *plan)
{
    plan->cap_count = (u32)below(&program->random, 9);
    for (u32 i = 0; i < plan->cap_count; i++) {
        u64 handle = pick_good_handle(program, OBJECT_NONE);
        if (i == 0 && chance(&program->random, 2, 3))
            handle = pick_good_handle(program, OBJECT_GROUP);
        if (chance(&program->random, 1, 60))
            handle = pick_handle(program, OBJECT_NONE);
        bool keep = is_initial_handle(handle) || chance(&program->random, 3, 4);
        plan->caps[i] = (struct spawn_cap){
            .cap.bits = handle,
            .rights = safe_rights(program, handle),
            .mode = keep ? CAP_SEND_COPY : CAP_SEND_MOVE,
            .badge = chance(&program->random, 1, 8) ? 1 + below(&program->random, 100) : 0,
        };
    }
}

/* One field of a sound plan is spoilt. */
static void spoil(struct program *program, struct spawn_plan *plan)
{
    u64 garbage = sim_random_next(&program->random);
    switch (below(&program->random, 9)) {
    case 0:
        memset(plan->name, 'n', sizeof(plan->name));
        break;
    case 1:
        plan->entry = garbage;
        break;
    case 2:
        plan->stack_size_bytes = garbage;
        break;
    case 3:
        plan->arguments = garbage;
        plan->arguments_size = 64;
        break;
    case 4:
        plan->arguments_size = (u32)garbage;
        break;
    case 5:
        plan->segment_count = (u32)garbage % 20;
        break;
    case 6:
        plan->cap_count = (u32)garbage % 64;
        break;
    case 7:
        plan->segments[0].size_bytes = garbage;
        break;
    default:
        plan->segments[0].address = garbage & ~(PAGE_SIZE - 1);
        break;
    }
}

bool make_spawn(struct program *program, struct arch_context *context)
{
    struct spawn_plan plan;
    memset(&plan, 0, sizeof(plan));
    memcpy(plan.name, "simulated", 10);
    plan.entry = TEXT_ADDRESS;
    plan.stack_size_bytes = chance(&program->random, 1, 2) ? 0 : PAGE_SIZE * 4;
    plan.load_base = TEXT_ADDRESS;
    if (chance(&program->random, 1, 4)) {
        plan.arguments = scratch_of(program);
        plan.arguments_size = (u32)below(&program->random, START_ARGUMENTS_SIZE + 1);
    }
    plan.flags = chance(&program->random, 1, 8) ? SPAWN_HELD : 0;
    if (chance(&program->random, 1, 3))
        plan.fault_endpoint.bits = pick_handle(program, OBJECT_ENDPOINT);
    plan_segments(program, &plan);
    plan_caps(program, &plan);
    if (chance(&program->random, 1, 6))
        spoil(program, &plan);

    u64 address =
        chance(&program->random, 30, 31) ? scratch_of(program) + 64 : pick_buffer(program, 8);
    if (!user_store(program, address, &plan, sizeof(plan)) && program->next != program->context)
        return false;
    context->handle = pick_handle(program, OBJECT_GROUP);
    context->words[0] = address;
    return true;
}
