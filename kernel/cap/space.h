/*
 * Capability spaces: a process's table from handles to capabilities.
 *
 * A handle is slot index (20 bits), generation (12), secret (32). A slot is 64 bytes; chunks of 64
 * slots never move. The table of chunks begins inside the space and grows to a frame once; its
 * places without a chunk lead to one that is always empty, so that a masked index is always good.
 *
 *   readers   no lock: handle, fields, handle again; then the object's epoch. See cap_lookup.
 *   writers   the space's lock (RANK_SPACE) for the slot, inside it the object's tree lock for the
 * node
 *
 * An occupied slot owns its node; the node holds a reference to the object. Slots, chunks and nodes
 * are charged to the space's account.
 */
#ifndef CAP_SPACE_H
#define CAP_SPACE_H

#include "abi/questions.h"
#include "abi/rights.h"
#include "arch/atomic.h"
#include "core/cap_node.h"
#include "lib/chacha.h"

#define CAP_CHUNK_SLOTS   64u
#define CAP_INLINE_CHUNKS 8u
#define CAP_MAX_CHUNKS    512u
#define CAP_MAX_SLOTS     (CAP_CHUNK_SLOTS * CAP_MAX_CHUNKS)

/* meta: type in bits 56-63, flags in 48-55, rights in 0-31. */
#define CAP_META_TYPE_SHIFT    56
#define CAP_FLAG_EXPIRES       (1ull << 48)
#define CAP_FLAG_BADGED        (1ull << 49) /* the badge is set for good */
#define CAP_FLAG_SEAL_DERIVE   (1ull << 50)
#define CAP_FLAG_SEAL_TRANSFER (1ull << 51)
#define CAP_FLAG_REVOKED       (1ull << 54) /* a free slot: its last capability was revoked */
#define CAP_FLAGS_MASK         (0xffull << 48)

struct cap_slot {
    u64 handle; /* 0: free; atomic */
    u64 meta;
    struct object *object;
    u64 epoch; /* the object's epoch at which the capability was last known to be good */
    u64 badge;
    struct cap_node *node;
    u64 expires_ns; /* TIME_NEVER unless CAP_FLAG_EXPIRES */
    u32 generation;
    u32 next_free; /* index + 1; 0: end */
};

_Static_assert(sizeof(struct cap_slot) == 64, "one cache line");

struct cap_space {
    struct spinlock lock; /* RANK_SPACE */
    bool closed;          /* the process is ending: nothing new comes in */
    u32 slot_count;       /* in chunks that exist */
    u32 used_count;
    u32 reserved;   /* free slots promised to cap_move */
    u32 first_free; /* index + 1 */
    u64 process_id; /* for events */
    struct account *account;
    struct cap_slot **chunks; /* the table; atomic, written before chunk_mask */
    u64 chunk_mask;           /* its places less one; atomic, read before chunks */
    struct cap_slot *inline_chunks[CAP_INLINE_CHUNKS];
    struct cap_node
        *dissolving; /* while the space is destroyed: the node at hand, pinned, object referenced */
    u32 sweep;       /* and how far that has got */
};

/* A capability found by cap_lookup: borrowed until the kernel entry ends. Of the node only what
 * cap_ref_is_there vouches for afterwards, or linking below it, counts. */
struct cap_ref {
    struct cap_space *space;
    struct cap_slot *slot;
    struct object *object;
    struct cap_node *node;
    u64 handle;
    u64 meta;
    u64 epoch;
    u64 badge;
    u64 expires_ns;
};

/* What a wait keeps of the capability that it waits by: enough to tell later whether that has been
 * revoked. handle 0: none. */
struct cap_mark {
    u64 handle;
    u64 epoch;
};

/* Where `handle` would be: a slot of the space, or one that is always free. No lock; the mask also
 * holds where the processor runs ahead (Spectre v1: the index is the user's). */
static inline struct cap_slot *cap_slot_of(const struct cap_space *space, u64 handle)
{
    u64 mask = ATOMIC_LOAD(&space->chunk_mask);
    struct cap_slot *chunk = ATOMIC_LOAD(&space->chunks)[(handle / CAP_CHUNK_SLOTS) & mask];
    return &chunk[handle % CAP_CHUNK_SLOTS];
}

static inline struct cap_mark cap_ref_mark(const struct cap_ref *ref)
{
    return (struct cap_mark){.handle = ref->handle, .epoch = ref->epoch};
}

static inline u64 cap_meta(u8 type, u64 flags, u32 rights)
{
    return (u64)type << CAP_META_TYPE_SHIFT | flags | rights;
}

static inline enum object_type cap_ref_type(const struct cap_ref *ref)
{
    return (enum object_type)(ref->meta >> CAP_META_TYPE_SHIFT);
}

static inline u32 cap_ref_rights(const struct cap_ref *ref)
{
    return (u32)ref->meta;
}

static inline struct cap_parent cap_ref_parent(const struct cap_ref *ref)
{
    return (struct cap_parent){
        .node = ref->node, .place = &ref->slot->handle, .handle = ref->handle};
}

/* Is the capability still in its slot? Then what was read of its node until now was the node's: it
 * may be freed, and be another's, at any moment. */
static inline bool cap_ref_is_there(const struct cap_ref *ref)
{
    ATOMIC_FENCE_ACQUIRE();
    return likely(ATOMIC_LOAD(&ref->slot->handle) == ref->handle);
}

/* Boot: seeds the secrets. `seed` is 32 bytes. */
void cap_init(const u8 *seed);
/* 64 bits from the kernel's generator; it mixes in arch_entropy from time to time. */
u64 cap_random(void);

void cap_space_create(struct cap_space *space, struct account *account, u64 process_id);
/* Closes up to `limit` capabilities and lets nothing in any more; true when none is left. For a
 * reaper's slices. */
bool cap_space_destroy_some(struct cap_space *space, u32 limit);
/* Frees the chunks of an empty space, after a grace period. */
void cap_space_free(struct cap_space *space);

/*
 * Finds what `handle` names and checks type and rights (`type` OBJECT_NONE: any). BAD_HANDLE,
 * STALE_HANDLE, WRONG_TYPE, MISSING_RIGHT, REVOKED, EXPIRED; each is counted and an event. No locks
 * held or taken but the object's tree lock when its epoch has changed.
 */
enum status cap_lookup(struct cap_space *space, u64 handle, enum object_type type, u32 rights,
                       struct cap_ref *ref) MUST_USE;

/* The id of the object that `handle` names, for events; 0 if it names none. Nothing is checked. */
u64 cap_object_id(const struct cap_space *space, u64 handle);

/* Finds what the handle names whatever state it is in: for closing. BAD_HANDLE, STALE_HANDLE. */
enum status cap_find(struct cap_space *space, u64 handle, struct cap_ref *ref) MUST_USE;

/* Pins the capability's node if it still is in its slot; the caller has a reference to the object.
 * *many: it has more than one descendant. */
bool cap_ref_pin(const struct cap_ref *ref, bool *many) MUST_USE;

/* Is the capability still good? Asked again under the lock that publishes an effect. May take the
 * tree lock. */
bool cap_ref_is_valid(const struct cap_ref *ref);

/* Has it been revoked since it was found? If not, the mark has the object's epoch afterwards: a
 * capability that is closed or moved from now on stays good until anything more of its object is
 * revoked. `space` is where it was found, `object` what it names. May take the tree lock. */
bool cap_mark_is_revoked(struct cap_mark *mark, const struct cap_space *space,
                         struct object *object);

/* Takes a reference to the object, for use beyond what the capability itself keeps alive. REVOKED,
 * DEAD: too late. */
enum status cap_ref_take(const struct cap_ref *ref) MUST_USE;

/* What a new capability is to be. */
struct cap_grant {
    u32 rights;
    u64 badge;
    u64 flags; /* CAP_FLAG_* */
    u64 expires_ns;
    u64 range_start;
    u64 range_end;
};

/* Puts the first capability to a new object into `space` (child of the anchor). The node takes a
 * reference of its own. NO_SLOT, NO_MEMORY, GROUP_LIMIT, DEAD (space closed). */
enum status cap_insert_root(struct cap_space *space, struct object *object,
                            const struct cap_grant *grant, cap_t *handle) MUST_USE;

/* Puts a child of `parent` into `space`. As above, and REVOKED, TOO_DEEP. */
enum status cap_insert_child(struct cap_space *space, const struct cap_ref *parent,
                             const struct cap_grant *grant, cap_t *handle) MUST_USE;

/* Promises room and payment for `count` cap_move calls. NO_SLOT, NO_MEMORY, GROUP_LIMIT, DEAD. */
enum status cap_reserve(struct cap_space *space, u32 count) MUST_USE;
void cap_unreserve(struct cap_space *space, u32 count);

/* Moves the capability from its space to `space`, losing the rights not in `rights`; uses up one
 * reservation there, also on failure. The same node. STALE_HANDLE or REVOKED if it went meanwhile;
 * DEAD: `space` has been closed. */
enum status cap_move(struct cap_space *space, const struct cap_ref *from, u32 rights,
                     cap_t *handle) MUST_USE;

/* Closes a capability that was just inserted and never shown: it has no children. */
void cap_undo_insert(struct cap_space *space, cap_t handle);

/* Takes the capability out of its space; false: somebody else has. *left: NULL, or its node, which
 * is a ghost and has children or is about to be killed: the caller dissolves and unpins it, see
 * cap/derive.h. */
bool cap_detach(struct cap_space *space, u64 handle, struct cap_node **left) MUST_USE;

#define CAP_STATUS_LIMIT 64u /* statuses that are counted lie below */

/* The capabilities from slot *from on, at most `limit`, looking at a bounded number of slots; *from
 * is where to go on, 0: that is all. */
u32 cap_space_list(struct cap_space *space, u64 *from, struct who_entry *entries, u32 limit);

/* Denials since boot, by enum status: counted whatever tracing does. */
u64 cap_denials(enum status status);
void cap_note_denial(enum status status, u32 missing_rights, enum object_type wanted);

/* Live derivation nodes in slots. */
u64 cap_node_count(void);

#endif
