/* The shell's history. */
#include "history.h"

#include "lib/format.h"
#include "lib/string.h"
#include "unit.h"

TEST(newest_line_comes_first)
{
    static struct history history;

    memset(&history, 0, sizeof(history));
    EXPECT(history_get(&history, 1) == NULL);
    history_add(&history, "one");
    history_add(&history, "two");
    EXPECT_STR_EQ(history_get(&history, 1), "two");
    EXPECT_STR_EQ(history_get(&history, 2), "one");
    EXPECT(history_get(&history, 3) == NULL);
    EXPECT(history_get(&history, 0) == NULL);
}

TEST(empty_and_repeated_lines_are_not_kept)
{
    static struct history history;

    memset(&history, 0, sizeof(history));
    history_add(&history, "");
    history_add(&history, "same");
    history_add(&history, "same");
    EXPECT_EQ(history.count, 1);
}

TEST(oldest_lines_are_forgotten)
{
    static struct history history;
    char line[16];

    memset(&history, 0, sizeof(history));
    for (u32 i = 0; i < HISTORY_LINES + 10; i++) {
        format_to(line, sizeof(line), "line %u", i);
        history_add(&history, line);
    }
    format_to(line, sizeof(line), "line %u", 10);
    EXPECT_STR_EQ(history_get(&history, HISTORY_LINES), line);
    EXPECT(history_get(&history, HISTORY_LINES + 1) == NULL);
}
