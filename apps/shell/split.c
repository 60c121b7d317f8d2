/* A command line into words. */
#include "shell.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Closes the gap that quotes leave: the word is copied onto itself. Returns where it ended; NULL:
 * unclosed quote. */
static char *take_word(char *from)
{
    char *to = from;
    bool quoted = false;

    for (; *from != '\0' && (quoted || !is_blank(*from)); from++) {
        if (*from == '"')
            quoted = !quoted;
        else
            *to++ = *from;
    }
    if (quoted)
        return NULL;
    if (*from != '\0')
        from++;
    *to = '\0';
    return from;
}

int shell_split(char *line, char **words, int max)
{
    int count = 0;

    for (;;) {
        while (is_blank(*line))
            line++;
        if (*line == '\0')
            return count;
        if (count == max)
            return -1;
        words[count++] = line;
        line = take_word(line);
        if (line == NULL)
            return -1;
    }
}
