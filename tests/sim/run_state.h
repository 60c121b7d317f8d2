/* The run under way; for trace.c and run.c. */
#ifndef RUN_STATE_H
#define RUN_STATE_H

#include "simulator.h"

struct run_result *run_current(void);

#endif
