/* Looking into the kernel. */
#include "peek.h"

#include "ledger.h"
#include "proc/process.h"
#include "sched/thread.h"

/* The first thread that ever runs is init's main one. */
static SIM_STATE struct thread *init_main;
static SIM_STATE struct process *init_process;

void peek_who(const struct arch_context *context, struct who *who)
{
    struct thread *thread = (struct thread *)(uintptr_t)context;
    if (!init_main) {
        init_main = thread;
        init_process = thread->process;
    }
    *who = (struct who){
        .thread = thread,
        .process = thread->process,
        .space = thread->space,
        .vspace = thread->vspace,
        .thread_id = thread->object.id,
        .process_id = thread->process->object.id,
        .message_buffer = thread->buffer_user,
        .is_init = thread->process == init_process,
        .is_init_main = thread == init_main,
    };
}

const struct cap_slot *peek_slot_at(const struct cap_space *space, u32 index)
{
    if (!space->chunks || index >= space->slot_count)
        return NULL;
    return &space->chunks[index / CAP_CHUNK_SLOTS][index % CAP_CHUNK_SLOTS];
}

const struct cap_slot *peek_slot(const struct cap_space *space, u64 handle)
{
    const struct cap_slot *slot = peek_slot_at(space, (u32)(handle & 0xfffff));
    return slot && handle != 0 && slot->handle == handle ? slot : NULL;
}

bool peek_is_revoked(const struct cap_slot *slot)
{
    const struct cap_node *node = slot->node;
    const struct object *object = slot->object;
    if (!node || node->object != object || object->tree_lock.held)
        return false;
    if (object->epoch == EPOCH_DEAD)
        return true;
    for (; node->parent; node = node->parent)
        if (node->birth_epoch < node->parent->revoked_epoch)
            return true;
    return false;
}

bool peek_is_vital(const struct object *object)
{
    return object == &init_process->object || object == &init_main->object ||
           object == &group_root()->object;
}

bool peek_is_mapped(const struct vspace *vspace, u64 address, u32 access)
{
    paddr_t frame;
    u32 has;
    u32 level;
    return page_table_lookup(&vspace->table, address & ~(PAGE_SIZE - 1), &frame, &has, &level) &&
           (has & access) == access;
}

const struct object *peek_any_object(struct sim_random *random)
{
    const struct object *chosen = NULL;
    u32 cursor = 0;
    u32 found = 0;
    struct process *process;
    while ((process = ledger_next("process", &cursor)) != NULL)
        for (u32 i = 0;; i++) {
            const struct cap_slot *slot = peek_slot_at(&process->space, i);
            if (!slot)
                break;
            if (peek_in_use(slot) && sim_random_below(random, ++found) == 0)
                chosen = slot->object;
        }
    return chosen;
}

struct object *peek_any_survivor(void)
{
    u32 cursor = 0;
    struct process *process;
    while ((process = ledger_next("process", &cursor)) != NULL)
        if (process != init_process && process->state == PROCESS_RUNNING)
            return &process->object;
    cursor = 0;
    struct thread *thread;
    while ((thread = ledger_next("thread", &cursor)) != NULL)
        if (thread->process == init_process && thread != init_main && !thread->exited &&
            !(thread->flags & THREAD_FLAG_KILLED))
            return &thread->object;
    return NULL;
}

bool peek_conjure(struct cap_space *space, struct object *object, u64 *handle)
{
    struct cap_grant grant = {.rights = RIGHT_KILL, .expires_ns = TIME_NEVER};
    cap_t made;
    if (!object_try_get(object))
        return false;
    enum status status = cap_insert_root(space, object, &grant, &made);
    object_put(object);
    *handle = made.bits;
    return status == STATUS_OK;
}
