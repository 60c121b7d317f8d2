/* The hook for injected failures; see port/inject.h. */
#include "arch/inject.h"

bool (*sim_inject_hook)(void);
