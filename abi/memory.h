/* Memory calls: flags of create_memory and map, and the user half of the address space. */
#ifndef ABI_MEMORY_H
#define ABI_MEMORY_H

#include "abi/types.h"

/* map and protect */
#define MAP_READ    1u
#define MAP_WRITE   2u
#define MAP_EXECUTE 4u  /* not together with MAP_WRITE */
#define MAP_PRIVATE 8u  /* copy-on-write: writes stay in this mapping */
#define MAP_FIXED   16u /* at exactly the given address, else EXISTS */
#define MAP_EAGER   32u /* populate now */

/* create_memory */
#define MEMORY_EAGER      1u /* frames now, not on first touch */
#define MEMORY_CONTIGUOUS 2u /* one physical run (implies eager) */

#define MEMORY_MAX_BYTES (1ull << 40)

/* The user half: the null page and its surroundings are never mapped. */
#define USER_START 0x10000ull
/* The last page of the lower half is nobody's: a SYSCALL in its last bytes would come back to an
 * address that is not canonical, which SYSRET takes a fault for in ring 0 (Intel SDM 2B). */
#define USER_END   0x00007ffffffff000ull

#endif
