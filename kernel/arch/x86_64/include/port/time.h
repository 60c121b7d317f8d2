/*
 * x86_64: the cycle counter is the TSC.
 *
 * SAFETY (this file): RDTSC changes no state but its two registers.
 */
#ifndef PORT_TIME_H
#define PORT_TIME_H

#include "arch/types.h"

static inline u64 arch_cycles(void)
{
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

#endif
