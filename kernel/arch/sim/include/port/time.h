/* The simulator: a count that reading advances (kernel/arch/sim/time.c). */
#ifndef PORT_TIME_H
#define PORT_TIME_H

#include "arch/types.h"

u64 arch_cycles(void);

#endif
