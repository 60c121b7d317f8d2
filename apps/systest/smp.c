/* What only shows where threads really run at the same time. Each test pins its threads to
 * different processors. */
#include "systest.h"

#define ROUNDS 300u

static endpoint_t endpoint;
static u32 turn;
static u64 mapped;
static bool stop;

static u32 cpu_count(void)
{
    return start_info_page()->cpu_count;
}

static enum status start_on(u32 cpu, struct thread *thread, u64 (*function)(void *), void *argument)
{
    enum status status = thread_start(thread, function, argument, 0);

    return status == STATUS_OK
               ? kthread_control(thread->handle, THREAD_SET_CPUS, 1ull << (cpu % cpu_count()))
               : status;
}

static u64 call_many(void *argument)
{
    for (u64 i = 0; i < ROUNDS; i++) {
        struct message message = MESSAGE_INIT(ECHO_WORDS);

        message.words[0] = i;
        if (ipc_call(*(endpoint_t *)argument, &message, PATIENCE) != STATUS_OK ||
            message.words[0] != i + 1)
            return i;
    }
    return ROUNDS;
}

BOOT_TEST_FLAGS(smp, calls_cross_processors, TEST_SMP)
{
    struct thread server;
    struct thread clients[4];

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(start_on(0, &server, serve_echo, &endpoint));
    for (u32 i = 0; i < 4; i++)
        CHECK_OK(start_on(1 + i, &clients[i], call_many, &endpoint));
    for (u32 i = 0; i < 4; i++)
        CHECK_EQ(thread_join(&clients[i]), ROUNDS);
    CHECK_OK(quit_echo(endpoint));
    CHECK_EQ(thread_join(&server), 4 * ROUNDS + 1);
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 ping(void *argument)
{
    u32 own = (u32)(uintptr_t)argument;

    for (u32 i = 0; i < ROUNDS; i++) {
        u32 seen;

        while ((seen = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) % 2 != own) {
            if (futex_wait(&turn, seen, PATIENCE) == STATUS_TIMED_OUT)
                return i;
        }
        __atomic_fetch_add(&turn, 1, __ATOMIC_RELEASE);
        (void)futex_wake(&turn, 1);
    }
    return ROUNDS;
}

BOOT_TEST_FLAGS(smp, futex_loses_no_wake, TEST_SMP)
{
    struct thread threads[2];

    turn = 0;
    for (u64 i = 0; i < 2; i++)
        CHECK_OK(start_on((u32)i, &threads[i], ping, (void *)i));
    CHECK_EQ(thread_join(&threads[0]), ROUNDS);
    CHECK_EQ(thread_join(&threads[1]), ROUNDS);
    CHECK_EQ(turn, 2 * ROUNDS);
}

static u64 touch(void *argument)
{
    u64 count = 0;

    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        u64 address = __atomic_load_n(&mapped, __ATOMIC_ACQUIRE);

        if (ferrous_syscall_plain(SYS_group_info, systest.group.cap.bits, address, 0) == STATUS_OK)
            count++;
    }
    return count;
}

/* One processor maps and unmaps what another makes the kernel write to: an error, never a stale
 * page. */
BOOT_TEST_FLAGS(smp, unmap_reaches_other_processors, TEST_SMP)
{
    struct thread thread;
    memory_t memory;
    u64 address;
    volatile u64 *probe;

    stop = false;
    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    __atomic_store_n(&mapped, address, __ATOMIC_RELEASE);
    CHECK_OK(start_on(1, &thread, touch, NULL));
    for (u32 i = 0; i < ROUNDS; i++) {
        memory_t other;
        u64 there = address;

        CHECK_OK(memory_unmap(address, PAGE_SIZE));
        CHECK_OK(memory_create(systest.group, PAGE_SIZE, 0, &other));
        CHECK_OK(memory_map(other, 0, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_FIXED, &there));
        probe = (volatile u64 *)(uintptr_t)there;
        (void)probe[0];
        CHECK_OK(cap_close(other.cap));
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    (void)thread_join(&thread);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}

static u64 read_protected(void *argument)
{
    volatile u64 *word = argument;
    u64 last = 0;

    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        u64 now = *word;

        if (now < last)
            return 1;
        last = now;
    }
    return 0;
}

BOOT_TEST_FLAGS(smp, protect_reaches_other_processors, TEST_SMP)
{
    struct thread thread;
    u64 address;

    stop = false;
    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, NULL));
    CHECK_OK(start_on(1, &thread, read_protected, (void *)(uintptr_t)address));
    for (u64 i = 1; i < ROUNDS; i++) {
        *(volatile u64 *)(uintptr_t)address = i;
        CHECK_OK(memory_protect(address, PAGE_SIZE, MAP_READ));
        CHECK_OK(memory_protect(address, PAGE_SIZE, MAP_READ | MAP_WRITE));
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    CHECK_EQ(thread_join(&thread), 0);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
}

static u64 signal_many(void *argument)
{
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        if (endpoint_signal(endpoint) != STATUS_OK)
            return 1;
    }
    return 0;
}

BOOT_TEST_FLAGS(smp, signals_arrive_while_receiving, TEST_SMP)
{
    struct message message;
    struct thread thread;

    stop = false;
    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(start_on(1, &thread, signal_many, NULL));
    for (u32 i = 0; i < ROUNDS; i++)
        CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    CHECK_EQ(thread_join(&thread), 0);
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 derive_many(void *argument)
{
    u64 count = 0;

    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        cap_t child;

        if (cap_derive_rights(endpoint.cap, UINT32_MAX, &child) == STATUS_OK) {
            (void)cap_close(child);
            count++;
        }
    }
    return count;
}

BOOT_TEST_FLAGS(smp, revoke_races_with_derive, TEST_SMP)
{
    struct thread thread;

    stop = false;
    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(start_on(1, &thread, derive_many, NULL));
    for (u32 i = 0; i < ROUNDS; i++)
        CHECK_OK(cap_revoke(endpoint.cap));
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    (void)thread_join(&thread);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST_FLAGS(smp, processes_die_on_every_processor, TEST_SMP)
{
    for (u32 round = 0; round < 5; round++) {
        struct process processes[4];
        struct exit_record record;

        for (u32 i = 0; i < 4; i++)
            CHECK_OK(start_role(systest.group, "spin", NULL, NULL, 0, &processes[i]));
        time_sleep_ns(2 * NS_PER_MS);
        for (u32 i = 0; i < 4; i++)
            CHECK_OK(process_kill(processes[i].handle, 0));
        for (u32 i = 0; i < 4; i++) {
            CHECK_OK(end_of(&processes[i], &record));
            CHECK_EQ(record.reason, EXIT_KILLED);
        }
    }
}
