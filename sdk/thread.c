/*
 * A thread's mapping, from low to high: guard page | stack | thread-local variables and block. The
 * thread marks `done` as its last act (sdk/start.S); the joiner then makes sure that the kernel has
 * let go of it and unmaps all of it.
 */
#include "ferrous/thread.h"

#include "ferrous/calls.h"
#include "ferrous/start.h"
#include "lib/checked_math.h"
#include "sdk_internal.h"

/* sdk_thread_finish in start.S enters these by number. */
_Static_assert(SYS_exit == 27 && SYS_futex_wake == 32, "known to start.S");

static enum status map_stack(u64 size, u64 *address)
{
    memory_t memory;
    enum status status = memory_create(start_group(), size, 0, &memory);

    if (status != STATUS_OK)
        return status;
    *address = 0;
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
    struct thread_facts facts;
    struct thread_block *block;
    enum status status;
    u64 address;
    u64 size;
    u64 area;

    if (stack_size == 0)
        stack_size = THREAD_DEFAULT_STACK;
    if (stack_size > MEMORY_MAX_BYTES)
        return STATUS_BAD_ARGUMENT;
    size = PAGE_SIZE + align_up(stack_size + area_size, PAGE_SIZE);
    status = map_stack(size, &address);
    if (status != STATUS_OK)
        return status;
    area = address + size - area_size;
    block = thread_area_init((void *)(uintptr_t)area);
    block->function = function;
    block->argument = argument;
    block->mapping = address;
    block->mapping_size = size;
    block->canary = thread_block()->canary;
    status = kthread_create(start_self(), (u64)(uintptr_t)sdk_thread_entry, area,
                            (u64)(uintptr_t)block, (u64)(uintptr_t)block, true, &facts);
    if (status != STATUS_OK) {
        (void)memory_unmap(address, size);
        return status;
    }
    block->buffer = (void *)(uintptr_t)facts.message_buffer;
    block->thread = facts.thread.cap;
    block->id = facts.id;
    thread->handle = facts.thread;
    thread->id = facts.id;
    thread->block = block;
    status = kthread_control(facts.thread, THREAD_START, 0);
    if (status != STATUS_OK) {
        (void)kthread_kill(facts.thread, 0);
        (void)cap_close(facts.thread.cap);
        (void)memory_unmap(address, size);
    }
    return status;
}

_Noreturn void sdk_thread_main(struct thread_block *block)
{
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
    (void)kthread_kill(thread->handle, 0);
    (void)cap_close(thread->handle.cap);
    (void)memory_unmap(block->mapping, block->mapping_size);
    thread->block = NULL;
    return result;
}

thread_t thread_self(void)
{
    return (thread_t){thread_block()->thread};
}
