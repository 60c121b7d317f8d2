/* Listing a capability space, for people. */
#include "cap/space.h"
#include "cap/space_internal.h"

#define SCAN_LIMIT 256u /* slots looked at with the lock held */

static u32 flags_of(u64 meta)
{
    return (meta & CAP_FLAG_EXPIRES ? WHO_EXPIRES : 0) |
           (meta & CAP_FLAG_SEAL_DERIVE ? WHO_NO_DERIVE : 0) |
           (meta & CAP_FLAG_SEAL_TRANSFER ? WHO_NO_TRANSFER : 0);
}

/* Space lock held: the slot's node, and so the object, stay. The tree lock keeps the parent, and
 * the space that it lies in. */
static void describe(const struct cap_slot *slot, u32 index, struct who_entry *entry)
{
    struct object *object = slot->object;
    *entry = (struct who_entry){
        .place = index,
        .object_id = object->id,
        .payer_id = object_payer_id(object),
        .badge = slot->badge,
        .object_type = object->type,
        .rights = (u32)slot->meta,
        .flags = flags_of(slot->meta),
    };
    spin_lock(&object->tree_lock);
    entry->depth = slot->node->depth;
    const struct cap_node *parent = slot->node->parent;
    const struct cap_space *owner = parent ? parent->owner : NULL;
    if (owner) {
        entry->parent_process_id = owner->process_id;
        entry->parent_slot = parent->slot_index;
    }
    spin_unlock(&object->tree_lock);
}

u32 cap_space_list(struct cap_space *space, u64 *from, struct who_entry *entries, u32 limit)
{
    u32 count = 0;
    u64 index = *from;
    spin_lock(&space->lock);
    u64 end = space->used_count ? space->slot_count : 0;
    for (u32 seen = 0; index < end && seen < SCAN_LIMIT && count < limit; index++, seen++) {
        const struct cap_slot *slot = cap_slot_at(space, (u32)index);
        if (slot->node) /* not the first, which is never used */
            describe(slot, (u32)index, &entries[count++]);
    }
    spin_unlock(&space->lock);
    *from = index < end ? index : 0;
    return count;
}
