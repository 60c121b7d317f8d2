/* Frames, slabs, memory objects, address spaces, page tables and TLBs. */
#include "view.h"

#include "abi/memory.h"
#include "mm/frame_internal.h"
#include "mm/memory_internal.h"

#include <string.h>

#define PFN(address) ((address) >> PAGE_SHIFT)

/* Who owns a frame, as found by walking; 0: nobody yet. Rebuilt by each check that needs it. */
static u8 seen[SIM_MEMORY_BYTES / PAGE_SIZE];

static bool is_live(u64 address, enum frame_use use)
{
    const struct ledger_frame *line = ledger_frame(PFN(address));
    return line && line->live && line->use == use && address % PAGE_SIZE == 0;
}

/* --- Frames
 * ------------------------------------------------------------------------------------------- */

static void frame_records(const char *name)
{
    for (u64 i = 0; i < ledger_frame_count(); i++) {
        const struct ledger_frame *line = ledger_frame(i);
        if (!line->live)
            continue;
        const struct frame *record = frame_record(i);
        EXPECT(name,
               record && record->state == FRAME_STATE_USED && record->use == line->use &&
                   record->order == line->order,
               "frame %#llx is allocated but its record says otherwise",
               (unsigned long long)(i << PAGE_SHIFT));
    }
}

static void frame_statistics_add_up(const char *name)
{
    struct frame_statistics statistics;
    u64 live[FRAME_USE_COUNT] = {0};
    frame_statistics(&statistics);
    for (u64 i = 0; i < ledger_frame_count(); i++) {
        const struct ledger_frame *line = ledger_frame(i);
        if (line->live)
            live[line->use] += 1ull << line->order;
    }
    u64 sum = 0;
    for (u32 use = 0; use < FRAME_USE_COUNT; use++)
        sum += statistics.by_use[use];
    EXPECT(name, sum == statistics.total, "uses add up to %llu of %llu frames",
           (unsigned long long)sum, (unsigned long long)statistics.total);
    EXPECT(name, statistics.by_use[FRAME_USER] == live[FRAME_USER],
           "%llu user frames counted, %llu held", (unsigned long long)statistics.by_use[FRAME_USER],
           (unsigned long long)live[FRAME_USER]);
    EXPECT(name, statistics.by_use[FRAME_PAGE_TABLE] == live[FRAME_PAGE_TABLE],
           "%llu table frames counted, %llu held",
           (unsigned long long)statistics.by_use[FRAME_PAGE_TABLE],
           (unsigned long long)live[FRAME_PAGE_TABLE]);
}

/* Every free run lies in one list, whole and unshared, and the lists hold what the node counts. */
static void buddy_lists(const char *name)
{
    struct frame_statistics statistics;
    frame_statistics(&statistics);
    memset(seen, 0, sizeof(seen));
    for (u32 n = 0; n < statistics.node_count; n++) {
        const struct frame_node_state *node = &frame_nodes[n];
        u64 free = 0;
        for (u32 order = 0; order <= FRAME_MAX_ORDER; order++) {
            LIST_FOREACH (link, &node->free[order]) {
                u64 pfn = PFN(arch_virt_to_phys(link).raw);
                const struct frame *record = frame_record(pfn);
                EXPECT(name, record->state == FRAME_STATE_FREE && record->order == order,
                       "free run %#llx of order %u has another record", (unsigned long long)pfn,
                       order);
                for (u64 i = pfn; i < pfn + (1ull << order); i++) {
                    EXPECT(name, !seen[i] && !ledger_frame(i)->live,
                           "frame %#llx is free twice or in use", (unsigned long long)i);
                    seen[i] = 1;
                }
                free += 1ull << order;
                if (run_has_failed())
                    return;
            }
        }
        for (u32 i = 0; i < node->fresh_count; i++) {
            for (u64 pfn = node->fresh[i].start; pfn < node->fresh[i].end; pfn++) {
                EXPECT(name, !seen[pfn] && !ledger_frame(pfn)->live,
                       "fresh frame %#llx is free twice or in use", (unsigned long long)pfn);
                seen[pfn] = 1;
                free++;
            }
        }
        EXPECT(name, free == node->free_frames, "node %u lists %llu free frames and counts %llu", n,
               (unsigned long long)free, (unsigned long long)node->free_frames);
    }
}

static void check_cache(const char *name, const u64 *cache, u32 count, bool zero)
{
    for (u32 i = 0; i < count; i++) {
        u64 pfn = cache[i];
        EXPECT(name, !seen[pfn] && !ledger_frame(pfn)->live, "cached frame %#llx is not free",
               (unsigned long long)pfn);
        seen[pfn] = 1;
        EXPECT(name, frame_record(pfn)->state == FRAME_STATE_CACHED,
               "cached frame %#llx has another record", (unsigned long long)pfn);
        const u64 *words = arch_phys_to_virt(paddr(pfn << PAGE_SHIFT));
        for (u32 w = 0; zero && w < PAGE_SIZE / sizeof(u64); w++)
            EXPECT(name, words[w] == 0, "frame %#llx is kept as zero but is not",
                   (unsigned long long)pfn);
    }
}

static void frame_caches(const char *name)
{
    memset(seen, 0, sizeof(seen));
    for (u32 i = 0; i < cpu_count(); i++) {
        const struct cpu *cpu = cpu_at(i);
        check_cache(name, cpu->frame_cache, cpu->frame_cache_count, false);
        check_cache(name, cpu->zero_cache, cpu->zero_cache_count, true);
    }
}

static void slab_counts(const char *name)
{
    for (const struct slab_cache *cache = slab_first_cache(); cache; cache = cache->next_cache) {
        u64 live = 0;
        for (u32 i = 0; i < ledger_object_count(); i++)
            live += ledger_object(i)->cache == cache;
        EXPECT(name, live == cache->live_objects, "cache %s counts %llu objects, %llu are live",
               cache->name, (unsigned long long)cache->live_objects, (unsigned long long)live);
    }
}

/* --- Memory objects
 * ----------------------------------------------------------------------------------- */

static void claim(const char *name, const struct memory *memory, u64 address)
{
    const struct account *payer = &memory->object.payer->account;
    if (!is_live(address, FRAME_USER)) {
        violated(name, "memory %llu holds frame %#llx, which is not allocated for it",
                 (unsigned long long)memory->object.id, (unsigned long long)address);
        return;
    }
    const struct ledger_frame *line = ledger_frame(PFN(address));
    EXPECT(name, ledger_shares(line, payer) > 0,
           "frame %#llx of memory %llu was paid by another account", (unsigned long long)address,
           (unsigned long long)memory->object.id);
    EXPECT(name, seen[PFN(address)] <= line->sharer_count,
           "frame %#llx has more owners than shares, one is memory %llu",
           (unsigned long long)address, (unsigned long long)memory->object.id);
    seen[PFN(address)]++;
}

/* Counts and claims tables and pages below a word. */
static u64 claim_below(const char *name, const struct memory *memory, u64 word, u32 level)
{
    if (word == 0 || run_has_failed())
        return 0;
    EXPECT(name, !(word & MEMORY_LEAVING) || (level == 0 && memory->discarding),
           "memory %llu: word %#llx is marked, and nobody gives pages back",
           (unsigned long long)memory->object.id, (unsigned long long)word);
    claim(name, memory, word & ~MEMORY_LEAVING);
    u64 count = 1;
    if (level > 0 && !run_has_failed()) {
        const u64 *table = arch_phys_to_virt(paddr(word));
        for (u32 i = 0; i < 512; i++)
            count += claim_below(name, memory, table[i], level - 1);
    }
    return count;
}

/* A frame has as many owners as its record says, and is nobody's who does not pay. */
static bool counts_agree(const char *name, u64 index)
{
    const struct ledger_frame *line = ledger_frame(index);
    u32 owners = frame_record(index)->owners;
    EXPECT(name, owners == line->sharer_count + 1, "frame %#llx has %u owners, %u pay",
           (unsigned long long)(index << PAGE_SHIFT), owners, line->sharer_count + 1);
    return true;
}

/* Each share of a user frame belongs to exactly one memory object, which counts it, or is on its
 * way out. */
static void memory_frames(const char *name)
{
    memset(seen, 0, sizeof(seen));
    u64 owned = 0;
    for (u32 i = 0; i < view()->memory_count && !run_has_failed(); i++) {
        const struct memory *memory = view()->memories[i];
        u64 count = 0;
        if (memory->kind == MEMORY_ANONYMOUS && memory->levels == 0) {
            for (u64 page = 0; page < MEMORY_SMALL_PAGES; page++)
                count += claim_below(name, memory, memory->pages[page], 0);
        } else if (memory->kind == MEMORY_ANONYMOUS) {
            count = claim_below(name, memory, memory->root, memory->levels);
        } else if (memory->kind == MEMORY_CONTIGUOUS_RUN && memory->root != 0) {
            claim(name, memory, memory->root);
            count = 1ull << memory->order;
        }
        EXPECT(name, count == memory->resident, "memory %llu holds %llu frames and counts %llu",
               (unsigned long long)memory->object.id, (unsigned long long)count,
               (unsigned long long)memory->resident);
        owned += count;
    }
    u32 cursor = 0;
    const struct old_frame *old;
    while ((old = ledger_next("old_frame", &cursor)) != NULL && !run_has_failed()) {
        claim(name, old->memory, old->frame.raw);
        owned++;
    }
    u64 held = 0;
    for (u64 i = 0; i < ledger_frame_count() && !run_has_failed(); i++)
        if (ledger_frame(i)->live && ledger_frame(i)->use == FRAME_USER && counts_agree(name, i))
            held += (u64)(ledger_frame(i)->sharer_count + 1) << ledger_frame(i)->order;
    EXPECT(name, owned == held, "%llu user frames are allocated, memory objects hold %llu",
           (unsigned long long)held, (unsigned long long)owned);
}

/* --- Address spaces
 * ----------------------------------------------------------------------------------- */

static void check_region(const char *name, const struct region *region, u64 previous_end)
{
    u64 start = region->link.key;
    unsigned long long where = start;
    EXPECT(name, start < region->end && start % PAGE_SIZE == 0 && region->end % PAGE_SIZE == 0,
           "region %#llx is not a page range", where);
    EXPECT(name, start >= previous_end, "region %#llx overlaps the one before", where);
    EXPECT(name, start >= USER_START && region->end <= USER_END, "region %#llx is not user space",
           where);
    EXPECT(name,
           (region->access & (ACCESS_WRITE | ACCESS_EXECUTE)) != (ACCESS_WRITE | ACCESS_EXECUTE),
           "region %#llx is writable and executable", where);
    EXPECT(name, (region->access & ~region->max_access) == 0, "region %#llx exceeds its access",
           where);
    EXPECT(name, !region->private_copy == !region->shadow, "region %#llx: shadow and kind differ",
           where);
    u64 pages = (region->end - start) >> PAGE_SHIFT;
    EXPECT(name, region->memory && region->memory_page + pages <= region->memory->page_count,
           "region %#llx reaches beyond its memory", where);
    if (region->shadow)
        EXPECT(name, region->shadow_page + pages <= region->shadow->page_count,
               "region %#llx reaches beyond its shadow", where);
    EXPECT(name, ledger_holds("region", region), "region %#llx is not allocated", where);
}

static void region_trees(const char *name)
{
    for (u32 i = 0; i < view()->process_count; i++) {
        const struct vspace *vspace = view()->vspaces[i];
        u64 end = 0;
        u64 count = 0;
        TREE_FOREACH(node, &vspace->regions)
        {
            const struct region *region = TREE_ENTRY(node, struct region, link);
            check_region(name, region, end);
            if (run_has_failed())
                return;
            end = region->end;
            count++;
        }
        EXPECT(name, count == vspace->region_count, "%llu regions, %llu counted",
               (unsigned long long)count, (unsigned long long)vspace->region_count);
    }
}

/* Memory that can be cloned knows all regions that capabilities have mapped it by, and no others.
 */
static void memory_mappings(const char *name)
{
    u64 total = 0;
    for (u32 i = 0; i < view()->memory_count && !run_has_failed(); i++) {
        const struct memory *memory = view()->memories[i];
        unsigned long long id = memory->object.id;
        u32 listed = 0;
        for (struct list *link = memory->mappings.next; link != &memory->mappings;
             link = link->next) {
            const struct region *region = LIST_ENTRY(link, struct region, mapping_link);
            EXPECT(name, region->memory == memory && region->node.pins > 0,
                   "memory %llu lists a region that is not of it", id);
            listed++;
        }
        total += listed;
        EXPECT(name, listed == memory->mapping_count, "memory %llu lists %u mappings, counts %u",
               id, listed, memory->mapping_count);
        EXPECT(name, !memory->cow || listed <= MEMORY_MAX_SHARED_MAPPINGS,
               "memory %llu shares frames and has %u mappings", id, listed);
        EXPECT(name, !memory->cow || memory->pins == 0, "memory %llu shares frames and is pinned",
               id);
        EXPECT(name, !memory->discarding || memory->pins == 0,
               "memory %llu gives pages back and is pinned", id);
    }
    u64 mapped = 0;
    for (u32 i = 0; i < view()->process_count; i++)
        TREE_FOREACH(node, &view()->vspaces[i]->regions)
        {
            const struct region *region = TREE_ENTRY(node, struct region, link);
            mapped += region->memory->kind == MEMORY_ANONYMOUS && region->node.pins > 0;
        }
    EXPECT(name, total == mapped, "%llu regions are mapped by capabilities, %llu are listed",
           (unsigned long long)mapped, (unsigned long long)total);
}

/* The memories of regions are live structures, found in the ledger. */
static void region_memories(const char *name)
{
    u32 cursor = 0;
    struct region *region;
    while ((region = ledger_next("region", &cursor)) != NULL) {
        if (!region->memory)
            continue; /* a spare that was never used is freed within its kernel entry */
        EXPECT(name, ledger_holds("memory", region->memory), "region %#llx maps freed memory",
               (unsigned long long)region->link.key);
        EXPECT(name, !region->shadow || ledger_holds("memory", region->shadow),
               "region %#llx has a freed shadow", (unsigned long long)region->link.key);
        if (run_has_failed())
            return;
        EXPECT(name, region->memory->object.references > 0,
               "region %#llx: memory without reference", (unsigned long long)region->link.key);
    }
}

static const struct region *region_at(const struct vspace *vspace, u64 address)
{
    struct tree_node *node = tree_find_floor(&vspace->regions, address);
    const struct region *region = node ? TREE_ENTRY(node, struct region, link) : NULL;
    return region && address < region->end ? region : NULL;
}

/* The frame of a page, 0: none. Unlike memory_page it leaves marks as they are. */
static u64 frame_of_page(const struct memory *memory, u64 index)
{
    if (memory->kind != MEMORY_ANONYMOUS)
        return memory->root + (index << PAGE_SHIFT);
    if (memory->levels == 0)
        return memory->pages[index] & ~MEMORY_LEAVING;
    u64 word = memory->root;
    for (u32 level = memory->levels; level > 0 && word != 0; level--) {
        const u64 *table = arch_phys_to_virt(paddr(word));
        word = table[(index >> (MEMORY_FANOUT_SHIFT * (level - 1))) & (MEMORY_FANOUT - 1)];
    }
    return word & ~MEMORY_LEAVING;
}

/* A message buffer, which the kernel reaches by its frame, lies in a page of its memory, which goes
 * with a group no sooner than the thread does. */
static void message_buffers(const char *name)
{
    for (u32 i = 0; i < view()->thread_count && !run_has_failed(); i++) {
        const struct thread *thread = view()->threads[i];
        const struct memory *memory = thread->buffer_memory;
        if (!memory)
            continue;
        u64 frame = arch_virt_to_phys(thread->buffer).raw & ~(PAGE_SIZE - 1);
        bool found = false;
        for (u64 page = 0; page < memory->page_count && !found; page++)
            found = frame_of_page(memory, page) == frame;
        EXPECT(name, found, "thread %llu has a message buffer in frame %#llx, not in its memory",
               (unsigned long long)thread->object.id, (unsigned long long)frame);
        EXPECT(name,
               account_is_within(&thread->object.payer->account, &memory->object.payer->account),
               "thread %llu has a message buffer in memory that another group pays for",
               (unsigned long long)thread->object.id);
    }
}

/* Does the region show `frame` at `address`? */
static bool region_shows(const struct region *region, u64 address, u64 frame, bool *is_original)
{
    u64 page = (address - region->link.key) >> PAGE_SHIFT;
    *is_original = false;
    if (region->shadow && frame_of_page(region->shadow, region->shadow_page + page) == frame)
        return true;
    *is_original = region->shadow != NULL;
    return frame_of_page(region->memory, region->memory_page + page) == frame;
}

/* Pages are shared before the last writable mapping of them is gone. */
static bool cloning_under_way(void)
{
    for (u32 i = 0; i < view()->memory_count; i++)
        if (view()->memories[i]->source)
            return true;
    return false;
}

static void check_leaf(const char *name, const struct vspace *vspace, u64 address, u64 entry)
{
    const struct region *region = region_at(vspace, address);
    unsigned long long where = address;
    EXPECT(name, region, "%#llx is mapped but in no region", where);
    if (!region)
        return;
    EXPECT(name, !region->dying || address >= region->cleared,
           "%#llx is mapped behind the cleared part of a dying region", where);
    bool original;
    u64 frame = arch_pte_address(entry, 0).raw;
    EXPECT(name, region_shows(region, address, frame, &original),
           "%#llx maps frame %#llx, which is not the region's", where, (unsigned long long)frame);
    u32 access = arch_pte_access(entry);
    EXPECT(name, access & ACCESS_USER, "%#llx is not a user page", where);
    EXPECT(name, !((access & ACCESS_WRITE) && frame_is_shared(paddr(frame))) || cloning_under_way(),
           "%#llx: a page shared with a clone is writable", where);
    EXPECT(name, !((access & ACCESS_WRITE) && original), "%#llx: a page to be copied is writable",
           where);
    EXPECT(name, (access & (ACCESS_WRITE | ACCESS_EXECUTE)) != (ACCESS_WRITE | ACCESS_EXECUTE),
           "%#llx is writable and executable", where);
    EXPECT(name, ((access & ~region->max_access) & (ACCESS_WRITE | ACCESS_EXECUTE)) == 0,
           "%#llx has more access than its mapping ever may", where);
}

/* Walks the user half of one table; counts tables. */
static u64 walk_table(const char *name, const struct vspace *vspace, u64 table, u64 base, u32 level)
{
    EXPECT(name, is_live(table, FRAME_PAGE_TABLE), "table %#llx is not an allocated table frame",
           (unsigned long long)table);
    if (run_has_failed())
        return 0;
    seen[PFN(table)]++;
    u64 count = 1;
    const u64 *entries = arch_phys_to_virt(paddr(table));
    u32 end = level == ARCH_PT_LEVELS - 1 ? ARCH_PT_ENTRIES / 2 : ARCH_PT_ENTRIES;
    for (u32 i = 0; i < end && !run_has_failed(); i++) {
        if (!arch_pte_present(entries[i]))
            continue;
        u64 address = base + ((u64)i << (PAGE_SHIFT + 9u * level));
        if (arch_pte_is_leaf(entries[i], level))
            check_leaf(name, vspace, address, entries[i]);
        else
            count += walk_table(name, vspace, arch_pte_address(entries[i], level).raw, address,
                                level - 1);
    }
    return count;
}

/* Every present leaf belongs to a region and to a frame of its memory; tables are owned once and
 * counted. */
static void page_tables(const char *name)
{
    memset(seen, 0, sizeof(seen));
    u64 reached = 0;
    for (u32 i = 0; i < view()->process_count && !run_has_failed(); i++) {
        const struct vspace *vspace = view()->vspaces[i];
        if (vspace->table.root.raw == 0)
            continue;
        u64 count = walk_table(name, vspace, vspace->table.root.raw, 0, ARCH_PT_LEVELS - 1);
        EXPECT(name, count == vspace->table.table_frames, "%llu tables, %llu counted",
               (unsigned long long)count, (unsigned long long)vspace->table.table_frames);
        reached += count;
    }
    u64 held = 0;
    for (u64 i = 0; i < ledger_frame_count(); i++) {
        EXPECT(name, seen[i] <= 1, "table %#llx is in two trees",
               (unsigned long long)(i << PAGE_SHIFT));
        held += ledger_frame(i)->live && ledger_frame(i)->use == FRAME_PAGE_TABLE;
    }
    EXPECT(name, reached == held, "%llu table frames are allocated, %llu reached",
           (unsigned long long)held, (unsigned long long)reached);
}

/* --- What CPUs have loaded
 * ---------------------------------------------------------------------------- */

static void loaded_spaces(const char *name)
{
    for (u32 c = 0; c < cpu_count(); c++) {
        const struct cpu *cpu = cpu_at(c);
        u64 root = cpu->loaded ? cpu->loaded->table.root.raw : 0;
        EXPECT(name, sim_cpu_root(c).raw == root, "CPU %u has another root loaded than it believes",
               c);
    }
}

/* A translation that says more than the tables is waiting to be flushed: the space's generation has
 * moved, before whoever changed the tables left the kernel. */
static void tlbs(const char *name)
{
    for (u32 c = 0; c < cpu_count(); c++) {
        const struct cpu *cpu = cpu_at(c);
        const struct sim_tlb_entry *tlb = sim_cpu_tlb(c);
        if (!cpu->loaded || cpu->loaded_tlb_generation != cpu->loaded->tlb_generation)
            continue;
        for (u32 i = 0; i < SIM_TLB_SIZE; i++) {
            if (!tlb[i].valid)
                continue;
            paddr_t frame;
            u32 access;
            u32 level;
            bool mapped =
                page_table_lookup(&cpu->loaded->table, tlb[i].address, &frame, &access, &level);
            u32 cached = arch_pte_access(tlb[i].entry);
            EXPECT(
                name,
                mapped && frame.raw == arch_pte_address(tlb[i].entry, tlb[i].level).raw &&
                    (cached & ~access) == 0,
                "CPU %u keeps a translation of %#llx that is no longer true, and nobody flushes it",
                c, (unsigned long long)tlb[i].address);
        }
    }
}

const struct invariant invariants_memory[] = {
    {"frame_records", frame_records},
    {"frame_statistics", frame_statistics_add_up},
    {"buddy_lists", buddy_lists},
    {"frame_caches", frame_caches},
    {"slab_counts", slab_counts},
    {"memory_frames", memory_frames},
    {"memory_mappings", memory_mappings},
    {"message_buffers", message_buffers},
    {"region_trees", region_trees},
    {"region_memories", region_memories},
    {"page_tables", page_tables},
    {"loaded_spaces", loaded_spaces},
    {"tlbs", tlbs},
    {NULL, NULL},
};
