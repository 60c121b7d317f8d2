/*
 * Hardware page tables of one user address space. Portable walk; the port knows the bits
 * (arch/memory.h).
 *
 * Locks: the caller holds the vspace's lock. Tables are frames of use FRAME_PAGE_TABLE charged to
 * `account`. Nothing here flushes a TLB: the caller does, before frames are reused.
 */
#ifndef MM_PAGE_TABLE_H
#define MM_PAGE_TABLE_H

#include "arch/memory.h"
#include "core/account.h"

struct page_table {
    paddr_t root;
    struct account *account;
    u64 table_frames; /* the root included */
};

enum status page_table_create(struct page_table *table, struct account *account) MUST_USE;

/* Clears the entries and frees the tables below the root, looking at up to `limit` entries; true
 * when the root is empty. No CPU has it loaded. */
bool page_table_clear_some(struct page_table *table, u32 limit);

/* Frees all tables, whatever is mapped; no CPU has the root loaded. */
void page_table_destroy(struct page_table *table);

/* Maps one page (level 0) or one 2 MiB page (level 1). EXISTS: something is mapped there, or small
 * pages were and left their table. NO_MEMORY, GROUP_LIMIT: no frame for a table. Nothing changed on
 * failure but empty tables, freed by _destroy. */
enum status page_table_map(struct page_table *table, u64 address, paddr_t frame, u32 access,
                           u32 level) MUST_USE;

/* What is mapped at address: false if nothing. */
bool page_table_lookup(const struct page_table *table, u64 address, paddr_t *frame, u32 *access,
                       u32 *level);

/* Replaces frame and access of a present leaf; false if there is none. */
bool page_table_replace(struct page_table *table, u64 address, paddr_t frame, u32 access);

/* Removes the leaf at address; false if none. Reports what it mapped. A 2 MiB leaf is removed
 * whole. */
bool page_table_unmap(struct page_table *table, u64 address, paddr_t *frame, u32 *access,
                      u32 *level);

/* The first present leaf that covers an address from `start` to before `end` (it may begin before
 * `start`); false if none. Skips absent tables quickly. */
bool page_table_next(const struct page_table *table, u64 start, u64 end, u64 *address, u32 *level);

#endif
