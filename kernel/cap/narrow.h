/* What a derived capability is, from its parent and what was asked for: never more than the parent.
 * Pure functions, proved in tests/models/wp/narrow.c. */
#ifndef CAP_NARROW_H
#define CAP_NARROW_H

#include "abi/syscalls.h"
#include "cap/space.h"
#include "lib/checked_math.h"

static inline u32 narrowed_rights(enum object_type type, u32 held, u32 wanted)
{
    /* REBIND gives the receiving side to somebody without having it. */
    if (type == OBJECT_ENDPOINT && (held & RIGHT_REBIND))
        held |= RIGHT_RECEIVE;
    return held & wanted;
}

/* `length` 0: to the end of the parent. False: not within the parent. */
static inline bool narrowed_range(u64 start, u64 end, u64 offset, u64 length, u64 *child_start,
                                  u64 *child_end)
{
    if (!range_fits(offset, length, end - start))
        return false;
    *child_start = start + offset;
    *child_end = length ? start + offset + length : end;
    return true;
}

/* CAP_FLAG_* of a child, with DERIVE_SEAL_* as asked. */
static inline u64 narrowed_flags(u64 parent_meta, bool badged, bool expires, u64 seals)
{
    u64 flags = parent_meta & CAP_FLAGS_MASK;
    if (badged)
        flags |= CAP_FLAG_BADGED;
    if (expires)
        flags |= CAP_FLAG_EXPIRES;
    if (seals & DERIVE_SEAL_DERIVE)
        flags |= CAP_FLAG_SEAL_DERIVE;
    if (seals & DERIVE_SEAL_TRANSFER)
        flags |= CAP_FLAG_SEAL_TRANSFER;
    return flags;
}

#endif
