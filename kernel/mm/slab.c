/*
 * Slabs. A slab is a run of 2^order frames, aligned to its size, so that an object's slab is found
 * by masking its physical address:
 *
 *     | struct slab | object 0 | object 1 | ... | object n-1 | rest |
 *
 * Objects below `fresh` have been used at least once; the free ones among them are linked through
 * their first word. Those from `fresh` on were never touched. A slab is full (in no list), partial
 * (in the cache's list), or empty (at most one kept, as cache->empty).
 *
 * Locks: the cache's lock guards its lists, its slabs' headers and its counts.
 */
#include "mm/slab.h"

#include "core/assert.h"
#include "core/cpu.h"
#include "core/grace.h"
#include "lib/checked_math.h"
#include "lib/string.h"
#include "mm/frame_internal.h"

#define SLAB_MAX_ORDER   4u
#define SLAB_MAX_OBJECT  16384u
#define SLAB_MIN_OBJECT  16u /* room for the link and the mark of a free object */
#define SLAB_WASTE_SHARE 8u  /* at most 1/8 of a slab unused, if an order gives that */

#define FREE_MARK   0x5fee0b1ec75fee0bull /* exclusive-or the object's address */
#define POISON_BYTE 0xdb

struct free_object {
    struct free_object *next;
    u64 mark; /* debug builds */
};

struct slab {
    struct slab *next; /* partial list */
    struct slab *prev; /* NULL: first of the list, or in none */
    struct free_object *free;
    u32 used;
    u32 fresh;
    struct slab_cache *cache;
    struct grace_node grace;
} ALIGNED(CACHE_LINE);

KERNEL_STATE static struct slab_cache *first_cache;

static u32 objects_for(u32 order, u32 object_size)
{
    return (u32)(((PAGE_SIZE << order) - sizeof(struct slab)) / object_size);
}

static void choose_order(struct slab_cache *cache)
{
    u64 best_waste = UINT64_MAX;

    for (u32 order = 0; order <= SLAB_MAX_ORDER; order++) {
        u64 size = PAGE_SIZE << order;
        u64 count = size > cache->object_size ? objects_for(order, cache->object_size) : 0;
        /* Per 1024 bytes, so that orders compare. */
        u64 waste = (size - count * cache->object_size) * 1024 / size;

        if (count == 0 || waste >= best_waste)
            continue;
        best_waste = waste;
        cache->order = order;
        cache->per_slab = (u32)count;
        if (waste <= 1024 / SLAB_WASTE_SHARE)
            break;
    }
    ASSERT(best_waste != UINT64_MAX);
}

void slab_cache_init(struct slab_cache *cache, const char *name, u32 object_size, u32 alignment)
{
    ASSERT(is_power_of_two(alignment) && alignment <= CACHE_LINE);
    ASSERT(object_size > 0 && object_size <= SLAB_MAX_OBJECT);
    if (object_size < SLAB_MIN_OBJECT)
        object_size = SLAB_MIN_OBJECT;
    if (alignment < sizeof(u64))
        alignment = sizeof(u64);
    *cache = (struct slab_cache){
        .name = name,
        .next_cache = first_cache,
        .object_size = (u32)align_up(object_size, alignment),
    };
    spinlock_init(&cache->lock, RANK_SLAB);
    choose_order(cache);
    first_cache = cache;
}

const struct slab_cache *slab_first_cache(void)
{
    return first_cache;
}

/* --- Debug builds --- */

#ifdef FERROUS_DEBUG
static u64 mark_of(const void *object)
{
    /* SAFETY: the address is a number here, never a pointer again. */
    return FREE_MARK ^ (u64)(uintptr_t)object;
}

/* A mark alone may be chance: only an object that is linked is free. */
static void check_not_free(const struct slab_cache *cache, const struct slab *slab,
                           const struct free_object *object)
{
    if (object->mark != mark_of(object))
        return;
    for (const struct free_object *at = slab->free; at != NULL; at = at->next)
        if (at == object)
            panic("double free of a %s", cache->name);
}

static void poison(const struct slab_cache *cache, struct free_object *object)
{
    memset(object, POISON_BYTE, cache->object_size);
    object->mark = mark_of(object);
}

static void check_poison(const struct slab_cache *cache, const struct free_object *object)
{
    const u8 *bytes = (const u8 *)object;

    ASSERT(object->mark == mark_of(object));
    for (u32 i = sizeof(*object); i < cache->object_size; i++)
        if (bytes[i] != POISON_BYTE)
            panic("a %s was written after it was freed, at byte %u", cache->name, i);
}
#else
static void check_not_free(const struct slab_cache *cache, const struct slab *slab,
                           const struct free_object *object)
{
    (void)cache, (void)slab, (void)object;
}

static void poison(const struct slab_cache *cache, struct free_object *object)
{
    (void)cache, (void)object;
}

static void check_poison(const struct slab_cache *cache, const struct free_object *object)
{
    (void)cache, (void)object;
}
#endif

/* --- Lists of slabs; lock held --- */

static void push_partial(struct slab_cache *cache, struct slab *slab)
{
    slab->prev = NULL;
    slab->next = cache->partial;
    if (cache->partial != NULL)
        cache->partial->prev = slab;
    cache->partial = slab;
}

static void remove_partial(struct slab_cache *cache, struct slab *slab)
{
    if (slab->prev != NULL)
        slab->prev->next = slab->next;
    else
        cache->partial = slab->next;
    if (slab->next != NULL)
        slab->next->prev = slab->prev;
    slab->next = NULL;
    slab->prev = NULL;
}

/* A slab with a free object, in the partial list; NULL: no memory for one. */
static struct slab *find_slab(struct slab_cache *cache, bool for_kernel)
{
    struct slab *slab = cache->partial;
    paddr_t run;

    if (likely(slab != NULL))
        return slab;
    if (cache->empty != NULL) {
        slab = cache->empty;
        cache->empty = NULL;
    } else {
        if (!frame_take(FRAME_KERNEL, cache->order, this_cpu()->node, for_kernel, &run))
            return NULL;
        /* SAFETY: the run was allocated just now, in the direct map. */
        slab = arch_phys_to_virt(run);
        *slab = (struct slab){.cache = cache};
        cache->slab_count++;
    }
    push_partial(cache, slab);
    return slab;
}

static void *take_object(struct slab_cache *cache, struct slab *slab)
{
    struct free_object *object = slab->free;

    if (object != NULL) {
        check_poison(cache, object);
        slab->free = object->next;
    } else {
        object = (void *)((char *)(slab + 1) + (u64)slab->fresh * cache->object_size);
        slab->fresh++;
    }
    slab->used++;
    cache->live_objects++;
    if (slab->used == cache->per_slab)
        remove_partial(cache, slab);
    return object;
}

enum status slab_take(struct slab_cache *cache, struct account *account, void **object)
{
    struct slab *slab;
    void *taken = NULL;

    if (account != NULL) {
        enum status status = account_charge(account, GROUP_KERNEL_BYTES, cache->object_size);

        if (status != STATUS_OK)
            return status;
    }
    spin_lock(&cache->lock);
    slab = find_slab(cache, account == NULL);
    if (likely(slab != NULL))
        taken = take_object(cache, slab);
    spin_unlock(&cache->lock);
    if (taken == NULL) {
        if (account != NULL)
            account_release(account, GROUP_KERNEL_BYTES, cache->object_size);
        return STATUS_NO_MEMORY;
    }
    *object = taken;
    return STATUS_OK;
}

enum status slab_alloc(struct slab_cache *cache, struct account *account, void **object)
{
    enum status status = slab_take(cache, account, object);

    if (likely(status == STATUS_OK))
        memset(*object, 0, cache->object_size);
    return status;
}

/* The slab that an object lies in. */
static struct slab *slab_of(const struct slab_cache *cache, const void *object)
{
    u64 address = arch_virt_to_phys(object).raw;

    /* SAFETY: an object of this cache lies in a run of this order, aligned to its size, that
     * begins with its struct slab. */
    return arch_phys_to_virt(paddr(align_down(address, PAGE_SIZE << cache->order)));
}

/* Lock held: the object joins its slab's free ones. Returns a slab whose frames are to be given
 * back, or NULL. */
static struct slab *put_object(struct slab_cache *cache, struct slab *slab,
                               struct free_object *object)
{
    object->next = slab->free;
    slab->free = object;
    if (slab->used == cache->per_slab)
        push_partial(cache, slab);
    slab->used--;
    cache->live_objects--;
    if (slab->used != 0)
        return NULL;
    remove_partial(cache, slab);
    if (cache->empty == NULL) {
        cache->empty = slab;
        return NULL;
    }
    cache->slab_count--;
    return slab;
}

static void give_frames(struct grace_node *grace)
{
    struct slab *slab = CONTAINER_OF(grace, struct slab, grace);

    frame_give(arch_virt_to_phys(slab), slab->cache->order);
}

void slab_free(struct slab_cache *cache, struct account *account, void *object)
{
    struct slab *slab = slab_of(cache, object);
    struct slab *surplus;

    DEBUG_ASSERT(((u64)((char *)object - (char *)(slab + 1))) % cache->object_size == 0);
    spin_lock(&cache->lock);
    ASSERT(slab->used > 0 && slab->used <= cache->per_slab);
    check_not_free(cache, slab, object);
    poison(cache, object);
    surplus = put_object(cache, slab, object);
    spin_unlock(&cache->lock);
    if (surplus != NULL && cache->read_freely)
        grace_defer(&surplus->grace, give_frames);
    else if (surplus != NULL)
        give_frames(&surplus->grace);
    if (account != NULL)
        account_release(account, GROUP_KERNEL_BYTES, cache->object_size);
}
