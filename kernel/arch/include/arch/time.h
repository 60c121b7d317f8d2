/* Clock, one-shot timer and entropy. */
#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include "arch/types.h"
#include "port/time.h" /* defines arch_cycles, see below */

struct info_page;

/* Nanoseconds since boot; monotonic on one CPU and across CPUs. */
u64 arch_clock_ns(void);

/* u64 arch_cycles(void), in line: the raw cycle counter, for cheap intervals on one CPU. Not for
 * ordering across CPUs. Its rate: ns per cycle, 32.32, as far as one is known. */
u64 arch_cycles_to_ns(u64 cycles);
u64 arch_cycle_factor(void);

/* Arms this CPU's timer: upcall_timer() at or soon after `deadline_ns` (at once if it has passed);
 * TIME_NEVER disarms. Cheap to call with the value that is armed already. */
void arch_timer_set(u64 deadline_ns);

/* Fills the clock fields of the info page. */
void arch_clock_describe(struct info_page *page);

/* Fills 8 bytes from the CPU's random source, else timing jitter; always some bits, maybe few. */
u64 arch_entropy(void);

#endif
