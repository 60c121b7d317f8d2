/*
 * Random calls from expendable processes in a limited group, for as long as it takes: the kernel
 * goes on, a victim outside notices nothing, and everything is given back in the end.
 */
#include "random.h"

#include "ferrous/console.h"
#include "lib/format.h"

#define WIDTH       4u
#define STALL_TURNS 3u  /* turns of the watchdog without a sign of life: cancel its wait */
#define KILL_TURNS  12u /* ... kill it */
#define GROUP_LIVES 60u /* lives until the group is destroyed with all that they left in it */

/* The group that pays for everything, and what the processes are given. */
struct arena {
    group_t group;
    group_t inner;
    endpoint_t endpoint;
    memory_t memory;
    ktimer_t timer;
    u32 lives;
};

struct expendable {
    struct process process;
    memory_t log_memory;
    struct random_log *log;
    u64 seen;  /* of log->main */
    u64 made;  /* log->calls when this life began */
    u32 still; /* turns without a change */
    bool alive;
};

/* How lives ended. */
struct ends {
    u64 lives;
    u64 by_itself;
    u64 by_fault;
    u64 killed;
    u64 by_group;
    u64 refused; /* the group had nothing left to start one with */
};

static enum status arena_open(struct arena *arena)
{
    struct group_limits limits;
    enum status status;

    group_limits_init(&limits, "random");
    limits.limit[GROUP_MEMORY_FRAMES] = 3000;
    limits.limit[GROUP_KERNEL_BYTES] = 1 << 20;
    limits.limit[GROUP_OBJECTS] = 600;
    limits.limit[GROUP_PROCESSES] = 24;
    limits.limit[GROUP_THREADS] = 64;
    *arena = (struct arena){0};
    status = group_create(attack.group, &limits, &arena->group);
    group_limits_init(&limits, "inner");
    if (status == STATUS_OK)
        status = group_create(arena->group, &limits, &arena->inner);
    if (status == STATUS_OK)
        status = endpoint_create(arena->group, 4, 0, &arena->endpoint);
    if (status == STATUS_OK)
        status = memory_create(arena->group, 8 * PAGE_SIZE, 0, &arena->memory);
    if (status == STATUS_OK)
        status = timer_create(arena->group, arena->endpoint, &arena->timer);
    return status;
}

static void arena_close(struct arena *arena)
{
    (void)end_group_empty(arena->group);
    (void)cap_close(arena->timer.cap);
    (void)cap_close(arena->memory.cap);
    (void)cap_close(arena->endpoint.cap);
    (void)cap_close(arena->inner.cap);
}

static enum status give_life(const struct arena *arena, struct expendable *one, u64 seed)
{
    const u32 all = UINT32_MAX;
    struct process_cap caps[] = {
        GIVE("endpoint", arena->endpoint, all),
        GIVE("memory", arena->memory, all),
        GIVE("group", arena->group, all & ~RIGHT_GROUP_CONTROL),
        GIVE("inner", arena->inner, all),
        GIVE("timer", arena->timer, all),
        GIVE("machine", attack.machine, RIGHT_FACTS | RIGHT_PROCESS_LIST | RIGHT_DERIVE),
        GIVE("trace", (trace_domain_t){start_cap("trace")}, all),
        GIVE("log", one->log_memory, RIGHT_READ | RIGHT_WRITE),
    };
    char text[24];

    format_to(text, sizeof(text), "%llu", (unsigned long long)seed);
    return start_role(arena->group, "random", text, caps, sizeof(caps) / sizeof(caps[0]),
                      &one->process);
}

static void count_end(struct ends *ends, const struct exit_record *record)
{
    ends->lives++;
    ends->by_itself += record->reason == EXIT_NORMAL;
    ends->by_fault += record->reason == EXIT_FAULT;
    ends->killed += record->reason == EXIT_KILLED;
    ends->by_group += record->reason == EXIT_GROUP;
}

/* Takes the record of one that has ended; false: it lives. */
static bool bury(struct expendable *one, struct ends *ends)
{
    struct exit_record record = {.reason = EXIT_GROUP};
    enum status status = process_poll(one->process.handle, &record);

    if (status == STATUS_WOULD_BLOCK)
        return false;
    /* Where the group has nothing left it may end before its first call, but it must know its role.
     */
    if (record.reason == EXIT_NORMAL && record.code == 255 && one->log->calls == one->made)
        test_fail(__FILE__, __LINE__, "one did not know its role");
    count_end(ends, &record);
    process_close(&one->process);
    one->alive = false;
    return true;
}

/* A waiting one is woken, a suspended one resumed, and one that still does nothing is killed. */
static void watch(struct expendable *one)
{
    u64 now = __atomic_load_n(&one->log->main, __ATOMIC_RELAXED);

    one->still = now == one->seen ? one->still + 1 : 0;
    one->seen = now;
    if (one->still >= KILL_TURNS) {
        (void)process_kill(one->process.handle, 1);
    } else if (one->still >= STALL_TURNS) {
        (void)kthread_cancel(one->process.main_thread);
        (void)kthread_control(one->process.main_thread, THREAD_RESUME, 0);
    }
}

static enum status open_log(struct expendable *one)
{
    u64 address;
    enum status status = make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &one->log_memory);

    one->log = (void *)(uintptr_t)address;
    return status;
}

struct run {
    struct arena arena;
    struct expendable all[WIDTH];
    struct ends ends;
    struct dice dice;
    bool renew; /* the group is to be emptied */
};

static u64 calls_made(const struct run *run)
{
    u64 sum = 0;

    for (u32 i = 0; i < WIDTH; i++)
        sum += __atomic_load_n(&run->all[i].log->calls, __ATOMIC_RELAXED);
    return sum;
}

/* One turn for one place: bury, watch, or fill it anew. */
static void tend(struct run *run, struct expendable *one)
{
    enum status status;

    if (one->alive) {
        if (!bury(one, &run->ends))
            watch(one);
        return;
    }
    if (run->renew)
        return;
    status = give_life(&run->arena, one, dice_next(&run->dice));
    one->alive = status == STATUS_OK;
    one->still = 0;
    one->made = one->log->calls;
    run->arena.lives += one->alive;
    /* What others have left in the group, or one of them that has destroyed it, is in the way. */
    if (IS_IN(status, SET(GROUP_LIMIT) | SET(DEAD) | SET(REVOKED) | SET(STALE_HANDLE))) {
        run->ends.refused++;
        run->renew = true;
    } else if (status != STATUS_OK) {
        test_fail(__FILE__, __LINE__, "cannot start one: %s", status_text(status));
    }
    run->renew |= run->arena.lives >= GROUP_LIVES;
}

static void end_all(struct run *run)
{
    for (u32 i = 0; i < WIDTH; i++) {
        if (run->all[i].alive) {
            (void)process_kill(run->all[i].process.handle, 1);
            (void)bury(&run->all[i], &run->ends);
        }
    }
}

/* The group with all that is in it goes, in the middle of whatever it does, and a new one comes. */
static void renew(struct run *run)
{
    arena_close(&run->arena);
    for (u32 i = 0; i < WIDTH; i++) {
        if (run->all[i].alive)
            CHECK(bury(&run->all[i], &run->ends));
    }
    CHECK_OK(arena_open(&run->arena));
    run->renew = false;
}

static void run_until_done(struct run *run, u64 calls, struct victim *victim)
{
    while (calls_made(run) < calls && !test_has_failed()) {
        for (u32 i = 0; i < WIDTH; i++)
            tend(run, &run->all[i]);
        if (run->renew)
            renew(run);
        CHECK(victim_works(victim, 1));
        time_sleep_ns(NS_PER_MS);
    }
}

static void print_ends(const struct run *run)
{
    print(
        "  %llu calls in %llu lives: %llu ended by themselves, %llu by a fault, %llu were killed, "
        "%llu went with their group; %llu could not be started\n",
        (unsigned long long)calls_made(run), (unsigned long long)run->ends.lives,
        (unsigned long long)run->ends.by_itself, (unsigned long long)run->ends.by_fault,
        (unsigned long long)run->ends.killed, (unsigned long long)run->ends.by_group,
        (unsigned long long)run->ends.refused);
}

static void make_calls(u64 calls)
{
    static struct run run;
    struct victim victim;

    memset(&run, 0, sizeof(run));
    run.dice = dice_for(calls);
    CHECK_OK(victim_start(&victim));
    CHECK_OK(arena_open(&run.arena));
    for (u32 i = 0; i < WIDTH; i++)
        CHECK_OK(open_log(&run.all[i]));
    run_until_done(&run, calls, &victim);
    print_ends(&run);
    end_all(&run);
    arena_close(&run.arena);
    CHECK(calls_made(&run) >= calls);
    for (u32 i = 0; i < WIDTH; i++) {
        CHECK_OK(memory_unmap(address_of(run.all[i].log), PAGE_SIZE));
        CHECK_OK(cap_close(run.all[i].log_memory.cap));
    }
    CHECK(victim_works(&victim, 10));
    CHECK(victim_stop(&victim));
}

/* Short, and so the one that pays for what a first run touches: the long one need not run again. */
BOOT_TEST(random, a_few_calls)
{
    make_calls(1000);
}

BOOT_TEST(random, calls_with_random_registers)
{
    make_calls(options.calls);
}
