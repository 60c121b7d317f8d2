/* kernel/cap/space.h: the meta word of a slot. Type, flags and rights lie apart, so that none can
 * become another. */
#include "kernel/cap/space.h"

/*@ requires \valid_read(ref);
    assigns \nothing;
    ensures \result == ref->meta % 0x100000000; */
static inline u32 cap_ref_rights(const struct cap_ref *ref);

/*@ requires \valid_read(ref);
    assigns \nothing;
    ensures \result == ref->meta / 0x100000000000000; */
static inline enum object_type cap_ref_type(const struct cap_ref *ref);

/*@ requires type < OBJECT_TYPE_COUNT && (flags & ~CAP_FLAGS_MASK) == 0;
    assigns \nothing;
    ensures type: \result / 0x100000000000000 == type;
    ensures rights: \result % 0x100000000 == rights;
    ensures flags: (\result & CAP_FLAGS_MASK) == flags;
    ensures unused: (\result / 0x100000000) % 0x10000 == 0; */
static inline u64 cap_meta(u8 type, u64 flags, u32 rights);

/* The check of kernel/cap/lookup.c: passes only with all that was asked for. */
/*@ requires \valid_read(ref);
    assigns \nothing;
    ensures (\result == 0) <==> ((rights & ref->meta) == rights); */
u32 wp_missing_rights(const struct cap_ref *ref, u32 rights)
{
    return rights & ~cap_ref_rights(ref);
}

/* Reduced on the way (kernel/cap/transfer.c, move_locked): never more than before, never more than
 * asked for. */
/*@ requires \valid_read(ref);
    assigns \nothing;
    ensures held: (\result & ~(u32)ref->meta) == 0;
    ensures asked: (\result & ~rights) == 0; */
u32 wp_reduced_rights(const struct cap_ref *ref, u32 rights)
{
    return cap_ref_rights(ref) & rights;
}
