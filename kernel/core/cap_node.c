/* Nodes of derivation trees: their life. */
#include "core/cap_node.h"

#include "core/assert.h"

void cap_node_init(struct cap_node *node, struct object *object, const struct cap_node_ops *ops)
{
    *node = (struct cap_node){.object = object, .ops = ops};
    list_init(&node->children);
    list_init(&node->condemned);
    list_init(&node->sibling);
}

bool cap_node_abandon(struct cap_node *node)
{
    struct object *object = node->object;
    spin_lock(&object->tree_lock);
    bool mine = node->owner != NULL;
    ATOMIC_STORE(&node->owner, NULL);
    spin_unlock(&object->tree_lock);
    return mine;
}

bool cap_node_leave_locked(struct cap_node *node)
{
    ATOMIC_STORE(&node->owner, NULL);
    if (node->pins > 1 || !list_is_empty(&node->children) || !list_is_empty(&node->condemned))
        return false;
    list_remove(&node->sibling);
    return true;
}

void cap_node_drop_leaf(struct cap_node *node)
{
    struct object *object = node->object;
    spin_lock(&object->tree_lock);
    ASSERT(!node->owner && list_is_empty(&node->children) && list_is_empty(&node->condemned));
    bool linked = node->parent != NULL;
    object->effects -= linked && node->ops->is_effect;
    list_remove(&node->sibling);
    node->parent = NULL;
    spin_unlock(&object->tree_lock);
    if (linked)
        object_put(object);
}

void cap_node_unpin_one(struct cap_node *node)
{
    struct object *object = node->object;
    spin_lock(&object->tree_lock);
    ASSERT(node->pins > 1);
    node->pins--;
    spin_unlock(&object->tree_lock);
}

void cap_node_unpin(struct cap_node *node)
{
    struct object *object = node->object;
    spin_lock(&object->tree_lock);
    ASSERT(node->pins > 0);
    node->pins--;
    bool last = node->pins == 0;
    ASSERT(!last || !node->parent);
    spin_unlock(&object->tree_lock);
    if (last)
        node->ops->free(node);
}

static bool is_anchor(const struct cap_node *node)
{
    return node == &node->object->anchor;
}

bool cap_node_is_live_locked(const struct cap_node *node)
{
    DEBUG_ASSERT(spin_is_held(&node->object->tree_lock));
    if (!object_is_live(node->object))
        return false;
    for (; node->parent; node = node->parent) {
        if (node->birth_epoch < node->parent->revoked_epoch)
            return false;
    }
    return is_anchor(node);
}

enum status cap_node_link_locked(struct cap_node *node, struct cap_node *parent, void *owner)
{
    struct object *object = parent->object;
    DEBUG_ASSERT(spin_is_held(&object->tree_lock) && node->object == object);
    if (!cap_node_is_live_locked(parent) || (!is_anchor(parent) && !parent->owner))
        return STATUS_REVOKED;
    if (parent->depth + 1u > CAP_MAX_DEPTH)
        return STATUS_TOO_DEEP;
    node->parent = parent;
    node->depth = (u16)(parent->depth + 1);
    node->birth_epoch = object->epoch;
    node->owner = owner;
    node->pins = 1;
    list_push_back(&parent->children, &node->sibling);
    object->effects += node->ops->is_effect;
    object_get(object);
    return STATUS_OK;
}

enum status cap_node_link(struct cap_node *node, const struct cap_parent *parent, void *owner)
{
    struct object *object = node->object;
    enum status status = STATUS_REVOKED;
    spin_lock(&object->tree_lock);
    if (ATOMIC_LOAD(parent->place) == parent->handle)
        status = cap_node_link_locked(node, parent->node, owner);
    spin_unlock(&object->tree_lock);
    return status;
}

enum status cap_node_link_beside(struct cap_node *node, struct cap_node *sibling, void *owner)
{
    struct object *object = sibling->object;
    spin_lock(&object->tree_lock);
    enum status status = STATUS_REVOKED;
    if (cap_node_is_live_locked(sibling))
        status = cap_node_link_locked(node, sibling->parent, owner);
    spin_unlock(&object->tree_lock);
    return status;
}
