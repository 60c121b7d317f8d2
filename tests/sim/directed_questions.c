/* Directed programs: why and who tell what is, also while it changes under them. */
#include "directed.h"

#include "abi/questions.h"
#include "ipc/endpoint.h"

#define MACHINE init_cap(INIT_CAP_MACHINE)

/* Answers of the actor's question, in its first scratch pages. */
static u64 place(void)
{
    return scratch(directed_init(), 1);
}

static struct why_entry why_of(u64 process_id, u64 thread_id)
{
    struct actor *init = directed_init();
    struct why_entry entry;
    CHECK_EQ(call(init, CALL(why, MACHINE, W(place(), 1, process_id, thread_id - 1))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 1);
    peek(init, place(), &entry, sizeof(entry));
    CHECK_EQ(entry.thread_id, thread_id);
    CHECK_EQ(entry.process_id, process_id);
    return entry;
}

static u64 who_of(u64 process_id, u64 topic, u64 from, struct who_entry *entries, u32 limit)
{
    struct actor *init = directed_init();
    CHECK_EQ(call(init, CALL(who, MACHINE, W(place(), limit, process_id, topic, from))), STATUS_OK);
    u64 count = result_word(init, 0);
    if (CHECK(count <= limit))
        peek(init, place(), entries, count * sizeof(*entries));
    return count;
}

static u64 process_of_init(void)
{
    return directed_init()->thread->space->process_id;
}

SCENARIO(a_wait_is_told_with_its_object)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct child child = spawn(init, &endpoint, 1);
    struct why_entry entry = why_of(child.process_id, child.main->id);
    CHECK(entry.state == THREAD_STATE_READY || entry.state == THREAD_STATE_RUNNING);
    CHECK_EQ(entry.object_id, 0);
    CHECK_EQ(entry.deadline_ns, TIME_NEVER);

    CHECK(start(child.main, CALL(receive, child.caps[0], .deadline = FOREVER)));
    entry = why_of(child.process_id, child.main->id);
    CHECK_EQ(entry.state, THREAD_STATE_RECEIVING);
    CHECK_EQ(entry.object_type, OBJECT_ENDPOINT);
    CHECK_EQ(entry.object_id, endpoint_named(init, endpoint)->object.id);
    CHECK(entry.since_ns > 0);
    CHECK_EQ(call(init, CALL(cancel, child.thread)), STATUS_OK);
    CHECK_EQ(finish(child.main), STATUS_CANCELLED);

    /* A process is waited for; a word of memory is not an object. */
    u64 other = spawn(init, NULL, 0).process;
    struct actor *thread = new_thread(init, init_self(), NULL);
    CHECK(start(thread, CALL(wait, other, .deadline = FOREVER)));
    entry = why_of(process_of_init(), thread->id);
    CHECK_EQ(entry.state, THREAD_STATE_WAITING);
    CHECK_EQ(entry.object_type, OBJECT_PROCESS);
    CHECK_EQ(call(init, CALL(kill, other, W(1), .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ(finish(thread), STATUS_OK);
    u32 word = 0;
    poke(init, scratch(init, 0), &word, sizeof(word));
    CHECK(start(thread, CALL(futex_wait, 0, W(scratch(init, 0), 0), .deadline = FOREVER)));
    entry = why_of(process_of_init(), thread->id);
    CHECK_EQ(entry.state, THREAD_STATE_WAITING);
    CHECK_EQ(entry.object_id, 0);
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(scratch(init, 0), 1))), STATUS_OK);
}

SCENARIO(both_sides_of_a_call_are_told)
{
    struct actor *init = directed_init();
    struct actor *server = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    struct child child = spawn(init, &endpoint, 1);
    CHECK(start(child.main, CALL(call, child.caps[0], .info = LABEL(1), .deadline = FOREVER)));
    CHECK_EQ(why_of(child.process_id, child.main->id).state, THREAD_STATE_SENDING);
    CHECK_EQ(call(server, CALL(receive, endpoint, .deadline = FOREVER)), STATUS_OK);
    struct why_entry caller = why_of(child.process_id, child.main->id);
    CHECK_EQ(caller.state, THREAD_STATE_CALLING);
    CHECK_EQ(caller.server_thread_id, server->id);
    CHECK_EQ(caller.server_process_id, process_of_init());
    CHECK_EQ(caller.reply_id, 0);
    struct why_entry told = why_of(process_of_init(), server->id);
    CHECK_EQ(told.client_thread_id, child.main->id);
    CHECK_EQ(told.client_process_id, child.process_id);
    /* Deferred: the reply is what it waits for. */
    CHECK_EQ(call(server, CALL(defer, init_cap(INIT_CAP_GROUP))), STATUS_OK);
    u64 reply = result_word(server, 0);
    caller = why_of(child.process_id, child.main->id);
    CHECK_EQ(caller.server_thread_id, 0);
    CHECK(caller.reply_id != 0);
    CHECK_EQ(why_of(process_of_init(), server->id).client_thread_id, 0);
    CHECK_EQ(call(server, CALL(reply, reply)), STATUS_OK);
    CHECK_EQ(finish(child.main), STATUS_OK);
}

SCENARIO(flags_of_a_thread_are_told)
{
    struct actor *init = directed_init();
    u64 thread;
    struct actor *other = new_thread(init, init_self(), &thread);
    CHECK_EQ(call(init, CALL(thread_control, thread, W(THREAD_SUSPEND))), STATUS_OK);
    settle();
    struct why_entry entry = why_of(process_of_init(), other->id);
    CHECK(entry.flags & WHY_SUSPENDED);
    CHECK_EQ(entry.state, THREAD_STATE_HELD);
    CHECK_EQ(call(init, CALL(thread_control, thread, W(THREAD_RESUME))), STATUS_OK);
    CHECK(!(why_of(process_of_init(), other->id).flags & WHY_SUSPENDED));
}

SCENARIO(threads_are_told_in_order_and_in_parts)
{
    struct actor *init = directed_init();
    struct actor *threads[9];
    for (u32 i = 0; i < 9; i++)
        threads[i] = new_thread(init, init_self(), NULL);
    struct why_entry entries[8];
    CHECK_EQ(call(init, CALL(why, MACHINE, W(place(), 100, process_of_init(), 0))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 8);
    peek(init, place(), entries, sizeof(entries));
    CHECK_EQ(entries[0].thread_id, init->id);
    CHECK_EQ(entries[7].thread_id, threads[6]->id);
    CHECK_EQ(call(init, CALL(why, MACHINE, W(place(), 100, process_of_init(), threads[6]->id))),
             STATUS_OK);
    CHECK_EQ(result_word(init, 0), 2);
}

SCENARIO(capabilities_are_told_with_where_they_come_from)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct child child = spawn(init, &endpoint, 1);
    struct who_entry entries[8];
    u64 count = who_of(child.process_id, WHO_CAPABILITIES, 0, entries, 8);
    const struct who_entry *found = NULL;
    for (u64 i = 0; i < count; i++) {
        if (entries[i].object_type == OBJECT_ENDPOINT)
            found = &entries[i];
    }
    if (!CHECK(found))
        return;
    CHECK_EQ(found->object_id, endpoint_named(init, endpoint)->object.id);
    CHECK_EQ(found->place, child.caps[0] & 0xfffff);
    CHECK_EQ(found->parent_process_id, process_of_init());
    CHECK_EQ(found->parent_slot, endpoint & 0xfffff);
    CHECK_EQ(found->payer_id, endpoint_named(init, endpoint)->object.payer->owner->id);
    CHECK_EQ(found->depth, 2);
    CHECK_EQ(found->flags, 0);
    /* The parent goes: nobody's child. */
    CHECK_EQ(status_of_close(init, endpoint), STATUS_OK);
    (void)who_of(child.process_id, WHO_CAPABILITIES, child.caps[0] & 0xfffff, entries, 1);
    CHECK_EQ(entries[0].parent_process_id, 0);
    CHECK_EQ(entries[0].place, child.caps[0] & 0xfffff);
}

SCENARIO(limits_of_capabilities_are_told)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    CHECK_EQ(
        call(init, CALL(derive, endpoint,
                        W(~0ull, 0, 1ull << 60, 0, 0, DERIVE_SEAL_DERIVE | DERIVE_SEAL_TRANSFER))),
        STATUS_OK);
    u64 sealed = result_word(init, 0);
    struct who_entry entry;
    CHECK_EQ(who_of(process_of_init(), WHO_CAPABILITIES, sealed & 0xfffff, &entry, 1), 1);
    CHECK_EQ(entry.flags, WHO_EXPIRES | WHO_NO_DERIVE | WHO_NO_TRANSFER);
}

SCENARIO(a_large_space_is_told_in_bounded_steps)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 made[400];
    for (u32 i = 0; i < ARRAY_SIZE(made); i++)
        made[i] = derive(init, endpoint, ~0ull, 0);
    struct who_entry entries[8];
    u64 total = 0, from = 0;
    do {
        total += who_of(process_of_init(), WHO_CAPABILITIES, from, entries, 8);
        from = result_word(init, 1);
    } while (from && !directed_failed());
    CHECK_EQ(total, init->thread->space->used_count);
    CHECK(total > 400);
    /* Beyond the end. */
    CHECK_EQ(who_of(process_of_init(), WHO_CAPABILITIES, 1ull << 40, entries, 8), 0);
    CHECK_EQ(result_word(init, 1), 0);
    CHECK_EQ(who_of(process_of_init(), WHO_CAPABILITIES, 0, entries, 0), 0);
    /* More empty slots than one call looks at. */
    for (u32 i = 0; i < ARRAY_SIZE(made); i++)
        CHECK_EQ(status_of_close(init, made[i]), STATUS_OK);
    u64 before = made[399] & 0xfffff;
    (void)who_of(process_of_init(), WHO_CAPABILITIES, before - 300, entries, 8);
    CHECK_EQ(result_word(init, 1), before - 300 + 256);
}

SCENARIO(mappings_are_told_by_address)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 2 * 4096);
    struct child child = spawn(init, NULL, 0);
    CHECK_EQ(call(init, CALL(map, memory,
                             W(child.process, 0x40000000, 0, 2 * 4096, MAP_READ | MAP_FIXED))),
             STATUS_OK);
    struct who_entry entry;
    CHECK_EQ(who_of(child.process_id, WHO_MAPPINGS, 0x40000000, &entry, 1), 1);
    CHECK_EQ(entry.place, 0x40000000);
    CHECK_EQ(entry.size_bytes, 2 * 4096);
    CHECK_EQ(entry.rights, MAP_READ);
    CHECK_EQ(entry.object_type, OBJECT_MEMORY);
    struct who_entry entries[8];
    u64 total = 0, from = 0;
    do {
        total += who_of(child.process_id, WHO_MAPPINGS, from, entries, 2);
        from = result_word(init, 1);
    } while (from && !directed_failed());
    CHECK_EQ(total, child.main->thread->vspace->region_count);
}

SCENARIO(questions_are_refused_for_what_they_lack)
{
    struct actor *init = directed_init();
    u64 weak = derive(init, MACHINE, ~(u64)RIGHT_PROCESS_LIST, 0), to = place();
    u64 id = process_of_init();
    CHECK_EQ(call(init, CALL(why, weak, W(to, 1, id))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(who, weak, W(to, 1, id))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(why, init_self(), W(to, 1, id))), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(who, init_self(), W(to, 1, id))), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(why, MACHINE, W(to, 1, 999999))), STATUS_NOT_FOUND);
    CHECK_EQ(call(init, CALL(who, MACHINE, W(to, 1, 999999))), STATUS_NOT_FOUND);
    CHECK_EQ(call(init, CALL(who, MACHINE, W(to, 1, id, WHO_MAPPINGS + 1))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(why, MACHINE, W(8, 1, id))), STATUS_BAD_ADDRESS);
    CHECK_EQ(call(init, CALL(who, MACHINE, W(8, 1, id))), STATUS_BAD_ADDRESS);
}

/* --- While it changes ---------------------------------------------------------------------------
 */

struct watched {
    struct actor *init, *asks, *acts;
    struct child child;
    u64 endpoint;
    u32 states[8];
};

static bool have_asked(void *argument)
{
    return !is_blocked(((struct watched *)argument)->asks);
}

/* The asker reads what the child's thread waits for at any instant of a call being begun. */
static void verify_told(void *argument)
{
    struct watched *watched = argument;
    struct why_entry entry;
    if (!CHECK(wait_until(have_asked, watched)))
        return;
    CHECK_EQ(watched->asks->thread->context.number, STATUS_OK);
    CHECK_EQ(result_word(watched->asks, 0), 1);
    peek(watched->asks, place(), &entry, sizeof(entry));
    CHECK_EQ(entry.thread_id, watched->child.main->id);
    if (entry.state == THREAD_STATE_CALLING)
        CHECK_EQ(entry.server_thread_id, watched->acts->id);
    else
        CHECK(entry.server_thread_id == 0);
    if (entry.state == THREAD_STATE_CALLING || entry.state == THREAD_STATE_SENDING)
        CHECK_EQ(entry.object_id, endpoint_named(watched->init, watched->endpoint)->object.id);
    if (CHECK(entry.state < 8))
        watched->states[entry.state]++;
}

RACE(a_call_is_told_at_every_place)
{
    struct actor *init = directed_init();
    struct watched watched = {.init = init};
    u64 asks, acts;
    watched.asks = new_thread(init, init_self(), &asks);
    watched.acts = new_thread(init, init_self(), &acts);
    watched.endpoint = make_endpoint(init, 0, 0);
    watched.child = spawn(init, &watched.endpoint, 1);
    pin(init, init_main_thread(), 0);
    pin(init, asks, 1);
    pin(init, acts, 2);
    CHECK(start(watched.child.main,
                CALL(call, watched.child.caps[0], .info = LABEL(1), .deadline = FOREVER)));
    struct racer takes = {watched.acts, CALL(receive, watched.endpoint, .deadline = FOREVER)};
    struct racer why = {watched.asks, CALL(why, MACHINE, W(place(), 1, watched.child.process_id))};
    CHECK(race_everywhere(&why, &takes, verify_told, &watched) > 3);
    CHECK(race_everywhere(&takes, &why, verify_told, &watched) > 3);
    CHECK(watched.states[THREAD_STATE_SENDING] > 0);
    CHECK(watched.states[THREAD_STATE_CALLING] > 0);
}

static void verify_gone(void *argument)
{
    struct watched *watched = argument;
    if (!CHECK(wait_until(have_asked, watched)))
        return;
    u64 status = watched->asks->thread->context.number;
    CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND);
    watched->states[status == STATUS_OK]++;
}

RACE(a_wait_that_begins_is_told_with_its_object_or_not_at_all)
{
    struct actor *init = directed_init();
    struct watched watched = {.init = init};
    u64 asks;
    watched.asks = new_thread(init, init_self(), &asks);
    watched.endpoint = make_endpoint(init, 0, 0);
    watched.child = spawn(init, &watched.endpoint, 1);
    pin(init, init_main_thread(), 0);
    pin(init, asks, 1);
    pin(init, watched.child.thread, 2);
    struct racer calls = {watched.child.main,
                          CALL(call, watched.child.caps[0], .info = LABEL(1), .deadline = FOREVER)};
    struct racer why = {watched.asks, CALL(why, MACHINE, W(place(), 1, watched.child.process_id))};
    CHECK(race_everywhere(&why, &calls, verify_told, &watched) > 3);
    CHECK(race_everywhere(&calls, &why, verify_told, &watched) > 3);
    CHECK(watched.states[THREAD_STATE_SENDING] > 0);
    CHECK(watched.states[THREAD_STATE_RUNNING] > 0);
}

RACE(a_process_that_ends_is_told_or_not_found)
{
    struct actor *init = directed_init();
    for (u64 number = SYS_why; number <= SYS_who; number++) {
        struct watched watched = {.init = init};
        u64 asks, acts;
        watched.asks = new_thread(init, init_self(), &asks);
        watched.acts = new_thread(init, init_self(), &acts);
        watched.endpoint = make_endpoint(init, 0, 0);
        watched.child = spawn(init, &watched.endpoint, 1);
        pin(init, init_main_thread(), 0);
        pin(init, asks, 1);
        pin(init, acts, 2);
        struct racer kills = {watched.acts,
                              CALL(kill, watched.child.process, W(1), .deadline = FOREVER)};
        struct racer question = {watched.asks,
                                 CALL(why, MACHINE, W(place(), 8, watched.child.process_id))};
        question.call.number = number;
        CHECK(race_everywhere(&question, &kills, verify_gone, &watched) > 3);
        CHECK(race_everywhere(&kills, &question, verify_gone, &watched) > 3);
        CHECK(watched.states[1] > 0);
    }
}
