/*
 * Canaries in the vector registers: what one thread has there stays there while others run, calls,
 * fault and are moved; and no other ever sees it.
 */
#include "vectors.h"

#include "abi/fault.h"

#define MAX_HOLDERS 12u

static u32 gate;
static bool wide;

static void open_gate(void)
{
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
}

/* A pattern held while others run; 1: it was kept. */
static u64 hold(void *argument)
{
    u64 number = (u64)(uintptr_t)argument;
    struct vectors vectors;

    vectors_fill(&vectors, number);
    vectors_hold(&vectors, &gate, wide);
    return vectors_are(&vectors, number);
}

/* More of them than CPUs, each bound to one. */
static u32 start_holders(struct thread *threads)
{
    u32 count = 2 * cpu_count() + 1;

    if (count > MAX_HOLDERS)
        count = MAX_HOLDERS;
    wide = has_avx();
    __atomic_store_n(&gate, 0, __ATOMIC_RELEASE);
    for (u64 i = 0; i < count; i++) {
        if (start_on((u32)i, &threads[i], hold, (void *)(i + 1)) != STATUS_OK) {
            test_fail(__FILE__, __LINE__, "cannot start a thread");
            return (u32)i;
        }
    }
    return count;
}

static void end_holders(struct thread *threads, u32 count)
{
    open_gate();
    for (u32 i = 0; i < count; i++) {
        if (thread_join(&threads[i]) != 1)
            test_fail(__FILE__, __LINE__, "thread %u found something else in its registers", i);
    }
}

BOOT_TEST(vectors, kept_while_others_run)
{
    struct thread threads[MAX_HOLDERS];
    u32 count = start_holders(threads);

    time_sleep_ns(60 * NS_PER_MS);
    end_holders(threads, count);
}

/* Moved from CPU to CPU while it holds its pattern. */
BOOT_TEST_FLAGS(vectors, kept_across_processors, TEST_SMP)
{
    struct thread threads[MAX_HOLDERS];
    u32 count = start_holders(threads);

    for (u32 i = 0; i < 100; i++) {
        thread_t thread = threads[i % count].handle;

        CHECK_OK(kthread_control(thread, THREAD_SET_CPUS, 1ull << (i / count) % cpu_count()));
        time_sleep_ns(200 * NS_PER_US);
    }
    end_holders(threads, count);
}

/* What is documented: a call that does not block keeps all; one that blocks loses them, to nobody.
 */
BOOT_TEST(vectors, kept_across_calls_that_do_not_block)
{
    static const u16 numbers[] = {SYS_null, SYS_inspect, SYS_clock, SYS_futex_wake, SYS_signal};
    struct vectors vectors;

    wide = has_avx();
    for (u64 i = 0; i < 200; i++) {
        struct syscall_frame frame = {.number = numbers[i % 5], .deadline = TIME_NEVER};

        frame.words[0] = address_of(&gate);
        vectors_fill(&vectors, i);
        vectors_call(&vectors, &frame, wide);
        CHECK(vectors_are(&vectors, i));
    }
}

static u64 block_often(void *argument)
{
    u64 number = (u64)(uintptr_t)argument;
    static u32 word;

    for (u64 i = 0; i < 50; i++) {
        struct syscall_frame frame = {.number = SYS_futex_wait,
                                      .deadline = time_after_ns(100 * NS_PER_US)};
        struct vectors vectors;

        frame.words[0] = address_of(&word);
        vectors_fill(&vectors, number);
        vectors_call(&vectors, &frame, wide);
        if (frame.number != STATUS_TIMED_OUT || !vectors_are_clear_or(&vectors, number))
            return 0;
    }
    return 1;
}

BOOT_TEST(vectors, not_passed_on_by_calls_that_block)
{
    struct thread holders[MAX_HOLDERS];
    struct thread blockers[MAX_HOLDERS];
    u32 count = start_holders(holders);

    for (u64 i = 0; i < count; i++)
        CHECK_OK(start_on((u32)i, &blockers[i], block_often, (void *)(i + 20)));
    for (u32 i = 0; i < count; i++)
        CHECK_EQ(thread_join(&blockers[i]), 1);
    end_holders(holders, count);
}

static u64 look(void *argument)
{
    struct vectors vectors;

    (void)argument;
    vectors_read(&vectors, wide);
    return vectors_are_clear(&vectors);
}

BOOT_TEST(vectors, new_threads_find_them_clear)
{
    struct thread holders[MAX_HOLDERS];
    struct thread thread;
    u32 count = start_holders(holders);

    for (u32 i = 0; i < 8 * cpu_count(); i++) {
        CHECK_OK(start_on(i, &thread, look, NULL));
        CHECK_EQ(thread_join(&thread), 1);
    }
    end_holders(holders, count);
}

/* Pages that come on first touch, with others running. */
BOOT_TEST(vectors, kept_across_page_faults)
{
    struct thread holders[MAX_HOLDERS];
    u32 count = start_holders(holders);
    struct vectors vectors;
    u64 address;

    CHECK_OK(make_mapping(64 * PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    for (u64 i = 0; i < 64; i++) {
        vectors_fill(&vectors, 100 + i);
        vectors_touch(&vectors, (volatile u64 *)(uintptr_t)(address + i * PAGE_SIZE), wide);
        CHECK(vectors_are(&vectors, 100 + i));
    }
    CHECK_OK(memory_unmap(address, 64 * PAGE_SIZE));
    end_holders(holders, count);
}

/* --- in a child --- */

#define MISSING_AT 0x200000000ull

/* Touches a page that somebody else has to bring; 0: all registers were kept. */
static int touch_missing(void)
{
    struct vectors vectors;

    vectors_fill(&vectors, 3);
    vectors_touch(&vectors, (volatile u64 *)MISSING_AT, has_avx());
    return vectors_are(&vectors, 3) ? 0 : 1;
}

/* The exit code of one that got past its division. */
#define DIVIDED 99

static int divide_vectors(void)
{
    static const u32 mxcsr = MXCSR_INITIAL & ~0x200u; /* division by zero is not masked */

    __asm__ volatile("ldmxcsr %0\n\txorps %%xmm1, %%xmm1\n\tpcmpeqd %%xmm0, %%xmm0\n\t"
                     "pslld $25, %%xmm0\n\tpsrld $2, %%xmm0\n\tdivps %%xmm1, %%xmm0"
                     :
                     : "m"(mxcsr));
    return DIVIDED;
}

static int divide_x87(bool wait)
{
    static const u16 control = FCW_INITIAL & ~4u;

    __asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp" : : "m"(control));
    if (wait)
        __asm__ volatile("fwait");
    return DIVIDED;
}

static u64 leave_exception_pending(void *argument)
{
    (void)argument;
    (void)divide_x87(false);
    while (__atomic_load_n(&gate, __ATOMIC_ACQUIRE) == 0)
        __asm__ volatile("pause");
    return 0;
}

static u64 use_x87(void *argument)
{
    u64 until = time_after_ns(10 * NS_PER_MS);

    (void)argument;
    while (time_now_ns() < until)
        __asm__ volatile("fwait\n\tfld1\n\tfstp %st(0)");
    return 0;
}

/* One thread's pending x87 exception must not hit another on the same CPU. */
static int pending_exception(void)
{
    struct thread pending;
    struct thread other;

    if (start_on(0, &pending, leave_exception_pending, NULL) != STATUS_OK ||
        start_on(0, &other, use_x87, NULL) != STATUS_OK)
        return 1;
    (void)thread_join(&other);
    open_gate();
    (void)thread_join(&pending);
    return 0;
}

int role_vector(const char *argument)
{
    if (string_equal(argument, "missing"))
        return touch_missing();
    if (string_equal(argument, "sse"))
        return divide_vectors();
    if (string_equal(argument, "x87"))
        return divide_x87(true);
    return pending_exception();
}

static enum status run_vector_role(const char *argument, struct exit_record *record)
{
    struct process_cap cap = GIVE("group", attack.group, RIGHT_CREATE_MEMORY);
    struct process process;
    enum status status = start_role(attack.group, "vector", argument, &cap, 1, &process);

    return status == STATUS_OK ? end_of(&process, record) : status;
}

BOOT_TEST(vectors, floating_point_exceptions_are_faults)
{
    struct exit_record record;

    CHECK_OK(run_vector_role("sse", &record));
    /* An emulator may not raise this one at all. */
    if (record.reason != EXIT_NORMAL || record.code != DIVIDED)
        CHECK_EQ(record.fault, FAULT_FLOATING_POINT);
    CHECK_OK(run_vector_role("x87", &record));
    CHECK_EQ(record.reason, EXIT_FAULT);
    CHECK_EQ(record.fault, FAULT_FLOATING_POINT);
}

BOOT_TEST(vectors, exceptions_stay_with_their_thread)
{
    struct exit_record record;

    CHECK_OK(run_vector_role("pending", &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
}

/* The handler uses the registers itself, in another process, before it answers. */
BOOT_TEST(vectors, kept_while_a_handler_mends_a_fault)
{
    struct process_spec spec = {0};
    struct exit_record record;
    struct message message;
    struct process process;
    struct vectors vectors;
    memory_t memory;
    u64 address = MISSING_AT;

    wide = has_avx();
    CHECK_OK(make_endpoint(0, &spec.fault_endpoint));
    CHECK_OK(memory_create(attack.group, PAGE_SIZE, 0, &memory));
    CHECK_OK(start_role_with(&spec, attack.group, "vector", "missing", &process));
    CHECK_OK(ipc_receive(spec.fault_endpoint, &message, 0, PATIENCE));
    CHECK_EQ(message_kind(&message), MESSAGE_FAULT);
    CHECK_OK(memory_map_into(process.handle, memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_FIXED,
                             &address));
    vectors_fill(&vectors, 9);
    open_gate();
    vectors_hold(&vectors, &gate, wide);
    message = MESSAGE_INIT(FAULT_REPLY_RETRY);
    CHECK_OK(ipc_reply(&message));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(cap_close(spec.fault_endpoint.cap));
}
