/*
 * What the files of the frame allocator, the slabs and the page tables share.
 *
 *   frame_map.c    one record per frame, found by frame number; which frames are memory at all
 *   frame_early.c  frames before the allocator exists
 *   frame_buddy.c  free runs of one NUMA node
 *   frame.c        allocation, release, per-CPU caches, statistics
 *
 * A record is valid for the first frame of a free or allocated run only. The records of the frames
 * behind it, and of frames never given to the allocator, are all zero: FRAME_STATE_INTERIOR. So
 * start-up touches one record per run.
 */
#ifndef MM_FRAME_INTERNAL_H
#define MM_FRAME_INTERNAL_H

#include "core/lock.h"
#include "lib/list.h"
#include "mm/frame.h"

/* Frame numbers, half-open; whole runs of FRAME_MAX_ORDER. */
struct frame_range {
    u64 start;
    u64 end;
};

#define FRAME_MAX_FRESH 64u

enum frame_state {
    FRAME_STATE_INTERIOR = 0,
    FRAME_STATE_FREE = 1,   /* first of a run in a node's free list */
    FRAME_STATE_CACHED = 2, /* in a CPU's cache */
    FRAME_STATE_USED = 3,   /* first of an allocated run */
};

struct frame {
    union {
        u32 owners; /* atomic; 1 after allocation */
        struct {
            u16 present; /* page tables: entries that are not empty, kept under the vspace's lock */
            u16 groups;  /* bit n: one of them may be among the n-th 32 entries */
        } table;
    };
    u8 state; /* enum frame_state */
    u8 use;   /* enum frame_use */
    u8 order;
    u8 node;
};

_Static_assert(sizeof(struct frame) == 8, "records are under 1 % of memory");

/* --- frame_map.c --- */

/* Makes the records for all memory that the allocator may ever be given. */
void frame_map_init(const struct boot_info *boot);

/* The record of a frame; NULL where there is none. */
struct frame *frame_record(u64 pfn);

/* The frames [start, end) are the allocator's from now on (frame_is_memory). */
void frame_map_manage(u64 start_pfn, u64 end_pfn);

/* A frame that is never given out: page zero, and the page with the code that starts CPUs. */
static inline bool frame_is_excluded(const struct boot_info *boot, u64 pfn)
{
    return pfn == 0 || pfn == boot->trampoline >> PAGE_SHIFT;
}

/* The first excluded frame of [pfn, end); `end` if there is none. */
u64 frame_next_excluded(u64 pfn, u64 end);

/* --- frame_early.c --- */

/* A zeroed run of `count` frames, from `node` if it has one; panics if nobody has. */
paddr_t frame_early_take(u64 count, u32 node);

/* What is left of memory range `index`: it now ends at this address. Called once per range by
 * frame_init, after which early allocation is over. */
u64 frame_early_range_end(u32 index);
u64 frame_early_taken(u32 node);
void frame_early_finish(void);

/* --- frame_buddy.c --- */

struct frame_node_state {
    struct spinlock lock;                      /* RANK_FRAME; guards all that follows */
    u32 orders;                                /* bit n: free[n] is not empty */
    struct list free[FRAME_MAX_ORDER + 1];     /* linked through the first bytes of free runs */
    struct frame_range fresh[FRAME_MAX_FRESH]; /* never touched; used when the lists are empty */
    u32 fresh_count;
    u64 free_frames; /* fresh ones too; atomic reads without the lock */
    u64 total;
    u64 reserve; /* frames kept for the kernel itself */
    u64 low;     /* below this many, CPUs cache nothing */
    u64 local;   /* frames taken by who wanted this node; atomic reads without the lock */
    u64 remote;  /* and by who wanted another */
    u32 index;
    u8 nearest[BOOT_MAX_NODES]; /* all nodes, this first, by rising distance */
};

extern struct frame_node_state frame_nodes[BOOT_MAX_NODES];

void frame_buddy_init(struct frame_node_state *node, const struct boot_info *boot, u32 index);

/* Takes a run if more than `keep` frames stay free; false: none. The record is the caller's to
 * fill. */
bool frame_buddy_take(struct frame_node_state *node, u32 order, u64 keep, u64 *pfn);

/* Returns a run, merged with its free neighbours. */
void frame_buddy_give(struct frame_node_state *node, u64 pfn, u32 order);

/* Start-up: [start, end) is free and has never been used. Its largest runs stay untouched until
 * they are needed, so that this costs the same for any size. */
void frame_buddy_give_fresh(struct frame_node_state *node, u64 start, u64 end);

/* --- frame.c --- */

/* A run that nobody is charged for. `for_kernel`: may use the reserve, and injected failures spare
 * it. */
bool frame_take(enum frame_use use, u32 order, u32 node, bool for_kernel, paddr_t *frame) MUST_USE;
void frame_give(paddr_t frame, u32 order);

#endif
