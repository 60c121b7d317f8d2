/*
 * A group's share of one CPU: its ready activities there, and how far the group is in its use of
 * the CPU. What is done with it: sched/fair.c.
 *
 * Owned by the CPU, as its run queue is: nobody else touches it, but that others read `cycles` and
 * `latest`.
 */
#ifndef GROUP_SHARE_H
#define GROUP_SHARE_H

#include "arch/types.h"
#include "lib/tree.h"

struct activity;
struct group;

struct share {
    struct tree_node link; /* in the run queue's tree of shares; key: virtual_time */
    struct share *parent;  /* of the group above, same CPU; NULL: the root's */
    struct group *group;

    /* Its ready activities by their virtual time. */
    struct activity *first; /* the least; apart from the tree, which with one or two it spares */
    struct tree rest;
    u32 ready;  /* how many */
    u64 latest; /* virtual time of the last one picked; never goes back; others read it */

    /* Its use of the CPU. */
    u64 cycles;           /* used; others read it */
    u64 counted;          /* of them, those that are in virtual_time */
    u64 virtual_time;     /* cycles used, divided by the part of the CPU that is the group's */
    u64 scale;            /* 1 / that part, as of composition `scale_of` */
    u64 scale_of;         /* 0: never computed */
    u64 competing;        /* weights inside: of active shares below, and of its own activities */
    u32 weight;           /* as counted in the parent's `competing`; 0: not counted */
    u64 past;             /* the most virtual time of a share below when it was last active */
    u64 allowed;          /* `cycles` may come to this (sched/quota.c) */
    u64 allowed_until_ns; /* then what is left of it lapses; throttled: then there may be more */
    u32 quota_changes;    /* as of which `allowed` holds */
    bool throttled;       /* in the run queue's tree of those, with ready activities */
    bool active;          /* its own activities are counted in `competing` */
} ALIGNED(CACHE_LINE);

#endif
