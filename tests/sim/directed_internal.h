/* Between directed_main.c and directed_machine.c. */
#ifndef DIRECTED_INTERNAL_H
#define DIRECTED_INTERNAL_H

#include "directed.h"

/* Every scenario begins with a copy of a machine that has booted, with that many CPUs. */
void directed_boot(bool verbose, u32 cpus);
void directed_begin(u32 cpus);
/* Ends all that the scenario has made, and compares counts. */
void directed_end(void);
struct run_result *directed_result(void);

/* A scenario is in rounds whose steps are not checked one by one. */
bool directed_is_between_checks(void);

/* All actors but init are gone. */
void directed_forget_actors(void);

#endif
