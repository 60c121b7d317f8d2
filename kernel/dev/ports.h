/* I/O ports: one object for all; what a capability may reach is its range. */
#ifndef DEV_PORTS_H
#define DEV_PORTS_H

#include "cap/space.h"

void ports_init(void);
struct object *ports_object(void);

/* BAD_ARGUMENT: width is not 1, 2 or 4, or the access leaves the capability's range. */
enum status ports_in(const struct cap_ref *ref, u64 port, u64 width, u32 *value) MUST_USE;
enum status ports_out(const struct cap_ref *ref, u64 port, u64 width, u32 value) MUST_USE;

#endif
