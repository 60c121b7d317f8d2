/* Directed programs: rare corners of messages, replies and waits, each guard seen to be missed when
 * it is taken away. */
#include "directed_pair.h"

#include "abi/questions.h"
#include "core/cpu.h"
#include "group/group.h"
#include "ipc/endpoint.h"
#include "mm/frame.h"
#include "sched/wait.h"
#include "trace/trace.h"

#define ALL_RIGHTS (~0ull)
#define GROUP      init_cap(INIT_CAP_GROUP)

struct rivals {
    struct actor *init, *first, *second; /* on CPUs of their own */
    u64 first_thread, second_thread;
    u64 object, leaf;
    u32 outcomes[SIM_STATUS_COUNT]; /* of the first */
    u32 lost;
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

static u64 outcome(struct rivals *rivals)
{
    CHECK(wait_until(both_back, rivals));
    u64 status = rivals->first->thread->context.number;
    if (CHECK(status < SIM_STATUS_COUNT))
        rivals->outcomes[status]++;
    return status;
}

/* --- Why ----------------------------------------------------------------------------------------
 */

static struct why_entry why_of(const struct actor *actor)
{
    struct actor *init = directed_init();
    struct why_entry entry = {0};
    u64 process_id = actor->thread->space->process_id, place = scratch(init, 1);
    struct call why = CALL(why, init_cap(INIT_CAP_MACHINE), W(place, 1, process_id, actor->id - 1));
    CHECK_EQ(call(init, why), STATUS_OK);
    peek(init, place, &entry, sizeof(entry));
    CHECK_EQ(entry.thread_id, actor->id);
    return entry;
}

SCENARIO(a_fault_that_waits_is_told_as_one)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct spawn_plan plan = sound_plan();
    plan.fault_endpoint.bits = endpoint;
    CHECK_EQ(status_of_spawn(init, GROUP, &plan), STATUS_OK);
    struct child child = child_of(init);
    pin(init, child.thread, 1);
    CHECK_EQ(why_of(child.main).flags, 0); /* being bound to a CPU is no reason to wait */
    struct actor *waiter = new_thread(init, init_self(), NULL);
    CHECK(start(waiter, CALL(receive, make_endpoint(init, 0, 0), .deadline = FOREVER)));
    CHECK_EQ(why_of(waiter).flags, 0);
    fault(child.main, FAULT_BREAKPOINT);
    CHECK_EQ(why_of(child.main).flags, WHY_FAULTED);
}

/* The fast path reads no clock. */
SCENARIO(since_when_a_fast_call_waits_is_not_told)
{
    struct pair pair = make_pair();
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(call, pair.badged, .deadline = FOREVER)));
    struct why_entry entry = why_of(pair.caller);
    CHECK_EQ(entry.state, THREAD_STATE_CALLING);
    CHECK_EQ(entry.since_ns, 0);
}

/* --- The fast path on a machine with one CPU ----------------------------------------------------
 */

SCENARIO_ON_ONE_CPU(unbound_threads_take_the_fast_path)
{
    struct actor *init = directed_init();
    u64 handle, endpoint = make_endpoint(init, 0, 0);
    struct actor *server = new_thread(init, init_self(), &handle);
    const u64 *calls = &cpu_at(0)->metrics->counters[METRIC_FAST_CALLS];
    CHECK_EQ(call(init, CALL(trace_control, init_cap(INIT_CAP_TRACE), W(TRACE_SET_CATEGORIES, 0))),
             STATUS_OK);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    warm(init);
    u64 before = *calls;
    CHECK(start(init, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(*calls, before + 1);
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(server, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_OK);
}

/* --- Endpoints ----------------------------------------------------------------------------------
 */

/* A receiver waits by a capability that is closed: the endpoint is down, though somebody waits. */
SCENARIO(nothing_is_sent_to_who_waits_at_an_endpoint_that_is_down)
{
    struct pair pair = make_pair();
    u64 sender = derive(pair.init, pair.endpoint, RIGHT_SEND, 7);
    CHECK_EQ(status_of_close(pair.init, pair.badged), STATUS_OK);
    CHECK_EQ(status_of_close(pair.init, pair.endpoint), STATUS_OK);
    settle();
    CHECK(endpoint_named(pair.init, sender)->down);
    if (!is_blocked(pair.server))
        return; /* it was told */
    warm(pair.caller);
    CHECK_EQ(call(pair.caller, CALL(send, sender, .deadline = FOREVER)), STATUS_PEER_CLOSED);
    warm(pair.caller);
    CHECK_EQ(call(pair.caller, CALL(call, sender, .deadline = FOREVER)), STATUS_PEER_CLOSED);
    CHECK(is_blocked(pair.server));
    CHECK_EQ(call(pair.init, CALL(cancel, pair.server_thread)), STATUS_OK);
}

/* The last right to receive goes with a revocation. */
SCENARIO(an_endpoint_whose_receiver_is_revoked_goes_down)
{
    struct rivals rivals = make_rivals();
    struct actor *init = rivals.init;
    u64 endpoint = make_endpoint(init, 0, 0);
    struct child child = spawn(init, NULL, 0);
    u64 receiver = derive(init, endpoint, ALL_RIGHTS, 0);
    u64 sender = derive(init, endpoint, RIGHT_SEND | RIGHT_DERIVE, 0);
    struct call grant = CALL(grant, child.process, W(endpoint, ~(u32)RIGHT_RECEIVE, CAP_SEND_MOVE));
    CHECK_EQ(call(init, grant), STATUS_OK);
    u64 top = result_word(init, 0);
    (void)sender;
    CHECK_EQ(endpoint_named(init, receiver)->receive_caps, 1);
    CHECK(start(rivals.first, CALL(send, receiver, .deadline = FOREVER)));
    CHECK(is_blocked(rivals.first));
    const struct endpoint *seen = endpoint_named(init, receiver);
    CHECK_EQ(call(child.main, CALL(revoke, top)), STATUS_OK);
    pass_time(100000000);
    CHECK_EQ(finish(rivals.first), STATUS_REVOKED);
    CHECK_EQ(seen->receive_caps, 0);
    CHECK(seen->down);
}

/* A wait by a capability whose slot holds another one now: nobody knows where it stood. */
SCENARIO(who_waits_by_a_capability_that_was_replaced_is_told_at_the_next_revocation)
{
    struct rivals rivals = make_rivals();
    struct actor *init = rivals.init;
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 top = derive(init, endpoint, ALL_RIGHTS, 0), leaf = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK(start(rivals.first, CALL(receive, leaf, .deadline = FOREVER)));
    CHECK_EQ(status_of_close(init, leaf), STATUS_OK);
    u64 again = derive(init, endpoint, ALL_RIGHTS, 0);
    CHECK_EQ(again % CAP_MAX_SLOTS, leaf % CAP_MAX_SLOTS);
    CHECK(is_blocked(rivals.first));
    (void)derive(init, top, ALL_RIGHTS, 0);
    CHECK_EQ(status_of_revoke(init, top), STATUS_OK);
    pass_time(1000000);
    CHECK_EQ(finish(rivals.first), STATUS_REVOKED);
}

/* A fault endpoint is kept by those whose it is; its group ends all the same. */
SCENARIO(a_dead_endpoint_tells_who_waits_and_takes_no_faults)
{
    struct rivals rivals = make_rivals();
    struct actor *init = rivals.init;
    struct group_limits limits = no_limits();
    u64 group = make_group(init, GROUP, &limits);
    CHECK_EQ(call(init, CALL(create_endpoint, group, W(0, 0))), STATUS_OK);
    u64 endpoint = result_word(init, 0);
    struct spawn_plan plan = sound_plan();
    plan.fault_endpoint.bits = endpoint;
    CHECK_EQ(status_of_spawn(init, GROUP, &plan), STATUS_OK);
    struct child child = child_of(init);
    CHECK(start(rivals.first, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(rivals.second, CALL(group_control, group, W(GROUP_DESTROY))));
    pass_time(10000000);
    CHECK(!is_blocked(rivals.first));
    CHECK(finish(rivals.first) != STATUS_OK);
    fault(child.main, FAULT_BREAKPOINT);
    pass_time(10000000);
    CHECK(!is_alive(child.main));
    CHECK_EQ(finish(rivals.second), STATUS_OK);
}

/* --- Replies ------------------------------------------------------------------------------------
 */

/* The server has called on for its caller, who leaves: now it works in its own time, for the call
 * that it serves still, and drops it when it receives. */
SCENARIO(who_serves_in_its_own_time_drops_the_call_when_it_receives)
{
    struct pair pair = make_pair();
    u64 handle, inner = make_endpoint(pair.init, 0, 0);
    struct actor *last = new_thread(pair.init, init_self(), &handle);
    pin(pair.init, handle, 1);
    CHECK(start(last, CALL(receive, inner, .deadline = FOREVER)));
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(call, pair.badged, .deadline = FOREVER)));
    CHECK_EQ(finish(pair.server), STATUS_OK);
    CHECK(start(pair.server, CALL(call, inner, .deadline = FOREVER)));
    CHECK_EQ(finish(last), STATUS_OK);
    CHECK_EQ(call(pair.init, CALL(cancel, pair.caller_thread)), STATUS_OK);
    CHECK_EQ(finish(pair.caller), STATUS_CANCELLED);
    CHECK(last->thread->activity == last->thread->home);
    CHECK(last->thread->serving == pair.server->thread);
    warm(last);
    CHECK(start(last, CALL(receive, inner, .deadline = FOREVER)));
    CHECK(is_blocked(last));
    CHECK_EQ(finish(pair.server), STATUS_REPLY_DROPPED);
}

/* Its caller has left and taken its time back: who is answered goes on where its own is. */
SCENARIO(who_is_answered_without_what_was_lent_goes_on_at_home)
{
    for (u32 i = 0; i < 2; i++) {
        struct rivals rivals = make_rivals();
        u64 handle, outer = make_endpoint(rivals.init, 0, 0),
                    inner = make_endpoint(rivals.init, 0, 0);
        struct actor *last = new_thread(rivals.init, init_self(), &handle);
        pin(rivals.init, handle, 3);
        CHECK(start(last, CALL(receive, inner, .deadline = FOREVER)));
        CHECK(start(rivals.second, CALL(receive, outer, .deadline = FOREVER)));
        CHECK(start(rivals.first, CALL(call, outer, .deadline = FOREVER)));
        CHECK_EQ(finish(rivals.second), STATUS_OK);
        CHECK(start(rivals.second, CALL(call, inner, .deadline = FOREVER)));
        CHECK_EQ(finish(last), STATUS_OK);
        CHECK_EQ(call(rivals.init, CALL(cancel, rivals.first_thread)), STATUS_OK);
        CHECK_EQ(finish(rivals.first), STATUS_CANCELLED);
        CHECK(last->thread->activity == last->thread->home);
        struct call answers[] = {CALL(reply, 0), CALL(reply_receive, inner, .deadline = FOREVER)};
        CHECK(start(last, answers[i]));
        CHECK_EQ(finish(rivals.second), STATUS_OK);
        CHECK(rivals.second->thread->activity == rivals.second->thread->home);
        CHECK_EQ(rivals.second->thread->home->cpu, 2);
        CHECK_EQ(is_blocked(last), i == 1);
        CHECK_EQ(call(rivals.second, CALL(reply, 0)), STATUS_NO_CALLER);
        if (i == 1)
            CHECK_EQ(call(rivals.init, CALL(cancel, handle)), STATUS_OK);
    }
}

static struct actor *raced_caller;

/* A call is deferred, or its caller has left and nothing is left of the reply object. */
static void verify_deferred_or_nothing(void *argument)
{
    struct rivals *rivals = argument;
    u64 status = outcome(rivals);
    CHECK(status == STATUS_OK || status == STATUS_NO_CALLER);
    CHECK_EQ(rivals->init->thread->space->used_count, rivals->object + (status == STATUS_OK));
    CHECK_EQ(finish(raced_caller), STATUS_CANCELLED);
}

static struct rivals make_served(u64 *endpoint)
{
    struct rivals rivals = make_rivals();
    raced_caller = new_thread(rivals.init, init_self(), &rivals.leaf);
    pin(rivals.init, rivals.leaf, 3);
    *endpoint = make_endpoint(rivals.init, 0, 0);
    CHECK(start(rivals.first, CALL(receive, *endpoint, .deadline = FOREVER)));
    CHECK(start(raced_caller, CALL(call, *endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(rivals.first), STATUS_OK);
    return rivals;
}

RACE(a_call_is_deferred_or_leaves_nothing)
{
    u64 endpoint;
    struct rivals rivals = make_served(&endpoint);
    rivals.object = rivals.init->thread->space->used_count;
    struct racer defers = {rivals.first, CALL(defer, GROUP)};
    struct racer cancels = {rivals.second, CALL(cancel, rivals.leaf)};
    CHECK(race_everywhere(&defers, &cancels, verify_deferred_or_nothing, &rivals) > 3);
    CHECK(race_everywhere(&cancels, &defers, verify_deferred_or_nothing, &rivals) > 3);
    CHECK(rivals.outcomes[STATUS_NO_CALLER] > 0 && rivals.outcomes[STATUS_OK] > 0);
}

/* A server whose caller leaves takes up another call at the same moment. */
static void verify_adopted(void *argument)
{
    struct rivals *rivals = argument;
    u64 status = outcome(rivals);
    CHECK(status == STATUS_OK || status == STATUS_BUSY);
    CHECK_EQ(finish(raced_caller), STATUS_CANCELLED);
    CHECK_EQ(call(rivals->first, CALL(null, 0)), STATUS_OK);
    bool serves = rivals->first->thread->serving != NULL;
    CHECK_EQ(serves, status == STATUS_OK);
    CHECK_EQ(rivals->first->thread->activity == rivals->first->thread->home, !serves);
    CHECK(raced_caller->thread->activity == raced_caller->thread->home);
}

RACE(adopting_while_the_call_that_is_served_loses_its_caller)
{
    u64 endpoint, other_thread;
    struct rivals rivals = make_served(&endpoint);
    struct actor *other = new_thread(rivals.init, init_self(), &other_thread);
    pin(rivals.init, other_thread, 0);
    struct actor *gone = raced_caller;
    u64 gone_thread = rivals.leaf;
    CHECK_EQ(call(rivals.first, CALL(defer, GROUP)), STATUS_OK);
    u64 reply = result_word(rivals.first, 0);
    CHECK(start(rivals.first, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(other, CALL(call, endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(rivals.first), STATUS_OK);
    raced_caller = other;
    struct racer adopts = {rivals.first, CALL(adopt, reply)};
    struct racer cancels = {rivals.second, CALL(cancel, other_thread)};
    CHECK(race_everywhere(&adopts, &cancels, verify_adopted, &rivals) > 3);
    CHECK(race_everywhere(&cancels, &adopts, verify_adopted, &rivals) > 3);
    CHECK(rivals.outcomes[STATUS_OK] > 0);
    CHECK_EQ(call(rivals.init, CALL(cancel, gone_thread)), STATUS_OK);
    CHECK_EQ(finish(gone), STATUS_CANCELLED);
}

/* --- Capabilities on their way ------------------------------------------------------------------
 */

static void verify_sent(void *argument)
{
    struct rivals *rivals = argument;
    struct actor *receiver = rivals->init;
    (void)wait_until(both_back, rivals);
    u64 status = outcome(rivals);
    if (status != STATUS_OK) {
        CHECK(status == STATUS_REVOKED || status == STATUS_STALE_HANDLE);
        CHECK(is_blocked(receiver));
        return;
    }
    CHECK_EQ(finish(receiver), STATUS_OK);
    bool lost = (result_info(receiver) & INFO_CAPS_LOST) != 0;
    CHECK_EQ(got_cap(receiver, 0) == 0, lost);
    rivals->lost += lost;
}

/* A capability that goes while its message is sent is lost, the message is not. */
RACE(a_capability_that_goes_on_its_way_is_lost)
{
    struct rivals rivals = make_rivals();
    u64 endpoint = make_endpoint(rivals.init, 0, 0), object = make_endpoint(rivals.init, 0, 0);
    u64 middle = derive(rivals.init, object, ALL_RIGHTS, 0);
    u64 leaf = derive(rivals.init, middle, ALL_RIGHTS, 0);
    (void)derive(rivals.init, middle, ALL_RIGHTS,
                 0); /* so many that slots outlast the revocation */
    static const u32 modes[] = {CAP_SEND_COPY, CAP_SEND_MOVE};
    CHECK(start(rivals.init,
                CALL(receive, endpoint, .info = message_info(0, 0, 0, 2), .deadline = FOREVER)));
    struct call against[] = {CALL(revoke, middle), CALL(close, leaf)};
    for (u32 i = 0; i < 4 && !directed_failed(); i++) {
        put_cap(rivals.first, 0, leaf, ~0u, modes[i / 2]);
        struct racer sends = {rivals.first, CALL(send, endpoint, .info = message_info(0, 0, 1, 0))};
        struct racer rival = {rivals.second, against[i % 2]};
        rivals.lost = 0;
        CHECK(race_everywhere(&sends, &rival, verify_sent, &rivals) > 3);
        CHECK(rivals.lost > 0);
    }
    CHECK_EQ(call(rivals.first, CALL(signal, endpoint)), STATUS_OK);
    CHECK_EQ(finish(rivals.init), STATUS_OK);
}

static void verify_revoked_or_closed(void *argument)
{
    struct rivals *rivals = argument;
    u64 status = outcome(rivals);
    CHECK(status == STATUS_OK || status == STATUS_STALE_HANDLE || status == STATUS_REVOKED ||
          status == STATUS_DEAD);
    CHECK_EQ(rivals->second->thread->context.number, STATUS_OK);
    if (rivals->object == 0)
        return;
    pass_time(100000000);
    const struct endpoint *endpoint = endpoint_named(rivals->init, rivals->object);
    CHECK(endpoint && endpoint->object.references == 1);
}

RACE(revoking_what_is_being_closed)
{
    struct rivals rivals = make_rivals();
    u64 object = make_endpoint(rivals.init, 0, 0);
    u64 leaf = derive(rivals.init, object, ALL_RIGHTS, 0);
    rivals.object = object; /* nothing of the leaf's is left */
    struct racer revokes = {rivals.first, CALL(revoke, leaf)};
    struct racer closes = {rivals.second, CALL(close, leaf)};
    CHECK(race_everywhere(&revokes, &closes, verify_revoked_or_closed, &rivals) > 3);
    CHECK(rivals.outcomes[STATUS_STALE_HANDLE] > 0);
    u64 whole = make_endpoint(rivals.init, 0, 0);
    revokes.call.handle = closes.call.handle = whole;
    rivals.object = 0;
    CHECK(race_everywhere(&revokes, &closes, verify_revoked_or_closed, &rivals) > 3);
    CHECK(rivals.outcomes[STATUS_DEAD] > 0);
}

/* --- Questions ----------------------------------------------------------------------------------
 */

SCENARIO(the_first_thing_that_is_wrong_is_told)
{
    struct actor *init = directed_init();
    CHECK_EQ(call(init, CALL(who, 0, W(scratch(init, 1), 1, 1, 99, 0))), STATUS_BAD_HANDLE);
    CHECK_EQ(call(init, CALL(who, init_self(), W(scratch(init, 1), 1, 1, 99, 0))),
             STATUS_WRONG_TYPE);
}

static u64 free_frames_told(struct actor *actor)
{
    struct machine_counts counts;
    u64 place = scratch(actor, 1);
    struct call info = CALL(machine_info, init_cap(INIT_CAP_MACHINE),
                            W(MACHINE_INFO_COUNTS, place, sizeof(counts)));
    CHECK_EQ(call(actor, info), STATUS_OK);
    peek(actor, place, &counts, sizeof(counts));
    return counts.free_frames;
}

/* Also those that a CPU has put by. */
SCENARIO(all_free_frames_are_counted)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGE_SIZE);
    u64 before = free_frames_told(init);
    CHECK_EQ(call(init, CALL(map, memory, W(0, 0, 0, PAGE_SIZE, MAP_READ | MAP_WRITE))), STATUS_OK);
    u64 address = result_word(init, 0), tables = 0;
    for (u32 i = 0; i < 3; i++) {
        CHECK(touch(init, address, ACCESS_WRITE));
        if (i == 0)
            tables = before - 1 - free_frames_told(init);
        CHECK_EQ(free_frames_told(init), before - 1 - tables);
        CHECK_EQ(call(init, CALL(discard_memory, memory, W(0, PAGE_SIZE))), STATUS_OK);
        CHECK_EQ(free_frames_told(init), before - tables);
    }
    CHECK(tables < 4);
}
