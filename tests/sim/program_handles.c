/* Which handles simulated programs use. */
#include "program.h"

#include "abi/rights.h"
#include "abi/spawn.h"

#define REMEMBERED 64u
#define INITIAL    (SPAWN_MAX_CAPS + 2u)

static SIM_STATE struct {
    u64 remembered[REMEMBERED];
    u32 next;
    u64 initial[INITIAL];
    u32 initial_count;
} handles;

void remember_handle(u64 handle)
{
    if (handle != 0)
        handles.remembered[handles.next++ % REMEMBERED] = handle;
}

void note_initial_handle(u64 handle)
{
    if (handle != 0 && handles.initial_count < INITIAL)
        handles.initial[handles.initial_count++] = handle;
}

bool is_initial_handle(u64 handle)
{
    for (u32 i = 0; i < handles.initial_count; i++)
        if (handles.initial[i] == handle)
            return true;
    return false;
}

/* Programs collide when they act on the same object in the same step; in a duel they do little
 * else. */
static SIM_STATE const struct object *focus;
static SIM_STATE bool duel;

void handles_begin_step(u64 stream)
{
    struct sim_random random = {.state = stream};
    focus = peek_any_object(&random);
    duel = chance(&random, 1, 5);
}

u64 duel_handle(struct program *program)
{
    u64 chosen = 0;
    u32 found = 0;
    for (u32 i = 0; duel && focus; i++) {
        const struct cap_slot *slot = peek_slot_at(program->who.space, i);
        if (!slot)
            break;
        if (peek_in_use(slot) && slot->object == focus && below(&program->random, ++found) == 0)
            chosen = slot->handle;
    }
    return chosen;
}

u64 pick_good_handle(struct program *program, enum object_type type)
{
    const struct cap_space *space = program->who.space;
    bool focused = chance(&program->random, 1, 2);
    u64 chosen = 0;
    u32 found = 0;
    for (u32 i = 0;; i++) {
        const struct cap_slot *slot = peek_slot_at(space, i);
        if (!slot)
            break;
        if (!peek_in_use(slot) || (type != OBJECT_NONE && peek_slot_type(slot) != type))
            continue;
        u32 tickets = focused && slot->object == focus ? 32 : 1;
        found += tickets;
        if (below(&program->random, found) < tickets) /* weighted reservoir of one */
            chosen = slot->handle;
    }
    return chosen;
}

/* A capability that has been revoked while its slot is still there: that is when a use must be
 * refused; 0: none. */
static u64 pick_revoked_handle(const struct program *program)
{
    for (u32 i = 0;; i++) {
        const struct cap_slot *slot = peek_slot_at(program->who.space, i);
        if (!slot)
            return 0;
        if (peek_in_use(slot) && peek_is_revoked(slot))
            return slot->handle;
    }
}

u64 pick_handle(struct program *program, enum object_type type)
{
    u64 revoked = pick_revoked_handle(program);
    if (revoked && chance(&program->random, 1, 3))
        return revoked;
    u64 kind = below(&program->random, 100);
    u64 good = pick_good_handle(program, type);
    if (kind < 84 && good)
        return good;
    if (kind < 89)
        return pick_good_handle(program, OBJECT_NONE);
    if (kind < 94)
        return handles.remembered[below(&program->random, REMEMBERED)];
    if (kind < 97)
        return good ^ (1ull << below(&program->random, 64));
    if (kind < 99)
        return 0;
    return sim_random_next(&program->random);
}

u32 safe_rights(const struct program *program, u64 handle)
{
    const struct cap_slot *slot = peek_slot(program->who.space, handle);
    if (!slot)
        return UINT32_MAX;
    if (peek_slot_type(slot) == OBJECT_MACHINE)
        return ~RIGHT_POWER;
    if (peek_is_vital(slot->object))
        return RIGHT_CREATE_ENDPOINT | RIGHT_CREATE_TIMER | RIGHT_GROUP_INFO | RIGHT_DERIVE |
               RIGHT_TRANSFER;
    return UINT32_MAX;
}
