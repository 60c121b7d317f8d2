/* Between directed_main.c and directed_machine.c. */
#ifndef DIRECTED_INTERNAL_H
#define DIRECTED_INTERNAL_H

#include "directed.h"

/* Boots the machine once; every scenario begins with a copy of it. */
void directed_boot(bool verbose);
void directed_begin(void);
/* Ends all that the scenario has made, and compares counts. */
void directed_end(void);
struct run_result *directed_result(void);

/* A scenario is in rounds whose steps are not checked one by one. */
bool directed_is_between_checks(void);

/* All actors but init are gone. */
void directed_forget_actors(void);

#endif
