/*
 * Text to and from the console named "console" among this program's capabilities. A program without
 * one prints into the void. See interfaces/console.idl for the messages.
 */
#ifndef FERROUS_CONSOLE_H
#define FERROUS_CONSOLE_H

#include "ferrous/handle.h"
#include "ferrous/syscall.h"
#include "interfaces/console_client.h"
#include "lib/format.h"

/* Formats as lib/format.h tells and writes it; up to 1,023 bytes, the rest is cut. */
void print(const char *format, ...) FORMAT_LIKE_PRINTF(1, 2);

/* Writes all of it to this console, waiting at most until the deadline. The functions of
 * interfaces/console_client.h do one message each. */
enum status console_write_all(endpoint_t console, const char *text, size_t size,
                              u64 deadline_ns) MUST_USE;

/* This program's console. */
endpoint_t console_default(void);

#endif
