/* lib/checked_math.h: each function is what its comment says, for all arguments. */
#include "abi/types.h"

#define POWER_OF_TWO(value) ((value) > 0 && ((value) & ((value)-1)) == 0)

/*@ requires \valid(result);
    assigns *result;
    ensures (\result != 0) <==> (a + b <= UINT64_MAX);
    ensures \result != 0 ==> *result == a + b;
    ensures \result == 0 ==> *result == \old(*result); */
static inline bool checked_add(u64 a, u64 b, u64 *result);

/*@ requires \valid(result);
    assigns *result;
    ensures (\result != 0) <==> (a >= b);
    ensures \result != 0 ==> *result == a - b;
    ensures \result == 0 ==> *result == \old(*result); */
static inline bool checked_sub(u64 a, u64 b, u64 *result);

/*@ requires \valid(result);
    assigns *result;
    ensures (\result != 0) <==> (a * b <= UINT64_MAX);
    ensures \result != 0 ==> *result == a * b;
    ensures \result == 0 ==> *result == \old(*result); */
static inline bool checked_mul(u64 a, u64 b, u64 *result);

/*@ assigns \nothing;
    ensures (\result != 0) <==> POWER_OF_TWO(value); */
static inline bool is_power_of_two(u64 value);

/*@ requires POWER_OF_TWO(alignment);
    assigns \nothing;
    ensures below: \result <= value && value - \result < alignment;
    ensures aligned: (\result & (alignment - 1)) == 0; */
static inline u64 align_down(u64 value, u64 alignment);

/*@ requires POWER_OF_TWO(alignment);
    requires value + (alignment - 1) <= UINT64_MAX;
    assigns \nothing;
    ensures above: \result >= value && \result - value < alignment;
    ensures aligned: (\result & (alignment - 1)) == 0; */
static inline u64 align_up(u64 value, u64 alignment);

/*@ requires POWER_OF_TWO(alignment) && \valid(result);
    assigns *result;
    ensures fits: (\result != 0) <==> value + (alignment - 1) <= UINT64_MAX;
    ensures above: \result != 0 ==> *result >= value && *result - value < alignment;
    ensures aligned: \result != 0 ==> (*result & (alignment - 1)) == 0;
    ensures \result == 0 ==> *result == \old(*result); */
static inline bool checked_align_up(u64 value, u64 alignment, u64 *result);

/*@ requires POWER_OF_TWO(alignment);
    assigns \nothing;
    ensures (\result != 0) <==> (value & (alignment - 1)) == 0; */
static inline bool is_aligned(u64 value, u64 alignment);

/*@ assigns \nothing;
    ensures (\result != 0) <==> offset + size <= limit; */
static inline bool range_fits(u64 offset, u64 size, u64 limit);

/*@ requires outer_start <= outer_end;
    assigns \nothing;
    ensures (\result != 0) <==> (outer_start <= start && start + size <= outer_end); */
static inline bool range_contains(u64 outer_start, u64 outer_end, u64 start, u64 size);

/*@ assigns \nothing;
    ensures (\result != 0) <==> (\exists integer x; a_start <= x < a_end && b_start <= x < b_end);
 */
static inline bool ranges_overlap(u64 a_start, u64 a_end, u64 b_start, u64 b_end);

/*@ assigns \nothing;
    ensures \result <= a && \result <= b && (\result == a || \result == b); */
static inline u64 min_u64(u64 a, u64 b);

/*@ assigns \nothing;
    ensures \result >= a && \result >= b && (\result == a || \result == b); */
static inline u64 max_u64(u64 a, u64 b);

#include "lib/checked_math.h"
