/* Threads, activities, run queues, timers, locks, grace periods and long work. */
#include "view.h"

#include "core/cpu.h"
#include "sched/quota.h"
#include "sched/run_queue.h"
#include "sched/wait.h"

#define GRACE_STUCK_CHECKS 3000u

static unsigned long long id_of(const struct thread *thread)
{
    return thread->object.id;
}

static void no_locks(const char *name)
{
    for (u32 i = 0; i < cpu_count(); i++)
        EXPECT(name, cpu_at(i)->held_count == 0, "CPU %u holds %u locks outside the kernel", i,
               cpu_at(i)->held_count);
    for (u32 i = 0; i < view()->process_count; i++) {
        EXPECT(name, !view()->vspaces[i]->lock.held, "the lock of an address space is held");
        EXPECT(name, !view()->spaces[i]->lock.held, "the lock of a capability space is held");
    }
    for (u32 i = 0; i < view()->object_count; i++)
        EXPECT(name, !view()->objects[i]->tree_lock.held, "the tree lock of object %llu is held",
               (unsigned long long)view()->objects[i]->id);
    for (u32 i = 0; i < view()->memory_count; i++)
        EXPECT(name, !view()->memories[i]->lock.held, "the lock of a memory object is held");
}

/* What a CPU resumes is its current thread, alive, running on an activity of that CPU, in its own
 * address space. */
static void current_threads(const char *name)
{
    for (u32 i = 0; i < cpu_count(); i++) {
        const struct cpu *cpu = cpu_at(i);
        const struct thread *current = cpu->current;
        if (!sim_cpu_parked(i))
            continue;
        EXPECT(name, (const void *)sim_cpu_context(i) == (const void *)current,
               "CPU %u resumes another thread than its current one", i);
        EXPECT(name, !current == (cpu->idle == 1), "CPU %u: idle and current disagree", i);
        if (!current)
            continue;
        EXPECT(name, ledger_holds("thread", current), "CPU %u runs a freed thread", i);
        if (run_has_failed())
            return;
        EXPECT(name,
               current->activity && current->activity->state == ACTIVITY_RUNNING &&
                   current->activity->cpu == i && current->activity->thread == current,
               "CPU %u runs thread %llu on an activity that is not running there", i,
               id_of(current));
        EXPECT(name, !current->wait_lock, "CPU %u runs thread %llu, which waits", i,
               id_of(current));
        EXPECT(name, !current->exited, "CPU %u runs thread %llu, which has ended", i,
               id_of(current));
        EXPECT(name, cpu->loaded == current->vspace,
               "CPU %u runs thread %llu in another address space", i, id_of(current));
        EXPECT(name, cpu->entered == current, "CPU %u has the registers of another thread", i);
    }
}

/* Of one share, in order of their turn. NULL: no more. */
static const struct activity *next_ready(const struct share *share, const struct activity *activity)
{
    struct tree_node *node =
        activity == share->first ? tree_first(&share->rest) : tree_next(&activity->link);
    return node ? TREE_ENTRY(node, struct activity, link) : NULL;
}

/* The ready activities of one share; how many. */
static u32 check_share(const char *name, const struct share *share, u32 cpu)
{
    u32 count = 0;
    u64 key = 0;
    EXPECT(name, share->first || tree_is_empty(&share->rest),
           "a share of CPU %u has no first but others", cpu);
    for (const struct activity *activity = share->first; activity;
         activity = next_ready(share, activity)) {
        const struct thread *thread = activity->thread;
        EXPECT(name, ledger_holds("activity", activity),
               "a freed activity is in the run queue of CPU %u", cpu);
        if (run_has_failed())
            return 0;
        EXPECT(name, ledger_holds("thread", thread), "CPU %u would run a freed thread", cpu);
        if (run_has_failed())
            return 0;
        EXPECT(name, activity->state == ACTIVITY_READY && activity->cpu == cpu,
               "thread %llu is in the run queue of CPU %u but not ready there", id_of(thread), cpu);
        EXPECT(name, activity->share == share && activity->payer == share->group,
               "thread %llu is in another group's share", id_of(thread));
        EXPECT(name, thread->activity == activity, "thread %llu is ready on a foreign activity",
               id_of(thread));
        EXPECT(name, !thread->wait_lock && !thread->exited,
               "thread %llu is ready and waits or has ended", id_of(thread));
        EXPECT(name, activity->link.key >= key, "a share of CPU %u is out of order", cpu);
        key = activity->link.key;
        count++;
    }
    EXPECT(name, count == share->ready, "a share of CPU %u has %u ready and counts %u", cpu, count,
           share->ready);
    return count;
}

/* Every group's share of every CPU, and what is in order among them. */
static void run_queues(const char *name)
{
    for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
        const struct run_queue *queue = cpu_at(cpu)->run_queue;
        u32 count = 0, in_tree = 0, due = 0;
        u64 key = 0;
        for (u32 g = 0; g < view()->group_count && !run_has_failed(); g++) {
            const struct share *share = &view()->groups[g]->shares[cpu];
            u32 ready = check_share(name, share, cpu);
            count += share->throttled ? 0 : ready;
            due += ready > 0 && share != queue->running && !share->throttled;
            EXPECT(name, !share->throttled || (ready > 0 && share != queue->running),
                   "group %s is throttled on CPU %u and %s", view()->groups[g]->name, cpu,
                   ready > 0 ? "runs" : "has nothing ready");
            EXPECT(name, tree_is_linked(&share->link) == (ready > 0 && share != queue->running),
                   "the share of group %s on CPU %u: ready %u, running %d, in the tree %d",
                   view()->groups[g]->name, cpu, ready, share == queue->running,
                   tree_is_linked(&share->link));
        }
        if (run_has_failed())
            return;
        TREE_FOREACH(node, &queue->shares)
        {
            EXPECT(name, node->key >= key, "the shares of CPU %u are out of order", cpu);
            EXPECT(name, node->key == TREE_ENTRY(node, struct share, link)->virtual_time,
                   "a share in the tree of CPU %u has moved", cpu);
            key = node->key;
            in_tree++;
        }
        EXPECT(name, in_tree == due, "CPU %u has %u shares in its tree of %u", cpu, in_tree, due);
        EXPECT(name, count == queue->count, "CPU %u has %u ready and counts %u", cpu, count,
               queue->count);
    }
}

/* Which shares are active, and the weights that compete in each. */
static void share_weights(const char *name)
{
    for (u32 g = 0; g < view()->group_count; g++)
        for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
            const struct share *share = &view()->groups[g]->shares[cpu];
            bool active =
                (share->ready > 0 && !share->throttled) || share == cpu_at(cpu)->run_queue->running;
            EXPECT(name, share->active == active, "share of group %s on CPU %u: active %d, is %d",
                   view()->groups[g]->name, cpu, share->active, active);
            u64 competing = active ? GROUP_DEFAULT_WEIGHT : 0;
            for (u32 i = 0; i < view()->group_count; i++)
                if (view()->groups[i]->shares[cpu].parent == share)
                    competing += view()->groups[i]->shares[cpu].weight;
            EXPECT(name,
                   share->competing == competing &&
                       (share->weight > 0) == (competing > 0 && share->parent),
                   "share of group %s on CPU %u: weight %u, %llu compete of %llu",
                   view()->groups[g]->name, cpu, share->weight,
                   (unsigned long long)share->competing, (unsigned long long)competing);
            EXPECT(name, share->counted <= share->cycles, "group %s: more counted than used",
                   view()->groups[g]->name);
        }
}

/* No CPU has drawn more in advance than a piece, and what is throttled is looked at in time. */
static void quotas(const char *name)
{
    for (u32 g = 0; g < view()->group_count; g++)
        for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
            const struct share *share = &view()->groups[g]->shares[cpu];
            EXPECT(name, share->allowed <= share->cycles + QUOTA_PIECE_NS,
                   "group %s may use %llu cycles more on CPU %u", view()->groups[g]->name,
                   (unsigned long long)(share->allowed - share->cycles), cpu);
        }
    for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
        const struct run_queue *queue = cpu_at(cpu)->run_queue;
        const struct tree_node *first = tree_first(&queue->throttled);
        u64 due = sim_timer_deadline(cpu);
        EXPECT(name, !first || due <= first->key || due <= sim_now_ns(),
               "CPU %u looks at its quotas at %llu, due at %llu", cpu, (unsigned long long)due,
               (unsigned long long)first->key);
        TREE_FOREACH(node, &queue->throttled)
        EXPECT(name, TREE_ENTRY(node, struct share, link)->throttled,
               "a share of CPU %u is among the throttled and is not", cpu);
    }
}

static bool is_in_queue(const struct activity *activity)
{
    const struct share *share = activity->share;
    for (const struct activity *ready = share->first; ready; ready = next_ready(share, ready))
        if (ready == activity)
            return true;
    return false;
}

static bool is_in_mail(const struct thread *thread)
{
    for (u32 i = 0; i < cpu_count(); i++)
        for (const struct mail *mail = cpu_at(i)->mailbox; mail; mail = mail->next)
            if (mail == &thread->wake_mail)
                return true;
    return false;
}

static bool is_current(const struct thread *thread)
{
    for (u32 i = 0; i < cpu_count(); i++)
        if (cpu_at(i)->current == thread)
            return true;
    return false;
}

/* No thread is lost: one that has started and not ended is in exactly one place. */
static void threads_accounted(const char *name)
{
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        if (thread->exited || !list_is_linked(&thread->process_link))
            continue;
        u32 places = 0;
        places += is_current(thread);
        places += thread->wait_lock != NULL;
        places += is_in_mail(thread);
        places += thread->activity && thread->activity->thread == thread &&
                  thread->activity->state == ACTIVITY_READY && is_in_queue(thread->activity);
        EXPECT(name, places == 1, "thread %llu is in %u places (%s%s%s state %u)", id_of(thread),
               places, is_current(thread) ? "current " : "", thread->wait_lock ? "waiting " : "",
               is_in_mail(thread) ? "mail " : "", thread->activity ? thread->activity->state : 99);
    }
}

static void activities(const char *name)
{
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        const struct activity *activity = thread->activity;
        EXPECT(name, ledger_holds("activity", thread->home) && thread->home->home == thread,
               "thread %llu has a foreign home", id_of(thread));
        if (!activity) {
            EXPECT(name, thread->lent, "thread %llu has no activity and lent none", id_of(thread));
            continue;
        }
        EXPECT(name, ledger_holds("activity", activity), "thread %llu runs on a freed activity",
               id_of(thread));
        if (run_has_failed())
            return;
        EXPECT(name, activity->thread == thread, "thread %llu and its activity disagree",
               id_of(thread));
        EXPECT(name, activity->cpu < cpu_count(), "thread %llu belongs to CPU %u", id_of(thread),
               activity->cpu);
        EXPECT(name, activity->share == &activity->payer->shares[activity->cpu],
               "thread %llu has another CPU's share", id_of(thread));
        EXPECT(name,
               activity->state != ACTIVITY_RUNNING ||
                   cpu_at(activity->cpu)->run_queue->running == activity->share,
               "thread %llu runs, and CPU %u takes another group's share for the running one",
               id_of(thread), activity->cpu);
    }
}

/* Calls: who serves whom is told the same by both. */
static void calls(const char *name)
{
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        if (thread->serving) {
            EXPECT(name, ledger_holds("thread", thread->serving), "thread %llu serves a freed one",
                   id_of(thread));
            if (run_has_failed())
                return;
            EXPECT(name, thread->serving->server == thread,
                   "thread %llu serves %llu, which does not know", id_of(thread),
                   id_of(thread->serving));
            EXPECT(name, thread->serving->wait_lock, "thread %llu is served and does not wait",
                   id_of(thread->serving));
        }
        if (thread->server)
            EXPECT(name,
                   ledger_holds("thread", thread->server) && thread->server->serving == thread,
                   "thread %llu is served by one that does not know", id_of(thread));
        if (thread->lent && thread->wait_lock)
            EXPECT(name, thread->server, "thread %llu has lent its activity to nobody",
                   id_of(thread));
    }
}

static void waits(const char *name)
{
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        if (!thread->wait_lock)
            continue;
        EXPECT(name, !thread->wait_lock->held, "the lock that thread %llu waits under is held",
               id_of(thread));
        EXPECT(name, thread->wait_ops && thread->wait_ops->abort, "thread %llu waits without means",
               id_of(thread));
        /* A timer may have gone off in this very step with its wait still to be ended: not between
         * steps. */
        EXPECT(name, (thread->wait_deadline != TIME_NEVER) == (thread->timeout.armed == 1),
               "thread %llu: deadline and timer disagree", id_of(thread));
        if (thread->activity)
            EXPECT(name, thread->activity->state == ACTIVITY_IDLE,
                   "thread %llu waits with an activity in state %u", id_of(thread),
                   thread->activity->state);
    }
}

/* A killed thread neither goes on in user mode nor stays in a wait. */
static void killed_threads(const char *name)
{
    for (u32 i = 0; i < cpu_count(); i++) {
        const struct thread *current = cpu_at(i)->current;
        if (!current || !ledger_holds("thread", current))
            continue;
        EXPECT(name, !(current->flags & THREAD_FLAG_KILLED) || sim_ipi_pending(i),
               "CPU %u goes on with killed thread %llu", i, id_of(current));
    }
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        EXPECT(name, !(thread->flags & THREAD_FLAG_KILLED) || !thread->wait_lock,
               "thread %llu has been killed and waits on", id_of(thread));
    }
}

/* While nobody is at suspending or resuming groups, each thread that has been started knows whether
 * its own is suspended, and none that should stand still goes on in user mode. What was
 * killed, or has left its payer's list, is about to end. */
static void frozen_threads(const char *name)
{
    for (u32 i = 0; i < view()->thread_count; i++)
        if (view()->threads[i]->work_at)
            return;
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        if (thread->exited || (thread->flags & THREAD_FLAG_KILLED) ||
            !list_is_linked(&thread->object.payer_link))
            continue;
        bool frozen = thread->flags & THREAD_FLAG_FROZEN;
        bool suspended = group_is_suspended(group_of_payer(thread->object.payer));
        EXPECT(name, frozen ? suspended : !suspended || wait_is_held(thread),
               "thread %llu is%s frozen, its group is%s suspended", id_of(thread),
               frozen ? "" : " not", suspended ? "" : " not");
    }
    for (u32 i = 0; i < cpu_count(); i++) {
        const struct thread *current = cpu_at(i)->current;
        if (current && ledger_holds("thread", current))
            EXPECT(name, !(current->flags & THREAD_FLAG_FROZEN) || sim_ipi_pending(i),
                   "CPU %u goes on with frozen thread %llu", i, id_of(current));
    }
}

/* The hardware timer goes off no later than the first thing that is due. */
static void timers_armed(const char *name)
{
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        u64 due = sim_timer_deadline(thread->timeout.cpu);
        if (thread->timeout.armed)
            EXPECT(name, due <= thread->timeout.link.key || due <= sim_now_ns(),
                   "the timeout of thread %llu is due at %llu, before CPU %u's timer at %llu, now "
                   "%llu",
                   id_of(thread), (unsigned long long)thread->timeout.link.key, thread->timeout.cpu,
                   (unsigned long long)due, (unsigned long long)sim_now_ns());
    }
}

static void mailboxes(const char *name)
{
    for (u32 i = 0; i < cpu_count(); i++)
        EXPECT(name, !cpu_at(i)->mailbox || sim_ipi_pending(i),
               "CPU %u has mail and nobody has told it", i);
}

/* Callbacks wait for a period, and periods come to an end. */
static SIM_STATE struct {
    const struct grace_node *head[SIM_MAX_CPUS];
    u32 checks[SIM_MAX_CPUS];
} waiting;

static void grace_periods(const char *name)
{
    for (u32 i = 0; i < cpu_count(); i++) {
        const struct cpu *cpu = cpu_at(i);
        u32 length = 0;
        for (const struct grace_node *node = cpu->grace_waiting; node && length < 100000;
             node = node->next)
            length++;
        for (const struct grace_node *node = cpu->grace_next; node && length < 100000;
             node = node->next)
            length++;
        EXPECT(name, length < 100000, "the grace lists of CPU %u run in a circle", i);
        if (cpu->grace_waiting != waiting.head[i] || !cpu->grace_waiting)
            waiting.checks[i] = 0;
        waiting.head[i] = cpu->grace_waiting;
        EXPECT(name, waiting.checks[i]++ < GRACE_STUCK_CHECKS,
               "a callback of CPU %u waits for a period that does not end", i);
    }
}

const struct invariant invariants_sched[] = {
    {"no_locks", no_locks},
    {"current_threads", current_threads},
    {"run_queues", run_queues},
    {"share_weights", share_weights},
    {"quotas", quotas},
    {"threads_accounted", threads_accounted},
    {"activities", activities},
    {"calls", calls},
    {"waits", waits},
    {"killed_threads", killed_threads},
    {"frozen_threads", frozen_threads},
    {"timers_armed", timers_armed},
    {"mailboxes", mailboxes},
    {"grace_periods", grace_periods},
    {NULL, NULL},
};
