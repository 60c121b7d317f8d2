/* The kernel's command line. */
#include "init/command_line.h"

#include "lib/string.h"

bool command_line_has(const char *line, const char *word)
{
    size_t length = strlen(word);
    while (*line != '\0') {
        while (*line == ' ')
            line++;
        size_t end = 0;
        while (line[end] != '\0' && line[end] != ' ')
            end++;
        if (end == length && memcmp(line, word, length) == 0)
            return true;
        line += end;
    }
    return false;
}
