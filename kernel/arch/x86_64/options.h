/* Words of the kernel's command line. */
#ifndef X86_64_OPTIONS_H
#define X86_64_OPTIONS_H

#include "abi/types.h"

/* Does `line` hold the word NAME=VALUE (words are separated by blanks)? `option` is that whole
 * word. */
static inline bool command_line_has(const char *line, const char *option)
{
    while (*line) {
        while (*line == ' ')
            line++;
        const char *o = option;
        while (*o && *line == *o) {
            line++;
            o++;
        }
        if (!*o && (*line == ' ' || *line == '\0'))
            return true;
        while (*line && *line != ' ')
            line++;
    }
    return false;
}

#endif
