/* Fixed-point scaling between counters and nanoseconds: factors are 32.32. Pure functions. */
#ifndef X86_64_CLOCK_SCALE_H
#define X86_64_CLOCK_SCALE_H

#include "abi/types.h"

/* value * factor; the product is cut to 64 bits after the shift, which at 1 ns per tick lasts 584
 * years. */
static inline u64 scale(u64 value, u64 factor)
{
    return (u64)((unsigned __int128)value * factor >> 32);
}

/* How many `out` per `in`; out below 2^32, in not 0. */
static inline u64 scale_factor(u64 out, u64 in)
{
    return (out << 32) / in;
}

/* Nanoseconds per tick of a counter with this period; at most 100,000,000 fs. */
static inline u64 scale_of_period_fs(u64 period_fs)
{
    return (period_fs << 32) / 1000000u;
}

/* Ticks for a delay of `delay_ns` on a 32-bit count-down timer: at least 1, rounded up, cut to what
 * fits. */
static inline u32 timer_ticks(u64 delay_ns, u64 ticks_per_ns)
{
    unsigned __int128 ticks = ((unsigned __int128)delay_ns * ticks_per_ns >> 32) + 1;
    return ticks > UINT32_MAX ? UINT32_MAX : (u32)ticks;
}

#endif
