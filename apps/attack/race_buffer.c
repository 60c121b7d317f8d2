/*
 * What a call reads from memory is changed by another CPU while it reads: the message buffer, a
 * plan, limits. The kernel uses one value of each: what it checked is what it acts on.
 */
#include "attack.h"

#define FLIPPED MESSAGE_LABEL(0x666c, 1)

/* What the flipping thread changes, and between what. */
struct flipper {
    volatile u64 *word; /* several words in a row */
    u64 count;
    const u64 *a;
    const u64 *b;
    bool stop;
    u64 flips;
};

static u64 flip(void *argument)
{
    struct flipper *flipper = argument;

    while (!__atomic_load_n(&flipper->stop, __ATOMIC_ACQUIRE)) {
        for (u64 i = 0; i < flipper->count; i++)
            flipper->word[i] = flipper->a[i];
        for (u64 i = 0; i < flipper->count; i++)
            flipper->word[i] = flipper->b[i];
        (void)__atomic_fetch_add(&flipper->flips, 1, __ATOMIC_RELEASE);
    }
    return 0;
}

/* On the second CPU; waits until it does. */
static enum status start_flipping(struct flipper *flipper, struct thread *thread)
{
    u64 until = PATIENCE;
    enum status status = start_on(1, thread, flip, flipper);

    while (status == STATUS_OK && __atomic_load_n(&flipper->flips, __ATOMIC_ACQUIRE) == 0) {
        if (time_now_ns() > until)
            status = STATUS_TIMED_OUT;
        thread_yield();
    }
    return status;
}

static u64 stop_flipping(struct flipper *flipper, struct thread *thread)
{
    __atomic_store_n(&flipper->stop, true, __ATOMIC_RELEASE);
    (void)thread_join(thread);
    return flipper->flips;
}

/* --- the message buffer --- */

static endpoint_t endpoint;

/* What the receiver saw that cannot be. */
struct judge {
    u64 messages;
    u64 wrong;
    u64 caps;
};

/* A capability that came is one of the two that were named, with no more rights than were given. */
static bool is_good_cap(cap_t cap)
{
    struct cap_facts facts;

    if (cap_inspect(cap, &facts) != STATUS_OK)
        return false;
    if (facts.type == OBJECT_ENDPOINT)
        return (facts.rights & ~RIGHT_SEND) == 0 && facts.badge == 5;
    return facts.type == OBJECT_MEMORY && (facts.rights & ~RIGHT_READ) == 0;
}

static void judge_message(struct judge *judge, const struct message *message)
{
    judge->messages++;
    if (message_length(message) != message->words[0] || message->words[7] != ~message->words[0] ||
        message_cap_count(message) != message->words[1]) {
        judge->wrong++;
    }
    for (u32 i = 0; i < message_cap_count(message); i++) {
        cap_t cap = message_take_cap(message, i);

        if (cap_is_null(cap)) {
            judge->wrong += (message->info & INFO_CAPS_LOST) == 0;
            continue;
        }
        judge->caps++;
        judge->wrong += !is_good_cap(cap);
        (void)cap_close(cap);
    }
}

static u64 receive_flipped(void *argument)
{
    struct judge *judge = argument;
    struct message message;
    enum status status = ipc_receive(endpoint, &message, 4, PATIENCE);

    while (status == STATUS_OK && message_kind(&message) == MESSAGE_CALL) {
        judge_message(judge, &message);
        message.info = message_info(FLIPPED, 0, 0, 0);
        status = ipc_reply_receive(endpoint, &message, 4, PATIENCE);
    }
    return status;
}

#define BUFFER_WORDS (sizeof(struct message_buffer) / sizeof(u64))

/* Two contents of the buffer. In the one all is good; in the other the same capability is moved
 * away, and there are bad ones and absurd modes. */
static struct flipped_caps {
    u64 a[BUFFER_WORDS];
    u64 b[BUFFER_WORDS];
    cap_t port;
    cap_t page;
} flipped_caps;

/* A new capability where the last one was moved to the receiver. */
static void name_port(struct flipped_caps *caps)
{
    struct message_buffer *first = (void *)caps->a;
    struct message_buffer *second = (void *)caps->b;
    struct cap_restriction port = CAP_DERIVE_ALL;
    struct cap_facts facts;

    if (cap_inspect(caps->port, &facts) == STATUS_OK)
        return;
    port.rights = RIGHT_SEND | RIGHT_DERIVE | RIGHT_TRANSFER;
    port.badge = 5;
    CHECK_OK(cap_derive(endpoint.cap, &port, &caps->port));
    for (u32 i = 0; i < MESSAGE_MAX_CAPS; i++)
        first->send_caps[i] = (struct message_cap){caps->port, RIGHT_SEND, CAP_SEND_COPY};
    second->send_caps[0] = (struct message_cap){caps->port, RIGHT_SEND, CAP_SEND_MOVE};
}

/* Sends lengths and counts in registers, bytes and capabilities in the buffer that another thread
 * scribbles over. */
static void call_with_flipped_buffer(struct flipped_caps *caps_named, u64 rounds, u64 *delivered)
{
    struct dice dice = dice_for(20);

    for (u64 i = 0; i < rounds; i++) {
        struct message message;
        u64 length = dice_below(&dice, MESSAGE_MAX_INLINE + 1);
        u64 caps = dice_below(&dice, MESSAGE_MAX_CAPS + 1);
        enum status status;

        message = MESSAGE_INIT(FLIPPED);
        message.info = message_info(FLIPPED, (u32)length, (u32)caps, 0);
        message.words[0] = length;
        message.words[1] = caps;
        message.words[7] = ~length;
        status = ipc_call(endpoint, &message, PATIENCE);
        *delivered += status == STATUS_OK;
        CHECK_IN(status, SET(OK) | SET(BAD_ARGUMENT) | SET(MISSING_RIGHT) | REFUSED);
        name_port(caps_named);
    }
}

static void fill_contents(struct flipped_caps *caps)
{
    struct message_buffer *second = (void *)caps->b;

    memset(caps->a, 0x11, sizeof(caps->a));
    memset(caps->b, 0xee, sizeof(caps->b));
    caps->port = CAP_NULL;
    for (u32 i = 0; i < MESSAGE_MAX_CAPS; i++)
        second->send_caps[i] = (struct message_cap){caps->page, RIGHT_READ, CAP_SEND_COPY};
    second->send_caps[2].cap.bits ^= 1ull << 50;
    second->send_caps[3].mode = 7;
    name_port(caps);
}

BOOT_TEST_FLAGS(buffer, changed_by_another_processor_during_a_call, TEST_SMP)
{
    static struct flipper flipper;
    static struct judge judge;
    struct thread server;
    struct thread flipping;
    memory_t memory;
    u64 delivered = 0;

    judge = (struct judge){0};
    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(memory_create(attack.group, PAGE_SIZE, 0, &memory));
    CHECK_OK(cap_derive_rights(memory.cap, RIGHT_READ | RIGHT_DERIVE | RIGHT_TRANSFER,
                               &flipped_caps.page));
    fill_contents(&flipped_caps);
    flipper = (struct flipper){.word = (volatile u64 *)message_buffer(),
                               .count = BUFFER_WORDS,
                               .a = flipped_caps.a,
                               .b = flipped_caps.b};
    CHECK_OK(start_on(0, &server, receive_flipped, &judge));
    CHECK_OK(start_flipping(&flipper, &flipping));
    call_with_flipped_buffer(&flipped_caps, 20 * options.rounds, &delivered);
    CHECK(stop_flipping(&flipper, &flipping) > 0);
    CHECK_OK(endpoint_signal(endpoint));
    CHECK_EQ(thread_join(&server), STATUS_OK);
    CHECK_EQ(judge.wrong, 0);
    CHECK_EQ(judge.messages, delivered);
    CHECK(judge.caps > 0 && delivered < 20 * options.rounds);
    CHECK_OK(cap_close(flipped_caps.page));
    CHECK_OK(cap_close(flipped_caps.port));
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

/* --- a plan --- */

#define PLAN_WORDS (sizeof(struct spawn_plan) / sizeof(u64))

_Static_assert(sizeof(struct spawn_plan) % sizeof(u64) == 0, "copied by words");

/* A plan that is good, and one that is wrong in every field. */
static void fill_plans(struct spawn_plan *good, struct spawn_plan *bad, cap_t given)
{
    memset(good, 0, sizeof(*good));
    memset(bad, 0xff, sizeof(*bad));
    (void)string_copy(good->name, sizeof(good->name), "flipped");
    good->entry = USER_START;
    good->flags = SPAWN_HELD;
    good->cap_count = 2;
    good->caps[0] = (struct spawn_cap){given, RIGHT_READ, CAP_SEND_COPY, 0};
    good->caps[1] = (struct spawn_cap){given, RIGHT_READ, CAP_SEND_COPY, 0};
    good->segment_count = 1;
    good->segments[0] =
        (struct spawn_segment){.address = 0x400000, .size_bytes = PAGE_SIZE, .map_flags = MAP_READ};
    bad->caps[1] = good->caps[0];
    bad->segment_count = SPAWN_MAX_SEGMENTS + 1;
    bad->cap_count = SPAWN_MAX_CAPS + 1;
    bad->arguments_size = START_ARGUMENTS_SIZE + 1;
    bad->segments[0] = (struct spawn_segment){
        .address = 0xffff800000000000ull, .size_bytes = 1ull << 62, .map_flags = UINT32_MAX};
}

#define PLAN_STATUS                                                                                \
    (SET(OK) | SET(BAD_ARGUMENT) | SET(BAD_ADDRESS) | SET(MISSING_RIGHT) | SET(WRONG_TYPE) |       \
     SET(GROUP_LIMIT) | SET(NO_MEMORY) | SET(EXISTS) | SET(SEALED) | REFUSED)

static void spawn_while_flipped(group_t group, const struct spawn_plan *plan, u64 rounds,
                                u64 *started)
{
    for (u64 i = 0; i < rounds; i++) {
        struct exit_record record;
        struct process process;
        enum status status =
            process_create(group, plan, &process.handle, &process.main_thread, &process.id);

        CHECK_IN(status, PLAN_STATUS);
        if (status != STATUS_OK)
            continue;
        (*started)++;
        CHECK_OK(process_kill(process.handle, 3));
        CHECK_OK(end_of(&process, &record));
    }
}

/* Only the first part flips from outside the fields that decide most, so that good ones come
 * through. */
static void flip_plan(u64 first_word, u64 word_count, u64 rounds)
{
    static struct spawn_plan plan;
    static struct spawn_plan good;
    static struct spawn_plan bad;
    static struct flipper flipper;
    struct thread flipping;
    memory_t memory;
    group_t group;
    u64 until = PATIENCE;
    u64 started = 0;

    CHECK_OK(make_group(attack.group, GROUP_PROCESSES, 8, &group));
    CHECK_OK(memory_create(attack.group, PAGE_SIZE, 0, &memory));
    fill_plans(&good, &bad, memory.cap);
    plan = good;
    flipper = (struct flipper){.word = (volatile u64 *)&plan + first_word,
                               .count = word_count,
                               .a = (const u64 *)&good + first_word,
                               .b = (const u64 *)&bad + first_word};
    CHECK_OK(start_flipping(&flipper, &flipping));
    spawn_while_flipped(group, &plan, rounds, &started);
    CHECK(stop_flipping(&flipper, &flipping) > 0);
    plan = good;
    /* What the failed ones had made may not be back yet. */
    while (started == 0 && time_now_ns() < until)
        spawn_while_flipped(group, &plan, 1, &started);
    CHECK(started > 0);
    CHECK_OK(cap_close(memory.cap));
    CHECK(end_group_empty(group));
}

BOOT_TEST_FLAGS(buffer, plan_changed_during_spawn, TEST_SMP)
{
    flip_plan(0, PLAN_WORDS, options.rounds);
}

/* Each word of the head alone: then the rest is good, and more is done before the kernel objects.
 */
BOOT_TEST_FLAGS(buffer, each_word_of_a_plan_changed_during_spawn, TEST_SMP)
{
    u64 head = offsetof(struct spawn_plan, segments) / sizeof(u64) + 5;

    for (u64 word = 0; word < head && !test_has_failed(); word++)
        flip_plan(word, 1, 4 + options.rounds / 20);
}

/* --- limits --- */

BOOT_TEST_FLAGS(buffer, limits_changed_while_a_group_is_made, TEST_SMP)
{
    static struct group_limits limits;
    static struct group_limits small;
    static struct group_limits large;
    static struct flipper flipper;
    struct thread flipping;

    group_limits_init(&small, "small");
    group_limits_init(&large, "large");
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++) {
        small.limit[i] = 0x1111111111111111ull;
        large.limit[i] = 0x2222222222222222ull;
    }
    limits = small;
    flipper = (struct flipper){.word = (volatile u64 *)&limits,
                               .count = sizeof(limits) / sizeof(u64),
                               .a = (const u64 *)&small,
                               .b = (const u64 *)&large};
    CHECK_OK(start_flipping(&flipper, &flipping));
    for (u64 i = 0; i < 5 * options.rounds; i++) {
        struct group_usage usage;
        group_t group;

        CHECK_OK(group_create(attack.group, &limits, &group));
        CHECK_OK(group_usage(group, &usage));
        for (u32 j = 0; j < GROUP_RESOURCE_COUNT; j++)
            CHECK(usage.limit[j] == small.limit[j] || usage.limit[j] == large.limit[j]);
        CHECK(string_equal(usage.name, "small") || string_equal(usage.name, "large"));
        CHECK_OK(end_group(group));
    }
    CHECK(stop_flipping(&flipper, &flipping) > 0);
}
