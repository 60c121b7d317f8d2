/* The machine object and the root trace domain: singletons whose capabilities init hands out. */
#ifndef DEV_MACHINE_H
#define DEV_MACHINE_H

#include "core/object.h"
#include "mm/memory.h"

void machine_init(void);
struct object *machine_object(void);

/* The root trace domain's rings: made at boot, mapped by those who hold the domain with TRACE_READ.
 */
void trace_domain_init(u64 boot_id);
struct object *trace_domain_object(void);
struct memory *trace_domain_memory(void);

/* For types whose only object lives for ever. */
void singleton_release(struct object *object);
void singleton_reclaim(struct object *object);
void singleton_condemn(struct object *object);

#endif
