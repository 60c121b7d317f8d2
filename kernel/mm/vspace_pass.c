/*
 * Address spaces: visits to all mappings of a memory object, a bounded step at a time.
 *
 * Each visit has a number, and a mapping remembers the last that has gone over the whole of it, by
 * kind: visits of one kind concern the same pages or exclude each other, so a later one serves for
 * an earlier. A mapping is marked with the number of the visit that walked it, not with the newest:
 * one that began in the middle of the walk has not seen what the walk had passed.
 */
#include "mm/vspace_internal.h"

u32 vspace_pass_begin(struct memory *memory, enum mapping_pass_kind kind)
{
    return ATOMIC_ADD(&memory->passes[kind], 1);
}

static bool is_visited(const struct region *region, const struct mapping_pass *pass)
{
    return (i32)(region->passes[pass->kind] - pass->number) >= 0;
}

/* The space and the address of the first mapping that is still to be visited; NULL: none. */
static struct vspace *next_mapping(const struct mapping_pass *pass, u64 *address)
{
    struct vspace *vspace = NULL;
    spin_lock(&pass->memory->lock);
    LIST_FOREACH (link, &pass->memory->mappings) {
        struct region *region = LIST_ENTRY(link, struct region, mapping_link);
        if (!is_visited(region, pass)) {
            vspace = region->vspace;
            *address = region->link.key;
            break;
        }
    }
    spin_unlock(&pass->memory->lock);
    return vspace;
}

/* Where page `page` of the memory would lie in the region: not before its start, nor behind its
 * end. */
static u64 address_of(const struct region *region, u64 page)
{
    if (page <= region->memory_page)
        return region->link.key;
    u64 pages = (region->end - region->link.key) >> PAGE_SHIFT;
    u64 behind = page - region->memory_page;
    return behind < pages ? region->link.key + (behind << PAGE_SHIFT) : region->end;
}

/* vspace lock held: true when the whole region is visited. */
static bool visit(struct vspace *vspace, struct region *region, const struct mapping_pass *pass,
                  u64 *resume, u32 limit)
{
    u64 from = address_of(region, pass->start), end = address_of(region, pass->end);
    if (*resume > from && *resume < end)
        from = *resume;
    u32 level;
    for (; from < end && page_table_next(&vspace->table, from, end, &from, &level); limit--) {
        paddr_t frame;
        u32 access;
        *resume = from;
        if (limit == 0)
            return false;
        (void)page_table_unmap(&vspace->table, from, &frame, &access, &level);
        from += PAGE_SIZE;
    }
    region->passes[pass->kind] = pass->number;
    *resume = 0;
    return true;
}

bool vspace_pass_step(const struct mapping_pass *pass, struct vspace **at, u64 *resume, u32 limit)
{
    u64 address = 0;
    struct vspace *vspace = next_mapping(pass, &address);
    if (!vspace)
        return true;
    if (vspace != *at)
        *resume = 0; /* the mapping that was being walked has gone */
    *at = vspace;
    spin_lock(&vspace->lock);
    struct region *region = vspace_region_at(vspace, address);
    if (region && region->memory == pass->memory) /* else it went just now */
        (void)visit(vspace, region, pass, resume, limit);
    spin_unlock(&vspace->lock);
    (void)vspace_flush(vspace);
    return false;
}
