/* The kernel's monotonic clock, in ns since boot. */
#ifndef FERROUS_TIME_H
#define FERROUS_TIME_H

#include "abi/types.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

u64 time_now_ns(void);

/* The deadline `delay_ns` from now; TIME_NEVER where that would overflow. */
u64 time_after_ns(u64 delay_ns);

/* Waits at least that long. */
void time_sleep_ns(u64 delay_ns);

/* The time-stamp counter: for measuring, in ticks. */
static inline u64 time_ticks(void)
{
    u32 low;
    u32 high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

#endif
