/*
 * Capabilities by the type of object they name, so that a mix-up does not compile. The kernel
 * checks the type again. `handle.cap` is the plain capability.
 */
#ifndef FERROUS_HANDLE_H
#define FERROUS_HANDLE_H

#include "abi/types.h"

typedef struct {
    cap_t cap;
} process_t;

typedef struct {
    cap_t cap;
} thread_t;

typedef struct {
    cap_t cap;
} memory_t;

typedef struct {
    cap_t cap;
} endpoint_t;

typedef struct {
    cap_t cap;
} reply_t;

typedef struct {
    cap_t cap;
} group_t;

typedef struct {
    cap_t cap;
} interrupt_t;

typedef struct {
    cap_t cap;
} ports_t;

typedef struct {
    cap_t cap;
} ktimer_t;

typedef struct {
    cap_t cap;
} machine_t;

typedef struct {
    cap_t cap;
} trace_domain_t;

static inline bool cap_is_null(cap_t cap)
{
    return cap.bits == 0;
}

static inline bool cap_equal(cap_t a, cap_t b)
{
    return a.bits == b.bits;
}

#endif
