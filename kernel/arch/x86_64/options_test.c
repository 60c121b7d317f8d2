#include "options.h"

#include "unit.h"

TEST(a_word_is_found_anywhere_in_the_line)
{
    EXPECT(command_line_has("tsc=trust", "tsc=trust"));
    EXPECT(command_line_has("tsc=trust fb=off", "tsc=trust"));
    EXPECT(command_line_has("a b=c  fb=off", "fb=off"));
    EXPECT(command_line_has("a fb=off ", "fb=off"));
    EXPECT(command_line_has("fb=on fb=off", "fb=off"));
}

TEST(part_of_a_word_is_not_the_word)
{
    EXPECT(!command_line_has("", "fb=off"));
    EXPECT(!command_line_has("fb=of", "fb=off"));
    EXPECT(!command_line_has("fb=offset", "fb=off"));
    EXPECT(!command_line_has("xfb=off", "fb=off"));
    EXPECT(!command_line_has("fb= off", "fb=off"));
}
