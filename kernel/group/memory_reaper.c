/* One job per CPU works through the memory objects that died there. */
#include "group/memory_reaper.h"

#include "core/cpu.h"
#include "group/group.h"

struct memory_reaper {
    struct job job;
    struct list memories;
    bool active;
};

KERNEL_STATE static struct memory_reaper reapers[CPU_MAX];

static enum job_result slice(struct job *job)
{
    struct memory_reaper *reaper = CONTAINER_OF(job, struct memory_reaper, job);
    struct list *link = list_first(&reaper->memories);
    if (!link)
        return JOB_DONE;
    struct memory *memory = LIST_ENTRY(link, struct memory, reap_link);
    if (memory_destroy_some(memory, REAPER_SLICE)) {
        list_remove(link);
        object_free_after_grace(&memory->object);
    }
    return list_is_empty(&reaper->memories) ? JOB_DONE : JOB_MORE;
}

static void done(struct job *job)
{
    struct memory_reaper *reaper = CONTAINER_OF(job, struct memory_reaper, job);
    reaper->active = false;
}

void memory_reaper_init(void)
{
    for (u32 i = 0; i < CPU_MAX; i++) {
        list_init(&reapers[i].memories);
        reapers[i].job = (struct job){.slice = slice, .done = done, .group = group_root()};
    }
}

void memory_release(struct object *object)
{
    struct memory *memory = memory_of(object);
    if (memory_destroy_some(memory, REAPER_SLICE)) {
        object_free_after_grace(object);
        return;
    }
    struct memory_reaper *reaper = &reapers[this_cpu()->index];
    list_push_back(&reaper->memories, &memory->reap_link);
    if (!reaper->active) {
        reaper->active = true;
        job_queue(&reaper->job);
    }
}
