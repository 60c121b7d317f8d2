/*
 * Interrupt objects: a line that signals an endpoint. The line is masked when it fires and stays so until its driver
 * acknowledges.
 *
 * Locks: `lock` (RANK_IPC) guards the binding.
 */
#ifndef DEV_INTERRUPT_H
#define DEV_INTERRUPT_H

#include "ipc/endpoint.h"

struct interrupt {
    struct object object;
    struct spinlock lock;
    u32 line;
    struct endpoint *endpoint; /* a reference; NULL: not bound */
    u64 bits;
    u64 fired;
};

static inline struct interrupt *interrupt_of(struct object *object)
{
    return CONTAINER_OF(object, struct interrupt, object);
}

void interrupt_init(void);

/* Connects legacy IRQ `irq`. NOT_FOUND, BUSY, GROUP_LIMIT, NO_MEMORY. */
enum status interrupt_create(struct payer *payer, u32 irq, struct interrupt **out) MUST_USE;

/* Binds to `endpoint` (a reference, taken on success) with `bits`. EXISTS: it is bound to that one; BUSY: to another. */
enum status interrupt_bind(struct interrupt *interrupt, struct endpoint *endpoint, u64 bits) MUST_USE;
/* Lets the line fire again. */
void interrupt_unmask(struct interrupt *interrupt);

void interrupt_release(struct object *object);
void interrupt_reclaim(struct object *object);
void interrupt_condemn(struct object *object);

#endif
