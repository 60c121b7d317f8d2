/*
 * Handles that nobody was given: random ones, near misses, stale ones. None is accepted, and the
 * kernel counts each of them: no more and no less.
 */
#include "attack.h"

#define MAX_THREADS 4u
#define KINDS       8u

/* How a handle was refused. */
struct tally {
    u64 tried;
    u64 bad;
    u64 stale;
    u64 revoked; /* the slot is free, and what was in it last was revoked */
    u64 other;   /* anything else: accepted, or found to be of the wrong kind */
};

/* Enters with the handle in one of the ways that look handles up. What inspect takes, any call
 * would. */
static enum status use(u64 handle, u64 way)
{
    static const u16 numbers[] = {SYS_inspect, SYS_inspect, SYS_signal, SYS_inspect, SYS_close,
                                  SYS_inspect, SYS_derive,  SYS_kill,   SYS_grant};
    u64 zero = 0;
    u64 one = 0;

    return ferrous_syscall_short(numbers[way % (sizeof(numbers) / sizeof(numbers[0]))], handle, 0,
                                 &zero, &one);
}

static void try_handle(struct tally *tally, u64 handle)
{
    enum status status = use(handle, tally->tried);

    tally->tried++;
    tally->bad += status == STATUS_BAD_HANDLE;
    tally->stale += status == STATUS_STALE_HANDLE;
    tally->revoked += status == STATUS_REVOKED;
    tally->other += !IS_IN(status, REFUSED | SET(REVOKED));
}

/* Objects of this process to forge handles of. */
struct valid {
    u64 handles[KINDS];
    endpoint_t endpoint;
    memory_t memory;
    ktimer_t timer;
    group_t group;
};

static enum status make_valid(struct valid *valid)
{
    enum status status = make_endpoint(0, &valid->endpoint);

    if (status == STATUS_OK)
        status = memory_create(attack.group, PAGE_SIZE, 0, &valid->memory);
    if (status == STATUS_OK)
        status = timer_create(attack.group, valid->endpoint, &valid->timer);
    if (status == STATUS_OK)
        status = make_group(attack.group, GROUP_OBJECTS, 1, &valid->group);
    memcpy(valid->handles,
           (const u64[KINDS]){valid->endpoint.cap.bits, valid->memory.cap.bits,
                              valid->timer.cap.bits, valid->group.cap.bits, attack.machine.cap.bits,
                              attack.group.cap.bits, start_self().cap.bits, thread_self().cap.bits},
           sizeof(valid->handles));
    return status;
}

/* All are as good as ever after what was done to them. */
static bool drop_valid(struct valid *valid)
{
    struct cap_facts facts;
    bool good = true;

    for (u32 i = 0; i < KINDS; i++)
        good &= cap_inspect((cap_t){valid->handles[i]}, &facts) == STATUS_OK;
    good &= cap_close(valid->timer.cap) == STATUS_OK;
    good &= cap_close(valid->endpoint.cap) == STATUS_OK;
    good &= cap_close(valid->memory.cap) == STATUS_OK;
    return end_group(valid->group) == STATUS_OK && good;
}

/* One forger: its share of the work and what came of it. */
struct forger {
    struct dice dice;
    const struct valid *valid;
    u64 count;
    void (*forge)(struct forger *forger);
    struct tally tally;
};

static u64 run_forger(void *argument)
{
    struct forger *forger = argument;

    while (forger->tally.tried < forger->count)
        forger->forge(forger);
    return 0;
}

/* `count` handles forged on all CPUs at once; what the kernel counted is what was tried. */
static void forge_on_all(u64 count, void (*forge)(struct forger *), struct tally *sum)
{
    static struct forger forgers[MAX_THREADS];
    static struct valid valid;
    u32 thread_count = cpu_count() < MAX_THREADS ? cpu_count() : MAX_THREADS;
    struct thread threads[MAX_THREADS];
    u64 before;

    CHECK_OK(make_valid(&valid));
    before = denials();
    for (u32 i = 0; i < thread_count; i++) {
        forgers[i] = (struct forger){.dice = dice_for(i + 100),
                                     .valid = &valid,
                                     .count = count / thread_count,
                                     .forge = forge};
        CHECK_OK(start_on(i, &threads[i], run_forger, &forgers[i]));
    }
    *sum = (struct tally){0};
    for (u32 i = 0; i < thread_count; i++) {
        (void)thread_join(&threads[i]);
        sum->tried += forgers[i].tally.tried;
        sum->bad += forgers[i].tally.bad;
        sum->stale += forgers[i].tally.stale;
        sum->revoked += forgers[i].tally.revoked;
        sum->other += forgers[i].tally.other;
    }
    CHECK_EQ(denials() - before, sum->tried);
    CHECK_EQ(sum->other, 0);
    CHECK_EQ(sum->bad + sum->stale + sum->revoked, sum->tried);
    CHECK(sum->tried + MAX_THREADS >= count); /* each has a whole share */
    CHECK(drop_valid(&valid));
}

static void forge_random(struct forger *forger)
{
    try_handle(&forger->tally, dice_next(&forger->dice));
}

BOOT_TEST(forged, random_numbers_name_nothing)
{
    struct tally sum = {0};

    forge_on_all(options.forged / 4, forge_random, &sum);
}

#define SECRET_SHIFT     32
#define GENERATION_SHIFT 20
#define GENERATION_MASK  0xfffull
#define INDEX_MASK       0xfffffull

/* A slot and a generation that are there, and some other secret. */
static void forge_secret(struct forger *forger)
{
    u64 handle = forger->valid->handles[dice_below(&forger->dice, KINDS)];
    u64 wrong = dice_below(&forger->dice, UINT32_MAX) + 1;

    try_handle(&forger->tally, handle ^ wrong << SECRET_SHIFT);
}

BOOT_TEST(forged, secrets_are_not_guessed)
{
    struct tally sum = {0};

    forge_on_all(options.forged / 4, forge_secret, &sum);
    if (!test_has_failed())
        CHECK_EQ(sum.bad, sum.tried);
}

/* One or two bits of a good handle changed. */
static void forge_bits(struct forger *forger)
{
    u64 handle = forger->valid->handles[dice_below(&forger->dice, KINDS)];
    u64 first = dice_below(&forger->dice, 64);
    u64 second = dice_below(&forger->dice, 64);

    try_handle(&forger->tally, handle ^ 1ull << first);
    if (first != second)
        try_handle(&forger->tally, handle ^ 1ull << first ^ 1ull << second);
}

BOOT_TEST(forged, changed_bits_make_it_useless)
{
    struct tally sum = {0};

    forge_on_all(options.forged / 4, forge_bits, &sum);
}

/* Parts of two good handles. */
static void forge_mixture(struct forger *forger)
{
    u64 a = forger->valid->handles[dice_below(&forger->dice, KINDS)];
    u64 b = forger->valid->handles[dice_below(&forger->dice, KINDS)];
    u64 mask = UINT64_MAX << (dice_next(&forger->dice) % 2 ? SECRET_SHIFT : GENERATION_SHIFT);
    u64 mixed = (a & mask) | (b & ~mask);

    if (mixed != a && mixed != b)
        try_handle(&forger->tally, mixed);
}

BOOT_TEST(forged, parts_of_two_handles_make_none)
{
    struct tally sum = {0};

    forge_on_all(options.forged / 8, forge_mixture, &sum);
}

/* A capability that is made, closed, and then tried again and again. */
static void forge_stale(struct forger *forger)
{
    cap_t child;

    if (cap_derive_rights(forger->valid->endpoint.cap, RIGHT_SIGNAL, &child) != STATUS_OK) {
        test_fail(__FILE__, __LINE__, "cannot derive");
        forger->count = 0;
        return;
    }
    (void)cap_close(child);
    for (u32 i = 0; i < 16; i++)
        try_handle(&forger->tally, child.bits);
}

/* A slot's generations begin anew after 4,095; only then may an old handle pass for one that never
 * was. */
BOOT_TEST(forged, closed_handles_stay_closed)
{
    struct tally sum = {0};

    forge_on_all(options.forged / 8, forge_stale, &sum);
    if (!test_has_failed())
        CHECK(sum.bad <= sum.tried / 1000);
}

/* Generations that have been and that have not been, with the right secret. */
BOOT_TEST(forged, other_generations_are_told_apart)
{
    endpoint_t endpoint;
    u64 current;
    u64 before;

    CHECK_OK(make_endpoint(0, &endpoint));
    current = endpoint.cap.bits >> GENERATION_SHIFT & GENERATION_MASK;
    before = denials();
    for (u64 generation = 0; generation <= GENERATION_MASK; generation++) {
        u64 handle = (endpoint.cap.bits & ~(GENERATION_MASK << GENERATION_SHIFT)) |
                     generation << GENERATION_SHIFT;
        bool was = generation != 0 && generation < current;

        if (generation != current)
            CHECK_STATUS(endpoint_signal((endpoint_t){{handle}}),
                         was ? STATUS_STALE_HANDLE : STATUS_BAD_HANDLE);
    }
    CHECK_EQ(denials() - before, GENERATION_MASK);
    CHECK_OK(cap_close(endpoint.cap));
}

/* Every slot number there can be, with a secret of somewhere else. */
BOOT_TEST(forged, every_slot_number)
{
    u64 step = options.forged >= 1000000 ? 1 : 37;
    struct tally tally = {0};
    u64 before = denials();
    u64 expected = 0;

    for (u64 index = 0; index <= INDEX_MASK; index += step) {
        u64 handle = (attack.group.cap.bits & ~INDEX_MASK) | index;

        if (handle == attack.group.cap.bits)
            continue;
        try_handle(&tally, handle);
        expected++;
    }
    CHECK_EQ(tally.other, 0);
    CHECK_EQ(denials() - before, expected);
}
