/* System calls for resource groups. */
#include "mm/user_copy.h"
#include "sched/freeze.h"
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
    if (status == STATUS_OK)
        status = group_create(parent, &limits, &group);
    if (status == STATUS_OK && (limits.cpu_quota_ns | limits.cpu_period_ns)) {
        status = sched_set_quota(group, limits.cpu_quota_ns, limits.cpu_period_ns);
        if (status != STATUS_OK)
            object_put(&group->object);
    }
    if (status == STATUS_OK)
        syscall_return_object(thread, &group->object, RIGHTS_GROUP, 0);
    else
        thread_set_status(thread, status);
    object_put(&parent->object);
}

/* Condemns what the group pays for, bit by bit, and goes on until all of it has been given back. */
static enum job_result destroy_slice(struct job *job)
{
    struct group *group = CONTAINER_OF(job, struct group, job);
    if (!group_condemn_some(group, REAPER_SLICE))
        return JOB_MORE;
    return group_is_empty(group) ? JOB_DONE : JOB_GRACE;
}

static struct thread *next_waiter(struct group *group)
{
    spin_lock(&group->lock);
    group->destroyed = true;
    struct list *link = list_first(&group->waiters);
    struct thread *thread = link ? LIST_ENTRY(link, struct thread, wait_link) : NULL;
    if (thread)
        wait_end(thread);
    spin_unlock(&group->lock);
    return thread;
}

static void destroyed(struct job *job)
{
    struct group *group = CONTAINER_OF(job, struct group, job);
    struct thread *thread;
    while ((thread = next_waiter(group)) != NULL)
        sched_wake(thread);
    object_put(&group->object); /* the job's */
}

static struct object *group_waited_on(const struct thread *thread)
{
    return &CONTAINER_OF(thread->wait_lock, struct group, lock)->object;
}

static const struct wait_ops destroy_ops = {
    .kind = THREAD_STATE_WAITING, .abort = wait_abort_status, .waits_on = group_waited_on};

static void wait_until_destroyed(struct thread *thread, struct group *group)
{
    spin_lock(&group->lock);
    if (!group->destroyed) {
        wait_prepare(thread);
        wait_begin(thread, &group->lock, &group->waiters, &destroy_ops, group, TIME_NEVER);
    }
    spin_unlock(&group->lock);
}

/* The first to ask starts the job, which is the group's; it and all who come later wait. A thread
 * that the group pays for ends with it. */
static enum status destroy(struct thread *thread, const struct cap_ref *ref)
{
    struct group *group = group_of(ref->object);
    if (group == group_root())
        return STATUS_BAD_ARGUMENT;
    enum status status = cap_ref_take(ref);
    if (status != STATUS_OK)
        return status;
    thread_set_status(thread, STATUS_OK);
    u32 who = GROUP_LIVES;
    if (ATOMIC_CAS(&group->destroying, &who, GROUP_ENDS_BY_JOB)) {
        group->job =
            (struct job){.slice = destroy_slice, .done = destroyed, .group = group->parent};
        object_get(&group->object);
        if (job_start(&group->job))
            destroyed(&group->job);
    } else if (who == GROUP_ENDS_WITH_PARENT) {
        status = STATUS_BUSY; /* whoever destroys the group above is told when all is gone */
    }
    if (status == STATUS_OK)
        wait_until_destroyed(thread, group);
    object_put(&group->object);
    return status;
}

static enum status set_quota(struct group *group, u64 quota_ns, u64 period_ns)
{
    if (group == group_root())
        return STATUS_BAD_ARGUMENT;
    spin_lock(&group->lock);
    enum status status = sched_set_quota(group, quota_ns, period_ns);
    spin_unlock(&group->lock);
    return status;
}

/* Not the root: nobody would be left to resume it. */
static enum status freeze(struct thread *thread, const struct cap_ref *ref, bool suspend)
{
    if (group_of(ref->object) == group_root())
        return STATUS_BAD_ARGUMENT;
    enum status status = cap_ref_take(ref);
    if (status == STATUS_OK)
        freeze_group(thread, group_of(ref->object), suspend);
    return status;
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
    } else if (status == STATUS_OK && (operation == GROUP_SUSPEND || operation == GROUP_RESUME)) {
        status = freeze(thread, &ref, operation == GROUP_SUSPEND);
        if (status == STATUS_OK)
            return;
    } else if (status == STATUS_OK && operation == GROUP_SET_LIMIT && what < GROUP_RESOURCE_COUNT) {
        account_set_limit(&group_of(ref.object)->payer.account, (enum group_resource)what, value);
    } else if (status == STATUS_OK && operation == GROUP_SET_QUOTA) {
        status = set_quota(group_of(ref.object), what, value);
    } else if (status == STATUS_OK && operation == GROUP_SET_WEIGHT && what >= 1 &&
               what <= GROUP_MAX_WEIGHT) {
        ATOMIC_STORE(&group_of(ref.object)->weight, (u32)what);
        sched_weight_changed();
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
