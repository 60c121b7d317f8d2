/* Finding a capability by its handle, and finding out that it is gone. */
#include "arch/time.h"
#include "cap/derive.h"
#include "cap/space.h"
#include "cap/space_internal.h"
#include "core/cpu.h"
#include "trace/trace.h"

KERNEL_STATE static u64 denials[CAP_STATUS_LIMIT];

u64 cap_denials(enum status status)
{
    return (u32)status < CAP_STATUS_LIMIT ? ATOMIC_LOAD(&denials[status]) : 0;
}

void cap_note_denial(enum status status, u32 missing_rights, enum object_type wanted)
{
    (void)ATOMIC_ADD(&denials[status], 1);
    TRACE(CAP_DENIED, status, missing_rights, wanted, this_cpu()->syscall_number);
}

/* The object's epoch has moved: is this capability among the dead? If it is good, the slot
 * remembers the epoch. The tree lock keeps nodes of this object from leaving their slots, so the
 * slot that still holds our handle holds our node. */
static enum status revalidate(struct cap_ref *ref)
{
    struct object *object = ref->object;
    enum status status = STATUS_OK;
    spin_lock(&object->tree_lock);
    if (ATOMIC_LOAD(&ref->slot->handle) != ref->handle) {
        status = STATUS_STALE_HANDLE;
    } else if (!object_is_live(object)) {
        status = STATUS_DEAD;
    } else if (!cap_node_is_live_locked(ref->node)) {
        status = STATUS_REVOKED;
    } else {
        ref->slot->epoch = object_live_epoch(object);
        ref->epoch = ref->slot->epoch;
    }
    spin_unlock(&object->tree_lock);
    return status;
}

/* A handle that is not in its slot: an old one of that slot, or one that never was. */
static enum status why_not(const struct cap_space *space, u64 handle)
{
    const struct cap_slot *slot = cap_slot_at(space, handle_index(handle));
    if (!slot)
        return STATUS_BAD_HANDLE;
    u32 generation = handle_generation(handle);
    /* The handle first: who fills the slot meanwhile has stored the new generation before it. */
    bool filled = ATOMIC_LOAD(&slot->handle) != 0;
    u32 newest = slot->generation;
    if (generation == newest && filled)
        return STATUS_BAD_HANDLE; /* the right generation with a wrong secret */
    if (generation == newest && (slot->meta & CAP_FLAG_REVOKED))
        return STATUS_REVOKED;
    return generation != 0 && generation <= newest ? STATUS_STALE_HANDLE : STATUS_BAD_HANDLE;
}

/* Reads the slot of `handle`. False: it holds another, or has been given to another while we read.
 */
static inline bool read_slot(struct cap_space *space, u64 handle, struct cap_ref *ref)
{
    struct cap_slot *slot = cap_slot_of(space, handle);
    if (unlikely(ATOMIC_LOAD(&slot->handle) != handle))
        return false;
    *ref = (struct cap_ref){
        .space = space,
        .slot = slot,
        .object = slot->object,
        .node = slot->node,
        .handle = handle,
        .meta = slot->meta,
        .epoch = slot->epoch,
        .badge = slot->badge,
        .expires_ns = slot->expires_ns,
    };
    ATOMIC_FENCE_ACQUIRE();
    return likely(ATOMIC_LOAD(&slot->handle) == handle);
}

static enum status check(struct cap_ref *ref, enum object_type type, u32 rights)
{
    if (type != OBJECT_NONE && cap_ref_type(ref) != type)
        return STATUS_WRONG_TYPE;
    if (rights & ~cap_ref_rights(ref))
        return STATUS_MISSING_RIGHT;
    if ((ref->meta & CAP_FLAG_EXPIRES) && arch_clock_ns() >= ref->expires_ns)
        return STATUS_EXPIRED;
    if (ATOMIC_LOAD(&ref->object->epoch) != ref->epoch)
        return revalidate(ref);
    return STATUS_OK;
}

/* What is in the way of a lookup, or what it takes longer to find out that nothing is. */
static __attribute__((noinline)) enum status look_closer(bool found, enum object_type type,
                                                         u32 rights, struct cap_space *space,
                                                         u64 handle, struct cap_ref *ref)
{
    enum status status = found ? check(ref, type, rights) : why_not(space, handle);
    if (status != STATUS_OK) {
        u32 missing = status == STATUS_MISSING_RIGHT ? rights & ~cap_ref_rights(ref) : 0;
        cap_note_denial(status, missing, type);
    }
    return status;
}

enum status cap_lookup(struct cap_space *space, u64 handle, enum object_type type, u32 rights,
                       struct cap_ref *ref)
{
    u64 looked_at = (type ? 0xffull << CAP_META_TYPE_SHIFT : 0) | CAP_FLAG_EXPIRES | rights;
    u64 wanted = (u64)type << CAP_META_TYPE_SHIFT | rights;
    bool found = read_slot(space, handle, ref);
    if (likely(found) && likely((ref->meta & looked_at) == wanted) &&
        likely(ATOMIC_LOAD(&ref->object->epoch) == ref->epoch))
        return STATUS_OK;
    return look_closer(found, type, rights, space, handle, ref);
}

bool cap_ref_is_valid(const struct cap_ref *ref)
{
    if (ATOMIC_LOAD(&ref->slot->handle) != ref->handle)
        return false;
    if (likely(ATOMIC_LOAD(&ref->object->epoch) == ref->epoch))
        return true;
    struct cap_ref again = *ref;
    return revalidate(&again) == STATUS_OK;
}

enum status cap_ref_take(const struct cap_ref *ref)
{
    if (!object_try_get(ref->object))
        return STATUS_DEAD;
    if (cap_ref_is_valid(ref))
        return STATUS_OK;
    object_put(ref->object);
    return STATUS_REVOKED;
}

enum status cap_find(struct cap_space *space, u64 handle, struct cap_ref *ref)
{
    if (likely(read_slot(space, handle, ref)))
        return STATUS_OK;
    enum status status = why_not(space, handle);
    cap_note_denial(status, 0, OBJECT_NONE);
    return status;
}

static bool has_many_locked(const struct cap_node *node)
{
    struct list *first = list_first(&node->children);
    return first && (first != node->children.prev ||
                     !list_is_empty(&LIST_ENTRY(first, struct cap_node, sibling)->children));
}

bool cap_ref_pin(const struct cap_ref *ref, bool *many)
{
    struct object *object = ref->object;
    spin_lock(&object->tree_lock);
    bool here = ATOMIC_LOAD(&ref->slot->handle) == ref->handle;
    if (here) {
        ref->node->pins++;
        *many = has_many_locked(ref->node);
    }
    spin_unlock(&object->tree_lock);
    return here;
}

bool cap_mark_is_revoked(struct cap_mark *mark, const struct cap_space *space,
                         struct object *object)
{
    if (likely(ATOMIC_LOAD(&object->epoch) == mark->epoch))
        return false;
    const struct cap_slot *slot = cap_slot_of(space, mark->handle);
    spin_lock(&object->tree_lock);
    /* With another handle in the slot, where it stood in the tree is not known any more. The node
     * first: whoever clears the slot does not hold the tree lock, which keeps the node in memory.
     */
    const struct cap_node *node = ATOMIC_LOAD(&slot->node);
    bool good = ATOMIC_LOAD(&slot->handle) == mark->handle && node && cap_node_is_live_locked(node);
    if (good)
        mark->epoch = object->epoch;
    spin_unlock(&object->tree_lock);
    return !good;
}

u64 cap_object_id(const struct cap_space *space, u64 handle)
{
    const struct cap_slot *slot = cap_slot_of(space, handle);
    if (ATOMIC_LOAD(&slot->handle) != handle)
        return 0;
    const struct object *object = slot->object;
    ATOMIC_FENCE_ACQUIRE();
    return ATOMIC_LOAD(&slot->handle) == handle ? object->id : 0;
}
