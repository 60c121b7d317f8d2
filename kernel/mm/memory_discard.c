/*
 * Giving back single pages of anonymous memory.
 *
 * A page that is to go keeps its frame, with a mark in its word, until no mapping shows it and no
 * CPU can hold a translation to it. Whoever asks for the page before that takes the mark away under
 * the object's lock, and the page stays. So a fault never waits, and a frame that is freed was
 * asked for by nobody since its last mapping went. Two such passes over one object at a time would
 * defeat this (one could mark again what the other has unmapped, and free it too early):
 * `discarding` keeps the second out, and pins, which reach frames without asking.
 *
 * Locks: the object's (RANK_MEMORY).
 */
#include "core/assert.h"
#include "mm/memory_internal.h"

#define LOOKS_PER_SLICE  256u /* words looked at */
#define FRAMES_PER_SLICE 32u

/* Lock held: the word of page `index`, or NULL where there is no table, and in *span how many
 * pages, aligned, have none with it. */
static u64 *find_page(struct memory *memory, u64 index, u64 *span)
{
    u64 *at = memory->levels == 0 ? &memory->pages[index] : &memory->root;

    *span = 1;
    for (u32 level = memory->levels; level > 0; level--) {
        if (*at == 0) {
            *span = 1ull << (MEMORY_FANOUT_SHIFT * level);
            return NULL;
        }
        /* SAFETY: a non-zero word above level 0 is a table of this object's, under its lock. */
        u64 *table = arch_phys_to_virt(paddr(*at));
        at = &table[(index >> (MEMORY_FANOUT_SHIFT * (level - 1))) & (MEMORY_FANOUT - 1)];
    }
    return at;
}

/* Lock held: the first word from *page on that is not empty, as far as the looks go. */
static u64 *next_word(struct memory *memory, u64 *page, u64 end, u32 *looks)
{
    for (; *page<end && * looks> 0; (*looks)--) {
        u64 span;
        u64 *word = find_page(memory, *page, &span);

        if (word && *word != 0)
            return word;
        *page = (*page | (span - 1)) + 1;
    }
    return NULL;
}

enum status memory_discard_begin(struct memory *memory)
{
    enum status status = STATUS_BUSY;

    if (memory->kind != MEMORY_ANONYMOUS)
        return STATUS_NOT_SUPPORTED;
    spin_lock(&memory->lock);
    if (memory->pins == 0 && !memory->discarding &&
        memory->mapping_count <= MEMORY_MAX_SHARED_MAPPINGS) {
        memory->discarding = true;
        status = STATUS_OK;
    }
    spin_unlock(&memory->lock);
    return status;
}

void memory_discard_end(struct memory *memory)
{
    spin_lock(&memory->lock);
    memory->discarding = false;
    spin_unlock(&memory->lock);
}

bool memory_mark_some(struct memory *memory, u64 *page, u64 end)
{
    u32 looks = LOOKS_PER_SLICE;
    u64 *word;

    spin_lock(&memory->lock);
    while ((word = next_word(memory, page, end, &looks)) != NULL) {
        *word |= MEMORY_LEAVING;
        (*page)++;
        looks--;
    }
    spin_unlock(&memory->lock);
    return *page >= end;
}

/* Frees pages whose words have all of `mark`. */
static bool free_pages(struct memory *memory, u64 *page, u64 end, u64 mark)
{
    u32 looks = LOOKS_PER_SLICE, frames = FRAMES_PER_SLICE;
    u64 *word;

    spin_lock(&memory->lock);
    while (frames > 0 && (word = next_word(memory, page, end, &looks)) != NULL) {
        if ((*word & mark) == mark) {
            paddr_t frame = paddr(*word & ~MEMORY_LEAVING);

            *word = 0;
            memory->resident--;
            frame_unshare(&memory->object.payer->account, frame);
            frames--;
        }
        (*page)++;
        looks--;
    }
    spin_unlock(&memory->lock);
    return *page >= end;
}

bool memory_free_marked(struct memory *memory, u64 *page, u64 end)
{
    return free_pages(memory, page, end, MEMORY_LEAVING);
}

bool memory_free_some(struct memory *memory, u64 *page, u64 end)
{
    return free_pages(memory, page, end, 0);
}
