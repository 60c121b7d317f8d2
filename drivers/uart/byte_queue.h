/* A queue of bytes in memory of the owner: a power of two of them. Not locked. */
#ifndef BYTE_QUEUE_H
#define BYTE_QUEUE_H

#include "abi/types.h"

struct byte_queue {
    u8 *bytes;
    u32 size;
    u32 head; /* ever put, modulo 2^32 */
    u32 tail; /* ever taken */
};

static inline void byte_queue_init(struct byte_queue *queue, u8 *bytes, u32 size)
{
    queue->bytes = bytes;
    queue->size = size;
    queue->head = 0;
    queue->tail = 0;
}

static inline u32 byte_queue_count(const struct byte_queue *queue)
{
    return queue->head - queue->tail;
}

/* False: it is full. */
static inline bool byte_queue_put(struct byte_queue *queue, u8 byte)
{
    if (byte_queue_count(queue) == queue->size)
        return false;
    queue->bytes[queue->head++ & (queue->size - 1)] = byte;
    return true;
}

/* False: it is empty. */
static inline bool byte_queue_take(struct byte_queue *queue, u8 *byte)
{
    if (byte_queue_count(queue) == 0)
        return false;
    *byte = queue->bytes[queue->tail++ & (queue->size - 1)];
    return true;
}

static inline void byte_queue_clear(struct byte_queue *queue)
{
    queue->tail = queue->head;
}

#endif
