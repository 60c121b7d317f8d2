/* Handing a capability to another space: the checks and the two ways, for messages, grants and
 * spawn. */
#ifndef CAP_TRANSFER_H
#define CAP_TRANSFER_H

#include "abi/message.h"
#include "cap/space.h"

/* Finds the capability that `wanted` names and checks that it may travel in this mode. The errors
 * of cap_lookup; SEALED; BAD_ARGUMENT: no such mode. */
enum status cap_check_transfer(struct cap_space *space, const struct message_cap *wanted,
                               struct cap_ref *ref) MUST_USE;

/* Puts a child with the same badge, range and expiry, and at most `rights`, into `to`. Errors of
 * cap_insert_child. */
enum status cap_copy(struct cap_space *to, const struct cap_ref *ref, u32 rights,
                     cap_t *handle) MUST_USE;

#endif
