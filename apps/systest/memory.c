/* Memory objects and mappings. */
#include "systest.h"

/* Can the kernel write there for us? A probe that cannot fault this process. */
static bool is_writable(u64 address)
{
    return ferrous_syscall_plain(SYS_group_info, systest.group.cap.bits, address, 0) == STATUS_OK;
}

/* Can it be read? The word is hardly equal to what is expected: the answer comes at once. */
static bool is_readable(u64 address)
{
    return futex_wait((u32 *)(uintptr_t)address, 0x5eed5eedu, SOON) != STATUS_BAD_ADDRESS;
}

BOOT_TEST(memory, fresh_pages_are_zero)
{
    u64 address;
    const u64 *words;

    CHECK_OK(make_mapping(16 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    words = (const u64 *)(uintptr_t)address;
    for (u64 i = 0; i < 16 * PAGE_SIZE / 8; i++)
        CHECK_EQ(words[i], 0);
    CHECK_OK(memory_unmap(address, 16 * PAGE_SIZE));
}

BOOT_TEST(memory, pages_come_on_demand)
{
    struct group_usage before;
    struct group_usage after;
    u64 address;

    CHECK_OK(make_mapping(1000 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    *(volatile u8 *)(uintptr_t)address = 1;
    CHECK_OK(group_usage(systest.group, &before));
    for (u64 i = 1; i <= 10; i++)
        *(volatile u8 *)(uintptr_t)(address + i * PAGE_SIZE) = 1;
    CHECK_OK(group_usage(systest.group, &after));
    CHECK(after.used[GROUP_MEMORY_FRAMES] - before.used[GROUP_MEMORY_FRAMES] >= 10);
    CHECK(after.used[GROUP_MEMORY_FRAMES] - before.used[GROUP_MEMORY_FRAMES] <= 16);
    CHECK_OK(memory_unmap(address, 1000 * PAGE_SIZE));
}

BOOT_TEST(memory, eager_memory_is_there_at_once)
{
    struct group_usage before;
    struct group_usage after;
    memory_t memory;

    CHECK_OK(group_usage(systest.group, &before));
    CHECK_OK(memory_create(systest.group, 32 * PAGE_SIZE, MEMORY_EAGER, &memory));
    CHECK_OK(group_usage(systest.group, &after));
    CHECK(after.used[GROUP_MEMORY_FRAMES] - before.used[GROUP_MEMORY_FRAMES] >= 32);
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(memory, contiguous_memory_can_be_used)
{
    u64 address = 0;
    memory_t memory;

    CHECK_OK(memory_create(systest.group, 8 * PAGE_SIZE, MEMORY_CONTIGUOUS, &memory));
    CHECK_OK(memory_map(memory, 0, 8 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    for (u64 i = 0; i < 8; i++) {
        CHECK_EQ(*(volatile u64 *)(uintptr_t)(address + i * PAGE_SIZE), 0);
        *(volatile u64 *)(uintptr_t)(address + i * PAGE_SIZE) = i;
    }
    CHECK_OK(memory_unmap(address, 8 * PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(memory, two_mappings_show_the_same_pages)
{
    memory_t memory;
    u64 first;
    u64 second = 0;

    CHECK_OK(make_mapping(2 * PAGE_SIZE, MAP_READ | MAP_WRITE, &first, &memory));
    CHECK_OK(memory_map(memory, PAGE_SIZE, PAGE_SIZE, MAP_READ, &second));
    *(volatile u64 *)(uintptr_t)(first + PAGE_SIZE + 8) = 77;
    CHECK_EQ(*(volatile u64 *)(uintptr_t)(second + 8), 77);
    CHECK_OK(memory_unmap(first, 2 * PAGE_SIZE));
    CHECK_EQ(*(volatile u64 *)(uintptr_t)(second + 8), 77);
    CHECK_OK(memory_unmap(second, PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(memory, private_mappings_keep_writes_to_themselves)
{
    memory_t memory;
    u64 shared;
    u64 copy = 0;
    volatile u64 *a;
    volatile u64 *b;

    CHECK_OK(make_mapping(2 * PAGE_SIZE, MAP_READ | MAP_WRITE, &shared, &memory));
    CHECK_OK(memory_map(memory, 0, 2 * PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_PRIVATE, &copy));
    a = (volatile u64 *)(uintptr_t)shared;
    b = (volatile u64 *)(uintptr_t)copy;
    a[0] = 1;
    CHECK_EQ(b[0], 1);
    b[0] = 2;
    CHECK_EQ(a[0], 1);
    CHECK_EQ(b[0], 2);
    a[0] = 3;
    CHECK_EQ(b[0], 2);
    /* Written without having been read first. */
    b[PAGE_SIZE / 8] = 5;
    CHECK_EQ(a[PAGE_SIZE / 8], 0);
    CHECK_EQ(b[PAGE_SIZE / 8], 5);
    CHECK_OK(memory_unmap(copy, 2 * PAGE_SIZE));
    CHECK_OK(memory_unmap(shared, 2 * PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}

/* A private mapping needs only the right to read what it copies. */
BOOT_TEST(memory, private_needs_no_write_right)
{
    memory_t memory;
    memory_t readable;
    u64 address = 0;

    CHECK_OK(memory_create(systest.group, PAGE_SIZE, 0, &memory));
    CHECK_OK(cap_derive_rights(memory.cap, RIGHT_READ, &readable.cap));
    CHECK_STATUS(memory_map(readable, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address),
                 STATUS_MISSING_RIGHT);
    CHECK_OK(memory_map(readable, 0, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_PRIVATE, &address));
    *(volatile u64 *)(uintptr_t)address = 9;
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    CHECK_OK(cap_close(readable.cap));
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(memory, map_checks_its_arguments)
{
    memory_t memory;
    u64 address;

    CHECK_OK(memory_create(systest.group, 4 * PAGE_SIZE, 0, &memory));
    address = 0;
    CHECK_STATUS(memory_map(memory, 1, PAGE_SIZE, MAP_READ, &address), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_map(memory, 0, 0, MAP_READ, &address), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_map(memory, 0, PAGE_SIZE + 1, MAP_READ, &address), STATUS_BAD_ARGUMENT);
    CHECK(memory_map(memory, 0, 5 * PAGE_SIZE, MAP_READ, &address) != STATUS_OK);
    CHECK(memory_map(memory, 4 * PAGE_SIZE, PAGE_SIZE, MAP_READ, &address) != STATUS_OK);
    CHECK(memory_map(memory, UINT64_MAX - PAGE_SIZE + 1, 2 * PAGE_SIZE, MAP_READ, &address) !=
          STATUS_OK);
    CHECK_STATUS(memory_map(memory, 0, PAGE_SIZE, MAP_WRITE | MAP_EXECUTE | MAP_READ, &address),
                 STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_map(memory, 0, PAGE_SIZE, 0x8000, &address), STATUS_BAD_ARGUMENT);
    address = PAGE_SIZE;
    CHECK(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_FIXED, &address) != STATUS_OK);
    address = USER_END - PAGE_SIZE;
    CHECK(memory_map(memory, 0, 2 * PAGE_SIZE, MAP_READ | MAP_FIXED, &address) != STATUS_OK);
    address = USER_END; /* the last page of the lower half is nobody's */
    CHECK(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_FIXED, &address) != STATUS_OK);
    address = 0xffff800000000000ull;
    CHECK(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_FIXED, &address) != STATUS_OK);
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(memory, create_checks_its_arguments)
{
    memory_t memory;

    CHECK_STATUS(memory_create(systest.group, 0, 0, &memory), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_create(systest.group, UINT64_MAX, 0, &memory), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_create(systest.group, MEMORY_MAX_BYTES + PAGE_SIZE, 0, &memory),
                 STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_create(systest.group, PAGE_SIZE, 0x100, &memory), STATUS_BAD_ARGUMENT);
}

BOOT_TEST(memory, fixed_mappings_do_not_overlap)
{
    memory_t memory;
    u64 address;
    u64 again;

    CHECK_OK(make_mapping(4 * PAGE_SIZE, MAP_READ, &address, &memory));
    again = address + 2 * PAGE_SIZE;
    CHECK_STATUS(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_FIXED, &again), STATUS_EXISTS);
    again = address - PAGE_SIZE;
    CHECK_STATUS(memory_map(memory, 0, 2 * PAGE_SIZE, MAP_READ | MAP_FIXED, &again), STATUS_EXISTS);
    CHECK_OK(memory_unmap(address + 2 * PAGE_SIZE, PAGE_SIZE));
    again = address + 2 * PAGE_SIZE;
    CHECK_OK(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_FIXED, &again));
    CHECK_EQ(again, address + 2 * PAGE_SIZE);
    CHECK_OK(memory_unmap(address, 4 * PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(memory, unmap_takes_ends_and_middles)
{
    u64 address;

    CHECK_OK(make_mapping(8 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    memset((void *)(uintptr_t)address, 3, 8 * PAGE_SIZE);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    CHECK_OK(memory_unmap(address + 7 * PAGE_SIZE, PAGE_SIZE));
    CHECK_OK(memory_unmap(address + 3 * PAGE_SIZE, 2 * PAGE_SIZE));
    CHECK(!is_writable(address));
    CHECK(is_writable(address + PAGE_SIZE));
    CHECK(!is_writable(address + 3 * PAGE_SIZE));
    CHECK(!is_writable(address + 4 * PAGE_SIZE));
    CHECK(is_writable(address + 5 * PAGE_SIZE));
    CHECK(!is_writable(address + 7 * PAGE_SIZE));
    CHECK_EQ(*(volatile u8 *)(uintptr_t)(address + 6 * PAGE_SIZE), 3);
    CHECK_OK(memory_unmap(address + PAGE_SIZE, 2 * PAGE_SIZE));
    CHECK_OK(memory_unmap(address + 5 * PAGE_SIZE, 2 * PAGE_SIZE));
}

BOOT_TEST(memory, unmap_checks_its_arguments)
{
    CHECK_STATUS(memory_unmap(1, PAGE_SIZE), STATUS_BAD_ARGUMENT);
    CHECK_STATUS(memory_unmap(USER_START, 0), STATUS_BAD_ARGUMENT);
    CHECK(memory_unmap(0xffff800000000000ull, PAGE_SIZE) != STATUS_OK);
    CHECK(memory_unmap(USER_END - PAGE_SIZE, 2 * PAGE_SIZE) != STATUS_OK);
}

BOOT_TEST(memory, protect_takes_rights_and_gives_them_back)
{
    u64 address;

    CHECK_OK(make_mapping(4 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    memset((void *)(uintptr_t)address, 1, 4 * PAGE_SIZE);
    CHECK_OK(memory_protect(address + PAGE_SIZE, PAGE_SIZE, MAP_READ));
    CHECK(is_writable(address));
    CHECK(!is_writable(address + PAGE_SIZE));
    CHECK(is_writable(address + 2 * PAGE_SIZE));
    CHECK_EQ(*(volatile u8 *)(uintptr_t)(address + PAGE_SIZE), 1);
    CHECK_OK(memory_protect(address + PAGE_SIZE, PAGE_SIZE, MAP_READ | MAP_WRITE));
    *(volatile u8 *)(uintptr_t)(address + PAGE_SIZE) = 2;
    CHECK_OK(memory_protect(address, 4 * PAGE_SIZE, 0));
    CHECK(!is_readable(address));
    CHECK_OK(memory_protect(address, 4 * PAGE_SIZE, MAP_READ));
    CHECK_EQ(*(volatile u8 *)(uintptr_t)(address + PAGE_SIZE), 2);
    CHECK_OK(memory_unmap(address, 4 * PAGE_SIZE));
}

BOOT_TEST(memory, protect_gives_no_more_than_the_capability)
{
    memory_t memory;
    memory_t readable;
    u64 address = 0;

    CHECK_OK(memory_create(systest.group, PAGE_SIZE, 0, &memory));
    CHECK_OK(cap_derive_rights(memory.cap, RIGHT_READ, &readable.cap));
    CHECK_OK(memory_map(readable, 0, PAGE_SIZE, MAP_READ, &address));
    CHECK_STATUS(memory_protect(address, PAGE_SIZE, MAP_READ | MAP_WRITE), STATUS_MISSING_RIGHT);
    CHECK_STATUS(memory_protect(address, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_EXECUTE),
                 STATUS_BAD_ARGUMENT);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    CHECK_OK(cap_close(readable.cap));
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(memory, mapping_outlives_the_handle)
{
    memory_t memory;
    u64 address;

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    *(volatile u64 *)(uintptr_t)address = 4;
    CHECK_OK(cap_close(memory.cap));
    CHECK_EQ(*(volatile u64 *)(uintptr_t)address, 4);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
}

BOOT_TEST(memory, shared_between_processes)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    memory_t memory;
    u64 address;
    volatile u64 *words;

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    words = (volatile u64 *)(uintptr_t)address;
    words[1] = 41;
    cap = GIVE("memory", memory, RIGHT_READ | RIGHT_WRITE);
    CHECK_OK(start_role(systest.group, "shared", NULL, &cap, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, 0);
    CHECK_EQ(words[0], 42);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}

BOOT_TEST(memory, map_into_another_process)
{
    struct exit_record record;
    struct process process;
    memory_t memory;
    u64 address = 0;

    CHECK_OK(start_role(systest.group, "sleep", NULL, NULL, 0, &process));
    CHECK_OK(memory_create(systest.group, 2 * PAGE_SIZE, 0, &memory));
    CHECK_OK(
        memory_map_into(process.handle, memory, 0, 2 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    CHECK(address != 0);
    CHECK_OK(memory_protect_in(process.handle, address, PAGE_SIZE, MAP_READ));
    CHECK_OK(memory_unmap_in(process.handle, address, PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(process_kill(process.handle, 0));
    CHECK_OK(end_of(&process, &record));
}

BOOT_TEST(memory, many_small_mappings)
{
    static u64 addresses[200];

    for (u32 i = 0; i < 200; i++) {
        CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &addresses[i], NULL));
        *(volatile u64 *)(uintptr_t)addresses[i] = i;
    }
    for (u32 i = 0; i < 200; i++)
        CHECK_EQ(*(volatile u64 *)(uintptr_t)addresses[i], i);
    for (u32 i = 0; i < 200; i += 2)
        CHECK_OK(memory_unmap(addresses[i], PAGE_SIZE));
    for (u32 i = 1; i < 200; i += 2)
        CHECK_OK(memory_unmap(addresses[i], PAGE_SIZE));
}

/* Memory can be written, then run, but never both at once. */
BOOT_TEST(memory, written_code_can_be_run_after_protect)
{
    static const u8 code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
    u64 address;
    u32 (*function)(void);

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    memcpy((void *)(uintptr_t)address, code, sizeof(code));
    if (memory_protect(address, PAGE_SIZE, MAP_READ | MAP_EXECUTE) == STATUS_OK) {
        function = (u32(*)(void))(uintptr_t)address;
        CHECK_EQ(function(), 42);
        CHECK(!is_writable(address));
    }
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
}
