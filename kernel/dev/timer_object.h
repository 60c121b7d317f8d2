/*
 * Timer objects: signal an endpoint at a time, once or periodically.
 *
 * Locks: `lock` (RANK_IPC) guards deadline and period.
 */
#ifndef DEV_TIMER_OBJECT_H
#define DEV_TIMER_OBJECT_H

#include "ipc/binding.h"

#define TIMER_MIN_PERIOD_NS 100000ull /* so that a periodic timer cannot take a CPU for itself */

struct timer_object {
    struct object object;
    struct spinlock lock;
    struct timer timer;
    struct binding binding;
    u64 period_ns;
    u64 deadline_ns; /* TIME_NEVER: stopped */
};

static inline struct timer_object *timer_object_of(struct object *object)
{
    return CONTAINER_OF(object, struct timer_object, object);
}

void timer_object_init(void);
enum status timer_object_create(struct payer *payer, const struct cap_ref *endpoint,
                                struct timer_object **out) MUST_USE;
/* Sets or stops it (TIME_NEVER). A period below TIMER_MIN_PERIOD_NS but 0: BAD_ARGUMENT. DEAD. */
enum status timer_object_set(struct timer_object *timer, u64 deadline_ns, u64 period_ns) MUST_USE;

void timer_object_release(struct object *object);
void timer_object_reclaim(struct object *object);
void timer_object_condemn(struct object *object);

#endif
