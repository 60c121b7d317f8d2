/*
 * The process that makes random calls: any number, any registers, with good handles and addresses
 * among them often enough to get past the first check. It may end itself, block or unmap its own
 * code; whoever watches it (random.c) starts another.
 */
#include "random.h"

#include "lib/checked_math.h"

#define POOL 48u

/* Capabilities that the process is started with, by the names that it knows them by. */
enum base { B_ENDPOINT, B_MEMORY, B_GROUP, B_INNER, B_TIMER, B_MACHINE, B_TRACE, B_SELF, B_THREAD };

static const char *const base_names[] = {
    [B_ENDPOINT] = "endpoint", [B_MEMORY] = "memory",   [B_GROUP] = "group", [B_INNER] = "inner",
    [B_TIMER] = "timer",       [B_MACHINE] = "machine", [B_TRACE] = "trace",
};

/* What a call most likely wants: half of the time it gets one of these. */
static const u8 wanted_base[SYSCALL_LIMIT] = {
    [SYS_send] = B_ENDPOINT,
    [SYS_receive] = B_ENDPOINT,
    [SYS_call] = B_ENDPOINT,
    [SYS_reply_receive] = B_ENDPOINT,
    [SYS_signal] = B_ENDPOINT,
    [SYS_cancel] = B_THREAD,
    [SYS_create_endpoint] = B_GROUP,
    [SYS_create_channel] = B_GROUP,
    [SYS_defer] = B_GROUP,
    [SYS_derive] = B_MEMORY,
    [SYS_grant] = B_SELF,
    [SYS_create_memory] = B_GROUP,
    [SYS_clone_memory] = B_GROUP,
    [SYS_discard_memory] = B_MEMORY,
    [SYS_map] = B_MEMORY,
    [SYS_spawn] = B_GROUP,
    [SYS_wait] = B_SELF,
    [SYS_watch] = B_SELF,
    [SYS_create_thread] = B_SELF,
    [SYS_thread_control] = B_THREAD,
    [SYS_create_resource_group] = B_INNER,
    [SYS_group_control] = B_INNER,
    [SYS_group_info] = B_GROUP,
    [SYS_machine_info] = B_MACHINE,
    [SYS_process_list] = B_MACHINE,
    [SYS_why] = B_MACHINE,
    [SYS_who] = B_MACHINE,
    [SYS_create_timer] = B_GROUP,
    [SYS_timer_set] = B_TIMER,
    [SYS_trace_control] = B_TRACE,
    [SYS_trace_emit] = B_TRACE,
};

static const u16 call_numbers[] = {
#define SYSCALL(number, name) number,
#include "abi/syscalls.def"
#undef SYSCALL
};

/* Shared by the threads of the process without a lock: any mixture is as good. */
static u64 handles[POOL];
static u64 places[POOL];
static u64 base[B_THREAD + 1];
static struct random_log *log;
static struct spawn_plan plan;
static struct group_limits limits;
static u8 buffer[1024];

struct caller {
    struct dice dice;
    bool is_main;
};

static u64 random_word(struct dice *dice)
{
    u64 value = dice_next(dice);

    switch (dice_below(dice, 16)) {
    case 0:
    case 1:
    case 2:
        return handles[value % POOL];
    case 3:
        return handles[value % POOL] ^ 1ull << (value >> 32) % 64;
    case 4:
    case 5:
    case 6:
        return value % 8;
    case 7:
    case 8:
        return places[value % POOL];
    case 9:
        return places[value % POOL] + (value >> 32) % 16 - 8;
    case 10:
        return PAGE_SIZE * (1 + value % 8);
    case 11:
        return (1ull << value % 64) + (value >> 32) % 3 - 1;
    case 12:
        return UINT64_MAX - value % 3;
    case 13:
        return time_after_ns(value % (100 * NS_PER_US));
    case 14:
        return 0;
    default:
        return value;
    }
}

/* Mostly soon, so that what blocks goes on. */
static u64 random_deadline(struct dice *dice)
{
    u64 value = dice_next(dice);

    switch (dice_below(dice, 64)) {
    case 0:
        return TIME_NEVER - value % 2;
    case 1:
        return value;
    case 2:
    case 3:
        return value % 2;
    default:
        return time_after_ns(value % (50 * NS_PER_US));
    }
}

static u64 random_info(struct dice *dice)
{
    u64 value = dice_next(dice);

    if (value % 16 == 0)
        return dice_next(dice);
    return message_info((u32)(value >> 8) % 4, (u32)(value >> 16) % 8 == 0 ? value >> 24 & 0xff : 0,
                        (u32)(value >> 32) % 16 < 4 ? (u32)(value >> 36) % 5 : 0,
                        (u32)(value >> 40) % 5) |
           ((value >> 48) % 8 != 0 ? INFO_NONBLOCK : 0);
}

/* The capabilities of a message, and a plan and limits that are good here and there. */
static void random_memory(struct dice *dice)
{
    for (u32 i = 0; i < MESSAGE_MAX_CAPS; i++)
        message_buffer()->send_caps[i] = (struct message_cap){
            {random_word(dice)}, (u32)dice_next(dice), (u32)dice_below(dice, 3)};
    plan.entry = random_word(dice);
    plan.stack_size_bytes = dice_below(dice, 4) * PAGE_SIZE;
    plan.arguments = places[dice_below(dice, POOL)];
    plan.arguments_size = (u32)dice_below(dice, 64);
    plan.segment_count = (u32)dice_below(dice, 3);
    plan.cap_count = (u32)dice_below(dice, 4);
    plan.flags = (u32)dice_below(dice, 2);
    plan.fault_endpoint.bits = dice_below(dice, 4) == 0 ? random_word(dice) : 0;
    for (u32 i = 0; i < plan.segment_count; i++)
        plan.segments[i] = (struct spawn_segment){
            .memory = {dice_below(dice, 2) == 0 ? base[B_MEMORY] : random_word(dice)},
            .address = USER_START + dice_below(dice, 64) * PAGE_SIZE,
            .size_bytes = dice_below(dice, 3) * PAGE_SIZE,
            .map_flags = (u32)dice_below(dice, 16)};
    for (u32 i = 0; i < plan.cap_count; i++)
        plan.caps[i] = (struct spawn_cap){
            {random_word(dice)}, (u32)dice_next(dice), (u32)dice_below(dice, 2), 0};
    limits.limit[dice_below(dice, 8)] = random_word(dice);
}

static u64 random_number(struct dice *dice)
{
    u64 number = call_numbers[dice_below(dice, sizeof(call_numbers) / sizeof(call_numbers[0]))];

    if (dice_below(dice, 16) == 0)
        return dice_below(dice, 2) == 0 ? dice_below(dice, 65536) : dice_next(dice);
    /* These end the life: less often. */
    if ((number == SYS_exit || number == SYS_kill) && dice_below(dice, 64) != 0)
        return SYS_yield;
    return number;
}

static u64 random_handle(struct dice *dice, u64 number)
{
    if (number < SYSCALL_LIMIT && dice_below(dice, 2) == 0)
        return base[wanted_base[number]];
    return random_word(dice);
}

/* Handles and addresses that a call gave are used by later ones. */
static void learn(struct dice *dice, u64 number, const struct syscall_frame *frame)
{
    switch (number) {
    case SYS_map:
        places[dice_below(dice, POOL / 2)] = frame->words[0];
        break;
    case SYS_spawn:
        handles[dice_below(dice, POOL)] = frame->words[1];
        handles[dice_below(dice, POOL)] = frame->words[0];
        break;
    case SYS_create_channel:
        handles[dice_below(dice, POOL)] = frame->words[1];
        handles[dice_below(dice, POOL)] = frame->words[0];
        break;
    case SYS_create_endpoint:
    case SYS_defer:
    case SYS_create_memory:
    case SYS_clone_memory:
    case SYS_create_thread:
    case SYS_create_resource_group:
    case SYS_create_timer:
    case SYS_derive:
    case SYS_grant:
        handles[dice_below(dice, POOL)] = frame->words[0];
        break;
    default:
        break;
    }
}

static void one_call(struct caller *caller)
{
    struct dice *dice = &caller->dice;
    struct syscall_frame frame = {.number = random_number(dice),
                                  .info = random_info(dice),
                                  .deadline = random_deadline(dice),
                                  .aux = dice_next(dice)};
    u64 number = frame.number;

    frame.handle = random_handle(dice, number);
    for (u32 i = 0; i < 8; i++)
        frame.words[i] = random_word(dice);
    if (number == SYS_spawn && dice_below(dice, 2) == 0)
        frame.words[0] = address_of(&plan);
    if (number == SYS_create_resource_group && dice_below(dice, 2) == 0)
        frame.words[0] = address_of(&limits);
    if (dice_below(dice, 8) == 0)
        random_memory(dice);
    (void)__atomic_fetch_add(&log->calls, 1, __ATOMIC_RELAXED);
    if (caller->is_main) {
        memcpy(log->last, &frame, sizeof(log->last));
        (void)__atomic_fetch_add(&log->main, 1, __ATOMIC_RELAXED);
    }
    if (ferrous_syscall(&frame) == STATUS_OK)
        learn(dice, number, &frame);
}

static u64 call_for_ever(void *argument)
{
    for (;;)
        one_call(argument);
}

static void fill_pools(struct dice *dice)
{
    static u64 word;

    for (u32 i = 0; i <= B_TRACE; i++)
        base[i] = start_cap(base_names[i]).bits;
    base[B_SELF] = start_self().cap.bits;
    base[B_THREAD] = thread_self().cap.bits;
    for (u32 i = 0; i < POOL; i++)
        handles[i] = base[i % (sizeof(base) / sizeof(base[0]))];
    for (u32 i = 0; i < POOL; i++)
        places[i] = address_of(
            i % 4 == 0   ? (const void *)&word
            : i % 4 == 1 ? (const void *)buffer
            : i % 4 == 2
                ? (const void *)&plan
                : (const void *)(uintptr_t)((dice_next(dice) % USER_END) & ~(PAGE_SIZE - 1)));
    places[0] = address_of(spare_buffer());
    group_limits_init(&limits, "random");
}

int role_random(const char *argument)
{
    static struct caller main_caller = {.is_main = true};
    static struct caller other;
    struct thread thread;
    u64 address = 0;
    u64 seed = 0;

    if (!string_to_u64(argument, &seed) || memory_map((memory_t){start_cap("log")}, 0, PAGE_SIZE,
                                                      MAP_READ | MAP_WRITE, &address) != STATUS_OK)
        return 1;
    log = (void *)(uintptr_t)address;
    main_caller.dice = (struct dice){seed};
    other.dice = (struct dice){~seed};
    fill_pools(&main_caller.dice);
    (void)!thread_start(&thread, call_for_ever, &other, 16384);
    for (u32 i = 0; i < RANDOM_LIFE; i++)
        one_call(&main_caller);
    return 0;
}
