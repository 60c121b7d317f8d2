/*
 * The state of kernel and machine as one block: reset, fingerprint, snapshots.
 */
#include "sim_internal.h"

#include <stdlib.h>
#include <string.h>

/* Bounds of the two sections, made by the linker; weak, for a program may have no KERNEL_STATE. */
extern char __start_kstate[] __attribute__((weak));
extern char __stop_kstate[] __attribute__((weak));
extern char __start_simstate[];
extern char __stop_simstate[];

static SIM_STATE ALIGNED(64) struct sim_machine machine_state;

static char *pristine; /* KERNEL_STATE as the program was loaded */

struct saved_page {
    u64 address;
    u8 bytes[PAGE_SIZE];
};

struct sim_snapshot {
    char *kernel;
    char *sim;
    struct saved_page *pages;
    size_t page_count;
    u64 memory_bytes;
};

struct sim_machine *sim_machine(void)
{
    return &machine_state;
}

static size_t kernel_bytes(void)
{
    return (size_t)((uintptr_t)__stop_kstate - (uintptr_t)__start_kstate);
}

static size_t sim_bytes(void)
{
    return (size_t)((uintptr_t)__stop_simstate - (uintptr_t)__start_simstate);
}

static char *copy_block(const char *from, size_t size)
{
    char *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, from, size);
    return copy;
}

void sim_state_reset(void)
{
    size_t size = kernel_bytes();
    if (!pristine && size)
        pristine = copy_block(__start_kstate, size);
    else if (size)
        memcpy(__start_kstate, pristine, size);
    memset(__start_simstate, 0, sim_bytes());
}

static u64 hash_words(u64 hash, const void *start, size_t size)
{
    const char *at = start;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        u64 word;
        memcpy(&word, at + i, 8);
        hash = (hash ^ word) * 0x9fb21c651e98df25ull;
        hash ^= hash >> 29;
    }
    for (size_t i = size & ~(size_t)7; i < size; i++)
        hash = (hash ^ (u8)at[i]) * 0x100000001b3ull;
    return hash;
}

static bool page_is_zero(const void *page)
{
    const u64 *words = page;
    u64 any = 0;
    for (u32 i = 0; i < PAGE_SIZE / 8; i++)
        any |= words[i];
    return any == 0;
}

u64 sim_fingerprint(void)
{
    u64 hash = hash_words(0xcbf29ce484222325ull, __start_kstate, kernel_bytes());
    for (u64 at = 0; at < sim_memory_bytes(); at += PAGE_SIZE) {
        const void *page = arch_phys_to_virt(paddr(at));
        if (!page_is_zero(page))
            hash = hash_words(hash ^ at, page, PAGE_SIZE);
    }
    return hash;
}

struct sim_snapshot *sim_snapshot_take(void)
{
    struct sim_snapshot *snapshot = malloc(sizeof(*snapshot));
    if (!snapshot)
        abort();
    snapshot->kernel = copy_block(__start_kstate, kernel_bytes());
    snapshot->sim = copy_block(__start_simstate, sim_bytes());
    snapshot->memory_bytes = sim_memory_bytes();
    snapshot->page_count = 0;
    for (u64 at = 0; at < snapshot->memory_bytes; at += PAGE_SIZE)
        snapshot->page_count += !page_is_zero(arch_phys_to_virt(paddr(at)));
    snapshot->pages = malloc((snapshot->page_count + 1) * sizeof(struct saved_page));
    if (!snapshot->pages)
        abort();
    size_t n = 0;
    for (u64 at = 0; at < snapshot->memory_bytes; at += PAGE_SIZE) {
        const void *page = arch_phys_to_virt(paddr(at));
        if (page_is_zero(page))
            continue;
        snapshot->pages[n].address = at;
        memcpy(snapshot->pages[n].bytes, page, PAGE_SIZE);
        n++;
    }
    return snapshot;
}

void sim_snapshot_restore(const struct sim_snapshot *snapshot)
{
    memcpy(__start_kstate, snapshot->kernel, kernel_bytes());
    memcpy(__start_simstate, snapshot->sim, sim_bytes());
    sim_memory_map(snapshot->memory_bytes);
    for (size_t i = 0; i < snapshot->page_count; i++) {
        const struct saved_page *page = &snapshot->pages[i];
        memcpy(arch_phys_to_virt(paddr(page->address)), page->bytes, PAGE_SIZE);
    }
}

void sim_snapshot_free(struct sim_snapshot *snapshot)
{
    if (!snapshot)
        return;
    free(snapshot->kernel);
    free(snapshot->sim);
    free(snapshot->pages);
    free(snapshot);
}
