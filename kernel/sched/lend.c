/*
 * Lending activities along calls, giving them back, and taking them back when the caller leaves.
 *
 * A caller that is being served has `activity` NULL and `lent` set. Whoever runs on the lent
 * activity is its `thread`, be it the server or one further down the chain. A recall gives that
 * thread its home activity.
 *
 * The lendings of an activity that stand are a stack: `claims[0..depth)`, each with a number of its
 * own. A recall cuts the stack at the recaller, so that the callers behind it, whose own `lent`
 * names the same activity, find that their number no longer stands at their place; those before it
 * are not touched, for the activity is still under them.
 *
 * An activity that is lent on by one who had borrowed it is kept in memory by a reference: its home
 * thread may be gone when that claim turns out to be void.
 */
#include "core/assert.h"
#include "sched/fair.h"
#include "sched/sched.h"
#include "sched/sched_internal.h"
#include "sched/wait.h"

bool sched_may_lend(const struct thread *thread, bool faulting)
{
    /* How many calls this one would be nested in. */
    u32 depth = thread->activity == thread->home ? 0 : thread->activity->depth + 1;
    return faulting ? depth <= LEND_MAX_DEPTH : depth < LEND_MAX_DEPTH;
}

/* Does the thread's lending stand? On the CPU that owns the activity. Nobody but itself takes back
 * what is its own. */
static bool claim_stands(const struct thread *thread)
{
    const struct activity *activity = thread->lent;
    return activity == thread->home ||
           (activity->depth > thread->lent_depth &&
            activity->claims[thread->lent_depth] == thread->lent_number);
}

/* The depth that the activity has once the thread has it back. */
static u32 depth_before(const struct thread *thread)
{
    return thread->lent == thread->home ? 0 : thread->lent_depth;
}

void sched_lend(struct thread *from, struct thread *to)
{
    struct activity *activity = from->activity;
    sched_rebase(activity, activity->cpu, this_cpu()->index);
    ATOMIC_STORE(&activity->cpu, this_cpu()->index);
    if (activity == from->home) {
        sched_lend_home(from, activity, to);
        return;
    }
    activity_get(activity);
    from->lent = activity;
    DEBUG_ASSERT(activity->depth < LEND_MAX_DEPTH);
    /* The CPU before the number, the number before the rest: take_back relies on the order. Its
     * home's own lending has none: nobody can take that back but its home. */
    from->lent_number = activity->lendings + 1;
    ATOMIC_STORE(&activity->lendings, from->lent_number);
    from->lent_depth = activity->depth;
    activity->claims[activity->depth++] = from->lent_number;
    ATOMIC_STORE(&from->activity, NULL);
    ATOMIC_STORE(&activity->thread, to);
    ATOMIC_STORE(&to->activity, activity);
}

/* The lender no longer counts on `lent`. */
static void forget_lent(struct thread *thread)
{
    struct activity *lent = thread->lent;
    thread->lent = NULL;
    if (lent != thread->home)
        activity_put(lent);
}

bool sched_may_return(const struct thread *from, const struct thread *to)
{
    return to->lent && to->lent == from->activity && claim_stands(to);
}

void sched_return_lent(struct thread *from, struct thread *to)
{
    struct activity *activity = from->activity;
    (void)sched_give_back(from, to);
    activity->state = ACTIVITY_RUNNING;
}

/* A home activity that is not in use comes to the CPU where its thread is. */
static void bring_home(struct activity *home, const struct cpu *cpu)
{
    sched_rebase(home, home->cpu, cpu->index);
    ATOMIC_STORE(&home->cpu, cpu->index);
}

bool sched_give_back(struct thread *from, struct thread *to)
{
    struct activity *activity = from->activity;
    bool still = to->lent == activity && claim_stands(to);
    if (still) {
        bring_home(from->home, this_cpu());
        from->home->state = ACTIVITY_IDLE;
        ATOMIC_STORE(&from->activity, from->home);
        activity->depth = depth_before(to);
        activity->thread = to;
        activity->state = ACTIVITY_IDLE;
        ATOMIC_STORE(&to->activity, activity);
    } else {
        to->home->thread = to; /* a server that was out of quota may have let go of it */
        ATOMIC_STORE(&to->activity, to->home);
    }
    forget_lent(to);
    return still;
}

void sched_go_home(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    DEBUG_ASSERT(cpu->current == thread && thread->activity == thread->home);
    bring_home(thread->home, cpu);
    thread->home->state = ACTIVITY_RUNNING;
    thread->trace.trace = thread->home->trace;
    u64 latest = thread->home->share->latest;
    if (thread->home->virtual_time < latest)
        thread->home->virtual_time = latest;
    fair_enter(cpu->run_queue, thread->home);
}

void sched_take_on(struct thread *thread)
{
    /* After the lending: see detach_borrower. */
    ATOMIC_STORE(&thread->activity->state, ACTIVITY_RUNNING);
    fair_enter(this_cpu()->run_queue, thread->activity);
}

void sched_settle(struct thread *thread)
{
    struct activity *activity = thread->activity;
    if (likely(activity == thread->home))
        return;
    sched_charge(thread);
    activity->thread = NULL;
    activity->state = ACTIVITY_IDLE;
    ATOMIC_STORE(&thread->activity, thread->home);
    sched_go_home(thread);
}

/* What the borrower runs on is taken back. Whom it serves still, it serves in its own time from now
 * on, but for no longer than that caller waits. */
static void send_home(struct thread *borrower, const struct cpu *cpu)
{
    bring_home(borrower->home, cpu);
    ATOMIC_STORE(&borrower->activity, borrower->home);
}

void sched_send_home(struct thread *thread)
{
    struct activity *activity = thread->activity;
    activity->thread = NULL;
    activity->state = ACTIVITY_IDLE;
    activity->depth = 0; /* nobody's claim stands but its home's */
    send_home(thread, this_cpu());
    thread->home->state = ACTIVITY_IDLE;
}

/* This CPU owned the activity when `lendings` was its count: whoever runs on it goes on with its
 * own. False: the activity has moved to another CPU. */
static bool detach_borrower(struct cpu *cpu, struct activity *activity, u64 lendings)
{
    u8 state = ATOMIC_LOAD(&activity->state);
    struct thread *borrower = ATOMIC_LOAD(&activity->thread);
    /* If the borrower is blocked, another CPU may take the call that it makes on it: then what has
     * just been read is of no use. */
    if (ATOMIC_LOAD(&activity->lendings) != lendings)
        return false;
    if (!borrower)
        return true; /* it has settled */
    if (state == ACTIVITY_IDLE) {
        /* It is blocked: under the lock of its wait, so that nobody takes the activity over from it
         * meanwhile; or it is being woken by mail to this CPU. */
        struct spinlock *lock = ATOMIC_LOAD(&borrower->wait_lock);
        if (lock)
            spin_lock(lock);
        bool same = borrower->wait_lock == lock && ATOMIC_LOAD(&activity->thread) == borrower &&
                    ATOMIC_LOAD(&activity->cpu) == cpu->index;
        if (same)
            send_home(borrower, cpu);
        if (lock)
            spin_unlock(lock);
        return same;
    }
    if (state == ACTIVITY_READY)
        run_queue_remove(cpu->run_queue, activity);
    send_home(borrower, cpu);
    if (state == ACTIVITY_RUNNING)
        sched_go_home(borrower);
    else if (state == ACTIVITY_READY)
        sched_enqueue(cpu, borrower->home);
    /* MOVING: its wake mail is on the way here and finds the home activity. */
    return true;
}

/* The caller's wait was ended from outside while its activity was lent. Runs on any CPU; true when
 * the thread has an activity again; else the mail was sent on. */
static bool take_back(struct cpu *cpu, struct thread *thread)
{
    struct activity *activity = thread->lent;
    for (;;) {
        u64 lendings = ATOMIC_LOAD(&activity->lendings);
        u32 owner = ATOMIC_LOAD(&activity->cpu);
        if (owner != cpu->index) {
            mailbox_post(owner, &thread->wake_mail);
            return false;
        }
        if (!claim_stands(thread)) {
            ATOMIC_STORE(&thread->activity, thread->home);
            break;
        }
        if (detach_borrower(cpu, activity, lendings)) {
            activity->depth = depth_before(thread);
            activity->thread = thread;
            activity->state = ACTIVITY_IDLE;
            ATOMIC_STORE(&thread->activity, activity);
            break;
        }
    }
    forget_lent(thread);
    return true;
}

void sched_wake_mail(struct mail *mail)
{
    struct thread *thread = CONTAINER_OF(mail, struct thread, wake_mail);
    struct cpu *cpu = this_cpu();
    if (!thread->activity && !take_back(cpu, thread))
        return;
    struct activity *activity = thread->activity;
    if (activity->cpu != cpu->index) {
        mailbox_post(activity->cpu, mail);
        return;
    }
    activity->state = ACTIVITY_IDLE; /* from MOVING, if it came from another CPU */
    sched_enqueue(cpu, activity);
}

void sched_wake(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    struct activity *activity = ATOMIC_LOAD(&thread->activity);
    if (likely(activity && activity->cpu == cpu->index)) {
        activity->state = ACTIVITY_IDLE;
        sched_enqueue(cpu, activity);
        return;
    }
    u32 owner = ATOMIC_LOAD(&(activity ? activity : thread->lent)->cpu);
    if (owner == cpu->index)
        sched_wake_mail(&thread->wake_mail);
    else
        mailbox_post(owner, &thread->wake_mail);
}
