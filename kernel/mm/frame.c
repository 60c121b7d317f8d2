/*
 * Allocation and release of frames: charges, per-CPU caches, the reserve, statistics.
 *
 * A CPU's cache holds single frames of its own node, taken from and returned to the buddies some at
 * a time. It has a second part for frames known to be zero, which came back from page tables. When
 * a node runs low nothing is cached any more, so that frames do not hide on other CPUs. The last
 * `reserve` frames of a node leave the buddies only for the kernel itself (account NULL): teardown
 * and the likes never fail for want of a frame.
 *
 * Invariant: by use, the counters of all CPUs add up to the frames allocated; a frame is in a buddy
 * list, in one cache, or allocated, as its record says.
 */
#include "mm/frame.h"

#include "arch/inject.h"
#include "core/assert.h"
#include "core/cpu.h"
#include "lib/checked_math.h"
#include "mm/frame_internal.h"

#define RESERVE_FRAMES 64u /* of the machine, over all nodes */
#define CACHE_BATCH    32u
#define LOW_FRAMES     1024u /* a node is low with as few free, or 1/32 of it if less */

#define POISON       0xfeedfacedeadbeefull
#define POISON_START 2u /* words; before it lies the link of a free run */

KERNEL_STATE static u32 node_count;

/* SAFETY: the direct map covers every frame that the allocator has; callers pass frames that are
 * free or were taken just now, which nobody else touches. */
static u64 *words_of(u64 pfn)
{
    return arch_phys_to_virt(paddr(pfn << PAGE_SHIFT));
}

/* --- Debug builds: poison --- */

#ifdef FERROUS_DEBUG
static void poison(u64 pfn)
{
    u64 *words = words_of(pfn);

    for (u32 i = POISON_START; i < PAGE_SIZE / sizeof(u64); i++)
        words[i] = POISON;
}

static void check_zero(u64 pfn)
{
    const u64 *words = words_of(pfn);

    for (u32 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
        ASSERT(words[i] == 0);
}

/* A frame that begins with poison was freed and is all poison; any other was never allocated
 * before. */
static void check_poison(u64 pfn)
{
    const u64 *words = words_of(pfn);

    if (words[POISON_START] != POISON)
        return;
    for (u32 i = POISON_START; i < PAGE_SIZE / sizeof(u64); i++)
        if (words[i] != POISON)
            panic("frame 0x%lx was written after it was freed, at byte %u: 0x%lx",
                  (unsigned long)pfn, i * 8, (unsigned long)words[i]);
}
#else
static void check_zero(u64 pfn)
{
    (void)pfn;
}

static void poison(u64 pfn)
{
    (void)pfn;
}

static void check_poison(u64 pfn)
{
    (void)pfn;
}
#endif

/* --- Start --- */

static void set_thresholds(struct frame_node_state *node)
{
    node->reserve = min_u64(RESERVE_FRAMES / node_count, node->total / 8);
    node->low = max_u64(min_u64(LOW_FRAMES, node->total / 32), node->reserve);
}

void frame_add_range(u64 start, u64 end, u32 node_index)
{
    struct frame_node_state *node = &frame_nodes[node_index];
    u64 pfn = align_up(start, PAGE_SIZE) >> PAGE_SHIFT;
    u64 end_pfn = end >> PAGE_SHIFT;

    ASSERT(node_index < node_count);
    if (pfn >= end_pfn)
        return;
    frame_map_manage(pfn, end_pfn);
    spin_lock(&node->lock);
    while (pfn < end_pfn) {
        u64 stop = frame_next_excluded(pfn, end_pfn);

        frame_buddy_give_fresh(node, pfn, stop);
        node->total += stop - pfn;
        pfn = stop + 1;
    }
    set_thresholds(node);
    spin_unlock(&node->lock);
}

void frame_init(const struct boot_info *boot)
{
    node_count = boot->node_count;
    for (u32 i = 0; i < boot->cpu_count; i++)
        ASSERT(boot->cpus[i].node < node_count);
    for (u32 i = 0; i < node_count; i++)
        frame_buddy_init(&frame_nodes[i], boot, i);
    frame_map_init(boot);
    frame_early_finish();
    for (u32 i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];

        if (range->kind == BOOT_MEMORY_FREE)
            frame_add_range(range->start, frame_early_range_end(i), range->node);
    }
}

/* --- Caches --- */

static bool is_low(const struct frame_node_state *node)
{
    return ATOMIC_LOAD_RELAXED(&node->free_frames) <= node->low;
}

/* Lock held: frames leave the free lists, for who wanted this node or another. */
static void note_node(struct frame_node_state *node, bool is_wanted, u64 count)
{
    u64 *counter = is_wanted ? &node->local : &node->remote;

    ATOMIC_STORE_RELAXED(counter, *counter + count);
}

/* Takes some frames for the cache, one if the node is low; none if only the reserve is left and is
 * not for the caller. */
static void refill(struct cpu *cpu, bool for_kernel)
{
    struct frame_node_state *node = &frame_nodes[cpu->node];
    u32 wanted = is_low(node) ? 1 : CACHE_BATCH;

    spin_lock(&node->lock);

    u64 before = node->free_frames;

    while (cpu->frame_cache_count < wanted) {
        u64 pfn;

        if (!frame_buddy_take(node, 0, for_kernel ? 0 : node->reserve, &pfn))
            break;
        *frame_record(pfn) = (struct frame){.state = FRAME_STATE_CACHED, .node = (u8)cpu->node};
        cpu->frame_cache[cpu->frame_cache_count++] = pfn;
    }
    note_node(node, true, before - node->free_frames);
    spin_unlock(&node->lock);
}

/* Returns the frames at cache[0 .. count). */
static void spill(u32 node_index, const u64 *cache, u32 count)
{
    struct frame_node_state *node = &frame_nodes[node_index];

    spin_lock(&node->lock);
    for (u32 i = 0; i < count; i++)
        frame_buddy_give(node, cache[i], 0);
    spin_unlock(&node->lock);
}

void frame_cache_drain(void)
{
    struct cpu *cpu = this_cpu();

    for (u32 i = 0; i < cpu->zero_cache_count; i++)
        poison(cpu->zero_cache[i]);
    spill(cpu->node, cpu->zero_cache, cpu->zero_cache_count);
    spill(cpu->node, cpu->frame_cache, cpu->frame_cache_count);
    cpu->zero_cache_count = 0;
    cpu->frame_cache_count = 0;
}

/* A single frame of this CPU's node. */
static bool take_cached(struct cpu *cpu, bool for_kernel, u64 *pfn)
{
    if (unlikely(cpu->frame_cache_count == 0)) {
        refill(cpu, for_kernel);
        if (cpu->frame_cache_count == 0)
            return false;
    }
    *pfn = cpu->frame_cache[--cpu->frame_cache_count];
    return true;
}

static void give_cached(struct cpu *cpu, u64 pfn, struct frame *record)
{
    if (unlikely(cpu->frame_cache_count == FRAME_CACHE_SIZE)) {
        /* The oldest go: they are the coldest. */
        spill(cpu->node, cpu->frame_cache, CACHE_BATCH);
        cpu->frame_cache_count -= CACHE_BATCH;
        for (u32 i = 0; i < cpu->frame_cache_count; i++)
            cpu->frame_cache[i] = cpu->frame_cache[i + CACHE_BATCH];
    }
    record->state = FRAME_STATE_CACHED;
    cpu->frame_cache[cpu->frame_cache_count++] = pfn;
}

/* --- Taking and giving --- */

static bool take_from_nodes(u32 order, u32 node_index, bool for_kernel, u64 *pfn)
{
    for (u32 i = 0; i < node_count; i++) {
        struct frame_node_state *node = &frame_nodes[frame_nodes[node_index].nearest[i]];
        bool found;

        spin_lock(&node->lock);
        found = frame_buddy_take(node, order, for_kernel ? 0 : node->reserve, pfn);
        if (found)
            note_node(node, i == 0, 1ull << order);
        spin_unlock(&node->lock);
        if (found) {
            frame_record(*pfn)->node = (u8)node->index;
            return true;
        }
    }
    return false;
}

/* Nothing is left in the buddies: what this CPU has cached may be the answer, or complete a run. */
static bool take_last(struct cpu *cpu, u32 order, u32 node, bool for_kernel, u64 *pfn)
{
    if (order == 0 && cpu->frame_cache_count == 0 && cpu->zero_cache_count != 0) {
        *pfn = cpu->zero_cache[--cpu->zero_cache_count];
        return true;
    }
    if (order == 0)
        return take_cached(cpu, for_kernel, pfn);
    frame_cache_drain();
    return take_from_nodes(order, node, for_kernel, pfn);
}

static void note_taken(struct cpu *cpu, u64 pfn, enum frame_use use, u32 order)
{
    struct frame *record = frame_record(pfn);

    DEBUG_ASSERT(record->state != FRAME_STATE_USED);
    *record = (struct frame){.owners = 1,
                             .state = FRAME_STATE_USED,
                             .use = (u8)use,
                             .order = (u8)order,
                             .node = record->node};
    cpu->frames_by_use[use] += 1ull << order;
}

bool frame_take(enum frame_use use, u32 order, u32 node, bool for_kernel, paddr_t *frame)
{
    struct cpu *cpu = this_cpu();
    u64 pfn;

    DEBUG_ASSERT(order <= FRAME_MAX_ORDER && node < node_count && use != FRAME_FREE);
    if (!for_kernel && arch_inject_failure())
        return false;
    if (!(order == 0 && node == cpu->node && take_cached(cpu, for_kernel, &pfn)) &&
        !take_from_nodes(order, node, for_kernel, &pfn) &&
        !take_last(cpu, order, node, for_kernel, &pfn))
        return false;
    note_taken(cpu, pfn, use, order);
    for (u64 i = 0; i < 1ull << order; i++)
        check_poison(pfn + i);
    *frame = paddr(pfn << PAGE_SHIFT);
    return true;
}

/* Checks that the run is allocated just so, and takes it out of the statistics. */
static struct frame *note_given(struct cpu *cpu, u64 pfn, u32 order)
{
    struct frame *record = frame_record(pfn);

    ASSERT(record != NULL && record->state == FRAME_STATE_USED && record->order == order);
    DEBUG_ASSERT(record->use == FRAME_PAGE_TABLE || record->owners <= 1);
    cpu->frames_by_use[record->use] -= 1ull << order;
    return record;
}

void frame_give(paddr_t frame, u32 order)
{
    struct cpu *cpu = this_cpu();
    u64 pfn = frame.raw >> PAGE_SHIFT;
    struct frame *record = note_given(cpu, pfn, order);
    struct frame_node_state *node = &frame_nodes[record->node];

    for (u64 i = 0; i < 1ull << order; i++)
        poison(pfn + i);
    if (likely(order == 0 && node->index == cpu->node && !is_low(node))) {
        give_cached(cpu, pfn, record);
        return;
    }
    spin_lock(&node->lock);
    frame_buddy_give(node, pfn, order);
    spin_unlock(&node->lock);
}

/* --- What others call --- */

static enum status charge(struct account *account, u32 order)
{
    return account == NULL ? STATUS_OK
                           : account_charge(account, GROUP_MEMORY_FRAMES, 1ull << order);
}

static void release(struct account *account, u32 order)
{
    if (account != NULL)
        account_release(account, GROUP_MEMORY_FRAMES, 1ull << order);
}

enum status frame_alloc(struct account *account, enum frame_use use, u32 order, u32 node,
                        paddr_t *frame)
{
    enum status status = charge(account, order);

    if (status != STATUS_OK)
        return status;
    if (frame_take(use, order, node, account == NULL, frame))
        return STATUS_OK;
    release(account, order);
    return STATUS_NO_MEMORY;
}

static bool take_zeroed(struct cpu *cpu, enum frame_use use, bool for_kernel, paddr_t *frame)
{
    if (cpu->zero_cache_count == 0) {
        if (!frame_take(use, 0, cpu->node, for_kernel, frame))
            return false;
        arch_page_zero(words_of(frame->raw >> PAGE_SHIFT));
        return true;
    }
    if (!for_kernel && arch_inject_failure())
        return false;

    u64 pfn = cpu->zero_cache[--cpu->zero_cache_count];

    note_taken(cpu, pfn, use, 0);
    *frame = paddr(pfn << PAGE_SHIFT);
    return true;
}

enum status frame_alloc_zeroed(struct account *account, enum frame_use use, paddr_t *frame)
{
    struct cpu *cpu = this_cpu();
    enum status status = charge(account, 0);

    if (status != STATUS_OK)
        return status;
    if (take_zeroed(cpu, use, account == NULL, frame))
        return STATUS_OK;
    release(account, 0);
    return STATUS_NO_MEMORY;
}

void frame_free(struct account *account, paddr_t frame, u32 order)
{
    frame_give(frame, order);
    release(account, order);
}

void frame_free_zeroed(struct account *account, paddr_t frame)
{
    struct cpu *cpu = this_cpu();
    u64 pfn = frame.raw >> PAGE_SHIFT;
    struct frame *record = frame_record(pfn);

    if (cpu->zero_cache_count == ZERO_CACHE_SIZE || record == NULL || record->node != cpu->node ||
        is_low(&frame_nodes[cpu->node])) {
        frame_free(account, frame, 0);
        return;
    }
    check_zero(pfn);
    note_given(cpu, pfn, 0)->state = FRAME_STATE_CACHED;
    cpu->zero_cache[cpu->zero_cache_count++] = pfn;
    release(account, 0);
}

/* --- Owners --- */

enum status frame_share(struct account *account, paddr_t frame)
{
    struct frame *record = frame_record(frame.raw >> PAGE_SHIFT);

    ASSERT(record != NULL && record->state == FRAME_STATE_USED && record->order == 0);

    enum status status = charge(account, 0);

    if (status == STATUS_OK) {
        u32 owners = ATOMIC_ADD(&record->owners, 1);

        ASSERT(owners > 1); /* it had one, and the count did not wrap */
    }
    return status;
}

void frame_unshare(struct account *account, paddr_t frame)
{
    struct frame *record = frame_record(frame.raw >> PAGE_SHIFT);

    ASSERT(record != NULL && record->state == FRAME_STATE_USED);
    if (ATOMIC_SUB(&record->owners, 1) == 0)
        frame_give(frame, 0);
    release(account, 0);
}

bool frame_is_shared(paddr_t frame)
{
    const struct frame *record = frame_record(frame.raw >> PAGE_SHIFT);

    return record != NULL && ATOMIC_LOAD(&record->owners) > 1;
}

/* --- Statistics --- */

static void add_cached(struct frame_statistics *statistics, struct cpu *cpu)
{
    u64 cached =
        ATOMIC_LOAD_RELAXED(&cpu->frame_cache_count) + ATOMIC_LOAD_RELAXED(&cpu->zero_cache_count);

    statistics->node_free[cpu->node] += cached;
    for (u32 use = FRAME_USER; use < FRAME_USE_COUNT; use++)
        statistics->by_use[use] += ATOMIC_LOAD_RELAXED(&cpu->frames_by_use[use]);
}

void frame_statistics(struct frame_statistics *statistics)
{
    *statistics = (struct frame_statistics){.node_count = node_count};
    for (u32 i = 0; i < node_count; i++) {
        u64 early = frame_early_taken(i);

        statistics->node_free[i] = ATOMIC_LOAD_RELAXED(&frame_nodes[i].free_frames);
        statistics->node_total[i] = frame_nodes[i].total + early;
        statistics->node_local[i] = ATOMIC_LOAD_RELAXED(&frame_nodes[i].local);
        statistics->node_remote[i] = ATOMIC_LOAD_RELAXED(&frame_nodes[i].remote);
        statistics->total += statistics->node_total[i];
        statistics->by_use[FRAME_KERNEL] += early;
    }
    for (u32 i = 0; i < cpu_count(); i++)
        add_cached(statistics, cpu_at(i));
    for (u32 i = 0; i < node_count; i++)
        statistics->free += statistics->node_free[i];
    statistics->by_use[FRAME_FREE] = statistics->free;
}
