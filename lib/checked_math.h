/*
 * Arithmetic on numbers that come from outside. Ranges are half-open: start <= x < end. A `false`
 * from checked_* means that the result did not fit and *result was not written.
 */
#ifndef LIB_CHECKED_MATH_H
#define LIB_CHECKED_MATH_H

#include "abi/types.h"

#define CHECKED_MUST_USE __attribute__((warn_unused_result))

static inline bool checked_add(u64 a, u64 b, u64 *result) CHECKED_MUST_USE;
static inline bool checked_sub(u64 a, u64 b, u64 *result) CHECKED_MUST_USE;
static inline bool checked_mul(u64 a, u64 b, u64 *result) CHECKED_MUST_USE;
static inline bool checked_align_up(u64 value, u64 alignment, u64 *result) CHECKED_MUST_USE;

static inline bool checked_add(u64 a, u64 b, u64 *result)
{
    u64 sum;

    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *result = sum;
    return true;
}

static inline bool checked_sub(u64 a, u64 b, u64 *result)
{
    u64 difference;

    if (__builtin_sub_overflow(a, b, &difference))
        return false;
    *result = difference;
    return true;
}

static inline bool checked_mul(u64 a, u64 b, u64 *result)
{
    u64 product;

    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *result = product;
    return true;
}

static inline bool is_power_of_two(u64 value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* `alignment` is a power of two in all of these. */
static inline u64 align_down(u64 value, u64 alignment)
{
    return value & ~(alignment - 1);
}

/* For values known to be small enough; see checked_align_up for others. */
static inline u64 align_up(u64 value, u64 alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static inline bool checked_align_up(u64 value, u64 alignment, u64 *result)
{
    u64 sum;

    if (!checked_add(value, alignment - 1, &sum))
        return false;
    *result = align_down(sum, alignment);
    return true;
}

static inline bool is_aligned(u64 value, u64 alignment)
{
    return (value & (alignment - 1)) == 0;
}

/* [offset, offset + size) lies within [0, limit), without computing a sum that could wrap. */
static inline bool range_fits(u64 offset, u64 size, u64 limit)
{
    return offset <= limit && size <= limit - offset;
}

/* [start, start + size) lies within [outer_start, outer_end). */
static inline bool range_contains(u64 outer_start, u64 outer_end, u64 start, u64 size)
{
    return start >= outer_start && start <= outer_end && size <= outer_end - start;
}

/* [a_start, a_end) and [b_start, b_end) share a point; an empty range shares none. */
static inline bool ranges_overlap(u64 a_start, u64 a_end, u64 b_start, u64 b_end)
{
    return a_start < a_end && b_start < b_end && a_start < b_end && b_start < a_end;
}

static inline u64 min_u64(u64 a, u64 b)
{
    return a < b ? a : b;
}

static inline u64 max_u64(u64 a, u64 b)
{
    return a > b ? a : b;
}

#endif
