/*
 * Derivation trees: linking, closing, revoking.
 *
 * A node is dead if it, or an ancestor, was born before its parent's last revocation:
 *   node.birth_epoch < node.parent.revoked_epoch
 * Revocation stores one epoch and moves the whole list of children aside in constant time; clean-up
 * then takes dead leaves away a few at a time. Closing a node makes it a ghost, whose live children
 * are handed to its parent, a few at a time.
 *
 * Pins: a linked node with an owner has one pin, its owner's. Whoever must find a node in memory
 * again after it has let go of the tree lock and the kernel entry pins it. The last pin of an
 * unlinked node frees it.
 *
 * Locks: the object's tree lock, taken inside unless the name ends in _locked.
 */
#ifndef CAP_DERIVE_H
#define CAP_DERIVE_H

#include "core/cap_node.h"

/* One bounded step of dissolving an abandoned node: kills condemned descendants, hands live
 * children to the parent. True when it is unlinked and has dropped its reference to the object. */
bool cap_node_dissolve_step(struct cap_node *node, u32 limit);

/* Revocation: from this call on no descendant of `node` is good. Constant time. True: mappings or
 * bindings hang in the tree, perhaps among the dead; if not, clean-up changes nothing that anybody
 * could still use. */
bool cap_revoke_publish(struct cap_node *node);
/* Clean-up, a bounded step of at most `limit` nodes or unmapped pages: true when no condemned
 * descendant is left. */
bool cap_revoke_step(struct cap_node *node, u32 limit);

#endif
