/* The state of CPUs, processes and threads as text, for a failure. */
#include "view.h"

#include <stdio.h>

#include "core/cpu.h"
#include "proc/process.h"
#include "sched/run_queue.h"
#include "sched/wait.h"

static void dump_cpu(u32 index)
{
    const struct cpu *cpu = cpu_at(index);
    printf(
        "    cpu%u %s current t%lld, %u ready, mail %s, ipi %s, timer %lld, grace %s%s, locks %u\n",
        index, cpu->idle ? "idle" : "busy", cpu->current ? (long long)cpu->current->object.id : 0LL,
        cpu->run_queue ? cpu->run_queue->count : 0, cpu->mailbox ? "yes" : "no",
        sim_ipi_pending(index) ? "pending" : "no", (long long)sim_timer_deadline(index),
        cpu->grace_next ? "next " : "", cpu->grace_waiting ? "waiting" : "", cpu->held_count);
}

static void dump_thread(const struct thread *thread)
{
    static const char *const kinds[] = {"running", "ready",   "receiving", "sending",
                                        "calling", "waiting", "held",      "dead"};
    const struct activity *activity = thread->activity;
    printf("    t%llu p%llu %s flags %x%s%s%s refs %u, activity %s of t%lld cpu %d state %d",
           (unsigned long long)thread->object.id,
           thread->process ? (unsigned long long)thread->process->object.id : 0ull,
           kinds[thread_state(thread)], thread->flags, thread->exited ? " exited" : "",
           thread->job_busy ? " job" : "", thread->faulted ? " faulted" : "",
           thread->object.references, activity ? "home" : "lent",
           activity && activity->home ? (long long)activity->home->object.id : 0LL,
           activity ? (int)activity->cpu : -1, activity ? activity->state : -1);
    if (thread->serving)
        printf(", serves t%llu", (unsigned long long)thread->serving->object.id);
    if (thread->reply)
        printf(", deferred");
    if (thread->server)
        printf(", served by t%llu", (unsigned long long)thread->server->object.id);
    printf("\n");
}

static void dump_group(const struct group *group)
{
    const struct account *account = &group->payer.account;
    printf("    group %llu%s refs %u, charged", (unsigned long long)group->object.id,
           account->closed ? " closed" : "", group->object.references);
    for (u32 what = 0; what < GROUP_RESOURCE_COUNT; what++)
        printf(" %llu", (unsigned long long)account_used(account, (enum group_resource)what));
    if (!account->closed) {
        printf("\n");
        return;
    }
    /* It is being destroyed: what keeps it? */
    printf(", pays for");
    for (u32 i = 0; i < view()->object_count; i++) {
        const struct object *object = view()->objects[i];
        if (object->payer == &group->payer)
            printf(" %llu(type %u state %u refs %u)", (unsigned long long)object->id, object->type,
                   object->state, object->references);
    }
    printf("\n");
}

void dump_state(void)
{
    view_take();
    printf("  state at %llu ns:\n", (unsigned long long)sim_now_ns());
    for (u32 i = 0; i < cpu_count(); i++)
        dump_cpu(i);
    for (u32 i = 0; i < view()->process_count; i++) {
        const struct process *process = view()->processes[i];
        printf("    p%llu state %u phase %u, %u threads, %u capabilities, %llu regions, refs %u\n",
               (unsigned long long)process->object.id, process->state, process->phase,
               process->thread_count, process->space.used_count,
               (unsigned long long)process->vspace.region_count, process->object.references);
    }
    for (u32 i = 0; i < view()->thread_count; i++)
        dump_thread(view()->threads[i]);
    for (u32 i = 0; i < view()->group_count; i++)
        dump_group(view()->groups[i]);
}
