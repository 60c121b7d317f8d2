/*
 * What the FS base of every thread points at. The layout up to `canary` is that of the System V ABI
 * for x86-64 (self pointer first, stack-protector canary at 0x28); thread-local variables lie below
 * it.
 */
#ifndef FERROUS_THREAD_BLOCK_H
#define FERROUS_THREAD_BLOCK_H

#include "abi/message.h"
#include "abi/types.h"

struct thread_block {
    struct thread_block *self;
    u64 reserved[4];
    u64 canary; /* offset 0x28 */
    struct message_buffer *buffer;
    cap_t thread;
    u64 id;
    u64 (*function)(void *argument);
    void *argument;
    u64 result;
    u64 mapping; /* stack and this block; 0: the main thread's, which are not ours to free */
    u64 mapping_size;
    u32 done;
};

_Static_assert(offsetof(struct thread_block, canary) == 0x28, "x86-64 ABI");

static inline struct thread_block *thread_block(void)
{
    struct thread_block *block;

    __asm__("movq %%fs:0, %0" : "=r"(block));
    return block;
}

/* This thread's pinned message buffer: inline data and capabilities of messages. */
static inline struct message_buffer *message_buffer(void)
{
    struct message_buffer *buffer;

    __asm__("movq %%fs:0x30, %0" : "=r"(buffer));
    return buffer;
}

_Static_assert(offsetof(struct thread_block, buffer) == 0x30, "known to message_buffer");

#endif
