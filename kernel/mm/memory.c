/*
 * Memory objects. The page tree of an anonymous object is a radix tree of frames of 512 words, each
 * word the physical address of a table or page below, 0 for none; a small object has its words in
 * its own structure, and no table at all. Tables are charged like pages.
 */
#include "mm/memory.h"

#include "abi/memory.h"
#include "core/assert.h"
#include "lib/string.h"
#include "mm/memory_internal.h"
#include "mm/object_slab.h"
#include "trace/trace.h"

KERNEL_STATE static struct slab_cache memory_cache;
KERNEL_STATE static struct slab_cache old_frame_cache;
KERNEL_STATE static const struct boot_info *machine_description; /* its memory is kept */

void memory_init(const struct boot_info *boot)
{
    machine_description = boot;
    slab_cache_init(&memory_cache, "memory", sizeof(struct memory), 16);
    slab_cache_init(&old_frame_cache, "old_frame", sizeof(struct old_frame), 8);
}

static bool is_page_of(u64 address, u64 page)
{
    return page != 0 && address == (page & ~(PAGE_SIZE - 1));
}

/* May a driver have this page of the physical space? Not memory of any kind, and not the registers
 * that the kernel runs the machine with. */
static bool is_device_page(u64 address)
{
    const struct boot_info *boot = machine_description;
    for (u32 i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];
        if (address >= range->start && address < range->end)
            return range->kind == BOOT_MEMORY_MMIO || range->kind == BOOT_MEMORY_RESERVED;
    }
    for (u32 i = 0; i < boot->ioapic_count; i++) {
        if (is_page_of(address, boot->ioapics[i].address))
            return false;
    }
    for (u32 i = 0; i < boot->iommu_count; i++) {
        if (is_page_of(address, boot->iommus[i].address))
            return false;
    }
    return !is_page_of(address, boot->local_apic) && !is_page_of(address, boot->hpet);
}

static u8 levels_for(u64 page_count)
{
    u8 levels = 0;
    while (page_count > (levels == 0 ? MEMORY_SMALL_PAGES : 1)) {
        page_count = (page_count + MEMORY_FANOUT - 1) >> MEMORY_FANOUT_SHIFT;
        levels++;
    }
    return levels;
}

static enum status allocate(struct payer *payer, u64 size_bytes, enum memory_kind kind,
                            struct memory **out)
{
    if (size_bytes == 0 || size_bytes > MEMORY_MAX_BYTES || size_bytes % PAGE_SIZE != 0)
        return STATUS_BAD_ARGUMENT;
    void *result;
    enum status status = object_allocate(&memory_cache, OBJECT_MEMORY, payer,
                                         offsetof(struct memory, object), &result);
    if (status != STATUS_OK)
        return status;
    struct memory *memory = result;
    spinlock_init(&memory->lock, RANK_MEMORY);
    list_init(&memory->mappings);
    memory->kind = (u8)kind;
    memory->page_count = size_bytes >> PAGE_SHIFT;
    *out = memory;
    return STATUS_OK;
}

enum status memory_create(struct payer *payer, u64 size_bytes, struct memory **out)
{
    enum status status = allocate(payer, size_bytes, MEMORY_ANONYMOUS, out);
    if (status == STATUS_OK)
        (*out)->levels = levels_for((*out)->page_count);
    return status;
}

enum status memory_create_contiguous(struct payer *payer, u64 size_bytes, struct memory **out)
{
    u8 order = 0;
    while (order <= FRAME_MAX_ORDER && (PAGE_SIZE << order) < size_bytes)
        order++;
    if (order > FRAME_MAX_ORDER)
        return STATUS_BAD_ARGUMENT;
    struct memory *memory;
    enum status status = allocate(payer, size_bytes, MEMORY_CONTIGUOUS_RUN, &memory);
    if (status != STATUS_OK)
        return status;
    paddr_t frame;
    status = frame_alloc(&payer->account, FRAME_USER, order, this_cpu()->node, &frame);
    if (status != STATUS_OK) {
        object_deallocate(&memory_cache, &memory->object, offsetof(struct memory, object));
        return status;
    }
    /* SAFETY: the run of 2^order frames was allocated just now and is nobody else's. */
    memset(arch_phys_to_virt(frame), 0, PAGE_SIZE << order);
    memory->order = order;
    memory->root = frame.raw;
    memory->resident = 1ull << order;
    *out = memory;
    return STATUS_OK;
}

enum status memory_create_physical(struct payer *payer, u64 start, u64 size_bytes, bool device,
                                   struct memory **out)
{
    enum status status = allocate(payer, size_bytes, MEMORY_PHYSICAL, out);
    if (status == STATUS_OK) {
        (*out)->root = start;
        (*out)->device = device;
    }
    return status;
}

/* Lock held: the word that holds page `index`'s frame, its tables made if `populate`. NOT_FOUND: no
 * table. */
static enum status find_word(struct memory *memory, u64 index, bool populate, u64 **word)
{
    u64 *at = memory->levels == 0 ? &memory->pages[index] : &memory->root;
    for (u32 level = memory->levels; level > 0; level--) {
        if (*at == 0) {
            if (!populate)
                return STATUS_NOT_FOUND;
            paddr_t table;
            enum status status =
                frame_alloc_zeroed(&memory->object.payer->account, FRAME_USER, &table);
            if (status != STATUS_OK)
                return status;
            *at = table.raw;
            memory->resident++;
        }
        /* SAFETY: a non-zero word above level 0 is a table of this object's, under its lock. */
        u64 *table = arch_phys_to_virt(paddr(*at));
        at = &table[(index >> (MEMORY_FANOUT_SHIFT * (level - 1))) & (MEMORY_FANOUT - 1)];
    }
    *word = at;
    return STATUS_OK;
}

static enum status fill_word(struct memory *memory, u64 *word, const paddr_t *source)
{
    struct account *account = &memory->object.payer->account;
    paddr_t frame;
    enum status status;
    if (source)
        status = frame_alloc(account, FRAME_USER, 0, this_cpu()->node, &frame);
    else
        status = frame_alloc_zeroed(account, FRAME_USER, &frame);
    if (status != STATUS_OK)
        return status;
    if (source)
        /* SAFETY: a new frame of this object's and a page of memory that its region keeps; never a
         * device's. */
        arch_page_copy(arch_phys_to_virt(frame), arch_phys_to_virt(*source));
    *word = frame.raw;
    memory->resident++;
    return STATUS_OK;
}

static enum status get_page(struct memory *memory, u64 index, bool populate, const paddr_t *source,
                            paddr_t *frame)
{
    if (index >= memory->page_count)
        return STATUS_NOT_FOUND;
    if (memory->kind != MEMORY_ANONYMOUS) {
        *frame = paddr(memory->root + (index << PAGE_SHIFT));
        return memory->device && !is_device_page(frame->raw) ? STATUS_NOT_FOUND : STATUS_OK;
    }
    spin_lock(&memory->lock);
    u64 *word;
    enum status status = find_word(memory, index, populate, &word);
    if (status == STATUS_OK && *word == 0)
        status = populate ? fill_word(memory, word, source) : STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        *frame = memory_word_keep(word);
    spin_unlock(&memory->lock);
    return status;
}

enum status memory_page(struct memory *memory, u64 index, bool populate, paddr_t *frame)
{
    return get_page(memory, index, populate, NULL, frame);
}

enum status memory_page_copy(struct memory *memory, u64 index, paddr_t source, paddr_t *frame)
{
    return get_page(memory, index, true, &source, frame);
}

/* Lock held: a frame of the object's own in place of the shared one at `word`. */
static enum status break_sharing(struct memory *memory, u64 index, u64 *word,
                                 struct old_frame **old)
{
    struct account *account = &memory->object.payer->account;
    paddr_t shared = paddr(*word);
    void *made;
    enum status status = slab_alloc(&old_frame_cache, account, &made);
    if (status != STATUS_OK)
        return status;
    status = fill_word(memory, word, &shared);
    if (status != STATUS_OK) {
        slab_free(&old_frame_cache, account, made);
        return status;
    }
    memory->resident--; /* one more, and one less: the old one is not the object's any longer */
    object_get(&memory->object);
    *old = made;
    (*old)->memory = memory;
    (*old)->page = index;
    (*old)->frame = shared;
    return STATUS_OK;
}

enum status memory_page_to_write(struct memory *memory, u64 index, paddr_t *frame,
                                 struct old_frame **old)
{
    *old = NULL;
    enum status status = memory_page(memory, index, true, frame);
    if (likely(status != STATUS_OK || !memory->cow))
        return status;
    spin_lock(&memory->lock);
    u64 *word;
    status = find_word(memory, index, true, &word);
    if (status == STATUS_OK && frame_is_shared(memory_word_keep(word)))
        status = break_sharing(memory, index, word, old);
    if (status == STATUS_OK)
        *frame = paddr(*word);
    spin_unlock(&memory->lock);
    return status;
}

static void reclaim_old(struct grace_node *grace)
{
    struct old_frame *old = CONTAINER_OF(grace, struct old_frame, grace);
    struct memory *memory = old->memory;
    struct account *account = &memory->object.payer->account;
    frame_unshare(account, old->frame);
    slab_free(&old_frame_cache, account, old);
    object_put(&memory->object);
}

void memory_drop_old(struct old_frame *old)
{
    grace_defer(&old->grace, reclaim_old);
}

/* Pages that are pinned cannot be shared, and the places where shared pages are mapped must be few.
 */
static enum status start_sharing(struct memory *source)
{
    spin_lock(&source->lock);
    enum status status = STATUS_BUSY;
    if (source->pins == 0 && source->mapping_count <= MEMORY_MAX_SHARED_MAPPINGS) {
        source->cow = true;
        status = STATUS_OK;
    }
    spin_unlock(&source->lock);
    return status;
}

enum status memory_clone_begin(struct memory *source, u64 page, u64 page_count, struct payer *payer,
                               struct memory **out)
{
    if (source->kind != MEMORY_ANONYMOUS)
        return STATUS_NOT_SUPPORTED;
    struct memory *clone;
    enum status status = memory_create(payer, page_count << PAGE_SHIFT, &clone);
    if (status != STATUS_OK)
        return status;
    status = start_sharing(source);
    if (status != STATUS_OK) {
        object_put(&clone->object);
        return status;
    }
    clone->cow = true;
    clone->source = source;
    clone->source_page = page;
    object_get(&source->object);
    *out = clone;
    return STATUS_OK;
}

enum status memory_clone_page(struct memory *clone, u64 index)
{
    struct memory *source = clone->source;
    u64 *from, *to;
    paddr_t frame = paddr(0);
    spin_lock(&source->lock);
    enum status status = STATUS_OK;
    if (find_word(source, clone->source_page + index, false, &from) == STATUS_OK && *from != 0) {
        frame = memory_word_keep(from);
        status = frame_share(&clone->object.payer->account, frame);
    }
    spin_unlock(&source->lock);
    if (status != STATUS_OK || frame.raw == 0)
        return status;
    spin_lock(&clone->lock);
    status = find_word(clone, index, true, &to);
    if (status == STATUS_OK) {
        *to = frame.raw;
        clone->resident++;
    }
    spin_unlock(&clone->lock);
    if (status != STATUS_OK)
        frame_unshare(&clone->object.payer->account, frame);
    return status;
}

void memory_clone_end(struct memory *clone)
{
    object_put(&clone->source->object);
    clone->source = NULL;
}

enum status memory_pin(struct memory *memory, u64 index, paddr_t *frame)
{
    if (memory->kind != MEMORY_ANONYMOUS)
        return STATUS_BAD_ARGUMENT;
    enum status status = memory_page(memory, index, true, frame);
    if (status != STATUS_OK)
        return status;
    spin_lock(&memory->lock);
    if (memory->cow || memory->discarding)
        status = STATUS_BUSY;
    else
        memory->pins++;
    spin_unlock(&memory->lock);
    if (status == STATUS_OK)
        object_get(&memory->object);
    return status;
}

void memory_unpin(struct memory *memory)
{
    spin_lock(&memory->lock);
    ASSERT(memory->pins > 0);
    memory->pins--;
    spin_unlock(&memory->lock);
    object_put(&memory->object);
}

enum status memory_write(struct memory *memory, u64 offset, const void *from, u64 size_bytes)
{
    const char *bytes = from;
    while (size_bytes > 0) {
        paddr_t frame;
        enum status status = memory_page(memory, offset >> PAGE_SHIFT, true, &frame);
        if (status != STATUS_OK)
            return status;
        u64 within = offset & (PAGE_SIZE - 1);
        u64 count = PAGE_SIZE - within;
        if (count > size_bytes)
            count = size_bytes;
        /* SAFETY: memory_page has found or made the frame; within and count stay inside the page.
         */
        memcpy((char *)arch_phys_to_virt(frame) + within, bytes, count);
        offset += count;
        bytes += count;
        size_bytes -= count;
    }
    return STATUS_OK;
}

/* Frees what hangs below `word`, leaves first, as far as the budget of frames goes; true when all
 * of it is gone. What is freed leaves a zero word, so the next step finds its place again. */
static bool free_below(struct memory *memory, u64 *word, u32 level, u32 *budget)
{
    if (*word == 0)
        return true;
    if (level > 0) {
        /* SAFETY: nobody refers to the object any more: its tables are ours alone. */
        u64 *table = arch_phys_to_virt(paddr(*word));
        /* Until nothing is left but the tables from here to the top. */
        for (u32 i = 0; i < MEMORY_FANOUT && memory->resident > memory->levels - level + 1u; i++) {
            if (table[i] != 0 && !free_below(memory, &table[i], level - 1, budget))
                return false;
        }
    }
    if (*budget == 0)
        return false;
    (*budget)--;
    if (level > 0)
        frame_free_zeroed(&memory->object.payer->account, paddr(*word));
    else
        frame_unshare(&memory->object.payer->account, paddr(*word));
    *word = 0;
    memory->resident--;
    return true;
}

static bool free_small(struct memory *memory, u32 *budget)
{
    for (u64 i = 0; memory->resident > 0; i++) {
        if (!free_below(memory, &memory->pages[i], 0, budget))
            return false;
    }
    return true;
}

bool memory_destroy_some(struct memory *memory, u32 limit)
{
    if (memory->kind == MEMORY_ANONYMOUS && memory->levels == 0)
        return free_small(memory, &limit);
    if (memory->kind == MEMORY_ANONYMOUS)
        return free_below(memory, &memory->root, memory->levels, &limit);
    if (memory->kind == MEMORY_CONTIGUOUS_RUN && memory->root != 0) {
        frame_free(&memory->object.payer->account, paddr(memory->root), memory->order);
        memory->root = 0;
        memory->resident = 0;
    }
    return true;
}

void memory_reclaim(struct object *object)
{
    object_deallocate(&memory_cache, object, offsetof(struct memory, object));
}
