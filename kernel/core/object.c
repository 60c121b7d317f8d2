/* Object headers: references, epochs and reclaim. */
#include "core/object.h"

#include "core/assert.h"
#include "core/cpu.h"

#define REFERENCES_SATURATED 0x80000000u

KERNEL_STATE static u64 next_epoch = 1;
KERNEL_STATE static u64 next_id = 1;
KERNEL_STATE static u64 live_count[OBJECT_TYPE_COUNT];

void object_init(struct object *object, enum object_type type, struct payer *payer)
{
    object->type = (u8)type;
    object->state = OBJECT_LIVE;
    object->references = 1;
    object->id = object_next_id();
    object->epoch = object_next_epoch();
    object->payer = payer;
    spinlock_init(&object->tree_lock, RANK_TREE);
    struct cap_node *anchor = &object->anchor;
    list_init(&anchor->children);
    list_init(&anchor->condemned);
    list_init(&anchor->sibling);
    anchor->object = object;
    anchor->birth_epoch = object->epoch;
    list_init(&object->payer_link);
    if (payer->owner && payer->owner != object)
        object_get(payer->owner);
    (void)ATOMIC_ADD(&live_count[type], 1);
}

enum status object_enlist(struct object *object)
{
    struct payer *payer = object->payer;
    spin_lock(&payer->lock);
    enum status status = STATUS_DEAD;
    if (!ATOMIC_LOAD(&payer->account.closed)) {
        list_push_back(&payer->objects, &object->payer_link);
        status = STATUS_OK;
    }
    spin_unlock(&payer->lock);
    return status;
}

static void delist(struct object *object)
{
    struct payer *payer = object->payer;
    spin_lock(&payer->lock);
    list_remove(&object->payer_link);
    spin_unlock(&payer->lock);
}

void object_fini(struct object *object)
{
    (void)ATOMIC_SUB(&live_count[object->type], 1);
    struct object *owner = object->payer->owner;
    if (owner && owner != object)
        object_put(owner);
}

void object_get(struct object *object)
{
    u32 references = ATOMIC_ADD(&object->references, 1);
    ASSERT(references > 1 && references < REFERENCES_SATURATED);
}

bool object_try_get(struct object *object)
{
    u32 references = ATOMIC_LOAD(&object->references);
    while (references != 0) {
        ASSERT(references < REFERENCES_SATURATED);
        if (ATOMIC_CAS(&object->references, &references, references + 1))
            return true;
    }
    return false;
}

static void release(struct grace_node *node)
{
    struct object *object = CONTAINER_OF(node, struct object, grace);
    object_operations[object->type]->release(object);
}

void object_put(struct object *object)
{
    u32 references = ATOMIC_SUB(&object->references, 1);
    ASSERT(references < REFERENCES_SATURATED);
    if (references == 0) {
        object_mark_dead(object);
        delist(object);
        grace_defer(&object->grace, release);
    }
}

static void reclaim(struct grace_node *node)
{
    struct object *object = CONTAINER_OF(node, struct object, grace);
    object_operations[object->type]->reclaim(object);
}

void object_free_after_grace(struct object *object)
{
    DEBUG_ASSERT(ATOMIC_LOAD(&object->references) == 0);
    grace_defer(&object->grace, reclaim);
}

u64 object_next_epoch(void)
{
    return ATOMIC_ADD(&next_epoch, 1);
}

u64 object_next_id(void)
{
    return ATOMIC_ADD(&next_id, 1) - 1;
}

u64 object_count(enum object_type type)
{
    return ATOMIC_LOAD(&live_count[type]);
}
