/* The scheduler: readiness, switching, and the way out of the kernel. Lending is in sched/lend.c.
 */
#include "sched/sched.h"

#include "arch/time.h"
#include "arch/upcalls.h"
#include "core/assert.h"
#include "sched/sched_internal.h"
#include "sched/wait.h"
#include "trace/trace.h"

#define IDLE_JOB_SLICES 8u
#define IDLE_ROUNDS     4u
#define GRACE_NUDGE_NS  1000000ull

KERNEL_STATE static struct run_queue run_queues[CPU_MAX];

void sched_init(void)
{
    for (u32 i = 0; i < cpu_count(); i++) {
        run_queue_init(&run_queues[i]);
        cpu_at(i)->run_queue = &run_queues[i];
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
    u32 weight = ATOMIC_LOAD_RELAXED(&activity->payer->weight);
    u64 scaled = used;
    if (weight != GROUP_DEFAULT_WEIGHT)
        scaled = used * GROUP_DEFAULT_WEIGHT / weight;
    activity->virtual_time += scaled;
    (void)ATOMIC_ADD(&activity->payer->cpu_cycles, used);
}

void sched_charge(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    if (cpu->entered == thread)
        charge(cpu, thread);
}

void sched_leave(struct cpu *cpu, struct thread *thread, bool voluntary)
{
    if (cpu->entered != thread)
        return;
    charge(cpu, thread);
    arch_context_leave(&thread->context, voluntary);
    cpu->entered = NULL;
}

/* The thread whose registers this CPU is to hold when it goes back to user mode. */
static void come_to(struct cpu *cpu, struct thread *thread)
{
    if (cpu->entered == thread)
        return;
    DEBUG_ASSERT(!cpu->entered);
    cpu->switched_at = arch_cycles();
    COUNT(cpu, SWITCHES);
    cpu->entered = thread;
    cpu->entry_is_syscall = false; /* it was another thread's call: should this one have to leave
                                      again, its vectors are live */
    vspace_load(cpu, thread->vspace);
    arch_context_enter(&thread->context);
    thread->trace.trace = thread->activity->trace;
    cpu->trace_context = &thread->trace;
}

void sched_enqueue(struct cpu *cpu, struct activity *activity)
{
    struct thread *thread = activity->thread;
    if (unlikely(!(ATOMIC_LOAD_RELAXED(&thread->cpu_mask) >> cpu->index & 1))) {
        u64 allowed = ATOMIC_LOAD_RELAXED(&thread->cpu_mask);
        sched_send_to(activity, (u32)__builtin_ctzll(allowed));
        return;
    }
    activity->ready_at = arch_cycles();
    run_queue_insert(cpu->run_queue, activity);
    struct thread *current = cpu->current;
    cpu->attention.look = 1;
    if (current && run_queue_precedes(activity, current->activity->virtual_time))
        cpu->need_resched = true;
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
    cpu->current = to;
}

void sched_yield_cpu(void)
{
    struct cpu *cpu = this_cpu();
    struct activity *activity = cpu->current->activity;
    struct tree_node *first = tree_first(&cpu->run_queue->ready);
    if (!first)
        return;
    /* Behind the first in line, so that it is the one that runs. */
    if (activity->virtual_time < first->key)
        activity->virtual_time = first->key;
    cpu->need_resched = true;
    cpu->attention.look = 1;
}

void sched_kick(struct thread *thread)
{
    struct activity *activity = ATOMIC_LOAD(&thread->activity);
    if (activity && activity->cpu != this_cpu()->index)
        arch_ipi_send(activity->cpu);
    else
        this_cpu()->attention.look = 1;
}

/* Somebody else's turn: the current thread goes back to the queue. */
static void preempt(struct cpu *cpu)
{
    struct thread *thread = cpu->current;
    cpu->need_resched = false;
    cpu->run_queue->slice_end_ns = TIME_NEVER;
    if (!thread)
        return;
    sched_leave(cpu, thread, false);
    cpu->current = NULL;
    struct activity *activity = thread->activity;
    activity->state = ACTIVITY_IDLE;
    sched_enqueue(cpu, activity);
}

static void pick(struct cpu *cpu)
{
    /* One slice of long work between any two threads. */
    (void)reaper_run();
    struct activity *activity = run_queue_pick(cpu->run_queue);
    if (!activity)
        return;
    activity->state = ACTIVITY_RUNNING;
    cpu->current = activity->thread;
    trace_measure(cpu, HISTOGRAM_RUN_DELAY, arch_cycles() - activity->ready_at);
    TRACE(SCHED_SWITCH, cpu->trace_context->thread, activity->thread->object.id, 0, 0);
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
    else if (flags & THREAD_FLAG_SUSPENDED)
        wait_hold(thread);
    if (flags & THREAD_FLAG_MOVE) {
        (void)ATOMIC_AND(&thread->flags, ~THREAD_FLAG_MOVE);
        cpu->need_resched = true;
    }
}

static void arm_timer(struct cpu *cpu)
{
    struct run_queue *queue = cpu->run_queue;
    u64 next = timer_next();
    bool others = queue->count > 0 || reaper_has_work();
    if (likely(!others && !grace_is_waiting(cpu))) {
        queue->slice_end_ns = TIME_NEVER;
        arch_timer_set(next);
        return;
    }
    u64 now = arch_clock_ns();
    if (others && queue->slice_end_ns == TIME_NEVER)
        queue->slice_end_ns = now + (reaper_has_work() ? SCHED_REAPER_NS : SCHED_SLICE_NS);
    if (queue->slice_end_ns < next)
        next = queue->slice_end_ns;
    if (queue->count > 0 && cpu_count() > 1 && balance_can_push(cpu) &&
        now + SCHED_BALANCE_NS < next)
        next = now + SCHED_BALANCE_NS;
    if (grace_is_waiting(cpu) && now + GRACE_NUDGE_NS < next)
        next = now + GRACE_NUDGE_NS;
    arch_timer_set(next);
}

/* Translations that others have asked to be dropped go first: once the report is made, the frames
 * may be given to somebody else. What is asked for later comes with an interrupt. */
static bool report_quiescent(struct cpu *cpu)
{
    vspace_exit_check(cpu);
    if (!cpu->entered)
        trace_forget_context(cpu); /* the thread may be freed from here on */
    return grace_quiescent(cpu);
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

struct arch_context *sched_exit(void)
{
    struct cpu *cpu = this_cpu();
    u32 idle_rounds = 0;
    cpu->attention.look = 0;
    for (;;) {
        if (unlikely(cpu->recheck)) {
            struct thread *killed = cpu->recheck;
            cpu->recheck = NULL;
            (void)wait_cancel(killed, STATUS_CANCELLED);
        }
        mailbox_drain(cpu);
        if (unlikely(cpu->run_queue->pull_requests))
            balance_answer(cpu);
        if (cpu->current && likely(!cpu->need_resched)) {
            heed_flags(cpu);
        } else {
            if (cpu->need_resched)
                preempt(cpu);
            if (!cpu->current)
                pick(cpu);
            if (cpu->current)
                heed_flags(cpu);
        }
        (void)report_quiescent(cpu);
        struct thread *thread = cpu->current;
        if (likely(thread && !cpu->need_resched && mailbox_is_empty(cpu))) {
            come_to(cpu, thread);
            arm_timer(cpu);
            return &thread->context;
        }
        if (!thread && !idle_has_work(cpu, idle_rounds++) && idle_enter(cpu))
            return NULL;
    }
}

struct arch_context *upcall_timer(void)
{
    struct cpu *cpu = sched_enter();
    COUNT(cpu, INTERRUPTS);
    u64 now = arch_clock_ns();
    bool more = timer_run(now);
    if (now >= cpu->run_queue->slice_end_ns || more)
        cpu->need_resched = true;
    balance_push(cpu);
    if (grace_is_waiting(cpu))
        grace_nudge();
    return sched_exit();
}

struct arch_context *upcall_ipi(void)
{
    struct cpu *cpu = sched_enter();
    COUNT(cpu, INTERRUPTS);
    return sched_exit();
}
