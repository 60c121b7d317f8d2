/* Page tables; see paging.h. Levels count from 0 (entries are pages of 4 KiB) to 3, the root. */
#include "paging.h"

#include "lib/checked_math.h"

#define ENTRY_PRESENT    (1ull << 0)
#define ENTRY_WRITE      (1ull << 1)
#define ENTRY_LARGE      (1ull << 7)
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_ADDRESS    0x000ffffffffff000ull

#define ROOT_LEVEL 3u
#define LEVEL_BITS 9u

static u64 *table_at(u64 phys)
{
    return (u64 *)(uintptr_t)phys;
}

static u64 level_bytes(u32 level)
{
    return PAGE_SIZE << (level * LEVEL_BITS);
}

static u32 index_of(u64 virt, u32 level)
{
    return (u32)(virt >> (PAGE_SHIFT + level * LEVEL_BITS)) & 511u;
}

/* Level of the largest page that may be used at this place. */
static u32 leaf_level(const struct paging *paging, u64 virt, u64 phys, u64 left)
{
    u32 level = 2;
    while (level > 0 && (level_bytes(level) > paging->page_most || level_bytes(level) > left ||
                         !is_aligned(virt | phys, level_bytes(level))))
        level--;
    return level;
}

/* The entry for virt at `level`, tables above it made where missing; NULL: a page is in the way. */
static u64 *entry_for(struct paging *paging, u64 virt, u32 level)
{
    if (paging->root == 0)
        paging->root = paging->alloc_table(paging->context);
    u64 *entry = table_at(paging->root) + index_of(virt, ROOT_LEVEL);
    for (u32 at = ROOT_LEVEL; at > level; at--) {
        if (*entry == 0)
            *entry = paging->alloc_table(paging->context) | ENTRY_PRESENT | ENTRY_WRITE;
        else if (*entry & ENTRY_LARGE)
            return NULL;
        entry = table_at(*entry & ENTRY_ADDRESS) + index_of(virt, at - 1);
    }
    return entry;
}

bool paging_map(struct paging *paging, u64 virt, u64 phys, u64 size_bytes, u32 access)
{
    u64 bits = ENTRY_PRESENT | ((access & PAGING_WRITE) ? ENTRY_WRITE : 0) |
               ((access & PAGING_EXECUTE) ? 0 : ENTRY_NO_EXECUTE);
    for (u64 done = 0; done < size_bytes;) {
        u32 level = leaf_level(paging, virt + done, phys + done, size_bytes - done);
        u64 *entry = entry_for(paging, virt + done, level);
        if (entry == NULL || *entry != 0)
            return false;
        *entry = (phys + done) | bits | (level > 0 ? ENTRY_LARGE : 0);
        done += level_bytes(level);
    }
    return true;
}

bool paging_lookup(const struct paging *paging, u64 virt, u64 *phys, u32 *access)
{
    u64 table = paging->root;
    if (table == 0)
        return false;
    for (u32 level = ROOT_LEVEL;; level--) {
        u64 entry = table_at(table)[index_of(virt, level)];
        if (!(entry & ENTRY_PRESENT))
            return false;
        table = entry & ENTRY_ADDRESS;
        if (level == 0 || (entry & ENTRY_LARGE)) {
            *phys = table + (virt & (level_bytes(level) - 1));
            *access = ((entry & ENTRY_WRITE) ? PAGING_WRITE : 0) |
                      ((entry & ENTRY_NO_EXECUTE) ? 0 : PAGING_EXECUTE);
            return true;
        }
    }
}
