/* Threads: making and freeing. */
#include "sched/thread.h"

#include "arch/context.h"
#include "core/assert.h"
#include "mm/object_slab.h"
#include "sched/sched_internal.h"

KERNEL_STATE static struct slab_cache thread_cache;
KERNEL_STATE static struct slab_cache fpu_cache;

void thread_subsystem_init(void)
{
    slab_cache_init(&thread_cache, "thread", sizeof(struct thread), 64);
    if (arch_fpu_size() > 0)
        slab_cache_init(&fpu_cache, "fpu", (u32)arch_fpu_size(), 64);
}

static void free_parts(struct thread *thread)
{
    struct payer *payer = thread->object.payer;
    if (thread->fpu_area)
        slab_free(&fpu_cache, &payer->account, thread->fpu_area);
    if (thread->buffer_memory)
        object_put(&thread->buffer_memory->object);
    account_release(&payer->account, GROUP_THREADS, 1);
}

static enum status make_parts(struct payer *payer, struct thread *thread)
{
    enum status status = STATUS_OK;
    if (arch_fpu_size() > 0)
        status = slab_alloc(&fpu_cache, &payer->account, &thread->fpu_area);
    if (status == STATUS_OK)
        status = memory_create(payer, PAGE_SIZE, &thread->buffer_memory);
    paddr_t frame;
    if (status == STATUS_OK)
        status = memory_page(thread->buffer_memory, 0, true, &frame);
    if (status == STATUS_OK)
        thread->buffer = arch_phys_to_virt(frame);
    return status;
}

static void activity_init(struct thread *thread)
{
    struct activity *home = &thread->home;
    home->thread = thread;
    home->home = thread;
    home->payer = group_of_payer(thread->object.payer);
    home->weight = ATOMIC_LOAD_RELAXED(&home->payer->weight);
    home->cpu = this_cpu()->index;
    home->trace = cap_random();
    home->next_span = 1;
    thread->activity = home;
}

enum status thread_create(struct payer *payer, struct cap_space *space, struct vspace *vspace,
                          struct thread **out)
{
    enum status status = account_charge(&payer->account, GROUP_THREADS, 1);
    if (status != STATUS_OK)
        return status;
    void *memory;
    status = object_allocate(&thread_cache, OBJECT_THREAD, payer, offsetof(struct thread, object),
                             &memory);
    if (status != STATUS_OK) {
        account_release(&payer->account, GROUP_THREADS, 1);
        return status;
    }
    struct thread *thread = memory;
    thread->space = space;
    thread->vspace = vspace;
    thread->cpu_mask = cpu_count() == 64 ? UINT64_MAX : (1ull << cpu_count()) - 1;
    list_init(&thread->process_link);
    list_init(&thread->wait_link);
    list_init(&thread->job.link);
    spinlock_init(&thread->job_lock, RANK_IPC);
    timer_init(&thread->timeout, thread_timeout);
    thread->wake_mail.handle = sched_wake_mail;
    status = make_parts(payer, thread);
    if (status != STATUS_OK) {
        free_parts(thread);
        object_deallocate(&thread_cache, &thread->object, offsetof(struct thread, object));
        return status;
    }
    /* Loadable from the first: a thread that is killed before it was given registers is still brought in to end. */
    arch_context_init(&thread->context, 0, 0, 0, 0, thread->fpu_area);
    activity_init(thread);
    *out = thread;
    return STATUS_OK;
}

void thread_reclaim(struct object *object)
{
    struct thread *thread = thread_of(object);
    ASSERT(!thread->wait_lock && !thread->timeout.armed && !thread->serving && !thread->lent);
    free_parts(thread);
    object_deallocate(&thread_cache, object, offsetof(struct thread, object));
}
