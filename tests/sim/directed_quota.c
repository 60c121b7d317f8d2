/* Directed programs: hard quotas of processor time. */
#include "directed.h"

#include "core/cpu.h"
#include "group/group.h"

#define MS 1000000ull

static u64 make_limited(struct actor *init, u64 parent, u64 quota_ns, u64 period_ns)
{
    struct group_limits limits = no_limits();
    limits.cpu_quota_ns = quota_ns;
    limits.cpu_period_ns = period_ns;
    return make_group(init, parent, &limits);
}

static u64 billed(struct actor *init, u64 group)
{
    struct group_usage usage = {0};
    CHECK_EQ(call(init, CALL(group_info, group, W(scratch(init, 2)))), STATUS_OK);
    peek(init, scratch(init, 2), &usage, sizeof(usage));
    return usage.cpu_ns;
}

static struct child spawn_in(struct actor *init, u64 group, u64 endpoint)
{
    struct spawn_plan plan = sound_plan();
    plan.cap_count = endpoint ? 1 : 0;
    plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_COPY};
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    return child_of(init);
}

static u64 set_quota(struct actor *init, u64 group, u64 quota_ns, u64 period_ns)
{
    return call(init, CALL(group_control, group, W(GROUP_SET_QUOTA, quota_ns, period_ns)));
}

SCENARIO(a_quota_has_bounds)
{
    struct actor *init = directed_init();
    u64 root = init_cap(INIT_CAP_GROUP), group = make_limited(init, root, 2 * MS, 10 * MS);
    u64 most = 10 * MS * cpu_count();
    CHECK_EQ(set_quota(init, group, most, 10 * MS), STATUS_OK);
    CHECK_EQ(set_quota(init, group, most + 1, 10 * MS), STATUS_BAD_ARGUMENT);
    CHECK_EQ(set_quota(init, group, GROUP_MIN_QUOTA_NS - 1, 10 * MS), STATUS_BAD_ARGUMENT);
    CHECK_EQ(set_quota(init, group, GROUP_MIN_QUOTA_NS, GROUP_MIN_PERIOD_NS - 1),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(set_quota(init, group, GROUP_MIN_QUOTA_NS, GROUP_MAX_PERIOD_NS), STATUS_OK);
    CHECK_EQ(set_quota(init, group, GROUP_MIN_QUOTA_NS, GROUP_MAX_PERIOD_NS + 1),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(set_quota(init, group, 0, 10 * MS), STATUS_BAD_ARGUMENT);
    CHECK_EQ(set_quota(init, group, 10 * MS, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQ(set_quota(init, group, 0, 0), STATUS_OK);
    CHECK_EQ(set_quota(init, root, 5 * MS, 10 * MS), STATUS_BAD_ARGUMENT);
    u64 mute = derive(init, group, ~(u64)RIGHT_GROUP_CONTROL, 0);
    CHECK_EQ(set_quota(init, mute, 5 * MS, 10 * MS), STATUS_MISSING_RIGHT);
    struct group_limits limits = no_limits();
    limits.cpu_quota_ns = MS;
    poke(init, scratch(init, 1), &limits, sizeof(limits));
    CHECK_EQ(call(init, CALL(create_resource_group, root, W(scratch(init, 1)))),
             STATUS_BAD_ARGUMENT);
}

/* Is what was used in ten periods the quota, but for the piece that a CPU may not have used? */
static void check_ten_periods(struct actor *init, u64 group, u64 quota_ns, u64 period_ns, u32 cpus)
{
    u64 before = billed(init, group);
    pass_time(10 * period_ns);
    u64 used = billed(init, group) - before;
    /* The periods do not begin with the ten: one more may have been drawn from. */
    CHECK(used <= 11 * quota_ns + MS / 10);
    CHECK(used + 10 * (cpus - 1) * MS >= 9 * quota_ns);
}

SCENARIO(a_quota_is_used_and_not_passed)
{
    struct actor *init = directed_init();
    u64 root = init_cap(INIT_CAP_GROUP), group = make_limited(init, root, 2 * MS, 10 * MS);
    struct child child = spawn_in(init, group, 0);
    check_ten_periods(init, group, 2 * MS, 10 * MS, 1);
    /* It is the whole group's, on however many CPUs. */
    u64 handle;
    (void)new_thread(child.main, child.self, &handle);
    (void)new_thread(child.main, child.self, &handle);
    CHECK_EQ(set_quota(init, group, 8 * MS, 20 * MS), STATUS_OK);
    check_ten_periods(init, group, 8 * MS, 20 * MS, 3);
    /* Without one it has what it wants. */
    CHECK_EQ(set_quota(init, group, 0, 0), STATUS_OK);
    pass_time(20 * MS);
    u64 before = billed(init, group);
    pass_time(20 * MS);
    CHECK_EQ(set_quota(init, group, 8 * MS, 20 * MS), STATUS_OK); /* so that it is counted now */
    settle();
    CHECK(billed(init, group) - before >= 40 * MS);
}

SCENARIO(a_quota_binds_the_groups_below)
{
    struct actor *init = directed_init();
    u64 above = make_limited(init, init_cap(INIT_CAP_GROUP), 3 * MS, 10 * MS);
    u64 a = make_limited(init, above, 2 * MS, 10 * MS), b = make_limited(init, above, 0, 0);
    (void)spawn_in(init, a, 0);
    (void)spawn_in(init, b, 0);
    u64 of_a = billed(init, a), of_b = billed(init, b);
    pass_time(100 * MS);
    of_a = billed(init, a) - of_a;
    of_b = billed(init, b) - of_b;
    CHECK(of_a <= 22 * MS + MS / 10);
    CHECK(of_a + of_b <= 33 * MS + MS / 10);
    CHECK(of_a + of_b >= 20 * MS);
}

SCENARIO(a_throttled_group_can_be_destroyed)
{
    struct actor *init = directed_init();
    u64 group = make_limited(init, init_cap(INIT_CAP_GROUP), 2 * MS, 100 * MS);
    (void)spawn_in(init, group, 0);
    pass_time(10 * MS);
    CHECK_EQ(call(init, CALL(group_control, group, W(GROUP_DESTROY), .deadline = FOREVER)),
             STATUS_OK);
}

/* A server that computes for a throttled caller uses some in advance, and the rest in its own time;
 * the caller has its answer when its quota is full again. */
SCENARIO(a_quota_that_ends_inside_a_server)
{
    struct actor *init = directed_init();
    u64 group = make_limited(init, init_cap(INIT_CAP_GROUP), 2 * MS, 50 * MS);
    u64 endpoint = make_endpoint(init, 0, 0), handle;
    struct actor *server = new_thread(init, init_self(), &handle);
    struct child client = spawn_in(init, group, endpoint);
    pass_time(60 * MS); /* a fresh period, or none */
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(client.main, CALL(call, client.caps[0], .info = LABEL(1), .deadline = FOREVER)));
    CHECK(!is_blocked(server));
    u64 before = billed(init, group);
    pass_time(30 * MS); /* the server computes */
    u64 used = billed(init, group) - before;
    CHECK(used <= 2 * MS + 4 * MS + MS / 10);
    CHECK(used >= 4 * MS);
    CHECK(server->thread->activity == server->thread->home);
    CHECK_EQ(call(server, CALL(reply, 0, .info = LABEL(2))), STATUS_OK);
    CHECK_EQ(finish(client.main), STATUS_OK);
    /* What it used in advance is drawn later. */
    before = billed(init, group);
    pass_time(100 * MS);
    CHECK(billed(init, group) - before <= 3 * 2 * MS + MS / 10);
}

/* The server waits on its caller's activity while another thread of the group uses up the quota: it
 * wakes in its own time at once. */
SCENARIO(a_server_that_wakes_on_a_throttled_activity_goes_home)
{
    struct actor *init = directed_init();
    u64 group = make_limited(init, init_cap(INIT_CAP_GROUP), 2 * MS, 500 * MS);
    u64 endpoint = make_endpoint(init, 0, 0), handle;
    struct actor *server = new_thread(init, init_self(), &handle);
    pin(init, handle, 1);
    struct child client = spawn_in(init, group, endpoint);
    pin(init, client.thread, 1);
    struct actor *spinner = new_thread(client.main, client.self, &handle);
    pin(client.main, handle, 1);
    CHECK(start(server, CALL(receive, endpoint, .deadline = FOREVER)));
    CHECK(start(client.main, CALL(call, client.caps[0], .info = LABEL(1), .deadline = FOREVER)));
    CHECK(!is_blocked(server));
    u64 word = scratch(server, 0), now = sim_now_ns();
    u32 zero = 0;
    poke(server, word, &zero, sizeof(zero));
    CHECK(start(server, CALL(futex_wait, 0, W(word, 0), .deadline = now + 20 * MS)));
    CHECK(is_blocked(server));
    pass_time(15 * MS);
    CHECK(is_blocked(server));
    CHECK(is_alive(spinner));
    CHECK(group_root()->shares[1].ready == 0);
    CHECK(server->thread->activity->share->throttled);
    pass_time(10 * MS);
    CHECK(!is_blocked(server));
    CHECK(server->thread->activity == server->thread->home);
    CHECK_EQ(call(server, CALL(reply, 0, .info = LABEL(2))), STATUS_OK);
    CHECK_EQ(finish(client.main), STATUS_OK);
}
