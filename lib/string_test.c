#include "lib/string.h"

#include "unit.h"

/* The freestanding functions under other names, so that they can be compared with the C library's.
 */
#define memcpy  own_memcpy
#define memmove own_memmove
#define memset  own_memset
#define memcmp  own_memcmp
#define memchr  own_memchr
#define strlen  own_strlen
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *memory, int value, size_t size);
size_t strlen(const char *text);
#include "lib/memory.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen

#define AREA 300

static void fill(u8 *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (u8)unit_random();
}

TEST(memory_functions_match_the_c_library)
{
    for (int round = 0; round < 20000; round++) {
        u8 area[AREA];
        u8 expected[AREA];
        size_t size = unit_random_below(round % 4 == 0 ? 150 : 20);
        size_t from = unit_random_below(AREA - size);
        size_t to = unit_random_below(AREA - size);
        int value = (int)unit_random_below(256);

        fill(area, AREA);
        memcpy(expected, area, AREA);
        EXPECT(own_memmove(area + to, area + from, size) == area + to);
        memmove(expected + to, expected + from, size);
        EXPECT_MEM_EQ(area, expected, AREA);
        if (from + size <= to || to + size <= from) {
            EXPECT(own_memcpy(area + to, area + from, size) == area + to);
            memcpy(expected + to, expected + from, size);
            EXPECT_MEM_EQ(area, expected, AREA);
        }
        EXPECT(own_memset(area + to, value, size) == area + to);
        memset(expected + to, value, size);
        EXPECT_MEM_EQ(area, expected, AREA);
    }
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

TEST(comparison_has_the_sign_of_the_first_difference)
{
    for (int round = 0; round < 5000; round++) {
        u8 a[64];
        u8 b[64];
        size_t size = unit_random_below(65);

        fill(a, 64);
        memcpy(b, a, 64);
        EXPECT_EQ(own_memcmp(a, b, size), 0);
        if (size != 0)
            b[unit_random_below(size)] = (u8)unit_random();
        EXPECT_EQ(sign(own_memcmp(a, b, size)), sign(memcmp(a, b, size)));
    }
    for (int round = 0; round < 1000; round++) {
        u8 bytes[40];
        int value = (int)unit_random_below(256);
        size_t size = unit_random_below(41);

        fill(bytes, sizeof(bytes));
        EXPECT(own_memchr(bytes, value, size) == memchr(bytes, value, size));
        bytes[unit_random_below(40)] = (u8)value;
        EXPECT(own_memchr(bytes, value, size) == memchr(bytes, value, size));
    }
    EXPECT_EQ(own_strlen(""), 0);
    EXPECT_EQ(own_strlen("four"), 4);
}

TEST(copy_is_cut_and_terminated)
{
    char buffer[6] = "xxxxx";

    EXPECT_EQ(string_copy(buffer, sizeof(buffer), "abc"), 3);
    EXPECT_STR_EQ(buffer, "abc");
    EXPECT_EQ(string_copy(buffer, sizeof(buffer), "abcdefgh"), 5);
    EXPECT_STR_EQ(buffer, "abcde");
    EXPECT_EQ(string_copy(buffer, 1, "abc"), 0);
    EXPECT_STR_EQ(buffer, "");
    buffer[0] = 'z';
    EXPECT_EQ(string_copy(buffer, 0, "abc"), 0);
    EXPECT_EQ(buffer[0], 'z');
}

TEST(bounded_length_reads_no_further)
{
    char text[3] = {'a', 'b', 'c'};

    EXPECT_EQ(string_length_bounded(text, 3), 3);
    EXPECT_EQ(string_length_bounded("ab", 10), 2);
    EXPECT_EQ(string_length_bounded(text, 0), 0);
}

TEST(comparing_and_finding)
{
    EXPECT(string_equal("", ""));
    EXPECT(string_equal("abc", "abc"));
    EXPECT(!string_equal("abc", "abd"));
    EXPECT(!string_equal("abc", "ab"));
    EXPECT(!string_equal("ab", "abc"));
    EXPECT(string_starts_with("slide=off", "slide="));
    EXPECT(string_starts_with("x", ""));
    EXPECT(!string_starts_with("sl", "slide"));
    EXPECT(string_contains("slide=off", "e=o"));
    EXPECT(string_contains("slide", "slide") && string_contains("", ""));
    EXPECT(!string_contains("slide", "slides") && !string_contains("", "s"));
    EXPECT_STR_EQ(string_find("a=b=c", '='), "=b=c");
    EXPECT(string_find("abc", '=') == NULL);
}

TEST(numbers_are_whole_and_in_range)
{
    static const struct {
        const char *text;
        bool ok;
        u64 value;
    } cases[] = {
        {"0", true, 0},
        {"42", true, 42},
        {"0x2a", true, 42},
        {"0xFFffFFffFFffFFff", true, UINT64_MAX},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"0x10000000000000000", false, 0},
        {"", false, 0},
        {"0x", false, 0},
        {"12a", false, 0},
        {" 1", false, 0},
        {"-1", false, 0},
        {"1 ", false, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        u64 value = 77;

        EXPECT_EQ(string_to_u64(cases[i].text, &value), cases[i].ok);
        EXPECT_EQ(value, cases[i].ok ? cases[i].value : 77);
    }
}

TEST(wiping_zeroes_exactly_its_bytes)
{
    u8 bytes[5] = {1, 2, 3, 4, 5};

    memory_wipe(bytes + 1, 3);
    EXPECT_MEM_EQ(bytes, ((const u8[5]){1, 0, 0, 0, 5}), 5);
}
