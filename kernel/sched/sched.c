/* The scheduler: readiness, switching, and the way out of the kernel. Lending is in sched/lend.c.
 */
#include "sched/sched.h"

#include "arch/time.h"
#include "arch/upcalls.h"
#include "core/assert.h"
#include "sched/fair.h"
#include "sched/quota.h"
#include "sched/sched_internal.h"
#include "sched/wait.h"
#include "trace/trace.h"

#define IDLE_JOB_SLICES 2u
#define IDLE_ROUNDS     4u
#define GRACE_NUDGE_NS  1000000ull

KERNEL_STATE static struct run_queue run_queues[CPU_MAX];

void sched_init(void)
{
    for (u32 i = 0; i < cpu_count(); i++) {
        run_queue_init(&run_queues[i]);
        cpu_at(i)->run_queue = &run_queues[i];
        cpu_at(i)->grace_nudge_ns = TIME_NEVER;
        cpu_at(i)->timer_set_ns = TIME_NEVER;
    }
}

/* Time since the last charge goes to the activity that the current thread runs on, and its payer.
 */
static void charge(struct cpu *cpu, struct thread *thread)
{
    u64 now = arch_cycles();
    u64 used = now - cpu->switched_at;
    cpu->switched_at = now;
    struct activity *activity = thread->activity;
    if (!activity)
        return;
    activity->cycles += used;
    activity->virtual_time += used;
    struct share *share = activity->share;
    ATOMIC_STORE_RELAXED(&share->cycles, share->cycles + used);
}

void sched_charge(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    if (cpu->entered == thread)
        charge(cpu, thread);
}

static void leave_charged(struct cpu *cpu, struct thread *thread, bool voluntary)
{
    arch_context_leave(&thread->context, voluntary);
    cpu->entered = NULL;
}

void sched_leave(struct cpu *cpu, struct thread *thread, bool voluntary)
{
    if (cpu->entered != thread)
        return;
    charge(cpu, thread);
    leave_charged(cpu, thread, voluntary);
}

/* The thread whose registers this CPU is to hold when it goes back to user mode. */
static inline void note_entered(struct cpu *cpu, struct thread *thread)
{
    COUNT(cpu, SWITCHES);
    cpu->entered = thread;
    cpu->entry_is_syscall = false; /* it was another thread's call: should this one have to leave
                                      again, its vectors are live */
    vspace_load(cpu, thread->vspace);
    thread->trace.trace = thread->activity->trace;
    cpu->trace_context = &thread->trace;
}

static void come_to(struct cpu *cpu, struct thread *thread)
{
    if (cpu->entered == thread)
        return;
    DEBUG_ASSERT(!cpu->entered);
    cpu->switched_at = arch_cycles();
    note_entered(cpu, thread);
    arch_context_enter(&thread->context);
}

/* Somebody waits here: does the timer not know of it yet, or must another CPU be thought of? */
static inline bool slice_is_to_be_armed(const struct cpu *cpu)
{
    u64 end = cpu->run_queue->slice_end_ns;
    return unlikely(end == TIME_NEVER) || unlikely(end < cpu->timer_set_ns) ||
           unlikely(cpu_count() > 1);
}

void sched_enqueue(struct cpu *cpu, struct activity *activity)
{
    struct thread *thread = activity->thread;
    if (unlikely(activity->share->throttled) && activity != thread->home) {
        /* A server is not held up by what its caller may use. */
        sched_send_home(thread);
        activity = thread->home;
    }
    if (unlikely(!(ATOMIC_LOAD_RELAXED(&thread->cpu_mask) >> cpu->index & 1))) {
        u64 allowed = ATOMIC_LOAD_RELAXED(&thread->cpu_mask);
        sched_send_to(activity, (u32)__builtin_ctzll(allowed));
        return;
    }
    activity->ready_at = arch_cycles();
    struct thread *current = cpu->current;
    if (unlikely(activity->ready_at - cpu->switched_at > SLICE_CYCLES) && current &&
        cpu->entered == current) {
        charge(cpu, current); /* it has been alone for long */
        run_queue_advance(current->activity);
    }
    run_queue_insert(cpu->run_queue, activity);
    if (current && run_queue_precedes(cpu->run_queue, activity, current->activity))
        cpu->need_resched = true;
    if (cpu->need_resched || slice_is_to_be_armed(cpu))
        cpu->attention.look = 1;
    TRACE(SCHED_WAKE, thread->object.id, cpu->index, 0, 0);
}

void sched_ready_on(struct thread *thread, struct activity *activity)
{
    struct cpu *cpu = this_cpu();
    DEBUG_ASSERT(activity->cpu == cpu->index && thread->activity == activity);
    sched_enqueue(cpu, activity);
}

void sched_switch_to(struct thread *to, struct activity *activity)
{
    struct cpu *cpu = this_cpu();
    DEBUG_ASSERT(!cpu->current && activity->cpu == cpu->index && to->activity == activity);
    if (unlikely(!(ATOMIC_LOAD_RELAXED(&to->cpu_mask) >> cpu->index & 1))) {
        activity->state = ACTIVITY_IDLE;
        sched_enqueue(cpu, activity);
        return;
    }
    activity->state = ACTIVITY_RUNNING;
    fair_enter(cpu->run_queue, activity);
    cpu->current = to;
}

void sched_kick(struct thread *thread)
{
    struct activity *activity = ATOMIC_LOAD(&thread->activity);
    u32 owner = activity ? activity->cpu : this_cpu()->index;
    ATOMIC_STORE_SEQ(&cpu_at(owner)->run_queue->release_throttled, 1);
    if (owner != this_cpu()->index)
        arch_ipi_send(owner);
    else
        this_cpu()->attention.look = 1;
}

static inline void begin_run(struct cpu *cpu, struct activity *activity, u64 now)
{
    activity->state = ACTIVITY_RUNNING;
    cpu->current = activity->thread;
    cpu->picked_at = now;
    trace_measure(cpu, HISTOGRAM_RUN_DELAY, cpu->picked_at - activity->ready_at);
}

static void run(struct cpu *cpu, struct activity *activity, u64 now)
{
    begin_run(cpu, activity, now);
    TRACE(SCHED_SWITCH, cpu->trace_context->thread, activity->thread->object.id, 0, 0);
}

/* Has the current thread's activity used less than those that wait, and may it stay here? */
static bool may_go_on(const struct cpu *cpu, const struct thread *thread)
{
    return run_queue_may_go_on(cpu->run_queue, thread->activity) &&
           (ATOMIC_LOAD_RELAXED(&thread->cpu_mask) >> cpu->index & 1);
}

/* May the current thread give way to the first of its own group? */
static bool stays_in_share(struct cpu *cpu, const struct thread *thread)
{
    return thread->activity->share->first && !reaper_has_work() &&
           !fair_is_others_turn(cpu->run_queue) &&
           likely(ATOMIC_LOAD_RELAXED(&thread->cpu_mask) >> cpu->index & 1);
}

/* Perhaps somebody else's turn: then the current thread goes back to the queue. If the next is of
 * the same group the two change places, and touch no tree if nobody else waits. */
static void preempt(struct cpu *cpu)
{
    struct thread *thread = cpu->current;
    cpu->need_resched = false;
    if (!thread || (ATOMIC_LOAD(&thread->flags) & (THREAD_FLAG_KILLED | THREAD_FLAG_FAULTED)))
        return; /* to end it need not wait for its turn */
    /* It may just have come to this CPU, and not have entered it yet. */
    bool entered = cpu->entered == thread;
    if (entered)
        charge(cpu, thread);
    if (!reaper_has_work() && may_go_on(cpu, thread))
        return;
    if (entered)
        leave_charged(cpu, thread, false);
    struct activity *activity = thread->activity;
    if (likely(stays_in_share(cpu, thread))) {
        activity->ready_at = arch_cycles();
        run(cpu, run_queue_exchange(activity), activity->ready_at);
        return;
    }
    cpu->current = NULL;
    activity->state = ACTIVITY_IDLE;
    sched_enqueue(cpu, activity);
}

static void pick(struct cpu *cpu)
{
    /* One slice of long work between any two threads. */
    if (unlikely(reaper_has_work()))
        (void)reaper_run();
    struct activity *activity = run_queue_pick(cpu->run_queue);
    if (activity)
        run(cpu, activity, arch_cycles());
}

/* Killed and suspended threads do not get back to user mode. */
static void heed_flags(struct cpu *cpu)
{
    struct thread *thread = cpu->current;
    u32 flags = ATOMIC_LOAD(&thread->flags);
    if (likely(flags == 0))
        return;
    come_to(cpu, thread); /* so that it can be left like any other */
    if (flags & (THREAD_FLAG_KILLED | THREAD_FLAG_FAULTED))
        sched_hooks.end_thread(thread);
    else if (flags & THREAD_FLAGS_STOP)
        wait_hold(thread);
    if (flags & THREAD_FLAG_MOVE) {
        (void)ATOMIC_AND(&thread->flags, ~THREAD_FLAG_MOVE);
        cpu->need_resched = true;
    }
}

static u64 slice_ns(void)
{
    return reaper_has_work() ? SCHED_REAPER_NS : SCHED_SLICE_NS;
}

/* What has been armed stays, also when what it was for has gone: it is looked at when it fires, and
 * two who take turns do not set the timer each time. */
static void arm_timer(struct cpu *cpu)
{
    struct run_queue *queue = cpu->run_queue;
    bool others = queue->count > 0 || reaper_has_work();
    bool slice = others && queue->slice_end_ns == TIME_NEVER;
    bool nudge = grace_is_waiting(cpu) && cpu->grace_nudge_ns == TIME_NEVER;
    bool push = queue->count > 0 && cpu_count() > 1 && balance_can_push(cpu);
    u64 next = ATOMIC_LOAD(&cpu->timer_next_ns);
    if (queue->quota_ns < next)
        next = queue->quota_ns;
    if (unlikely(slice | nudge | push)) {
        u64 now = arch_clock_ns();
        if (slice)
            queue->slice_end_ns = now + slice_ns();
        if (nudge)
            cpu->grace_nudge_ns = now + GRACE_NUDGE_NS;
        if (push && now + SCHED_BALANCE_NS < next)
            next = now + SCHED_BALANCE_NS;
    }
    if (queue->slice_end_ns < next)
        next = queue->slice_end_ns;
    if (cpu->grace_nudge_ns < next)
        next = cpu->grace_nudge_ns;
    cpu->timer_set_ns = next;
    arch_timer_set(next);
}

/* The time has come that arm_timer chose for the slice: is it over for the one that runs now? */
static void check_slice(struct cpu *cpu, u64 now_ns)
{
    struct run_queue *queue = cpu->run_queue;
    queue->slice_end_ns = TIME_NEVER;
    if (queue->count == 0 && !reaper_has_work())
        return;
    u64 ran = arch_cycles_to_ns(arch_cycles() - cpu->picked_at);
    if (ran >= slice_ns())
        cpu->need_resched = true;
    else
        queue->slice_end_ns = now_ns + slice_ns() - ran;
}

/* Translations that others have asked to be dropped go between reading the period and reporting it:
 * whoever asked before that period began may then give the frames to somebody else, however long
 * its interrupt takes. A second time if a period has begun meanwhile: on a machine whose other CPUs
 * idle it is over at once. */
static bool report_quiescent(struct cpu *cpu)
{
    grace_settle(cpu);
    u64 period = grace_period();
    vspace_exit_check(cpu);
    if (!cpu->entered)
        trace_forget_context(cpu); /* the thread may be freed from here on */
    bool more = grace_quiescent(cpu, period);
    if (likely(!grace_is_waiting(cpu) || grace_period() == period))
        return more;
    period = grace_period();
    vspace_exit_check(cpu);
    return grace_quiescent(cpu, period);
}

/* Nothing runs here. True if there is something to do after all. What waits for grace periods is
 * looked at a few times only
 * (`rounds`): it may depend on another CPU, and this one must take its interrupts meanwhile. */
static bool idle_has_work(struct cpu *cpu, u32 rounds)
{
    if (rounds >= IDLE_ROUNDS)
        return cpu->run_queue->count > 0;
    for (u32 i = 0; i < IDLE_JOB_SLICES && !cpu->run_queue->count; i++) {
        if (!reaper_run())
            break;
    }
    return cpu->run_queue->count > 0 || report_quiescent(cpu);
}

/* True: idle it is. False: mail has come in meanwhile. */
static bool idle_enter(struct cpu *cpu)
{
    vspace_unload(cpu);
    cpu->idle_since_ns = arch_clock_ns();
    cpu->run_queue->slice_end_ns = TIME_NEVER;
    balance_ask(cpu);
    grace_idle_enter(cpu);
    if (!mailbox_is_empty(cpu)) {
        grace_idle_leave(cpu);
        return false;
    }
    /* Long work that is left: come back at once, with a window for interrupts between. */
    if (reaper_has_work() || grace_is_due(cpu))
        arch_timer_set(arch_clock_ns());
    else
        arm_timer(cpu);
    return true;
}

void sched_idle_leave(struct cpu *cpu)
{
    grace_idle_leave(cpu);
    u64 slept = arch_clock_ns() - cpu->idle_since_ns;
    cpu->idle_ns += slept;
    TRACE(SCHED_IDLE, slept, 0, 0, 0);
}

/* The long way out: looks at everything. */
static struct arch_context *exit_looking(struct cpu *cpu)
{
    u32 idle_rounds = 0;
    for (;;) {
        if (unlikely(cpu->recheck)) {
            struct thread *killed = cpu->recheck;
            cpu->recheck = NULL;
            (void)wait_cancel(killed, STATUS_CANCELLED);
        }
        if (unlikely(!mailbox_is_empty(cpu)))
            mailbox_drain(cpu);
        if (unlikely(cpu->run_queue->pull_requests))
            balance_answer(cpu);
        if (cpu->need_resched)
            preempt(cpu);
        if (!cpu->current)
            pick(cpu);
        if (cpu->current)
            heed_flags(cpu);
        if (unlikely(ATOMIC_LOAD_RELAXED(&cpu->run_queue->quotas_exist)) && !quota_check(cpu))
            continue;
        if (!cpu->current)
            fair_idle(cpu->run_queue); /* the share's group may be freed from here on */
        (void)report_quiescent(cpu);
        struct thread *thread = cpu->current;
        if (likely(thread && !cpu->need_resched && mailbox_is_empty(cpu))) {
            come_to(cpu, thread);
            arm_timer(cpu);
            cpu->attention.look = 0; /* all of it has been looked at */
            return &thread->context;
        }
        if (!thread && !idle_has_work(cpu, idle_rounds++) && idle_enter(cpu))
            return NULL;
    }
}

/* Nothing to look at but who runs: no mail, no period that has begun or is waited for, no long
 * work. */
static inline bool is_calm(const struct cpu *cpu)
{
    return likely(!cpu->grace_waiting) && likely(!cpu->grace_next) && likely(!cpu->recheck) &&
           likely(mailbox_is_empty(cpu)) && likely(!cpu->run_queue->pull_requests) &&
           likely(cpu->grace_seen == grace_period()) && likely(list_is_empty(&cpu->jobs)) &&
           likely(!ATOMIC_LOAD_RELAXED(&cpu->run_queue->quotas_exist));
}

/* May the thread go to user mode, as far as its flags go? Being bound to CPUs was looked at when it
 * became ready. */
static inline bool is_free_to_run(const struct thread *thread)
{
    return likely((ATOMIC_LOAD(&thread->flags) & ~THREAD_FLAG_BOUND) == 0);
}

/* Calm: the current thread, whose time has been charged, is back in the queue, and `next`, which is
 * in none, goes on in its place. `in_call`: at the end of a system call, which has its status. */
static inline void change_places(struct cpu *cpu, struct thread *thread, struct activity *next,
                                 bool in_call)
{
    struct thread *to = next->thread;
    thread->activity->ready_at = cpu->switched_at;
    begin_run(cpu, next, cpu->switched_at);
    if (TRACE_BUILT && unlikely(cpu->attention.trace)) {
        if (in_call)
            sched_tell_call(cpu, thread, true);
        TRACE(SCHED_WAKE, thread->object.id, cpu->index, 0, 0);
        TRACE(SCHED_SWITCH, thread->object.id, to->object.id, 0, 0);
    }
    if (likely(arch_can_swap()) && likely(arch_context_can_swap(&to->context))) {
        arch_context_exchange(&thread->context, &to->context);
        note_entered(cpu, to);
    } else {
        leave_charged(cpu, thread, false);
        come_to(cpu, to);
    }
}

/* Calm: what preempt does, and coming to the next at once. The thread to resume. */
static inline struct thread *take_turns(struct cpu *cpu, struct thread *thread)
{
    cpu->need_resched = false;
    charge(cpu, thread);
    if (run_queue_may_go_on(cpu->run_queue, thread->activity))
        return thread;
    change_places(cpu, thread, run_queue_turn(cpu->run_queue, thread->activity), false);
    return cpu->current;
}

static inline bool timer_is_to_be_set(const struct cpu *cpu)
{
    return ATOMIC_LOAD(&cpu->timer_next_ns) < cpu->timer_set_ns ||
           (cpu->run_queue->count > 0 && slice_is_to_be_armed(cpu));
}

/* The same of one that is to become ready here. */
static inline bool may_come_to(const struct cpu *cpu, const struct thread *thread)
{
    u32 flags = ATOMIC_LOAD(&thread->flags);
    return likely(flags == 0) || (flags == THREAD_FLAG_BOUND &&
                                  (ATOMIC_LOAD_RELAXED(&thread->cpu_mask) >> cpu->index & 1));
}

void sched_wake_last(struct thread *to)
{
    struct cpu *cpu = this_cpu();
    struct thread *thread = cpu->current;
    struct activity *activity = ATOMIC_LOAD(&to->activity);
    if (unlikely(!activity) || unlikely(activity->cpu != cpu->index) || !is_calm(cpu) ||
        !may_come_to(cpu, to) || !is_free_to_run(thread) ||
        !run_queue_pass(cpu->run_queue, activity, thread->activity)) {
        sched_wake(to);
        return;
    }
    charge(cpu, thread);
    run_queue_replace(cpu->run_queue, thread->activity, activity);
    activity->ready_at = cpu->switched_at;
    if (TRACE_BUILT && unlikely(cpu->attention.trace))
        TRACE(SCHED_WAKE, to->object.id, cpu->index, 0, 0);
    change_places(cpu, thread, activity, cpu->entry_is_syscall);
    if (unlikely(timer_is_to_be_set(cpu)))
        cpu->attention.look = 1;
}

void sched_yield_cpu(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *thread = cpu->current;
    bool at_once = is_calm(cpu) && !cpu->attention.look && is_free_to_run(thread);
    if (likely(at_once))
        charge(cpu, thread);
    if (!run_queue_yield(cpu->run_queue, thread->activity))
        return;
    if (likely(at_once)) {
        change_places(cpu, thread, run_queue_turn(cpu->run_queue, thread->activity), true);
        at_once = is_free_to_run(cpu->current);
    } else {
        cpu->need_resched = true;
    }
    if (unlikely(!at_once) || unlikely(timer_is_to_be_set(cpu)))
        cpu->attention.look = 1;
}

struct arch_context *sched_exit(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *thread = cpu->current;
    if (unlikely(!is_calm(cpu)))
        return exit_looking(cpu);
    if (!thread) {
        pick(cpu);
        thread = cpu->current;
    } else if (likely(cpu->entered == thread) && cpu->need_resched && is_free_to_run(thread)) {
        thread = take_turns(cpu, thread);
    }
    if (unlikely(!thread) || unlikely(cpu->need_resched) || !is_free_to_run(thread))
        return exit_looking(cpu);
    vspace_exit_check(cpu);
    come_to(cpu, thread);
    if (unlikely(timer_is_to_be_set(cpu)))
        arm_timer(cpu);
    cpu->attention.look = 0;
    return &thread->context;
}

struct arch_context *upcall_timer(u64 now_ns)
{
    struct cpu *cpu = sched_enter();
    COUNT(cpu, INTERRUPTS);
    cpu->timer_set_ns = TIME_NEVER;
    if (timer_run(now_ns))
        cpu->need_resched = true;
    if (now_ns >= cpu->run_queue->slice_end_ns)
        check_slice(cpu, now_ns);
    if (now_ns >= cpu->run_queue->quota_ns)
        quota_expired(cpu, now_ns);
    balance_push(cpu);
    if (now_ns >= cpu->grace_nudge_ns) {
        cpu->grace_nudge_ns = TIME_NEVER;
        if (grace_is_waiting(cpu))
            grace_nudge();
    }
    return sched_exit();
}

struct arch_context *upcall_ipi(void)
{
    struct cpu *cpu = sched_enter();
    COUNT(cpu, INTERRUPTS);
    return sched_exit();
}
