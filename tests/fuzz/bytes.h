/* Little-endian fields in a buffer: for making inputs. */
#ifndef FUZZ_BYTES_H
#define FUZZ_BYTES_H

#include "abi/types.h"

/* The lowest `width` bytes of `value`. */
static inline void put_field(u8 *at, u32 width, u64 value)
{
    for (u32 i = 0; i < width; i++)
        at[i] = (u8)(value >> (8 * i));
}

static inline u64 get_field(const u8 *at, u32 width)
{
    u64 value = 0;
    for (u32 i = 0; i < width; i++)
        value |= (u64)at[i] << (8 * i);
    return value;
}

/* Values that break code which adds, multiplies or compares without care. */
#define WILD_VALUE_COUNT 20u

static inline u64 wild_value(u32 index)
{
    static const u64 values[WILD_VALUE_COUNT] = {
        0,
        1,
        2,
        7,
        0x7f,
        0x80,
        0xff,
        0x1000,
        0x1fff,
        0x7fff,
        0xffff,
        0x7fffffff,
        0x80000000,
        0xfffff000,
        0xffffffff,
        0x7fffffffffffffff,
        0x8000000000000000,
        0xfffffffffffff000,
        0xfffffffffffffff8,
        0xffffffffffffffff,
    };
    return values[index];
}

#endif
