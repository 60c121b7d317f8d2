/*
 * What every kernel object starts with, and the nodes of derivation trees.
 *
 * An object lives while something refers to it: each node of its derivation tree but the anchor,
 * and each pointer from another object that says so. When the last reference goes, the type's
 * `release` takes it apart, and its memory is freed after a grace period. Pointers found by lookups
 * stay readable until the kernel entry ends.
 *
 * Locks: `tree_lock` (RANK_TREE) guards the tree; `epoch` is written under it and read by anybody.
 */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include "abi/rights.h"
#include "core/account.h"
#include "core/grace.h"
#include "core/lock.h"
#include "lib/list.h"

struct object;
struct cap_node;

/* What a node stands for: a slot, a mapping. */
struct cap_node_ops {
    /* It does something by itself, without a lookup: a mapping, a binding. Such a node is a leaf.
     */
    bool is_effect;
    /* Makes the thing that the node stands for go away, a bounded step at a time: true when it is
     * gone and the node's owner is NULL, by whoever's doing. Called with the node pinned and
     * without locks; `owner` is what the node's owner was, still readable. */
    bool (*kill)(struct cap_node *node, void *owner);
    /* The last pin of an unlinked node is gone: frees it. */
    void (*free)(struct cap_node *node);
};

struct cap_node {
    struct cap_node *parent; /* NULL: the anchor, or unlinked */
    struct list children;
    struct list
        condemned; /* children that a revocation has killed and clean-up has not yet reached */
    struct list sibling;   /* in the parent's children or condemned */
    u64 birth_epoch;       /* the object's epoch when the node was made */
    u64 revoked_epoch;     /* descendants born before it are dead */
    struct object *object; /* borrowed by the anchor, a reference for all others */
    void *owner;           /* by ops: the capability space, the vspace. NULL: a ghost */
    const struct cap_node_ops *ops;
    u64 range_start; /* memory: bytes; ports: port numbers; else 0 */
    u64 range_end;
    u32 slot_index; /* of a slot node */
    u16 depth;
    u32 pins; /* who needs it to stay in memory; the last frees it */
};

enum object_state { OBJECT_LIVE = 0, OBJECT_DEAD = 1 };

struct object_ops {
    const char *name;
    /* The last reference is gone. Takes the object apart and ends in object_free_after_grace. */
    void (*release)(struct object *object);
    /* The payer is destroyed: make the object useless to everybody, now; its references go as
     * holders notice. */
    void (*condemn)(struct object *object);
    /* After the grace period: give the memory back. */
    void (*reclaim)(struct object *object);
    /* A revocation of capabilities has been published: end the waits that relied on dead ones. May
     * be NULL. */
    void (*revoked)(struct object *object);
    /* One more or one less slot holds `holder_right`. Under a space's lock, perhaps the tree lock:
     * may count, not act. NULL: the type does not care. */
    void (*holders_changed)(struct object *object, int change);
    u32 holder_right;
    /* After a slot with `holder_right` was cleared; `died`: because its process has ended. */
    void (*holders_gone)(struct object *object, bool died);
};

struct object {
    u8 type;        /* enum object_type */
    u8 state;       /* enum object_state; atomic */
    u32 references; /* atomic */
    u64 id;         /* for people and events */
    u64 epoch;      /* atomic; unique in the system; EPOCH_DEAD once the object is dead */
    struct payer *payer;
    struct spinlock tree_lock;
    u32 effects;            /* nodes in the tree that are effects; guarded by tree_lock */
    struct cap_node anchor; /* root of the derivation tree */
    struct list payer_link; /* in the payer's list; guarded by its lock */
    struct grace_node grace;
};

/* Indexed by enum object_type; defined by kernel/init, the only folder that sees all types. */
extern const struct object_ops *const object_operations[OBJECT_TYPE_COUNT];

/* Who pays for objects: a group's account, and the list of what it pays for, so that its
 * destruction finds them all. */
struct payer {
    struct account account;
    struct spinlock lock; /* RANK_REGISTRY */
    struct list objects;  /* enlisted ones, by payer_link */
    struct object *owner; /* the group; each object holds a reference to it */
};

/* A new object with one reference, held by the caller. The payer has been charged; the object keeps
 * its owner alive. */
void object_init(struct object *object, enum object_type type, struct payer *payer);

/* The object is complete: destruction of its payer will find it. DEAD: the payer is being
 * destroyed. */
enum status object_enlist(struct object *object) MUST_USE;
/* The object is about to be freed: forgets its payer. Called by reclaim as the last thing. */
void object_fini(struct object *object);

/* Takes another reference; the caller has one, or is inside a grace period and accepts failure
 * (try). */
void object_get(struct object *object);
bool object_try_get(struct object *object) MUST_USE;
/* Drops one, whatever locks of rank TREE or below are held. With the last the object is dead at
 * once; its type's release is called after a grace period, at a kernel exit, without locks. */
void object_put(struct object *object);

/* Calls the type's reclaim once every CPU has passed a quiescent state. */
void object_free_after_grace(struct object *object);

#define EPOCH_DEAD 0ull

/* The epoch to remember for a capability that has just been found good: an object that dies now
 * makes it differ. */
static inline u64 object_live_epoch(const struct object *object)
{
    u64 epoch = ATOMIC_LOAD(&object->epoch);
    return epoch == EPOCH_DEAD ? UINT64_MAX : epoch;
}

/* For people: the group that pays; 0: none, as for the root group itself. */
static inline u64 object_payer_id(const struct object *object)
{
    return object->payer && object->payer->owner ? object->payer->owner->id : 0;
}

/* From now on no capability to it is good. */
static inline void object_mark_dead(struct object *object)
{
    ATOMIC_STORE(&object->state, OBJECT_DEAD);
    ATOMIC_STORE(&object->epoch, EPOCH_DEAD);
}

static inline bool object_is_live(const struct object *object)
{
    return ATOMIC_LOAD(&object->state) == OBJECT_LIVE;
}

/* A number never used before: epochs of all objects come from here. */
u64 object_next_epoch(void);

/* An id that no object has: whatever is initialised from now on gets a higher one. */
u64 object_next_id(void);

/* Live objects of a type: for machine_info and leak tests. */
u64 object_count(enum object_type type);

#endif
