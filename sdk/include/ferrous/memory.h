/* The program's heap. Memory comes from start_group(); without one every allocation fails. Safe
 * among threads. */
#ifndef FERROUS_MEMORY_H
#define FERROUS_MEMORY_H

#include "abi/types.h"

/* As in C11 7.22.3. Blocks are aligned to 16 bytes. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
/* A block that was not handed out, or whose header was overrun, ends the program. */
void free(void *block);

#endif
