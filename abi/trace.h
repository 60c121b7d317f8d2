/*
 * Trace rings as an observer sees them.
 *
 * A domain's memory: one struct trace_header page, then per CPU one struct trace_ring page followed
 * by `capacity` events of 64 bytes. A ring is written by its CPU alone, with interrupts off, and
 * overwrites the oldest. A reader takes `head`, copies events, and takes `head` again: events older
 * than head - capacity were lost to it.
 */
#ifndef ABI_TRACE_H
#define ABI_TRACE_H

#include "abi/types.h"

enum trace_category {
    TRACE_CATEGORY_SYSCALL = 0,
    TRACE_CATEGORY_SCHED = 1,
    TRACE_CATEGORY_IPC = 2,
    TRACE_CATEGORY_MEMORY = 3,
    TRACE_CATEGORY_SECURITY = 4, /* cannot be switched off in the root domain */
    TRACE_CATEGORY_DEVICE = 5,
    TRACE_CATEGORY_BOOT = 6,
    TRACE_CATEGORY_USER = 7,
    TRACE_CATEGORY_COUNT = 8
};

struct trace_event {
    u64 time_ns;
    u16 type; /* enum trace_event_type */
    u16 cpu;
    u32 thread;
    u64 trace; /* lower half of the trace id */
    u64 span;
    u64 words[4];
};

/* Metrics of a CPU since boot; its own stores, so each word is exact when it is read. */
enum trace_metric {
#define METRIC(number, name, unit, what) METRIC_##name = (number),
#define HISTOGRAM(number, name, unit, what)
#include "abi/metrics.def"
#undef METRIC
#undef HISTOGRAM
};

enum trace_histogram {
#define METRIC(number, name, unit, what)
#define HISTOGRAM(number, name, unit, what) HISTOGRAM_##name = (number),
#include "abi/metrics.def"
#undef METRIC
#undef HISTOGRAM
};

#define TRACE_METRIC_LIMIT    32u
#define TRACE_HISTOGRAM_LIMIT 4u
#define TRACE_BUCKETS         64u /* bucket n counts values of n + 1 bits; 0 is in the first */

struct trace_metrics {
    u64 counters[TRACE_METRIC_LIMIT];
    u64 histograms[TRACE_HISTOGRAM_LIMIT][TRACE_BUCKETS];
};

/* The page before a CPU's events. */
struct trace_ring {
    u64 head;     /* events ever written; slot = head & (capacity - 1) */
    u64 capacity; /* a power of two */
    u64 reserved[6];
    struct trace_metrics metrics;
};

struct trace_header {
    u32 version;
    u32 cpu_count;
    u64 ring_stride; /* bytes from one ring to the next */
    u64 ring_offset; /* of ring 0 */
    u64 capacity;
    u64 boot_id;
    u64 categories;
};

#define TRACE_VERSION 4u

enum trace_event_type {
    TRACE_NONE = 0,
#define TRACE_EVENT(number, name, category, a, b, c, d) TRACE_##name = (number),
#include "abi/trace_events.def"
#undef TRACE_EVENT
};

_Static_assert(sizeof(struct trace_ring) <= PAGE_SIZE, "one page");
_Static_assert(sizeof(struct trace_event) == 64, "ABI layout");

#endif
