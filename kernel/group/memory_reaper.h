/* Memory objects that nobody refers to: their frames go back a slice at a time. */
#ifndef GROUP_MEMORY_REAPER_H
#define GROUP_MEMORY_REAPER_H

#include "mm/memory.h"

void memory_reaper_init(void);
/* The type's release. */
void memory_release(struct object *object);

#endif
