/* Allocation of kernel objects: bytes and the object itself charged to a payer. */
#ifndef MM_OBJECT_SLAB_H
#define MM_OBJECT_SLAB_H

#include "core/object.h"
#include "mm/slab.h"

/* A zeroed structure whose `struct object` lies at `offset`, initialised with one reference.
 * NO_MEMORY, GROUP_LIMIT. */
enum status object_allocate(struct slab_cache *cache, enum object_type type, struct payer *payer,
                            size_t offset, void **out) MUST_USE;

/* The reverse, from a type's reclaim (or before the object was ever shown to anybody): frees and
 * forgets the payer. */
void object_deallocate(struct slab_cache *cache, struct object *object, size_t offset);

#endif
