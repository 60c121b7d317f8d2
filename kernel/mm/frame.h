/*
 * Physical frames: one buddy allocator per NUMA node, a small cache of single frames per CPU, one
 * record of 8 bytes per frame (0.2 % of memory).
 *
 * Locks: the node's lock (RANK_FRAME) for the buddy lists; a CPU's cache needs none (interrupts are
 * off). A frame is owned by exactly one of: a buddy list, a CPU cache, or whoever allocated it,
 * whose account paid.
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include "abi/bootinfo.h"
#include "arch/memory.h"
#include "core/account.h"

#define FRAME_MAX_ORDER 10u /* 4 MiB runs */

/* What a frame is used for; statistics and checks. */
enum frame_use {
    FRAME_FREE = 0,
    FRAME_USER = 1,       /* pages of memory objects */
    FRAME_PAGE_TABLE = 2, /* of user address spaces */
    FRAME_KERNEL = 3,     /* slabs, buffers, metadata */
    FRAME_USE_COUNT = 4
};

struct frame; /* a record; mm/frame_internal.h */

struct frame_statistics {
    u64 total; /* free at boot or added later; what was taken early counts as FRAME_KERNEL */
    u64 free;  /* total = sum of by_use, of which FRAME_FREE is this */
    u64 by_use[FRAME_USE_COUNT];
    u32 node_count;
    u64 node_total[BOOT_MAX_NODES];
    u64 node_free[BOOT_MAX_NODES];
    u64 node_local[BOOT_MAX_NODES];  /* frames that have left the free lists: for the node itself */
    u64 node_remote[BOOT_MAX_NODES]; /* and for nodes that had none */
};

/* Early allocator: takes zeroed frames from the ends of FREE ranges, after frame_init from the
 * allocator. Panics rather than fail. `boot` is borrowed for ever: the allocator looks up nodes and
 * kinds of memory in it. */
void frame_early_init(const struct boot_info *boot);
paddr_t frame_early_alloc(void);

/* Builds the allocators from the memory map less what was taken early. Start-up work is
 * proportional to the number of ranges and of 4 MiB runs, but for clearing the records. The CPU is
 * bound and in the table of CPUs (core/cpu.h). */
void frame_init(const struct boot_info *boot);

/* Gives a range to the allocator later (the loader's memory, init's ELF): within one range of the
 * memory map, of kind LOADER, BOOT_INFO, ARCHIVE or INIT, in bytes; incomplete pages at the ends
 * are left out. Each page once. */
void frame_add_range(u64 start, u64 end, u32 node);

/* One run of 2^order frames, naturally aligned, contents undefined, from `node` or the nearest node
 * that has one; charged to `account` (NULL: the kernel itself, which may use the reserve).
 * NO_MEMORY or GROUP_LIMIT. */
enum status frame_alloc(struct account *account, enum frame_use use, u32 order, u32 node,
                        paddr_t *frame) MUST_USE;
/* The same, zeroed; one frame, from this CPU's node. Cheap where a frame known to be zero is at
 * hand. */
enum status frame_alloc_zeroed(struct account *account, enum frame_use use,
                               paddr_t *frame) MUST_USE;

/* Returns a run as it was allocated, and its charge. The caller knows that no CPU can reach it any
 * more. */
void frame_free(struct account *account, paddr_t frame, u32 order);

/* The same for one frame all of whose bytes are zero, which frame_alloc_zeroed can then do without
 * clearing. */
void frame_free_zeroed(struct account *account, paddr_t frame);

/* Owners of a single frame shared copy-on-write: one after allocation. Each pays for it in full.
 * GROUP_LIMIT. */
enum status frame_share(struct account *account, paddr_t frame) MUST_USE;
/* An owner and its charge go; the last one frees the frame. */
void frame_unshare(struct account *account, paddr_t frame);
bool frame_is_shared(paddr_t frame);

/* Cached frames count as free. Exact while no other CPU allocates or frees. */
void frame_statistics(struct frame_statistics *statistics);

/* The NUMA node an address belongs to; 0 where the memory map names none. */
u32 frame_node(paddr_t frame);

/* Is the frame one that the allocator gives out (free or not)? */
bool frame_is_memory(paddr_t frame);

/* Returns what this CPU's cache holds to the buddies, so that it can merge into runs. */
void frame_cache_drain(void);

#endif
