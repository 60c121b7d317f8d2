/* The program's heap: one struct heap under one lock, growing by regions of at least 64 KiB that
 * are never given back. */
#include "ferrous/memory.h"

#include "ferrous/calls.h"
#include "ferrous/heap.h"
#include "ferrous/lock.h"
#include "ferrous/start.h"
#include "lib/checked_math.h"
#include "lib/string.h"

#define GROW_MIN 65536u

static struct mutex lock = MUTEX_INIT;
static struct once initialised = ONCE_INIT;
static struct heap heap;

static void *grow(void *context, size_t *size)
{
    u64 region_size = align_up(max_u64(*size, GROW_MIN), PAGE_SIZE);
    u64 address = 0;
    memory_t memory;
    enum status status;

    (void)context;
    if (cap_is_null(start_group().cap) ||
        memory_create(start_group(), region_size, 0, &memory) != STATUS_OK)
        return NULL;
    status = memory_map(memory, 0, region_size, MAP_READ | MAP_WRITE, &address);
    (void)cap_close(memory.cap);
    if (status != STATUS_OK)
        return NULL;
    *size = region_size;
    return (void *)(uintptr_t)address;
}

static void corrupted(void *context, const void *address)
{
    (void)context;
    fatal("heap: block %p is damaged or was freed twice", address);
}

static void initialise(void)
{
    heap_init(&heap, grow, corrupted, NULL);
}

void *malloc(size_t size)
{
    void *block;

    once_run(&initialised, initialise);
    mutex_lock(&lock);
    block = heap_alloc(&heap, size);
    mutex_unlock(&lock);
    return block;
}

void *calloc(size_t count, size_t size)
{
    void *block;
    u64 total;

    if (!checked_mul(count, size, &total))
        return NULL;
    block = malloc(total);
    if (block != NULL)
        memset(block, 0, total);
    return block;
}

void *realloc(void *old, size_t size)
{
    void *block;

    once_run(&initialised, initialise);
    mutex_lock(&lock);
    block = heap_resize(&heap, old, size);
    mutex_unlock(&lock);
    return block;
}

void free(void *block)
{
    once_run(&initialised, initialise);
    mutex_lock(&lock);
    heap_free(&heap, block);
    mutex_unlock(&lock);
}
