/* Assertions: a kernel bug ends in a panic with the reason; never used on user input. */
#ifndef CORE_ASSERT_H
#define CORE_ASSERT_H

#include "arch/types.h"

/* Prints the reason with CPU, thread, stack trace and last events, stops all CPUs. */
NORETURN void panic(const char *format, ...) PRINTF(1, 2);

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (unlikely(!(condition)))                                                                \
            panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__);                 \
    } while (0)

#ifdef FERROUS_DEBUG
#define DEBUG_ASSERT(condition) ASSERT(condition)
#else
#define DEBUG_ASSERT(condition) ((void)sizeof(condition))
#endif

#endif
