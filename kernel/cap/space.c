/* Capability spaces: slots, insertion, moving, closing. Lookup is in cap/lookup.c. */
#include "cap/space.h"

#include "arch/time.h"
#include "cap/derive.h"
#include "cap/space_internal.h"
#include "core/assert.h"
#include "core/cpu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "trace/trace.h"

/* The node of a slot, and who paid for it. */
struct slot_node {
    struct cap_node node;
    struct account *account;
};

KERNEL_STATE static struct slab_cache node_cache;
KERNEL_STATE static u64 node_count;

static bool kill_slot(struct cap_node *node, void *owner);
static void free_slot_node(struct cap_node *node);

static const struct cap_node_ops slot_node_ops = {.kill = kill_slot, .free = free_slot_node};

static struct slot_node *slot_node_of(struct cap_node *node)
{
    return CONTAINER_OF(node, struct slot_node, node);
}

void cap_init(const u8 *seed)
{
    slab_cache_init(&node_cache, "cap_node", sizeof(struct slot_node), 16);
    node_cache.read_freely = true;
    for (u32 i = 0; i < cpu_count(); i++) {
        u8 material[40];
        memcpy(material, seed, 32);
        u64 extra = arch_entropy() ^ i;
        memcpy(material + 32, &extra, sizeof(extra));
        random_init(&cpu_at(i)->random, material, sizeof(material));
        memset(material, 0, sizeof(material));
    }
}

u64 cap_random(void)
{
    return random_u64(&this_cpu()->random);
}

u64 cap_node_count(void)
{
    return ATOMIC_LOAD(&node_count);
}

/* Slot 0 of a space is never used: what stands in it is no handle that leads there, so that
 * CAP_NULL leads to a slot that differs like any other. */
#define NO_HANDLE UINT64_MAX

/* Readers see it through pointers to what they may write, but nobody writes a slot that is not in a
 * free list. */
static const struct cap_slot no_slots[CAP_CHUNK_SLOTS] = {{.handle = NO_HANDLE}};

static struct cap_slot *empty_chunk(void)
{
    /* SAFETY: see no_slots. */
    return (struct cap_slot *)(uintptr_t)no_slots;
}

void cap_space_create(struct cap_space *space, struct account *account, u64 process_id)
{
    *space = (struct cap_space){.account = account, .process_id = process_id, .sweep = 1};
    spinlock_init(&space->lock, RANK_SPACE);
    for (u32 i = 0; i < CAP_INLINE_CHUNKS; i++)
        space->inline_chunks[i] = empty_chunk();
    space->chunks = space->inline_chunks;
    space->chunk_mask = CAP_INLINE_CHUNKS - 1;
}

struct cap_slot *cap_slot_at(const struct cap_space *space, u32 index)
{
    u32 count = ATOMIC_LOAD(&space->slot_count);
    if (unlikely(index >= count))
        return NULL;
    index = (u32)arch_index_clamp(index, count); /* Spectre v1: the index is the user's */
    return &space->chunks[index / CAP_CHUNK_SLOTS][index % CAP_CHUNK_SLOTS];
}

/* Space lock held: the table becomes a frame, with room for all chunks there may be. */
static enum status grow_table(struct cap_space *space)
{
    paddr_t frame;
    enum status status = frame_alloc(space->account, FRAME_KERNEL, 0, this_cpu()->node, &frame);
    if (status != STATUS_OK)
        return status;
    /* SAFETY: a whole frame of this space's, freed with it. */
    struct cap_slot **table = arch_phys_to_virt(frame);
    for (u32 i = 0; i < CAP_MAX_CHUNKS; i++)
        table[i] = i < CAP_INLINE_CHUNKS ? space->inline_chunks[i] : empty_chunk();
    ATOMIC_STORE(&space->chunks, table);
    ATOMIC_STORE(&space->chunk_mask, CAP_MAX_CHUNKS - 1);
    return STATUS_OK;
}

/* Space lock held: one more chunk, all its slots free. */
static enum status grow(struct cap_space *space)
{
    u32 chunk = space->slot_count / CAP_CHUNK_SLOTS;
    if (chunk == CAP_MAX_CHUNKS)
        return STATUS_NO_SLOT;
    paddr_t frame;
    enum status status = STATUS_OK;
    if (chunk > space->chunk_mask)
        status = grow_table(space);
    if (status == STATUS_OK)
        status = frame_alloc_zeroed(space->account, FRAME_KERNEL, &frame);
    if (status != STATUS_OK)
        return status;
    /* SAFETY: a whole zeroed frame of this space's: 64 slots of 64 bytes. */
    struct cap_slot *slots = arch_phys_to_virt(frame);
    if (chunk == 0)
        slots[0].handle = NO_HANDLE;
    u32 first = chunk == 0 ? 1 : 0;
    for (u32 i = CAP_CHUNK_SLOTS; i-- > first;) {
        slots[i].next_free = space->first_free;
        space->first_free = chunk * CAP_CHUNK_SLOTS + i + 1;
    }
    ATOMIC_STORE(&space->chunks[chunk], slots);
    ATOMIC_STORE(&space->slot_count, space->slot_count + CAP_CHUNK_SLOTS);
    return STATUS_OK;
}

/* Space lock held: makes sure of `count` free slots beside those promised. */
static enum status ensure_free(struct cap_space *space, u32 count)
{
    if (space->closed)
        return STATUS_DEAD;
    u32 usable = space->slot_count > 0 ? space->slot_count - 1 : 0;
    while (usable - space->used_count < space->reserved + count) {
        enum status status = grow(space);
        if (status != STATUS_OK)
            return status;
        usable = space->slot_count - 1;
    }
    return STATUS_OK;
}

/* Objects whose type cares are told how many slots hold the right that makes somebody answer for
 * them. */
static void note_holder(const struct cap_slot *slot, int change)
{
    const struct object_ops *ops = object_operations[slot->object->type];
    if (ops->holders_changed && ((u32)slot->meta & ops->holder_right))
        ops->holders_changed(slot->object, change);
}

/* Space lock held: fills the slot at the head of the free list and publishes its handle. */
static u64 fill_slot(struct cap_space *space, struct cap_node *node, const struct cap_grant *grant,
                     u64 epoch)
{
    u32 index = space->first_free - 1;
    struct cap_slot *slot = cap_slot_at(space, index);
    DEBUG_ASSERT(slot && slot->handle == 0);
    space->first_free = slot->next_free;
    space->used_count++;
    slot->generation = generation_after(slot->generation);
    u64 handle = handle_make(index, slot->generation, random_u32(&this_cpu()->random));
    slot->meta = cap_meta(node->object->type, grant->flags, grant->rights);
    slot->object = node->object;
    slot->epoch = epoch;
    slot->badge = grant->badge;
    slot->node = node;
    slot->expires_ns = grant->expires_ns;
    node->slot_index = index;
    ATOMIC_STORE(&slot->handle, handle);
    note_holder(slot, +1);
    return handle;
}

/* Space lock held: makes the slot free. */
static void clear_slot(struct cap_space *space, struct cap_slot *slot, u32 index)
{
    ATOMIC_STORE(&slot->handle, 0);
    ATOMIC_FENCE_RELEASE(); /* a reader who sees what follows sees that the handle has gone */
    note_holder(slot, -1);
    slot->node = NULL;
    slot->meta = 0;
    slot->next_free = space->first_free;
    space->first_free = index + 1;
    space->used_count--;
}

static enum status alloc_node(struct account *account, struct object *object,
                              struct slot_node **out)
{
    void *memory;
    enum status status = slab_take(&node_cache, account, &memory);
    if (status != STATUS_OK)
        return status;
    struct slot_node *node = memory;
    cap_node_init(&node->node, object, &slot_node_ops);
    node->account = account;
    (void)ATOMIC_ADD(&node_count, 1);
    *out = node;
    return STATUS_OK;
}

static void free_slot_node(struct cap_node *node)
{
    (void)ATOMIC_SUB(&node_count, 1);
    slab_free(&node_cache, slot_node_of(node)->account, slot_node_of(node));
}

/* Inserts a new node under `parent`, which is the anchor, or parent_ref's. */
static enum status insert(struct cap_space *space, struct object *object, struct cap_node *parent,
                          const struct cap_ref *parent_ref, const struct cap_grant *grant,
                          cap_t *handle)
{
    struct slot_node *node;
    enum status status = alloc_node(space->account, object, &node);
    if (status != STATUS_OK)
        return status;
    node->node.range_start = grant->range_start;
    node->node.range_end = grant->range_end;

    spin_lock(&space->lock);
    status = ensure_free(space, 1);
    if (status == STATUS_OK) {
        spin_lock(&object->tree_lock);
        if (parent_ref && ATOMIC_LOAD(&parent_ref->slot->handle) != parent_ref->handle)
            status = STATUS_STALE_HANDLE;
        else
            status = cap_node_link_locked(&node->node, parent, space);
        if (status == STATUS_OK)
            handle->bits = fill_slot(space, &node->node, grant, object_live_epoch(object));
        spin_unlock(&object->tree_lock);
    }
    spin_unlock(&space->lock);
    if (status != STATUS_OK)
        free_slot_node(&node->node);
    return status;
}

enum status cap_insert_root(struct cap_space *space, struct object *object,
                            const struct cap_grant *grant, cap_t *handle)
{
    return insert(space, object, &object->anchor, NULL, grant, handle);
}

enum status cap_insert_child(struct cap_space *space, const struct cap_ref *parent,
                             const struct cap_grant *grant, cap_t *handle)
{
    return insert(space, parent->object, parent->node, parent, grant, handle);
}

enum status cap_reserve(struct cap_space *space, u32 count)
{
    u64 size = (u64)node_cache.object_size * count;
    enum status status = account_charge(space->account, GROUP_KERNEL_BYTES, size);
    if (status != STATUS_OK)
        return status;
    spin_lock(&space->lock);
    status = ensure_free(space, count);
    if (status == STATUS_OK)
        space->reserved += count;
    spin_unlock(&space->lock);
    if (status != STATUS_OK)
        account_release(space->account, GROUP_KERNEL_BYTES, size);
    return status;
}

void cap_unreserve(struct cap_space *space, u32 count)
{
    spin_lock(&space->lock);
    ASSERT(space->reserved >= count);
    space->reserved -= count;
    spin_unlock(&space->lock);
    account_release(space->account, GROUP_KERNEL_BYTES, (u64)node_cache.object_size * count);
}

static bool slot_is_holder(const struct cap_slot *slot)
{
    return ((u32)slot->meta & object_operations[slot->object->type]->holder_right) != 0;
}

/* The object is readable. */
static void note_holder_gone(bool was_holder, struct object *object, const struct cap_space *space)
{
    if (was_holder)
        object_operations[object->type]->holders_gone(object, space->closed);
}

/* Both space locks held; tree lock taken inside. */
static enum status move_locked(struct cap_space *space, const struct cap_ref *from, u32 rights,
                               cap_t *handle)
{
    struct object *object = from->object;
    if (ATOMIC_LOAD(&from->slot->handle) != from->handle)
        return STATUS_STALE_HANDLE;
    if (space->closed)
        return STATUS_DEAD;
    struct cap_grant grant = {
        .rights = cap_ref_rights(from) & rights,
        .badge = from->badge,
        .flags = from->meta & CAP_FLAGS_MASK,
        .expires_ns = from->expires_ns,
    };
    enum status status = STATUS_REVOKED;
    spin_lock(&object->tree_lock);
    if (cap_node_is_live_locked(from->node)) {
        /* The new slot first: an endpoint is never without a receiver on the way. */
        u32 old_index = from->node->slot_index;
        handle->bits = fill_slot(space, from->node, &grant, object_live_epoch(object));
        clear_slot(from->space, from->slot, old_index);
        from->node->owner = space;
        status = STATUS_OK;
    }
    spin_unlock(&object->tree_lock);
    return status;
}

enum status cap_move(struct cap_space *space, const struct cap_ref *from, u32 rights, cap_t *handle)
{
    struct slot_node *node = slot_node_of(from->node);
    struct account *released = space->account;
    spin_lock_pair(&space->lock, &from->space->lock);
    ASSERT(space->reserved > 0);
    space->reserved--;
    bool lost_holder = slot_is_holder(from->slot) &&
                       !(rights & object_operations[from->object->type]->holder_right);
    enum status status = move_locked(space, from, rights, handle);
    if (status == STATUS_OK) {
        released = node->account;
        node->account = space->account;
    }
    spin_unlock_pair(&space->lock, &from->space->lock);
    note_holder_gone(lost_holder && status == STATUS_OK, from->object, from->space);
    account_release(released, GROUP_KERNEL_BYTES, node_cache.object_size);
    return status;
}

void cap_undo_insert(struct cap_space *space, cap_t handle)
{
    struct cap_node *node;
    if (!cap_detach(space, handle.bits, &node) || !node)
        return;
    bool dissolved = cap_node_dissolve_step(node, 1);
    ASSERT(dissolved);
    cap_node_unpin(node);
}

/* Takes `node`'s slot away if `node` still has it. */
static bool take_slot(struct cap_space *space, struct cap_slot *slot, u32 index,
                      struct cap_node *node)
{
    spin_lock(&space->lock);
    bool mine = slot->node == node && cap_node_abandon(node);
    bool was_holder = mine && slot_is_holder(slot);
    if (mine) {
        clear_slot(space, slot, index);
        slot->meta = CAP_FLAG_REVOKED;
    }
    spin_unlock(&space->lock);
    note_holder_gone(was_holder, node->object, space);
    return mine;
}

bool cap_detach(struct cap_space *space, u64 handle, struct cap_node **left)
{
    u32 index = handle_index(handle);
    struct cap_slot *slot = cap_slot_at(space, index);
    *left = NULL;
    if (!slot || handle == 0)
        return false;
    spin_lock(&space->lock);
    if (slot->handle != handle) {
        spin_unlock(&space->lock);
        return false;
    }
    struct cap_node *node = slot->node;
    struct object *object = slot->object;
    bool was_holder = slot_is_holder(slot);
    clear_slot(space, slot, index);
    spin_lock(&object->tree_lock);
    bool unlinked = cap_node_leave_locked(node);
    spin_unlock(&object->tree_lock);
    spin_unlock(&space->lock);
    note_holder_gone(was_holder, object, space);
    if (unlinked) {
        free_slot_node(node);
        object_put(object);
    } else {
        *left = node;
    }
    return true;
}

/* A revocation reached this node: its slot goes. The node's own pin goes with it. */
static bool kill_slot(struct cap_node *node, void *owner)
{
    struct cap_space *space = owner;
    struct cap_slot *slot = cap_slot_at(space, node->slot_index);
    if (slot && take_slot(space, slot, node->slot_index, node))
        cap_node_unpin_one(node);
    return !ATOMIC_LOAD(&node->owner);
}

/* The next used slot at or after `index`; its handle, 0 if none. Space lock held. */
static u64 next_used(const struct cap_space *space, u32 *index)
{
    for (; space->used_count > 0 && *index < space->slot_count; (*index)++) {
        u64 handle = cap_slot_at(space, *index)->handle;
        if (handle)
            return handle;
    }
    return 0;
}

static void free_chunks(struct cap_space *space)
{
    for (u32 i = 0; i < space->slot_count / CAP_CHUNK_SLOTS; i++)
        frame_free(space->account, arch_virt_to_phys(space->chunks[i]), 0);
    if (space->chunks != space->inline_chunks)
        frame_free(space->account, arch_virt_to_phys(space->chunks), 0);
    space->chunks = NULL;
    space->slot_count = 0;
}

bool cap_space_destroy_some(struct cap_space *space, u32 limit)
{
    for (u32 i = 0; i < limit; i++) {
        if (space->dissolving) {
            struct cap_node *node = space->dissolving;
            struct object *object = node->object;
            if (!cap_node_dissolve_step(node, limit))
                return false;
            space->dissolving = NULL;
            cap_node_unpin(node);
            object_put(object);
            continue;
        }
        spin_lock(&space->lock);
        space->closed = true;
        u64 handle = next_used(space, &space->sweep);
        spin_unlock(&space->lock);
        if (!handle)
            return true;
        struct cap_node *node;
        if (cap_detach(space, handle, &node) && node) {
            /* A reference of our own for as long as the node is dissolving. */
            if (object_try_get(node->object))
                space->dissolving = node;
            else
                cap_node_unpin(node);
        }
    }
    return false;
}

void cap_space_free(struct cap_space *space)
{
    if (space->reserved > 0)
        cap_unreserve(space, space->reserved); /* for moves that never came */
    if (space->chunks)
        free_chunks(space);
}
