/*
 * The functions that the compiler itself calls, for builds without a C library. Eight bytes at a
 * time: the machines this runs on take unaligned words, and the word type below says so to the
 * compiler.
 *
 * Built with -ffreestanding, which keeps the compiler from turning these loops into calls of
 * themselves.
 */
#include "lib/string.h"

/* A word at any address, of any type's bytes. */
typedef u64 __attribute__((may_alias, aligned(1))) any_u64;

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    u8 *out = to;
    const u8 *in = from;

    for (; size >= 32; size -= 32, out += 32, in += 32) {
        u64 a = ((const any_u64 *)in)[0];
        u64 b = ((const any_u64 *)in)[1];
        u64 c = ((const any_u64 *)in)[2];
        u64 d = ((const any_u64 *)in)[3];

        ((any_u64 *)out)[0] = a;
        ((any_u64 *)out)[1] = b;
        ((any_u64 *)out)[2] = c;
        ((any_u64 *)out)[3] = d;
    }
    for (; size >= 8; size -= 8, out += 8, in += 8)
        *(any_u64 *)out = *(const any_u64 *)in;
    for (; size != 0; size--)
        *out++ = *in++;
    return to;
}

static void copy_backward(u8 *to, const u8 *from, size_t size)
{
    for (; size >= 8; size -= 8)
        *(any_u64 *)(to + size - 8) = *(const any_u64 *)(from + size - 8);
    for (; size != 0; size--)
        to[size - 1] = from[size - 1];
}

void *memmove(void *to, const void *from, size_t size)
{
    u8 *out = to;
    const u8 *in = from;

    if ((uintptr_t)out - (uintptr_t)in < size) {
        copy_backward(out, in, size);
        return to;
    }
    /* A word is read whole before it is written, and what it overwrites lies behind the next read.
     */
    for (; size >= 8; size -= 8, out += 8, in += 8)
        *(any_u64 *)out = *(const any_u64 *)in;
    for (; size != 0; size--)
        *out++ = *in++;
    return to;
}

void *memset(void *to, int value, size_t size)
{
    u8 *out = to;
    u64 word = (u8)value * 0x0101010101010101ull;

    for (; size >= 64; size -= 64, out += 64) {
        ((any_u64 *)out)[0] = word;
        ((any_u64 *)out)[1] = word;
        ((any_u64 *)out)[2] = word;
        ((any_u64 *)out)[3] = word;
        ((any_u64 *)out)[4] = word;
        ((any_u64 *)out)[5] = word;
        ((any_u64 *)out)[6] = word;
        ((any_u64 *)out)[7] = word;
    }
    for (; size >= 8; size -= 8, out += 8)
        *(any_u64 *)out = word;
    for (; size != 0; size--)
        *out++ = (u8)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const u8 *left = a;
    const u8 *right = b;

    for (; size >= 8; size -= 8, left += 8, right += 8)
        if (*(const any_u64 *)left != *(const any_u64 *)right)
            break;
    for (; size != 0; size--, left++, right++)
        if (*left != *right)
            return *left < *right ? -1 : 1;
    return 0;
}

void *memchr(const void *memory, int value, size_t size)
{
    const u8 *bytes = memory;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] == (u8)value)
            return (void *)(uintptr_t)&bytes[i];
    return NULL;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}
