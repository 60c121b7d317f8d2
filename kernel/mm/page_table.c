/*
 * Page tables of user address spaces: the walk, portable over ports that keep a radix tree of
 * ARCH_PT_LEVELS levels of 512 words. The frame record of each table says how many of its entries
 * are not empty and in which groups they lie, so that empty tables are skipped and freed without a
 * look at their words. The root's count is that of its user half.
 *
 * Invariant: an entry is present if it is counted; a table whose count is zero has only zero words
 * (but for the kernel half of the root).
 *
 * Locks: the caller's, on the vspace.
 */
#include "mm/page_table.h"

#include "core/assert.h"
#include "lib/checked_math.h"
#include "mm/frame_internal.h"

#define INDEX_BITS 9u
#define ROOT_LEVEL (ARCH_PT_LEVELS - 1)

#define GROUP_ENTRIES (ARCH_PT_ENTRIES / 16) /* see struct frame */

_Static_assert(ARCH_PT_ENTRIES == 1u << INDEX_BITS, "an index is 9 bits");

/* A place in a table. */
struct place {
    u64 *entry;
    u64 value; /* as it was read */
    u32 index;
    u32 level;
};

/* Bytes that one entry of a level covers. */
static u64 span_of(u32 level)
{
    return PAGE_SIZE << (INDEX_BITS * level);
}

static u32 index_of(u64 address, u32 level)
{
    return (u32)(address >> (PAGE_SHIFT + INDEX_BITS * level)) & (ARCH_PT_ENTRIES - 1);
}

/* SAFETY: a table is a frame of this address space's own, in the direct map, from its allocation
 * until page_table_destroy; its words are read and written by arch_pte_* only. */
static u64 *words_of(paddr_t table)
{
    return arch_phys_to_virt(table);
}

static struct place place_in(paddr_t table, u32 index, u32 level)
{
    u64 *entry = words_of(table) + index;

    return (struct place){
        .entry = entry, .value = arch_pte_read(entry), .index = index, .level = level};
}

/* The record of the table that the place is in. */
static struct frame *record_of(const struct place *place)
{
    return frame_record(arch_virt_to_phys(place->entry).raw >> PAGE_SHIFT);
}

static bool is_table(const struct place *place)
{
    return arch_pte_present(place->value) && !arch_pte_is_leaf(place->value, place->level);
}

static bool is_leaf(const struct place *place)
{
    return arch_pte_present(place->value) && arch_pte_is_leaf(place->value, place->level);
}

static paddr_t target_of(const struct place *place)
{
    return arch_pte_address(place->value, place->level);
}

static void fill(const struct place *place, u64 value)
{
    struct frame *record = record_of(place);

    arch_pte_write(place->entry, value);
    record->table.present++;
    record->table.groups |= (u16)(1u << place->index / GROUP_ENTRIES);
}

static void clear(const struct place *place)
{
    struct frame *record = record_of(place);

    DEBUG_ASSERT(record->table.present > 0);
    arch_pte_write(place->entry, 0);
    record->table.present--;
    if (record->table.present == 0)
        record->table.groups = 0;
}

/* --- Tables --- */

static enum status alloc_table(struct page_table *table, paddr_t *frame)
{
    enum status status = frame_alloc_zeroed(table->account, FRAME_PAGE_TABLE, frame);

    if (status != STATUS_OK)
        return status;

    struct frame *record = frame_record(frame->raw >> PAGE_SHIFT);

    record->table.present = 0;
    record->table.groups = 0;
    table->table_frames++;
    return STATUS_OK;
}

enum status page_table_create(struct page_table *table, struct account *account)
{
    struct page_table made = {.account = account};
    enum status status = alloc_table(&made, &made.root);

    if (status != STATUS_OK)
        return status;
    arch_root_init(words_of(made.root));
    *table = made;
    return STATUS_OK;
}

/* No entry of the group that begins with `first` is present any more. */
static void clear_group(paddr_t at, u32 first)
{
    frame_record(at.raw >> PAGE_SHIFT)->table.groups &= (u16) ~(1u << first / GROUP_ENTRIES);
}

/* Clears the entries of this table and frees the tables below it, as far as the budget of entries
 * goes; true when all are clear. */
static bool clear_below(struct page_table *table, paddr_t at, u32 level, u32 *budget)
{
    const struct frame *record = frame_record(at.raw >> PAGE_SHIFT);

    while (record->table.present != 0) {
        u32 first = (u32)__builtin_ctz(record->table.groups) * GROUP_ENTRIES;

        if (*budget < GROUP_ENTRIES)
            return false;
        *budget -= GROUP_ENTRIES;
        for (u32 index = first; index < first + GROUP_ENTRIES; index++) {
            struct place place = place_in(at, index, level);

            if (!arch_pte_present(place.value))
                continue;
            if (is_table(&place)) {
                if (!clear_below(table, target_of(&place), level - 1, budget))
                    return false;
                frame_free_zeroed(table->account, target_of(&place));
                table->table_frames--;
            }
            clear(&place);
        }
        clear_group(at, first);
    }
    return true;
}

bool page_table_clear_some(struct page_table *table, u32 limit)
{
    return clear_below(table, table->root, ROOT_LEVEL, &limit);
}

void page_table_destroy(struct page_table *table)
{
    u32 all = UINT32_MAX;

    (void)clear_below(table, table->root, ROOT_LEVEL, &all);
    arch_root_fini(words_of(table->root));
    frame_free_zeroed(table->account, table->root);
    table->table_frames--;
    DEBUG_ASSERT(table->table_frames == 0);
    table->root = paddr(0);
}

/* --- Walks --- */

/* Down to `level`, as far as there are tables. */
static struct place find(const struct page_table *table, u64 address, u32 level)
{
    struct place place = place_in(table->root, index_of(address, ROOT_LEVEL), ROOT_LEVEL);

    while (place.level > level && is_table(&place))
        place = place_in(target_of(&place), index_of(address, place.level - 1), place.level - 1);
    return place;
}

/* Down to `level`, making tables. EXISTS: a larger page covers the address. */
static enum status find_or_make(struct page_table *table, u64 address, u32 level,
                                struct place *place)
{
    *place = find(table, address, level);
    while (place->level > level) {
        paddr_t made;

        if (arch_pte_present(place->value))
            return STATUS_EXISTS;

        enum status status = alloc_table(table, &made);

        if (status != STATUS_OK)
            return status;
        fill(place, arch_pte_table(made));
        *place = place_in(made, index_of(address, place->level - 1), place->level - 1);
    }
    return STATUS_OK;
}

enum status page_table_map(struct page_table *table, u64 address, paddr_t frame, u32 access,
                           u32 level)
{
    struct place place;
    enum status status;

    DEBUG_ASSERT(level <= 1 && is_aligned(address | frame.raw, span_of(level)));
    status = find_or_make(table, address, level, &place);
    if (status != STATUS_OK)
        return status;
    if (arch_pte_present(place.value))
        return STATUS_EXISTS;
    fill(&place, arch_pte_leaf(frame, access, level));
    return STATUS_OK;
}

bool page_table_lookup(const struct page_table *table, u64 address, paddr_t *frame, u32 *access,
                       u32 *level)
{
    struct place place = find(table, address, 0);

    if (!is_leaf(&place))
        return false;
    *frame = target_of(&place);
    *access = arch_pte_access(place.value);
    *level = place.level;
    return true;
}

bool page_table_replace(struct page_table *table, u64 address, paddr_t frame, u32 access)
{
    struct place place = find(table, address, 0);

    if (!is_leaf(&place))
        return false;
    DEBUG_ASSERT(is_aligned(frame.raw, span_of(place.level)));
    arch_pte_write(place.entry, arch_pte_leaf(frame, access, place.level));
    return true;
}

bool page_table_unmap(struct page_table *table, u64 address, paddr_t *frame, u32 *access,
                      u32 *level)
{
    struct place place = find(table, address, 0);

    if (!is_leaf(&place))
        return false;
    *frame = target_of(&place);
    *access = arch_pte_access(place.value);
    *level = place.level;
    clear(&place);
    return true;
}

/* The next entry of this table, after `place`, at which something may be: the last index at most.
 * Tables that are full of nothing are left at once. */
static bool step(struct place *place, u64 *address)
{
    u64 span = span_of(place->level);

    *address = align_down(*address, span) + span;
    if (record_of(place)->table.present == 0)
        *address = align_up(*address, span << INDEX_BITS);
    else if (place->index + 1 < ARCH_PT_ENTRIES) {
        place->index++;
        place->entry++;
        place->value = arch_pte_read(place->entry);
        return true;
    }
    return false;
}

bool page_table_next(const struct page_table *table, u64 start, u64 end, u64 *address, u32 *level)
{
    u64 at = start;

    while (at < end) {
        struct place place = find(table, at, 0);

        do {
            if (is_leaf(&place)) {
                *address = align_down(at, span_of(place.level));
                *level = place.level;
                return true;
            }
            if (is_table(&place))
                break; /* reached by a step: go down */
        } while (step(&place, &at) && at < end);
    }
    return false;
}
