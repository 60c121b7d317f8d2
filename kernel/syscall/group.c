/* System calls for resource groups. */
#include "mm/user_copy.h"
#include "syscall/syscall.h"

void syscall_create_resource_group(struct thread *thread)
{
    struct group *parent;
    enum status status = syscall_take_group(thread, RIGHT_CREATE_GROUP, &parent);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    struct group_limits limits;
    struct group *group = NULL;
    status = user_read(&limits, user_ptr(arg(thread, 0)), sizeof(limits));
    if (status == STATUS_OK && (limits.cpu_quota_ns != 0 || limits.cpu_period_ns != 0))
        status = STATUS_NOT_SUPPORTED; /* hard quotas: docs/caveats.md */
    if (status == STATUS_OK)
        status = group_create(parent, &limits, &group);
    if (status == STATUS_OK)
        syscall_return_object(thread, &group->object, RIGHTS_GROUP, 0);
    else
        thread_set_status(thread, status);
    object_put(&parent->object);
}

/* Condemns what the group pays for, bit by bit, and waits until all of it has been given back. */
static enum job_result destroy_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    struct group *group = group_of(thread->work_object);
    if (!group_condemn_some(group, REAPER_SLICE))
        return JOB_MORE;
    return group_is_empty(group) ? JOB_DONE : JOB_GRACE;
}

static enum status destroy(struct thread *thread, const struct cap_ref *ref)
{
    struct group *group = group_of(ref->object);
    if (group == group_root())
        return STATUS_BAD_ARGUMENT;
    enum status status = cap_ref_take(ref);
    if (status != STATUS_OK)
        return status;
    /* One destroyer: a second one, or one inside the group, would wait for itself. */
    if (group_encloses(group, group_of_payer(thread->object.payer)) ||
        ATOMIC_EXCHANGE(&group->destroying, 1) != 0) {
        object_put(ref->object);
        return STATUS_BUSY;
    }
    thread->work_object = ref->object;
    thread_set_status(thread, STATUS_OK);
    thread_work(thread, destroy_slice);
    return STATUS_OK;
}

void syscall_group_control(struct thread *thread)
{
    struct cap_ref ref;
    u64 operation = arg(thread, 0), what = arg(thread, 1), value = arg(thread, 2);
    enum status status = syscall_lookup(thread, OBJECT_GROUP, RIGHT_GROUP_CONTROL, &ref);
    if (status == STATUS_OK && operation == GROUP_DESTROY) {
        status = destroy(thread, &ref);
        if (status == STATUS_OK)
            return; /* it has its status */
    } else if (status == STATUS_OK && operation == GROUP_SET_LIMIT && what < GROUP_RESOURCE_COUNT) {
        account_set_limit(&group_of(ref.object)->payer.account, (enum group_resource)what, value);
    } else if (status == STATUS_OK && operation == GROUP_SET_WEIGHT && what >= 1 &&
               what <= GROUP_MAX_WEIGHT) {
        ATOMIC_STORE(&group_of(ref.object)->weight, (u32)what);
    } else if (status == STATUS_OK) {
        status = STATUS_BAD_ARGUMENT;
    }
    thread_set_status(thread, status);
}

void syscall_group_info(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_GROUP, RIGHT_GROUP_INFO, &ref);
    if (status == STATUS_OK) {
        struct group_usage usage;
        group_usage(group_of(ref.object), &usage);
        status = user_write(user_ptr(arg(thread, 0)), &usage, sizeof(usage));
    }
    thread_set_status(thread, status);
}
