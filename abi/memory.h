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
#define USER_END   0x0000800000000000ull

#endif
