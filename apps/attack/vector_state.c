/* Patterns for vector registers, and what the CPU offers. */
#include "vectors.h"

struct cpuid {
    u32 a, b, c, d;
};

static struct cpuid cpuid(u32 leaf)
{
    struct cpuid r;

    __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(0));
    return r;
}

#define OSXSAVE (1u << 27)
#define AVX     (1u << 28)

bool has_avx(void)
{
    u32 low;
    u32 high;

    if ((cpuid(1).c & (OSXSAVE | AVX)) != (OSXSAVE | AVX))
        return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

bool has_fsgsbase(void)
{
    return cpuid(0).a >= 7 && (cpuid(7).b & 1) != 0;
}

bool has_umip(void)
{
    return cpuid(0).a >= 7 && (cpuid(7).c & 4) != 0;
}

static u64 pattern(u64 number, u32 index, u32 part)
{
    return (number + 1) * 0x0101010101010101ull ^ (u64)index << 48 ^ (u64)part << 32;
}

/* Rounding and flush modes differ by number; all exceptions stay masked. */
static u32 mxcsr_of(u64 number)
{
    return MXCSR_INITIAL | (u32)(number % 4) << 13 | (u32)(number / 4 % 2) << 15;
}

static u16 control_of(u64 number)
{
    return (u16)(FCW_INITIAL ^ (number % 4) << 10);
}

/* A double between 1 and 2, so that it comes out of the x87 stack as it went in. */
static u64 value_of(u64 number)
{
    return 0x3ff0000000000000ull | (number + 1) << 20;
}

static u32 width(void)
{
    return has_avx() ? 4 : 2;
}

void vectors_fill(struct vectors *vectors, u64 number)
{
    for (u32 i = 0; i < VECTOR_COUNT; i++) {
        for (u32 j = 0; j < 4; j++)
            vectors->ymm[i][j] = pattern(number, i, j);
    }
    vectors->mxcsr = mxcsr_of(number);
    vectors->control = control_of(number);
    vectors->value = value_of(number);
}

bool vectors_are(const struct vectors *vectors, u64 number)
{
    u64 wrong = 0;

    for (u32 i = 0; i < VECTOR_COUNT; i++) {
        for (u32 j = 0; j < width(); j++)
            wrong |= vectors->ymm[i][j] ^ pattern(number, i, j);
    }
    return wrong == 0 && vectors->mxcsr == mxcsr_of(number) &&
           vectors->control == control_of(number) && vectors->value == value_of(number);
}

bool vectors_are_clear(const struct vectors *vectors)
{
    u64 seen = 0;

    for (u32 i = 0; i < VECTOR_COUNT; i++) {
        for (u32 j = 0; j < width(); j++)
            seen |= vectors->ymm[i][j];
    }
    return seen == 0 && vectors->mxcsr == MXCSR_INITIAL && vectors->control == FCW_INITIAL;
}

bool vectors_are_clear_or(const struct vectors *vectors, u64 number)
{
    return vectors_are_clear(vectors) || vectors_are(vectors, number);
}
