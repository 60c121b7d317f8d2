/* kernel/cap/space_internal.h: what is put into a handle comes out again, and no two different
 * things make the same. */
#include "abi/types.h"

/*@ requires index <= 0xfffff && 1 <= generation <= 0xfff;
    assigns \nothing;
    ensures packed: \result == index + generation * 0x100000 + secret * 0x100000000;
    ensures named: \result != 0; */
static inline u64 handle_make(u32 index, u32 generation, u32 secret);

/*@ assigns \nothing;
    ensures \result == handle % 0x100000; */
static inline u32 handle_index(u64 handle);

/*@ assigns \nothing;
    ensures \result == (handle / 0x100000) % 0x1000; */
static inline u32 handle_generation(u64 handle);

/*@ requires generation <= 0xfff;
    assigns \nothing;
    ensures never_zero: 1 <= \result <= 0xfff;
    ensures moves_on: \result != generation;
    ensures \result == (generation == 0xfff ? 1 : generation + 1); */
static inline u32 generation_after(u32 generation);

#include "kernel/cap/space_internal.h"

/* The parts of a made handle are those that it was made of. */
/*@ requires index <= 0xfffff && 1 <= generation <= 0xfff;
    assigns \nothing;
    ensures \result == index; */
u32 wp_index_returns(u32 index, u32 generation, u32 secret)
{
    return handle_index(handle_make(index, generation, secret));
}

/*@ requires index <= 0xfffff && 1 <= generation <= 0xfff;
    assigns \nothing;
    ensures \result == generation; */
u32 wp_generation_returns(u32 index, u32 generation, u32 secret)
{
    return handle_generation(handle_make(index, generation, secret));
}

/* A chunk's slots are all that an index can name, and the highest slot fits a handle. */
/*@ assigns \nothing;
    ensures \result == 1; */
int wp_slots_fit_index(void)
{
    return CAP_MAX_SLOTS - 1 <= HANDLE_INDEX_MASK;
}
