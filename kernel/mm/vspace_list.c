/* Listing the mappings of an address space, for people. */
#include "mm/vspace.h"

_Static_assert(ACCESS_READ == MAP_READ && ACCESS_WRITE == MAP_WRITE &&
                   ACCESS_EXECUTE == MAP_EXECUTE,
               "access is told as in a call of map");

static void describe(const struct region *region, struct who_entry *entry)
{
    const struct object *object = &region->memory->object;
    *entry = (struct who_entry){
        .place = region->link.key,
        .object_id = object->id,
        .payer_id = object_payer_id(object),
        .size_bytes = region->end - region->link.key,
        .object_type = object->type,
        .rights = region->access,
        .flags = region->private_copy ? WHO_PRIVATE_COPY : 0,
    };
}

u32 vspace_list(struct vspace *vspace, u64 *from, struct who_entry *entries, u32 limit)
{
    u32 count = 0;
    spin_lock(&vspace->lock);
    struct tree_node *node = tree_find_ceiling(&vspace->regions, *from);
    for (; node && count < limit; node = tree_next(node)) {
        const struct region *region = TREE_ENTRY(node, struct region, link);
        if (!region->dying)
            describe(region, &entries[count++]);
    }
    *from = node ? node->key : 0;
    spin_unlock(&vspace->lock);
    return count;
}
