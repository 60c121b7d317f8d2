/*
 * Nodes of derivation trees, as far as layers below cap/ need them: making one, giving it up,
 * dropping a leaf. The rules stand in cap/derive.h.
 */
#ifndef CORE_CAP_NODE_H
#define CORE_CAP_NODE_H

#include "core/object.h"

/* The node of a capability that a lookup found: the word at `place` is `handle` as long as it is
 * there. Nodes are freed without a grace period, so that it is followed only under the object's
 * tree lock, after a look at that word. */
struct cap_parent {
    struct cap_node *node; /* NULL: none */
    const u64 *place;
    u64 handle;
};

/* Prepares a node: no links, no owner. */
void cap_node_init(struct cap_node *node, struct object *object, const struct cap_node_ops *ops);

/* Links `node` under `parent` for `owner`, whose pin it has from now on, and takes a reference to
 * the object. REVOKED: the parent is dead, closed or moved, or the object is dead. TOO_DEEP:
 * CAP_MAX_DEPTH. The _locked form needs the tree lock, under which the parent was found. */
enum status cap_node_link_locked(struct cap_node *node, struct cap_node *parent,
                                 void *owner) MUST_USE;
enum status cap_node_link(struct cap_node *node, const struct cap_parent *parent,
                          void *owner) MUST_USE;
/* The same under the parent of `sibling`, which has an owner. */
enum status cap_node_link_beside(struct cap_node *node, struct cap_node *sibling,
                                 void *owner) MUST_USE;

/* Is it good: no ancestor has revoked it, and the object is live? Tree lock held. */
bool cap_node_is_live_locked(const struct cap_node *node);

/* The owner gives the node up; its pin passes to the caller. False: it has no owner any more.
 * Called under the owner's lock. */
bool cap_node_abandon(struct cap_node *node);

/* Tree lock held: the owner gives the node up. True: it was a leaf that nobody else has pinned, and
 * is unlinked; the caller frees it and drops its reference. False: the owner's pin is the caller's.
 */
bool cap_node_leave_locked(struct cap_node *node) MUST_USE;

/* Unlinks an abandoned node that never has children, and drops its reference to the object; the
 * caller still unpins. */
void cap_node_drop_leaf(struct cap_node *node);

/* The last pin frees the node by its ops. The object must be readable: referenced, or dropped in
 * this kernel entry. */
void cap_node_unpin(struct cap_node *node);
/* Drops a pin of a node on which the caller has another. */
void cap_node_unpin_one(struct cap_node *node);

#endif
