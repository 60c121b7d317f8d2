/* Scalars shared by loader, kernel and user space. Freestanding; fixed sizes only. */
#ifndef ABI_TYPES_H
#define ABI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

/* A capability handle as user space holds it: slot index (bits 0-19), generation (20-31),
 * secret (32-63). Zero names nothing. See DESIGN of capabilities in docs/capabilities.md. */
typedef struct {
    u64 bits;
} cap_t;

#define CAP_NULL ((cap_t){0})

/* A point in time: nanoseconds since boot on the kernel's monotonic clock. */
#define TIME_NEVER UINT64_MAX

#define PAGE_SHIFT 12u
#define PAGE_SIZE  (1ul << PAGE_SHIFT)

#endif
