/*
 * The kernel log: text lines in a fixed ring, written to the early console until a driver owns the
 * port. For boot, warnings and panics; what happens while the system runs is an event, not a line.
 *
 * Locks: the log's own (RANK_LOG). Callable from anywhere but NMI context.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "arch/types.h"

#define LOG_SIZE 16384u /* bytes kept */

void log_line(const char *format, ...) PRINTF(1, 2);

/* Copies text from absolute position `position` on; positions count all bytes ever written. Returns
 * the number of bytes copied and sets *next; older text than is kept is skipped. */
u64 log_read(u64 position, char *buffer, u64 size_bytes, u64 *next);

/* For a panic: write through whatever state the lock is in. */
void log_break_lock(void);

/* The early console is no longer ours / is ours again. */
void log_console_release(void);

#endif
