/* Locks over futexes. Each wait re-checks its word, so a spurious wake-up only costs a turn of the
 * loop. */
#include "ferrous/lock.h"

#include "ferrous/calls.h"

#define MUTEX_FREE      0u
#define MUTEX_HELD      1u
#define MUTEX_CONTENDED 2u

#define ONCE_NEW     0u
#define ONCE_RUNNING 1u
#define ONCE_DONE    2u

bool mutex_try_lock(struct mutex *mutex)
{
    u32 expected = MUTEX_FREE;

    return __atomic_compare_exchange_n(&mutex->state, &expected, MUTEX_HELD, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void mutex_lock(struct mutex *mutex)
{
    if (mutex_try_lock(mutex))
        return;
    while (__atomic_exchange_n(&mutex->state, MUTEX_CONTENDED, __ATOMIC_ACQUIRE) != MUTEX_FREE)
        (void)futex_wait(&mutex->state, MUTEX_CONTENDED, TIME_NEVER);
}

void mutex_unlock(struct mutex *mutex)
{
    if (__atomic_exchange_n(&mutex->state, MUTEX_FREE, __ATOMIC_RELEASE) == MUTEX_CONTENDED)
        (void)futex_wake(&mutex->state, 1);
}

enum status condition_wait(struct condition *condition, struct mutex *mutex, u64 deadline_ns)
{
    u32 sequence = __atomic_load_n(&condition->sequence, __ATOMIC_RELAXED);
    enum status status;

    mutex_unlock(mutex);
    status = futex_wait(&condition->sequence, sequence, deadline_ns);
    mutex_lock(mutex);
    return status == STATUS_TIMED_OUT ? STATUS_TIMED_OUT : STATUS_OK;
}

void condition_signal(struct condition *condition)
{
    (void)__atomic_fetch_add(&condition->sequence, 1, __ATOMIC_RELEASE);
    (void)futex_wake(&condition->sequence, 1);
}

/* The kernel wakes a bounded number at a time. */
static void wake_all(u32 *word)
{
    while (futex_wake(word, UINT32_MAX) != 0)
        continue;
}

void condition_broadcast(struct condition *condition)
{
    (void)__atomic_fetch_add(&condition->sequence, 1, __ATOMIC_RELEASE);
    wake_all(&condition->sequence);
}

bool semaphore_try_wait(struct semaphore *semaphore)
{
    u32 count = __atomic_load_n(&semaphore->count, __ATOMIC_RELAXED);

    while (count != 0) {
        if (__atomic_compare_exchange_n(&semaphore->count, &count, count - 1, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

enum status semaphore_wait(struct semaphore *semaphore, u64 deadline_ns)
{
    while (!semaphore_try_wait(semaphore)) {
        enum status status;

        (void)__atomic_fetch_add(&semaphore->waiters, 1, __ATOMIC_SEQ_CST);
        status = futex_wait(&semaphore->count, 0, deadline_ns);
        (void)__atomic_fetch_sub(&semaphore->waiters, 1, __ATOMIC_SEQ_CST);
        if (status == STATUS_TIMED_OUT)
            return semaphore_try_wait(semaphore) ? STATUS_OK : STATUS_TIMED_OUT;
    }
    return STATUS_OK;
}

void semaphore_post(struct semaphore *semaphore)
{
    (void)__atomic_fetch_add(&semaphore->count, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&semaphore->waiters, __ATOMIC_SEQ_CST) != 0)
        (void)futex_wake(&semaphore->count, 1);
}

void once_run(struct once *once, void (*function)(void))
{
    u32 state = ONCE_NEW;

    if (__atomic_load_n(&once->state, __ATOMIC_ACQUIRE) == ONCE_DONE)
        return;
    if (__atomic_compare_exchange_n(&once->state, &state, ONCE_RUNNING, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_ACQUIRE)) {
        function();
        __atomic_store_n(&once->state, ONCE_DONE, __ATOMIC_RELEASE);
        wake_all(&once->state);
        return;
    }
    while (__atomic_load_n(&once->state, __ATOMIC_ACQUIRE) != ONCE_DONE)
        (void)futex_wait(&once->state, ONCE_RUNNING, TIME_NEVER);
}
