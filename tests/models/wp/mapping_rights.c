/* kernel/proc/spawn.c: the rights that a mapping needs, for map and for the segments of a spawn. */
#include "abi/memory.h"
#include "abi/rights.h"

#define FLAG(flags, bit) (((flags) & (bit)) != 0)

/*@ assigns \nothing;
    ensures read: FLAG(map_flags, MAP_READ) ==> FLAG(\result, RIGHT_READ);
    ensures write: FLAG(map_flags, MAP_WRITE) && !FLAG(map_flags, MAP_PRIVATE) ==>
   FLAG(\result, RIGHT_WRITE); ensures execute: FLAG(map_flags, MAP_EXECUTE) ==> FLAG(\result,
   RIGHT_EXECUTE); */
u32 mapping_rights(u64 map_flags);

#include "kernel/proc/spawn.c"
