/*
 * Clock and timer. The clock is the TSC where it is invariant (or trusted on the command line:
 * tsc=trust), else the HPET, else the TSC made monotonic across CPUs by a shared maximum.
 */
#ifndef X86_64_CLOCK_H
#define X86_64_CLOCK_H

#include "abi/bootinfo.h"
#include "arch/time.h"

/* Notes when the kernel began: time 0. */
void clock_note_start(void);

/* Finds and calibrates TSC and LAPIC timer in about 2 ms; boot processor. */
void clock_init(const struct boot_info *boot);

/* A CPU's TSC was found out of step: stop using it as the clock. */
void clock_distrust_tsc(void);

/* Busy wait. */
void clock_delay_ns(u64 duration_ns);

/* Prepares the calling CPU's timer. */
void timer_init_cpu(void);

/* The timer interrupt: has the armed deadline passed? If not (early, or a long one in several
 * steps) the timer is armed for the rest. */
bool timer_has_expired(u64 *now_ns);

#endif
