/* Operations of each object type. Only this folder sees all types. */
#include "core/object.h"
#include "dev/interrupt.h"
#include "dev/machine.h"
#include "dev/timer_object.h"
#include "group/memory_reaper.h"
#include "ipc/reply.h"
#include "proc/process.h"

/* Memory or a reply that its payer no longer pays for: the revocation that goes with it unmaps it
 * everywhere, or takes the capability away. */
static void condemn_nothing(struct object *object)
{
    (void)object;
}

static const struct object_ops process_ops = {
    .name = "process",
    .release = process_release,
    .condemn = process_condemn,
    .reclaim = process_reclaim,
};

static const struct object_ops thread_ops = {
    .name = "thread",
    .release = process_thread_release,
    .condemn = process_thread_condemn,
    .reclaim = thread_reclaim,
};

static const struct object_ops memory_ops = {
    .name = "memory",
    .release = memory_release,
    .condemn = condemn_nothing,
    .reclaim = memory_reclaim,
};

static const struct object_ops endpoint_ops = {
    .name = "endpoint",
    .release = endpoint_release,
    .condemn = endpoint_condemn,
    .reclaim = endpoint_reclaim,
    .revoked = endpoint_revoked,
    .holders_changed = endpoint_holders_changed,
    .holder_right = RIGHT_RECEIVE,
    .holders_gone = endpoint_holders_gone,
};

static const struct object_ops reply_ops = {
    .name = "reply",
    .release = reply_release,
    .condemn = condemn_nothing,
    .reclaim = reply_reclaim,
    .holder_right = RIGHT_REPLY,
    .holders_gone = reply_holders_gone,
};

static const struct object_ops group_ops = {
    .name = "group",
    .release = group_release,
    .condemn = group_condemn,
    .reclaim = group_reclaim,
};

static const struct object_ops interrupt_ops = {
    .name = "interrupt",
    .release = interrupt_release,
    .condemn = interrupt_condemn,
    .reclaim = interrupt_reclaim,
};

static const struct object_ops timer_ops = {
    .name = "timer",
    .release = timer_object_release,
    .condemn = timer_object_condemn,
    .reclaim = timer_object_reclaim,
};

static const struct object_ops singleton_ops = {
    .name = "singleton",
    .release = singleton_release,
    .condemn = singleton_condemn,
    .reclaim = singleton_reclaim,
};

const struct object_ops *const object_operations[OBJECT_TYPE_COUNT] = {
    [OBJECT_PROCESS] = &process_ops,
    [OBJECT_THREAD] = &thread_ops,
    [OBJECT_MEMORY] = &memory_ops,
    [OBJECT_ENDPOINT] = &endpoint_ops,
    [OBJECT_REPLY] = &reply_ops,
    [OBJECT_GROUP] = &group_ops,
    [OBJECT_INTERRUPT] = &interrupt_ops,
    [OBJECT_PORTS] = &singleton_ops,
    [OBJECT_TIMER] = &timer_ops,
    [OBJECT_MACHINE] = &singleton_ops,
    [OBJECT_TRACE_DOMAIN] = &singleton_ops,
};
