/* What a thread waits for, and whose call it serves: for people. */
#include "ipc/why.h"

#include "arch/time.h"
#include "ipc/endpoint_internal.h"
#include "ipc/reply.h"

static void describe_client(struct thread *thread, struct why_entry *entry)
{
    struct spinlock *lock;
    const struct thread *client = call_lock(&thread->serving, &lock);
    if (!client)
        return;
    entry->client_process_id = client->space->process_id;
    entry->client_thread_id = client->object.id;
    spin_unlock(lock);
}

/* The lock of its wait is held. */
static void describe_wait(const struct thread *thread, struct why_entry *entry)
{
    const struct wait_ops *ops = thread->wait_ops;
    const struct object *object = ops->waits_on ? ops->waits_on(thread) : NULL;
    entry->state = ops->kind;
    entry->deadline_ns = thread->wait_deadline;
    if (thread->wait_since)
        entry->since_ns = arch_clock_ns() - arch_cycles_to_ns(arch_cycles() - thread->wait_since);
    if (thread->faulted)
        entry->flags |= WHY_FAULTED;
    if (object) {
        entry->object_id = object->id;
        entry->object_type = object->type;
    }
    if (thread->server) {
        entry->server_process_id = thread->server->space->process_id;
        entry->server_thread_id = thread->server->object.id;
    }
    if (thread->reply)
        entry->reply_id = thread->reply->object.id;
}

void thread_explain(struct thread *thread, struct why_entry *entry)
{
    u32 flags = ATOMIC_LOAD(&thread->flags);
    *entry = (struct why_entry){
        .process_id = thread->space->process_id,
        .thread_id = thread->object.id,
        .deadline_ns = TIME_NEVER,
        .trace_id = thread->trace.trace,
        .cpu = thread->home->cpu,
        .flags = (flags & THREAD_FLAGS_STOP ? WHY_SUSPENDED : 0) |
                 (flags & THREAD_FLAG_KILLED ? WHY_KILLED : 0),
    };
    struct spinlock *lock = wait_lock_taken(thread);
    if (lock) {
        describe_wait(thread, entry);
        spin_unlock(lock);
    } else {
        entry->state = thread_state_awake(thread);
    }
    describe_client(thread, entry);
}
