/* Directed programs: two calls at once, held up at every place. See race_everywhere. Long because
 * there are many pairs worth it. */
#include "directed.h"

#include "ipc/endpoint.h"
#include "sched/wait.h"

/* Two threads of init on CPUs of their own, beside init on CPU 0. */
struct duel {
    struct actor *init, *first, *second;
    u64 first_thread, second_thread; /* init's capabilities */
    u64 object, middle, leaf;        /* each a child of the one before */
    u64 allowed;                     /* statuses of the first, as bits */
    u32 outcomes[SIM_STATUS_COUNT];  /* of the first */
};

static struct duel begin(u64 object)
{
    struct actor *init = directed_init();
    struct duel duel = {.init = init, .object = object};
    duel.first = new_thread(init, init_self(), &duel.first_thread);
    duel.second = new_thread(init, init_self(), &duel.second_thread);
    pin(init, init_main_thread(), 0);
    pin(init, duel.first_thread, 1);
    pin(init, duel.second_thread, 2);
    if (object) {
        duel.middle = derive(init, object, ~0ull, 0);
        duel.leaf = derive(init, duel.middle, ~0ull, 0);
    }
    return duel;
}

static bool both_back(void *argument)
{
    const struct duel *duel = argument;
    return !is_blocked(duel->first) && !is_blocked(duel->second);
}

/* Both calls come back; the first's status is one of those allowed. */
static u64 outcome(struct duel *duel)
{
    CHECK(wait_until(both_back, duel));
    if (!is_alive(duel->first))
        return 0;
    u64 status = duel->first->thread->context.number;
    if (CHECK(status < SIM_STATUS_COUNT))
        duel->outcomes[status]++;
    if (duel->allowed)
        CHECK(status < 64 && (duel->allowed >> status & 1));
    return status;
}

#define MAY(name) (1ull << STATUS_##name)

/* --- Revocation against use ---------------------------------------------------------------------
 */

/* What the first made of a capability that was revoked meanwhile is dead. */
static void verify_child_is_dead(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    u64 made = result_word(duel->first, 0);
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
    if (status == STATUS_OK)
        CHECK_EQ(status_of(duel->init, made), STATUS_REVOKED);
    CHECK_EQ(status_of(duel->init, duel->object), STATUS_OK);
}

RACE(nothing_is_derived_from_what_is_being_revoked)
{
    struct duel duel = begin(make_endpoint(directed_init(), 0, 0));
    duel.allowed = MAY(OK) | MAY(REVOKED) | MAY(STALE_HANDLE);
    struct racer derives = {duel.first, CALL(derive, duel.leaf, W(~0ull, 0, TIME_NEVER))};
    struct racer revokes = {duel.second, CALL(revoke, duel.object)};
    CHECK(race_everywhere(&derives, &revokes, verify_child_is_dead, &duel) > 3);
    CHECK(duel.outcomes[STATUS_OK] > 0);
    CHECK(duel.outcomes[STATUS_REVOKED] + duel.outcomes[STATUS_STALE_HANDLE] > 0);
}

/* The other way round: the revocation is held up, at every place, while the capability is used. */
static void verify_revoked(void *argument)
{
    struct duel *duel = argument;
    CHECK(wait_until(both_back, duel));
    CHECK_EQ(duel->first->thread->context.number, STATUS_OK);
    CHECK_EQ(status_of(duel->init, duel->leaf), STATUS_REVOKED);
}

static void verify_made_is_revoked(void *argument)
{
    struct duel *duel = argument;
    verify_revoked(argument);
    u64 made = result_word(duel->second, 0);
    if (duel->second->thread->context.number == STATUS_OK)
        CHECK_EQ(status_of(duel->init, made), STATUS_REVOKED);
}

RACE(a_capability_cannot_be_used_while_it_is_being_revoked)
{
    struct actor *init = directed_init();
    struct duel duel = begin(make_endpoint(init, 2, 0));
    struct racer revokes = {duel.first, CALL(revoke, duel.object)};
    struct racer users[] = {
        {duel.second, CALL(derive, duel.leaf, W(~0ull, 0, TIME_NEVER))},
        {duel.second, CALL(send, duel.leaf, .deadline = FOREVER)},
        {duel.second, CALL(receive, duel.leaf, .deadline = FOREVER)},
        {duel.second, CALL(call, duel.leaf, .deadline = FOREVER)},
        {duel.second, CALL(reply_receive, duel.leaf, .deadline = FOREVER)},
        {duel.second, CALL(signal, duel.leaf)},
        {duel.second, CALL(inspect, duel.leaf)},
        {duel.second, CALL(revoke, duel.leaf)},
        {duel.second, CALL(close, duel.leaf)},
    };
    for (u32 i = 0; i < ARRAY_SIZE(users) && !directed_failed(); i++) {
        bool makes = users[i].call.number == SYS_derive;
        bool closes = users[i].call.number == SYS_close;
        if (!closes)
            CHECK(race_everywhere(&revokes, &users[i],
                                  makes ? verify_made_is_revoked : verify_revoked, &duel) > 3);
    }
}

/* A wait by a capability that is revoked meanwhile ends. */
static void verify_wait_ended(void *argument)
{
    struct duel *duel = argument;
    (void)outcome(duel);
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
    struct cap_slot const *slot = peek_slot(duel->init->thread->space, duel->object);
    struct endpoint *endpoint = CONTAINER_OF(slot->object, struct endpoint, object);
    CHECK(list_is_empty(&endpoint->senders) && list_is_empty(&endpoint->receivers) &&
          list_is_empty(&endpoint->served));
    CHECK_EQ(endpoint->blocked_sends, 0);
}

RACE(nobody_waits_by_a_capability_that_was_revoked_meanwhile)
{
    struct actor *init = directed_init();
    struct duel duel = begin(make_endpoint(init, 0, 0));
    duel.allowed = MAY(REVOKED) | MAY(STALE_HANDLE) | MAY(WOULD_BLOCK);
    struct racer revokes = {duel.second, CALL(revoke, duel.object)};
    struct racer waiters[] = {
        {duel.first, CALL(receive, duel.leaf, .deadline = FOREVER)},
        {duel.first, CALL(send, duel.leaf, .deadline = FOREVER)},
        {duel.first, CALL(call, duel.leaf, .deadline = FOREVER)},
        {duel.first, CALL(reply_receive, duel.leaf, .deadline = FOREVER)},
    };
    for (u32 i = 0; i < ARRAY_SIZE(waiters) && !directed_failed(); i++)
        CHECK(race_everywhere(&waiters[i], &revokes, verify_wait_ended, &duel) > 3);
    CHECK(duel.outcomes[STATUS_REVOKED] > 0);
}

/* With a partner that waits: the message goes through or it does not, and nobody is left over. */
static void verify_message_or_not(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    struct cap_slot const *slot = peek_slot(duel->init->thread->space, duel->object);
    struct endpoint *endpoint = CONTAINER_OF(slot->object, struct endpoint, object);
    CHECK_EQ(list_is_empty(&endpoint->receivers), status == STATUS_OK);
}

RACE(a_message_by_a_revoked_capability_is_not_delivered)
{
    struct actor *init = directed_init();
    struct duel duel = begin(make_endpoint(init, 0, 0));
    struct actor *server = new_thread(init, init_self(), NULL);
    duel.allowed = MAY(OK) | MAY(REVOKED) | MAY(STALE_HANDLE);
    CHECK(start(server, CALL(receive, duel.object, .deadline = FOREVER)));
    struct racer sends = {duel.first, CALL(send, duel.leaf, .deadline = FOREVER)};
    struct racer revokes = {duel.second, CALL(revoke, duel.object)};
    CHECK(race_everywhere(&sends, &revokes, verify_message_or_not, &duel) > 3);
    CHECK(duel.outcomes[STATUS_OK] > 0 && duel.outcomes[STATUS_REVOKED] > 0);
}

/* The capability goes while it is in use: what is done after it has gone is refused. */
static void verify_closed_meanwhile(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
    CHECK_EQ(call(duel->init, CALL(receive, duel->object, .info = INFO_NONBLOCK)),
             status == STATUS_OK ? STATUS_OK : STATUS_WOULD_BLOCK);
}

RACE(a_message_by_a_capability_closed_meanwhile_is_not_sent)
{
    struct actor *init = directed_init();
    struct duel duel = begin(make_endpoint(init, 1, 0));
    duel.allowed = MAY(OK) | MAY(REVOKED) | MAY(STALE_HANDLE);
    struct racer sends = {duel.first, CALL(send, duel.leaf, .deadline = FOREVER)};
    struct racer closes = {duel.second, CALL(close, duel.leaf)};
    CHECK(race_everywhere(&sends, &closes, verify_closed_meanwhile, &duel) > 3);
    CHECK(duel.outcomes[STATUS_OK] > 0 && duel.outcomes[STATUS_REVOKED] > 0);
}

/* No page of the memory can be reached after it was revoked. */
static void verify_unmapped(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    u64 address = result_word(duel->first, 0);
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
    if (status == STATUS_OK) {
        CHECK(!peek_is_mapped(duel->init->thread->vspace, address, ACCESS_READ));
        CHECK_EQ(duel->init->thread->vspace->region_count, duel->outcomes[0] ? duel->leaf : 0);
    }
}

RACE(nothing_is_mapped_from_what_is_being_revoked)
{
    struct duel duel = begin(make_memory(directed_init(), 2 * PAGE_SIZE));
    duel.allowed = MAY(OK) | MAY(REVOKED) | MAY(STALE_HANDLE);
    struct call map = CALL(map, duel.leaf, W(0, 0, 0, PAGE_SIZE, MAP_READ | MAP_EAGER));
    struct racer maps = {duel.first, map};
    struct racer revokes = {duel.second, CALL(revoke, duel.object)};
    duel.leaf = duel.init->thread->vspace->region_count;
    CHECK(race_everywhere(&maps, &revokes, verify_unmapped, &duel) > 3);
    CHECK(duel.outcomes[STATUS_OK] > 0 && duel.outcomes[STATUS_REVOKED] > 0);
}

/* --- Moves, copies and closes -------------------------------------------------------------------
 */

static void verify_grant(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
    /* The target's space holds nothing that is good. */
    struct actor *target = main_actor_of(duel->object);
    if (status == STATUS_OK)
        CHECK_EQ(status_of(target, result_word(duel->first, 0)), STATUS_REVOKED);
    CHECK_EQ(target->thread->space->reserved, 0);
}

RACE(nothing_is_granted_of_what_is_being_revoked)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct duel duel = begin(endpoint);
    struct child child = spawn(init, NULL, 0);
    pin(init, child.thread, 3);
    duel.object = child.process_id;
    duel.allowed = MAY(OK) | MAY(REVOKED) | MAY(STALE_HANDLE);
    struct racer revokes = {duel.second, CALL(revoke, endpoint)};
    for (u32 mode = CAP_SEND_MOVE; mode <= CAP_SEND_COPY; mode++) {
        struct racer grants = {duel.first, CALL(grant, child.process, W(duel.leaf, ~0u, mode))};
        CHECK(race_everywhere(&grants, &revokes, verify_grant, &duel) > 3);
    }
    CHECK(duel.outcomes[STATUS_OK] > 0);
    CHECK(duel.outcomes[STATUS_REVOKED] + duel.outcomes[STATUS_STALE_HANDLE] > 0);
}

static void verify_one_has_it(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    u64 other = duel->second->thread->context.number;
    CHECK((status == STATUS_OK) != (other == STATUS_OK));
    CHECK(status == STATUS_OK || status == STATUS_STALE_HANDLE);
    CHECK(other == STATUS_OK || other == STATUS_STALE_HANDLE);
}

RACE(a_capability_is_closed_or_moved_once)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    struct duel duel = begin(endpoint);
    struct child child = spawn(init, NULL, 0);
    struct racer calls[] = {
        {duel.first, CALL(close, duel.leaf)},
        {duel.first, CALL(grant, child.process, W(duel.leaf, ~0u, CAP_SEND_MOVE))},
        {duel.second, CALL(close, duel.leaf)},
        {duel.second, CALL(grant, child.process, W(duel.leaf, ~0u, CAP_SEND_MOVE))},
    };
    for (u32 i = 0; i < 2; i++)
        for (u32 j = 2; j < 4; j++)
            CHECK(race_everywhere(&calls[i], &calls[j], verify_one_has_it, &duel) > 3);
}

static void verify_heir(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
    if (status == STATUS_OK && duel->first->thread->context.words[0] != 0)
        CHECK_EQ(status_of(duel->init, result_word(duel->first, 0)), STATUS_OK);
    CHECK_EQ(status_of(duel->init, duel->leaf), STATUS_OK);
    CHECK_EQ(status_of_revoke(duel->init, duel->object), STATUS_OK);
    CHECK_EQ(status_of(duel->init, duel->leaf), STATUS_REVOKED);
}

RACE(deriving_from_what_is_being_closed_leaves_an_heir_or_nothing)
{
    struct duel duel = begin(make_endpoint(directed_init(), 0, 0));
    duel.allowed = MAY(OK) | MAY(REVOKED) | MAY(STALE_HANDLE);
    struct racer derives = {duel.first, CALL(derive, duel.middle, W(~0ull, 0, TIME_NEVER))};
    struct racer closes = {duel.second, CALL(close, duel.middle)};
    CHECK(race_everywhere(&derives, &closes, verify_heir, &duel) > 3);
    CHECK(duel.outcomes[STATUS_OK] > 0 && duel.outcomes[STATUS_STALE_HANDLE] > 0);
}

/* What the first says of a capability is what that was. */
static void verify_inspected(void *argument)
{
    struct duel *duel = argument;
    if (outcome(duel) != STATUS_OK)
        return;
    CHECK_EQ(result_word(duel->first, 2), PAGE_SIZE);
    CHECK_EQ(result_word(duel->first, 3), 2 * PAGE_SIZE);
    CHECK_EQ(result_word(duel->first, 5), 2);
}

static void verify_outcome(void *argument)
{
    (void)outcome(argument);
}

/* The memory of its node is another's at once. */
RACE(what_is_closed_meanwhile_is_not_followed)
{
    struct duel duel = begin(make_memory(directed_init(), 4 * PAGE_SIZE));
    struct call part = CALL(derive, duel.object, W(~0ull, 0, TIME_NEVER, PAGE_SIZE, 2 * PAGE_SIZE));
    CHECK_EQ(call(duel.init, part), STATUS_OK);
    duel.leaf = result_word(duel.init, 0);
    struct racer closes = {duel.second, CALL(close, duel.leaf)};
    struct racer inspects = {duel.first, CALL(inspect, duel.leaf)};
    struct racer maps = {duel.first, CALL(map, duel.leaf, W(0, 0, 0, PAGE_SIZE, MAP_READ))};
    struct racer clones = {duel.first, CALL(clone_memory, init_cap(INIT_CAP_GROUP),
                                            W(duel.leaf, PAGE_SIZE, PAGE_SIZE))};
    duel.allowed = MAY(OK) | MAY(STALE_HANDLE);
    CHECK(race_everywhere(&inspects, &closes, verify_inspected, &duel) > 1);
    CHECK(duel.outcomes[STATUS_OK] > 0 && duel.outcomes[STATUS_STALE_HANDLE] > 0);
    duel.allowed |= MAY(REVOKED);
    CHECK(race_everywhere(&maps, &closes, verify_outcome, &duel) > 3);
    CHECK(duel.outcomes[STATUS_REVOKED] > 0);
    CHECK(race_everywhere(&clones, &closes, verify_outcome, &duel) > 3);
    u64 endpoint = make_endpoint(duel.init, 0, 0);
    duel.leaf = derive(duel.init, endpoint, ~0ull, 0);
    closes.call.handle = duel.leaf;
    struct racer binds = {duel.first, CALL(create_timer, init_cap(INIT_CAP_GROUP), W(duel.leaf))};
    CHECK(race_everywhere(&binds, &closes, verify_outcome, &duel) > 3);
}

static void verify_all_dead(void *argument)
{
    struct duel *duel = argument;
    (void)outcome(duel);
    CHECK(duel->first->thread->work_node == NULL || !duel->first->thread->job_busy);
    u64 leaf = status_of(duel->init, duel->leaf);
    CHECK(leaf == STATUS_REVOKED || leaf == STATUS_OK);
}

RACE(revoking_closing_and_revoking_again_at_once)
{
    struct duel duel = begin(make_endpoint(directed_init(), 0, 0));
    duel.allowed = MAY(OK) | MAY(REVOKED) | MAY(STALE_HANDLE);
    struct call calls[] = {CALL(revoke, duel.object), CALL(revoke, duel.middle),
                           CALL(close, duel.middle), CALL(close, duel.object)};
    for (u32 i = 0; i < ARRAY_SIZE(calls); i++)
        for (u32 j = 0; j < ARRAY_SIZE(calls); j++) {
            struct racer first = {duel.first, calls[i]}, second = {duel.second, calls[j]};
            CHECK(race_everywhere(&first, &second, verify_all_dead, &duel) > 3);
        }
}

/* --- The ends that a call can come to -----------------------------------------------------------
 */

/* The second is a caller being served by the first. */
static struct duel begin_call(u64 *endpoint)
{
    struct duel duel = begin(0);
    *endpoint = make_endpoint(duel.init, 0, 0);
    CHECK(start(duel.first, CALL(receive, *endpoint, .deadline = FOREVER)));
    CHECK(start(duel.second, CALL(call, *endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(duel.first), STATUS_OK);
    return duel;
}

/* The reply was delivered, or the caller has left: both sides agree. */
static void verify_reply_or_cancel(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    u64 caller = duel->second->thread->context.number;
    u64 cancel = duel->init->thread->context.number;
    CHECK((status == STATUS_OK && caller == STATUS_OK && cancel != STATUS_OK) ||
          (status == STATUS_NO_CALLER && caller == STATUS_CANCELLED && cancel == STATUS_OK));
    CHECK(duel->first->thread->activity == duel->first->thread->home);
    CHECK(duel->second->thread->activity == duel->second->thread->home);
    CHECK_EQ(call(duel->first, CALL(null, 0)), STATUS_OK);
    CHECK_EQ(call(duel->second, CALL(null, 0)), STATUS_OK);
}

RACE(a_reply_and_a_cancel_have_one_winner)
{
    u64 endpoint;
    struct duel duel = begin_call(&endpoint);
    struct racer replies = {duel.first, CALL(reply, 0)};
    struct racer cancels = {duel.init, CALL(cancel, duel.second_thread)};
    CHECK(race_everywhere(&replies, &cancels, verify_reply_or_cancel, &duel) > 3);
    CHECK(race_everywhere(&cancels, &replies, verify_reply_or_cancel, &duel) > 3);
    CHECK(duel.outcomes[STATUS_OK] > 0 && duel.outcomes[STATUS_NO_CALLER] > 0);
}

static void verify_server_goes_on(void *argument)
{
    struct duel *duel = argument;
    if (!CHECK(wait_until(both_back, duel)) || !is_alive(duel->first))
        return;
    CHECK(!is_alive(duel->second) || duel->second->thread->activity != NULL);
    CHECK(duel->first->thread->activity == duel->first->thread->home);
    CHECK_EQ(call(duel->first, CALL(null, 0)), STATUS_OK);
}

RACE(a_reply_and_the_callers_death)
{
    u64 endpoint;
    struct duel duel = begin_call(&endpoint);
    struct racer replies = {duel.first, CALL(reply, 0)};
    struct racer kills = {duel.init, CALL(kill, duel.second_thread)};
    CHECK(race_everywhere(&replies, &kills, verify_server_goes_on, &duel) > 3);
    CHECK(race_everywhere(&kills, &replies, verify_server_goes_on, &duel) > 3);
}

static void verify_caller_goes_on(void *argument)
{
    struct duel *duel = argument;
    if (!CHECK(wait_until(both_back, duel)))
        return;
    u64 caller = duel->second->thread->context.number;
    CHECK(caller == STATUS_OK || caller == STATUS_SERVER_DIED);
    CHECK(duel->second->thread->activity == duel->second->thread->home);
    CHECK_EQ(call(duel->second, CALL(null, 0)), STATUS_OK);
}

RACE(a_reply_and_the_servers_death)
{
    u64 endpoint;
    struct duel duel = begin_call(&endpoint);
    struct racer replies = {duel.first, CALL(reply, 0)};
    struct racer kills = {duel.init, CALL(kill, duel.first_thread)};
    CHECK(race_everywhere(&replies, &kills, verify_caller_goes_on, &duel) > 3);
    CHECK(race_everywhere(&kills, &replies, verify_caller_goes_on, &duel) > 3);
}

/* A server that has lent on what it was lent, its caller's leaving against the end of the chain. */
static void verify_chain(void *argument)
{
    struct duel *duel = argument;
    CHECK(wait_until(both_back, duel));
    CHECK_EQ(call(duel->first, CALL(null, 0)), STATUS_OK);
    CHECK_EQ(call(duel->second, CALL(null, 0)), STATUS_OK);
    CHECK(duel->second->thread->activity == duel->second->thread->home);
    u64 caller = duel->second->thread->context.number;
    CHECK(caller == STATUS_OK);
    struct actor *middle = actor_of(duel->leaf);
    CHECK_EQ(finish(middle), STATUS_OK);
    u64 reply = call(middle, CALL(reply, 0));
    CHECK(reply == STATUS_OK || reply == STATUS_NO_CALLER);
    CHECK(middle->thread->activity == middle->thread->home);
    CHECK(duel->first->thread->activity == duel->first->thread->home);
    CHECK_EQ(call(middle, CALL(null, 0)), STATUS_OK);
}

RACE(a_lent_activity_is_taken_back_from_any_place)
{
    struct duel duel = begin(0);
    u64 outer = make_endpoint(duel.init, 0, 0), inner = make_endpoint(duel.init, 0, 0), handle;
    struct actor *middle = new_thread(duel.init, init_self(), &handle);
    pin(duel.init, handle, 3);
    duel.leaf = middle->id;
    CHECK(start(middle, CALL(receive, outer, .deadline = FOREVER)));
    CHECK(start(duel.first, CALL(receive, inner, .deadline = FOREVER)));
    CHECK(start(duel.second, CALL(call, outer, .deadline = FOREVER)));
    CHECK_EQ(finish(middle), STATUS_OK);
    CHECK(start(middle, CALL(call, inner, .deadline = FOREVER)));
    CHECK_EQ(finish(duel.first), STATUS_OK);
    CHECK(duel.first->thread->activity == duel.second->thread->home);
    struct racer replies = {duel.first, CALL(reply, 0)};
    struct racer cancels = {duel.init, CALL(cancel, duel.second_thread)};
    CHECK(race_everywhere(&replies, &cancels, verify_chain, &duel) > 3);
    CHECK(race_everywhere(&cancels, &replies, verify_chain, &duel) > 3);
}

/* --- Messages, futexes and deaths ---------------------------------------------------------------
 */

static void verify_both_ok(void *argument)
{
    struct duel *duel = argument;
    CHECK_EQ(outcome(duel), STATUS_OK);
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
}

RACE(a_sender_and_a_receiver_always_meet)
{
    struct duel duel = begin(0);
    u64 endpoint = make_endpoint(duel.init, 0, 0), queue = make_endpoint(duel.init, 1, 0);
    struct racer sends = {duel.first, CALL(send, endpoint, .deadline = FOREVER)};
    struct racer receives = {duel.second, CALL(receive, endpoint, .deadline = FOREVER)};
    CHECK(race_everywhere(&sends, &receives, verify_both_ok, &duel) > 3);
    CHECK(race_everywhere(&receives, &sends, verify_both_ok, &duel) > 3);
    sends.call.handle = receives.call.handle = queue;
    CHECK(race_everywhere(&sends, &receives, verify_both_ok, &duel) > 3);
    CHECK(race_everywhere(&receives, &sends, verify_both_ok, &duel) > 3);
    sends.call = CALL(signal, endpoint);
    receives.call.handle = endpoint;
    CHECK(race_everywhere(&sends, &receives, verify_both_ok, &duel) > 3);
    CHECK(race_everywhere(&receives, &sends, verify_both_ok, &duel) > 3);
}

/* The waiter is woken, or it was not there yet: then the next wake finds it. */
static void verify_woken(void *argument)
{
    struct duel *duel = argument;
    u64 woken = result_word(duel->second, 0);
    CHECK(woken <= 1);
    CHECK_EQ(is_blocked(duel->first), woken == 0);
    if (woken == 0) {
        CHECK_EQ(call(duel->init, CALL(futex_wake, 0, W(scratch(duel->init, 2), 1))), STATUS_OK);
        CHECK_EQ(result_word(duel->init, 0), 1);
    }
    CHECK_EQ(outcome(duel), STATUS_OK);
}

RACE(a_futex_waiter_is_woken_or_counted)
{
    struct duel duel = begin(0);
    u64 word = scratch(duel.init, 2);
    struct racer waits = {duel.first, CALL(futex_wait, 0, W(word, 0), .deadline = FOREVER)};
    struct racer wakes = {duel.second, CALL(futex_wake, 0, W(word, 1))};
    CHECK(race_everywhere(&waits, &wakes, verify_woken, &duel) > 3);
}

/* Kills, waits, watches and grants against a process that is going. */
static void verify_dead(void *argument)
{
    struct duel *duel = argument;
    (void)outcome(duel);
    struct call ask = CALL(wait, duel->middle, .deadline = FOREVER);
    CHECK_EQ(call(duel->init, ask), STATUS_OK);
    CHECK_EQ((u32)result_word(duel->init, 0), EXIT_KILLED);
    pass_time(20000000);
    struct actor *main = main_actor_of(duel->leaf);
    CHECK(!main || !is_alive(main));
}

RACE(calls_on_a_process_that_is_dying)
{
    struct actor *init = directed_init();
    struct duel duel = begin(0);
    u64 endpoint = make_endpoint(init, 0, 0), memory = make_memory(init, PAGE_SIZE);
    struct child child = spawn(init, NULL, 0);
    u64 extra = derive(init, endpoint, ~0ull, 0);
    duel.leaf = child.process_id;
    duel.middle = child.process;
    struct racer kills = {duel.second, CALL(kill, child.process)};
    struct call calls[] = {
        CALL(kill, child.process),
        CALL(wait, child.process, .deadline = FOREVER),
        CALL(watch, child.process, W(endpoint)),
        CALL(grant, child.process, W(extra, ~0u, CAP_SEND_MOVE)),
        CALL(grant, child.process, W(extra, ~0u, CAP_SEND_COPY)),
        CALL(create_thread, child.process, W(0x500000, 0x500000, 0, 0, 0, 0x20003000)),
        CALL(map, memory, W(child.process, 0, 0, PAGE_SIZE, MAP_READ)),
        CALL(unmap, 0, W(child.process, 0x20000000, PAGE_SIZE)),
        CALL(protect, 0, W(child.process, 0x20000000, PAGE_SIZE, 0, MAP_READ)),
        CALL(thread_control, child.thread, W(THREAD_SUSPEND)),
    };
    for (u32 i = 0; i < ARRAY_SIZE(calls) && !directed_failed(); i++) {
        struct racer acts = {duel.first, calls[i]};
        CHECK(race_everywhere(&acts, &kills, verify_dead, &duel) > 3);
        struct racer first_kills = {duel.first, kills.call}, then_acts = {duel.second, calls[i]};
        CHECK(race_everywhere(&first_kills, &then_acts, verify_dead, &duel) > 3);
    }
}

static void verify_group_gone(void *argument)
{
    struct duel *duel = argument;
    (void)outcome(duel);
    CHECK(wait_until(both_back, duel));
    CHECK(!is_blocked(duel->second));
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
}

static void verify_groups_gone(void *argument)
{
    struct duel *duel = argument;
    if (!CHECK(wait_until(both_back, duel)))
        return;
    const struct actor *above = duel->leaf == 0 ? duel->first : duel->second;
    const struct actor *below = duel->leaf == 0 ? duel->second : duel->first;
    u64 status = below->thread->context.number;
    CHECK_EQ(above->thread->context.number, STATUS_OK);
    CHECK(status == STATUS_OK || status == STATUS_BUSY || status == STATUS_REVOKED ||
          status == STATUS_DEAD || status == STATUS_STALE_HANDLE);
}

RACE(nothing_is_left_of_a_group_that_is_being_destroyed)
{
    struct actor *init = directed_init();
    struct duel duel = begin(0);
    struct group_limits limits = no_limits();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    struct racer destroys = {duel.second, CALL(group_control, group, W(GROUP_DESTROY))};
    struct spawn_plan plan = sound_plan();
    poke(init, scratch(init, 0), &plan, sizeof(plan));
    poke(init, scratch(init, 1), &limits, sizeof(limits));
    struct call calls[] = {
        CALL(create_endpoint, group, W(0, 0)),
        CALL(create_memory, group, W(PAGE_SIZE, 0)),
        CALL(create_timer, group, W(endpoint)),
        CALL(create_resource_group, group, W(scratch(init, 1))),
        CALL(spawn, group, W(scratch(init, 0))),
        CALL(group_control, group, W(GROUP_DESTROY)),
        CALL(group_control, group, W(GROUP_SET_LIMIT, GROUP_OBJECTS, 5)),
        CALL(group_info, group, W(scratch(init, 2))),
    };
    for (u32 i = 0; i < ARRAY_SIZE(calls) && !directed_failed(); i++) {
        struct racer makes = {duel.first, calls[i]};
        CHECK(race_everywhere(&makes, &destroys, verify_group_gone, &duel) > 3);
    }
}

static bool is_frozen(const struct thread *thread)
{
    return wait_is_held(thread) && (thread->flags & THREAD_FLAG_FROZEN);
}

/* Whatever came first: who is started in a group stands still while that is suspended, and goes on
 * when it is not. */
static void verify_stands_still(void *argument)
{
    struct duel *duel = argument;
    u64 status = outcome(duel);
    CHECK_EQ(duel->second->thread->context.number, STATUS_OK);
    pass_time(20000000);
    struct actor *main = duel->leaf ? main_actor_of(duel->leaf) : NULL;
    if (!duel->leaf && status == STATUS_OK)
        main = main_actor_of(result_word(duel->first, 2));
    if (!main || !is_alive(main) || (main->thread->flags & THREAD_FLAG_KILLED))
        return;
    bool suspended = group_is_suspended(group_of_payer(main->thread->object.payer));
    CHECK_EQ(is_frozen(main->thread), suspended);
    CHECK(suspended || !is_blocked(main));
}

RACE(a_group_is_suspended_while_others_start_resume_and_kill)
{
    struct actor *init = directed_init();
    struct duel duel = begin(0);
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    u64 below = make_group(init, group, &limits);
    struct spawn_plan plan = sound_plan();
    poke(init, scratch(init, 1), &plan, sizeof(plan));
    struct racer spawns = {duel.first, CALL(spawn, below, W(scratch(init, 1)))};
    struct racer suspends = {duel.second, CALL(group_control, group, W(GROUP_SUSPEND))};
    CHECK(race_everywhere(&spawns, &suspends, verify_stands_still, &duel) > 3);
    plan.flags = SPAWN_HELD;
    CHECK_EQ(status_of_spawn(init, below, &plan), STATUS_OK);
    struct child child = child_of(init);
    duel.leaf = child.process_id;
    struct racer starts = {duel.first, CALL(thread_control, child.thread, W(THREAD_START))};
    CHECK(race_everywhere(&starts, &suspends, verify_stands_still, &duel) > 3);
    CHECK_EQ(call(init, starts.call), STATUS_OK);
    struct call calls[] = {CALL(group_control, group, W(GROUP_RESUME)),
                           CALL(group_control, below, W(GROUP_RESUME)),
                           CALL(group_control, below, W(GROUP_SUSPEND)), CALL(kill, child.process),
                           CALL(group_control, below, W(GROUP_DESTROY))};
    struct racer resumes = {duel.second, calls[0]};
    for (u32 i = 0; i < ARRAY_SIZE(calls) && !directed_failed(); i++) {
        struct racer acts = {duel.first, calls[i]};
        CHECK(race_everywhere(&acts, &suspends, verify_stands_still, &duel) > 3);
        CHECK(race_everywhere(&acts, &resumes, verify_stands_still, &duel) > 3);
    }
}

/* The group below goes with the one above, whoever asks for what first. */
RACE(a_group_is_destroyed_while_the_one_above_is)
{
    struct actor *init = directed_init();
    struct duel duel = begin(0);
    struct group_limits limits = no_limits();
    u64 above = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    u64 below = make_group(init, above, &limits);
    CHECK_EQ(call(init, CALL(create_endpoint, below, W(0, 0))), STATUS_OK);
    struct call calls[] = {CALL(group_control, above, W(GROUP_DESTROY)),
                           CALL(group_control, below, W(GROUP_DESTROY))};
    for (u32 i = 0; i < 2; i++) {
        struct racer first = {duel.first, calls[i]}, second = {duel.second, calls[1 - i]};
        duel.leaf = i; /* which of the two has the group above */
        CHECK(race_everywhere(&first, &second, verify_groups_gone, &duel) > 3);
    }
}
