/* Strings with bounds. No state. */
#include "lib/string.h"

#include "lib/checked_math.h"

size_t string_length_bounded(const char *text, size_t limit)
{
    size_t length = 0;

    while (length < limit && text[length] != '\0')
        length++;
    return length;
}

size_t string_copy(char *to, size_t size, const char *from)
{
    size_t length;

    if (size == 0)
        return 0;
    length = string_length_bounded(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
    return length;
}

bool string_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

bool string_starts_with(const char *text, const char *prefix)
{
    while (*prefix != '\0' && *text == *prefix) {
        text++;
        prefix++;
    }
    return *prefix == '\0';
}

bool string_contains(const char *text, const char *word)
{
    while (*text != '\0' && !string_starts_with(text, word))
        text++;
    return string_starts_with(text, word);
}

const char *string_find(const char *text, char character)
{
    for (; *text != '\0'; text++)
        if (*text == character)
            return text;
    return NULL;
}

/* 16 for anything that is no digit. */
static u32 digit_value(char character)
{
    if (character >= '0' && character <= '9')
        return (u32)(character - '0');
    if (character >= 'a' && character <= 'f')
        return (u32)(character - 'a') + 10;
    if (character >= 'A' && character <= 'F')
        return (u32)(character - 'A') + 10;
    return 16;
}

bool string_to_u64(const char *text, u64 *value)
{
    u64 base = 10;
    u64 result = 0;

    if (string_starts_with(text, "0x")) {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        u64 digit = digit_value(*text);

        if (digit >= base || !checked_mul(result, base, &result) ||
            !checked_add(result, digit, &result))
            return false;
    }
    *value = result;
    return true;
}

void memory_wipe(void *memory, size_t size)
{
    volatile u8 *bytes = memory;

    for (size_t i = 0; i < size; i++)
        bytes[i] = 0;
}
