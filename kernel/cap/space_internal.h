/* For cap/ alone. */
#ifndef CAP_SPACE_INTERNAL_H
#define CAP_SPACE_INTERNAL_H

#include "cap/space.h"

/* The slot at `index`, NULL if the space has none there. No lock: chunks never move while the space
 * lives. */
struct cap_slot *cap_slot_at(const struct cap_space *space, u32 index);

#endif
