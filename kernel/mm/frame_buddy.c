/*
 * The free runs of one node. A run of 2^n frames starts at a multiple of 2^n; its buddy is the run
 * whose number differs in bit n. Invariant: no run is free together with its buddy in the same
 * order, so what was split is whole again once all of it came back.
 *
 * Locks: the node's; the callers hold it.
 */
#include "mm/frame_internal.h"

#include "arch/cpu.h"
#include "core/assert.h"
#include "lib/checked_math.h"

KERNEL_STATE struct frame_node_state frame_nodes[BOOT_MAX_NODES];

/* Sorts the nodes by distance from this one; the order of numbers decides between equals. */
static void sort_nearest(struct frame_node_state *node, const struct boot_info *boot)
{
    const u8 *distance = boot->node_distance[node->index];

    for (u32 i = 0; i < boot->node_count; i++) {
        u32 at = i;

        for (; at > 0; at--) {
            u32 before = node->nearest[at - 1];

            if (before == node->index || (i != node->index && distance[before] <= distance[i]))
                break;
            node->nearest[at] = (u8)before;
        }
        node->nearest[at] = (u8)i;
    }
}

void frame_buddy_init(struct frame_node_state *node, const struct boot_info *boot, u32 index)
{
    *node = (struct frame_node_state){.index = index};
    spinlock_init(&node->lock, RANK_FRAME);
    for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
        list_init(&node->free[order]);
    sort_nearest(node, boot);
}

static void set_free_frames(struct frame_node_state *node, u64 count)
{
    ATOMIC_STORE_RELAXED(&node->free_frames, count);
}

/* SAFETY: the first bytes of a free run hold its link; nobody else uses free memory. */
static struct list *run_link(u64 pfn)
{
    return arch_phys_to_virt(paddr(pfn << PAGE_SHIFT));
}

static void push(struct frame_node_state *node, struct frame *record, u64 pfn, u32 order)
{
    ASSERT(order <= FRAME_MAX_ORDER);
    *record =
        (struct frame){.state = FRAME_STATE_FREE, .order = (u8)order, .node = (u8)node->index};
    list_push_front(&node->free[order], run_link(pfn));
    node->orders |= 1u << order;
}

static void unlink(struct frame_node_state *node, struct frame *record, u64 pfn)
{
    u32 order = record->order;

    list_remove(run_link(pfn));
    if (list_is_empty(&node->free[order]))
        node->orders &= ~(1u << order);
    *record = (struct frame){0};
}

/* One largest run from the fresh ranges goes into the lists; false: there is none. */
static bool take_fresh(struct frame_node_state *node)
{
    if (node->fresh_count == 0)
        return false;
    struct frame_range *range = &node->fresh[node->fresh_count - 1];
    push(node, frame_record(range->start), range->start, FRAME_MAX_ORDER);
    range->start += 1ull << FRAME_MAX_ORDER;
    if (range->start == range->end)
        node->fresh_count--;
    return true;
}

bool frame_buddy_take(struct frame_node_state *node, u32 order, u64 keep, u64 *pfn)
{
    DEBUG_ASSERT(spin_is_held(&node->lock));
    if (node->free_frames < keep + (1ull << order))
        return false;
    if (node->orders >> order == 0 && !take_fresh(node))
        return false;

    u32 usable = node->orders >> order << order;
    u32 found = (u32)__builtin_ctz(usable);
    u64 run = arch_virt_to_phys(node->free[found].next).raw >> PAGE_SHIFT;
    struct frame *record = frame_record(run);

    DEBUG_ASSERT(record->state == FRAME_STATE_FREE && record->order == found);
    unlink(node, record, run);
    while (found > order) {
        found--;
        push(node, record + (1ull << found), run + (1ull << found), found);
    }
    set_free_frames(node, node->free_frames - (1ull << order));
    *pfn = run;
    return true;
}

/* The record of a free run that can merge with this one; NULL if the buddy is not free as a whole,
 * or not of this node. */
static struct frame *free_buddy(const struct frame_node_state *node, u64 pfn, u32 order)
{
    struct frame *record = frame_record(pfn ^ (1ull << order));

    if (record == NULL || record->state != FRAME_STATE_FREE || record->order != order ||
        record->node != node->index)
        return NULL;
    return record;
}

void frame_buddy_give(struct frame_node_state *node, u64 pfn, u32 order)
{
    DEBUG_ASSERT(spin_is_held(&node->lock));
    set_free_frames(node, node->free_frames + (1ull << order));
    *frame_record(pfn) = (struct frame){0};
    for (; order < FRAME_MAX_ORDER; order++) {
        struct frame *buddy = free_buddy(node, pfn, order);

        if (buddy == NULL)
            break;
        unlink(node, buddy, pfn ^ (1ull << order));
        pfn &= ~(1ull << order);
    }
    push(node, frame_record(pfn), pfn, order);
}

/* Gives a range in naturally aligned runs. */
static void give_runs(struct frame_node_state *node, u64 start, u64 end)
{
    for (u64 pfn = start; pfn < end;) {
        u32 order = pfn == 0 ? FRAME_MAX_ORDER : (u32)__builtin_ctzll(pfn);

        if (order > FRAME_MAX_ORDER)
            order = FRAME_MAX_ORDER;
        while ((1ull << order) > end - pfn)
            order--;
        frame_buddy_give(node, pfn, order);
        pfn += 1ull << order;
    }
}

void frame_buddy_give_fresh(struct frame_node_state *node, u64 start, u64 end)
{
    u64 first = align_up(start, 1ull << FRAME_MAX_ORDER);
    u64 last = align_down(end, 1ull << FRAME_MAX_ORDER);

    if (first >= last || node->fresh_count == FRAME_MAX_FRESH) {
        give_runs(node, start, end);
        return;
    }
    give_runs(node, start, first);
    give_runs(node, last, end);
    node->fresh[node->fresh_count++] = (struct frame_range){.start = first, .end = last};
    set_free_frames(node, node->free_frames + (last - first));
}
