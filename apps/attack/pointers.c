/*
 * Every word of every call that the kernel takes for an address, given every bad address. The table
 * says for each call of abi/syscalls.def which words those are; a call without an entry fails the
 * test, so a new one cannot be forgotten.
 */
#include "abi/questions.h"
#include "addresses.h"

#include "lib/format.h"

/* What a word's address is for, and so which places are bad for it. */
enum use {
    USE_READ,   /* the kernel reads there */
    USE_WRITE,  /* the kernel writes there */
    USE_RANGE,  /* names a place of an address space; the kernel does not go there */
    USE_THREAD, /* goes into a thread's registers, held back from running */
};

#define W(n) (1u << (n))

/* On whom a call acts. */
enum target {
    ON_NOTHING,
    ON_GROUP,
    ON_MEMORY,
    ON_MACHINE,
    ON_SELF,
    ON_CHILD,
    ON_CHILD_THREAD,
};

struct entry {
    const char *name;
    u32 number;
    u8 target;
    u8 use;
    u8 words;     /* those that are addresses: W(n), ... */
    u64 allowed;  /* statuses that a bad address may give */
    u64 given[8]; /* the other words */
};

/* Stand for the child's handle, its number, and for a good message buffer. */
#define CHILD     0x1111111111111111ull
#define CHILD_ID  0x3333333333333333ull
#define BUFFER    0x2222222222222222ull
#define LOG_TOPIC MACHINE_INFO_LOG

#define BAD SET(BAD_ADDRESS)
#define NONE(name_)                                                                                \
    {                                                                                              \
        .name = #name_, .number = SYS_##name_                                                      \
    }
#define CALL(name_, target_, use_, words_, allowed_, ...)                                          \
    {                                                                                              \
        .name = #name_, .number = SYS_##name_, .target = (target_), .use = (use_),                 \
        .words = (words_), .allowed = (allowed_), .given = {                                       \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* Where the child has a page that this process has not. */
#define CHILD_PAGE 0x500000000ull

/* Places that are whole pages of the user half are good wishes for a mapping. */
#define RANGE_STATUS (SET(BAD_ARGUMENT) | SET(NOT_FOUND) | SET(EXISTS))

static const struct entry entries[] = {
    NONE(null),
    NONE(send),
    NONE(receive),
    NONE(call),
    NONE(reply),
    NONE(reply_receive),
    NONE(defer),
    NONE(adopt),
    NONE(signal),
    NONE(cancel),
    NONE(create_endpoint),
    NONE(create_channel),
    NONE(derive),
    NONE(grant),
    NONE(revoke),
    NONE(close),
    NONE(inspect),
    NONE(create_memory),
    NONE(clone_memory),
    NONE(discard_memory),
    CALL(map, ON_MEMORY, USE_RANGE, W(1), RANGE_STATUS | SET(OK), CHILD, 0, 0, PAGE_SIZE,
         MAP_READ | MAP_FIXED),
    CALL(unmap, ON_NOTHING, USE_RANGE, W(1), RANGE_STATUS, CHILD, 0, PAGE_SIZE),
    CALL(protect, ON_NOTHING, USE_RANGE, W(1), RANGE_STATUS, CHILD, 0, PAGE_SIZE, 0, MAP_READ),
    CALL(spawn, ON_GROUP, USE_READ, W(0), BAD),
    NONE(wait),
    NONE(watch),
    NONE(kill),
    NONE(exit), /* its address: last_words_of_a_thread */
    NONE(yield),
    CALL(create_thread, ON_SELF, USE_THREAD, W(0), SET(BAD_ARGUMENT) | SET(OK), 0, USER_START, 0, 0,
         1, BUFFER),
    CALL(create_thread, ON_SELF, USE_THREAD, W(1), SET(BAD_ARGUMENT) | SET(OK), USER_START, 0, 0, 0,
         1, BUFFER),
    CALL(create_thread, ON_SELF, USE_THREAD, W(3), SET(BAD_ARGUMENT) | SET(OK), USER_START,
         USER_START, 0, 0, 1, BUFFER),
    CALL(create_thread, ON_SELF, USE_WRITE, W(5), BAD | SET(BAD_ARGUMENT), USER_START, USER_START,
         0, 0, 1),
    CALL(thread_control, ON_CHILD_THREAD, USE_RANGE, W(1), SET(BAD_ARGUMENT), THREAD_SET_POINTER),
    CALL(thread_control, ON_CHILD_THREAD, USE_WRITE, W(1), BAD, THREAD_GET_REGISTERS),
    CALL(thread_control, ON_CHILD_THREAD, USE_READ, W(1), BAD, THREAD_SET_REGISTERS),
    CALL(futex_wait, ON_NOTHING, USE_READ, W(0), BAD | SET(BAD_ARGUMENT)),
    CALL(futex_wake, ON_NOTHING, USE_READ, W(0), SET(OK) | BAD | SET(BAD_ARGUMENT), 0, 1),
    CALL(create_resource_group, ON_GROUP, USE_READ, W(0), BAD),
    NONE(group_control),
    CALL(group_info, ON_GROUP, USE_WRITE, W(0), BAD),
    NONE(create_interrupt),
    NONE(interrupt_ack),
    NONE(port_in),
    NONE(port_out),
    CALL(machine_info, ON_MACHINE, USE_WRITE, W(1), BAD, MACHINE_INFO_MEMORY, 0,
         sizeof(struct machine_memory)),
    CALL(machine_info, ON_MACHINE, USE_WRITE, W(1), BAD, MACHINE_INFO_CPUS, 0,
         64 * sizeof(struct machine_cpu)),
    CALL(machine_info, ON_MACHINE, USE_WRITE, W(1), BAD, MACHINE_INFO_LOG, 0, 512),
    CALL(machine_info, ON_MACHINE, USE_WRITE, W(1), BAD, MACHINE_INFO_COUNTS, 0, UINT64_MAX),
    CALL(machine_info, ON_MACHINE, USE_WRITE, W(1), BAD, MACHINE_INFO_NODES, 0, UINT64_MAX),
    NONE(machine_control),
    CALL(process_list, ON_MACHINE, USE_WRITE, W(0), BAD, 0, UINT64_MAX),
    CALL(why, ON_MACHINE, USE_WRITE, W(0), BAD, 0, UINT64_MAX, CHILD_ID),
    CALL(who, ON_MACHINE, USE_WRITE, W(0), BAD, 0, UINT64_MAX, CHILD_ID, WHO_CAPABILITIES),
    NONE(create_timer),
    NONE(timer_set),
    NONE(trace_control),
    NONE(trace_emit),
    NONE(clock),
    /* What is there may be reached though the process itself may not touch it. */
    CALL(process_memory, ON_CHILD, USE_READ, W(1),
         BAD | SET(BAD_ARGUMENT) | SET(NOT_FOUND) | SET(MISSING_RIGHT), PROCESS_MEMORY_READ, 0,
         BUFFER, 16),
    CALL(process_memory, ON_CHILD, USE_WRITE, W(2), BAD, PROCESS_MEMORY_READ, CHILD_PAGE, 0, 16),
    CALL(process_memory, ON_CHILD, USE_READ, W(2), BAD, PROCESS_MEMORY_WRITE, CHILD_PAGE, 0, 16),
};

#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

static bool has_entry(u32 number)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (entries[i].number == number)
            return true;
    }
    return false;
}

BOOT_TEST(pointers, every_call_has_an_entry)
{
    static const struct {
        u32 number;
        const char *name;
    } calls[] = {
#define SYSCALL(number, name) {number, #name},
#include "abi/syscalls.def"
#undef SYSCALL
    };

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (!has_entry(calls[i].number))
            test_fail(__FILE__, __LINE__, "no entry for %s: which of its words are addresses?",
                      calls[i].name);
    }
}

static struct process child;
static memory_t memory;

static u64 handle_for(const struct entry *entry)
{
    switch ((enum target)entry->target) {
    case ON_GROUP:
        return attack.group.cap.bits;
    case ON_MEMORY:
        return memory.cap.bits;
    case ON_MACHINE:
        return attack.machine.cap.bits;
    case ON_CHILD:
        return child.handle.cap.bits;
    case ON_SELF:
        return start_self().cap.bits;
    case ON_CHILD_THREAD:
        return child.main_thread.cap.bits;
    default:
        return 0;
    }
}

/* Takes back what a call made that the address did not keep from succeeding. */
static void undo(const struct entry *entry, const struct syscall_frame *frame)
{
    if (entry->number == SYS_map) {
        (void)!memory_unmap_in(child.handle, frame->words[0], PAGE_SIZE);
    } else if (entry->number == SYS_create_thread) {
        (void)kthread_kill((thread_t){{frame->words[0]}}, 0);
        (void)cap_close((cap_t){frame->words[0]});
    }
}

static void fill_words(const struct entry *entry, struct syscall_frame *frame)
{
    memcpy(frame->words, entry->given, sizeof(frame->words));
    for (u32 i = 0; i < 8; i++) {
        if (frame->words[i] == CHILD)
            frame->words[i] = child.handle.cap.bits;
        else if (frame->words[i] == CHILD_ID)
            frame->words[i] = child.id;
        else if (frame->words[i] == BUFFER)
            frame->words[i] = address_of(spare_buffer());
    }
}

static void try_address(const struct entry *entry, u32 word, u64 address)
{
    struct syscall_frame frame = {
        .number = entry->number, .handle = handle_for(entry), .deadline = SOON};
    enum status status;

    fill_words(entry, &frame);
    frame.words[word] = address;
    status = ferrous_syscall(&frame);
    if (!IS_IN(status, entry->allowed))
        test_fail(__FILE__, __LINE__, "%s: word %u = %#llx: %s", entry->name, word,
                  (unsigned long long)address, status_text(status));
    else if (status == STATUS_OK)
        undo(entry, &frame);
}

static bool is_bad_for(const struct entry *entry, enum address_place place)
{
    bool is_futex = entry->number == SYS_futex_wait || entry->number == SYS_futex_wake;

    if (place == AT_READ_ONLY)
        return entry->use == USE_WRITE;
    /* Four bytes before a hole are enough for a futex. */
    return !(is_futex && place == AT_HOLE_AFTER);
}

/* What names a range is rounded to pages too: else the kernel looks no further than the last bits.
 */
static void try_entry(const struct entry *entry, u32 word)
{
    for (u32 place = 0; place < AT_PLACE_COUNT; place++) {
        u64 address = address_at((enum address_place)place);

        if (!is_bad_for(entry, (enum address_place)place))
            continue;
        try_address(entry, word, address);
        if (entry->use == USE_RANGE || entry->use == USE_THREAD)
            try_address(entry, word, address & ~(PAGE_SIZE - 1));
    }
}

static bool open_child(void)
{
    struct process_spec held = {.held = true};
    u64 page = CHILD_PAGE;
    enum status status = start_role_with(&held, attack.group, "sleep", NULL, &child);

    if (status == STATUS_OK)
        status = memory_create(attack.group, PAGE_SIZE, 0, &memory);
    if (status == STATUS_OK)
        status = memory_map_into(child.handle, memory, 0, PAGE_SIZE,
                                 MAP_READ | MAP_WRITE | MAP_FIXED, &page);
    if (status != STATUS_OK)
        test_fail(__FILE__, __LINE__, "a child to aim at: %s", status_text(status));
    return status == STATUS_OK && addresses_open();
}

static void close_child(void)
{
    struct exit_record record;

    addresses_close();
    (void)cap_close(memory.cap);
    (void)process_kill(child.handle, 0);
    (void)!end_of(&child, &record);
}

BOOT_TEST(pointers, bad_addresses_are_refused)
{
    if (!open_child())
        return;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        for (u32 word = 0; word < 8; word++) {
            if ((entries[i].words & W(word)) != 0)
                try_entry(&entries[i], word);
        }
    }
    close_child();
}

/* The kernel's own memory is really there, but slid: wherever it may lie (boot/uefi/layout.h), one
 * of these addresses is in it. */
static void aim_at(u64 address)
{
    u64 group = attack.group.cap.bits;

    CHECK_STATUS(ferrous_syscall_plain(SYS_create_resource_group, group, address, 0),
                 STATUS_BAD_ADDRESS);
    CHECK_STATUS(ferrous_syscall_plain(SYS_group_info, group, address, 0), STATUS_BAD_ADDRESS);
    CHECK_STATUS(ferrous_syscall_plain(SYS_futex_wait, 0, address, 1), STATUS_BAD_ADDRESS);
}

#define DIRECT_MAP_START 0xffff800000000000ull
#define DIRECT_MAP_END   0xffffc00000000000ull
#define DIRECT_MAP_BYTES (4ull << 30) /* of it are mapped at least */
#define IMAGE_START      0xffffffff80000000ull
#define IMAGE_END        0xffffffffc0000000ull
#define IMAGE_STEP       (1ull << 21)

BOOT_TEST(pointers, the_whole_kernel_half)
{
    const u64 inside = 0x100000; /* memory, not what firmware keeps at the very beginning */

    for (u64 at = DIRECT_MAP_START; at < DIRECT_MAP_END; at += DIRECT_MAP_BYTES)
        aim_at(at + inside);
    for (u64 at = IMAGE_START; at < IMAGE_END; at += IMAGE_STEP) {
        for (u64 page = 0; page < 8; page++)
            aim_at(at + page * 16 * PAGE_SIZE);
    }
}

static void close_made(const struct entry *entry, const struct syscall_frame *frame)
{
    if (entry->number == SYS_create_resource_group)
        (void)!end_group((group_t){{frame->words[0]}});
    else
        undo(entry, frame);
}

/* The other words of the table are good ones: with a good address nothing objects to the address.
 */
BOOT_TEST(pointers, good_addresses_are_taken)
{
    u64 address;

    if (!open_child())
        return;
    CHECK_OK(make_mapping(2 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        struct syscall_frame frame;
        enum status status;

        if (entries[i].words == 0 || entries[i].use == USE_RANGE)
            continue;
        frame = (struct syscall_frame){
            .number = entries[i].number, .handle = handle_for(&entries[i]), .deadline = SOON};
        fill_words(&entries[i], &frame);
        /* What a call has written there is no good structure for the next. */
        memset((void *)(uintptr_t)address, 0, 2 * PAGE_SIZE);
        frame.words[__builtin_ctz(entries[i].words)] =
            entries[i].number == SYS_process_memory && entries[i].words == W(1) ? CHILD_PAGE
                                                                                : address;
        status = ferrous_syscall(&frame);
        /* An empty plan starts nothing. */
        CHECK_IN(status, entries[i].number == SYS_spawn        ? SET(BAD_ARGUMENT)
                         : entries[i].number == SYS_futex_wait ? SET(TIMED_OUT) | SET(WOULD_BLOCK)
                                                               : SET(OK));
        if (status == STATUS_OK)
            close_made(&entries[i], &frame);
    }
    CHECK_OK(memory_unmap(address, 2 * PAGE_SIZE));
    close_child();
}

/* Sizes that reach past the end of everything, from addresses that are good. */
BOOT_TEST(pointers, ranges_do_not_wrap)
{
    static const u64 sizes[] = {0,
                                1,
                                PAGE_SIZE - 1,
                                USER_END,
                                UINT64_MAX,
                                UINT64_MAX - PAGE_SIZE + 1,
                                1ull << 63,
                                USER_END - USER_START + PAGE_SIZE};

    if (!open_child())
        return;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        u64 process = child.handle.cap.bits;
        u64 cap = memory.cap.bits;

        CHECK_IN(ENTER(SYS_map, cap, process, 0x10000000, 0, sizes[i], MAP_READ),
                 SET(BAD_ARGUMENT));
        CHECK_IN(ENTER(SYS_map, cap, process, 0x10000000, sizes[i] | 1, PAGE_SIZE, MAP_READ),
                 SET(BAD_ARGUMENT));
        CHECK_IN(ENTER(SYS_map, cap, process, USER_END - PAGE_SIZE, 0, 2 * PAGE_SIZE,
                       MAP_READ | MAP_FIXED),
                 SET(BAD_ARGUMENT));
        CHECK_IN(ENTER(SYS_unmap, 0, process, 0x10000000, sizes[i]), SET(BAD_ARGUMENT));
        CHECK_IN(ENTER(SYS_protect, 0, process, 0x10000000, sizes[i], 0, MAP_READ),
                 SET(BAD_ARGUMENT));
        CHECK_IN(ENTER(SYS_create_memory, attack.group.cap.bits, sizes[i] | 1, 0),
                 SET(BAD_ARGUMENT));
    }
    close_child();
}

/* Addresses that a plan names. */
BOOT_TEST(pointers, plans_with_bad_addresses)
{
    static struct spawn_plan plan;

    if (!open_child())
        return;
    for (u32 place = 0; place < AT_BAD_COUNT; place++) {
        u64 address = address_at((enum address_place)place);
        u64 page = address & ~(PAGE_SIZE - 1);

        memset(&plan, 0, sizeof(plan));
        plan.entry = USER_START;
        plan.flags = SPAWN_HELD;
        plan.arguments = address;
        plan.arguments_size = 16;
        CHECK_STATUS(ENTER(SYS_spawn, attack.group.cap.bits, address_of(&plan)),
                     STATUS_BAD_ADDRESS);
        plan.arguments_size = 0;
        plan.segment_count = 1;
        plan.segments[0] = (struct spawn_segment){
            .memory = memory.cap, .address = address | 8, .size_bytes = PAGE_SIZE, .map_flags = 1};
        CHECK_STATUS(ENTER(SYS_spawn, attack.group.cap.bits, address_of(&plan)),
                     STATUS_BAD_ARGUMENT);
        plan.segments[0].address = page;
        if (page < USER_START || page >= USER_END)
            CHECK_STATUS(ENTER(SYS_spawn, attack.group.cap.bits, address_of(&plan)),
                         STATUS_BAD_ARGUMENT);
        plan.segment_count = 0;
        plan.entry = address;
        if (address < USER_START || address >= USER_END)
            CHECK_STATUS(ENTER(SYS_spawn, attack.group.cap.bits, address_of(&plan)),
                         STATUS_BAD_ARGUMENT);
    }
    close_child();
}

/* Ends its only thread; the word to be written last is at the address in the argument. */
int role_leave(const char *argument)
{
    struct syscall_frame frame = {.number = SYS_exit};

    frame.words[1] = 1;
    if (string_to_u64(argument, &frame.words[2]))
        (void)ferrous_syscall(&frame);
    return 1;
}

/* Where the last word cannot be stored, the thread ends all the same. */
BOOT_TEST(pointers, last_words_of_a_thread)
{
    if (!addresses_open())
        return;
    for (u32 place = 0; place < AT_PLACE_COUNT; place++) {
        struct exit_record record;
        struct process process;
        char text[24];

        format_to(text, sizeof(text), "%llu",
                  (unsigned long long)address_at((enum address_place)place));
        CHECK_OK(start_role(attack.group, "leave", text, NULL, 0, &process));
        CHECK_OK(end_of(&process, &record));
        CHECK_EQ(record.reason, EXIT_NORMAL);
        CHECK_EQ(record.code, 0);
    }
    addresses_close();
}
