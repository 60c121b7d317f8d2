/* Derivation trees. The rules stand in cap/derive.h. */
#include "cap/derive.h"

#include "core/assert.h"

/* Tree lock held: takes an ownerless leaf out of the tree. The caller then drops the reference. */
static void unlink_locked(struct cap_node *node)
{
    DEBUG_ASSERT(!node->owner && list_is_empty(&node->children) && list_is_empty(&node->condemned));
    list_remove(&node->sibling);
    node->parent = NULL;
    node->object->effects -= node->ops->is_effect;
}

static struct cap_node *first_of(const struct list *head)
{
    struct list *link = list_first(head);
    return link ? LIST_ENTRY(link, struct cap_node, sibling) : NULL;
}

/* Tree lock held: a leaf among the condemned descendants of `node`, pinned; NULL if there are none.
 */
static struct cap_node *take_victim(struct cap_node *node)
{
    struct cap_node *victim = first_of(&node->condemned);
    if (!victim)
        return NULL;
    for (;;) {
        struct cap_node *below = first_of(&victim->condemned);
        if (!below)
            below = first_of(&victim->children);
        if (!below)
            break;
        victim = below;
    }
    victim->pins++;
    return victim;
}

/* Removes one condemned leaf below `node`, or takes a step towards it. True when there is none. */
static bool kill_one(struct cap_node *node)
{
    struct object *object = node->object;
    spin_lock(&object->tree_lock);
    struct cap_node *victim = take_victim(node);
    void *owner = victim ? victim->owner : NULL;
    spin_unlock(&object->tree_lock);
    if (!victim)
        return true;

    bool gone = !owner || victim->ops->kill(victim, owner);
    bool unlinked = false;
    if (gone) {
        spin_lock(&object->tree_lock);
        /* Nothing is linked below one that is condemned: it still is a leaf, unless somebody else
         * has unlinked it. */
        if (victim->parent) {
            unlink_locked(victim);
            unlinked = true;
        }
        spin_unlock(&object->tree_lock);
    }
    cap_node_unpin(victim);
    if (unlinked)
        object_put(object);
    return false;
}

bool cap_revoke_step(struct cap_node *node, u32 limit)
{
    for (u32 i = 0; i < limit; i++) {
        if (kill_one(node))
            return true;
    }
    return false;
}

bool cap_revoke_publish(struct cap_node *node)
{
    struct object *object = node->object;
    spin_lock(&object->tree_lock);
    u64 epoch = object_next_epoch();
    node->revoked_epoch = epoch;
    list_append_all(&node->condemned, &node->children);
    ATOMIC_STORE_SEQ(&object->epoch, epoch);
    bool effects = object->effects > 0;
    spin_unlock(&object->tree_lock);
    return effects;
}

/* Tree lock held: gives up to `limit` live children to the parent; a dead node's go to the parent's
 * condemned. */
static void hand_up_locked(struct cap_node *node, u32 limit)
{
    struct cap_node *parent = node->parent;
    bool dead = node->birth_epoch < parent->revoked_epoch;
    struct list *heir = dead ? &parent->condemned : &parent->children;
    for (u32 i = 0; i < limit; i++) {
        struct cap_node *child = first_of(&node->children);
        if (!child)
            return;
        list_remove(&child->sibling);
        child->parent = parent;
        list_push_back(heir, &child->sibling);
    }
}

bool cap_node_dissolve_step(struct cap_node *node, u32 limit)
{
    struct object *object = node->object;
    if (!cap_revoke_step(node, limit))
        return false;
    spin_lock(&object->tree_lock);
    DEBUG_ASSERT(!node->owner);
    bool unlinked_by_other = !node->parent;
    bool unlinked = false;
    if (!unlinked_by_other) {
        hand_up_locked(node, limit);
        if (list_is_empty(&node->children) && list_is_empty(&node->condemned)) {
            unlink_locked(node);
            unlinked = true;
        }
    }
    spin_unlock(&object->tree_lock);
    if (unlinked)
        object_put(object);
    return unlinked || unlinked_by_other;
}
