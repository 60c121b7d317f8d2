/* History of lines. */
#include "history.h"

#include "lib/string.h"

void history_add(struct history *history, const char *line)
{
    const char *newest = history_get(history, 1);

    if (line[0] == '\0' || (newest != NULL && string_equal(newest, line)))
        return;
    string_copy(history->lines[history->count % HISTORY_LINES], HISTORY_LINE_SIZE, line);
    history->count++;
}

const char *history_get(const struct history *history, u32 age)
{
    if (age == 0 || age > history->count || age > HISTORY_LINES)
        return NULL;
    return history->lines[(history->count - age) % HISTORY_LINES];
}
