/* Waiting and ending a wait. */
#include "sched/wait.h"

#include "arch/time.h"
#include "core/assert.h"
#include "sched/sched.h"
#include "sched/sched_internal.h"

void wait_prepare(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    DEBUG_ASSERT(cpu->current == thread && !thread->wait_lock);
    sched_leave(cpu, thread, cpu->entry_is_syscall);
}

void wait_begin(struct thread *thread, struct spinlock *lock, struct list *list,
                const struct wait_ops *ops, void *object, u64 deadline_ns)
{
    DEBUG_ASSERT(spin_is_held(lock));
    struct cpu *cpu = this_cpu();
    thread->wait_ops = ops;
    thread->wait_object = object;
    thread->wait_since = cpu->current == thread ? cpu->switched_at : arch_cycles();
    u64 inherited = ATOMIC_LOAD(&thread->serve_deadline);
    if (unlikely(inherited < deadline_ns) && !ops->only_death_ends_it && !thread->faulted)
        deadline_ns = inherited;
    thread->wait_deadline = deadline_ns;
    if (list)
        list_push_back(list, &thread->wait_link);
    else
        list_init(&thread->wait_link);
    if (thread->activity)
        thread->activity->state = ACTIVITY_IDLE;
    if (deadline_ns != TIME_NEVER)
        timer_arm(&thread->timeout, deadline_ns);
    if (cpu->current == thread)
        cpu->current = NULL;
    cpu->attention.look = 1;
    ATOMIC_STORE_SEQ(&thread->wait_lock, lock);
    /* A killer who set the flag before it could see the wait leaves it to us to end it: after the
     * lock is free. */
    if (unlikely(ATOMIC_LOAD(&thread->flags) & THREAD_FLAG_KILLED))
        cpu->recheck = thread;
}

void wait_end(struct thread *thread)
{
    DEBUG_ASSERT(thread->wait_lock && spin_is_held(thread->wait_lock));
    list_unlink(&thread->wait_link);
    if (thread->wait_deadline != TIME_NEVER) {
        timer_cancel(&thread->timeout);
        thread->wait_deadline = TIME_NEVER;
    }
    ATOMIC_STORE(&thread->wait_lock, NULL);
}

struct spinlock *wait_lock_taken(struct thread *thread)
{
    struct spinlock *lock;
    while ((lock = ATOMIC_LOAD(&thread->wait_lock)) != NULL) {
        spin_lock(lock);
        if (thread->wait_lock == lock)
            break;
        spin_unlock(lock);
    }
    return lock;
}

void wait_abort_status(struct thread *thread, enum status status)
{
    thread_set_status(thread, status);
}

/* Which waits an attempt to end one means. */
struct wait_filter {
    const struct spinlock *lock; /* only under this one; NULL: any */
    u64 deadline_limit;          /* only with a deadline up to this */
    bool spare_protected;        /* not those that only death ends */
};

/* Ends the wait if the filter, asked under its lock, lets it. BUSY: it does not; NOT_FOUND: there
 * is no wait. */
static enum status end_if(struct thread *thread, enum status status,
                          const struct wait_filter *filter)
{
    struct spinlock *lock = wait_lock_taken(thread);
    if (!lock)
        return STATUS_NOT_FOUND;
    bool meant = !filter->lock || lock == filter->lock;
    bool spared = filter->spare_protected && thread->wait_ops->only_death_ends_it;
    bool ends = meant && !spared && thread->wait_deadline <= filter->deadline_limit;
    if (ends) {
        wait_end(thread);
        thread->wait_ops->abort(thread, status);
    }
    spin_unlock(lock);
    if (ends)
        sched_wake(thread);
    return ends ? STATUS_OK : STATUS_BUSY;
}

bool wait_cancel(struct thread *thread, enum status status)
{
    const struct wait_filter any = {.deadline_limit = TIME_NEVER};
    return end_if(thread, status, &any) == STATUS_OK;
}

enum status wait_interrupt(struct thread *thread, enum status status)
{
    const struct wait_filter filter = {.deadline_limit = TIME_NEVER, .spare_protected = true};
    return end_if(thread, status, &filter);
}

/* The timer may belong to a wait that has ended meanwhile: a later one has a later deadline and
 * goes on. */
void thread_timeout(struct timer *timer, u64 now_ns)
{
    struct thread *thread = CONTAINER_OF(timer, struct thread, timeout);
    const struct wait_filter due = {.deadline_limit = now_ns};
    (void)end_if(thread, STATUS_TIMED_OUT, &due);
}

/* Nothing but flags leads in or out of being held, so one lock serves all. */
KERNEL_STATE static struct spinlock hold_lock = {.rank = RANK_IPC};

static void abort_hold(struct thread *thread, enum status status)
{
    (void)thread;
    (void)status;
}

static const struct wait_ops hold_ops = {
    .kind = THREAD_STATE_HELD, .only_death_ends_it = true, .abort = abort_hold};
/* Until it is started: the end of a group's suspension does not do that. */
static const struct wait_ops hold_new_ops = {
    .kind = THREAD_STATE_HELD, .only_death_ends_it = true, .abort = abort_hold};

void wait_hold_new(struct thread *thread)
{
    spin_lock(&hold_lock);
    wait_begin(thread, &hold_lock, NULL, &hold_new_ops, NULL, TIME_NEVER);
    spin_unlock(&hold_lock);
}

void wait_hold(struct thread *thread)
{
    wait_prepare(thread);
    spin_lock(&hold_lock);
    /* Resumed meanwhile: then whoever did it saw no wait to end. */
    if (ATOMIC_LOAD(&thread->flags) & THREAD_FLAGS_STOP)
        wait_begin(thread, &hold_lock, NULL, &hold_ops, NULL, TIME_NEVER);
    spin_unlock(&hold_lock);
}

bool wait_release(struct thread *thread)
{
    const struct wait_filter held = {.lock = &hold_lock, .deadline_limit = TIME_NEVER};
    return end_if(thread, STATUS_OK, &held) == STATUS_OK;
}

void wait_heed_group(struct thread *thread)
{
    spin_lock(&hold_lock);
    bool frozen = group_is_suspended(group_of_payer(thread->object.payer));
    u32 flags = frozen ? ATOMIC_OR(&thread->flags, THREAD_FLAG_FROZEN)
                       : ATOMIC_AND(&thread->flags, ~THREAD_FLAG_FROZEN);
    bool goes_on = !frozen && !(flags & THREAD_FLAG_SUSPENDED) && wait_is_held(thread) &&
                   thread->wait_ops == &hold_ops;
    if (goes_on)
        wait_end(thread);
    spin_unlock(&hold_lock);
    if (goes_on)
        sched_wake(thread);
    else if (frozen)
        sched_kick(thread);
}

enum status wait_held_registers(struct thread *thread, struct thread_registers *registers, bool set)
{
    spin_lock(&hold_lock);
    bool held = wait_is_held(thread);
    if (held && set)
        arch_context_set(&thread->context, registers);
    else if (held)
        arch_context_get(&thread->context, registers);
    spin_unlock(&hold_lock);
    return held ? STATUS_OK : STATUS_BUSY;
}

bool wait_is_held(const struct thread *thread)
{
    return ATOMIC_LOAD(&thread->wait_lock) == &hold_lock;
}

enum thread_state_kind thread_state(const struct thread *thread)
{
    return ATOMIC_LOAD(&thread->wait_lock) ? thread->wait_ops->kind : thread_state_awake(thread);
}

enum thread_state_kind thread_state_awake(const struct thread *thread)
{
    if (thread->exited)
        return THREAD_STATE_DEAD;
    struct activity *activity = ATOMIC_LOAD(&thread->activity);
    return activity && activity->state == ACTIVITY_RUNNING ? THREAD_STATE_RUNNING
                                                           : THREAD_STATE_READY;
}
