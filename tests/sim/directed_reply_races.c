/* Directed programs: what may happen to a deferred call at the same moment. */
#include "directed.h"

#include "ipc/reply.h"

#define GROUP    init_cap(INIT_CAP_GROUP)
#define LABEL(n) message_info((n), 0, 0, 0)

/* Init's thread `caller` has called, `server` deferred; `server` on CPU 1, `other` on CPU 2. */
struct deferred {
    struct actor *init, *server, *other;
    u64 server_thread;
    u64 endpoint;
    u64 reply;
};

struct contest {
    struct deferred at;
    u64 caller_thread;
    u32 first_won, second_won;
};

static u64 defer(struct actor *server)
{
    CHECK_EQ(call(server, CALL(defer, GROUP)), STATUS_OK);
    return result_word(server, 0);
}

static bool runs_at_home(const struct actor *actor)
{
    return actor->thread->activity == actor->thread->home && !actor->thread->serving;
}

static bool works_for(const struct actor *actor, const struct actor *caller)
{
    return actor->thread->serving == caller->thread && caller->thread->server == actor->thread &&
           actor->thread->activity == caller->thread->home && !caller->thread->activity;
}

static struct contest begin(struct actor **caller)
{
    struct contest contest = {.at.init = directed_init()};
    struct deferred *at = &contest.at;
    u64 other;
    *caller = new_thread(at->init, init_self(), &contest.caller_thread);
    at->server = new_thread(at->init, init_self(), &at->server_thread);
    at->other = new_thread(at->init, init_self(), &other);
    pin(at->init, init_main_thread(), 0);
    pin(at->init, contest.caller_thread, 0);
    pin(at->init, at->server_thread, 1);
    pin(at->init, other, 2);
    at->endpoint = make_endpoint(at->init, 0, 0);
    CHECK(start(at->server, CALL(receive, at->endpoint, .deadline = FOREVER)));
    CHECK(start(*caller, CALL(call, at->endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(at->server), STATUS_OK);
    at->reply = defer(at->server);
    return contest;
}

static bool both_back(void *argument)
{
    const struct contest *contest = argument;
    return !is_blocked(contest->at.server) && !is_blocked(contest->at.other);
}

static SIM_STATE struct actor *raced_caller;

/* Of two that end the call exactly one does. */
static void verify_one_winner(void *argument)
{
    struct contest *contest = argument;
    CHECK(wait_until(both_back, contest));
    bool first = contest->at.server->thread->context.number == STATUS_OK;
    bool second = contest->at.other->thread->context.number == STATUS_OK;
    CHECK(first != second);
    contest->first_won += first;
    contest->second_won += second;
    CHECK_EQ(finish(raced_caller), STATUS_OK);
    CHECK_EQ(info_label(result_info(raced_caller)), first ? 1 : 2);
    CHECK(runs_at_home(contest->at.server) && runs_at_home(contest->at.other));
}

RACE(of_two_answers_one_is_delivered)
{
    struct contest contest = begin(&raced_caller);
    struct deferred *at = &contest.at;
    struct racer first = {at->server, CALL(reply, at->reply, .info = LABEL(1))};
    struct racer second = {at->other, CALL(reply, at->reply, .info = LABEL(2))};
    CHECK(race_everywhere(&first, &second, verify_one_winner, &contest) > 3);
    CHECK(contest.first_won > 0 && contest.second_won > 0);
}

RACE(of_two_answers_one_is_delivered_though_it_was_adopted)
{
    struct contest contest = begin(&raced_caller);
    struct deferred *at = &contest.at;
    CHECK_EQ(call(at->server, CALL(adopt, at->reply)), STATUS_OK);
    struct racer first = {at->server, CALL(reply, 0, .info = LABEL(1))};
    struct racer second = {at->other, CALL(reply, at->reply, .info = LABEL(2))};
    CHECK(race_everywhere(&first, &second, verify_one_winner, &contest) > 3);
    CHECK(contest.first_won > 0 && contest.second_won > 0);
}

/* One adopts at most, and whoever did can answer. */
static void verify_one_adopter(void *argument)
{
    struct contest *contest = argument;
    CHECK(wait_until(both_back, contest));
    bool first = contest->at.server->thread->context.number == STATUS_OK;
    bool second = contest->at.other->thread->context.number == STATUS_OK;
    CHECK(first != second);
    contest->first_won += first;
    contest->second_won += second;
    struct actor *winner = first ? contest->at.server : contest->at.other;
    CHECK_EQ((first ? contest->at.other : contest->at.server)->thread->context.number, STATUS_BUSY);
    CHECK(works_for(winner, raced_caller));
    CHECK_EQ(call(winner, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(raced_caller), STATUS_OK);
}

RACE(of_two_that_adopt_one_does)
{
    struct contest contest = begin(&raced_caller);
    struct deferred *at = &contest.at;
    struct racer first = {at->server, CALL(adopt, at->reply)};
    struct racer second = {at->other, CALL(adopt, at->reply)};
    CHECK(race_everywhere(&first, &second, verify_one_adopter, &contest) > 3);
    CHECK(contest.first_won > 0 && contest.second_won > 0);
}

/* Whatever comes first, the caller comes back and everybody has an activity. */
static void verify_nobody_is_lost(void *argument)
{
    struct contest *contest = argument;
    CHECK(wait_until(both_back, contest));
    u64 first = contest->at.server->thread->context.number;
    contest->first_won += first == STATUS_OK;
    contest->second_won += first != STATUS_OK;
    pass_time(10000000);
    if (is_alive(raced_caller) && is_blocked(raced_caller)) {
        const struct reply *reply = raced_caller->thread->reply;
        CHECK(reply && reply->caller == raced_caller->thread);
    }
    CHECK_EQ(call(contest->at.server, CALL(null, 0)), STATUS_OK);
    CHECK_EQ(call(contest->at.other, CALL(null, 0)), STATUS_OK);
}

RACE(adopting_answering_and_leaving_lose_nobody)
{
    struct contest contest = begin(&raced_caller);
    struct deferred *at = &contest.at;
    struct call firsts[] = {CALL(adopt, at->reply), CALL(reply, at->reply)};
    struct call seconds[] = {
        CALL(reply, at->reply),
        CALL(cancel, contest.caller_thread),
        CALL(kill, contest.caller_thread),
        CALL(close, at->reply),
        CALL(revoke, at->endpoint),
        CALL(grant, init_self(), W(at->reply, ~0u, CAP_SEND_MOVE)),
    };
    for (u32 i = 0; i < ARRAY_SIZE(firsts); i++) {
        for (u32 j = 0; j < ARRAY_SIZE(seconds) && !directed_failed(); j++) {
            struct racer first = {at->server, firsts[i]};
            struct racer second = {at->other, seconds[j]};
            CHECK(race_everywhere(&first, &second, verify_nobody_is_lost, &contest) > 3);
            CHECK(race_everywhere(&second, &first, verify_nobody_is_lost, &contest) > 3);
        }
    }
    CHECK(contest.first_won > 0 && contest.second_won > 0);
}

/* The call is deferred while its caller leaves. */
static void verify_deferred(void *argument)
{
    struct contest *contest = argument;
    CHECK(wait_until(both_back, contest));
    u64 status = contest->at.server->thread->context.number;
    CHECK(status == STATUS_OK || status == STATUS_NO_CALLER);
    contest->first_won += status == STATUS_OK;
    contest->second_won += status != STATUS_OK;
    CHECK_EQ(finish(raced_caller), STATUS_CANCELLED);
    if (status == STATUS_OK)
        CHECK_EQ(call(contest->at.server, CALL(reply, result_word(contest->at.server, 0))),
                 STATUS_NO_CALLER);
    CHECK(runs_at_home(contest->at.server));
}

RACE(deferring_a_call_whose_caller_leaves)
{
    struct contest contest = begin(&raced_caller);
    struct deferred *at = &contest.at;
    CHECK_EQ(call(at->server, CALL(reply, at->reply)), STATUS_OK);
    CHECK_EQ(finish(raced_caller), STATUS_OK);
    CHECK(start(at->server, CALL(receive, at->endpoint, .deadline = FOREVER)));
    CHECK(start(raced_caller, CALL(call, at->endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(at->server), STATUS_OK);
    struct racer first = {at->server, CALL(defer, GROUP)};
    struct racer second = {at->other, CALL(cancel, contest.caller_thread)};
    CHECK(race_everywhere(&first, &second, verify_deferred, &contest) > 3);
    CHECK(contest.first_won > 0 && contest.second_won > 0);
}

static SIM_STATE bool raced_answers;

/* The capability leaves while it is used: either that was before, or it is of no use. An answer
 * that was given has arrived. */
static void verify_moved(void *argument)
{
    struct contest *contest = argument;
    CHECK(wait_until(both_back, contest));
    u64 status = contest->at.server->thread->context.number;
    CHECK(status == STATUS_OK || status == STATUS_STALE_HANDLE);
    contest->first_won += status == STATUS_OK;
    contest->second_won += status != STATUS_OK;
    if (raced_answers) {
        CHECK_EQ(is_blocked(raced_caller), status != STATUS_OK);
        if (status == STATUS_OK)
            CHECK_EQ(info_label(result_info(raced_caller)), 6);
    }
}

RACE(what_was_moved_away_meanwhile_is_of_no_use)
{
    struct contest contest = begin(&raced_caller);
    struct deferred *at = &contest.at;
    struct call uses[] = {CALL(adopt, at->reply), CALL(reply, at->reply, .info = LABEL(6))};
    struct racer moves = {at->other, CALL(grant, init_self(), W(at->reply, ~0u, CAP_SEND_MOVE))};
    /* Found, and then held up before the lock: only the look under the lock tells. */
    for (u32 i = 0; i < ARRAY_SIZE(uses); i++) {
        struct racer use = {at->server, uses[i]};
        contest.first_won = contest.second_won = 0;
        raced_answers = uses[i].number == SYS_reply;
        CHECK(race_everywhere(&use, &moves, verify_moved, &contest) > 3);
        CHECK(contest.first_won > 0 && contest.second_won > 0);
    }
}
