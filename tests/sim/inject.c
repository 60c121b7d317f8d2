/* Injected failures: the kernel's allocators ask the port's hook (port/inject.h), which decides by
 * chance. */
#include "simulator.h"

#include "port/inject.h"

#define FAIL_ONE_IN 24u

static SIM_STATE struct {
    bool enabled;
    u64 count;
    struct sim_random random;
} state;

static u64 pending_seed;

static bool hook(void)
{
    if (!state.enabled || sim_random_below(&state.random, FAIL_ONE_IN) != 0)
        return false;
    state.count++;
    return true;
}

void inject_reset(u64 seed)
{
    pending_seed = mix(seed, 0xfa11); /* power-on clears the state */
    sim_inject_hook = hook;
}

void inject_enable(bool enabled)
{
    state.enabled = enabled;
    state.random.state = pending_seed;
}

u64 inject_count(void)
{
    return state.count;
}
