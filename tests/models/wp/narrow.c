/* kernel/cap/narrow.h: a derived capability never has more than its parent, whatever the caller
 * asks for. */
#include "cap/narrow.h"

#define FLAG(word, bit)     (((word) & (bit)) != 0)
#define REBINDS(type, held) ((type) == OBJECT_ENDPOINT && FLAG(held, RIGHT_REBIND))

/*@ assigns \nothing;
    ensures asked: (\result & ~wanted) == 0;
    ensures held: !REBINDS(type, held) ==> (\result & ~held) == 0;
    ensures rebind: (\result & ~(held | RIGHT_RECEIVE)) == 0;
    ensures complete: ((held & wanted) & ~\result) == 0; */
static inline u32 narrowed_rights(enum object_type type, u32 held, u32 wanted);

/*@ requires start <= end;
    requires \valid(child_start) && \valid(child_end) && \separated(child_start, child_end);
    assigns *child_start, *child_end;
    ensures (\result != 0) <==> offset + length <= end - start;
    ensures within: \result != 0 ==> start <= *child_start && *child_start <= *child_end &&
   *child_end <= end; ensures size: \result != 0 && length != 0 ==> *child_end - *child_start ==
   length; ensures offset: \result != 0 ==> *child_start == start + offset; ensures unchanged:
   \result == 0 ==> *child_start == \old(*child_start) && *child_end == \old(*child_end); */
static inline bool narrowed_range(u64 start, u64 end, u64 offset, u64 length, u64 *child_start,
                                  u64 *child_end);

/*@ assigns \nothing;
    ensures kept: (parent_meta & CAP_FLAGS_MASK & ~\result) == 0;
    ensures only_flags: (\result & ~CAP_FLAGS_MASK) == 0;
    ensures badged: badged ==> FLAG(\result, CAP_FLAG_BADGED);
    ensures expires: expires ==> FLAG(\result, CAP_FLAG_EXPIRES);
    ensures seal_derive: FLAG(seals, DERIVE_SEAL_DERIVE) ==> FLAG(\result, CAP_FLAG_SEAL_DERIVE);
    ensures seal_transfer: FLAG(seals, DERIVE_SEAL_TRANSFER) ==> FLAG(\result,
   CAP_FLAG_SEAL_TRANSFER); */
static inline u64 narrowed_flags(u64 parent_meta, bool badged, bool expires, u64 seals);

/*@ assigns \nothing;
    ensures (\result != 0) <==> offset + size <= limit; */
static inline bool range_fits(u64 offset, u64 size, u64 limit);
