/*
 * The scheduler: which activity runs on this CPU.
 *
 * Everything of a run queue, and of the activities that a CPU owns, is touched by that CPU alone;
 * others ask by mail. A kernel entry ends in sched_exit, which picks whom to resume.
 *
 * Two bands are planned by the design; this is the fair one: the activity with the least virtual
 * time runs, for a slice.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "sched/thread.h"

#define SCHED_SLICE_NS   4000000ull /* how long one runs while another waits */
#define SCHED_REAPER_NS  500000ull  /* how long one runs while long work waits for its slice */
#define SCHED_BALANCE_NS 200000ull  /* how long one waits while another CPU idles */

/* Filled by kernel/init, which sees the layers above. */
struct sched_hooks {
    /* A thread with THREAD_FLAG_KILLED or _FAULTED is about to go back to user mode: end it. It is
     * current; afterwards nothing is. */
    void (*end_thread)(struct thread *thread);
};
extern const struct sched_hooks sched_hooks;

void sched_init(void);

/* Each upcall for an interrupt begins with this. */
static inline struct cpu *sched_enter(void);
/* And ends with this: what to resume, NULL to idle. So does a system call or fault that has set
 * cpu.attention; any other goes straight back to its thread: what others want of this CPU comes
 * with an interrupt, and what is due at a time with the timer, which was armed at the last way out
 * that looked. */
struct arch_context *sched_exit(void);
void sched_idle_leave(struct cpu *cpu);

/* The current thread is about to be seen by others as not running: its time is charged, its
 * registers are complete. Once per kernel entry; harmless when repeated. */
void sched_leave(struct cpu *cpu, struct thread *thread, bool voluntary);

/* The thread's wait has ended: it becomes ready on the CPU that owns its activity. No locks above
 * RANK_IPC held. */
void sched_wake(struct thread *thread);

/* The same, as the last thing that a system call or an interrupt does with the current thread,
 * which there is: if the woken one is to preempt it, it takes its place at once. */
void sched_wake_last(struct thread *thread);

/* Writes the event of the system call that the running thread is in; over: it has its status, else
 * it waits or another runs in its place. */
void sched_tell_call(struct cpu *cpu, const struct thread *thread, bool over);

/* The current thread lets others run first. */
void sched_yield_cpu(void);

/* The blocked thread `to` runs on this CPU at once, on `activity`, which this CPU owns and whose
 * thread is off it. Nothing is current. */
void sched_switch_to(struct thread *to, struct activity *activity);

/* Makes `thread`, blocked before, ready on `activity`, which this CPU owns and which is not in use.
 */
void sched_ready_on(struct thread *thread, struct activity *activity);

/* The thread goes on with its home activity on this CPU: what it ran on has been given back. It is
 * current. */
void sched_go_home(struct thread *thread);

/* Asks the CPU that runs the thread to look at its flags. */
void sched_kick(struct thread *thread);

/* The current thread serves nobody: if it still runs on what a caller that has left had lent, it
 * lets go of that. */
void sched_settle(struct thread *thread);

/* The current thread runs on the activity that has just been lent to it. */
void sched_take_on(struct thread *thread);

/* What the group may use in a period of all CPUs together; both 0: no quota. By one caller at a
 * time for a group. BAD_ARGUMENT: out of the bounds in abi/machine.h. */
enum status sched_set_quota(struct group *group, u64 quota_ns, u64 period_ns) MUST_USE;

/* A group's weight has changed: every CPU computes shares anew. */
void sched_weight_changed(void);

/* Time so far is charged to the current thread's activity, which is about to change. */
void sched_charge(struct thread *thread);

/* Lending, under the lock of the endpoint that the call goes through. The caller of _lend is
 * blocked or about to be; this CPU takes the activity over. */
void sched_lend(struct thread *from, struct thread *to);
/* The shortest case of it, and of sched_give_back: `from` is current and runs on its own activity,
 * `home`; the server's is on this CPU. */
static inline void sched_lend_home(struct thread *from, struct activity *home, struct thread *to);
static inline void sched_return_home(struct thread *from, struct thread *to);
/* May the thread call, as far as the depth of calls within calls goes? A fault is allowed one more
 * than a call. */
bool sched_may_lend(const struct thread *thread, bool faulting) MUST_USE;
/* The reverse, at the reply: does `from`, which is current, still run on what `to` had lent? Then
 * it is given back, on this CPU, and true; `from` has its home activity, idle. Else false: `to` has
 * its own home activity. */
bool sched_give_back(struct thread *from, struct thread *to);

/* The same of an activity that `to` had borrowed itself: still what `from` runs on? Then it goes
 * back as it is, in use. */
bool sched_may_return(const struct thread *from, const struct thread *to) MUST_USE;
void sched_return_lent(struct thread *from, struct thread *to);

static inline void sched_lend_home(struct thread *from, struct activity *home, struct thread *to)
{
    from->lent = home;
    home->thread = to;
    ATOMIC_STORE(&from->activity, NULL);
    ATOMIC_STORE(&to->activity, home);
}

static inline void sched_return_home(struct thread *from, struct thread *to)
{
    struct activity *activity = to->home;
    to->lent = NULL;
    activity->thread = to;
    ATOMIC_STORE(&from->activity, from->home);
    ATOMIC_STORE(&to->activity, activity);
}

static inline struct cpu *sched_enter(void)
{
    struct cpu *cpu = this_cpu();
    cpu->entry_is_syscall = false;
    if (unlikely(cpu->idle))
        sched_idle_leave(cpu);
    return cpu;
}

#endif
