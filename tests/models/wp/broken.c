/* Contracts that do not hold, one for each way in which goals are proved. None of the ensures named
 * `wrong` may be proved: else the provers, their drivers or bits.py prove too much. */
#include "abi/types.h"
#include "cap/space.h"

/*@ assigns \nothing;
    ensures wrong: \result < 0x1000; */
u64 wp_mask(u64 value)
{
    return value & 0x1fff;
}

/*@ assigns \nothing;
    ensures wrong: \result == value / 0x100000; */
u64 wp_shift(u64 value)
{
    return value >> 20 & 0xfff;
}

/*@ assigns \nothing;
    ensures wrong: \result == a + b; */
u64 wp_sum(u64 a, u64 b)
{
    return a + b;
}

/*@ assigns \nothing;
    ensures wrong: \result <= limit; */
u64 wp_range(u64 offset, u64 size, u64 limit)
{
    return offset <= limit && size <= limit ? offset + size : 0;
}

/*@ requires \valid_read(ref) && \valid(other);
    assigns other->meta;
    ensures wrong: \result == \old(ref->meta); */
u64 wp_alias(const struct cap_ref *ref, struct cap_ref *other)
{
    other->meta = 1;
    return ref->meta;
}

/*@ requires \valid_read(ref);
    assigns \nothing;
    ensures wrong: (\result & ~rights) == 0; */
u32 wp_rights(const struct cap_ref *ref, u32 rights)
{
    return (u32)ref->meta | rights;
}
