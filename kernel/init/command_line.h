/* The kernel's command line: words separated by blanks. */
#ifndef INIT_COMMAND_LINE_H
#define INIT_COMMAND_LINE_H

#include "arch/types.h"

/* Is `word` (for example "test_exit=on") one of its words? */
bool command_line_has(const char *line, const char *word);

#endif
