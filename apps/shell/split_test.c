/* Cutting a command line into words. */
#include "shell.h"

#include "lib/string.h"
#include "unit.h"

static char line[128];
static char *words[4];

static int split(const char *text)
{
    string_copy(line, sizeof(line), text);
    return shell_split(line, words, 4);
}

TEST(blanks_separate)
{
    EXPECT_EQ(split("  one\ttwo  three "), 3);
    EXPECT_STR_EQ(words[0], "one");
    EXPECT_STR_EQ(words[1], "two");
    EXPECT_STR_EQ(words[2], "three");
    EXPECT_EQ(split(""), 0);
    EXPECT_EQ(split("   "), 0);
}

TEST(quotes_hold_together)
{
    EXPECT_EQ(split("a \"b c\" d\"e f\"g \"\""), 4);
    EXPECT_STR_EQ(words[1], "b c");
    EXPECT_STR_EQ(words[2], "de fg");
    EXPECT_STR_EQ(words[3], "");
}

TEST(too_much_is_told)
{
    EXPECT(split("a b c d") == 4);
    EXPECT(split("a b c d e") == -1);
    EXPECT(split("a \"b") == -1);
}
