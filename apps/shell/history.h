/* The lines typed before: a ring of the last HISTORY_LINES, newest first. Repeats of the newest are
 * not kept twice. */
#ifndef SHELL_HISTORY_H
#define SHELL_HISTORY_H

#include "abi/types.h"

#define HISTORY_LINES     32u
#define HISTORY_LINE_SIZE 256u

struct history {
    u32 count; /* lines ever added */
    char lines[HISTORY_LINES][HISTORY_LINE_SIZE];
};

/* Empty lines are not kept; long ones are cut. */
void history_add(struct history *history, const char *line);

/* The line `age` back, 1 is the newest; NULL where there is none. */
const char *history_get(const struct history *history, u32 age);

#endif
