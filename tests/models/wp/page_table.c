/* kernel/mm/page_table.c: which entry of which table an address belongs to. */
#include "mm/page_table.h"

/*@ requires level <= 3;
    assigns \nothing;
    ensures level == 0 ==> \result == 0x1000;
    ensures level == 1 ==> \result == 0x200000;
    ensures level == 2 ==> \result == 0x40000000;
    ensures level == 3 ==> \result == 0x8000000000; */
static u64 span_of(u32 level);

/*@ requires level <= 3;
    assigns \nothing;
    ensures bounds: \result < ARCH_PT_ENTRIES;
    ensures level == 0 ==> \result == (address / 0x1000) % 512;
    ensures level == 1 ==> \result == (address / 0x200000) % 512;
    ensures level == 2 ==> \result == (address / 0x40000000) % 512;
    ensures level == 3 ==> \result == (address / 0x8000000000) % 512; */
static u32 index_of(u64 address, u32 level);

#include "kernel/mm/page_table.c"

/* Two user addresses with the same four indices lie in the same page. */
/*@ requires a < 0x1000000000000 && b < 0x1000000000000;
    assigns \nothing;
    ensures \result != 0 ==> a / 0x1000 == b / 0x1000; */
int wp_indices_tell_pages_apart(u64 a, u64 b)
{
    return index_of(a, 0) == index_of(b, 0) && index_of(a, 1) == index_of(b, 1) &&
           index_of(a, 2) == index_of(b, 2) && index_of(a, 3) == index_of(b, 3);
}
