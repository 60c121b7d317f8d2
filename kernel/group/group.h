/*
 * Resource groups: the banks from which objects, frames and CPU time are drawn, nested.
 *
 * Locks: `payer.lock` (RANK_REGISTRY) guards the list of enlisted objects; accounts look after
 * themselves.
 */
#ifndef GROUP_GROUP_H
#define GROUP_GROUP_H

#include "core/object.h"
#include "group/reaper.h"
#include "group/share.h"

#define GROUP_MAX_DEPTH      8u
#define GROUP_DEFAULT_WEIGHT 100u
#define GROUP_MAX_WEIGHT     10000u

/* Who destroys a group: nobody yet, a job of its own, or the destruction of a group above. */
enum group_end { GROUP_LIVES = 0, GROUP_ENDS_BY_JOB = 1, GROUP_ENDS_WITH_PARENT = 2 };

/* What may be used of all CPUs together in a period (sched/quota.c). All atomic. */
struct quota {
    u64 cycles; /* 0: no quota */
    u64 period_ns;
    u64 left;    /* of this period, not yet drawn by any CPU */
    u64 ends_ns; /* the period */
};

struct group {
    struct object object; /* paid by the parent */
    struct payer payer;   /* what this group pays for */
    struct group *parent; /* NULL: the root; kept alive by object.payer */
    u32 depth;
    struct quota quota;
    u32 weight;      /* share of the CPU against siblings; atomic */
    u64 job_cycles;  /* used by jobs of this group; atomic */
    u64 child_count; /* atomic */
    bool suspended;  /* atomic; so are those below */
    u32 destroying;  /* enum group_end; atomic */
    struct job job;  /* destroying it; the group's own, so that whoever asked may end meanwhile */
    struct spinlock lock; /* RANK_IPC: guards the two below */
    struct list waiters;  /* threads that wait for the end of the destruction */
    bool destroyed;
    struct group *destroyer;   /* the group above by whose destruction it goes */
    struct object *condemning; /* being destroyed: the object at hand, a reference */
    char name[32];
    struct share *shares;      /* of each CPU; the CPUs' */
    struct share own_shares[]; /* the same, but of the root */
};

void group_init(void);
/* The root group; made at boot, never destroyed. */
struct group *group_root(void);

/* A new group below `parent`, one reference held by the caller. TOO_DEEP, BAD_ARGUMENT, DEAD,
 * GROUP_LIMIT, NO_MEMORY. */
enum status group_create(struct group *parent, const struct group_limits *limits,
                         struct group **out) MUST_USE;

/* A bounded step of destroying a group, by one caller at a time: nothing more is charged to it, and
 * what it pays for is condemned and revoked, one object after the other, groups below included.
 * True when none is left. */
bool group_condemn_some(struct group *group, u32 limit);
/* Nothing is charged to it: all that it paid for has been reclaimed. */
bool group_is_empty(const struct group *group);

/* It or one above it is suspended. */
bool group_is_suspended(const struct group *group);

void group_usage(const struct group *group, struct group_usage *usage);

void group_release(struct object *object);
void group_reclaim(struct object *object);
void group_condemn(struct object *object);

static inline struct group *group_of(struct object *object)
{
    return CONTAINER_OF(object, struct group, object);
}

/* The group whose payer this is. */
static inline struct group *group_of_payer(struct payer *payer)
{
    return CONTAINER_OF(payer, struct group, payer);
}

#endif
