#include "lib/bitmap.h"

#include "unit.h"

TEST(bits_are_set_and_cleared_alone)
{
    u64 words[BITMAP_WORDS(130)] = {0};

    EXPECT_EQ(sizeof(words), 24);
    bitmap_set(words, 0);
    bitmap_set(words, 63);
    bitmap_set(words, 64);
    bitmap_set(words, 129);
    for (u64 bit = 0; bit < 130; bit++)
        EXPECT_EQ(bitmap_test(words, bit), bit == 0 || bit == 63 || bit == 64 || bit == 129);
    EXPECT_EQ(bitmap_count(words, 130), 4);
    EXPECT_EQ(bitmap_count(words, 129), 3);
    EXPECT_EQ(bitmap_count(words, 64), 2);
    bitmap_clear(words, 63);
    EXPECT(!bitmap_test(words, 63));
    EXPECT(bitmap_test(words, 64));
}

TEST(searches_match_a_look_at_every_bit)
{
    for (int round = 0; round < 2000; round++) {
        u64 words[4] = {0};
        u64 size = 1 + unit_random_below(256);
        u64 from = unit_random_below(size + 1);
        u64 bits = unit_random_below(6);
        u64 set = BITMAP_NONE;
        u64 clear = BITMAP_NONE;

        for (u64 i = 0; i < bits; i++)
            bitmap_set(words, unit_random_below(256));
        if (round % 2 == 1)
            for (u64 i = 0; i < 4; i++)
                words[i] = ~words[i];
        for (u64 bit = size; bit-- > from;) {
            if (bitmap_test(words, bit))
                set = bit;
            else
                clear = bit;
        }
        EXPECT_EQ(bitmap_find_set(words, size, from), set);
        EXPECT_EQ(bitmap_find_clear(words, size, from), clear);
    }
}
