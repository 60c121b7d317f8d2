/* kernel/mm/user_copy.c: a user range that passes ends within the user half, so the copy never
 * meets a kernel address. */
#include "abi/memory.h"
#include "mm/user_copy.h"

/*@ assigns \nothing;
    ensures good: \result != 0 ==> address < USER_END && address + size_bytes <= USER_END;
    ensures complete: \result == 0 ==> address >= USER_END || address + size_bytes > USER_END; */
static bool range_is_user(u64 address, u64 size_bytes);

/* The loop that a copy makes ends. */
/*@ assigns \nothing;
    ensures 0 < \result;
    ensures \result <= 2 * (size_bytes / PAGE_SIZE + 2); */
static u64 fault_limit(u64 size_bytes);

#include "kernel/mm/user_copy.c"
