/* The SDK's locks under contention on all CPUs, and futexes in memory that processes share. */
#include "attack.h"

#include "ferrous/lock.h"

#define WORKERS 8u

static struct mutex mutex;
static struct condition condition;
static struct condition space;
static struct semaphore semaphore;
static u64 counter;
static u64 inside;
static u64 most_inside;

/* Starts them over all CPUs and sums what they return. */
static u64 run_workers(u64 (*work)(void *), u64 (*other)(void *))
{
    struct thread threads[WORKERS];
    u64 sum = 0;

    for (u32 i = 0; i < WORKERS; i++) {
        if (start_on(i, &threads[i], i % 2 == 0 ? work : other, (void *)(u64)i) != STATUS_OK) {
            test_fail(__FILE__, __LINE__, "cannot start a thread");
            return 0;
        }
    }
    for (u32 i = 0; i < WORKERS; i++)
        sum += thread_join(&threads[i]);
    return sum;
}

static u64 count_up(void *argument)
{
    (void)argument;
    for (u64 i = 0; i < 10 * options.rounds; i++) {
        mutex_lock(&mutex);
        counter = *(volatile u64 *)&counter + 1;
        mutex_unlock(&mutex);
    }
    return 10 * options.rounds;
}

/* Gets in only when nobody holds it. */
static u64 count_up_if_free(void *argument)
{
    u64 done = 0;

    (void)argument;
    for (u64 i = 0; i < 20 * options.rounds; i++) {
        if (!mutex_try_lock(&mutex))
            continue;
        counter = *(volatile u64 *)&counter + 1;
        mutex_unlock(&mutex);
        done++;
    }
    return done;
}

BOOT_TEST(locks, mutex_excludes)
{
    mutex = MUTEX_INIT;
    counter = 0;
    CHECK_EQ(run_workers(count_up, count_up_if_free), counter);
    CHECK(counter >= 4 * 10 * options.rounds);
    CHECK_EQ(mutex.state, 0);
}

/* A bounded buffer of one number: producers and consumers wait for each other. */
#define EMPTY 0ull
static u64 slot;

static u64 produce(void *argument)
{
    u64 sum = 0;

    for (u64 i = 1; i <= 3 * options.rounds; i++) {
        u64 value = i << 8 | (u64)(uintptr_t)argument | 1ull << 40;

        mutex_lock(&mutex);
        while (slot != EMPTY)
            (void)condition_wait(&space, &mutex, TIME_NEVER);
        slot = value;
        condition_signal(&condition);
        mutex_unlock(&mutex);
        sum += value;
    }
    return sum;
}

static u64 consume(void *argument)
{
    u64 sum = 0;

    (void)argument;
    for (u64 i = 1; i <= 3 * options.rounds; i++) {
        mutex_lock(&mutex);
        while (slot == EMPTY)
            (void)condition_wait(&condition, &mutex, TIME_NEVER);
        sum += slot;
        slot = EMPTY;
        if (i % 2 == 0)
            condition_signal(&space);
        else
            condition_broadcast(&space);
        mutex_unlock(&mutex);
    }
    return 0 - sum;
}

BOOT_TEST(locks, condition_loses_nothing)
{
    mutex = MUTEX_INIT;
    condition = CONDITION_INIT;
    space = CONDITION_INIT;
    slot = EMPTY;
    CHECK_EQ(run_workers(produce, consume), 0);
    CHECK_EQ(slot, EMPTY);
}

#define PERMITS 3u

static u64 enter_and_leave(void *argument)
{
    (void)argument;
    for (u64 i = 0; i < 3 * options.rounds; i++) {
        u64 now;
        u64 most;

        if (i % 4 == 0 ? semaphore_wait(&semaphore, PATIENCE) != STATUS_OK
                       : semaphore_wait(&semaphore, TIME_NEVER) != STATUS_OK)
            return 1;
        now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        most = __atomic_load_n(&most_inside, __ATOMIC_SEQ_CST);
        while (now > most && !__atomic_compare_exchange_n(&most_inside, &most, now, false,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        if (i % 16 == 0)
            thread_yield();
        (void)__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        semaphore_post(&semaphore);
    }
    return 0;
}

BOOT_TEST(locks, semaphore_lets_in_so_many)
{
    semaphore = SEMAPHORE_INIT(PERMITS);
    inside = 0;
    most_inside = 0;
    CHECK_EQ(run_workers(enter_and_leave, enter_and_leave), 0);
    CHECK(most_inside >= 1 && most_inside <= PERMITS);
    CHECK_EQ(semaphore.count, PERMITS);
    CHECK_EQ(semaphore.waiters, 0);
}

#define ONCES 64u
static struct once onces[ONCES];
static u32 turn;
static u32 runs[ONCES];

static void run_once(void)
{
    thread_yield();
    runs[__atomic_load_n(&turn, __ATOMIC_RELAXED)]++;
}

/* All meet at each one, in order. */
static u64 run_all_onces(void *argument)
{
    u64 wrong = 0;

    (void)argument;
    for (u32 i = 0; i < ONCES; i++) {
        once_run(&onces[i], run_once);
        wrong += __atomic_load_n(&runs[i], __ATOMIC_RELAXED) != 1;
        (void)__atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&counter, __ATOMIC_SEQ_CST) < (u64)WORKERS * (i + 1))
            thread_yield();
        __atomic_store_n(&turn, i + 1, __ATOMIC_SEQ_CST);
    }
    return wrong;
}

BOOT_TEST(locks, once_runs_once)
{
    memset(onces, 0, sizeof(onces));
    memset(runs, 0, sizeof(runs));
    turn = 0;
    counter = 0;
    CHECK_EQ(run_workers(run_all_onces, run_all_onces), 0);
    for (u32 i = 0; i < ONCES; i++)
        CHECK_EQ(runs[i], 1);
}

/* --- between processes --- */

/* In a page that all have mapped, at addresses of their own. */
struct shared {
    struct mutex mutex;
    struct semaphore posted;
    u64 counter;
};

int role_counter(const char *argument)
{
    struct shared *shared;
    u64 address = 0;
    u64 count = 0;

    if (!string_to_u64(argument, &count) ||
        memory_map((memory_t){start_cap("memory")}, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address) !=
            STATUS_OK)
        return 1;
    shared = (void *)(uintptr_t)address;
    for (u64 i = 0; i < count; i++) {
        mutex_lock(&shared->mutex);
        shared->counter = *(volatile u64 *)&shared->counter + 1;
        mutex_unlock(&shared->mutex);
    }
    semaphore_post(&shared->posted);
    return 0;
}

BOOT_TEST(locks, mutex_and_semaphore_between_processes)
{
    struct process_spec held = {.held = true, .cap_count = 1};
    struct process processes[4];
    struct exit_record record;
    struct process_cap cap;
    struct shared *shared;
    memory_t memory;
    u64 address;

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    shared = (void *)(uintptr_t)address;
    cap = GIVE("memory", memory, RIGHT_READ | RIGHT_WRITE);
    held.caps = &cap;
    for (u32 i = 0; i < 4; i++) {
        CHECK_OK(start_role_with(&held, attack.group, "counter", "2000", &processes[i]));
        CHECK_OK(release_on(i, &processes[i]));
    }
    for (u32 i = 0; i < 4; i++)
        CHECK_OK(semaphore_wait(&shared->posted, PATIENCE));
    for (u32 i = 0; i < 4; i++) {
        CHECK_OK(end_of(&processes[i], &record));
        CHECK_EQ(record.reason, EXIT_NORMAL);
        CHECK_EQ(record.code, 0);
    }
    CHECK_EQ(shared->counter, 8000);
    CHECK_EQ(shared->mutex.state, 0);
    CHECK_EQ(shared->posted.count, 0);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
}
