/* kernel/syscall/memory.c: what map and unmap check before they act. A mapping needs the rights
 * that it uses, may later get no more than those of its capability, and a range that is unmapped or
 * protected lies in the user half. */
#include "abi/memory.h"
#include "arch/time.h"
#include "lib/checked_math.h"
#include "mm/memory.h"
#include "syscall/syscall.h"

/*@ requires \valid_read(ref);
    assigns \nothing;
    ensures \result == (u32)ref->meta; */
static inline u32 cap_ref_rights(const struct cap_ref *ref);

#define FLAG(flags, bit) (((flags) & (bit)) != 0)

/*@ requires \valid_read(ref);
    assigns \nothing;
    ensures read: FLAG(\result, ACCESS_READ) ==> FLAG(ref->meta, RIGHT_READ);
    ensures write: FLAG(\result, ACCESS_WRITE) ==> FLAG(ref->meta, RIGHT_WRITE) || FLAG(flags,
   MAP_PRIVATE); ensures execute: FLAG(\result, ACCESS_EXECUTE) ==> FLAG(ref->meta, RIGHT_EXECUTE);
    ensures user: (\result & ~(ACCESS_READ | ACCESS_WRITE | ACCESS_EXECUTE)) == 0; */
static u32 most_access(const struct cap_ref *ref, u64 flags);

/*@ assigns \nothing;
    ensures good: \result == STATUS_OK ==> size > 0 && address % PAGE_SIZE == 0 && size % PAGE_SIZE
   == 0 && USER_START <= address && address + size <= USER_END; ensures complete: \result !=
   STATUS_OK ==> !(size > 0 && address % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && USER_START <=
   address && address + size <= USER_END); */
static enum status check_range(u64 address, u64 size);

#include "kernel/syscall/memory.c"
