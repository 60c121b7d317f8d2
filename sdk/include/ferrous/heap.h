/*
 * A heap over regions that its owner provides. First fit by size class with neighbours joined on
 * free; every block is aligned to 16 bytes. Not locked: the owner serialises. Damage (a double
 * free, an overrun header) is found on free where it touches a header, and reported through
 * `corrupted`.
 */
#ifndef FERROUS_HEAP_H
#define FERROUS_HEAP_H

#include "abi/types.h"

#define HEAP_BINS      40u
#define HEAP_ALIGNMENT 16u

struct heap_block;

struct heap {
    struct heap_block *bins[HEAP_BINS];
    /* More memory: at least `size` bytes, aligned to 16, zeroed or not; *size becomes what it is.
     * NULL: none. */
    void *(*grow)(void *context, size_t *size);
    /* Called with the address of a block whose header makes no sense; the heap ignores the
     * operation afterwards. */
    void (*corrupted)(void *context, const void *address);
    void *context;
    size_t used_bytes;  /* in blocks handed out, headers included */
    size_t total_bytes; /* given by grow */
};

void heap_init(struct heap *heap, void *(*grow)(void *context, size_t *size),
               void (*corrupted)(void *context, const void *address), void *context);

/* NULL when there is no memory. A size of 0 gives a block of its own. */
void *heap_alloc(struct heap *heap, size_t size);
/* NULL is ignored. */
void heap_free(struct heap *heap, void *address);
/* Keeps the first bytes; NULL leaves the old block as it is. */
void *heap_resize(struct heap *heap, void *address, size_t size);

/* Walks all free lists and checks every header reachable; false: something is wrong. For tests. */
bool heap_check(const struct heap *heap);

#endif
