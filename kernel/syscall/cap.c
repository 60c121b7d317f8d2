/* System calls for capabilities. */
#include "cap/derive.h"
#include "cap/narrow.h"
#include "cap/transfer.h"
#include "syscall/syscall.h"
#include "trace/trace.h"

/* What derive asks for, checked against what the parent is. A child never has more. */
static enum status derived_grant(struct thread *thread, const struct cap_ref *parent,
                                 struct cap_grant *grant)
{
    u64 badge = arg(thread, 1);
    u64 expires = arg(thread, 2);
    u64 offset = arg(thread, 3);
    u64 length = arg(thread, 4);
    u64 flags = arg(thread, 5);
    if (flags & ~(u64)(DERIVE_SEAL_DERIVE | DERIVE_SEAL_TRANSFER))
        return STATUS_BAD_ARGUMENT;
    const struct cap_node *node = parent->node;
    if (!narrowed_range(node->range_start, node->range_end, offset, length, &grant->range_start,
                        &grant->range_end))
        return cap_ref_is_there(parent) ? STATUS_BAD_ARGUMENT : STATUS_STALE_HANDLE;
    if (parent->object->type == OBJECT_MEMORY && (offset | length) % PAGE_SIZE != 0)
        return STATUS_BAD_ARGUMENT;

    u32 held = cap_ref_rights(parent);
    grant->badge = parent->badge;
    if (badge != 0) {
        if (!(held & RIGHT_MINT) || (parent->meta & CAP_FLAG_BADGED))
            return STATUS_MISSING_RIGHT;
        grant->badge = badge;
    }
    grant->rights = narrowed_rights(cap_ref_type(parent), held, (u32)arg(thread, 0));
    grant->expires_ns = min_u64(expires, parent->expires_ns);
    grant->flags = narrowed_flags(parent->meta, badge != 0, grant->expires_ns != TIME_NEVER, flags);
    return STATUS_OK;
}

void syscall_derive(struct thread *thread)
{
    struct cap_ref parent;
    struct cap_grant grant = {0};
    cap_t handle = CAP_NULL;
    enum status status = syscall_lookup(thread, OBJECT_NONE, RIGHT_DERIVE, &parent);
    if (status == STATUS_OK && (parent.meta & CAP_FLAG_SEAL_DERIVE))
        status = STATUS_SEALED;
    if (status == STATUS_OK)
        status = derived_grant(thread, &parent, &grant);
    u32 depth = status == STATUS_OK ? parent.node->depth + 1u : 0;
    if (status == STATUS_OK)
        status = cap_insert_child(thread->space, &parent, &grant, &handle);
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    set_result(thread, 0, handle.bits);
    TRACE(CAP_DERIVE, parent.object->id, grant.rights, grant.badge, depth);
}

void syscall_grant(struct thread *thread)
{
    struct cap_ref process, ref;
    cap_t handle = CAP_NULL;
    u64 mode = arg(thread, 2);
    struct message_cap wanted = {
        .cap = {arg(thread, 0)},
        .rights = (u32)arg(thread, 1),
        .mode = mode <= CAP_SEND_COPY ? (u32)mode : UINT32_MAX,
    };
    enum status status = syscall_lookup(thread, OBJECT_PROCESS, RIGHT_GRANT, &process);
    if (status == STATUS_OK)
        status = cap_check_transfer(thread->space, &wanted, &ref);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    struct cap_space *space = &process_of(process.object)->space;
    if (wanted.mode == CAP_SEND_COPY) {
        status = cap_copy(space, &ref, wanted.rights, &handle);
    } else {
        status = cap_reserve(space, 1);
        if (status == STATUS_OK)
            status = cap_move(space, &ref, wanted.rights, &handle);
    }
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    set_result(thread, 0, handle.bits);
    TRACE(CAP_TRANSFER, ref.object->id, wanted.rights, space->process_id, wanted.mode);
}

/* Dissolves the node that a close left, then drops the closer's pin. */
static enum job_result close_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    if (!cap_node_dissolve_step(thread->work_node, REAPER_SLICE))
        return JOB_MORE;
    cap_node_unpin(thread->work_node);
    return JOB_DONE;
}

void syscall_close(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = cap_find(thread->space, thread->context.handle, &ref);
    struct cap_node *node = NULL;
    if (status == STATUS_OK && !cap_detach(thread->space, ref.handle, &node))
        status = STATUS_STALE_HANDLE;
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    TRACE(CAP_CLOSE, ref.object->id, 0, 0, 0);
    if (!node)
        return; /* the usual case: it had no children */
    if (cap_node_dissolve_step(node, REAPER_SLICE)) {
        cap_node_unpin(node);
        return;
    }
    /* The object must outlast the job. If it cannot be had, its tree is gone, and the node with it.
     */
    if (!object_try_get(node->object)) {
        cap_node_unpin(node);
        return;
    }
    thread->work_node = node;
    thread->work_object = node->object;
    thread_work(thread, close_slice);
}

void syscall_inspect(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_NONE, 0, &ref);
    u64 start = 0, end = 0, depth = 0;
    if (status == STATUS_OK) {
        start = ref.node->range_start;
        end = ref.node->range_end;
        depth = ref.node->depth;
        status = cap_ref_is_there(&ref) ? STATUS_OK : STATUS_STALE_HANDLE;
    }
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    set_result(thread, 0, (u64)cap_ref_type(&ref) | (u64)cap_ref_rights(&ref) << 32);
    set_result(thread, 1, ref.badge);
    set_result(thread, 2, start);
    set_result(thread, 3, end - start);
    set_result(thread, 4, ref.expires_ns);
    set_result(thread, 5, depth);
    set_result(thread, 6, ref.object->id);
    set_result(thread, 7, ATOMIC_LOAD(&ref.object->references) == 1);
}
