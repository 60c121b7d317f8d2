/*
 * Memory objects: runs of pages.
 *
 *   anonymous    frames on first touch, zeroed, charged to the object's payer
 *   contiguous   one physical run, all there from the start
 *   physical     a range that the allocator does not own: a device, the boot archive; nothing
 * charged or freed
 *
 * A frame belongs to the object until the object is reclaimed, or the page is given back
 * (memory_discard_begin): unmapping alone frees none that anybody could still reach, so a
 * translation that is still cached somewhere leads to memory of the same owner.
 *
 * A clone shares frames with its source until either is written: a frame with several owners is
 * mapped read-only by all of them, and each pays for it. An object that was ever cloned, or is a
 * clone (`cow`), knows where it is mapped, so that a page that gets another frame can be taken out
 * of all page tables.
 *
 * Locks: `lock` (RANK_MEMORY) guards the page tree and the list of mappings.
 */
#ifndef MM_MEMORY_H
#define MM_MEMORY_H

#include "core/object.h"
#include "mm/frame.h"

enum memory_kind { MEMORY_ANONYMOUS = 0, MEMORY_CONTIGUOUS_RUN = 1, MEMORY_PHYSICAL = 2 };

/* Objects of up to as many pages have no table. */
#define MEMORY_SMALL_PAGES 20u

/* An object that shares frames, or gives pages back, is mapped at most so often. */
#define MEMORY_MAX_SHARED_MAPPINGS 64u

/* Why all mappings of an object are visited: pages are shared, or given back. */
enum mapping_pass_kind { PASS_SHARE, PASS_DISCARD, MAPPING_PASS_KINDS };

struct memory {
    struct object object;
    struct spinlock lock;
    u64 page_count;
    u8 kind;               /* enum memory_kind */
    u8 levels;             /* of the page tree: 0 to 4; 0: see pages */
    u8 order;              /* of a contiguous run */
    bool device;           /* physical: uncached */
    bool cow;              /* shares frames, or did */
    bool discarding;       /* pages of it are being given back; guarded by lock */
    u64 resident;          /* frames held; guarded by lock */
    struct list reap_link; /* while it is taken apart: in a reaper's list */
    struct list mappings;  /* anonymous: regions that capabilities have mapped it by */
    u32 mapping_count;
    u32 passes[MAPPING_PASS_KINDS]; /* begun over all mappings; mm/vspace.h */
    struct memory *source;          /* while it is being cloned from there: a reference */
    union {
        u64 source_page;
        u64 discard_page; /* the first that is being given back */
    };
    u32 pins; /* pages that the kernel reaches by their frames (message buffers); guarded by lock */
    union {
        u64 root; /* word at the top: a table's or a run's physical address; 0: none */
        u64 pages[MEMORY_SMALL_PAGES]; /* levels 0: the pages themselves */
    };
};

/* Boot. The description is borrowed for ever. */
void memory_init(const struct boot_info *boot);

/* A new object, one reference held by the caller, not enlisted yet. */
enum status memory_create(struct payer *payer, u64 size_bytes, struct memory **out) MUST_USE;
enum status memory_create_contiguous(struct payer *payer, u64 size_bytes,
                                     struct memory **out) MUST_USE;
enum status memory_create_physical(struct payer *payer, u64 start, u64 size_bytes, bool device,
                                   struct memory **out) MUST_USE;

/* The frame of page `index`; with `populate`, made (zeroed) if there is none yet. NOT_FOUND: out of
 * range, or none and not `populate`. NO_MEMORY, GROUP_LIMIT. The frame stays the object's. */
enum status memory_page(struct memory *memory, u64 index, bool populate, paddr_t *frame) MUST_USE;

/* As memory_page with `populate`, but a new frame gets a copy of `source` instead of zeros. */
enum status memory_page_copy(struct memory *memory, u64 index, paddr_t source,
                             paddr_t *frame) MUST_USE;

/* A frame that an object has given up for a copy of its own. */
struct old_frame {
    struct grace_node grace;
    struct memory *memory; /* a reference */
    u64 page;
    paddr_t frame;
};

/* As memory_page with `populate`, but a frame that is shared is replaced by a copy. Then *old is
 * for the caller: to be taken out of all page tables, and passed to memory_drop_old. The caller
 * keeps the object from going meanwhile. */
enum status memory_page_to_write(struct memory *memory, u64 index, paddr_t *frame,
                                 struct old_frame **old) MUST_USE;
/* Gives the frame up after a grace period. */
void memory_drop_old(struct old_frame *old);

/* An empty clone of `page_count` pages of `source`, from `page` on, which keeps a reference to the
 * source until memory_clone_end. NOT_SUPPORTED: not anonymous memory. BUSY: pinned, or mapped too
 * often. Errors of memory_create. */
enum status memory_clone_begin(struct memory *source, u64 page, u64 page_count, struct payer *payer,
                               struct memory **out) MUST_USE;
/* Page `index` of the clone becomes the source's. NO_MEMORY, GROUP_LIMIT. */
enum status memory_clone_page(struct memory *clone, u64 index) MUST_USE;
void memory_clone_end(struct memory *clone);

/* The page at `index`, kept where it is: its frame will be the object's until memory_unpin, which
 * also drops the reference that this takes. BAD_ARGUMENT: not anonymous memory. BUSY: it
 * shares frames. Errors of memory_page. */
enum status memory_pin(struct memory *memory, u64 index, paddr_t *frame) MUST_USE;
void memory_unpin(struct memory *memory);

/* Giving pages back takes three steps, for one caller at a time: the pages of the range are marked
 * (memory_mark_some); a pass clears what mappings show of them, and a grace period follows it; what
 * is still marked then is freed (memory_free_marked). A page that anybody asks for meanwhile loses
 * its mark and stays as it is.
 * NOT_SUPPORTED: not anonymous memory. BUSY: pinned, mapped too often, or another caller. */
enum status memory_discard_begin(struct memory *memory) MUST_USE;
/* As far as one slice goes, from *page on; true when `end` is reached. */
bool memory_mark_some(struct memory *memory, u64 *page, u64 end);
bool memory_free_marked(struct memory *memory, u64 *page, u64 end);
void memory_discard_end(struct memory *memory);

/* Frees pages that nobody can reach, in the same way: *page moves on. */
bool memory_free_some(struct memory *memory, u64 *page, u64 end);

/* Copies between kernel memory and the object, populating; no access check. For start pages and the
 * like. */
enum status memory_write(struct memory *memory, u64 offset, const void *from,
                         u64 size_bytes) MUST_USE;

/* Frees up to `limit` frames of an object that nobody refers to; true when none is left. */
bool memory_destroy_some(struct memory *memory, u32 limit);
/* Frees the structure. */
void memory_reclaim(struct object *object);

static inline struct memory *memory_of(struct object *object)
{
    return CONTAINER_OF(object, struct memory, object);
}

#endif
