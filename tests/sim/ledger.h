/*
 * The ledger: who holds which frame and which slab object, kept outside the kernel. The linker
 * sends the kernel's calls of its allocators through here (--wrap); the invariants compare the
 * ledger with what the kernel believes.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "mm/frame.h"
#include "mm/slab.h"

#define LEDGER_SHARERS 15u

struct ledger_frame {
    struct account *account;                 /* NULL: the kernel */
    u64 freed_at;                            /* sim_tick of the last time it was freed */
    struct account *sharers[LEDGER_SHARERS]; /* the other owners, in no order */
    u32 sharer_count;
    u8 use; /* enum frame_use */
    u8 order;
    bool live; /* first frame of an allocated run */
};

struct ledger_object {
    void *address;
    const struct slab_cache *cache;
    struct account *account; /* who paid at allocation */
};

/* The frame's line; `index` is its frame number. */
const struct ledger_frame *ledger_frame(u64 index);
u64 ledger_frame_count(void);

/* How many shares of the frame this account pays for. */
u32 ledger_shares(const struct ledger_frame *line, const struct account *account);

/* Live slab objects, in no order: index from 0 to ledger_object_count. */
const struct ledger_object *ledger_object(u32 index);
u32 ledger_object_count(void);

/* The next live object of the cache named `cache` from *cursor on (start with 0); NULL: no more. */
void *ledger_next(const char *cache, u32 *cursor);
/* Is `address` a live object of the cache of that name? */
bool ledger_holds(const char *cache, const void *address);

#endif
