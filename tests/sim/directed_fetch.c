/* Directed programs: each word of user memory that a call reads is read once, so that a thread that
 * changes it meanwhile can only choose between what it was and what it is. */
#include "directed.h"

#include "abi/spawn.h"

#define GROUP       init_cap(INIT_CAP_GROUP)
#define MAX_FETCHES 64u

/* --- Structures that are read by address --- */

static struct {
    u64 start;
    u64 end;
} fetched[MAX_FETCHES];
static u32 fetch_count;
static bool fetched_twice;
static u64 bytes_fetched;

static void note_fetch(u64 user, u64 size_bytes)
{
    for (u32 i = 0; i < fetch_count; i++)
        fetched_twice |= user < fetched[i].end && fetched[i].start < user + size_bytes;
    bytes_fetched += size_bytes;
    if (!CHECK(fetch_count < MAX_FETCHES))
        return;
    fetched[fetch_count].start = user;
    fetched[fetch_count++].end = user + size_bytes;
}

static void begin_fetches(void)
{
    fetch_count = 0;
    fetched_twice = false;
    bytes_fetched = 0;
    sim_fetch_hook = note_fetch;
}

static void check_fetches(u64 size_bytes)
{
    sim_fetch_hook = NULL;
    CHECK_EQ(bytes_fetched, size_bytes);
    CHECK(!fetched_twice);
}

SCENARIO(structures_are_fetched_once)
{
    struct actor *init = directed_init();
    const struct group_limits limits = no_limits();
    begin_fetches();
    (void)make_group(init, GROUP, &limits);
    check_fetches(sizeof(limits));

    static const char arguments[] = "twice";
    struct spawn_plan plan = sound_plan();
    plan.arguments = scratch(init, 2);
    plan.arguments_size = sizeof(arguments);
    poke(init, plan.arguments, arguments, sizeof(arguments));
    begin_fetches();
    CHECK_EQ(status_of_spawn(init, GROUP, &plan), STATUS_OK);
    check_fetches(sizeof(plan) + sizeof(arguments));
    struct child child = child_of(init);

    struct thread_registers registers = {0};
    u64 place = scratch(init, 0);
    CHECK_EQ(call(init, CALL(thread_control, child.thread, W(THREAD_SUSPEND))), STATUS_OK);
    pass_time(1000000);
    CHECK_EQ(call(init, CALL(thread_control, child.thread, W(THREAD_GET_REGISTERS, place))),
             STATUS_OK);
    begin_fetches();
    CHECK_EQ(call(init, CALL(thread_control, child.thread, W(THREAD_SET_REGISTERS, place))),
             STATUS_OK);
    check_fetches(sizeof(registers));
}

/* --- The list of capabilities in the message buffer --- */

static struct message_buffer *flipped;
static u64 flip_at; /* the switch point before which the list changes */
static u64 points;

/* Another thread of the sender's process writes to the page. */
static void flip(void)
{
    if (++points == flip_at)
        flipped->send_caps[0].mode = CAP_SEND_COPY;
}

/* A move, made a copy at every moment in turn: what may not be copied is moved, or refused; it is
 * never at both ends. */
SCENARIO(capabilities_of_a_message_are_fetched_once)
{
    struct actor *init = directed_init();
    struct actor *receiver = new_thread(init, init_self(), NULL);
    u64 endpoint = make_endpoint(init, 0, 0);
    u32 moved = 0;
    u32 refused = 0;
    bool reached = true;
    for (u64 n = 1; reached && !directed_failed(); n++) {
        u64 target = make_endpoint(init, 0, 0);
        u64 single = derive(init, target, ~(u64)RIGHT_DERIVE, 0);
        struct call receive =
            CALL(receive, endpoint, .info = message_info(0, 0, 0, 1), .deadline = FOREVER);
        CHECK(start(receiver, receive));
        put_cap(init, 0, single, ~0u, CAP_SEND_MOVE);
        flipped = buffer(init);
        flip_at = n;
        points = 0;
        u32 held = init->thread->space->used_count;
        sim_point_hook = flip;
        u64 status =
            call(init, CALL(send, endpoint, .info = message_info(0, 0, 1, 0) | INFO_NONBLOCK));
        sim_point_hook = NULL;
        CHECK_EQ(init->thread->space->used_count, held); /* both are threads of init's */
        bool kept = status_of(init, single) != STATUS_STALE_HANDLE;
        if (status == STATUS_OK) {
            CHECK(!kept);
            CHECK(got_cap(receiver, 0) != 0);
            moved++;
        } else {
            CHECK_EQ(status, STATUS_MISSING_RIGHT);
            CHECK(kept);
            refused++;
            CHECK_EQ(call(init, CALL(send, endpoint, .info = INFO_NONBLOCK)), STATUS_OK);
        }
        settle();
        reached = points >= n;
    }
    CHECK(moved > 0 && refused > 0);
}
