/* What AddressSanitizer wants to know about stack switches; nothing where it is not built in. */
#ifndef FIBER_SANITIZER_H
#define FIBER_SANITIZER_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SIM_WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_WITH_ASAN 1
#endif
#endif

#ifdef SIM_WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static inline void sanitizer_start_switch(void **save, const void *bottom, size_t size_bytes)
{
    __sanitizer_start_switch_fiber(save, bottom, size_bytes);
}

static inline void sanitizer_finish_switch(void *saved, const void **bottom, size_t *size_bytes)
{
    __sanitizer_finish_switch_fiber(saved, bottom, size_bytes);
}

static inline void sanitizer_unpoison(void *start, size_t size_bytes)
{
    ASAN_UNPOISON_MEMORY_REGION(start, size_bytes);
}

static inline void sanitizer_print_stack(void)
{
    __sanitizer_print_stack_trace();
}
#else
static inline void sanitizer_print_stack(void)
{
}

static inline void sanitizer_start_switch(void **save, const void *bottom, size_t size_bytes)
{
    (void)save, (void)bottom, (void)size_bytes;
}

static inline void sanitizer_finish_switch(void *saved, const void **bottom, size_t *size_bytes)
{
    (void)saved, (void)bottom, (void)size_bytes;
}

static inline void sanitizer_unpoison(void *start, size_t size_bytes)
{
    (void)start, (void)size_bytes;
}
#endif

#endif
