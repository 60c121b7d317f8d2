/* Address spaces: mapping and faults. Unmapping and protection are in mm/vspace_change.c. */
#include "mm/vspace.h"

#include "abi/memory.h"
#include "core/assert.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/vspace_internal.h"
#include "trace/trace.h"

KERNEL_STATE static struct slab_cache region_cache;

static bool kill_region(struct cap_node *node, void *owner);
static void free_region_node(struct cap_node *node);

const struct cap_node_ops region_node_ops = {
    .is_effect = true, .kill = kill_region, .free = free_region_node};

void vspace_init(void)
{
    slab_cache_init(&region_cache, "region", sizeof(struct region), 16);
}

enum status vspace_create(struct vspace *vspace, struct payer *payer, u64 window)
{
    *vspace = (struct vspace){.payer = payer, .window = window, .hint = window};
    spinlock_init(&vspace->lock, RANK_VSPACE);
    tree_init(&vspace->regions);
    return page_table_create(&vspace->table, &payer->account);
}

enum status region_alloc(struct vspace *vspace, struct region **out)
{
    void *memory;
    enum status status = slab_take(&region_cache, &vspace->payer->account, &memory);
    if (status != STATUS_OK)
        return status;
    struct region *region = memory;
    memset(region, 0, offsetof(struct region, node));
    region->account = &vspace->payer->account;
    *out = region;
    return STATUS_OK;
}

void region_free_now(struct region *region)
{
    slab_free(&region_cache, region->account, region);
}

static void let_go(struct region *region)
{
    object_put(&region->memory->object);
    if (region->shadow)
        object_put(&region->shadow->object);
    region_free_now(region);
}

/* The copies go, some in each grace period: until there some CPU might have reached their frames.
 */
static void give_back_copies(struct grace_node *grace)
{
    struct region *region = CONTAINER_OF(grace, struct region, grace);
    u64 first = region->shadow_page;
    u64 end = first + ((region->end - region->link.key) >> PAGE_SHIFT);
    bool done = memory_free_some(region->shadow, &region->shadow_page, end);
    region->link.key += (region->shadow_page - first) << PAGE_SHIFT;
    if (done)
        let_go(region);
    else
        grace_defer(&region->grace, give_back_copies);
}

void region_free(struct region *region)
{
    /* If other pieces of the mapping have the shadow, too, it does not go with this one. */
    if (region->shadow && ATOMIC_LOAD(&region->shadow->object.references) > 1)
        grace_defer(&region->grace, give_back_copies);
    else
        let_go(region);
}

static void free_region_node(struct cap_node *node)
{
    region_free(CONTAINER_OF(node, struct region, node));
}

/* A revocation reached the capability that a region was mapped by: its entries go, then the region.
 * The flush is asked for at once; the revoker waits for a grace period before it says that it is
 * done. */
static bool kill_region(struct cap_node *node, void *owner)
{
    struct vspace *vspace = owner;
    struct region *region = CONTAINER_OF(node, struct region, node);
    spin_lock(&vspace->lock);
    if (node->owner == vspace) {
        region->dying = true;
        u32 budget = KILL_STEP_PAGES;
        bool cleared = region_clear_entries(vspace, region, &budget);
        (void)vspace_flush(vspace);
        if (cleared)
            region_remove(vspace, region);
    }
    spin_unlock(&vspace->lock);
    return !ATOMIC_LOAD(&node->owner);
}

struct region *vspace_region_at(struct vspace *vspace, u64 address)
{
    struct tree_node *node = tree_find_floor(&vspace->regions, address);
    if (!node)
        return NULL;
    struct region *region = TREE_ENTRY(node, struct region, link);
    return address < region->end ? region : NULL;
}

static bool range_is_free(struct vspace *vspace, u64 start, u64 end)
{
    struct tree_node *node = tree_find_floor(&vspace->regions, end - 1);
    return !node || TREE_ENTRY(node, struct region, link)->end <= start;
}

/* The first gap of `size` bytes and a guard page on either side, from the hint up. */
static enum status choose_from_hint(struct vspace *vspace, u64 size, u64 *address)
{
    u64 start = vspace->hint;
    struct tree_node *node = tree_find_floor(&vspace->regions, start);
    if (!node)
        node = tree_first(&vspace->regions);
    for (; node; node = tree_next(node)) {
        struct region *region = TREE_ENTRY(node, struct region, link);
        if (region->end + PAGE_SIZE <= start)
            continue;
        if (region->link.key >= start && region->link.key - start >= size + PAGE_SIZE)
            break;
        start = region->end + PAGE_SIZE;
    }
    if (start > USER_END - PAGE_SIZE || size > USER_END - PAGE_SIZE - start)
        return STATUS_NO_MEMORY;
    vspace->hint = start + size;
    *address = start;
    return STATUS_OK;
}

/* After the last choice if there is room, else anywhere from the window up. */
static enum status choose_address(struct vspace *vspace, u64 size, u64 *address)
{
    enum status status = choose_from_hint(vspace, size, address);
    if (status != STATUS_OK) {
        vspace->hint = vspace->window;
        status = choose_from_hint(vspace, size, address);
    }
    return status;
}

static bool mapping_is_sane(const struct mapping *m)
{
    if (m->page_count == 0 || m->page_count > m->memory->page_count ||
        m->memory_page > m->memory->page_count - m->page_count)
        return false;
    if ((m->access & ACCESS_WRITE) && (m->access & ACCESS_EXECUTE))
        return false;
    if (m->private_copy && m->memory->device)
        return false; /* registers are not copied */
    if (m->address == 0)
        return true;
    u64 size = m->page_count << PAGE_SHIFT;
    return m->address % PAGE_SIZE == 0 && m->address >= USER_START && m->address < USER_END &&
           size <= USER_END - m->address;
}

/* vspace lock held: the memory comes to know where it is mapped. FULL: too often, for memory that
 * shares frames. */
enum status region_join_memory(struct vspace *vspace, struct region *region)
{
    struct memory *memory = region->memory;
    region->vspace = vspace;
    if (memory->kind != MEMORY_ANONYMOUS)
        return STATUS_OK;
    spin_lock(&memory->lock);
    bool full =
        (memory->cow || memory->discarding) && memory->mapping_count >= MEMORY_MAX_SHARED_MAPPINGS;
    if (!full) {
        list_push_back(&memory->mappings, &region->mapping_link);
        memory->mapping_count++;
        for (u32 i = 0; i < MAPPING_PASS_KINDS; i++)
            region->passes[i] = memory->passes[i];
    }
    spin_unlock(&memory->lock);
    return full ? STATUS_FULL : STATUS_OK;
}

void region_leave_memory(struct region *region)
{
    struct memory *memory = region->memory;
    if (!list_is_linked(&region->mapping_link))
        return;
    spin_lock(&memory->lock);
    list_remove(&region->mapping_link);
    memory->mapping_count--;
    spin_unlock(&memory->lock);
}

/* vspace lock held: puts the filled region into the tree and under its parent node. */
static enum status publish(struct vspace *vspace, struct region *region,
                           const struct mapping *mapping)
{
    u64 size = mapping->page_count << PAGE_SHIFT;
    u64 address = mapping->address;
    if (vspace->closed)
        return STATUS_DEAD;
    if (vspace->region_count >= VSPACE_MAX_REGIONS)
        return STATUS_NO_MEMORY;
    if (address == 0) {
        enum status status = choose_address(vspace, size, &address);
        if (status != STATUS_OK)
            return status;
    } else if (!range_is_free(vspace, address, address + size)) {
        return STATUS_EXISTS;
    }
    region->link.key = address;
    region->end = address + size;
    if (mapping->parent.node) {
        /* The node's reference keeps the memory; it is taken under the same tree lock as the check
         * of the parent. */
        enum status status = region_join_memory(vspace, region);
        if (status == STATUS_OK)
            status = cap_node_link(&region->node, &mapping->parent, vspace);
        if (status != STATUS_OK) {
            region_leave_memory(region);
            return status;
        }
    }
    object_get(&mapping->memory->object);
    tree_insert(&vspace->regions, &region->link);
    vspace->region_count++;
    return STATUS_OK;
}

enum status vspace_map(struct vspace *vspace, const struct mapping *mapping, u64 *address)
{
    if (!mapping_is_sane(mapping))
        return STATUS_BAD_ARGUMENT;
    struct region *region;
    enum status status = region_alloc(vspace, &region);
    if (status != STATUS_OK)
        return status;
    region->memory = mapping->memory;
    region->memory_page = mapping->memory_page;
    region->access = mapping->access;
    region->max_access = mapping->max_access;
    region->private_copy = mapping->private_copy;
    list_init(&region->mapping_link);
    cap_node_init(&region->node, &mapping->memory->object, &region_node_ops);
    if (mapping->private_copy) {
        status = memory_create(vspace->payer, mapping->page_count << PAGE_SHIFT, &region->shadow);
        if (status != STATUS_OK) {
            region_free_now(region);
            return status;
        }
    }
    spin_lock(&vspace->lock);
    status = publish(vspace, region, mapping);
    u64 start = region->link.key;
    spin_unlock(&vspace->lock);
    if (status != STATUS_OK) {
        if (region->shadow)
            object_put(&region->shadow->object);
        region_free_now(region);
        return status;
    }
    TRACE(MEMORY_MAP, start, mapping->page_count << PAGE_SHIFT, mapping->memory->object.id,
          mapping->access);
    *address = start;
    return STATUS_OK;
}

/* The frame that a page of the region shows, and with what access, for an access of the kind asked.
 */
static enum status region_frame(struct region *region, u64 address, u32 access, paddr_t *frame,
                                u32 *mapped_access, struct old_frame **old)
{
    u64 page = (address - region->link.key) >> PAGE_SHIFT;
    *mapped_access = region->access;
    if (!region->private_copy && (access & ACCESS_WRITE))
        return memory_page_to_write(region->memory, region->memory_page + page, frame, old);
    if (!region->private_copy) {
        enum status status = memory_page(region->memory, region->memory_page + page, true, frame);
        if (region->memory->cow && status == STATUS_OK && frame_is_shared(*frame))
            *mapped_access &= ~ACCESS_WRITE;
        return status;
    }

    if (memory_page(region->shadow, region->shadow_page + page, false, frame) == STATUS_OK)
        return STATUS_OK;
    /* Not copied yet. A page that the memory itself does not have is zeros: the copy may be made of
     * nothing. */
    enum status status = memory_page(region->memory, region->memory_page + page, false, frame);
    if (access & ACCESS_WRITE) {
        if (status != STATUS_OK)
            return memory_page(region->shadow, region->shadow_page + page, true, frame);
        return memory_page_copy(region->shadow, region->shadow_page + page, *frame, frame);
    }
    if (status != STATUS_OK)
        status = memory_page(region->memory, region->memory_page + page, true, frame);
    *mapped_access &= ~ACCESS_WRITE;
    return status;
}

static enum status install(struct vspace *vspace, u64 address, paddr_t frame, u32 access,
                           enum vspace_flush *flush)
{
    paddr_t old;
    u32 old_access, level;
    enum status status = page_table_map(&vspace->table, address, frame, access, 0);
    if (likely(status != STATUS_EXISTS))
        return status;
    if (!page_table_lookup(&vspace->table, address, &old, &old_access, &level))
        return STATUS_EXISTS;
    if (old.raw == frame.raw && (old_access & access) == access) {
        arch_tlb_flush_page(address); /* another CPU was faster, or this TLB was behind */
        return STATUS_OK;
    }
    page_table_replace(&vspace->table, address, frame, access);
    /* More access to the same frame needs no word to others: their CPUs fault and come here. */
    if (old.raw != frame.raw)
        *flush = FLUSH_SPACE;
    else
        arch_tlb_flush_page(address);
    return STATUS_OK;
}

/* Where a page is mapped. */
struct place {
    struct vspace *vspace;
    u64 address;
};

/* Takes a frame that its object has given up out of all page tables, and drops it. True: other CPUs
 * were asked to flush. What is read of regions and spaces without their locks stays readable until
 * this kernel entry ends; a region that went meanwhile has no entries left. */
static bool forget(struct old_frame *old)
{
    struct memory *memory = old->memory;
    struct place places[MEMORY_MAX_SHARED_MAPPINGS];
    u32 count = 0;
    spin_lock(&memory->lock);
    LIST_FOREACH (link, &memory->mappings) {
        struct region *region = LIST_ENTRY(link, struct region, mapping_link);
        u64 address = region->link.key + ((old->page - region->memory_page) << PAGE_SHIFT);
        if (old->page >= region->memory_page && address < region->end)
            places[count++] = (struct place){.vspace = region->vspace, .address = address};
    }
    spin_unlock(&memory->lock);
    bool others = false;
    for (u32 i = 0; i < count; i++) {
        struct vspace *vspace = places[i].vspace;
        paddr_t frame;
        u32 access, level;
        spin_lock(&vspace->lock);
        bool stale =
            vspace_region_at(vspace, places[i].address) &&
            page_table_lookup(&vspace->table, places[i].address, &frame, &access, &level) &&
            frame.raw == old->frame.raw;
        if (stale)
            (void)page_table_unmap(&vspace->table, places[i].address, &frame, &access, &level);
        spin_unlock(&vspace->lock);
        others |= stale && vspace_flush(vspace);
    }
    memory_drop_old(old);
    return others;
}

/* Lock held: the page that is due at `address` of the region gets its entry. *old: to be forgotten
 * once the lock is free. */
static enum status bring_in(struct vspace *vspace, struct region *region, u64 address, u32 access,
                            enum vspace_flush *flush, struct old_frame **old, paddr_t *frame)
{
    u32 mapped_access;
    enum status status = region_frame(region, address, access, frame, &mapped_access, old);
    if (status != STATUS_OK)
        return status;
    mapped_access |= ACCESS_USER;
    if (region->memory->device)
        mapped_access |= ACCESS_DEVICE;
    return install(vspace, address, *frame, mapped_access, flush);
}

void vspace_populate(struct vspace *vspace, u64 address, u64 page_count, u32 access)
{
    enum vspace_flush flush = FLUSH_NONE;
    struct old_frame *old = NULL;
    paddr_t frame;
    spin_lock(&vspace->lock);
    struct region *region = vspace->closed ? NULL : vspace_region_at(vspace, address);
    if (region && !region->dying && (region->access & access) == access) {
        for (; page_count > 0 && address < region->end && !old;
             page_count--, address += PAGE_SIZE) {
            if (bring_in(vspace, region, address, access, &flush, &old, &frame) != STATUS_OK)
                break;
        }
    }
    spin_unlock(&vspace->lock);
    if (old)
        (void)forget(old);
    if (flush != FLUSH_NONE)
        (void)vspace_flush(vspace);
}

/* The frame at `address` after a fault for `access` there. */
static enum status resolve(struct vspace *vspace, u64 address, u32 access, bool plain_memory,
                           enum vspace_flush *flush, paddr_t *frame)
{
    struct old_frame *old = NULL;
    *flush = FLUSH_NONE;
    if (address < USER_START || address >= USER_END)
        return STATUS_NOT_FOUND;
    address &= ~(PAGE_SIZE - 1);
    spin_lock(&vspace->lock);
    struct region *region = vspace_region_at(vspace, address);
    enum status status = STATUS_OK;
    if (!region || region->dying || vspace->closed || (plain_memory && region->memory->device))
        status = STATUS_NOT_FOUND;
    else if ((region->access & access) != access)
        status = STATUS_MISSING_RIGHT;
    if (status == STATUS_OK)
        status = bring_in(vspace, region, address, access, flush, &old, frame);
    spin_unlock(&vspace->lock);
    if (unlikely(old != NULL) && forget(old))
        *flush = FLUSH_WAIT;
    TRACE(MEMORY_FAULT, address, access, status, 0);
    return status;
}

enum status vspace_fault(struct vspace *vspace, u64 address, u32 access, enum vspace_flush *flush)
{
    paddr_t frame;
    return resolve(vspace, address, access, false, flush, &frame);
}

enum status vspace_reach(struct vspace *vspace, u64 address, u32 access, char **bytes)
{
    enum vspace_flush flush;
    paddr_t frame;
    enum status status = resolve(vspace, address, access, true, &flush, &frame);
    if (status == STATUS_NOT_FOUND || status == STATUS_MISSING_RIGHT)
        return STATUS_BAD_ADDRESS;
    if (status != STATUS_OK)
        return status;
    if (flush != FLUSH_NONE)
        (void)vspace_flush(vspace);
    /* SAFETY: memory, not a device; the region's object keeps the frame, and is itself kept by the
     * grace period that this kernel entry holds up. */
    *bytes = (char *)arch_phys_to_virt(frame) + address % PAGE_SIZE;
    return STATUS_OK;
}

/* The CPUs that have the address space loaded. A CPU publishes what it is about to load before it
 * writes its page-table register, which is a full barrier: one that is not seen here will walk the
 * tables as they are now. */
static u64 loaded_on(const struct vspace *vspace)
{
    u64 mask = 0;
    for (u32 i = 0; i < cpu_count(); i++)
        mask |= (u64)(ATOMIC_LOAD(&cpu_at(i)->loaded) == vspace) << i;
    return mask;
}

bool vspace_flush(struct vspace *vspace)
{
    struct cpu *self = this_cpu();
    u64 generation = ATOMIC_ADD(&vspace->tlb_generation, 1);
    if (self->loaded == vspace) {
        self->loaded_tlb_generation = generation;
        arch_tlb_flush_user();
    }
    u64 others = loaded_on(vspace) & ~(1ull << self->index);
    for (u32 i = 0; i < cpu_count() && others >> i; i++) {
        if (others >> i & 1)
            arch_ipi_send(i);
    }
    return others != 0;
}

bool vspace_is_empty(struct vspace *vspace)
{
    spin_lock(&vspace->lock);
    bool empty = tree_is_empty(&vspace->regions);
    spin_unlock(&vspace->lock);
    return empty;
}

enum status vspace_shared_memory(struct vspace *vspace, u64 address, struct memory **memory,
                                 u64 *offset)
{
    spin_lock(&vspace->lock);
    struct region *region = vspace_region_at(vspace, address);
    bool good = region && !region->dying && !region->private_copy &&
                (region->access & ACCESS_READ) && (region->access & ACCESS_WRITE);
    if (good) {
        *memory = region->memory;
        *offset = (region->memory_page << PAGE_SHIFT) + (address - region->link.key);
        object_get(&region->memory->object);
    }
    spin_unlock(&vspace->lock);
    return good ? STATUS_OK : STATUS_BAD_ADDRESS;
}

bool vspace_word(struct vspace *vspace, u64 address, struct memory_word *word)
{
    spin_lock(&vspace->lock);
    struct region *region = vspace_region_at(vspace, address);
    if (region && region->private_copy)
        *word = (struct memory_word){.object = vspace, .offset = address};
    else if (region)
        *word = (struct memory_word){
            .object = region->memory,
            .offset = (region->memory_page << PAGE_SHIFT) + (address - region->link.key),
        };
    spin_unlock(&vspace->lock);
    return region != NULL;
}

void vspace_close(struct vspace *vspace)
{
    spin_lock(&vspace->lock);
    vspace->closed = true;
    spin_unlock(&vspace->lock);
}

bool vspace_clear_some(struct vspace *vspace, u32 limit)
{
    spin_lock(&vspace->lock);
    bool done = page_table_clear_some(&vspace->table, limit);
    spin_unlock(&vspace->lock);
    return done;
}

void vspace_destroy(struct vspace *vspace)
{
    ASSERT(tree_is_empty(&vspace->regions));
    DEBUG_ASSERT(loaded_on(vspace) == 0);
    page_table_destroy(&vspace->table);
}

u64 vspace_mapped_pages(struct vspace *vspace)
{
    spin_lock(&vspace->lock);
    u64 pages = vspace->table.table_frames;
    TREE_FOREACH(node, &vspace->regions)
    {
        struct region *region = TREE_ENTRY(node, struct region, link);
        const struct memory *held = region->shadow ? region->shadow : region->memory;
        if (held->kind == MEMORY_ANONYMOUS)
            pages += ATOMIC_LOAD_RELAXED(&held->resident);
    }
    spin_unlock(&vspace->lock);
    return pages;
}
