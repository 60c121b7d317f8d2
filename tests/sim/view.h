/*
 * What there is in the kernel at a moment when no CPU is inside it: lists made from the ledger,
 * once per check.
 */
#ifndef VIEW_H
#define VIEW_H

#include "cap/space.h"
#include "group/group.h"
#include "ledger.h"
#include "mm/vspace.h"
#include "sched/thread.h"
#include "simulator.h"

#define VIEW_MAX 4096u

struct process;

struct view {
    struct thread *threads[VIEW_MAX];
    struct process *processes[VIEW_MAX];
    struct vspace *vspaces[VIEW_MAX]; /* of the processes, by the same index */
    struct cap_space *spaces[VIEW_MAX];
    struct memory *memories[VIEW_MAX];
    struct group *groups[VIEW_MAX];       /* the root included, first */
    struct object *objects[VIEW_MAX * 4]; /* headers of all of them and of all other types */
    u32 thread_count;
    u32 process_count;
    u32 memory_count;
    u32 group_count;
    u32 object_count;
    u32 singleton_count; /* the first of objects: not from slabs */
};

/* Made anew by view_take, before a check. */
void view_take(void);
const struct view *view(void);

/* The account that pays for a slot's node; mirrors struct slot_node of cap/space.c. */
static inline struct account *slot_node_account(const struct cap_node *node)
{
    struct account *const *after = (struct account *const *)(const void *)(node + 1);
    return *after;
}

/* Is this node one of a slot (else of a region)? */
bool node_is_slot(const struct cap_node *node);

#endif
