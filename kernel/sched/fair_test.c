/* Shares between groups: random trees of groups, activities that always want to run. */
#include "sched/fair.h"

#include "lib/string.h"
#include "mm/frame.h"
#include "mm/frame_internal.h"
#include "port/sim.h"
#include "sched/sched.h"
#include "unit.h"

#define GROUPS     12u
#define ACTIVITIES 40u
#define SLICES     100u

static struct group *groups[GROUPS];
static struct thread threads[ACTIVITIES];
static struct activity activities[ACTIVITIES];
static struct run_queue queue;
static u64 used[ACTIVITIES];

static void start(void)
{
    struct boot_info *boot = sim_boot_memory(16 << 20, 1);
    cpu_table_init(boot);
    arch_cpu_bind(cpu_at(0), 0);
    frame_early_init(boot);
    frame_init(boot);
    group_init();
    run_queue_init(&queue);
    memset(used, 0, sizeof(used));
    groups[0] = group_root();
}

static struct group *make(struct group *parent, u64 weight)
{
    struct group_limits limits = {.cpu_weight = weight};
    struct group *group = NULL;
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++)
        limits.limit[i] = GROUP_NO_LIMIT;
    EXPECT_EQ(group_create(parent, &limits, &group), STATUS_OK);
    return group;
}

static struct activity *add(u32 index, struct group *group)
{
    struct activity *activity = &activities[index];
    threads[index] = (struct thread){.activity = activity, .cpu_mask = 1};
    *activity = (struct activity){.thread = &threads[index],
                                  .payer = group,
                                  .share = &group->shares[0],
                                  .virtual_time = group->shares[0].latest};
    run_queue_insert(&queue, activity);
    return activity;
}

/* One slice of the next in line; its index. */
static u32 run(u64 cycles)
{
    struct activity *activity = run_queue_pick(&queue);
    EXPECT(activity != NULL);
    activity->state = ACTIVITY_RUNNING;
    activity->virtual_time += cycles;
    activity->share->cycles += cycles;
    used[activity - activities] += cycles;
    activity->state = ACTIVITY_IDLE;
    run_queue_insert(&queue, activity);
    return (u32)(activity - activities);
}

static u64 used_by(const struct group *group)
{
    u64 sum = 0;
    for (u32 i = 0; i < ACTIVITIES; i++)
        sum += activities[i].payer == group ? used[i] : 0;
    return sum;
}

/* Is what was used within 2 % of the whole of what was due? */
static bool is_close(u64 is, double due, u64 total)
{
    double off = (double)is > due ? (double)is - due : due - (double)is;
    return off <= 0.02 * (double)total;
}

TEST(a_group_with_ten_threads_gets_no_more_than_one_with_one)
{
    start();
    struct group *few = make(group_root(), 100), *many = make(group_root(), 100);
    add(0, few);
    for (u32 i = 1; i <= 10; i++)
        add(i, many);
    for (u32 i = 0; i < 2 * SLICES; i++)
        run(SLICE_CYCLES);
    EXPECT(is_close(used_by(few), SLICES * (double)SLICE_CYCLES, 2 * SLICES * SLICE_CYCLES));
    for (u32 i = 1; i <= 10; i++)
        EXPECT_EQ(used[i] / SLICE_CYCLES >= 9 && used[i] / SLICE_CYCLES <= 11, true);
}

TEST(a_weight_divides_what_the_parent_has)
{
    start();
    struct group *above = make(group_root(), 100), *beside = make(group_root(), 300);
    struct group *low = make(above, 100), *high = make(above, 400);
    add(0, beside);
    add(1, low);
    add(2, high);
    add(3, high);
    for (u32 i = 0; i < 4 * SLICES; i++)
        run(SLICE_CYCLES);
    double total = 4 * SLICES * (double)SLICE_CYCLES;
    EXPECT(is_close(used_by(beside), 0.75 * total, 4 * SLICES * SLICE_CYCLES));
    EXPECT(is_close(used_by(low), 0.05 * total, 4 * SLICES * SLICE_CYCLES));
    EXPECT(is_close(used_by(high), 0.20 * total, 4 * SLICES * SLICE_CYCLES));
}

TEST(a_changed_weight_counts_at_once)
{
    start();
    struct group *a = make(group_root(), 100), *b = make(group_root(), 100);
    add(0, a);
    add(1, b);
    for (u32 i = 0; i < SLICES; i++)
        run(SLICE_CYCLES);
    memset(used, 0, sizeof(used));
    a->weight = 400;
    sched_weight_changed();
    for (u32 i = 0; i < SLICES; i++)
        run(SLICE_CYCLES);
    EXPECT(is_close(used_by(a), 0.8 * SLICES * (double)SLICE_CYCLES, SLICES * SLICE_CYCLES));
}

/* Each runs one slice, starts the next and ends. */
TEST(a_chain_of_newcomers_starves_nobody)
{
    start();
    struct group *victim = make(group_root(), 100), *chain = make(group_root(), 100);
    add(0, victim);
    u32 next = 1;
    add(next, chain);
    u64 of_chain = 0;
    for (u32 i = 0; i < SLICES; i++) {
        u32 ran = run(SLICE_CYCLES);
        if (ran == 0)
            continue;
        of_chain += SLICE_CYCLES;
        run_queue_remove(&queue, &activities[ran]);
        next = next % (ACTIVITIES - 1) + 1;
        add(next, chain);
    }
    EXPECT(is_close(used[0], 0.5 * SLICES * (double)SLICE_CYCLES, SLICES * SLICE_CYCLES));
    EXPECT_EQ(used[0] + of_chain, SLICES * SLICE_CYCLES);
}

/* The same with a new group each time. */
TEST(a_chain_of_new_groups_gains_nothing)
{
    start();
    struct group *victim = make(group_root(), 300);
    add(0, victim);
    add(1, make(group_root(), 100));
    for (u32 i = 0; i < SLICES; i++)
        if (run(SLICE_CYCLES) != 0) {
            run_queue_remove(&queue, &activities[1]);
            fair_idle(&queue); /* somebody else made the next one */
            add(1, make(group_root(), 100));
        }
    EXPECT(used[0] >= (u64)(0.73 * SLICES * (double)SLICE_CYCLES));
}

TEST(who_slept_saves_up_one_slice_at_most)
{
    start();
    struct group *busy = make(group_root(), 100), *sleeper = make(group_root(), 100);
    add(0, busy);
    struct activity *sleeps = add(1, sleeper);
    run(SLICE_CYCLES);
    run(SLICE_CYCLES);
    run_queue_remove(&queue, sleeps);
    for (u32 i = 0; i < SLICES; i++)
        run(SLICE_CYCLES);
    run_queue_insert(&queue, sleeps);
    memset(used, 0, sizeof(used));
    for (u32 i = 0; i < 10; i++)
        run(SLICE_CYCLES);
    EXPECT_LE(used[1], 6 * SLICE_CYCLES);
    EXPECT_LE(5 * SLICE_CYCLES, used[1]);
}

/* The part of the CPU that is the group's own activities', computed from above. */
static double part_of(u32 index, const u32 *parents, const u32 *members)
{
    bool active[GROUPS];
    for (u32 i = 0; i < GROUPS; i++) {
        active[i] = members[i] > 0;
        for (u32 j = i + 1; j < GROUPS; j++)
            for (u32 at = j; members[j] > 0 && at != 0; at = parents[at])
                active[i] |= parents[at] == i;
    }
    double part = 1;
    bool own = true;
    for (u32 at = index;; at = parents[at]) {
        double sum = members[at] > 0 ? 100 : 0;
        for (u32 i = 1; i < GROUPS; i++)
            sum += parents[i] == at && active[i] ? groups[i]->weight : 0;
        if (own)
            part *= 100 / sum;
        own = false;
        if (at == 0)
            return part;
        double beside = members[parents[at]] > 0 ? 100 : 0;
        for (u32 i = 1; i < GROUPS; i++)
            beside += parents[i] == parents[at] && active[i] ? groups[i]->weight : 0;
        part *= groups[at]->weight / beside;
    }
}

static void random_tree(void)
{
    u32 parents[GROUPS] = {0}, members[GROUPS] = {0}, count = 0;
    start();
    for (u32 i = 1; i < GROUPS; i++) {
        do
            parents[i] = (u32)(unit_random_below(i));
        while (groups[parents[i]]->depth + 2 > GROUP_MAX_DEPTH);
        groups[i] = make(groups[parents[i]], 50 + unit_random_below(400));
    }
    for (u32 i = 0; i < GROUPS; i++)
        for (u64 n = unit_random_below(4); n > 0 && count < ACTIVITIES; n--, members[i]++)
            add(count++, groups[i]);
    if (count == 0)
        add(count++, groups[members[0]++]);
    /* Slices of unequal length. */
    u64 total = 0, rounds = SLICES * count;
    for (u64 i = 0; i < rounds; i++) {
        u64 cycles = SLICE_CYCLES / 4 + unit_random_below(SLICE_CYCLES);
        run(cycles);
        total += cycles;
    }
    for (u32 i = 0; i < GROUPS; i++) {
        double due = members[i] ? part_of(i, parents, members) * (double)total : 0;
        EXPECT(is_close(used_by(groups[i]), due, total));
    }
}

TEST(random_trees_divide_by_weight)
{
    for (u32 i = 0; i < 300; i++)
        random_tree();
}
