/*
 * Reading a trace domain's events (abi/trace.h), and telling them in words: names of events and of
 * their values, statuses, and the interface and method behind a label. Reading takes no system
 * call; events that are overwritten meanwhile are left out.
 */
#ifndef FERROUS_TRACE_H
#define FERROUS_TRACE_H

#include "abi/trace.h"
#include "ferrous/handle.h"
#include "ferrous/interface_names.h"
#include "ferrous/syscall.h"

struct trace_view {
    const struct trace_header *header;
    u64 size; /* of the mapping */
};

/* Maps the domain's memory, for reading. The domain needs TRACE_READ. NOT_SUPPORTED: its layout is
 * of another version. Else what the calls it makes return. */
enum status trace_view_open(trace_domain_t domain, struct trace_view *view) MUST_USE;
void trace_view_close(struct trace_view *view);

/* The newest `max` events of all CPUs or, where there are fewer, all; oldest first. Returns how
 * many. */
u32 trace_view_last(const struct trace_view *view, struct trace_event *events, u32 max);

#define TRACE_READER_CPUS 64u

/* One that takes all events from where it began, as long as it keeps up. */
struct trace_reader {
    u64 next[TRACE_READER_CPUS]; /* of each ring */
    u64 lost;                    /* overwritten before they were taken */
};

/* From now on, or from the oldest event that is still there. */
void trace_reader_begin(struct trace_reader *reader, const struct trace_view *view, bool oldest);

/* Takes some events, in order of time among those that it takes: at most `max`, which is at least
 * the number of CPUs. Returns how many; 0: there is nothing new. */
u32 trace_reader_take(struct trace_reader *reader, const struct trace_view *view,
                      struct trace_event *events, u32 max);

/* A CPU's metrics. */
const struct trace_metrics *trace_view_metrics(const struct trace_view *view, u32 cpu);

/* Writes "IPC_CALL endpoint=3 label=console.write badge=2", with labels from `table`; returns what
 * it took, cut to `size` - 1. */
size_t trace_event_format(char *text, size_t size, const struct trace_event *event,
                          const struct interface_names *const *table);

/* The category with this name ("ipc"); TRACE_CATEGORY_COUNT: there is none. */
enum trace_category trace_category_find(const char *name);

#endif
