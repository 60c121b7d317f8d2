/* The ledger of frames and slab objects. */
#include "ledger.h"

#include "simulator.h"

#include <stdlib.h>
#include <string.h>

#include "core/cpu.h"
#include "mm/frame_internal.h"

#define FRAMES  (SIM_MEMORY_BYTES / PAGE_SIZE)
#define OBJECTS 32768u
#define BUCKETS 65536u

/* Objects lie densely in an array; buckets hold index + 1, by address, with linear probing. */
static SIM_STATE struct {
    struct ledger_frame frames[FRAMES];
    struct ledger_object objects[OBJECTS];
    u32 object_count;
    u32 buckets[BUCKETS];
} ledger;

/* --- Slab objects
 * ------------------------------------------------------------------------------------- */

static u32 bucket_of(const void *address)
{
    return (u32)(((u64)(uintptr_t)address >> 4) * 0x9e3779b97f4a7c15ull >> 48);
}

/* The bucket that holds `address`, or the free one where it would go. */
static u32 find_bucket(const void *address)
{
    u32 bucket = bucket_of(address);
    while (ledger.buckets[bucket] != 0 &&
           ledger.objects[ledger.buckets[bucket] - 1].address != address)
        bucket = (bucket + 1) % BUCKETS;
    return bucket;
}

static void add_object(void *address, const struct slab_cache *cache, struct account *account)
{
    u32 bucket = find_bucket(address);
    if (ledger.buckets[bucket] != 0)
        violated("slab_given_twice", "object %p of %s is live already", address, cache->name);
    if (ledger.object_count == OBJECTS)
        abort();
    ledger.objects[ledger.object_count++] =
        (struct ledger_object){.address = address, .cache = cache, .account = account};
    ledger.buckets[bucket] = ledger.object_count;
}

/* Closes the gap at `hole`: later members of its probe run move up. */
static void close_gap(u32 hole)
{
    for (u32 next = (hole + 1) % BUCKETS; ledger.buckets[next] != 0; next = (next + 1) % BUCKETS) {
        u32 home = bucket_of(ledger.objects[ledger.buckets[next] - 1].address);
        bool stays = hole <= next ? hole < home && home <= next : hole < home || home <= next;
        if (stays)
            continue;
        ledger.buckets[hole] = ledger.buckets[next];
        ledger.buckets[next] = 0;
        hole = next;
    }
}

static void remove_object(const void *address, const struct slab_cache *cache)
{
    u32 bucket = find_bucket(address);
    if (ledger.buckets[bucket] == 0) {
        violated("slab_freed_twice", "object %p of %s is not live", address, cache->name);
        return;
    }
    u32 index = ledger.buckets[bucket] - 1;
    if (ledger.objects[index].cache != cache)
        violated("slab_cache", "object %p of %s was freed as one of %s", address,
                 ledger.objects[index].cache->name, cache->name);
    u32 last = ledger.object_count - 1;
    if (index != last) {
        ledger.buckets[find_bucket(ledger.objects[last].address)] = index + 1;
        ledger.objects[index] = ledger.objects[last];
    }
    ledger.buckets[bucket] = 0;
    ledger.object_count--;
    close_gap(bucket);
}

const struct ledger_object *ledger_object(u32 index)
{
    return &ledger.objects[index];
}

u32 ledger_object_count(void)
{
    return ledger.object_count;
}

void *ledger_next(const char *cache, u32 *cursor)
{
    while (*cursor < ledger.object_count) {
        const struct ledger_object *object = &ledger.objects[(*cursor)++];
        if (strcmp(object->cache->name, cache) == 0)
            return object->address;
    }
    return NULL;
}

bool ledger_holds(const char *cache, const void *address)
{
    u32 bucket = find_bucket(address);
    return ledger.buckets[bucket] != 0 &&
           strcmp(ledger.objects[ledger.buckets[bucket] - 1].cache->name, cache) == 0;
}

/* --- Frames
 * ------------------------------------------------------------------------------------------- */

const struct ledger_frame *ledger_frame(u64 index)
{
    return index < FRAMES ? &ledger.frames[index] : NULL;
}

u64 ledger_frame_count(void)
{
    return sim_memory_bytes() / PAGE_SIZE;
}

static void add_frame(paddr_t frame, struct account *account, enum frame_use use, u32 order)
{
    u64 index = frame.raw >> PAGE_SHIFT;
    if (index >= FRAMES) {
        violated("frame_outside_memory", "frame %#llx", (unsigned long long)frame.raw);
        return;
    }
    struct ledger_frame *line = &ledger.frames[index];
    if (line->live)
        violated("frame_given_twice", "frame %#llx is allocated already",
                 (unsigned long long)frame.raw);
    line->account = account;
    line->sharer_count = 0;
    line->use = (u8)use;
    line->order = (u8)order;
    line->live = true;
}

/* At the moment a frame is freed no CPU may reach it by a translation it keeps, nor have it as its
 * root. */
static void check_unreachable(u64 start, u64 end)
{
    for (u32 cpu = 0; cpu < SIM_MAX_CPUS; cpu++) {
        u64 root = sim_cpu_root(cpu).raw;
        if (root >= start && root < end)
            violated("loaded_root_freed", "CPU %u has the freed root %#llx loaded", cpu,
                     (unsigned long long)root);
        const struct sim_tlb_entry *tlb = sim_cpu_tlb(cpu);
        for (u32 i = 0; i < SIM_TLB_SIZE; i++) {
            if (!tlb[i].valid)
                continue;
            u64 mapped = arch_pte_address(tlb[i].entry, tlb[i].level).raw;
            u64 size = PAGE_SIZE << (9u * tlb[i].level);
            if (mapped < end && start < mapped + size)
                violated("tlb_reaches_freed_frame", "CPU %u translates %#llx to freed frame %#llx",
                         cpu, (unsigned long long)tlb[i].address, (unsigned long long)mapped);
        }
    }
}

static void remove_frame(paddr_t frame, const struct account *account, u32 order)
{
    u64 index = frame.raw >> PAGE_SHIFT;
    if (index >= FRAMES || !ledger.frames[index].live) {
        violated("frame_freed_twice", "frame %#llx is not allocated",
                 (unsigned long long)frame.raw);
        return;
    }
    struct ledger_frame *line = &ledger.frames[index];
    if (line->order != order)
        violated("frame_order", "frame %#llx of order %u freed as %u",
                 (unsigned long long)frame.raw, line->order, order);
    if (line->sharer_count != 0)
        violated("frame_shared_freed", "frame %#llx has other owners",
                 (unsigned long long)frame.raw);
    if (line->account != account)
        violated("frame_payer", "frame %#llx is given back to an account that did not pay for it",
                 (unsigned long long)frame.raw);
    line->live = false;
    line->freed_at = sim_tick();
    check_unreachable(frame.raw, frame.raw + (PAGE_SIZE << order));
}

u32 ledger_shares(const struct ledger_frame *line, const struct account *account)
{
    if (!line->live)
        return 0;
    u32 shares = line->account == account;
    for (u32 i = 0; i < line->sharer_count; i++)
        shares += line->sharers[i] == account;
    return shares;
}

static void add_sharer(paddr_t frame, struct account *account)
{
    struct ledger_frame *line = &ledger.frames[frame.raw >> PAGE_SHIFT];
    if (line->sharer_count == LEDGER_SHARERS)
        abort();
    line->sharers[line->sharer_count++] = account;
}

/* The account stops paying for a share; false: it was the last share of all. */
static bool remove_sharer(paddr_t frame, const struct account *account)
{
    struct ledger_frame *line = &ledger.frames[frame.raw >> PAGE_SHIFT];
    if (line->sharer_count == 0)
        return false;
    struct account **place = &line->account;
    for (u32 i = 0; i < line->sharer_count && *place != account; i++)
        place = &line->sharers[i];
    if (*place != account)
        violated("frame_payer", "frame %#llx is let go of by an account that did not pay for it",
                 (unsigned long long)frame.raw);
    *place = line->sharers[--line->sharer_count];
    return true;
}

/* --- The kernel's calls
 * ------------------------------------------------------------------------------- */

enum status __real_frame_alloc(struct account *account, enum frame_use use, u32 order, u32 node,
                               paddr_t *frame);
enum status __wrap_frame_alloc(struct account *account, enum frame_use use, u32 order, u32 node,
                               paddr_t *frame);
enum status __real_frame_alloc_zeroed(struct account *account, enum frame_use use, paddr_t *frame);
enum status __wrap_frame_alloc_zeroed(struct account *account, enum frame_use use, paddr_t *frame);
void __real_frame_free(struct account *account, paddr_t frame, u32 order);
void __wrap_frame_free(struct account *account, paddr_t frame, u32 order);
void __real_frame_free_zeroed(struct account *account, paddr_t frame);
void __wrap_frame_free_zeroed(struct account *account, paddr_t frame);
enum status __real_frame_share(struct account *account, paddr_t frame);
enum status __wrap_frame_share(struct account *account, paddr_t frame);
void __real_frame_unshare(struct account *account, paddr_t frame);
void __wrap_frame_unshare(struct account *account, paddr_t frame);
enum status __real_slab_take(struct slab_cache *cache, struct account *account, void **object);
enum status __wrap_slab_take(struct slab_cache *cache, struct account *account, void **object);
void __real_slab_free(struct slab_cache *cache, struct account *account, void *object);
void __wrap_slab_free(struct slab_cache *cache, struct account *account, void *object);

enum status __wrap_frame_alloc(struct account *account, enum frame_use use, u32 order, u32 node,
                               paddr_t *frame)
{
    enum status status = __real_frame_alloc(account, use, order, node, frame);
    if (status == STATUS_OK)
        add_frame(*frame, account, use, order);
    return status;
}

enum status __wrap_frame_alloc_zeroed(struct account *account, enum frame_use use, paddr_t *frame)
{
    enum status status = __real_frame_alloc_zeroed(account, use, frame);
    if (status != STATUS_OK)
        return status;
    add_frame(*frame, account, use, 0);
    const u64 *words = arch_phys_to_virt(*frame);
    for (u32 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
        if (words[i] != 0) {
            violated("zeroed_frame", "frame %#llx is not zero at byte %u",
                     (unsigned long long)frame->raw, i * 8);
            break;
        }
    return status;
}

void __wrap_frame_free(struct account *account, paddr_t frame, u32 order)
{
    remove_frame(frame, account, order);
    __real_frame_free(account, frame, order);
}

void __wrap_frame_free_zeroed(struct account *account, paddr_t frame)
{
    remove_frame(frame, account, 0);
    __real_frame_free_zeroed(account, frame);
}

/* Noted before it is done: another CPU may let go of its share in the middle. */
enum status __wrap_frame_share(struct account *account, paddr_t frame)
{
    add_sharer(frame, account);
    enum status status = __real_frame_share(account, frame);
    if (status != STATUS_OK)
        (void)remove_sharer(frame, account);
    return status;
}

void __wrap_frame_unshare(struct account *account, paddr_t frame)
{
    if (!remove_sharer(frame, account))
        remove_frame(frame, account, 0);
    __real_frame_unshare(account, frame);
}

/* slab_alloc comes here too. Whoever relies on what was there before is found out. */
enum status __wrap_slab_take(struct slab_cache *cache, struct account *account, void **object)
{
    enum status status = __real_slab_take(cache, account, object);
    if (status == STATUS_OK) {
        memset(*object, 0xa5, cache->object_size);
        add_object(*object, cache, account);
    }
    return status;
}

void __wrap_slab_free(struct slab_cache *cache, struct account *account, void *object)
{
    remove_object(object, cache);
    __real_slab_free(cache, account, object);
}
