/* Timer objects. */
#include "dev/timer_object.h"

#include "arch/time.h"
#include "mm/object_slab.h"
#include "trace/trace.h"

KERNEL_STATE static struct slab_cache timer_cache;

void timer_object_init(void)
{
    slab_cache_init(&timer_cache, "timer", sizeof(struct timer_object), 16);
}

/* Of a timer that is `late`: the next multiple of its period, or never. A period may be longer than
 * there is time left. */
static u64 next_deadline(const struct timer_object *timer, u64 late)
{
    if (timer->period_ns == 0)
        return TIME_NEVER;
    return deadline_after(timer->period_ns - late % timer->period_ns);
}

/* The queue's timer may be one that was set anew on another CPU meanwhile: only a deadline that has
 * passed counts. */
static void fire(struct timer *queued, u64 now_ns)
{
    struct timer_object *timer = CONTAINER_OF(queued, struct timer_object, timer);
    spin_lock(&timer->lock);
    bool due = timer->deadline_ns <= now_ns;
    u64 late = now_ns - timer->deadline_ns;
    if (due) {
        timer->deadline_ns = next_deadline(timer, late);
        timer_cancel(&timer->timer);
        if (timer->deadline_ns != TIME_NEVER)
            timer_arm(&timer->timer, timer->deadline_ns);
    }
    spin_unlock(&timer->lock);
    if (!due)
        return;
    TRACE(TIMER_FIRED, timer->object.id, late, 0, 0);
    binding_interrupt(&timer->binding);
}

enum status timer_object_create(struct payer *payer, const struct cap_ref *endpoint,
                                struct timer_object **out)
{
    void *memory;
    enum status status = object_allocate(&timer_cache, OBJECT_TIMER, payer,
                                         offsetof(struct timer_object, object), &memory);
    if (status != STATUS_OK)
        return status;
    struct timer_object *timer = memory;
    spinlock_init(&timer->lock, RANK_IPC);
    timer_init(&timer->timer, fire);
    timer->deadline_ns = TIME_NEVER;
    status = binding_make(&timer->binding, endpoint);
    if (status != STATUS_OK) {
        object_deallocate(&timer_cache, &timer->object, offsetof(struct timer_object, object));
        return status;
    }
    *out = timer;
    return STATUS_OK;
}

enum status timer_object_set(struct timer_object *timer, u64 deadline_ns, u64 period_ns)
{
    if (period_ns != 0 && period_ns < TIMER_MIN_PERIOD_NS)
        return STATUS_BAD_ARGUMENT;
    enum status status = STATUS_DEAD;
    spin_lock(&timer->lock);
    if (object_is_live(&timer->object)) {
        timer_cancel(&timer->timer);
        timer->deadline_ns = deadline_ns;
        timer->period_ns = period_ns;
        if (deadline_ns != TIME_NEVER)
            timer_arm(&timer->timer, deadline_ns);
        status = STATUS_OK;
    }
    spin_unlock(&timer->lock);
    return status;
}

static void stop(struct timer_object *timer)
{
    spin_lock(&timer->lock);
    timer->deadline_ns = TIME_NEVER;
    timer_cancel(&timer->timer);
    spin_unlock(&timer->lock);
}

void timer_object_condemn(struct object *object)
{
    stop(timer_object_of(object));
}

void timer_object_release(struct object *object)
{
    stop(timer_object_of(object));
    binding_drop(&timer_object_of(object)->binding);
    object_free_after_grace(object);
}

void timer_object_reclaim(struct object *object)
{
    object_deallocate(&timer_cache, object, offsetof(struct timer_object, object));
}
