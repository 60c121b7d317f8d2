/* Two calls at once in explored states. */
#ifndef RACE_H
#define RACE_H

#include "tests/sim/explore/alphabet.h"

struct race_totals {
    u64 pairs;
    u64 schedules;
    u64 sequential; /* outcomes that are those of one call after the other */
    u64 explained;  /* outcomes that are neither order's, and good: see race.c */
    u64 other;      /* other outcomes that are neither order's */
};

/* From now on at all points, also where a switch cannot make a difference. */
void race_everywhere(void);

/* In the present state, whose image is given: each pair of calls of two threads on two CPUs, in all
 * interleavings with at most `preemptions` (1 or 2) switches at locks and atomics. Pairs with an
 * outcome that is neither order's are lines of the history. False: something was wrong; what, is
 * noted (violated). */
bool race_all_pairs(const struct sim_image *image, u32 preemptions, struct race_totals *totals);

#endif
