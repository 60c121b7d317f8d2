/*
 * Injected failures. What may fail for want of memory or limits asks here first, so that tests can
 * make the n-th such thing fail. A port without such tests never fails.
 */
#ifndef ARCH_INJECT_H
#define ARCH_INJECT_H

#include "arch/types.h"

#if __has_include("port/inject.h")
#include "port/inject.h"
#else
static inline bool arch_inject_failure(void)
{
    return false;
}
#endif

#endif
