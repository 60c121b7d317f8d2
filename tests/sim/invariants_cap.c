/* Capability spaces, derivation trees, epochs and references. */
#include "view.h"

#include "peek.h"

/* Calls `check` for each occupied slot of each space. */
static void each_slot(const char *name,
                      void (*check)(const char *name, const struct cap_space *space, u32 index,
                                    const struct cap_slot *slot))
{
    for (u32 i = 0; i < view()->process_count; i++) {
        const struct cap_space *space = view()->spaces[i];
        for (u32 index = 0;; index++) {
            const struct cap_slot *slot = peek_slot_at(space, index);
            if (!slot || run_has_failed())
                break;
            if (peek_in_use(slot))
                check(name, space, index, slot);
        }
    }
}

static void check_slot(const char *name, const struct cap_space *space, u32 index,
                       const struct cap_slot *slot)
{
    const struct cap_node *node = slot->node;
    EXPECT(name, node && ledger_holds("cap_node", node), "slot %u has no live node", index);
    if (run_has_failed())
        return;
    EXPECT(name, node->owner == space && node->slot_index == index,
           "the node of slot %u belongs elsewhere", index);
    EXPECT(name, node->object == slot->object, "slot %u and its node name different objects",
           index);
    EXPECT(name, node->parent != NULL, "the node of slot %u is not in a tree", index);
    EXPECT(name, node->pins >= 1, "the node of slot %u has no pin", index);
    EXPECT(name, slot_node_account(node) == space->account,
           "the node of slot %u is paid by another account", index);
}

static void slots_and_nodes(const char *name)
{
    each_slot(name, check_slot);
}

static bool is_object(const struct object *object)
{
    for (u32 i = 0; i < view()->object_count; i++)
        if (view()->objects[i] == object)
            return true;
    return false;
}

static void check_slot_object(const char *name, const struct cap_space *space, u32 index,
                              const struct cap_slot *slot)
{
    (void)space;
    EXPECT(name, is_object(slot->object), "slot %u names an object that has been freed", index);
    if (run_has_failed())
        return;
    EXPECT(name, slot->object->references > 0, "slot %u names an object without references", index);
    EXPECT(name, slot->object->type == peek_slot_type(slot), "slot %u has the wrong type", index);
}

static void slot_objects(const char *name)
{
    each_slot(name, check_slot_object);
}

static void check_handle(const char *name, const struct cap_space *space, u32 index,
                         const struct cap_slot *slot)
{
    (void)space;
    EXPECT(name, (slot->handle & 0xfffff) == index, "slot %u holds a handle for another", index);
    EXPECT(name, (slot->handle >> 20 & 0xfff) == slot->generation && slot->generation != 0,
           "slot %u: handle and generation differ", index);
    EXPECT(name, index != 0, "slot 0 is in use");
}

static void handles(const char *name)
{
    each_slot(name, check_handle);
}

/* Free and used slots make up all of them, and the free list has no strangers. */
static void free_slots(const char *name)
{
    for (u32 i = 0; i < view()->process_count && !run_has_failed(); i++) {
        const struct cap_space *space = view()->spaces[i];
        if (!space->chunks)
            continue;
        u32 used = 0;
        u32 total = 0;
        for (const struct cap_slot *slot; (slot = peek_slot_at(space, total)) != NULL; total++)
            used += peek_in_use(slot);
        u32 listed = 0;
        for (u32 next = space->first_free; next != 0 && listed <= total; listed++) {
            const struct cap_slot *slot = peek_slot_at(space, next - 1);
            EXPECT(name, slot && slot->handle == 0, "slot %u is on the free list and in use",
                   next - 1);
            if (!slot)
                return;
            next = slot->next_free;
        }
        EXPECT(name, used == space->used_count, "%u slots used, %u counted", used,
               space->used_count);
        EXPECT(name, total == 0 || used + listed + 1 == total, "%u used and %u free of %u slots",
               used, listed, total);
    }
}

/* A slot that trusts the object's epoch has a live node: else a revoked capability would be
 * accepted. */
static bool node_is_live(const struct cap_node *node)
{
    if (node->object->state != OBJECT_LIVE)
        return false;
    for (; node->parent; node = node->parent)
        if (node->birth_epoch < node->parent->revoked_epoch)
            return false;
    return node == &node->object->anchor;
}

static void check_slot_epoch(const char *name, const struct cap_space *space, u32 index,
                             const struct cap_slot *slot)
{
    (void)space;
    EXPECT(name, slot->epoch <= slot->object->epoch, "slot %u is ahead of its object", index);
    EXPECT(name,
           slot->epoch != slot->object->epoch || slot->object->state != OBJECT_LIVE ||
               node_is_live(slot->node),
           "slot %u would be accepted although it has been revoked", index);
}

static void slot_epochs(const char *name)
{
    each_slot(name, check_slot_epoch);
}

/* --- Trees
 * -------------------------------------------------------------------------------------------- */

struct tree_count {
    u64 nodes;
    u64 slots;
};

static void check_link(const char *name, const struct cap_node *parent, const struct cap_node *node,
                       bool condemned)
{
    EXPECT(name, node->parent == parent, "a node does not point back at its parent");
    EXPECT(name, node->object == parent->object, "a tree holds nodes of two objects");
    EXPECT(name, node->depth > parent->depth && node->depth <= CAP_MAX_DEPTH,
           "a node of depth %u hangs below one of depth %u", node->depth, parent->depth);
    EXPECT(name, node->birth_epoch <= node->object->epoch, "a node is younger than its object");
    EXPECT(name, node->revoked_epoch <= node->object->epoch, "a revocation ahead of the object");
    if (condemned)
        EXPECT(name, node->birth_epoch < parent->revoked_epoch, "a condemned child is not dead");
    EXPECT(name, node->pins > 0 || !node->owner, "a linked node has an owner and no pin");
}

static void walk_tree(const char *name, const struct cap_node *node, struct tree_count *count,
                      u32 depth, u64 dead_since);

static void walk_children(const char *name, const struct cap_node *node, const struct list *list,
                          bool condemned, struct tree_count *count, u32 depth, u64 dead_since)
{
    if (condemned && node->revoked_epoch < dead_since)
        dead_since = node->revoked_epoch;
    LIST_FOREACH (link, list) {
        if (run_has_failed())
            return;
        const struct cap_node *child = LIST_ENTRY(link, struct cap_node, sibling);
        check_link(name, node, child, condemned);
        EXPECT(name, child->birth_epoch < dead_since,
               "a capability was made from one that had been revoked already");
        count->nodes++;
        count->slots += node_is_slot(child);
        walk_tree(name, child, count, depth + 1, dead_since);
    }
}

/* `dead_since`: the epoch of the revocation that has killed this part of the tree; UINT64_MAX: it
 * lives. */
static void walk_tree(const char *name, const struct cap_node *node, struct tree_count *count,
                      u32 depth, u64 dead_since)
{
    if (depth > CAP_MAX_DEPTH + 1) {
        violated(name, "a derivation tree is too deep or runs in a circle");
        return;
    }
    walk_children(name, node, &node->children, false, count, depth, dead_since);
    walk_children(name, node, &node->condemned, true, count, depth, dead_since);
}

static void derivation_trees(const char *name)
{
    u64 slots = 0;
    for (u32 i = 0; i < view()->object_count && !run_has_failed(); i++) {
        struct tree_count count = {0, 0};
        const struct object *object = view()->objects[i];
        EXPECT(name, object->anchor.object == object && !object->anchor.parent,
               "object %llu has a broken anchor", (unsigned long long)object->id);
        walk_tree(name, &object->anchor, &count, 0, UINT64_MAX);
        EXPECT(name, object->references >= count.nodes, "object %llu: %llu nodes and %u references",
               (unsigned long long)object->id, (unsigned long long)count.nodes, object->references);
        EXPECT(name, object->effects == count.nodes - count.slots,
               "object %llu: %llu nodes that are no slot's, %u counted",
               (unsigned long long)object->id, (unsigned long long)(count.nodes - count.slots),
               object->effects);
        slots += count.slots;
    }
    /* Nodes outside trees are unlinked ones that wait for their last pin or the grace period. */
    EXPECT(name, slots <= cap_node_count(), "%llu slot nodes in trees, %llu counted",
           (unsigned long long)slots, (unsigned long long)cap_node_count());
}

static void node_count_matches(const char *name)
{
    u64 live = 0;
    u32 cursor = 0;
    while (ledger_next("cap_node", &cursor))
        live++;
    EXPECT(name, live == cap_node_count(), "%llu nodes live, %llu counted",
           (unsigned long long)live, (unsigned long long)cap_node_count());
}

static void node_owners(const char *name)
{
    struct cap_node *node;
    u32 cursor = 0;
    while ((node = ledger_next("cap_node", &cursor)) != NULL && !run_has_failed()) {
        if (!node->owner)
            continue;
        const struct cap_space *space = node->owner;
        const struct cap_slot *slot = peek_slot_at(space, node->slot_index);
        EXPECT(name, slot && slot->node == node, "a node's slot does not name it");
    }
}

static void child_ranges(const char *name)
{
    struct cap_node *node;
    u32 cursor = 0;
    while ((node = ledger_next("cap_node", &cursor)) != NULL && !run_has_failed()) {
        const struct cap_node *parent = node->parent;
        if (!parent || !parent->parent || !node_is_slot(parent))
            continue;
        EXPECT(name,
               node->range_start >= parent->range_start && node->range_end <= parent->range_end,
               "a child's range %llx-%llx is not within its parent's %llx-%llx",
               (unsigned long long)node->range_start, (unsigned long long)node->range_end,
               (unsigned long long)parent->range_start, (unsigned long long)parent->range_end);
    }
}

static void epochs_unique(const char *name)
{
    const struct view *v = view();
    for (u32 i = 0; i < v->object_count; i++)
        for (u32 j = i + 1; j < v->object_count; j++)
            EXPECT(name,
                   v->objects[i]->epoch != v->objects[j]->epoch ||
                       v->objects[i]->epoch == EPOCH_DEAD,
                   "objects %llu and %llu have the same epoch",
                   (unsigned long long)v->objects[i]->id, (unsigned long long)v->objects[j]->id);
}

const struct invariant invariants_cap[] = {
    {"slots_and_nodes", slots_and_nodes},
    {"slot_objects", slot_objects},
    {"handles", handles},
    {"free_slots", free_slots},
    {"slot_epochs", slot_epochs},
    {"derivation_trees", derivation_trees},
    {"node_count", node_count_matches},
    {"node_owners", node_owners},
    {"child_ranges", child_ranges},
    {"epochs_unique", epochs_unique},
    {NULL, NULL},
};
