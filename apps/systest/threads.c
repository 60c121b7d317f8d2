/* Threads, futexes, and the locks that the SDK makes of them. */
#include "systest.h"

#include "ferrous/lock.h"

static u64 twice(void *argument)
{
    return 2 * (u64)(uintptr_t)argument;
}

BOOT_TEST(threads, start_and_join)
{
    struct thread thread;

    CHECK_OK(thread_start(&thread, twice, (void *)21, 0));
    CHECK_EQ(thread_join(&thread), 42);
}

BOOT_TEST(threads, many_at_once)
{
    struct thread threads[20];

    for (u64 i = 0; i < 20; i++)
        CHECK_OK(thread_start(&threads[i], twice, (void *)i, 8192));
    for (u64 i = 0; i < 20; i++)
        CHECK_EQ(thread_join(&threads[i]), 2 * i);
}

static _Thread_local u64 own_variable = 5;

static u64 change_own(void *argument)
{
    u64 before = own_variable;

    own_variable = (u64)(uintptr_t)argument;
    thread_yield();
    return before == 5 ? own_variable : 0;
}

BOOT_TEST(threads, thread_local_variables_are_their_own)
{
    struct thread first;
    struct thread second;

    own_variable = 99;
    CHECK_OK(thread_start(&first, change_own, (void *)1, 0));
    CHECK_OK(thread_start(&second, change_own, (void *)2, 0));
    CHECK_EQ(thread_join(&first), 1);
    CHECK_EQ(thread_join(&second), 2);
    CHECK_EQ(own_variable, 99);
    own_variable = 5;
}

BOOT_TEST(threads, futex_compares_before_waiting)
{
    u32 word = 1;

    CHECK_STATUS(futex_wait(&word, 0, TIME_NEVER), STATUS_WOULD_BLOCK);
    CHECK_STATUS(futex_wait(&word, 1, SOON), STATUS_TIMED_OUT);
    CHECK_EQ(futex_wake(&word, 1), 0);
}

static u32 gate;

static u64 pass_gate(void *argument)
{
    (void)argument;
    while (__atomic_load_n(&gate, __ATOMIC_ACQUIRE) == 0) {
        if (futex_wait(&gate, 0, PATIENCE) == STATUS_TIMED_OUT)
            return 0;
    }
    return 1;
}

BOOT_TEST(threads, futex_wakes_all_waiters)
{
    struct thread threads[5];

    gate = 0;
    for (u32 i = 0; i < 5; i++)
        CHECK_OK(thread_start(&threads[i], pass_gate, NULL, 0));
    time_sleep_ns(2 * NS_PER_MS);
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    (void)futex_wake(&gate, UINT32_MAX);
    for (u32 i = 0; i < 5; i++)
        CHECK_EQ(thread_join(&threads[i]), 1);
}

static struct mutex mutex;
static struct condition condition;
static struct semaphore semaphore;
static u64 counter;

static u64 count_under_mutex(void *argument)
{
    for (u64 i = 0; i < (u64)(uintptr_t)argument; i++) {
        u64 value;

        mutex_lock(&mutex);
        value = counter;
        if (i % 64 == 0)
            thread_yield();
        counter = value + 1;
        mutex_unlock(&mutex);
    }
    return 0;
}

BOOT_TEST(threads, mutex_excludes)
{
    struct thread threads[4];

    counter = 0;
    for (u32 i = 0; i < 4; i++)
        CHECK_OK(thread_start(&threads[i], count_under_mutex, (void *)1000, 0));
    for (u32 i = 0; i < 4; i++)
        (void)thread_join(&threads[i]);
    CHECK_EQ(counter, 4000);
}

static u64 wait_for_count(void *argument)
{
    enum status status = STATUS_OK;

    mutex_lock(&mutex);
    while (counter < (u64)(uintptr_t)argument && status == STATUS_OK)
        status = condition_wait(&condition, &mutex, PATIENCE);
    mutex_unlock(&mutex);
    return status;
}

BOOT_TEST(threads, condition_wakes)
{
    struct thread threads[3];

    counter = 0;
    for (u32 i = 0; i < 3; i++)
        CHECK_OK(thread_start(&threads[i], wait_for_count, (void *)(u64)(i + 1), 0));
    for (u32 i = 0; i < 3; i++) {
        time_sleep_ns(NS_PER_MS);
        mutex_lock(&mutex);
        counter++;
        mutex_unlock(&mutex);
        condition_broadcast(&condition);
    }
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(thread_join(&threads[i]), STATUS_OK);
    mutex_lock(&mutex);
    CHECK_STATUS(condition_wait(&condition, &mutex, SOON), STATUS_TIMED_OUT);
    mutex_unlock(&mutex);
}

static u64 take_three(void *argument)
{
    (void)argument;
    for (u32 i = 0; i < 3; i++) {
        if (semaphore_wait(&semaphore, PATIENCE) != STATUS_OK)
            return i;
    }
    return 3;
}

BOOT_TEST(threads, semaphore_counts)
{
    struct thread threads[2];

    semaphore = SEMAPHORE_INIT(1);
    for (u32 i = 0; i < 2; i++)
        CHECK_OK(thread_start(&threads[i], take_three, NULL, 0));
    for (u32 i = 0; i < 5; i++) {
        thread_yield();
        semaphore_post(&semaphore);
    }
    for (u32 i = 0; i < 2; i++)
        CHECK_EQ(thread_join(&threads[i]), 3);
    CHECK_EQ(semaphore.count, 0);
    CHECK_STATUS(semaphore_wait(&semaphore, SOON), STATUS_TIMED_OUT);
}

static struct once once;
static u32 once_runs;

static void run_slowly(void)
{
    thread_yield();
    once_runs++;
}

static u64 run_once(void *argument)
{
    (void)argument;
    once_run(&once, run_slowly);
    return once_runs;
}

BOOT_TEST(threads, once_runs_once)
{
    struct thread threads[3];

    once = ONCE_INIT;
    once_runs = 0;
    for (u32 i = 0; i < 3; i++)
        CHECK_OK(thread_start(&threads[i], run_once, NULL, 0));
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(thread_join(&threads[i]), 1);
}

static u64 spin_until_gate(void *argument)
{
    u64 turns = 0;

    (void)argument;
    while (__atomic_load_n(&gate, __ATOMIC_ACQUIRE) == 0) {
        __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
        turns++;
    }
    return turns;
}

/* Waits until the counter is above `seen`; false when it does not get there. */
static bool counter_passes(u64 seen)
{
    u64 until = PATIENCE;

    while (__atomic_load_n(&counter, __ATOMIC_RELAXED) <= seen) {
        if (time_now_ns() > until)
            return false;
        time_sleep_ns(NS_PER_MS);
    }
    return true;
}

BOOT_TEST(threads, suspend_and_resume)
{
    struct thread thread;
    u64 seen;

    gate = 0;
    counter = 0;
    CHECK_OK(thread_start(&thread, spin_until_gate, NULL, 0));
    CHECK(counter_passes(0));
    CHECK_OK(kthread_control(thread.handle, THREAD_SUSPEND, 0));
    seen = __atomic_load_n(&counter, __ATOMIC_RELAXED);
    time_sleep_ns(3 * NS_PER_MS);
    CHECK_EQ(__atomic_load_n(&counter, __ATOMIC_RELAXED), seen);
    CHECK_OK(kthread_control(thread.handle, THREAD_RESUME, 0));
    CHECK(counter_passes(seen));
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    (void)thread_join(&thread);
}

BOOT_TEST(threads, a_thread_can_be_killed)
{
    struct thread_facts facts;
    u64 stack;

    gate = 0;
    CHECK_OK(make_mapping(4 * PAGE_SIZE, MAP_READ | MAP_WRITE, &stack, NULL));
    CHECK_OK(kthread_create(start_self(), (u64)(uintptr_t)spin_until_gate,
                            stack + 4 * PAGE_SIZE - 8, 0, 0, false, (void *)(uintptr_t)stack,
                            &facts));
    time_sleep_ns(2 * NS_PER_MS);
    CHECK_OK(kthread_kill(facts.thread, 0));
    CHECK_OK(cap_close(facts.thread.cap));
    CHECK_OK(memory_unmap(stack, 4 * PAGE_SIZE));
}

BOOT_TEST(threads, control_checks_its_arguments)
{
    CHECK_STATUS(kthread_control(thread_self(), 99, 0), STATUS_BAD_ARGUMENT);
    CHECK(kthread_control(thread_self(), THREAD_SET_CPUS, 0) != STATUS_OK);
    CHECK(kthread_control(thread_self(), THREAD_SET_POINTER, 0xffff800000000000ull) != STATUS_OK);
    CHECK(kthread_control(thread_self(), THREAD_SET_POINTER, 0x800000000000ull) != STATUS_OK);
    CHECK_OK(kthread_control(thread_self(), THREAD_SET_POINTER, (u64)(uintptr_t)thread_block()));
}

BOOT_TEST(threads, create_checks_its_arguments)
{
    struct thread_facts facts;
    void *buffer = message_buffer(); /* good for another thread, if nothing is sent */
    const u64 kernel = 0xffff800000000000ull;

    CHECK_STATUS(kthread_create(start_self(), kernel, USER_START, 0, 0, true, buffer, &facts),
                 STATUS_BAD_ARGUMENT);
    CHECK_STATUS(kthread_create(start_self(), USER_START, kernel, 0, 0, true, buffer, &facts),
                 STATUS_BAD_ARGUMENT);
    CHECK_STATUS(
        kthread_create(start_self(), USER_START, USER_START, 0, kernel, true, buffer, &facts),
        STATUS_BAD_ARGUMENT);
}

static enum status create_with_buffer(u64 buffer)
{
    struct thread_facts facts;
    enum status status = kthread_create(start_self(), USER_START, USER_START, 0, 0, true,
                                        (void *)(uintptr_t)buffer, &facts);

    if (status == STATUS_OK) {
        (void)kthread_kill(facts.thread, 0);
        (void)cap_close(facts.thread.cap);
    }
    return status;
}

BOOT_TEST(threads, message_buffers_lie_in_shared_writable_memory)
{
    u64 address;

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    CHECK_OK(create_with_buffer(address));
    CHECK_OK(create_with_buffer(address + 7 * MESSAGE_BUFFER_ALIGNMENT));
    CHECK_STATUS(create_with_buffer(address + 64), STATUS_BAD_ARGUMENT);
    CHECK_OK(memory_protect(address, PAGE_SIZE, MAP_READ));
    CHECK_STATUS(create_with_buffer(address), STATUS_BAD_ADDRESS);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    CHECK_STATUS(create_with_buffer(address), STATUS_BAD_ADDRESS);
    CHECK_STATUS(create_with_buffer(0), STATUS_BAD_ADDRESS);
    CHECK_STATUS(create_with_buffer(0xffff800000000000ull), STATUS_BAD_ADDRESS);
    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_PRIVATE, &address, NULL));
    CHECK_STATUS(create_with_buffer(address), STATUS_BAD_ADDRESS);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    /* Read-only. */
    CHECK_STATUS(create_with_buffer((u64)(uintptr_t)start_info_page()), STATUS_BAD_ADDRESS);
}

static u64 report_self(void *argument)
{
    *(thread_t *)argument = thread_self();
    return thread_block()->id;
}

BOOT_TEST(threads, a_thread_knows_its_handle_and_id_from_the_start)
{
    struct thread thread;
    thread_t seen = {CAP_NULL};

    CHECK_OK(thread_start(&thread, report_self, &seen, 0));
    CHECK_EQ(thread_join(&thread), thread.id);
    CHECK_EQ(seen.cap.bits, thread.handle.cap.bits);
}

static u64 yield_often(void *argument)
{
    for (u64 i = 0; i < (u64)(uintptr_t)argument; i++)
        thread_yield();
    return 1;
}

BOOT_TEST(threads, yielding_threads_all_finish)
{
    struct thread threads[3];

    for (u32 i = 0; i < 3; i++)
        CHECK_OK(thread_start(&threads[i], yield_often, (void *)500, 0));
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(thread_join(&threads[i]), 1);
}

/* Nobody yields here: the timer must share the processor out. */
BOOT_TEST(threads, spinning_threads_are_preempted)
{
    struct thread threads[2];

    gate = 0;
    counter = 0;
    for (u32 i = 0; i < 2; i++)
        CHECK_OK(thread_start(&threads[i], spin_until_gate, NULL, 0));
    time_sleep_ns(20 * NS_PER_MS);
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    for (u32 i = 0; i < 2; i++)
        CHECK(thread_join(&threads[i]) != 0);
}
