/*
 * Interrupt objects: a line that signals an endpoint. The line is masked when it fires and stays so
 * until its driver acknowledges.
 *
 * Locks: `lock` (RANK_IPC) guards the binding.
 */
#ifndef DEV_INTERRUPT_H
#define DEV_INTERRUPT_H

#include "ipc/binding.h"

struct interrupt {
    struct object object;
    struct spinlock lock;
    u32 line;
    struct binding binding;
    u64 fired;
};

static inline struct interrupt *interrupt_of(struct object *object)
{
    return CONTAINER_OF(object, struct interrupt, object);
}

void interrupt_init(void);

/* Connects legacy IRQ `irq`. NOT_FOUND, BUSY, GROUP_LIMIT, NO_MEMORY. */
enum status interrupt_create(struct payer *payer, u32 irq, struct interrupt **out) MUST_USE;

/* Binds to the endpoint, if it is not bound to it already. BUSY: it is bound to another. REVOKED,
 * TOO_DEEP. */
enum status interrupt_bind(struct interrupt *interrupt, const struct cap_ref *endpoint) MUST_USE;
/* Lets the line fire again. */
void interrupt_unmask(struct interrupt *interrupt);

void interrupt_release(struct object *object);
void interrupt_reclaim(struct object *object);
void interrupt_condemn(struct object *object);

#endif
