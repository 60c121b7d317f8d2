/*
 * Blocks lie side by side in a region, each with a header that tells its own size and that of the
 * block before it:
 *
 *     region:  [block][block]...[block][end]
 *     block:   previous_size | size+flags | payload ...      (free: payload begins with list links)
 *
 * `end` is a used block of no payload, so that joining never leaves the region; the first block's
 * previous_size is 0. Invariant: no two free blocks are neighbours; a free block is in the bin of
 * its size.
 */
#include "ferrous/heap.h"

#include "lib/checked_math.h"
#include "lib/string.h"

#define FLAG_USED   1ull
#define FLAG_FIRST  2ull
#define FLAGS       15ull
#define HEADER_SIZE 16u
#define MIN_BLOCK   (HEADER_SIZE + 16u)
#define MAX_REQUEST (1ull << 46)

struct heap_block {
    u64 previous_size;
    u64 size; /* header included, a multiple of 16; low bits: FLAG_* */
    struct heap_block *next;
    struct heap_block *previous;
};

static u64 block_size(const struct heap_block *block)
{
    return block->size & ~FLAGS;
}

static bool block_is_used(const struct heap_block *block)
{
    return (block->size & FLAG_USED) != 0;
}

static struct heap_block *block_after(const struct heap_block *block)
{
    return (struct heap_block *)((uintptr_t)block + block_size(block));
}

static struct heap_block *block_of(const void *address)
{
    return (struct heap_block *)((uintptr_t)address - HEADER_SIZE);
}

/* Bins of up to 512 bytes hold one size each, 16 apart; then one bin per power of two. */
static u32 bin_of(u64 size)
{
    u32 log;

    if (size < 512)
        return (u32)(size / 16);
    log = 63 - (u32)__builtin_clzll(size);
    return min_u64(32 + (log - 9), HEAP_BINS - 1);
}

static void bin_insert(struct heap *heap, struct heap_block *block)
{
    struct heap_block **head = &heap->bins[bin_of(block_size(block))];

    block->previous = NULL;
    block->next = *head;
    if (*head != NULL)
        (*head)->previous = block;
    *head = block;
}

static void bin_remove(struct heap *heap, struct heap_block *block)
{
    if (block->previous != NULL)
        block->previous->next = block->next;
    else
        heap->bins[bin_of(block_size(block))] = block->next;
    if (block->next != NULL)
        block->next->previous = block->previous;
}

void heap_init(struct heap *heap, void *(*grow)(void *context, size_t *size),
               void (*corrupted)(void *context, const void *address), void *context)
{
    memset(heap, 0, sizeof(*heap));
    heap->grow = grow;
    heap->corrupted = corrupted;
    heap->context = context;
}

/* Makes a new region of at least one block of `size` and puts it into its bin. */
static bool heap_grow(struct heap *heap, u64 size)
{
    size_t region_size = size + HEADER_SIZE;
    struct heap_block *block = heap->grow(heap->context, &region_size);
    struct heap_block *end;

    if (block == NULL)
        return false;
    region_size = align_down(region_size, HEAP_ALIGNMENT);
    heap->total_bytes += region_size;
    block->previous_size = 0;
    block->size = (region_size - HEADER_SIZE) | FLAG_FIRST;
    end = block_after(block);
    end->previous_size = block_size(block);
    end->size = FLAG_USED;
    bin_insert(heap, block);
    return true;
}

static struct heap_block *find_block(const struct heap *heap, u64 size)
{
    for (u32 bin = bin_of(size); bin < HEAP_BINS; bin++) {
        for (struct heap_block *block = heap->bins[bin]; block != NULL; block = block->next) {
            if (block_size(block) >= size)
                return block;
        }
    }
    return NULL;
}

/* Cuts what `size` leaves over off a used block, and frees it. */
static void split(struct heap *heap, struct heap_block *block, u64 size)
{
    u64 rest_size = block_size(block) - size;
    struct heap_block *rest;
    struct heap_block *after = block_after(block);

    if (rest_size < MIN_BLOCK)
        return;
    block->size = size | (block->size & FLAGS);
    rest = block_after(block);
    rest->previous_size = size;
    rest->size = rest_size;
    if (!block_is_used(after)) {
        bin_remove(heap, after);
        rest->size += block_size(after);
        after = block_after(after);
    }
    after->previous_size = block_size(rest);
    bin_insert(heap, rest);
}

static bool request_size(size_t size, u64 *block_bytes)
{
    if (size > MAX_REQUEST)
        return false;
    *block_bytes = max_u64(align_up(size + HEADER_SIZE, HEAP_ALIGNMENT), MIN_BLOCK);
    return true;
}

void *heap_alloc(struct heap *heap, size_t size)
{
    struct heap_block *block;
    u64 wanted;

    if (!request_size(size, &wanted))
        return NULL;
    block = find_block(heap, wanted);
    if (block == NULL && heap_grow(heap, wanted))
        block = find_block(heap, wanted);
    if (block == NULL)
        return NULL;
    bin_remove(heap, block);
    block->size |= FLAG_USED;
    split(heap, block, wanted);
    heap->used_bytes += block_size(block);
    return (u8 *)block + HEADER_SIZE;
}

/* A used block whose neighbours agree with it. */
static bool block_is_sane(const struct heap_block *block)
{
    u64 size = block_size(block);
    const struct heap_block *before;

    if (!is_aligned((u64)(uintptr_t)block, HEAP_ALIGNMENT) || !block_is_used(block) ||
        size < MIN_BLOCK || size > MAX_REQUEST || block_after(block)->previous_size != size)
        return false;
    if ((block->size & FLAG_FIRST) != 0)
        return block->previous_size == 0;
    before = (const struct heap_block *)((uintptr_t)block - block->previous_size);
    return block->previous_size >= MIN_BLOCK && block->previous_size <= MAX_REQUEST &&
           block_size(before) == block->previous_size;
}

void heap_free(struct heap *heap, void *address)
{
    struct heap_block *block;
    struct heap_block *after;

    if (address == NULL)
        return;
    block = block_of(address);
    if (!block_is_sane(block)) {
        heap->corrupted(heap->context, address);
        return;
    }
    heap->used_bytes -= block_size(block);
    block->size &= ~FLAG_USED;
    after = block_after(block);
    if (!block_is_used(after)) {
        bin_remove(heap, after);
        block->size += block_size(after);
    }
    if ((block->size & FLAG_FIRST) == 0) {
        struct heap_block *before = (void *)((uintptr_t)block - block->previous_size);

        if (!block_is_used(before)) {
            bin_remove(heap, before);
            before->size += block_size(block);
            block = before;
        }
    }
    block_after(block)->previous_size = block_size(block);
    bin_insert(heap, block);
}

void *heap_resize(struct heap *heap, void *address, size_t size)
{
    struct heap_block *block;
    void *moved;
    u64 wanted;

    if (address == NULL)
        return heap_alloc(heap, size);
    block = block_of(address);
    if (!block_is_sane(block)) {
        heap->corrupted(heap->context, address);
        return NULL;
    }
    if (!request_size(size, &wanted))
        return NULL;
    if (wanted <= block_size(block)) {
        heap->used_bytes -= block_size(block);
        split(heap, block, wanted);
        heap->used_bytes += block_size(block);
        return address;
    }
    moved = heap_alloc(heap, size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, address, block_size(block) - HEADER_SIZE);
    heap_free(heap, address);
    return moved;
}

bool heap_check(const struct heap *heap)
{
    for (u32 bin = 0; bin < HEAP_BINS; bin++) {
        const struct heap_block *previous = NULL;

        for (const struct heap_block *block = heap->bins[bin]; block != NULL; block = block->next) {
            const struct heap_block *after = block_after(block);

            if (block_is_used(block) || bin_of(block_size(block)) != bin ||
                block->previous != previous || after->previous_size != block_size(block) ||
                !block_is_used(after))
                return false;
            previous = block;
        }
    }
    return heap->used_bytes <= heap->total_bytes;
}
