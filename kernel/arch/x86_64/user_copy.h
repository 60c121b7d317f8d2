/* Guarded accesses, in assembly (user_copy.S). */
#ifndef X86_64_USER_COPY_H
#define X86_64_USER_COPY_H

#include "arch/types.h"

/* Copies; 0, or the address that faulted (1 if it is not known). */
u64 user_copy(void *to, const void *from, u64 size_bytes);
bool x86_user_load_u32(const u32 *from, u32 *value);

/* Reads a word of kernel memory; false if it is not mapped. */
bool probe_u64(u64 address, u64 *value);

/* 1 where STAC and CLAC are needed; set by features. */
extern u8 port_smap;

#endif
