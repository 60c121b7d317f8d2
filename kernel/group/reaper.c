/* The reaper's queues, one per CPU. */
#include "group/reaper.h"

#include "arch/time.h"
#include "core/assert.h"
#include "core/cpu.h"
#include "group/group.h"

void reaper_init(void)
{
    for (u32 i = 0; i < cpu_count(); i++)
        list_init(&cpu_at(i)->jobs);
}

void job_queue(struct job *job)
{
    struct cpu *cpu = this_cpu();
    list_push_back(&cpu->jobs, &job->link);
    cpu->attention.look = 1;
}

static void grace_is_over(struct grace_node *grace)
{
    job_queue(CONTAINER_OF(grace, struct job, grace));
}

/* One slice; true if the job is done. The first one is part of the system call that asked, and
 * billed with it. */
static bool run_slice(struct job *job, struct group *group)
{
    u64 before = arch_cycles();
    enum job_result result = job->slice(job);
    if (group)
        (void)ATOMIC_ADD(&group->job_cycles, arch_cycles() - before);
    if (result == JOB_MORE)
        job_queue(job);
    else if (result == JOB_GRACE)
        grace_defer(&job->grace, grace_is_over);
    return result == JOB_DONE;
}

bool job_start(struct job *job)
{
    list_init(&job->link);
    return run_slice(job, NULL);
}

bool reaper_run(void)
{
    struct list *link = list_pop_front(&this_cpu()->jobs);
    if (!link)
        return false;
    struct job *job = LIST_ENTRY(link, struct job, link);
    if (run_slice(job, job->group))
        job->done(job);
    return true;
}

bool reaper_has_work(void)
{
    return !list_is_empty(&this_cpu()->jobs);
}
