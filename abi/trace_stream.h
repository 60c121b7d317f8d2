/*
 * A recording of a trace domain as it leaves the machine: frames, one after the other, over any
 * stream of bytes. docs/observability.md has the same with its reasons.
 *
 *     frame   = struct stream_frame, then `size` bytes of payload
 *     payload = numbers: 7 bits a byte, lowest first, the highest bit set on all bytes but the last
 *               (LEB128); texts: a number, then that many bytes. What a later version puts behind
 *               the fields named here is to be skipped.
 *
 *     HEADER   version, boot_id, cpu_count, capacity, categories, time_ns (since boot, of the
 *              start), hash of the tables' text, mode
 *     TABLES   text, one line for each event ("event 20 IPC_CALL IPC endpoint label badge server",
 *              `-` for a word that is not used), counter and histogram ("counter 0 SYSCALLS calls",
 *              "histogram 0 RUN_DELAY cycles"), as this kernel's sources have them
 *     EVENTS   cpu, next, lost, omitted, count, then `count` events, packed as below. next: how
 * many events the CPU has ever written, these included. lost: how many since the CPU's last such
 * frame were overwritten before they were read. omitted: how many since then were left out, being
 * the recorder's own system calls and port accesses. So next is that of the last frame, or where
 * the recording began, and lost + omitted + count METRICS  time_ns, cpu, n, n times (number, value)
 * of the counters that are not 0, m, m times (histogram, bucket, value) PROCESSES time_ns, n, n
 * times (id, parent_id, name, thread_count, memory_bytes, cpu_ns) TRAILER  time_ns, cpu_count, for
 * each (events, lost, omitted), of the whole recording
 *
 *     event   = type, tag (one byte), time (ns since the frame's previous event, zigzag; the first:
 *               since 0), thread, [trace: 8 bytes, lowest first], span, the words that are not 0
 *     tag     = bits 0-1: STREAM_TRACE_*; bits 2-5: which words follow
 *
 * Zigzag is 2n for n >= 0 and -2n - 1 below. The checksum is CRC-32 (IEEE 802.3, reflected) of the
 * payload. A reader that finds a frame damaged looks for the next magic.
 */
#ifndef ABI_TRACE_STREAM_H
#define ABI_TRACE_STREAM_H

#include "abi/types.h"

#define STREAM_MAGIC   0x4d525446u /* "FTRM" */
#define STREAM_VERSION 1u

enum stream_kind {
    STREAM_HEADER = 1,
    STREAM_TABLES = 2,
    STREAM_EVENTS = 3,
    STREAM_METRICS = 4,
    STREAM_PROCESSES = 5,
    STREAM_TRAILER = 6
};

#define STREAM_TRACE_SAME 0u /* as that of the frame's previous event; 0 for the first */
#define STREAM_TRACE_NONE 1u /* 0 */
#define STREAM_TRACE_NEW  2u /* follows */

#define STREAM_FRAME_LIMIT 65536u /* of `size`: no frame is larger */

/* Little-endian. */
struct stream_frame {
    u32 magic;
    u16 kind; /* enum stream_kind; unknown ones are to be skipped */
    u16 reserved;
    u32 size;
    u32 checksum;
};

_Static_assert(sizeof(struct stream_frame) == 16, "ABI layout");

#endif
