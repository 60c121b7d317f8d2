/* Address spaces: unmapping and changing protection, in bounded steps. */
#include "core/assert.h"
#include "mm/vspace.h"
#include "mm/vspace_internal.h"
#include "trace/trace.h"

bool region_clear_entries(struct vspace *vspace, struct region *region, u32 *budget)
{
    u64 from = region->cleared > region->link.key ? region->cleared : region->link.key;
    u64 address;
    u32 level;
    while (page_table_next(&vspace->table, from, region->end, &address, &level)) {
        if (*budget == 0) {
            region->cleared = address;
            return false;
        }
        (*budget)--;
        paddr_t frame;
        u32 access;
        (void)page_table_unmap(&vspace->table, address, &frame, &access, &level);
        from = address + PAGE_SIZE;
    }
    region->cleared = region->end;
    return true;
}

void region_remove(struct vspace *vspace, struct region *region)
{
    region_leave_memory(region);
    tree_remove(&vspace->regions, &region->link);
    vspace->region_count--;
    /* The gap is used again, so that page tables do not spread. */
    if (region->link.key >= vspace->window && region->link.key < vspace->hint)
        vspace->hint = region->link.key;
    struct cap_node *node = &region->node;
    if (node->pins == 0) {
        region_free(region); /* not mapped by a capability */
    } else if (cap_node_abandon(node)) {
        cap_node_drop_leaf(node);
        cap_node_unpin(node);
    }
}

/* Splits the region at `address` with the spare structure: that becomes the upper part. */
static enum status split(struct vspace *vspace, struct region *region, u64 address,
                         struct region *upper)
{
    u64 pages = (address - region->link.key) >> PAGE_SHIFT;
    struct account *account = upper->account;
    *upper = (struct region){
        .end = region->end,
        .memory = region->memory,
        .memory_page = region->memory_page + pages,
        .shadow = region->shadow,
        .shadow_page = region->shadow_page + pages,
        .access = region->access,
        .max_access = region->max_access,
        .private_copy = region->private_copy,
        .account = account,
    };
    upper->link.key = address;
    list_init(&upper->mapping_link);
    cap_node_init(&upper->node, &region->memory->object, &region_node_ops);
    if (region->node.pins) {
        enum status status = region_join_memory(vspace, upper);
        for (u32 i = 0; i < MAPPING_PASS_KINDS; i++)
            upper->passes[i] = region->passes[i];
        if (status == STATUS_OK)
            status = cap_node_link_beside(&upper->node, &region->node, vspace);
        if (status != STATUS_OK) {
            region_leave_memory(upper);
            return status;
        }
    }
    object_get(&upper->memory->object);
    if (upper->shadow)
        object_get(&upper->shadow->object);
    region->end = address;
    tree_insert(&vspace->regions, &upper->link);
    vspace->region_count++;
    return STATUS_OK;
}

/* Makes `address` a boundary between regions, if it is inside one; uses *spare then. */
static enum status make_boundary(struct vspace *vspace, u64 address, struct region **spare)
{
    struct region *region = vspace_region_at(vspace, address);
    if (!region || region->dying || region->link.key == address)
        return STATUS_OK;
    enum status status = split(vspace, region, address, *spare);
    if (status == STATUS_OK)
        *spare = NULL;
    return status;
}

/* The first region that begins at or after `start` and before `end`. */
static struct region *first_in(struct vspace *vspace, u64 start, u64 end)
{
    struct tree_node *node = tree_find_ceiling(&vspace->regions, start);
    if (!node || node->key >= end)
        return NULL;
    return TREE_ENTRY(node, struct region, link);
}

static struct region *next_in(struct region *region, u64 end)
{
    struct tree_node *node = tree_next(&region->link);
    if (!node || node->key >= end)
        return NULL;
    return TREE_ENTRY(node, struct region, link);
}

/* Two spare structures for the boundaries of a range. */
static enum status alloc_spares(struct vspace *vspace, struct region *spares[2])
{
    spares[0] = spares[1] = NULL;
    enum status status = region_alloc(vspace, &spares[0]);
    if (status == STATUS_OK)
        status = region_alloc(vspace, &spares[1]);
    return status;
}

static void free_spares(struct region *spares[2])
{
    for (u32 i = 0; i < 2; i++) {
        if (spares[i])
            region_free_now(spares[i]);
    }
}

/* A change of a range is begun in one kernel entry, so it is bounded. Lock held. */
static enum status check_extent(struct vspace *vspace, u64 start, u64 end)
{
    u32 count = 0;
    for (struct region *region = first_in(vspace, start, end); region;
         region = next_in(region, end)) {
        if (++count > VSPACE_CHANGE_LIMIT)
            return STATUS_BAD_ARGUMENT;
    }
    return STATUS_OK;
}

static bool is_boundary(struct vspace *vspace, u64 address)
{
    struct region *region = vspace_region_at(vspace, address);
    return !region || region->dying || region->link.key == address;
}

/* Both ends of [start, end) become boundaries, or an error; a split that was made alone does no
 * harm. Takes the lock and keeps it on success. */
static enum status lock_with_boundaries(struct vspace *vspace, u64 start, u64 end)
{
    struct region *spares[2] = {NULL, NULL};
    spin_lock(&vspace->lock);
    enum status status = check_extent(vspace, start, end);
    if (status == STATUS_OK && is_boundary(vspace, start) && is_boundary(vspace, end))
        return STATUS_OK;
    spin_unlock(&vspace->lock);
    if (status != STATUS_OK)
        return status;

    status = alloc_spares(vspace, spares);
    if (status != STATUS_OK) {
        free_spares(spares);
        return status;
    }
    spin_lock(&vspace->lock);
    status = make_boundary(vspace, start, &spares[0]);
    if (status == STATUS_OK)
        status = make_boundary(vspace, end, &spares[1]);
    if (status != STATUS_OK)
        spin_unlock(&vspace->lock);
    free_spares(spares);
    return status;
}

bool vspace_unmap_region(struct vspace *vspace, u64 start, u64 end, u32 limit)
{
    u32 left = limit;
    spin_lock(&vspace->lock);
    struct region *region = vspace_region_at(vspace, start);
    bool whole = region && region->link.key == start && region->end == end && !region->dying;
    if (whole) {
        region->dying = true;
        whole = region_clear_entries(vspace, region, &left);
        whole &= left == limit || !vspace_flush(vspace);
    }
    if (whole) {
        region_remove(vspace, region);
    } else if (region && left != limit) {
        region->dying = false; /* to be begun again */
        region->cleared = 0;
    }
    spin_unlock(&vspace->lock);
    if (whole)
        TRACE(MEMORY_UNMAP, start, end - start, 0, 0);
    return whole;
}

enum status vspace_unmap_begin(struct vspace *vspace, u64 start, u64 end)
{
    enum status status = lock_with_boundaries(vspace, start, end);
    if (status != STATUS_OK)
        return status;
    status = STATUS_NOT_FOUND;
    for (struct region *region = first_in(vspace, start, end); region;
         region = next_in(region, end)) {
        if (!region->dying)
            status = STATUS_OK;
        region->dying = true;
    }
    spin_unlock(&vspace->lock);
    TRACE(MEMORY_UNMAP, start, end - start, 0, 0);
    return status;
}

bool vspace_unmap_step(struct vspace *vspace, u64 start, u64 end, u32 limit)
{
    bool done = true;
    spin_lock(&vspace->lock);
    struct region *region = first_in(vspace, start, end);
    while (region && done) {
        struct region *next = next_in(region, end);
        if (region->dying && region->cleared != region->end) {
            done = limit > 0 && region_clear_entries(vspace, region, &limit);
            limit -= limit > 0; /* for the region itself */
        }
        region = next;
    }
    spin_unlock(&vspace->lock);
    return done;
}

bool vspace_unmap_finish(struct vspace *vspace, u64 start, u64 end, u32 limit)
{
    spin_lock(&vspace->lock);
    struct region *region = first_in(vspace, start, end);
    while (region && limit > 0) {
        struct region *next = next_in(region, end);
        if (vspace->closed || (region->dying && region->cleared == region->end)) {
            region_remove(vspace, region);
            limit--;
        }
        region = next;
    }
    spin_unlock(&vspace->lock);
    return region == NULL;
}

/* Is [start, end) mapped without gaps, with nothing dying, and may all of it have `access`? Lock
 * held. */
static enum status range_allows(struct vspace *vspace, u64 start, u64 end, u32 access)
{
    u64 expected = start;
    for (struct region *region = first_in(vspace, start, end); region;
         region = next_in(region, end)) {
        if (region->link.key != expected || region->dying)
            return STATUS_NOT_FOUND;
        if (access & ~region->max_access)
            return STATUS_MISSING_RIGHT;
        expected = region->end;
    }
    return expected == end ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status vspace_protect_begin(struct vspace *vspace, u64 start, u64 end, u32 access)
{
    enum status status = lock_with_boundaries(vspace, start, end);
    if (status != STATUS_OK)
        return status;
    status = range_allows(vspace, start, end, access);
    if (status == STATUS_OK) {
        for (struct region *region = first_in(vspace, start, end); region;
             region = next_in(region, end))
            region->access = access;
    }
    spin_unlock(&vspace->lock);
    return status;
}

bool vspace_protect_step(struct vspace *vspace, u64 *from, u64 end, u32 limit)
{
    spin_lock(&vspace->lock);
    u64 address;
    u32 level;
    bool done = true;
    /* A closed space is being taken apart, tables and all. */
    while (!vspace->closed && page_table_next(&vspace->table, *from, end, &address, &level)) {
        if (limit-- == 0) {
            done = false;
            break;
        }
        /* Entries go; the next touch brings the page back with the new access. */
        paddr_t frame;
        u32 access;
        (void)page_table_unmap(&vspace->table, address, &frame, &access, &level);
        *from = address + PAGE_SIZE;
    }
    spin_unlock(&vspace->lock);
    return done;
}
