/*
 * Physical memory, page walks and TLBs.
 *
 * A TLB keeps what it walked until the kernel flushes it or loads another root; a prefetcher may
 * walk recently used addresses at any switch point. So a translation that the kernel forgot to
 * flush, or flushed before it changed the table, is used again later.
 */
#include "sim_internal.h"

#include <string.h>

#include "abi/fault.h"
#include "abi/memory.h"

u64 sim_memory_bytes(void)
{
    return sim_machine()->memory_bytes;
}

/* --- The contract
 * ------------------------------------------------------------------------------------ */

void arch_memory_init_early(const struct boot_info *boot)
{
    (void)boot; /* the direct map is where port/memory.h says */
}

void arch_memory_init(const struct boot_info *boot, paddr_t (*alloc_frame)(void))
{
    (void)boot;
    /* As many frames as a small machine's kernel tables would take, so that they are missing from
     * the count. */
    for (u32 i = 0; i < 4; i++) {
        paddr_t frame = alloc_frame();
        memset(arch_phys_to_virt(frame), 0xab, PAGE_SIZE);
    }
}

void *arch_stack_create(u64 size_bytes, paddr_t (*alloc_frame)(void))
{
    paddr_t frame = {0};
    for (u64 i = 0; i < size_bytes; i += PAGE_SIZE)
        frame = alloc_frame();
    return (char *)arch_phys_to_virt(frame) + PAGE_SIZE; /* fibers run on stacks of their own */
}

void arch_root_init(void *root_table)
{
    u64 *entries = root_table;
    /* The kernel half of every root is the same and present, as on the machine. */
    for (u32 i = ARCH_PT_ENTRIES / 2; i < ARCH_PT_ENTRIES; i++)
        entries[i] = arch_pte_table(paddr(0)) & ~SIM_PTE_USER;
}

void arch_root_fini(void *root_table)
{
    u64 *entries = root_table;
    for (u32 i = ARCH_PT_ENTRIES / 2; i < ARCH_PT_ENTRIES; i++)
        entries[i] = 0;
}

static void tlb_drop_all(struct sim_cpu *cpu)
{
    for (u32 i = 0; i < SIM_TLB_SIZE; i++)
        cpu->tlb[i].valid = 0;
}

void arch_root_load(paddr_t root)
{
    struct sim_cpu *cpu = sim_current_cpu();
    atomic_point(&cpu->root, true);
    cpu->root = root;
    tlb_drop_all(cpu);
}

void arch_root_load_kernel(void)
{
    arch_root_load(paddr(0));
}

static bool tlb_covers(const struct sim_tlb_entry *entry, u64 address)
{
    u64 size = PAGE_SIZE << (9u * entry->level);
    return entry->valid && (address & ~(size - 1)) == entry->address;
}

void arch_tlb_flush_page(u64 address)
{
    struct sim_cpu *cpu = sim_current_cpu();
    for (u32 i = 0; i < SIM_TLB_SIZE; i++)
        if (tlb_covers(&cpu->tlb[i], address))
            cpu->tlb[i].valid = 0;
    atomic_point(SIM_EVERYTHING, true);
}

void arch_tlb_flush_user(void)
{
    tlb_drop_all(sim_current_cpu());
    atomic_point(&sim_current_cpu()->root, true);
}

u64 arch_image_size_bytes(void)
{
    return 1ull << 20; /* as the boot description says */
}

/* --- Walks
 * ------------------------------------------------------------------------------------------- */

/* Walks the loaded root. False: nothing present. */
static bool walk(paddr_t root, u64 address, u64 *leaf, u32 *leaf_level)
{
    paddr_t table = root;
    for (u32 level = ARCH_PT_LEVELS - 1;; level--) {
        if (table.raw >= sim_memory_bytes())
            sim_stop("page table at %#llx lies outside memory", (unsigned long long)table.raw);
        const u64 *entries = arch_phys_to_virt(table);
        u64 entry = entries[address >> (PAGE_SHIFT + 9u * level) & (ARCH_PT_ENTRIES - 1)];
        if (!arch_pte_present(entry))
            return false;
        if (level < 2 && arch_pte_is_leaf(entry, level)) {
            *leaf = entry;
            *leaf_level = level;
            return true;
        }
        table = paddr(entry & SIM_PTE_ADDRESS);
    }
}

static struct sim_tlb_entry *tlb_find(struct sim_cpu *cpu, u64 address)
{
    for (u32 i = 0; i < SIM_TLB_SIZE; i++)
        if (tlb_covers(&cpu->tlb[i], address))
            return &cpu->tlb[i];
    return NULL;
}

static struct sim_tlb_entry *tlb_fill(struct sim_cpu *cpu, u64 address)
{
    u64 leaf;
    u32 level;
    if (cpu->root.raw == 0 || !walk(cpu->root, address, &leaf, &level))
        return NULL;
    u32 slot = 0;
    while (slot < SIM_TLB_SIZE && cpu->tlb[slot].valid)
        slot++;
    if (slot == SIM_TLB_SIZE)
        slot = (u32)sim_random_below(&sim_machine()->random, SIM_TLB_SIZE);
    u64 size = PAGE_SIZE << (9u * level);
    cpu->tlb[slot] = (struct sim_tlb_entry){
        .address = address & ~(size - 1),
        .entry = leaf,
        .level = level,
        .valid = 1,
        .filled_at = sim_tick(),
    };
    return &cpu->tlb[slot];
}

void sim_tlb_speculate(void)
{
    struct sim_cpu *cpu = sim_current_cpu();
    if (cpu->root.raw == 0)
        return;
    u64 address = cpu->recent[sim_random_below(&sim_machine()->random, SIM_RECENT)];
    if (address != 0 && !tlb_find(cpu, address))
        (void)tlb_fill(cpu, address);
}

static bool entry_allows(u64 entry, u32 access)
{
    u32 has = arch_pte_access(entry);
    return (has & ACCESS_USER) && (has & access) == access;
}

/* Physical address that `address` means on this CPU now; false: a page fault. A refusal by a cached
 * entry drops it (Intel SDM volume 3, 4.10.4.1: a fault invalidates); a processor may fault
 * although the table now allows the access, which user accesses do by chance. */
static bool translate(u64 address, u32 access, bool may_be_spurious, u64 *physical)
{
    struct sim_cpu *cpu = sim_current_cpu();
    if (address >= USER_END)
        return false;
    cpu->recent[cpu->recent_next++ % SIM_RECENT] = address & ~(PAGE_SIZE - 1);
    struct sim_tlb_entry *entry = tlb_find(cpu, address);
    if (entry && !entry_allows(entry->entry, access)) {
        entry->valid = 0;
        if (may_be_spurious && sim_random_next(&sim_machine()->random) & 1)
            return false;
        entry = NULL;
    }
    if (!entry)
        entry = tlb_fill(cpu, address);
    if (!entry || !entry_allows(entry->entry, access)) {
        if (entry)
            entry->valid = 0;
        return false;
    }
    u64 offset_mask = (PAGE_SIZE << (9u * entry->level)) - 1;
    *physical = arch_pte_address(entry->entry, entry->level).raw + (address & offset_mask);
    return true;
}

/* Moves bytes between a buffer and physical memory; a device answers all ones and swallows writes.
 */
static void physical_copy(u64 physical, void *buffer, u64 size, bool write)
{
    if (physical >= sim_memory_bytes()) {
        if (!write)
            memset(buffer, 0xff, size);
        return;
    }
    void *memory = arch_phys_to_virt(paddr(physical));
    if (write)
        memcpy(memory, buffer, size);
    else
        memcpy(buffer, memory, size);
}

void (*sim_fetch_hook)(u64 user, u64 size_bytes);

/* Copies page by page; `buffer` is written if !write. */
static bool user_copy(u64 user, void *buffer, u64 size, bool write, u64 *fault_address)
{
    char *at = buffer;
    while (size > 0) {
        u64 physical;
        u64 chunk = PAGE_SIZE - (user & (PAGE_SIZE - 1));
        chunk = chunk < size ? chunk : size;
        if (!translate(user, write ? ACCESS_WRITE : ACCESS_READ, false, &physical)) {
            *fault_address = user;
            return false;
        }
        physical_copy(physical, at, chunk, write);
        if (!write && sim_fetch_hook)
            sim_fetch_hook(user, chunk);
        atomic_point(SIM_EVERYTHING, true);
        user += chunk;
        at += chunk;
        size -= chunk;
    }
    return true;
}

bool arch_user_read(void *to, user_ptr_t from, u64 size_bytes, u64 *fault_address)
{
    return user_copy(from.raw, to, size_bytes, false, fault_address);
}

bool arch_user_write(user_ptr_t to, const void *from, u64 size_bytes, u64 *fault_address)
{
    /* user_copy only reads the buffer when it writes to user memory. */
    return user_copy(to.raw, (void *)(uintptr_t)from, size_bytes, true, fault_address);
}

bool arch_user_load_u32(user_ptr_t address, u32 *value)
{
    u64 fault_address;
    atomic_point(SIM_EVERYTHING, true);
    return user_copy(address.raw, value, sizeof(*value), false, &fault_address);
}

bool sim_user_access(u64 address, u32 access, void *data, u32 size_bytes, u32 *reason)
{
    u64 physical;
    if (translate(address, access, true, &physical)) {
        if (data)
            physical_copy(physical, data, size_bytes, (access & ACCESS_WRITE) != 0);
        return true;
    }
    *reason = access & ACCESS_WRITE     ? FAULT_PAGE_WRITE
              : access & ACCESS_EXECUTE ? FAULT_PAGE_EXECUTE
                                        : FAULT_PAGE_READ;
    return false;
}

paddr_t sim_cpu_root(u32 cpu)
{
    return sim_machine()->cpus[cpu].root;
}

const struct sim_tlb_entry *sim_cpu_tlb(u32 cpu)
{
    return sim_machine()->cpus[cpu].tlb;
}
