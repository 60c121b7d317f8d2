/*
 * What a program may do to processor state around the kernel's entries and exits. Here, in children
 * that do something forbidden, and in this process for what must simply work.
 */
#include "entry_kinds.h"
#include "systest.h"

#include "lib/format.h"

static enum status run_kind(enum entry_kind kind, struct exit_record *record)
{
    struct process process;
    char number[8];
    enum status status;

    format_to(number, sizeof(number), "%u", (u32)kind);
    status = start_role(systest.group, "entry", number, NULL, 0, &process);
    return status == STATUS_OK ? end_of(&process, record) : status;
}

static void expect_fault(enum entry_kind kind, enum fault_reason first, enum fault_reason second)
{
    struct exit_record record;
    enum status status = run_kind(kind, &record);

    if (status != STATUS_OK)
        test_fail(__FILE__, __LINE__, "kind %u: %s", (u32)kind, status_text(status));
    else if (record.reason != EXIT_FAULT || (record.fault != first && record.fault != second))
        test_fail(__FILE__, __LINE__, "kind %u: ended with reason %u, fault %u, code %lld",
                  (u32)kind, record.reason, record.fault, (long long)record.code);
}

BOOT_TEST(entry, privileged_instructions_fault)
{
    for (u32 kind = ENTRY_PRIVILEGED_FIRST; kind < ENTRY_PRIVILEGED_END; kind++)
        expect_fault(kind, FAULT_PRIVILEGED, FAULT_ILLEGAL);
}

BOOT_TEST(entry, software_interrupts_fault)
{
    for (u32 kind = ENTRY_INTERRUPT_FIRST; kind < ENTRY_INTERRUPT_END; kind++)
        expect_fault(kind, FAULT_PRIVILEGED, FAULT_PRIVILEGED);
}

BOOT_TEST(entry, breakpoint_and_debug_are_told_apart)
{
    expect_fault(ENTRY_BREAKPOINT, FAULT_BREAKPOINT, FAULT_BREAKPOINT);
    expect_fault(ENTRY_TRAP_FLAG, FAULT_DEBUG, FAULT_DEBUG);
    expect_fault(ENTRY_TRAP_FLAG_SYSCALL, FAULT_DEBUG, FAULT_DEBUG);
}

BOOT_TEST(entry, kernel_code_segment_cannot_be_entered)
{
    expect_fault(ENTRY_FAR_JUMP, FAULT_PRIVILEGED, FAULT_PRIVILEGED);
}

BOOT_TEST(entry, stack_that_is_nowhere_faults)
{
    expect_fault(ENTRY_BAD_STACK_PUSH, FAULT_PRIVILEGED, FAULT_OTHER);
}

/* mov $0, %eax; syscall - at the very end of the user half: the address to return to is not
 * canonical. */
BOOT_TEST(entry, system_call_at_the_end_of_the_address_space)
{
    static const u8 code[] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05};
    static struct spawn_plan plan;
    struct exit_record record;
    struct process process;
    memory_t memory;
    u64 address;

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    memcpy((void *)(uintptr_t)(address + PAGE_SIZE - sizeof(code)), code, sizeof(code));
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    memset(&plan, 0, sizeof(plan));
    plan.entry = USER_END - sizeof(code);
    plan.segment_count = 1;
    plan.segments[0] = (struct spawn_segment){.memory = memory.cap,
                                              .address = USER_END - PAGE_SIZE,
                                              .size_bytes = PAGE_SIZE,
                                              .map_flags = MAP_READ | MAP_EXECUTE};
    /* A kernel may also refuse to map that page at all. */
    if (process_create(systest.group, &plan, &process.handle, &process.main_thread, &process.id) ==
        STATUS_OK) {
        CHECK_OK(end_of(&process, &record));
        CHECK_EQ(record.reason, EXIT_FAULT);
    }
    CHECK_OK(cap_close(memory.cap));
}

static u64 saved_stack;

/* The kernel has no business with the user's stack pointer. */
BOOT_TEST(entry, system_call_with_a_wild_stack_pointer)
{
    static const u64 stacks[] = {0, 8, 0xffff800000000000ull, 0x8000000000000000ull, UINT64_MAX};

    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
        u64 number = SYS_null;

        __asm__ volatile("pushq %%rbp\n\t"
                         "movq %%rsp, %[saved]\n\t"
                         "movq %[stack], %%rsp\n\t"
                         "syscall\n\t"
                         "movq %[saved], %%rsp\n\t"
                         "popq %%rbp\n\t"
                         : "+a"(number), [saved] "+m"(saved_stack)
                         : [stack] "d"(stacks[i])
                         : "rbx", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
                           "r14", "r15", "cc", "memory");
        CHECK_EQ(number, STATUS_OK);
    }
}

#define FLAG_DIRECTION 0x400ull
#define FLAG_NESTED    0x4000ull
#define FLAG_ALIGNMENT 0x40000ull

/* With these flags set, system calls that copy, page faults and interrupts work as ever. */
BOOT_TEST(entry, odd_flags_do_not_matter)
{
    static const u64 flags[] = {FLAG_DIRECTION, FLAG_NESTED, FLAG_ALIGNMENT};
    static struct group_usage usage;

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        u64 number = SYS_group_info;
        u64 handle = systest.group.cap.bits;
        u64 buffer = (u64)(uintptr_t)&usage;
        u64 bits = flags[i];

        memset(&usage, 0, sizeof(usage));
        __asm__ volatile("pushq %%rbp\n\t"
                         "pushfq\n\t"
                         "orq %[flags], (%%rsp)\n\t"
                         "popfq\n\t"
                         "syscall\n\t"
                         "pushfq\n\t"
                         "andq $~0x44400, (%%rsp)\n\t"
                         "popfq\n\t"
                         "popq %%rbp\n\t"
                         : "+a"(number), "+D"(handle), "+d"(buffer), [flags] "+S"(bits)
                         :
                         : "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
                           "memory");
        CHECK_EQ(number, STATUS_OK);
        CHECK(usage.used[GROUP_PROCESSES] >= 1);
    }
}

/* Null selectors in the data segments, as a hostile program would load them, then some time for
 * interrupts. */
BOOT_TEST(entry, null_selectors_do_not_matter)
{
    u64 until = time_after_ns(5 * NS_PER_MS);

    __asm__ volatile("movl %0, %%ds\n\tmovl %0, %%es\n\tmovl %0, %%gs" : : "r"(0));
    while (time_now_ns() < until)
        CHECK_OK(ferrous_syscall_plain(SYS_null, 0, 0, 0));
}

static u32 pattern_gate;

/* Keeps a pattern in vector registers while others use them; returns how often it was not there. */
static u64 keep_pattern(void *argument)
{
    u64 pattern = (u64)(uintptr_t)argument * 0x0101010101010101ull;
    u64 wrong = 0;

    __asm__ volatile("movq %0, %%xmm3\n\tmovq %0, %%xmm15" : : "r"(pattern));
    while (__atomic_load_n(&pattern_gate, __ATOMIC_ACQUIRE) == 0) {
        u64 low;
        u64 high;

        __asm__ volatile("movq %%xmm3, %0\n\tmovq %%xmm15, %1" : "=r"(low), "=r"(high));
        wrong += low != pattern || high != pattern;
    }
    return wrong;
}

BOOT_TEST(entry, vector_registers_survive_preemption)
{
    struct thread threads[3];

    pattern_gate = 0;
    for (u64 i = 0; i < 3; i++)
        CHECK_OK(thread_start(&threads[i], keep_pattern, (void *)(i + 1), 0));
    time_sleep_ns(40 * NS_PER_MS);
    __atomic_store_n(&pattern_gate, 1, __ATOMIC_RELEASE);
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(thread_join(&threads[i]), 0);
}

/* What another process left in the registers is not to be seen. */
BOOT_TEST(entry, vector_registers_start_clear)
{
    struct exit_record record;

    CHECK_OK(run_kind(ENTRY_VECTOR_CLEAR, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
}

BOOT_TEST(entry, info_page_cannot_be_written)
{
    expect_fault(ENTRY_WRITE_INFO_PAGE, FAULT_PAGE_WRITE, FAULT_PAGE_WRITE);
}

BOOT_TEST(entry, stack_has_a_guard)
{
    expect_fault(ENTRY_STACK_OVERFLOW, FAULT_PAGE_WRITE, FAULT_PAGE_WRITE);
}
