/* Steps that many directed programs take. */
#include "directed.h"

#include "ipc/endpoint.h"
#include "program.h"
#include "proc/process.h"

#include <string.h>

#define CODE_ADDRESS 0x10000000ull

static u64 made(struct actor *actor, u64 status)
{
    return CHECK_EQ(status, STATUS_OK) ? result_word(actor, 0) : 0;
}

u64 make_endpoint(struct actor *actor, u64 depth, u64 grace_ns)
{
    struct call create = CALL(create_endpoint, init_cap(INIT_CAP_GROUP), W(depth, grace_ns));
    return made(actor, call(actor, create));
}

u64 make_memory(struct actor *actor, u64 size_bytes)
{
    struct call create = CALL(create_memory, init_cap(INIT_CAP_GROUP), W(size_bytes));
    return made(actor, call(actor, create));
}

struct group_limits no_limits(void)
{
    struct group_limits limits = {.name = "directed"};
    for (u32 i = 0; i < ARRAY_SIZE(limits.limit); i++)
        limits.limit[i] = GROUP_NO_LIMIT;
    return limits;
}

u64 make_group(struct actor *actor, u64 parent, const struct group_limits *limits)
{
    poke(actor, scratch(actor, 1), limits, sizeof(*limits));
    struct call create = CALL(create_resource_group, parent, W(scratch(actor, 1)));
    return made(actor, call(actor, create));
}

u64 status_of_derive(struct actor *actor, u64 handle, u64 rights, u64 badge)
{
    return call(actor, CALL(derive, handle, W(rights, badge, TIME_NEVER)));
}

u64 derive(struct actor *actor, u64 handle, u64 rights, u64 badge)
{
    return made(actor, status_of_derive(actor, handle, rights, badge));
}

u64 status_of_close(struct actor *actor, u64 handle)
{
    return call(actor, CALL(close, handle));
}

u64 status_of_revoke(struct actor *actor, u64 handle)
{
    return call(actor, CALL(revoke, handle));
}

u64 status_of(struct actor *actor, u64 handle)
{
    return call(actor, CALL(inspect, handle));
}

bool has_words(const struct actor *actor, u64 first)
{
    for (u32 i = 0; i < MESSAGE_WORDS; i++)
        if (result_word(actor, i) != first + i)
            return false;
    return true;
}

void fill(struct actor *actor, u8 byte)
{
    memset(buffer(actor)->data, byte, MESSAGE_MAX_INLINE);
}

bool holds(const struct actor *actor, u8 byte, u32 from, u32 to)
{
    for (u32 i = from; i < to; i++)
        if (buffer(actor)->data[i] != byte)
            return false;
    return true;
}

struct endpoint *endpoint_named(const struct actor *actor, u64 handle)
{
    const struct cap_slot *slot = peek_slot(actor->thread->space, handle);
    CHECK(slot != NULL);
    return slot ? CONTAINER_OF(slot->object, struct endpoint, object) : NULL;
}

struct actor *new_thread(struct actor *actor, u64 self, u64 *handle)
{
    struct call create =
        CALL(create_thread, self, W(THREAD_ENTRY, THREAD_ENTRY, 0, 0, 0, buffer_place(actor)));
    u64 made_handle = made(actor, call(actor, create));
    struct actor *thread = made_handle ? actor_of(result_word(actor, 1)) : NULL;
    CHECK(thread != NULL);
    if (handle)
        *handle = made_handle;
    return thread;
}

struct spawn_plan sound_plan(void)
{
    struct spawn_plan plan = {.name = "directed", .entry = CODE_ADDRESS, .segment_count = 1};
    plan.segments[0] = (struct spawn_segment){.address = SCRATCH_ADDRESS,
                                              .size_bytes = SCRATCH_PAGES * PAGE_SIZE,
                                              .map_flags = MAP_READ | MAP_WRITE};
    return plan;
}

u64 status_of_spawn(struct actor *parent, u64 group, const struct spawn_plan *plan)
{
    poke(parent, scratch(parent, 0), plan, sizeof(*plan));
    return call(parent, CALL(spawn, group, W(scratch(parent, 0))));
}

struct child child_of(struct actor *parent)
{
    struct child child = {.process = result_word(parent, 0),
                          .thread = result_word(parent, 1),
                          .process_id = result_word(parent, 2)};
    child.main = main_actor_of(child.process_id);
    if (!CHECK(child.main != NULL) || is_blocked(child.main))
        return child;
    u64 page = child.main->thread->context.argument;
    struct start_info info;
    CHECK(touch(child.main, page, ACCESS_READ));
    peek(child.main, page, &info, sizeof(info));
    for (u32 i = 0; i < SCRATCH_PAGE_COUNT; i++)
        CHECK(touch(child.main, scratch(child.main, i), ACCESS_WRITE));
    child.self = info.self.bits;
    child.main_thread = info.main_thread.bits;
    for (u32 i = 0; i < info.cap_count && i < SPAWN_MAX_CAPS; i++)
        child.caps[i] = info.caps[i].bits;
    return child;
}

struct child spawn(struct actor *parent, const u64 *caps, u32 cap_count)
{
    struct spawn_plan plan = sound_plan();
    plan.cap_count = cap_count;
    for (u32 i = 0; i < cap_count; i++)
        plan.caps[i] = (struct spawn_cap){.cap = {caps[i]}, .rights = ~0u, .mode = CAP_SEND_COPY};
    if (!CHECK_EQ(status_of_spawn(parent, init_cap(INIT_CAP_GROUP), &plan), STATUS_OK))
        return (struct child){.main = directed_init()};
    return child_of(parent);
}
