/* The ring. Positions are counters modulo 2^32; their difference, cut to the capacity, is what is
 * waiting. */
#include "ferrous/ring.h"

#include "lib/string.h"

size_t ring_size(u32 capacity, u32 entry_size)
{
    return sizeof(struct ring_header) + (size_t)capacity * entry_size;
}

static void attach(struct ring *ring, void *memory, u32 capacity, u32 entry_size)
{
    ring->header = memory;
    ring->entries = (u8 *)memory + sizeof(struct ring_header);
    ring->capacity = capacity;
    ring->entry_size = entry_size;
}

void ring_attach_producer(struct ring *ring, void *memory, u32 capacity, u32 entry_size)
{
    attach(ring, memory, capacity, entry_size);
    ring->position = __atomic_load_n(&ring->header->head, __ATOMIC_ACQUIRE);
}

void ring_attach_consumer(struct ring *ring, void *memory, u32 capacity, u32 entry_size)
{
    attach(ring, memory, capacity, entry_size);
    ring->position = __atomic_load_n(&ring->header->tail, __ATOMIC_ACQUIRE);
}

u32 ring_count(const struct ring *ring, bool producer)
{
    u32 count = producer ? ring->position - __atomic_load_n(&ring->header->tail, __ATOMIC_ACQUIRE)
                         : __atomic_load_n(&ring->header->head, __ATOMIC_ACQUIRE) - ring->position;

    return count < ring->capacity ? count : ring->capacity;
}

static u8 *entry_at(const struct ring *ring, u32 position)
{
    return ring->entries + (size_t)(position & (ring->capacity - 1)) * ring->entry_size;
}

bool ring_put(struct ring *ring, const void *entry, bool *was_empty)
{
    u32 count = ring_count(ring, true);

    if (count >= ring->capacity)
        return false;
    memcpy(entry_at(ring, ring->position), entry, ring->entry_size);
    ring->position++;
    /* Sequentially consistent with the re-read: either the consumer sees the entry, or we see that
     * it caught up. */
    __atomic_store_n(&ring->header->head, ring->position, __ATOMIC_SEQ_CST);
    if (was_empty != NULL)
        *was_empty = __atomic_load_n(&ring->header->tail, __ATOMIC_SEQ_CST) == ring->position - 1;
    return true;
}

bool ring_take(struct ring *ring, void *entry)
{
    if (ring_count(ring, false) == 0)
        return false;
    memcpy(entry, entry_at(ring, ring->position), ring->entry_size);
    ring->position++;
    __atomic_store_n(&ring->header->tail, ring->position, __ATOMIC_SEQ_CST);
    return true;
}
