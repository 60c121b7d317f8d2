/* What a debugger may do with capabilities: registers of held threads, memory of processes. */
#include "systest.h"

#include "ferrous/thread.h"

static const struct process_spec *held_child(void)
{
    static const char *const arguments[] = {"systest", "--role", "exit", "7"};
    static struct process_spec spec;

    spec = (struct process_spec){.name = "debuggee",
                                 .group = systest.group,
                                 .image = systest.image,
                                 .arguments = arguments,
                                 .argument_count = 4,
                                 .held = true};
    return &spec;
}

/* Reads exactly so much, over page ends. */
static enum status copy(process_t process, u64 operation, u64 there, void *here, u64 size)
{
    u8 *bytes = here;

    while (size > 0) {
        u64 count = size;
        enum status status = process_memory(process, operation, there, bytes, &count);

        if (status != STATUS_OK)
            return status;
        there += count;
        bytes += count;
        size -= count;
    }
    return STATUS_OK;
}

BOOT_TEST(debug, a_held_process_is_seen_and_changed)
{
    struct thread_registers registers;
    static struct start_info seen;
    struct start_info *info = &seen;
    struct exit_record record;
    struct process child;
    char nine = '9';
    u64 at;

    CHECK_OK(process_spawn(held_child(), &child));
    CHECK_OK(kthread_get_registers(child.main_thread, &registers));
    CHECK_EQ(registers.handle % 16, 0); /* the first argument: its start page */
    CHECK(registers.sp != 0 && registers.pc != 0);
    CHECK_OK(copy(child.handle, PROCESS_MEMORY_READ, registers.handle, info, sizeof(*info)));
    CHECK_EQ(info->stack_top, registers.sp);
    CHECK(string_starts_with(info->arguments, START_CAPS_PREFIX));
    /* Its exit code is the last character of its arguments. */
    at = registers.handle + offsetof(struct start_info, arguments) + info->arguments_size - 2;
    CHECK_OK(copy(child.handle, PROCESS_MEMORY_WRITE, at, &nine, 1));
    CHECK_OK(kthread_control(child.main_thread, THREAD_START, 0));
    CHECK_OK(end_of(&child, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 9);
}

BOOT_TEST(debug, registers_that_are_set_are_run_with)
{
    struct thread_registers registers;
    struct exit_record record;
    struct process child;

    CHECK_OK(process_spawn(held_child(), &child));
    CHECK_OK(kthread_get_registers(child.main_thread, &registers));
    registers.pc = 8;
    CHECK_OK(kthread_set_registers(child.main_thread, &registers));
    CHECK_OK(kthread_control(child.main_thread, THREAD_START, 0));
    CHECK_OK(end_of(&child, &record));
    CHECK_EQ(record.reason, EXIT_FAULT);
    CHECK_EQ(record.pc, 8);
}

/* Whatever is asked for, what is loaded is a user's. */
BOOT_TEST(debug, registers_are_made_safe)
{
    struct thread_registers registers;
    struct exit_record record;
    struct process child;

    CHECK_OK(process_spawn(held_child(), &child));
    CHECK_OK(kthread_get_registers(child.main_thread, &registers));
    registers.pc = 0xffffffff80000000ull;
    registers.sp = 0x8000000000000000ull;
    registers.flags = UINT64_MAX;
    registers.thread_pointer = 0xffff800000000000ull;
    CHECK_OK(kthread_set_registers(child.main_thread, &registers));
    CHECK_OK(kthread_get_registers(child.main_thread, &registers));
    CHECK_EQ(registers.pc, 0);
    CHECK_EQ(registers.sp, 0);
    CHECK_EQ(registers.flags & 0x3000, 0); /* no I/O privilege */
    CHECK((registers.flags & 0x200) != 0); /* interrupts on */
    CHECK_EQ(registers.thread_pointer, 0);
    CHECK_OK(kthread_control(child.main_thread, THREAD_START, 0));
    CHECK_OK(end_of(&child, &record));
    CHECK_EQ(record.reason, EXIT_FAULT);
    CHECK_EQ(record.pc, 0);
}

static u32 gate;

static u64 count_up(void *argument)
{
    (void)argument;
    while (__atomic_load_n(&gate, __ATOMIC_ACQUIRE) == 0) {
    }
    return 1;
}

BOOT_TEST(debug, only_a_thread_that_stands_still_shows_its_registers)
{
    struct thread_registers registers;
    struct thread thread;

    gate = 0;
    CHECK_STATUS(kthread_get_registers(thread_self(), &registers), STATUS_BUSY);
    CHECK_OK(thread_start(&thread, count_up, NULL, 0));
    CHECK_STATUS(kthread_get_registers(thread.handle, &registers), STATUS_BUSY);
    CHECK_OK(kthread_control(thread.handle, THREAD_SUSPEND, 0));
    CHECK_OK(kthread_get_registers(thread.handle, &registers));
    CHECK_EQ(registers.thread_pointer, (u64)(uintptr_t)thread.block);
    CHECK_OK(kthread_set_registers(thread.handle, &registers));
    CHECK_STATUS(kthread_control(thread.handle, THREAD_GET_REGISTERS, 0xffff800000000000ull),
                 STATUS_BAD_ADDRESS);
    CHECK_STATUS(kthread_control(thread.handle, THREAD_SET_REGISTERS, 8), STATUS_BAD_ADDRESS);
    CHECK_OK(kthread_control(thread.handle, THREAD_RESUME, 0));
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    CHECK_EQ(thread_join(&thread), 1);
}

BOOT_TEST(debug, memory_is_reached_no_further_than_the_process_itself_may)
{
    struct thread_registers registers;
    struct exit_record record;
    struct process child;
    u64 word = 0;
    u64 size = sizeof(word);
    u64 code;
    cap_t weak;

    CHECK_OK(process_spawn(held_child(), &child));
    CHECK_OK(kthread_get_registers(child.main_thread, &registers));
    code = registers.pc & ~(PAGE_SIZE - 1);
    CHECK_OK(copy(child.handle, PROCESS_MEMORY_READ, code, &word, sizeof(word)));
    CHECK_STATUS(copy(child.handle, PROCESS_MEMORY_WRITE, code, &word, sizeof(word)),
                 STATUS_BAD_ADDRESS);
    CHECK_STATUS(copy(child.handle, PROCESS_MEMORY_READ, 8, &word, 8), STATUS_BAD_ADDRESS);
    CHECK_STATUS(copy(child.handle, PROCESS_MEMORY_READ, 0xffffffff80000000ull, &word, 8),
                 STATUS_BAD_ADDRESS);
    CHECK_STATUS(copy(child.handle, PROCESS_MEMORY_READ, UINT64_MAX, &word, 8), STATUS_BAD_ADDRESS);
    CHECK_STATUS(process_memory(child.handle, PROCESS_MEMORY_READ, code,
                                (void *)(uintptr_t)0xffff800000000000ull, &size),
                 STATUS_BAD_ADDRESS);
    CHECK_STATUS(process_memory(child.handle, 2, code, &word, &size), STATUS_BAD_ARGUMENT);
    size = 3 * PAGE_SIZE; /* one page at a time */
    CHECK_STATUS(process_memory(child.handle, PROCESS_MEMORY_READ, code, (void *)8, &size),
                 STATUS_BAD_ADDRESS);
    CHECK_OK(cap_derive_rights(child.handle.cap, RIGHT_READ_MEMORY, &weak));
    size = 1;
    CHECK_OK(process_memory((process_t){weak}, PROCESS_MEMORY_READ, code, &word, &size));
    CHECK_STATUS(process_memory((process_t){weak}, PROCESS_MEMORY_WRITE, code, &word, &size),
                 STATUS_MISSING_RIGHT);
    CHECK_OK(cap_close(weak));
    CHECK_STATUS(process_memory(start_self(), PROCESS_MEMORY_READ, code, &word, &size),
                 STATUS_MISSING_RIGHT); /* its own memory it reads without the kernel */
    CHECK_OK(process_kill(child.handle, 0));
    CHECK_STATUS(process_memory(child.handle, PROCESS_MEMORY_READ, code, &word, &size),
                 STATUS_BAD_ADDRESS);
    CHECK_OK(end_of(&child, &record));
}

/* Where things lie, of one process. */
struct places {
    u64 image;
    u64 stack;
    u64 info_page;
    u64 mapped; /* what it would map next: where the parent maps something into it */
};

static enum status look(struct places *places)
{
    struct exit_record record;
    struct start_info info;
    struct thread_registers registers;
    struct process child;
    memory_t memory;
    enum status status = process_spawn(held_child(), &child);

    if (status != STATUS_OK)
        return status;
    places->mapped = 0;
    status = kthread_get_registers(child.main_thread, &registers);
    if (status == STATUS_OK)
        status = copy(child.handle, PROCESS_MEMORY_READ, registers.handle, &info,
                      offsetof(struct start_info, caps));
    if (status == STATUS_OK)
        status = memory_create(systest.group, PAGE_SIZE, 0, &memory);
    if (status == STATUS_OK) {
        status = memory_map_into(child.handle, memory, 0, PAGE_SIZE, MAP_READ, &places->mapped);
        (void)cap_close(memory.cap);
    }
    places->image = info.load_base;
    places->stack = info.stack_top;
    places->info_page = info.info_page;
    (void)process_kill(child.handle, 0);
    return status == STATUS_OK ? end_of(&child, &record) : status;
}

#define LOOKS 12u

/* Eight differing values of twelve: chance alone lets this fail less than once in 10^9 runs. */
static bool differ(const u64 *values)
{
    u32 different = 0;

    for (u32 i = 0; i < LOOKS; i++) {
        bool seen = false;

        for (u32 j = 0; j < i; j++)
            seen |= values[j] == values[i];
        different += !seen;
    }
    return different >= 8;
}

BOOT_TEST(debug, processes_lie_at_random_places_of_one_gib)
{
    u64 image[LOOKS];
    u64 stack[LOOKS];
    u64 info_gap[LOOKS];
    u64 heap_gap[LOOKS];

    for (u32 i = 0; i < LOOKS; i++) {
        struct places places;

        CHECK_OK(look(&places));
        CHECK_EQ(places.image >> 30, places.stack >> 30);
        CHECK_EQ(places.info_page >> 30, places.stack >> 30);
        CHECK_EQ(places.mapped >> 30, places.stack >> 30);
        image[i] = places.image;
        stack[i] = places.stack;
        info_gap[i] = places.info_page - places.stack;
        heap_gap[i] = places.mapped - places.info_page;
    }
    CHECK(differ(image));
    CHECK(differ(stack));
    CHECK(differ(info_gap));
    CHECK(differ(heap_gap));
}
