/*
 * The only way to user memory: copies between the kernel and the address space of the calling
 * thread, which is the one loaded on this CPU. Pages that are due are brought in. Each byte is
 * fetched once; what was read is the kernel's.
 *
 * May run anywhere no vspace or memory lock is held.
 */
#ifndef MM_USER_COPY_H
#define MM_USER_COPY_H

#include "arch/memory.h"

/* BAD_ADDRESS: part of the range is not mapped so; NO_MEMORY, GROUP_LIMIT: a page was due and could
 * not be had. Some bytes may have been copied. */
enum status user_read(void *to, user_ptr_t from, u64 size_bytes) MUST_USE;
enum status user_write(user_ptr_t to, const void *from, u64 size_bytes) MUST_USE;
/* A naturally aligned 32-bit word, atomically. BAD_ARGUMENT: not aligned. */
enum status user_load_u32(user_ptr_t address, u32 *value) MUST_USE;

#endif
