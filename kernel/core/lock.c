/* Spin locks: test-and-test-and-set, with rank and holder checks in debug builds. */
#include "core/lock.h"

#include "core/assert.h"
#include "core/cpu.h"

void spinlock_init(struct spinlock *lock, enum lock_rank rank)
{
    *lock = SPINLOCK_INIT((u16)rank);
}

#ifdef FERROUS_DEBUG
static void note_taken(struct spinlock *lock, bool same_rank_allowed)
{
    struct cpu *cpu = this_cpu();
    ASSERT(arch_interrupts_off());
    ASSERT(cpu->held_count < CPU_MAX_HELD_LOCKS);
    if (cpu->held_count > 0) {
        const struct spinlock *last = cpu->held[cpu->held_count - 1];
        ASSERT(last->rank < lock->rank ||
               (same_rank_allowed && last->rank == lock->rank && last < lock));
    }
    cpu->held[cpu->held_count++] = lock;
}

static void note_released(struct spinlock *lock)
{
    struct cpu *cpu = this_cpu();
    ASSERT(lock->holder == cpu->index + 1);
    u32 i = cpu->held_count;
    while (i > 0 && cpu->held[i - 1] != lock)
        i--;
    ASSERT(i > 0);
    for (; i < cpu->held_count; i++)
        cpu->held[i - 1] = cpu->held[i];
    cpu->held_count--;
}
#define SET_HOLDER(lock)   ((lock)->holder = (u16)(this_cpu()->index + 1))
#define CLEAR_HOLDER(lock) ((lock)->holder = 0)
#else
#define note_taken(lock, same) ((void)0)
#define note_released(lock)    ((void)0)
#define SET_HOLDER(lock)       ((void)0)
#define CLEAR_HOLDER(lock)     ((void)0)
#endif

static __attribute__((noinline, preserve_most)) void acquire_taken(struct spinlock *lock)
{
    do {
        while (ATOMIC_LOAD_RELAXED(&lock->held) != 0)
            arch_spin_hint();
    } while (ATOMIC_EXCHANGE(&lock->held, 1) != 0);
}

static inline void acquire(struct spinlock *lock)
{
    if (unlikely(ATOMIC_EXCHANGE(&lock->held, 1) != 0))
        acquire_taken(lock);
    SET_HOLDER(lock);
}

void spin_lock(struct spinlock *lock)
{
    note_taken(lock, false);
    acquire(lock);
}

void spin_unlock(struct spinlock *lock)
{
    note_released(lock);
    CLEAR_HOLDER(lock);
    ATOMIC_STORE(&lock->held, 0);
}

u32 *spin_unlock_later(struct spinlock *lock)
{
    note_released(lock);
    CLEAR_HOLDER(lock);
    return &lock->held;
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
    struct spinlock *first = a < b ? a : b;
    struct spinlock *second = a < b ? b : a;
    spin_lock(first);
    if (second != first) {
        note_taken(second, true);
        acquire(second);
    }
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
    spin_unlock(a);
    if (a != b)
        spin_unlock(b);
}

bool spin_is_held(const struct spinlock *lock)
{
#ifdef FERROUS_DEBUG
    return lock->holder == this_cpu()->index + 1;
#else
    (void)lock;
    return true;
#endif
}
