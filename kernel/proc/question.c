/*
 * Who waits for whom, and who can reach what: told process by process, for people.
 *
 * Each entry is true of one instant, taken under the locks of what it tells about; two entries are
 * of different instants. Chains are put together in user space.
 */
#include "ipc/why.h"
#include "proc/process_internal.h"

/* The thread with the least id above `after`, borrowed; NULL if there is none. */
static struct thread *next_thread(struct process *process, u64 after)
{
    struct thread *found = NULL;
    spin_lock(&process->lock);
    LIST_FOREACH (link, &process->threads) {
        struct thread *thread = LIST_ENTRY(link, struct thread, process_link);
        if (thread->object.id > after && (!found || thread->object.id < found->object.id))
            found = thread;
    }
    spin_unlock(&process->lock);
    return found;
}

enum status process_why(u64 process_id, u64 after, struct why_entry *entries, u32 limit, u32 *count)
{
    struct process *process = process_find(process_id);
    if (!process)
        return STATUS_NOT_FOUND;
    for (*count = 0; *count < limit; (*count)++) {
        struct thread *thread = next_thread(process, after);
        if (!thread)
            break;
        thread_explain(thread, &entries[*count]);
        after = thread->object.id;
    }
    return STATUS_OK;
}

enum status process_who(u64 process_id, enum who_topic topic, u64 *from, struct who_entry *entries,
                        u32 limit, u32 *count)
{
    struct process *process = process_find(process_id);
    if (!process)
        return STATUS_NOT_FOUND;
    if (topic == WHO_CAPABILITIES)
        *count = cap_space_list(&process->space, from, entries, limit);
    else
        *count = vspace_list(&process->vspace, from, entries, limit);
    return STATUS_OK;
}
