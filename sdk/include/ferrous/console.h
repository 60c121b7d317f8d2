/*
 * Text to and from the console named "console" among this program's capabilities. A program without
 * one prints into the void. See interfaces/console.h for the messages.
 */
#ifndef FERROUS_CONSOLE_H
#define FERROUS_CONSOLE_H

#include "ferrous/handle.h"
#include "interfaces/console.h"
#include "ferrous/syscall.h"
#include "lib/format.h"

/* Formats as lib/format.h tells and writes it; up to 1,023 bytes, the rest is cut. */
void print(const char *format, ...) FORMAT_LIKE_PRINTF(1, 2);

/* Writes all of it to this console, waiting at most until the deadline. */
enum status console_write(endpoint_t console, const char *text, size_t size, u64 deadline_ns);

/* What has arrived, at most `size` (and MESSAGE_MAX_INLINE) bytes; *count 0: nothing. Does not wait
 * for input. */
enum status console_read(endpoint_t console, void *buffer, size_t size, size_t *count) MUST_USE;

/* Asks for the event (CONSOLE_EVENT_*) to be signalled on `endpoint`, whose badge says so to the
 * receiver. */
enum status console_subscribe(endpoint_t console, u64 event, endpoint_t endpoint) MUST_USE;

/* This program's console. */
endpoint_t console_default(void);

#endif
