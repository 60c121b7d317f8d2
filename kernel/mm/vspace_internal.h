/* For mm/vspace*.c alone. All need the vspace's lock unless they say otherwise. */
#ifndef MM_VSPACE_INTERNAL_H
#define MM_VSPACE_INTERNAL_H

#include "mm/vspace.h"

#define KILL_STEP_PAGES 64u

extern const struct cap_node_ops region_node_ops;

/* No lock needed. A region structure charged to the space's payer, zeroed but for its node. */
enum status region_alloc(struct vspace *vspace, struct region **out) MUST_USE;
/* Frees a structure that was never in the tree. */
void region_free_now(struct region *region);
/* Lets go of memory and structure, at once: nobody reads a region without its space's lock, its
 * memory's, or a pin of its node. The memory's frames wait for a grace period after its last
 * reference, so that no translation leads to them any more; and so do private copies in a shadow
 * that outlives the region. */
void region_free(struct region *region);

struct region *vspace_region_at(struct vspace *vspace, u64 address);

/* Clears as many entries of a dying region as the budget allows, which they use up; true when all
 * are. */
bool region_clear_entries(struct vspace *vspace, struct region *region, u32 *budget);

/* The region's memory comes to know where it is mapped, and forgets it. FULL: memory that shares
 * frames is mapped too often. */
enum status region_join_memory(struct vspace *vspace, struct region *region) MUST_USE;
void region_leave_memory(struct region *region);

/* Takes a cleared region out of the tree and gives up its node; the last pin of that frees it. */
void region_remove(struct vspace *vspace, struct region *region);

#endif
