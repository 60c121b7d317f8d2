/* Threads: making and freeing. */
#include "sched/thread.h"

#include "arch/context.h"
#include "core/assert.h"
#include "mm/object_slab.h"
#include "sched/sched_internal.h"

KERNEL_STATE static struct slab_cache thread_cache;
KERNEL_STATE static struct slab_cache fpu_cache;
KERNEL_STATE static struct slab_cache activity_cache;

void thread_subsystem_init(void)
{
    slab_cache_init(&thread_cache, "thread", sizeof(struct thread), 64);
    slab_cache_init(&activity_cache, "activity", sizeof(struct activity), 16);
    if (arch_fpu_size() > 0)
        slab_cache_init(&fpu_cache, "fpu", (u32)arch_fpu_size(), 64);
}

static void reclaim_activity(struct grace_node *grace)
{
    slab_free(&activity_cache, NULL, CONTAINER_OF(grace, struct activity, grace));
}

void activity_get(struct activity *activity)
{
    (void)ATOMIC_ADD(&activity->references, 1);
}

void activity_put(struct activity *activity)
{
    if (ATOMIC_SUB(&activity->references, 1) == 0)
        grace_defer(&activity->grace, reclaim_activity);
}

/* The thread's group pays for as long as the thread is there; what a void claim keeps longer is the
 * kernel's: at most one for each thread that makes a call. */
static enum status make_home(struct payer *payer, struct thread *thread)
{
    enum status status =
        account_charge(&payer->account, GROUP_KERNEL_BYTES, sizeof(struct activity));
    if (status != STATUS_OK)
        return status;
    void *memory;
    status = slab_take(&activity_cache, NULL, &memory);
    if (status != STATUS_OK) {
        account_release(&payer->account, GROUP_KERNEL_BYTES, sizeof(struct activity));
        return status;
    }
    struct activity *home = memory;
    struct cpu *cpu = this_cpu();
    struct share *share = &group_of_payer(payer)->shares[cpu->index];
    /* Who begins among others of its group begins where its creator is: a thread that starts
     * another and ends gains nothing. */
    u64 virtual_time = ATOMIC_LOAD_RELAXED(&share->latest);
    if (cpu->current && cpu->current->activity && cpu->current->activity->share == share) {
        sched_charge(cpu->current);
        if (cpu->current->activity->virtual_time > virtual_time)
            virtual_time = cpu->current->activity->virtual_time;
    }
    *home = (struct activity){
        .thread = thread,
        .home = thread,
        .references = 1,
        .payer = share->group,
        .share = share,
        .virtual_time = virtual_time,
        .cpu = cpu->index,
        .trace = cap_random(),
        .next_span = 1,
    };
    thread->home = home;
    thread->activity = home;
    return STATUS_OK;
}

static void free_home(struct thread *thread)
{
    if (!thread->home)
        return;
    account_release(&thread->object.payer->account, GROUP_KERNEL_BYTES, sizeof(struct activity));
    thread->home->home = NULL;
    activity_put(thread->home);
}

static void free_parts(struct thread *thread)
{
    struct payer *payer = thread->object.payer;
    free_home(thread);
    if (thread->fpu_area)
        slab_free(&fpu_cache, &payer->account, thread->fpu_area);
    if (thread->buffer_memory)
        memory_unpin(thread->buffer_memory);
    account_release(&payer->account, GROUP_THREADS, 1);
}

static enum status make_parts(struct payer *payer, struct thread *thread, struct memory *memory,
                              u64 offset)
{
    enum status status = make_home(payer, thread);
    if (status == STATUS_OK && arch_fpu_size() > 0)
        status = slab_take(&fpu_cache, &payer->account, &thread->fpu_area);
    paddr_t frame;
    if (status == STATUS_OK)
        status = memory_pin(memory, offset >> PAGE_SHIFT, &frame);
    if (status != STATUS_OK)
        return status;
    thread->buffer_memory = memory;
    /* SAFETY: in a page that the thread keeps pinned for its life. */
    thread->buffer = arch_phys_to_virt(paddr(frame.raw + offset % PAGE_SIZE));
    return STATUS_OK;
}

enum status thread_create(struct payer *payer, struct cap_space *space, struct vspace *vspace,
                          struct memory *memory, u64 offset, struct thread **out)
{
    enum status status = account_charge(&payer->account, GROUP_THREADS, 1);
    if (status != STATUS_OK)
        return status;
    void *made;
    status = object_allocate(&thread_cache, OBJECT_THREAD, payer, offsetof(struct thread, object),
                             &made);
    if (status != STATUS_OK) {
        account_release(&payer->account, GROUP_THREADS, 1);
        return status;
    }
    struct thread *thread = made;
    thread->space = space;
    thread->vspace = vspace;
    thread->trace.thread = (u32)thread->object.id;
    thread->cpu_mask = cpu_count() == 64 ? UINT64_MAX : (1ull << cpu_count()) - 1;
    list_init(&thread->process_link);
    list_init(&thread->wait_link);
    thread->wait_deadline = TIME_NEVER;
    thread->serve_deadline = TIME_NEVER;
    list_init(&thread->job.link);
    spinlock_init(&thread->job_lock, RANK_IPC);
    timer_init(&thread->timeout, thread_timeout);
    thread->wake_mail.handle = sched_wake_mail;
    status = make_parts(payer, thread, memory, offset);
    if (status != STATUS_OK) {
        free_parts(thread);
        object_deallocate(&thread_cache, &thread->object, offsetof(struct thread, object));
        return status;
    }
    /* Loadable from the first: a thread that is killed before it was given registers is still
     * brought in to end. */
    arch_context_init(&thread->context, 0, 0, 0, 0, thread->fpu_area);
    *out = thread;
    return STATUS_OK;
}

void thread_reclaim(struct object *object)
{
    struct thread *thread = thread_of(object);
    ASSERT(!thread->wait_lock && !thread->timeout.armed && !thread->serving && !thread->lent &&
           !thread->reply);
    free_parts(thread);
    object_deallocate(&thread_cache, object, offsetof(struct thread, object));
}
