/* Processes: life and listing. Their end is in proc/end.c, starting them in proc/spawn.c. */
#include "proc/process.h"

#include "arch/time.h"
#include "core/assert.h"
#include "lib/string.h"
#include "mm/object_slab.h"
#include "proc/process_internal.h"
#include "trace/trace.h"

/* Where the kernel places what has no address of its own: the upper half of the 1 GiB window from
 * WINDOW_BASE on; programs are loaded in the lower half. */
#define WINDOW_BASE   0x60000000ull
#define WINDOW_RANDOM 0x10000000ull

KERNEL_STATE static struct slab_cache process_cache;
KERNEL_STATE static struct spinlock registry_lock = {.rank = RANK_REGISTRY};
KERNEL_STATE static struct list registry; /* all processes that are not dead, by id */

void process_init(void)
{
    slab_cache_init(&process_cache, "process", sizeof(struct process), 16);
    watcher_init();
    list_init(&registry);
}

void registry_remove(struct process *process)
{
    spin_lock(&registry_lock);
    list_remove(&process->registry_link);
    spin_unlock(&registry_lock);
}

static enum status make_spaces(struct payer *payer, struct process *process)
{
    cap_space_create(&process->space, &payer->account, process->object.id);
    u64 window = WINDOW_BASE + (cap_random() % (WINDOW_RANDOM >> PAGE_SHIFT) << PAGE_SHIFT);
    return vspace_create(&process->vspace, payer, window);
}

enum status process_create(struct payer *payer, const char *name, u64 parent_id,
                           struct process **out)
{
    enum status status = account_charge(&payer->account, GROUP_PROCESSES, 1);
    if (status != STATUS_OK)
        return status;
    void *memory;
    status = object_allocate(&process_cache, OBJECT_PROCESS, payer,
                             offsetof(struct process, object), &memory);
    if (status != STATUS_OK) {
        account_release(&payer->account, GROUP_PROCESSES, 1);
        return status;
    }
    struct process *process = memory;
    spinlock_init(&process->lock, RANK_PROCESS);
    list_init(&process->threads);
    list_init(&process->waiters);
    list_init(&process->watchers);
    list_init(&process->registry_link);
    process->parent_id = parent_id;
    string_copy(process->name, sizeof(process->name), name);
    status = make_spaces(payer, process);
    if (status != STATUS_OK) {
        account_release(&payer->account, GROUP_PROCESSES, 1);
        object_deallocate(&process_cache, &process->object, offsetof(struct process, object));
        return status;
    }
    object_get(&process->object);
    spin_lock(&registry_lock);
    list_push_back(&registry, &process->registry_link);
    spin_unlock(&registry_lock);
    *out = process;
    return STATUS_OK;
}

enum status process_add_thread(struct process *process, struct memory *memory, u64 offset,
                               struct thread **out)
{
    struct thread *thread;
    if (!account_is_within(&process->object.payer->account, &memory->object.payer->account))
        return STATUS_BAD_ARGUMENT; /* the thread would keep a destroyed group's memory */
    enum status status = thread_create(process->object.payer, &process->space, &process->vspace,
                                       memory, offset, &thread);
    if (status != STATUS_OK)
        return status;
    thread->process = process;
    object_get(&process->object);
    spin_lock(&process->lock);
    if (process->state == PROCESS_RUNNING) {
        wait_hold_new(thread);
        object_get(&thread->object);
        list_push_back(&process->threads, &thread->process_link);
        process->thread_count++;
    } else {
        status = STATUS_DEAD;
    }
    spin_unlock(&process->lock);
    if (status != STATUS_OK) {
        object_put(&thread->object);
        return status;
    }
    TRACE(THREAD_STATE, thread->object.id, process->object.id, THREAD_STATE_HELD, 0);
    *out = thread;
    return STATUS_OK;
}

void process_start_thread(struct thread *thread)
{
    wait_heed_group(thread); /* it has been enlisted */
    (void)wait_release(thread);
}

void process_thread_release(struct object *object)
{
    struct thread *thread = thread_of(object);
    if (thread->process) {
        object_put(&thread->process->object);
        thread->process = NULL;
    }
    object_free_after_grace(object);
}

void process_thread_condemn(struct object *object)
{
    process_kill_thread(thread_of(object));
}

void process_release(struct object *object)
{
    DEBUG_ASSERT(process_of(object)->state == PROCESS_DEAD);
    object_free_after_grace(object);
}

void process_reclaim(struct object *object)
{
    account_release(&object->payer->account, GROUP_PROCESSES, 1);
    object_deallocate(&process_cache, object, offsetof(struct process, object));
}

void process_condemn(struct object *object)
{
    process_kill(process_of(object), &(struct exit_record){.reason = EXIT_GROUP});
}

static void describe(struct process *process, struct process_entry *entry)
{
    *entry = (struct process_entry){
        .id = process->object.id,
        .parent_id = process->parent_id,
        .cap_count = process->space.used_count,
        .memory_bytes = vspace_mapped_pages(&process->vspace) << PAGE_SHIFT,
    };
    memcpy(entry->name, process->name, sizeof(entry->name));
    spin_lock(&process->lock);
    entry->thread_count = process->thread_count;
    u64 cycles = 0;
    LIST_FOREACH (link, &process->threads) {
        struct thread *thread = LIST_ENTRY(link, struct thread, process_link);
        cycles += thread->home->cycles;
        TRACE(THREAD_STATE, thread->object.id, process->object.id, thread_state(thread), 0);
        if (link == process->threads.next) {
            entry->state = thread_state(thread);
            entry->cpu = thread->home->cpu;
        }
    }
    if (process->thread_count == 0)
        entry->state = THREAD_STATE_DEAD;
    spin_unlock(&process->lock);
    entry->cpu_ns = arch_cycles_to_ns(cycles);
}

/* The first process with an id above `after`, with a reference; NULL if there is none. */
static struct process *next_process(u64 after)
{
    struct process *found = NULL;
    spin_lock(&registry_lock);
    LIST_FOREACH (link, &registry) {
        struct process *process = LIST_ENTRY(link, struct process, registry_link);
        if (process->object.id > after && object_try_get(&process->object)) {
            found = process;
            break;
        }
    }
    spin_unlock(&registry_lock);
    return found;
}

struct process *process_find(u64 id)
{
    struct process *found = NULL;
    spin_lock(&registry_lock);
    LIST_FOREACH (link, &registry) {
        struct process *process = LIST_ENTRY(link, struct process, registry_link);
        if (process->object.id == id)
            found = process;
    }
    spin_unlock(&registry_lock);
    return found;
}

u32 process_list(struct process_entry *entries, u32 limit, u64 after)
{
    u32 count = 0;
    while (count < limit) {
        struct process *process = next_process(after);
        if (!process)
            break;
        describe(process, &entries[count++]);
        after = process->object.id;
        object_put(&process->object);
    }
    return count;
}
