/* The end of threads and processes. */
#include "abi/memory.h"
#include "core/assert.h"
#include "mm/object_slab.h"
#include "proc/process.h"
#include "proc/process_internal.h"
#include "trace/trace.h"

/* Who asked to be told of a death. The payer of the endpoint pays. */
struct watcher {
    struct list link; /* in the process's watchers; whoever takes it out frees it */
    struct process *process;
    struct binding binding;
    struct payer *payer; /* its owner is referenced */
    struct grace_node grace;
};

KERNEL_STATE static struct slab_cache watcher_cache;

void watcher_init(void)
{
    slab_cache_init(&watcher_cache, "watcher", sizeof(struct watcher), 8);
}

enum phase { PHASE_QUIET, PHASE_CAPS, PHASE_TABLES, PHASE_REGIONS, PHASE_FREE };

/* Page-table entries that one slice looks at. */
#define CLEAR_SLICE (16 * REAPER_SLICE)

static void reclaim_watcher(struct grace_node *grace)
{
    struct watcher *watcher = CONTAINER_OF(grace, struct watcher, grace);
    struct payer *payer = watcher->payer;
    slab_free(&watcher_cache, &payer->account, watcher);
    object_put(payer->owner);
}

static void tell(struct watcher *watcher)
{
    binding_signal(&watcher->binding);
    binding_drop(&watcher->binding);
    grace_defer(&watcher->grace, reclaim_watcher);
}

/* The endpoint was revoked or destroyed: nobody is left to tell. */
static void forget(struct binding *binding)
{
    struct watcher *watcher = CONTAINER_OF(binding, struct watcher, binding);
    struct process *process = watcher->process;
    spin_lock(&process->lock);
    bool mine = list_is_linked(&watcher->link);
    list_remove(&watcher->link);
    process->watcher_count -= mine;
    spin_unlock(&process->lock);
    if (mine)
        grace_defer(&watcher->grace, reclaim_watcher);
}

static enum status make_watcher(struct process *process, const struct cap_ref *endpoint,
                                struct watcher **out)
{
    struct payer *payer = endpoint->object->payer;
    void *memory;
    enum status status = slab_alloc(&watcher_cache, &payer->account, &memory);
    if (status != STATUS_OK)
        return status;
    struct watcher *watcher = memory;
    watcher->process = process;
    watcher->payer = payer;
    watcher->binding.unbound = forget;
    list_init(&watcher->link);
    *out = watcher;
    return STATUS_OK;
}

enum status process_watch(struct process *process, const struct cap_ref *endpoint)
{
    /* The reference keeps the endpoint's payer until the watcher has its own. */
    enum status status = cap_ref_take(endpoint);
    if (status != STATUS_OK)
        return status;
    struct watcher *watcher;
    status = make_watcher(process, endpoint, &watcher);
    if (status == STATUS_OK) {
        object_get(watcher->payer->owner);
        spin_lock(&process->lock);
        bool dead = process->state == PROCESS_DEAD;
        status = process->watcher_count < PROCESS_MAX_WATCHERS ? STATUS_OK : STATUS_FULL;
        if (status == STATUS_OK)
            status = binding_make(&watcher->binding, endpoint);
        if (status == STATUS_OK && !dead) {
            list_push_back(&process->watchers, &watcher->link);
            process->watcher_count++;
        }
        spin_unlock(&process->lock);
        if (status != STATUS_OK)
            grace_defer(&watcher->grace, reclaim_watcher);
        else if (dead)
            tell(watcher);
    }
    object_put(endpoint->object);
    return status;
}

static void result_of(struct thread *thread, const struct process *process)
{
    const struct exit_record *exit = &process->exit;
    thread->context.words[0] = exit->reason | (u64)exit->fault << 32;
    thread->context.words[1] = (u64)exit->code;
    thread->context.words[2] = exit->address;
    thread->context.words[3] = exit->pc;
    thread_set_status(thread, STATUS_OK);
}

static struct object *process_waited_on(const struct thread *thread)
{
    return &CONTAINER_OF(thread->wait_lock, struct process, lock)->object;
}

static const struct wait_ops process_wait_ops = {
    .kind = THREAD_STATE_WAITING, .abort = wait_abort_status, .waits_on = process_waited_on};

void process_wait(struct thread *waiter, struct process *process, bool nonblock, u64 deadline_ns)
{
    spin_lock(&process->lock);
    if (process->state == PROCESS_DEAD) {
        result_of(waiter, process);
    } else if (nonblock) {
        thread_set_status(waiter, STATUS_WOULD_BLOCK);
    } else {
        wait_prepare(waiter);
        wait_begin(waiter, &process->lock, &process->waiters, &process_wait_ops, process,
                   deadline_ns);
    }
    spin_unlock(&process->lock);
}

/* One after the other, so that no lock is held while somebody is woken. */
static void wake_waiters(struct process *process)
{
    for (;;) {
        spin_lock(&process->lock);
        struct list *link = list_first(&process->waiters);
        struct thread *thread = link ? LIST_ENTRY(link, struct thread, wait_link) : NULL;
        if (thread) {
            wait_end(thread);
            result_of(thread, process);
        }
        spin_unlock(&process->lock);
        if (!thread)
            return;
        sched_wake(thread);
    }
}

static void tell_watchers(struct process *process)
{
    for (;;) {
        spin_lock(&process->lock);
        struct list *link = list_pop_front(&process->watchers);
        spin_unlock(&process->lock);
        if (!link)
            return;
        tell(LIST_ENTRY(link, struct watcher, link));
    }
}

static void publish_death(struct process *process)
{
    spin_lock(&process->lock);
    process->state = PROCESS_DEAD;
    spin_unlock(&process->lock);
    registry_remove(process);
    binding_drop(&process->fault_binding);
    TRACE(PROCESS_EXIT, process->object.id, process->exit.reason, process->exit.code,
          process->exit.address);
    wake_waiters(process);
    tell_watchers(process);
}

static enum job_result take_apart_slice(struct job *job)
{
    struct process *process = CONTAINER_OF(job, struct process, job);
    struct vspace *vspace = &process->vspace;
    switch (process->phase) {
    case PHASE_QUIET: /* until no CPU has the address space loaded; no thread is left to load it.
                         This one has unloaded it. */
        process->phase = PHASE_CAPS;
        return cpu_count() > 1 ? JOB_GRACE : JOB_MORE;
    case PHASE_CAPS:
        if (!cap_space_destroy_some(&process->space, REAPER_SLICE))
            return JOB_MORE;
        vspace_close(vspace);
        process->phase = PHASE_TABLES;
        return JOB_MORE;
    case PHASE_TABLES:
        if (!vspace_clear_some(vspace, CLEAR_SLICE))
            return JOB_MORE;
        process->phase = PHASE_REGIONS;
        return JOB_MORE;
    case PHASE_REGIONS:
        if (!vspace_unmap_finish(vspace, USER_START, USER_END, REAPER_SLICE))
            return JOB_MORE;
        if (!vspace_is_empty(vspace))
            return JOB_GRACE; /* a revocation is at one of the regions */
        process->phase = PHASE_FREE;
        return JOB_GRACE; /* until nobody reads slots, and the regions have let go */
    default:
        vspace_destroy(vspace);
        cap_space_free(&process->space);
        publish_death(process);
        return JOB_DONE;
    }
}

static void apart(struct job *job)
{
    object_put(&CONTAINER_OF(job, struct process, job)->object);
}

void process_take_apart(struct process *process)
{
    process->job.slice = take_apart_slice;
    process->job.done = apart;
    process->job.group = group_of_payer(process->object.payer);
    process->phase = PHASE_QUIET;
    job_queue(&process->job);
}

void process_kill_thread(struct thread *thread)
{
    (void)ATOMIC_OR(&thread->flags, THREAD_FLAG_KILLED);
    if (!wait_cancel(thread, STATUS_CANCELLED))
        sched_kick(thread);
}

/* A thread that has not been told yet, with a reference; NULL if there is none. */
static struct thread *next_to_kill(struct process *process)
{
    struct thread *found = NULL;
    spin_lock(&process->lock);
    LIST_FOREACH (link, &process->threads) {
        struct thread *thread = LIST_ENTRY(link, struct thread, process_link);
        if (!thread->kill_sent) {
            thread->kill_sent = true;
            object_get(&thread->object);
            found = thread;
            break;
        }
    }
    spin_unlock(&process->lock);
    return found;
}

void process_kill(struct process *process, const struct exit_record *record)
{
    spin_lock(&process->lock);
    bool first = process->state == PROCESS_RUNNING;
    if (first) {
        process->state = PROCESS_ENDING;
        process->exit = *record;
    }
    bool empty = process->thread_count == 0;
    spin_unlock(&process->lock);
    if (!first)
        return;
    if (empty) {
        process_take_apart(process);
        return;
    }
    /* Without the lock: a thread may be waiting under it. */
    struct thread *thread;
    while ((thread = next_to_kill(process)) != NULL) {
        process_kill_thread(thread);
        object_put(&thread->object);
    }
}

/* The thread is off its CPU for good. */
static void thread_gone(struct process *process, struct thread *thread)
{
    spin_lock(&process->lock);
    list_remove(&thread->process_link);
    process->thread_count--;
    ATOMIC_STORE_SEQ(&thread->exited, true);
    bool last = process->thread_count == 0;
    if (last && process->state == PROCESS_RUNNING) {
        process->state = PROCESS_ENDING;
        process->exit = (struct exit_record){.reason = EXIT_NORMAL};
    }
    spin_unlock(&process->lock);
    if (last)
        process_take_apart(process);
    object_put(&thread->object);
}

static void end_by_fault(struct thread *thread)
{
    struct exit_record record = {
        .reason = EXIT_FAULT,
        .fault = thread->fault.reason,
        .code = thread->fault.reason,
        .address = thread->fault.address,
        .pc = thread->fault.pc,
    };
    process_kill(thread->process, &record);
}

void process_end_thread(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    u32 flags = ATOMIC_LOAD(&thread->flags);
    if ((flags & THREAD_FLAG_FAULTED) && !(flags & THREAD_FLAG_KILLED))
        end_by_fault(thread);
    endpoint_abandon_caller(thread, STATUS_SERVER_DIED);
    sched_leave(cpu, thread, true);
    sched_settle(thread);
    cpu->current = NULL;
    thread->home->state = ACTIVITY_IDLE;
    timer_cancel(&thread->timeout);
    vspace_unload(cpu);
    thread_gone(thread->process, thread);
}

void process_fault(struct thread *thread, const struct fault_record *record)
{
    struct process *process = thread->process;
    thread->fault = *record;
    thread->fault.thread_id = thread->object.id;
    struct endpoint *endpoint = binding_endpoint(&process->fault_binding);
    bool answered = endpoint && endpoint_fault(thread, endpoint, process->fault_binding.badge);
    TRACE(THREAD_FAULT, record->reason, record->address, record->pc, answered);
    if (!answered)
        end_by_fault(thread);
}
