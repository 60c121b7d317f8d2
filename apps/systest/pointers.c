/* Addresses that the kernel must not trust, given to every call that takes one. */
#include "systest.h"

/* Nothing there; the kernel's half; not canonical; the last bytes before the end of the user half.
 */
static const u64 bad_addresses[] = {0,
                                    8,
                                    0x10000,
                                    0xffff800000000000ull,
                                    0xffffffff80000000ull,
                                    0x8000000000000000ull,
                                    USER_END - 8,
                                    UINT64_MAX - 7};

#define BAD_COUNT (sizeof(bad_addresses) / sizeof(bad_addresses[0]))

static enum status with_pointer(u64 number, cap_t cap, u64 w0, u64 w1, u64 w2)
{
    struct syscall_frame frame = {
        .number = number, .handle = cap.bits, .deadline = SOON, .words = {w0, w1, w2}};

    return ferrous_syscall(&frame);
}

BOOT_TEST(pointers, spawn)
{
    for (size_t i = 0; i < BAD_COUNT; i++)
        CHECK_STATUS(with_pointer(SYS_spawn, systest.group.cap, bad_addresses[i], 0, 0),
                     STATUS_BAD_ADDRESS);
}

BOOT_TEST(pointers, spawn_arguments)
{
    static struct spawn_plan plan;

    for (size_t i = 0; i < BAD_COUNT; i++) {
        memset(&plan, 0, sizeof(plan));
        plan.arguments = bad_addresses[i];
        plan.arguments_size = 16;
        plan.entry = USER_START;
        CHECK_STATUS(with_pointer(SYS_spawn, systest.group.cap, (u64)(uintptr_t)&plan, 0, 0),
                     STATUS_BAD_ADDRESS);
    }
}

BOOT_TEST(pointers, create_resource_group)
{
    for (size_t i = 0; i < BAD_COUNT; i++)
        CHECK_STATUS(
            with_pointer(SYS_create_resource_group, systest.group.cap, bad_addresses[i], 0, 0),
            STATUS_BAD_ADDRESS);
}

BOOT_TEST(pointers, group_info)
{
    for (size_t i = 0; i < BAD_COUNT; i++)
        CHECK_STATUS(with_pointer(SYS_group_info, systest.group.cap, bad_addresses[i], 0, 0),
                     STATUS_BAD_ADDRESS);
}

BOOT_TEST(pointers, machine_info)
{
    for (size_t i = 0; i < BAD_COUNT; i++)
        CHECK_STATUS(with_pointer(SYS_machine_info, systest.machine.cap, MACHINE_INFO_MEMORY,
                                  bad_addresses[i], sizeof(struct machine_memory)),
                     STATUS_BAD_ADDRESS);
}

BOOT_TEST(pointers, process_list)
{
    for (size_t i = 0; i < BAD_COUNT; i++)
        CHECK_STATUS(with_pointer(SYS_process_list, systest.machine.cap, bad_addresses[i], 4, 0),
                     STATUS_BAD_ADDRESS);
}

BOOT_TEST(pointers, futex)
{
    for (size_t i = 0; i < BAD_COUNT; i++) {
        u64 address = bad_addresses[i];
        u64 expected = 0;
        enum status status = ferrous_syscall_short(SYS_futex_wait, 0, SOON, &address, &expected);

        CHECK_STATUS(status, STATUS_BAD_ADDRESS);
    }
}

BOOT_TEST(pointers, futex_misaligned)
{
    static u32 words[2];
    u64 address = (u64)(uintptr_t)words + 1;
    u64 expected = 0;
    enum status status = ferrous_syscall_short(SYS_futex_wait, 0, SOON, &address, &expected);

    CHECK(status == STATUS_BAD_ARGUMENT || status == STATUS_BAD_ADDRESS);
}

BOOT_TEST(pointers, read_only_target)
{
    u64 address;

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ, &address, NULL));
    CHECK_STATUS(with_pointer(SYS_group_info, systest.group.cap, address, 0, 0),
                 STATUS_BAD_ADDRESS);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
}

/* A structure whose second page is missing. */
BOOT_TEST(pointers, structure_across_a_hole)
{
    u64 address;
    u64 plan;

    CHECK_OK(make_mapping(2 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    CHECK_OK(memory_unmap(address + PAGE_SIZE, PAGE_SIZE));
    plan = address + PAGE_SIZE - 64;
    memset((void *)(uintptr_t)plan, 0, 64);
    CHECK_STATUS(with_pointer(SYS_spawn, systest.group.cap, plan, 0, 0), STATUS_BAD_ADDRESS);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
}

/* The kernel brings a page in that nobody has touched. */
BOOT_TEST(pointers, untouched_target_is_populated)
{
    const struct group_usage *usage;
    u64 address;

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    CHECK_OK(with_pointer(SYS_group_info, systest.group.cap, address, 0, 0));
    usage = (const void *)(uintptr_t)address;
    CHECK(usage->used[GROUP_PROCESSES] >= 1);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
}
