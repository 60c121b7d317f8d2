/*
 * Slabs: fixed-size kernel objects, typed caches. Objects never move and a slab's frames go back
 * only when all of it is free, so an address stays the same kind of object for a grace period after
 * it was freed.
 *
 * Locks: a cache's lock (RANK_SLAB).
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "core/account.h"
#include "core/lock.h"

struct slab; /* one frame or more, with its header at the start */

struct slab_cache {
    const char *name;
    struct slab_cache *next_cache; /* list of all, for statistics and checks */
    struct spinlock lock;
    u32 object_size; /* bytes, a multiple of the alignment */
    u32 order;       /* a slab is 2^order frames */
    u32 per_slab;
    bool read_freely; /* freed objects may still be read: frames go back after a grace period */
    struct slab *partial;
    struct slab *empty; /* at most one kept */
    u64 live_objects;
    u64 slab_count;
};

/* `object_size` up to 16 KiB; `alignment` a power of two up to 64. Boot time only. */
void slab_cache_init(struct slab_cache *cache, const char *name, u32 object_size, u32 alignment);

/* An object, its size charged as GROUP_KERNEL_BYTES to `account` (NULL: the kernel): zeroed, or, by
 * slab_take, with anything in it, for who fills all of it. NO_MEMORY or GROUP_LIMIT. */
enum status slab_take(struct slab_cache *cache, struct account *account, void **object) MUST_USE;
enum status slab_alloc(struct slab_cache *cache, struct account *account, void **object) MUST_USE;

/* The caller knows that nobody uses the object any more (a grace period has passed, or none is
 * needed, or readers look afterwards whether it still was what they took it for). Debug builds
 * poison it and panic on a double free. */
void slab_free(struct slab_cache *cache, struct account *account, void *object);

/* First cache, then next_cache: for statistics. */
const struct slab_cache *slab_first_cache(void);

#endif
