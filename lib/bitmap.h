/*
 * Bitmaps: arrays of 64-bit words owned by the caller. Bit n is bit n % 64 of word n / 64. Not
 * atomic; no bounds are checked beyond those given.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "abi/types.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

/* What the searches return when there is no such bit. */
#define BITMAP_NONE UINT64_MAX

static inline bool bitmap_test(const u64 *words, u64 bit)
{
    return (words[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(u64 *words, u64 bit)
{
    words[bit / 64] |= 1ull << (bit % 64);
}

static inline void bitmap_clear(u64 *words, u64 bit)
{
    words[bit / 64] &= ~(1ull << (bit % 64));
}

/* First bit at or after `from` and below `bit_count` whose value is `value`. */
static inline u64 bitmap_find(const u64 *words, u64 bit_count, u64 from, bool value)
{
    u64 flip = value ? 0 : UINT64_MAX;

    for (u64 bit = from; bit < bit_count; bit = (bit / 64 + 1) * 64) {
        u64 word = (words[bit / 64] ^ flip) & (UINT64_MAX << (bit % 64));

        if (word != 0) {
            u64 found = bit / 64 * 64 + (u64)__builtin_ctzll(word);

            return found < bit_count ? found : BITMAP_NONE;
        }
    }
    return BITMAP_NONE;
}

static inline u64 bitmap_find_set(const u64 *words, u64 bit_count, u64 from)
{
    return bitmap_find(words, bit_count, from, true);
}

static inline u64 bitmap_find_clear(const u64 *words, u64 bit_count, u64 from)
{
    return bitmap_find(words, bit_count, from, false);
}

/* Number of bits set among the first `bit_count`. */
static inline u64 bitmap_count(const u64 *words, u64 bit_count)
{
    u64 count = 0;

    for (u64 bit = 0; bit < bit_count; bit += 64) {
        u64 rest = bit_count - bit;
        u64 word = rest < 64 ? words[bit / 64] & ((1ull << rest) - 1) : words[bit / 64];

        count += (u64)__builtin_popcountll(word);
    }
    return count;
}

#endif
