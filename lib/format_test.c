#include "lib/format.h"

#include "unit.h"

#include <stdio.h>

/* The same format through the C library: text and length must agree. */
#define EXPECT_LIKE_PRINTF(...)                                                                    \
    do {                                                                                           \
        char own[128];                                                                             \
        char reference[128];                                                                       \
        size_t length = format_to(own, sizeof(own), __VA_ARGS__);                                  \
        int reference_length = snprintf(reference, sizeof(reference), __VA_ARGS__);                \
        EXPECT_STR_EQ(own, reference);                                                             \
        EXPECT_EQ(length, reference_length);                                                       \
    } while (0)

TEST(integers)
{
    EXPECT_LIKE_PRINTF("%d %i %u", 0, -5, 7u);
    EXPECT_LIKE_PRINTF("%d %d", INT32_MIN, INT32_MAX);
    EXPECT_LIKE_PRINTF("%ld %lld", INT64_MIN, (long long)INT64_MAX);
    EXPECT_LIKE_PRINTF("%lu %llu %zu", UINT64_MAX, (unsigned long long)UINT64_MAX, SIZE_MAX);
    EXPECT_LIKE_PRINTF("%x %X %lx", 0xbeefu, 0xbeefu, UINT64_MAX);
    EXPECT_LIKE_PRINTF("%#x %#X %#x", 0xbeefu, 0xbeefu, 0u);
    EXPECT_LIKE_PRINTF("%hhu %hu %hhd %hd", (unsigned char)200, (unsigned short)60000,
                       (signed char)-100, (short)-30000);
    EXPECT_LIKE_PRINTF("%+d % d %+d", 5, 5, -5);
}

TEST(widths_and_padding)
{
    EXPECT_LIKE_PRINTF("[%5d][%-5d][%05d]", 42, 42, 42);
    EXPECT_LIKE_PRINTF("[%5d][%-5d][%05d]", -42, -42, -42);
    EXPECT_LIKE_PRINTF("[%1d][%016lx][%#010x]", 12345, 0xabcul, 0xabcu);
    EXPECT_LIKE_PRINTF("[%.5d][%8.3d][%-8.3d]", 42, 42, 42);
    EXPECT_LIKE_PRINTF("[%.0d][%.0x]", 0, 0u);
    EXPECT_LIKE_PRINTF("[%*d][%-*d][%*d]", 6, 1, 6, 2, -6, 3);
}

TEST(strings_and_characters)
{
    EXPECT_LIKE_PRINTF("%s|%10s|%-10s|", "abc", "abc", "abc");
    EXPECT_LIKE_PRINTF("%.2s|%8.2s|%.*s|%.*s", "abc", "abc", 1, "abc", -1, "abc");
    EXPECT_LIKE_PRINTF("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
    EXPECT_LIKE_PRINTF("%d%%", 50);
}

TEST(unterminated_text_is_read_to_its_precision)
{
    char text[3] = {'a', 'b', 'c'};
    char out[8];

    EXPECT_EQ(format_to(out, sizeof(out), "%.3s", text), 3);
    EXPECT_STR_EQ(out, "abc");
}

TEST(pointers_and_null_text)
{
    char out[32];
    const char *volatile none = NULL;

    format_to(out, sizeof(out), "%p %p", (void *)0x1234abcd, (void *)0);
    EXPECT_STR_EQ(out, "0x1234abcd 0x0");
    format_to(out, sizeof(out), "%s", none);
    EXPECT_STR_EQ(out, "(null)");
}

TEST(output_is_cut_to_the_buffer)
{
    char out[8] = "zzzzzzz";

    EXPECT_EQ(format_to(out, 5, "%s", "abcdefgh"), 4);
    EXPECT_STR_EQ(out, "abcd");
    EXPECT_EQ(out[5], 'z');
    EXPECT_EQ(format_to(out, 1, "%d", 12), 0);
    EXPECT_STR_EQ(out, "");
    EXPECT_EQ(format_to(NULL, 0, "%d", 12), 0);
    EXPECT_EQ(format_to(out, sizeof(out), "%1000000d", 1), 7);
    EXPECT_STR_EQ(out, "       ");
}

/* What the compiler would refuse in a literal. */
static size_t format_unchecked(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    size_t length;

    va_start(arguments, format);
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
    length = format_to_va(out, size, format, arguments);
#pragma clang diagnostic pop
    va_end(arguments);
    return length;
}

TEST(unknown_and_cut_conversions_are_copied)
{
    char out[16];

    format_unchecked(out, sizeof(out), "a%qb");
    EXPECT_STR_EQ(out, "a%qb");
    format_unchecked(out, sizeof(out), "a%");
    EXPECT_STR_EQ(out, "a%");
    format_unchecked(out, sizeof(out), "a%08l");
    EXPECT_STR_EQ(out, "a%08l");
}
