/*
 * A thread's mapping, from low to high: guard page | stack | message buffer | thread-local
 * variables and block. The kernel marks `done` when the thread has ended (sdk/start.S); the joiner
 * then keeps the mapping for another thread.
 */
#include "ferrous/thread.h"

#include "ferrous/calls.h"
#include "ferrous/lock.h"
#include "ferrous/start.h"
#include "lib/checked_math.h"
#include "sdk_internal.h"

/* sdk_thread_finish in start.S enters this by number. */
_Static_assert(SYS_exit == 27, "known to start.S");

/* Mappings of joined threads, for the next ones: making a mapping costs more than all the rest. */
#define SPARE_STACKS 4u

struct spare {
    u64 address;
    u64 size;
};

static struct mutex spares_lock = MUTEX_INIT;
static struct spare spares[SPARE_STACKS];

/* A spare mapping of this size, taken out; 0: none. */
static u64 take_spare(u64 size)
{
    u64 address = 0;

    mutex_lock(&spares_lock);
    for (u32 i = 0; i < SPARE_STACKS && address == 0; i++) {
        if (spares[i].size == size) {
            address = spares[i].address;
            spares[i] = (struct spare){0};
        }
    }
    mutex_unlock(&spares_lock);
    return address;
}

static void give_spare(u64 address, u64 size)
{
    bool kept = false;

    mutex_lock(&spares_lock);
    for (u32 i = 0; i < SPARE_STACKS && !kept; i++) {
        kept = spares[i].size == 0;
        if (kept)
            spares[i] = (struct spare){.address = address, .size = size};
    }
    mutex_unlock(&spares_lock);
    if (!kept)
        (void)memory_unmap(address, size);
}

void thread_release_spares(void)
{
    for (u32 i = 0; i < SPARE_STACKS; i++) {
        struct spare spare;

        mutex_lock(&spares_lock);
        spare = spares[i];
        spares[i] = (struct spare){0};
        mutex_unlock(&spares_lock);
        if (spare.size != 0)
            (void)memory_unmap(spare.address, spare.size);
    }
}

static enum status map_stack(u64 size, u64 *address)
{
    memory_t memory;
    enum status status;

    *address = take_spare(size);
    if (*address != 0)
        return STATUS_OK;
    status = memory_create(start_group(), size, 0, &memory);
    if (status != STATUS_OK)
        return status;
    status = memory_map(memory, 0, size, MAP_READ | MAP_WRITE, address);
    (void)cap_close(memory.cap);
    if (status != STATUS_OK)
        return status;
    status = memory_protect(*address, PAGE_SIZE, 0);
    if (status != STATUS_OK)
        (void)memory_unmap(*address, size);
    return status;
}

enum status thread_start(struct thread *thread, u64 (*function)(void *argument), void *argument,
                         size_t stack_size)
{
    size_t area_size = thread_area_size();
    size_t buffer_size = align_up(sizeof(struct message_buffer), MESSAGE_BUFFER_ALIGNMENT);
    struct thread_facts facts;
    struct thread_block *block;
    enum status status;
    u64 address;
    u64 size;
    u64 area;
    u64 buffer;

    if (stack_size == 0)
        stack_size = THREAD_DEFAULT_STACK;
    if (stack_size > MEMORY_MAX_BYTES)
        return STATUS_BAD_ARGUMENT;
    size = PAGE_SIZE + align_up(stack_size + 2 * buffer_size + area_size, PAGE_SIZE);
    status = map_stack(size, &address);
    if (status != STATUS_OK)
        return status;
    area = address + size - area_size;
    buffer = align_down(area - buffer_size, MESSAGE_BUFFER_ALIGNMENT);
    block = thread_area_init((void *)(uintptr_t)area);
    block->function = function;
    block->argument = argument;
    block->mapping = address;
    block->mapping_size = size;
    block->canary = thread_block()->canary;
    block->buffer = (void *)(uintptr_t)buffer;
    status =
        kthread_create(start_self(), (u64)(uintptr_t)sdk_thread_entry, buffer,
                       (u64)(uintptr_t)block, (u64)(uintptr_t)block, false, block->buffer, &facts);
    if (status != STATUS_OK) {
        give_spare(address, size);
        return status;
    }
    thread->handle = facts.thread;
    thread->id = facts.id;
    thread->block = block;
    return STATUS_OK;
}

/* The kernel leaves the thread's handle and id in the third and fifth argument register. */
_Noreturn void sdk_thread_main(struct thread_block *block, u64 unused, cap_t handle, u64 unused2,
                               u64 id)
{
    (void)unused;
    (void)unused2;
    block->thread = handle;
    block->id = id;
    thread_finish(block->function(block->argument));
}

_Noreturn void thread_finish(u64 result)
{
    struct thread_block *block = thread_block();

    __atomic_store_n(&block->result, result, __ATOMIC_RELEASE);
    sdk_thread_finish(&block->done);
}

u64 thread_join(struct thread *thread)
{
    struct thread_block *block = thread->block;
    u64 result;

    while (__atomic_load_n(&block->done, __ATOMIC_ACQUIRE) == 0)
        (void)futex_wait(&block->done, 0, TIME_NEVER);
    result = block->result;
    (void)cap_close(thread->handle.cap);
    give_spare(block->mapping, block->mapping_size);
    thread->block = NULL;
    return result;
}

thread_t thread_self(void)
{
    return (thread_t){thread_block()->thread};
}
