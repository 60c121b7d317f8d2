/*
 * Address spaces: a tree of regions over hardware page tables.
 *
 * A region maps part of a memory object. A private region reads that object until it writes a page,
 * which it then has in a shadow object of its own. Regions hold a reference to their memory, so no
 * frame is freed while a page table or a TLB may lead to it: a region lets go only after its
 * entries are cleared and every CPU has passed a quiescent state, at which it drops translations
 * older than the vspace's generation (vspace_exit_check).
 *
 * Locks: `lock` (RANK_VSPACE) guards tree and tables. `tlb_generation` and each CPU's `loaded` are
 * atomic: a CPU publishes which space it loads before it reads the generation and loads the tables.
 */
#ifndef MM_VSPACE_H
#define MM_VSPACE_H

#include "abi/memory.h"
#include "abi/questions.h"
#include "core/cap_node.h"
#include "core/cpu.h"
#include "lib/tree.h"
#include "mm/memory.h"
#include "mm/page_table.h"

struct region {
    struct tree_node link; /* key: start */
    u64 end;
    struct memory *memory; /* a reference */
    u64 memory_page;       /* page of `memory` at start */
    struct memory
        *shadow; /* private copies, by page of the region at creation; a reference; may be NULL */
    u64 shadow_page;
    u32 access;     /* ACCESS_* now */
    u32 max_access; /* what protect may grant */
    bool private_copy;
    bool dying;  /* being unmapped: faults fail, the range stays taken */
    u64 cleared; /* dying: entries below this address are cleared */
    struct vspace *vspace;
    union {
        struct list mapping_link; /* anonymous memory mapped by a capability: in memory->mappings */
        struct grace_node grace;  /* out of that list, while its copies are given back */
    };
    u32 passes[MAPPING_PASS_KINDS]; /* the last that has visited it, or need not */
    struct account *account;
    struct cap_node node; /* in the memory's derivation tree, if it was mapped by a capability */
};

#define VSPACE_MAX_REGIONS  16384u
#define VSPACE_CHANGE_LIMIT 1024u /* regions that one unmap or protect may concern */

struct vspace {
    struct spinlock lock;
    struct tree regions;
    struct page_table table;
    struct payer *payer;
    u64 tlb_generation; /* atomic */
    u64 hint;           /* the next choice begins here */
    u64 window;         /* where address choice begins: random within one 1 GiB window */
    u64 region_count;
    bool closed; /* the process is ending: no new regions */
};

void vspace_init(void);

enum status vspace_create(struct vspace *vspace, struct payer *payer, u64 window) MUST_USE;

/* What to map. */
struct mapping {
    struct memory *memory;
    u64 memory_page;
    u64 address; /* 0: choose */
    u64 page_count;
    u32 access; /* ACCESS_READ, _WRITE, _EXECUTE */
    u32 max_access;
    bool private_copy;
    bool eager;
    struct cap_parent parent; /* link the region under this node, if there is one */
};

/* Adds a region; *address is where. EXISTS: the range is taken. BAD_ARGUMENT: not in the user half,
 * not aligned, beyond the memory's end, or writable and executable. REVOKED: `parent` died.
 * GROUP_LIMIT, NO_MEMORY, DEAD. */
enum status vspace_map(struct vspace *vspace, const struct mapping *mapping, u64 *address) MUST_USE;

/* Unmaps at once a range that is one region with at most `limit` entries, if no other CPU has the
 * space loaded. False: it is to be unmapped by the calls below, whatever has been done. */
bool vspace_unmap_region(struct vspace *vspace, u64 start, u64 end, u32 limit);

/* Marks [start, end) as dying, splitting regions at its ends. NOT_FOUND: nothing there.
 * BAD_ARGUMENT: more than VSPACE_CHANGE_LIMIT regions. Nothing is changed on failure. */
enum status vspace_unmap_begin(struct vspace *vspace, u64 start, u64 end) MUST_USE;
/* Clears up to `limit` entries of dying regions in the range; true when all are cleared. */
bool vspace_unmap_step(struct vspace *vspace, u64 start, u64 end, u32 limit);
/* Removes the dying regions of the range (of a closed space: all), after vspace_flush and, if that
 * said so, a grace period.
 * Bounded by `limit` regions; true when none is left. */
bool vspace_unmap_finish(struct vspace *vspace, u64 start, u64 end, u32 limit);

/* Changes access of [start, end), all of it mapped. MISSING_RIGHT: more than the mappings may have.
 * NOT_FOUND. Up to `limit` entries from *from on; true in *done when all. The caller flushes. */
enum status vspace_protect_begin(struct vspace *vspace, u64 start, u64 end, u32 access) MUST_USE;
bool vspace_protect_step(struct vspace *vspace, u64 *from, u64 end, u32 limit);

/* After a fault: another CPU may hold the translation that was replaced. */
enum vspace_flush {
    FLUSH_NONE = 0,
    FLUSH_SPACE = 1, /* flush the space, and wait if vspace_flush says so */
    FLUSH_WAIT = 2,  /* and wait in any case: other spaces were flushed */
};

/* Resolves a fault at `address`: maps the page that is due there. NOT_FOUND: no region;
 * MISSING_RIGHT: it forbids the access; NO_MEMORY, GROUP_LIMIT. */
enum status vspace_fault(struct vspace *vspace, u64 address, u32 access,
                         enum vspace_flush *flush) MUST_USE;

/* The byte at `address` of the space, through the direct map, for as long as this kernel entry
 * lasts, after what a fault for `access` there would have done. No more than what the space itself
 * may do, and no device. BAD_ADDRESS; NO_MEMORY, GROUP_LIMIT. */
enum status vspace_reach(struct vspace *vspace, u64 address, u32 access, char **bytes) MUST_USE;

/* A visit to all mappings of a memory object that were there when it began, whatever space they are
 * in: the entries for pages [start, end) of the object go. */
struct mapping_pass {
    struct memory *memory;
    u64 start;
    u64 end;
    enum mapping_pass_kind kind;
    u32 number;
};

/* The number of a new pass. What faults bring in from now on is the caller's concern. */
u32 vspace_pass_begin(struct memory *memory, enum mapping_pass_kind kind);
/* One step: clears up to `limit` entries of one mapping and asks for a flush; *at and *resume say
 * where it is (NULL, 0 to begin with). True when all are visited, for which the caller then waits
 * one grace period. */
bool vspace_pass_step(const struct mapping_pass *pass, struct vspace **at, u64 *resume, u32 limit);

/* Brings in up to `page_count` pages from `address` on, of one region, as far as they can be had.
 */
void vspace_populate(struct vspace *vspace, u64 address, u64 page_count, u32 access);

/* Where the next addresses are chosen moves up, so that they tell less of each other. */
static inline void vspace_skip(struct vspace *vspace, u64 page_count)
{
    vspace->hint += page_count << PAGE_SHIFT;
}

/* Entries were changed, in this kernel entry: who unmaps a region finds those that somebody else
 * has cleared, and does not flush for them. This CPU's TLB is flushed now; true if others may hold
 * old translations; they were asked to come by, and a grace period that begins after this call
 * covers them. */
bool vspace_flush(struct vspace *vspace);

/* Loads the space on this CPU: a full memory barrier. */
static inline void vspace_switch(struct cpu *cpu, struct vspace *vspace)
{
    ATOMIC_STORE(&cpu->loaded, vspace);
    cpu->loaded_tlb_generation = ATOMIC_LOAD(&vspace->tlb_generation);
    arch_root_load(vspace->table.root);
}

/* The same if it is not loaded already. */
static inline void vspace_load(struct cpu *cpu, struct vspace *vspace)
{
    if (cpu->loaded != vspace)
        vspace_switch(cpu, vspace);
}

/* Leaves the kernel's own tables. */
static inline void vspace_unload(struct cpu *cpu)
{
    if (cpu->loaded) {
        ATOMIC_STORE(&cpu->loaded, NULL);
        arch_root_load_kernel();
    }
}

/* At each kernel exit: drops this CPU's translations if the generation has moved. */
static inline void vspace_exit_check(struct cpu *cpu)
{
    struct vspace *vspace = cpu->loaded;
    if (vspace && unlikely(cpu->loaded_tlb_generation != ATOMIC_LOAD(&vspace->tlb_generation))) {
        cpu->loaded_tlb_generation = ATOMIC_LOAD(&vspace->tlb_generation);
        arch_tlb_flush_user();
    }
}

bool vspace_is_empty(struct vspace *vspace);
/* The memory that is mapped at `address` for reading and writing, with a reference, and the byte of
 * it that is seen there. BAD_ADDRESS: none is, or a private copy. */
enum status vspace_shared_memory(struct vspace *vspace, u64 address, struct memory **memory,
                                 u64 *offset) MUST_USE;
/* No new regions and no new pages from now on. */
void vspace_close(struct vspace *vspace);
/* Clears a closed space that no CPU has loaded, tables and all but the root, looking at up to
 * `limit` entries; true when all is clear. */
bool vspace_clear_some(struct vspace *vspace, u32 limit);
/* After a grace period in which no thread ran in it: frees the page tables of a space without
 * regions. */
void vspace_destroy(struct vspace *vspace);

/* What tells a word of memory from any other, whichever address space it is seen in: a shared
 * page's memory object and offset, a private page's address space and address. */
struct memory_word {
    const void *object;
    u64 offset;
};

/* False: nothing is mapped at `address`. */
bool vspace_word(struct vspace *vspace, u64 address, struct memory_word *word);

/* The mappings from address *from on, at most `limit`; *from is where to go on, 0: that is all. */
u32 vspace_list(struct vspace *vspace, u64 *from, struct who_entry *entries, u32 limit);

/* Pages of memory in use: resident in the memories' private parts and page tables; for people. */
u64 vspace_mapped_pages(struct vspace *vspace);

#endif
