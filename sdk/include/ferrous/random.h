/* Random numbers for programs: a ChaCha20 generator per process, seeded from what the kernel drew
 * for this process. */
#ifndef FERROUS_RANDOM_H
#define FERROUS_RANDOM_H

#include "abi/types.h"

u64 random_value(void);
/* 0 to limit - 1, each as likely. */
u64 random_value_below(u64 limit);
void random_bytes(void *out, size_t size_bytes);

/* From now on the same numbers in every run with this seed: for programs that measure. Nothing that
 * they draw is secret then. */
void random_fix(u64 seed);

#endif
