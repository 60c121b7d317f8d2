/*
 * A ring of fixed-size entries for one producer and one consumer, which may be two processes that
 * share the memory. Neither trusts the other: each keeps its own position and reads the other's
 * once, so that a lying peer can at worst lose its own entries. Doorbells (signals) are the
 * callers' affair.
 *
 *     memory: struct ring_header (two cache lines) | capacity entries of entry_size bytes
 */
#ifndef FERROUS_RING_H
#define FERROUS_RING_H

#include "abi/types.h"

struct ring_header {
    _Alignas(64) u32 head; /* written by the producer: entries ever put, modulo 2^32 */
    _Alignas(64) u32 tail; /* written by the consumer: entries ever taken */
};

/* One side's view. Its geometry is its own copy: nothing in the shared memory is trusted. */
struct ring {
    struct ring_header *header;
    u8 *entries;
    u32 capacity; /* a power of two */
    u32 entry_size;
    u32 position; /* own counter: head of a producer, tail of a consumer */
};

/* Bytes of shared memory for that geometry. */
size_t ring_size(u32 capacity, u32 entry_size);

/* Attaches a side to memory aligned to 64 bytes; `capacity` is a power of two. Fresh memory must be
 * zeroed; a side that attaches again goes on where the header says. */
void ring_attach_producer(struct ring *ring, void *memory, u32 capacity, u32 entry_size);
void ring_attach_consumer(struct ring *ring, void *memory, u32 capacity, u32 entry_size);

/* Copies an entry in; false: full. *was_empty, where not NULL: the consumer may be asleep and wants
 * a signal. */
bool ring_put(struct ring *ring, const void *entry, bool *was_empty);
/* Copies the oldest entry out; false: empty. */
bool ring_take(struct ring *ring, void *entry);

/* Entries waiting, as this side sees it: 0 to capacity whatever the peer wrote. */
u32 ring_count(const struct ring *ring, bool producer);

#endif
