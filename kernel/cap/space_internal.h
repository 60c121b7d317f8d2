/* For cap/ alone. */
#ifndef CAP_SPACE_INTERNAL_H
#define CAP_SPACE_INTERNAL_H

#include "cap/space.h"

/* A handle's parts: slot index (bits 0-19), generation (20-31), secret (32-63). */
#define HANDLE_INDEX_MASK       0xfffffu
#define HANDLE_GENERATION_SHIFT 20
#define HANDLE_GENERATION_MAX   0xfffu
#define HANDLE_SECRET_SHIFT     32

/* `index` up to HANDLE_INDEX_MASK, `generation` 1 to HANDLE_GENERATION_MAX. */
static inline u64 handle_make(u32 index, u32 generation, u32 secret)
{
    return index | (u64)generation << HANDLE_GENERATION_SHIFT | (u64)secret << HANDLE_SECRET_SHIFT;
}

static inline u32 handle_index(u64 handle)
{
    return (u32)handle & HANDLE_INDEX_MASK;
}

static inline u32 handle_generation(u64 handle)
{
    return (u32)(handle >> HANDLE_GENERATION_SHIFT) & HANDLE_GENERATION_MAX;
}

/* Of the slot's next capability: 1 to HANDLE_GENERATION_MAX, then 1 again. */
static inline u32 generation_after(u32 generation)
{
    return generation % HANDLE_GENERATION_MAX + 1;
}

/* The slot at `index`, NULL if the space has none there. No lock: chunks never move while the space
 * lives. */
struct cap_slot *cap_slot_at(const struct cap_space *space, u32 index);

#endif
