/* Address types that do not mix, and annotations for sparse and clang's thread-safety analysis. */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include "abi/status.h"
#include "abi/types.h"

/* A physical address. */
typedef struct {
    u64 raw;
} paddr_t;

/* An address in some user address space: a claim, never dereferenced; only mm/user_copy reaches it.
 */
typedef struct {
    u64 raw;
} user_ptr_t;

static inline paddr_t paddr(u64 raw)
{
    return (paddr_t){raw};
}

static inline user_ptr_t user_ptr(u64 raw)
{
    return (user_ptr_t){raw};
}

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define NORETURN      __attribute__((noreturn))
#define PRINTF(f, a)  __attribute__((format(printf, f, a)))
#define ALIGNED(n)    __attribute__((aligned(n)))
#define CACHE_LINE    64
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
