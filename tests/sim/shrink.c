/*
 * Making a failing run smaller: steps are left out in ever smaller blocks as long as the same
 * invariant still fails. Bounded in runs; what is left is replayed verbosely.
 */
#include "simulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_LIMIT 500u

struct shrinker {
    struct sim_options options;
    u64 seed;
    const char *invariant;
    struct step_mask mask;
    u32 runs;
};

static bool still_fails(struct shrinker *shrinker)
{
    struct run_result result;
    shrinker->runs++;
    run_seed(&shrinker->options, shrinker->seed, &shrinker->mask, &result);
    return result.failed && strcmp(result.invariant, shrinker->invariant) == 0;
}

/* Tries to leave out [start, start + length); keeps the change if the failure stays. */
static void try_block(struct shrinker *shrinker, u32 start, u32 length)
{
    u8 *skip = shrinker->mask.skip;
    u32 count = shrinker->mask.count;
    length = start + length > count ? count - start : length;
    u8 *saved = malloc(length);
    if (!saved)
        abort();
    memcpy(saved, skip + start, length);
    bool any = memchr(saved, 0, length) != NULL;
    memset(skip + start, 1, length);
    if (any && !still_fails(shrinker))
        memcpy(skip + start, saved, length);
    free(saved);
}

void shrink_and_print(const struct sim_options *options, u64 seed, const struct run_result *failure)
{
    struct shrinker shrinker = {.options = *options, .seed = seed};
    char invariant[sizeof(failure->invariant)];
    memcpy(invariant, failure->invariant, sizeof(invariant));
    shrinker.invariant = invariant;
    shrinker.options.verbose = false;
    shrinker.options.check_every = 1;
    if (failure->step < options->steps)
        shrinker.options.steps = failure->step + 1;
    u32 count = shrinker.options.steps;
    shrinker.mask = (struct step_mask){.skip = calloc(count + 1, 1), .count = count};
    if (!shrinker.mask.skip)
        abort();
    for (u32 length = (count + 1) / 2; length > 0; length /= 2)
        for (u32 start = 0; start < count && shrinker.runs < RUN_LIMIT; start += length)
            try_block(&shrinker, start, length);

    u32 left = 0;
    for (u32 i = 0; i < count; i++)
        left += !shrinker.mask.skip[i];
    printf("smallest failing run found (%u of %u steps, %u runs):\n", left, count, shrinker.runs);
    struct run_result result;
    shrinker.options.verbose = true;
    run_seed(&shrinker.options, seed, &shrinker.mask, &result);
    printf("  -> %s: %s\n", result.invariant, result.message);
    free(shrinker.mask.skip);
}
