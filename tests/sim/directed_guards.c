/* Directed programs: guards against what is rare, each seen to be missed when it is taken away. */
#include "directed.h"

#include "cap/space.h"
#include "group/group.h"
#include "ipc/endpoint.h"
#include "mm/memory.h"

#define ALL_RIGHTS (~0ull)
#define GROUP      init_cap(INIT_CAP_GROUP)

/* --- Capability spaces --------------------------------------------------------------------------
 */

/* The frame of a table of more slots, or the one of its slots, is not to be had. Afterwards the
 * process ends with its table. */
SCENARIO(a_table_of_slots_that_finds_no_frame_stays_as_it_was)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct child child = spawn(init, &endpoint, 1);
    const struct cap_space *space = child.main->thread->space;
    const u32 full = CAP_INLINE_CHUNKS * CAP_CHUNK_SLOTS;
    u64 first = derive(child.main, child.caps[0], ALL_RIGHTS, 0), last = 0;
    while (space->used_count < full - 1 && !directed_failed())
        last = derive(child.main, child.caps[0], ALL_RIGHTS, 0);
    CHECK_EQ(space->slot_count, full);
    CHECK_EQ(space->chunk_mask, CAP_INLINE_CHUNKS - 1);
    u32 refused = 0;
    for (u64 n = 1; n < 5; n++) {
        fail_allocation(n);
        u64 status = status_of_derive(child.main, child.caps[0], ALL_RIGHTS, 0);
        if (!allocation_failed())
            break;
        if (status == STATUS_OK)
            continue; /* what was needed was found elsewhere */
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
        CHECK_EQ(space->slot_count, full);
        CHECK_EQ(space->used_count, full - 1);
        refused++;
    }
    CHECK(refused >= 2);
    CHECK_EQ(space->chunk_mask, CAP_MAX_CHUNKS - 1);
    CHECK_EQ(status_of(child.main, first), STATUS_OK);
    CHECK_EQ(status_of(child.main, last), STATUS_OK);
    CHECK(derive(child.main, child.caps[0], ALL_RIGHTS, 0) != 0);
    CHECK(space->slot_count > full);
}

struct rivals {
    struct actor *init, *first, *second; /* on CPUs of their own */
    u64 first_thread, second_thread;
    u64 leaf;
};

static struct rivals make_rivals(void)
{
    struct rivals rivals = {.init = directed_init()};
    rivals.first = new_thread(rivals.init, init_self(), &rivals.first_thread);
    rivals.second = new_thread(rivals.init, init_self(), &rivals.second_thread);
    pin(rivals.init, init_main_thread(), 0);
    pin(rivals.init, rivals.first_thread, 1);
    pin(rivals.init, rivals.second_thread, 2);
    return rivals;
}

static bool both_back(void *argument)
{
    const struct rivals *rivals = argument;
    return !is_blocked(rivals->first) && !is_blocked(rivals->second);
}

static u64 status_now(const struct actor *actor)
{
    return actor->thread->context.number;
}

static void verify_all_below_is_dead(void *argument)
{
    struct rivals *rivals = argument;
    CHECK(wait_until(both_back, rivals));
    u64 closed = status_now(rivals->first);
    CHECK(closed == STATUS_OK || closed == STATUS_REVOKED || closed == STATUS_STALE_HANDLE);
    CHECK_EQ(status_now(rivals->second), STATUS_OK);
    CHECK_EQ(status_of(rivals->init, rivals->leaf), STATUS_REVOKED);
}

/* Who closes finds that its node has been taken out of the tree meanwhile. */
RACE(closing_one_with_a_child_while_all_is_revoked)
{
    struct rivals rivals = make_rivals();
    u64 top = make_memory(rivals.init, PAGE_SIZE); /* its slots do not wait for a job */
    u64 middle = derive(rivals.init, top, ALL_RIGHTS, 0);
    rivals.leaf = derive(rivals.init, middle, ALL_RIGHTS, 0);
    struct racer closes = {rivals.first, CALL(close, middle)};
    struct racer revokes = {rivals.second, CALL(revoke, top)};
    CHECK(race_everywhere(&closes, &revokes, verify_all_below_is_dead, &rivals) > 3);
    CHECK(race_everywhere(&revokes, &closes, verify_all_below_is_dead, &rivals) > 3);
}

/* --- Endpoints ----------------------------------------------------------------------------------
 */

/* Whoever waits learns at once that nobody can name the endpoint any more, whatever its grace. */
SCENARIO(who_waits_is_told_when_the_last_capability_goes)
{
    struct rivals rivals = make_rivals();
    struct actor *init = rivals.init;
    for (u32 i = 0; i < 4; i++) {
        u64 endpoint = make_endpoint(init, 0, 1000000000000ull);
        struct call waits[] = {CALL(send, endpoint, .deadline = FOREVER),
                               CALL(receive, endpoint, .deadline = FOREVER),
                               CALL(call, endpoint, .deadline = FOREVER),
                               CALL(receive, endpoint, .deadline = FOREVER)};
        CHECK(start(rivals.first, waits[i]));
        CHECK(is_blocked(rivals.first));
        if (i == 3) { /* the caller is served, and waits for the answer */
            CHECK(start(rivals.second, CALL(call, endpoint, .deadline = FOREVER)));
            CHECK_EQ(finish(rivals.first), STATUS_OK);
        }
        struct actor *waits_still = i == 3 ? rivals.second : rivals.first;
        CHECK(is_blocked(waits_still));
        CHECK_EQ(status_of_close(init, endpoint), STATUS_OK);
        pass_time(100000000);
        CHECK(!is_blocked(waits_still));
        CHECK_EQ(finish(waits_still), STATUS_PEER_CLOSED);
        CHECK_EQ(call(rivals.first, CALL(null, 0)), STATUS_OK);
    }
}

/* It waits among the senders first, and is taken up by a receiver. */
SCENARIO(a_caller_that_was_taken_up_is_told_when_the_last_capability_goes)
{
    struct rivals rivals = make_rivals();
    u64 endpoint = make_endpoint(rivals.init, 0, 1000000000000ull);
    CHECK(start(rivals.first, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(call(rivals.second, CALL(receive, endpoint, .deadline = FOREVER)), STATUS_OK);
    CHECK(is_blocked(rivals.first));
    CHECK_EQ(status_of_close(rivals.init, endpoint), STATUS_OK);
    pass_time(100000000);
    CHECK(!is_blocked(rivals.first));
    CHECK_EQ(finish(rivals.first), STATUS_PEER_CLOSED);
    CHECK_EQ(call(rivals.second, CALL(reply, 0)), STATUS_NO_CALLER);
}

SCENARIO(a_server_that_takes_capabilities_waits_after_a_call_that_it_drops)
{
    struct rivals rivals = make_rivals();
    u64 endpoint = make_endpoint(rivals.init, 0, 0);
    CHECK(start(rivals.second, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(rivals.first, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(rivals.second), STATUS_OK);
    CHECK(start(rivals.second,
                CALL(receive, endpoint, .info = message_info(0, 0, 0, 2), .deadline = FOREVER)));
    CHECK(is_blocked(rivals.second));
    CHECK_EQ(finish(rivals.first), STATUS_REPLY_DROPPED);
    CHECK(rivals.second->thread->activity == rivals.second->thread->home);
    CHECK_EQ(call(rivals.first, CALL(signal, endpoint)), STATUS_OK);
    CHECK_EQ(finish(rivals.second), STATUS_OK);
    /* Without the right, by the short way and by the other. */
    u64 mute = derive(rivals.init, endpoint, ~(u64)RIGHT_RECEIVE, 0);
    CHECK_EQ(call(rivals.second, CALL(receive, mute, .deadline = FOREVER)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(rivals.second, CALL(receive, mute, .info = NO_WAIT)), STATUS_MISSING_RIGHT);
}

SCENARIO(a_message_that_finds_no_place_in_memory_is_not_queued)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 4, 0);
    fail_allocation(1);
    u64 status = call(init, CALL(send, endpoint, EIGHT(1), .deadline = FOREVER));
    if (CHECK(allocation_failed()))
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
    CHECK_EQ(endpoint_named(init, endpoint)->queued, 0);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = NO_WAIT)), STATUS_WOULD_BLOCK);
}

/* --- What is made at a group's expense ----------------------------------------------------------
 */

static const struct group *group_named(const struct actor *actor, u64 handle)
{
    const struct cap_slot *slot = peek_slot(actor->thread->space, handle);
    return slot ? CONTAINER_OF(slot->object, struct group, object) : NULL;
}

/* Each call that makes something fails at every allocation, then succeeds, and what it made goes:
 * the group has what it had. */
static void make_and_drop(struct actor *init, u64 group, struct call make, u32 results)
{
    const struct group *payer = group_named(init, group);
    const struct account *account = &payer->payer.account;
    pass_time(10000000);
    u32 references = payer->object.references, used = init->thread->space->used_count;
    u64 bytes = account_used(account, GROUP_KERNEL_BYTES);
    bool failed = true;
    for (u64 n = 1; failed && n < 60 && !directed_failed(); n++) {
        fail_allocation(n);
        u64 status = call(init, make);
        failed = allocation_failed();
        u64 made[] = {result_word(init, 0), result_word(init, 1)};
        for (u32 i = 0; i < results && status == STATUS_OK; i++)
            CHECK_EQ(status_of_close(init, made[i]), STATUS_OK);
        pass_time(100000000);
        CHECK_EQ(init->thread->space->used_count, used);
        CHECK_EQ(payer->object.references, references);
        CHECK_EQ(account_used(account, GROUP_KERNEL_BYTES), bytes);
    }
    CHECK(!failed);
}

SCENARIO(a_group_keeps_nothing_of_what_was_not_made_or_went)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    u64 group = make_group(init, GROUP, &limits), endpoint = make_endpoint(init, 0, 0);
    u64 machine = init_cap(INIT_CAP_MACHINE), memory = make_memory(init, PAGE_SIZE);
    poke(init, scratch(init, 0), &limits, sizeof(limits));
    make_and_drop(init, group, CALL(create_endpoint, group, W(0, 0)), 1);
    make_and_drop(init, group, CALL(create_channel, group, W(0, 0)), 2);
    make_and_drop(init, group, CALL(create_memory, group, W(PAGE_SIZE, 0)), 1);
    make_and_drop(init, group, CALL(create_memory, group, W(PAGE_SIZE, MEMORY_EAGER)), 1);
    make_and_drop(init, group, CALL(clone_memory, group, W(memory, 0, PAGE_SIZE)), 1);
    make_and_drop(init, group, CALL(create_timer, group, W(endpoint)), 1);
    make_and_drop(init, group, CALL(create_interrupt, machine, W(group, 0, 9)), 1);
    make_and_drop(init, GROUP, CALL(trace_control, init_cap(INIT_CAP_TRACE), W(TRACE_GET_MEMORY)),
                  1);
    make_and_drop(init, group, CALL(create_resource_group, group, W(scratch(init, 0))), 1);
}

/* A capability that is to be moved is promised a place, and the parent has none for what it gets:
 * the promise is taken back. */
SCENARIO(a_spawn_that_fails_after_promising_places_gives_them_back)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    u64 group = make_group(init, GROUP, &limits), endpoint = make_endpoint(init, 0, 0);
    const struct group *payer = group_named(init, group);
    u64 bytes = account_used(&payer->payer.account, GROUP_KERNEL_BYTES);
    struct spawn_plan plan = sound_plan();
    plan.cap_count = 1;
    plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_MOVE};
    u32 refused = 0;
    for (u64 n = 1; n < 100 && !directed_failed(); n++) {
        fail_allocation(n);
        u64 status = status_of_spawn(init, group, &plan);
        (void)allocation_failed();
        if (status == STATUS_OK)
            break;
        refused++;
        pass_time(100000000);
        CHECK_EQ(status_of(init, endpoint), STATUS_OK);
        CHECK_EQ(account_used(&payer->payer.account, GROUP_KERNEL_BYTES), bytes);
    }
    CHECK(refused > 3);
}

/* The parent of many goes first, in more than one slice. */
SCENARIO(a_space_ends_with_one_that_has_many_children)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct child child = spawn(init, &endpoint, 1);
    for (u32 i = 0; i < 150; i++)
        (void)derive(child.main, child.caps[0], ALL_RIGHTS, 0);
    u64 nodes = cap_node_count();
    CHECK_EQ(call(init, CALL(kill, child.process, W(0), .deadline = FOREVER)), STATUS_OK);
    pass_time(100000000);
    CHECK(cap_node_count() <= nodes - 151);
    CHECK_EQ(status_of(init, endpoint), STATUS_OK);
}

/* --- Revocation ---------------------------------------------------------------------------------
 */

SCENARIO(what_is_revoked_is_gone_when_the_call_is_back_if_it_is_little)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), nodes = cap_node_count();
    (void)derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK(start(init, CALL(revoke, endpoint)));
    CHECK(!is_blocked(init));
    CHECK_EQ(finish(init), STATUS_OK);
    CHECK_EQ(cap_node_count(), nodes);
}

/* Types that have nothing to do at a revocation. */
SCENARIO(many_capabilities_of_any_type_are_revoked)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 endpoint = make_endpoint(init, 0, 0);
    struct call timer = CALL(create_timer, GROUP, W(endpoint));
    CHECK_EQ(call(init, timer), STATUS_OK);
    u64 tops[] = {child.process,
                  child.thread,
                  result_word(init, 0),
                  init_cap(INIT_CAP_MACHINE),
                  init_cap(INIT_CAP_GROUP),
                  make_memory(init, PAGE_SIZE)};
    for (u32 i = 0; i < ARRAY_SIZE(tops); i++) {
        u64 leaves[3];
        for (u32 n = 0; n < ARRAY_SIZE(leaves); n++)
            leaves[n] = derive(init, tops[i], ALL_RIGHTS, 0);
        CHECK_EQ(status_of_revoke(init, tops[i]), STATUS_OK);
        for (u32 n = 0; n < ARRAY_SIZE(leaves); n++)
            CHECK_EQ(status_of(init, leaves[n]), STATUS_REVOKED);
        CHECK_EQ(status_of(init, tops[i]), STATUS_OK);
    }
}

/* --- Memory -------------------------------------------------------------------------------------
 */

SCENARIO(ranges_and_places_beyond_user_memory_are_refused)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGE_SIZE);
    static const u64 beyond[] = {USER_END, USER_END + PAGE_SIZE, ~0ull - PAGE_SIZE + 1};
    for (u32 i = 0; i < ARRAY_SIZE(beyond); i++) {
        CHECK_EQ(call(init, CALL(unmap, 0, W(0, beyond[i], PAGE_SIZE))), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(protect, 0, W(0, beyond[i], PAGE_SIZE, 0, MAP_READ))),
                 STATUS_BAD_ARGUMENT);
        struct call thread =
            CALL(create_thread, init_self(), W(beyond[i], USER_START, 0, 0, 1, buffer_place(init)));
        CHECK_EQ(call(init, thread), STATUS_BAD_ARGUMENT);
        thread.w[0] = USER_START;
        thread.w[1] = beyond[i];
        CHECK_EQ(call(init, thread), STATUS_BAD_ARGUMENT);
    }
    CHECK_EQ(call(init, CALL(map, memory, W(0, 0, 0, 0, MAP_READ))), STATUS_BAD_ARGUMENT);
}

SCENARIO(an_eager_mapping_to_read_shows_what_is_there)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 2 * PAGE_SIZE);
    struct call map = CALL(map, memory, W(0, 0, 0, 2 * PAGE_SIZE, MAP_READ | MAP_WRITE));
    CHECK_EQ(call(init, map), STATUS_OK);
    u64 address = result_word(init, 0);
    CHECK(touch(init, address, ACCESS_WRITE) && touch(init, address + PAGE_SIZE, ACCESS_WRITE));
    map.w[4] = MAP_READ | MAP_EAGER;
    CHECK_EQ(call(init, map), STATUS_OK);
    address = result_word(init, 0);
    CHECK(peek_is_mapped(init->thread->vspace, address, ACCESS_READ));
    CHECK(peek_is_mapped(init->thread->vspace, address + PAGE_SIZE, ACCESS_READ));
}

SCENARIO(user_memory_is_reached_up_to_its_end)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGE_SIZE), last = USER_END - PAGE_SIZE;
    struct call map = CALL(map, memory, W(0, last, 0, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_FIXED));
    CHECK_EQ(call(init, map), STATUS_OK);
    u64 place = USER_END - sizeof(struct group_usage);
    CHECK_EQ(call(init, CALL(group_info, GROUP, W(place))), STATUS_OK);
    CHECK_EQ(call(init, CALL(group_info, GROUP, W(place + 8))), STATUS_BAD_ADDRESS);
}

SCENARIO(a_clone_takes_no_page_beyond_its_end)
{
    struct actor *init = directed_init();
    const u64 pages = 60, part = 40; /* more than one slice, less than a table */
    struct call create = CALL(create_memory, GROUP, W(pages * PAGE_SIZE, MEMORY_EAGER));
    CHECK_EQ(call(init, create), STATUS_OK);
    u64 memory = result_word(init, 0);
    CHECK_EQ(call(init, CALL(clone_memory, GROUP, W(memory, 0, part * PAGE_SIZE))), STATUS_OK);
    const struct cap_slot *slot = peek_slot(init->thread->space, result_word(init, 0));
    if (CHECK(slot))
        CHECK_EQ(CONTAINER_OF(slot->object, struct memory, object)->resident,
                 part + 1); /* and a table */
}

/* What a revocation leaves to a job is paid for by who revoked, until it is done. */
SCENARIO(a_group_keeps_nothing_of_a_revocation)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    u64 group = make_group(init, GROUP, &limits), endpoint = make_endpoint(init, 0, 0);
    struct spawn_plan plan = sound_plan();
    plan.cap_count = 1;
    plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_COPY};
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    struct child child = child_of(init);
    const struct group *payer = group_named(init, group);
    u32 references = payer->object.references;
    u64 bytes = account_used(&payer->payer.account, GROUP_KERNEL_BYTES);
    for (u32 i = 0; i < 4; i++)
        (void)derive(child.main, child.caps[0], ALL_RIGHTS, 0);
    CHECK_EQ(status_of_revoke(child.main, child.caps[0]), STATUS_OK);
    CHECK_EQ(payer->object.references, references + 1);
    pass_time(100000000);
    CHECK_EQ(payer->object.references, references);
    CHECK_EQ(account_used(&payer->payer.account, GROUP_KERNEL_BYTES), bytes);
}

/* --- Bindings, groups, ends ---------------------------------------------------------------------
 */

/* The first endpoint is too deep in its tree for a child. */
SCENARIO(an_interrupt_whose_binding_failed_can_be_bound)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), deep = endpoint;
    struct call create = CALL(create_interrupt, init_cap(INIT_CAP_MACHINE), W(GROUP, 0, 9));
    CHECK_EQ(call(init, create), STATUS_OK);
    u64 interrupt = result_word(init, 0);
    for (u32 depth = 1; depth < CAP_MAX_DEPTH; depth++)
        deep = derive(init, deep, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_derive(init, deep, ALL_RIGHTS, 0), STATUS_TOO_DEEP);
    CHECK_EQ(call(init, CALL(interrupt_ack, interrupt, W(deep))), STATUS_TOO_DEEP);
    CHECK_EQ(call(init, CALL(interrupt_ack, interrupt, W(endpoint))), STATUS_OK);
}

SCENARIO(a_group_refuses_what_it_does_not_know)
{
    struct actor *init = directed_init();
    CHECK_EQ(call(init, CALL(group_control, GROUP, W(99, 1, 1))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(group_control, GROUP, W(GROUP_SET_LIMIT, GROUP_RESOURCE_COUNT, 1))),
             STATUS_BAD_ARGUMENT);
}

SCENARIO(a_thread_that_ends_wakes_nobody_by_a_word_that_it_may_not_write)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGE_SIZE), handles[2];
    CHECK_EQ(call(init, CALL(map, memory, W(0, 0, 0, PAGE_SIZE, MAP_READ))), STATUS_OK);
    u64 word = result_word(init, 0);
    struct actor *waits = new_thread(init, init_self(), &handles[0]);
    struct actor *ends = new_thread(init, init_self(), &handles[1]);
    CHECK(start(waits, CALL(futex_wait, 0, W(word, 0), .deadline = FOREVER)));
    CHECK(is_blocked(waits));
    CHECK(start(ends, CALL(exit, 0, W(0, 1, word))));
    pass_time(1000000);
    CHECK(!is_alive(ends));
    CHECK(is_blocked(waits));
}
