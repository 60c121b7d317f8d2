/* Directed programs: capabilities. */
#include "directed.h"

#include "cap/space.h"

#define ALL_RIGHTS (~0ull)

static u64 inspected(struct actor *actor, u64 handle, u32 word)
{
    CHECK_EQ(status_of(actor, handle), STATUS_OK);
    return result_word(actor, word);
}

static u32 rights_of(struct actor *actor, u64 handle)
{
    return (u32)(inspected(actor, handle, 0) >> 32);
}

SCENARIO(inspect_says_what_a_capability_is)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 4 * PAGE_SIZE);
    u64 now = sim_now_ns();
    struct call narrow = CALL(derive, memory,
                              W(RIGHT_READ | RIGHT_DERIVE | RIGHT_MINT, 77, now + 100000000,
                                PAGE_SIZE, 2 * PAGE_SIZE, 0));
    CHECK_EQ(call(init, narrow), STATUS_OK);
    u64 child = result_word(init, 0);
    u64 id = inspected(init, memory, 6);
    CHECK_EQ(id, peek_slot(init->thread->space, memory)->object->id);
    u64 depth = inspected(init, memory, 5);
    CHECK_EQ(status_of(init, child), STATUS_OK);
    CHECK_EQ(result_word(init, 0), OBJECT_MEMORY | (u64)(RIGHT_READ | RIGHT_DERIVE | RIGHT_MINT)
                                                       << 32);
    CHECK_EQ(result_word(init, 1), 77);
    CHECK_EQ(result_word(init, 2), PAGE_SIZE);
    CHECK_EQ(result_word(init, 3), 2 * PAGE_SIZE);
    CHECK_EQ(result_word(init, 4), now + 100000000);
    CHECK_EQ(result_word(init, 5), depth + 1);
    CHECK_EQ(result_word(init, 6), id);
    CHECK_EQ(inspected(init, memory, 4), TIME_NEVER);
    CHECK_EQ(inspected(init, memory, 3), 4 * PAGE_SIZE);
}

SCENARIO(handles_that_name_nothing_are_told_apart)
{
    struct actor *init = directed_init();
    u64 handle = make_endpoint(init, 0, 0);
    u64 secret = 1ull << 40, generation = 1ull << 20;
    u64 bad = cap_denials(STATUS_BAD_HANDLE), stale = cap_denials(STATUS_STALE_HANDLE);
    CHECK_EQ(status_of(init, 0), STATUS_BAD_HANDLE);
    CHECK_EQ(status_of(init, handle ^ secret), STATUS_BAD_HANDLE);
    CHECK_EQ(status_of(init, handle + generation), STATUS_BAD_HANDLE); /* not yet */
    CHECK_EQ(status_of(init, 0xfffff), STATUS_BAD_HANDLE);             /* no such slot */
    CHECK_EQ(status_of(init, init->thread->space->slot_count), STATUS_BAD_HANDLE);
    CHECK_EQ(cap_denials(STATUS_BAD_HANDLE), bad + 5);
    CHECK_EQ(status_of_close(init, handle), STATUS_OK);
    CHECK_EQ(status_of(init, handle), STATUS_STALE_HANDLE);
    CHECK_EQ(status_of_close(init, handle), STATUS_STALE_HANDLE);
    CHECK_EQ(status_of_close(init, handle ^ secret), STATUS_STALE_HANDLE);
    CHECK_EQ(cap_denials(STATUS_STALE_HANDLE), stale + 3);
    u64 next = make_endpoint(init, 0, 0); /* the same slot */
    CHECK_EQ(next & 0xfffff, handle & 0xfffff);
    CHECK_EQ(status_of(init, handle), STATUS_STALE_HANDLE);
    CHECK_EQ(status_of(init, handle & 0xfffff), STATUS_BAD_HANDLE); /* generation 0 never was */
    CHECK_EQ(status_of(init, next), STATUS_OK);
    CHECK_EQ(status_of_close(init, 0), STATUS_BAD_HANDLE);
    CHECK_EQ(cap_denials((enum status)CAP_STATUS_LIMIT), 0);
}

SCENARIO(a_slot_that_lost_its_capability_to_a_revocation_says_so)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 child = derive(init, endpoint, ALL_RIGHTS, 0);
    u64 second = derive(init, child, ALL_RIGHTS, 0);
    u64 denied = cap_denials(STATUS_REVOKED);
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of(init, child), STATUS_REVOKED);
    CHECK_EQ(status_of(init, second), STATUS_REVOKED);
    CHECK_EQ(cap_denials(STATUS_REVOKED), denied + 2);
    pass_time(50000000); /* until clean-up has been there */
    CHECK_EQ(status_of(init, child ^ 1ull << 40), STATUS_REVOKED);
    CHECK_EQ(status_of(init, endpoint), STATUS_OK);
    u64 third = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK_EQ(status_of(init, third), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, third), STATUS_OK);
    CHECK_EQ(status_of(init, third), STATUS_OK);
}

SCENARIO(a_closed_capability_hands_its_children_up)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 middle = derive(init, endpoint, ALL_RIGHTS, 0);
    u64 leaf = derive(init, middle, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_close(init, middle), STATUS_OK);
    CHECK_EQ(status_of(init, leaf), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of(init, leaf), STATUS_REVOKED);
}

/* More children than one kernel entry dissolves. */
SCENARIO(closing_a_capability_with_many_children_takes_slices)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 middle = derive(init, endpoint, ALL_RIGHTS, 0);
    u64 children[150];
    for (u32 i = 0; i < ARRAY_SIZE(children); i++)
        children[i] = derive(init, middle, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_close(init, middle), STATUS_OK);
    for (u32 i = 0; i < ARRAY_SIZE(children); i++)
        CHECK_EQ(status_of(init, children[i]), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    for (u32 i = 0; i < ARRAY_SIZE(children); i++)
        CHECK_EQ(status_of(init, children[i]), STATUS_REVOKED);
}

/* The last capability to the object goes while its children are dissolved. */
SCENARIO(closing_a_root_with_many_children_keeps_the_object)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 8, 0);
    u64 children[150];
    for (u32 i = 0; i < ARRAY_SIZE(children); i++)
        children[i] = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_close(init, endpoint), STATUS_OK);
    CHECK_EQ(call(init, CALL(send, children[149], .info = message_info(1, 0, 0, 0))), STATUS_OK);
    for (u32 i = 0; i < ARRAY_SIZE(children); i++)
        CHECK_EQ(status_of_close(init, children[i]), STATUS_OK);
}

SCENARIO(the_derivation_tree_has_a_limit)
{
    struct actor *init = directed_init();
    u64 handle = make_endpoint(init, 0, 0);
    u32 depth = (u32)inspected(init, handle, 5);
    while (depth++ < CAP_MAX_DEPTH)
        handle = derive(init, handle, ALL_RIGHTS, 0);
    CHECK_EQ(inspected(init, handle, 5), CAP_MAX_DEPTH);
    CHECK_EQ(status_of_derive(init, handle, ALL_RIGHTS, 0), STATUS_TOO_DEEP);
}

SCENARIO(derive_never_gives_more_than_the_parent_has)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 sender = derive(init, endpoint, RIGHT_SEND | RIGHT_DERIVE, 0);
    CHECK_EQ(rights_of(init, sender), RIGHT_SEND | RIGHT_DERIVE);
    u64 child = derive(init, sender, ALL_RIGHTS, 0);
    CHECK_EQ(rights_of(init, child), RIGHT_SEND | RIGHT_DERIVE);
    CHECK_EQ(status_of_derive(init, sender, ALL_RIGHTS, 5), STATUS_MISSING_RIGHT); /* MINT */
    u64 dull = derive(init, endpoint, RIGHT_SEND, 0);
    CHECK_EQ(status_of_derive(init, dull, ALL_RIGHTS, 0), STATUS_MISSING_RIGHT);
    CHECK_EQ(status_of_revoke(init, dull), STATUS_MISSING_RIGHT);
    u64 memory = make_memory(init, PAGE_SIZE);
    CHECK_EQ(rights_of(init, derive(init, memory, ALL_RIGHTS, 0)), RIGHTS_MEMORY | RIGHTS_COMMON);
    /* REBIND hands out the receiving side without having it, of endpoints alone. */
    u64 binder = derive(init, endpoint, RIGHT_REBIND | RIGHT_DERIVE, 0);
    CHECK_EQ(rights_of(init, derive(init, binder, ALL_RIGHTS, 0)),
             RIGHT_REBIND | RIGHT_RECEIVE | RIGHT_DERIVE);
    u64 info = derive(init, memory, RIGHT_INFO | RIGHT_DERIVE, 0); /* the same bit as REBIND */
    CHECK_EQ(rights_of(init, derive(init, info, ALL_RIGHTS, 0)), RIGHT_INFO | RIGHT_DERIVE);
}

SCENARIO(a_badge_is_set_once)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 badged = derive(init, endpoint, ALL_RIGHTS, 9);
    CHECK_EQ(inspected(init, badged, 1), 9);
    CHECK_EQ(status_of_derive(init, badged, ALL_RIGHTS, 10), STATUS_MISSING_RIGHT);
    u64 child = derive(init, badged, ALL_RIGHTS, 0);
    CHECK_EQ(inspected(init, child, 1), 9);
    CHECK_EQ(status_of_derive(init, child, ALL_RIGHTS, 10), STATUS_MISSING_RIGHT);
    u64 plain = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK_EQ(inspected(init, derive(init, plain, ALL_RIGHTS, 11), 1), 11);
}

SCENARIO(a_range_can_only_shrink)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 4 * PAGE_SIZE);
    static const struct {
        u64 offset, length;
        enum status status;
    } tries[] = {
        {0, 4 * PAGE_SIZE, STATUS_OK},
        {PAGE_SIZE, 3 * PAGE_SIZE, STATUS_OK},
        {4 * PAGE_SIZE, 0, STATUS_OK},
        {5 * PAGE_SIZE, 0, STATUS_BAD_ARGUMENT},
        {0, 5 * PAGE_SIZE, STATUS_BAD_ARGUMENT},
        {PAGE_SIZE, 4 * PAGE_SIZE, STATUS_BAD_ARGUMENT},
        {PAGE_SIZE, UINT64_MAX & ~(PAGE_SIZE - 1), STATUS_BAD_ARGUMENT},
        {8, 0, STATUS_BAD_ARGUMENT},
        {0, 8, STATUS_BAD_ARGUMENT},
    };
    for (u32 i = 0; i < ARRAY_SIZE(tries); i++) {
        struct call narrow =
            CALL(derive, memory, W(ALL_RIGHTS, 0, TIME_NEVER, tries[i].offset, tries[i].length, 0));
        CHECK_EQ(call(init, narrow), tries[i].status);
    }
    struct call middle =
        CALL(derive, memory, W(ALL_RIGHTS, 0, TIME_NEVER, PAGE_SIZE, 2 * PAGE_SIZE, 0));
    CHECK_EQ(call(init, middle), STATUS_OK);
    u64 child = result_word(init, 0);
    struct call rest = CALL(derive, child, W(ALL_RIGHTS, 0, TIME_NEVER, PAGE_SIZE, 0, 0));
    CHECK_EQ(call(init, rest), STATUS_OK);
    u64 grandchild = result_word(init, 0);
    CHECK_EQ(inspected(init, grandchild, 2), 2 * PAGE_SIZE);
    CHECK_EQ(inspected(init, grandchild, 3), PAGE_SIZE);
    struct call wide = CALL(derive, child, W(ALL_RIGHTS, 0, TIME_NEVER, 0, 3 * PAGE_SIZE, 0));
    CHECK_EQ(call(init, wide), STATUS_BAD_ARGUMENT);
    /* Ports are counted one by one. */
    struct call port = CALL(derive, init_cap(INIT_CAP_PORTS), W(ALL_RIGHTS, 0, TIME_NEVER, 5, 3));
    CHECK_EQ(call(init, port), STATUS_OK);
    u64 three = result_word(init, 0);
    CHECK_EQ(call(init, CALL(port_in, three, W(7, 1))), STATUS_OK);
    CHECK_EQ(call(init, CALL(port_in, three, W(8, 1))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(port_in, three, W(4, 1))), STATUS_BAD_ARGUMENT);
}

SCENARIO(an_expired_capability_is_refused)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 end = sim_now_ns() + 50000000;
    CHECK_EQ(call(init, CALL(derive, endpoint, W(ALL_RIGHTS, 0, end))), STATUS_OK);
    u64 mortal = result_word(init, 0);
    u64 heir = derive(init, mortal, ALL_RIGHTS, 0); /* never: the parent's */
    CHECK_EQ(inspected(init, heir, 4), end);
    CHECK_EQ(call(init, CALL(derive, mortal, W(ALL_RIGHTS, 0, end + 1000))), STATUS_OK);
    CHECK_EQ(inspected(init, result_word(init, 0), 4), end);
    CHECK_EQ(call(init, CALL(derive, mortal, W(ALL_RIGHTS, 0, end - 1000))), STATUS_OK);
    CHECK_EQ(inspected(init, result_word(init, 0), 4), end - 1000);
    pass_time(50000000);
    u64 denied = cap_denials(STATUS_EXPIRED);
    CHECK_EQ(status_of(init, mortal), STATUS_EXPIRED);
    CHECK_EQ(status_of(init, heir), STATUS_EXPIRED);
    CHECK_EQ(cap_denials(STATUS_EXPIRED), denied + 2);
    CHECK_EQ(status_of(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of_close(init, mortal), STATUS_OK); /* closing is for all */
}

SCENARIO(seals_hold)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct child child = spawn(init, NULL, 0);
    struct call no_derive =
        CALL(derive, endpoint, W(ALL_RIGHTS, 0, TIME_NEVER, 0, 0, DERIVE_SEAL_DERIVE));
    CHECK_EQ(call(init, no_derive), STATUS_OK);
    u64 barren = result_word(init, 0);
    CHECK_EQ(status_of_derive(init, barren, ALL_RIGHTS, 0), STATUS_SEALED);
    struct call copy = CALL(grant, child.process, W(barren, ~0u, CAP_SEND_COPY));
    CHECK_EQ(call(init, copy), STATUS_SEALED);
    struct call no_transfer =
        CALL(derive, endpoint, W(ALL_RIGHTS, 0, TIME_NEVER, 0, 0, DERIVE_SEAL_TRANSFER));
    CHECK_EQ(call(init, no_transfer), STATUS_OK);
    u64 bound = result_word(init, 0);
    CHECK_EQ(call(init, CALL(grant, child.process, W(bound, ~0u, CAP_SEND_MOVE))), STATUS_SEALED);
    CHECK_EQ(call(init, CALL(grant, child.process, W(bound, ~0u, CAP_SEND_COPY))), STATUS_SEALED);
    u64 heir = derive(init, bound, ALL_RIGHTS, 0); /* inherits the seal */
    CHECK_EQ(call(init, CALL(grant, child.process, W(heir, ~0u, CAP_SEND_MOVE))), STATUS_SEALED);
    CHECK_EQ(call(init, CALL(grant, child.process, W(barren, ~0u, CAP_SEND_MOVE))), STATUS_OK);
    u64 given = result_word(init, 0);
    CHECK_EQ(status_of_derive(child.main, given, ALL_RIGHTS, 0), STATUS_SEALED);
    struct call strange = CALL(derive, endpoint, W(ALL_RIGHTS, 0, TIME_NEVER, 0, 0, 8));
    CHECK_EQ(call(init, strange), STATUS_BAD_ARGUMENT);
}

SCENARIO(grant_moves_and_copies)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 endpoint = make_endpoint(init, 4, 0);
    struct call copy = CALL(grant, child.process, W(endpoint, RIGHT_SEND | RIGHT_DERIVE, 1));
    CHECK_EQ(call(init, copy), STATUS_OK);
    u64 copied = result_word(init, 0);
    CHECK_EQ(rights_of(child.main, copied), RIGHT_SEND | RIGHT_DERIVE);
    CHECK_EQ(call(child.main, CALL(send, copied)), STATUS_OK);
    u64 extra = derive(init, endpoint, ALL_RIGHTS, 6);
    struct call move =
        CALL(grant, child.process, W(extra, ~(u64)RIGHT_RECEIVE & UINT32_MAX, CAP_SEND_MOVE));
    CHECK_EQ(call(init, move), STATUS_OK);
    u64 moved = result_word(init, 0);
    CHECK_EQ(status_of(init, extra), STATUS_STALE_HANDLE);
    CHECK_EQ(inspected(child.main, moved, 1), 6);
    CHECK_EQ(rights_of(child.main, moved), (RIGHTS_ENDPOINT & ~RIGHT_RECEIVE) | RIGHTS_COMMON);
    CHECK_EQ(call(init, CALL(grant, child.process, W(endpoint, ~0u, 2))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(grant, child.process, W(endpoint, ~0u, 1ull << 32))),
             STATUS_BAD_ARGUMENT);
    u64 stuck = derive(init, endpoint, RIGHT_SEND, 0);
    CHECK_EQ(call(init, CALL(grant, child.process, W(stuck, ~0u, 0))), STATUS_MISSING_RIGHT);
    u64 moveable = derive(init, endpoint, RIGHT_SEND | RIGHT_TRANSFER, 0);
    CHECK_EQ(call(init, CALL(grant, child.process, W(moveable, ~0u, 1))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(grant, child.process, W(moveable, ~0u, 0))), STATUS_OK);
    u64 powerless = derive(init, child.process, ~(u64)RIGHT_GRANT, 0);
    CHECK_EQ(call(init, CALL(grant, powerless, W(endpoint, ~0u, 1))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(grant, endpoint, W(endpoint, ~0u, 1))), STATUS_WRONG_TYPE);
    /* Revoking reaches what was copied and what was moved. */
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of(child.main, copied), STATUS_REVOKED);
    CHECK_EQ(status_of(child.main, moved), STATUS_REVOKED);
}

SCENARIO(nothing_comes_into_the_space_of_a_dead_process)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 extra = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK_EQ(call(init, CALL(kill, child.process, W(3))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), EXIT_KILLED);
    CHECK_EQ(result_word(init, 1), 3);
    CHECK_EQ(call(init, CALL(grant, child.process, W(endpoint, ~0u, 1))), STATUS_DEAD);
    CHECK_EQ(call(init, CALL(grant, child.process, W(extra, ~0u, 0))), STATUS_DEAD);
    CHECK_EQ(status_of(init, extra), STATUS_OK);
}

SCENARIO(a_space_grows_and_has_an_end)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 first = derive(init, endpoint, ALL_RIGHTS, 0);
    u64 handle = 0;
    for (u32 i = 0; i < 600; i++)
        handle = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK(init->thread->space->slot_count > 600);
    CHECK_EQ(status_of(init, first), STATUS_OK);
    CHECK_EQ(status_of(init, handle), STATUS_OK);
    /* The end would need 32,768 capabilities: the table is told that it has them. */
    struct cap_space *space = init->thread->space;
    u32 slots = space->slot_count, used = space->used_count;
    space->slot_count = CAP_MAX_SLOTS;
    space->used_count = CAP_MAX_SLOTS - 1;
    CHECK_EQ(cap_reserve(space, 1), STATUS_NO_SLOT);
    space->slot_count = slots;
    space->used_count = used;
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of(init, handle), STATUS_REVOKED);
}

/* Every allocation of a call fails once: the call says so and has changed nothing. */
static void fail_every_allocation(struct actor *actor, struct call what)
{
    bool failed = true;
    u32 refused = 0;
    for (u64 n = 1; failed && !directed_failed(); n++) {
        u32 used = actor->thread->space->used_count;
        u64 nodes = cap_node_count();
        fail_allocation(n);
        u64 status = call(actor, what);
        failed = allocation_failed();
        if (status == STATUS_OK) {
            /* None failed, or the kernel found what it needed elsewhere. */
            if (what.number != SYS_grant)
                CHECK(result_word(actor, 0) != what.w[0] &&
                      status_of(actor, result_word(actor, 0)) == STATUS_OK);
            continue;
        }
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
        refused++;
        CHECK_EQ(actor->thread->space->used_count, used);
        pass_time(20000000);
        CHECK_EQ(cap_node_count(), nodes);
    }
    CHECK(refused > 0);
}

SCENARIO(derive_and_creation_without_memory_change_nothing)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    fail_every_allocation(init, CALL(derive, endpoint, W(ALL_RIGHTS, 0, TIME_NEVER)));
    fail_every_allocation(init, CALL(create_endpoint, init_cap(INIT_CAP_GROUP), W(0, 0)));
    fail_every_allocation(init, CALL(create_memory, init_cap(INIT_CAP_GROUP), W(PAGE_SIZE, 0)));
    fail_every_allocation(init, CALL(create_timer, init_cap(INIT_CAP_GROUP), W(endpoint)));
    struct call thread =
        CALL(create_thread, init_self(), W(0x500000, 0x500000, 0, 0, 1, buffer_place(init)));
    fail_every_allocation(init, thread);
    struct child child = spawn(init, NULL, 0);
    fail_every_allocation(init, CALL(grant, child.process, W(endpoint, ~0u, CAP_SEND_COPY)));
}

/* A space whose table of chunks has grown gives all of it back at its end. */
SCENARIO(a_process_with_many_capabilities_ends)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    struct spawn_plan plan = sound_plan();
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    struct child child = child_of(init);
    u64 endpoint = make_endpoint(init, 0, 0);
    struct cap_space *space = child.main->thread->space;
    struct call give = CALL(grant, child.process, W(endpoint, ~0u, CAP_SEND_COPY));
    while (space->chunks == space->inline_chunks && !directed_failed())
        CHECK_EQ(call(init, give), STATUS_OK);
    CHECK(space->slot_count > CAP_INLINE_CHUNKS * CAP_CHUNK_SLOTS);
    CHECK_EQ(call(init, CALL(kill, child.process)), STATUS_OK);
    CHECK_EQ(status_of_close(init, child.process), STATUS_OK);
    CHECK_EQ(status_of_close(init, child.thread), STATUS_OK);
    pass_time(50000000);
    struct group_usage usage;
    CHECK_EQ(call(init, CALL(group_info, group, W(scratch(init, 2)))), STATUS_OK);
    peek(init, scratch(init, 2), &usage, sizeof(usage));
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++)
        CHECK_EQ(usage.used[i], 0);
}

/* The table of chunks grows, too, and may find no memory for that. */
SCENARIO(a_space_that_cannot_grow_says_so)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct cap_space *space = init->thread->space;
    for (u32 round = 0; round < 12; round++) {
        while (space->used_count + 1 < space->slot_count)
            (void)derive(init, endpoint, ALL_RIGHTS, 0);
        fail_every_allocation(init, CALL(derive, endpoint, W(ALL_RIGHTS, 0, TIME_NEVER)));
    }
    CHECK(space->slot_count >= 12 * CAP_CHUNK_SLOTS);
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
}

SCENARIO(revocation_of_many_takes_slices_and_leaves_nothing)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 chain[200];
    for (u32 i = 0; i < ARRAY_SIZE(chain); i++)
        chain[i] = derive(init, i % 5 ? chain[i - 1] : endpoint, ALL_RIGHTS, 0);
    u64 nodes = cap_node_count();
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    for (u32 i = 0; i < ARRAY_SIZE(chain); i++)
        CHECK_EQ(status_of(init, chain[i]), STATUS_REVOKED);
    pass_time(50000000);
    CHECK_EQ(cap_node_count(), nodes - ARRAY_SIZE(chain));
}

/* With nothing but slots below, the call is back before they are cleared. */
SCENARIO(revoke_leaves_slots_to_a_job_that_its_group_pays_for)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 children[200];
    for (u32 i = 0; i < ARRAY_SIZE(children); i++)
        children[i] = derive(init, endpoint, ALL_RIGHTS, 0);
    u64 nodes = cap_node_count();
    CHECK(start(init, CALL(revoke, endpoint)));
    CHECK(!is_blocked(init));
    CHECK_EQ(finish(init), STATUS_OK);
    CHECK(cap_node_count() > nodes - ARRAY_SIZE(children));
    for (u32 i = 0; i < ARRAY_SIZE(children); i++)
        CHECK_EQ(status_of(init, children[i]), STATUS_REVOKED);
    CHECK_EQ(status_of_close(init, endpoint), STATUS_OK); /* the tree goes on without its top */
    pass_time(50000000);
    CHECK_EQ(cap_node_count(), nodes - ARRAY_SIZE(children) - 1);
}

/* What does something by itself is gone when the call is back. */
SCENARIO(revoke_waits_for_mappings_bindings_and_where_it_cannot_pay)
{
    struct actor *init = directed_init();
    u64 objects[] = {make_endpoint(init, 0, 0), make_memory(init, PAGE_SIZE),
                     make_endpoint(init, 0, 0)};
    u64 nodes = cap_node_count();
    for (u32 i = 0; i < ARRAY_SIZE(objects); i++) {
        u64 leaf = 0;
        for (u32 n = 0; n < 100; n++)
            leaf = derive(init, objects[i], ALL_RIGHTS, 0);
        struct call uses[] = {CALL(create_timer, init_cap(INIT_CAP_GROUP), W(leaf)),
                              CALL(map, leaf, W(0, 0, 0, PAGE_SIZE, MAP_READ)),
                              CALL(inspect, leaf)};
        CHECK_EQ(call(init, uses[i]), STATUS_OK);
        nodes += uses[i].number == SYS_create_timer;
        if (uses[i].number == SYS_inspect)
            fail_allocation(1);
        CHECK_EQ(status_of_revoke(init, objects[i]), STATUS_OK);
        CHECK_EQ(allocation_failed(), uses[i].number == SYS_inspect);
        CHECK_EQ(cap_node_count(), nodes);
    }
}

/* Revoked once, derived again, revoked again; then the middle closes while dead children hang
 * on. */
SCENARIO(closing_below_a_revoked_parent_condemns_the_children)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 other = derive(init, endpoint, ALL_RIGHTS, 0);
    u64 leaf = derive(init, other, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_revoke(init, other), STATUS_OK);
    CHECK_EQ(status_of(init, leaf), STATUS_REVOKED);
    u64 again = derive(init, other, ALL_RIGHTS, 0);
    CHECK_EQ(status_of(init, again), STATUS_OK);
    CHECK_EQ(status_of_close(init, other), STATUS_OK);
    CHECK_EQ(status_of(init, again), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of(init, again), STATUS_REVOKED);
}

/* The same with a parent that was revoked before the one in the middle was born: its children live,
 * and go on living when the parent closes, too. */
SCENARIO(closing_below_a_parent_revoked_before_hands_the_children_up)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 parent = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_revoke(init, parent), STATUS_OK);
    u64 middle = derive(init, parent, ALL_RIGHTS, 0);
    u64 leaf = derive(init, middle, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_close(init, middle), STATUS_OK);
    CHECK_EQ(status_of(init, leaf), STATUS_OK);
    CHECK_EQ(status_of_close(init, parent), STATUS_OK);
    CHECK_EQ(status_of(init, leaf), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of(init, leaf), STATUS_REVOKED);
}

SCENARIO(an_old_handle_of_a_slot_that_was_revoked_later_is_stale)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 old = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_close(init, old), STATUS_OK);
    u64 revoked = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK_EQ(revoked & 0xfffff, old & 0xfffff); /* the same slot */
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(status_of(init, revoked), STATUS_REVOKED);
    CHECK_EQ(status_of(init, old), STATUS_STALE_HANDLE);
}
