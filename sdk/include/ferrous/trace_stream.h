/*
 * Recording a trace domain as a stream of frames (abi/trace_stream.h). Each function appends one
 * frame to a buffer, whole or not at all; reading the rings takes no system call. What the kernel
 * has overwritten before it was read is counted, exactly: a ring numbers its events.
 */
#ifndef FERROUS_TRACE_STREAM_H
#define FERROUS_TRACE_STREAM_H

#include "abi/machine.h"
#include "abi/trace_stream.h"
#include "ferrous/trace.h"

/* A place for frames: a ring of bytes, a power of two, that one fills and one drains (the same
 * thread, or two under a lock). */
struct stream_buffer {
    u8 *bytes;
    u64 size;
    u64 written; /* ever */
    u64 taken;   /* ever */
};

/* What is known of a CPU's ring. */
struct stream_position {
    u64 next; /* sequence of the first event that has not been read */
    u64 events;
    u64 lost;
    u64 omitted;
    u64 lost_before; /* of these: not yet told in a frame */
    u64 omitted_before;
};

/* All return false if there is not enough room; then nothing has changed. */
bool stream_put_header(struct stream_buffer *buffer, const struct trace_header *header, u64 time_ns,
                       u64 mode);
bool stream_put_tables(struct stream_buffer *buffer);
bool stream_put_metrics(struct stream_buffer *buffer, const struct trace_view *view, u32 cpu,
                        u64 time_ns);
bool stream_put_processes(struct stream_buffer *buffer, const struct process_entry *entries,
                          u32 count, u64 time_ns);
bool stream_put_trailer(struct stream_buffer *buffer, const struct stream_position *positions,
                        u32 cpus, u64 time_ns);

/* From the CPU's oldest event on, or only from now on. */
void stream_position_set(struct stream_position *position, const struct trace_view *view, u32 cpu,
                         bool oldest);

/*
 * Reads what is new of a CPU's events, some hundreds at most, and appends them. System calls and
 * port accesses of thread `own` are left out: they are the recording's, and alone make no frame.
 * *more: there are others.
 */
bool stream_put_events(struct stream_buffer *buffer, const struct trace_view *view, u32 cpu,
                       struct stream_position *position, u64 own, bool *more);

/* Takes up to `size` bytes out. */
size_t stream_take(struct stream_buffer *buffer, u8 *bytes, size_t size);

#endif
