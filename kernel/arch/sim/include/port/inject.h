/* Port of the simulator: failures come from the program that links the kernel. */
#ifndef PORT_INJECT_H
#define PORT_INJECT_H

#include "arch/types.h"

/* Asked at each place that may fail; NULL: nothing fails. Not part of the simulated machine's
 * state. */
extern bool (*sim_inject_hook)(void);

static inline bool arch_inject_failure(void)
{
    return sim_inject_hook != NULL && sim_inject_hook();
}

#endif
