/*
 * Text from values: a subset of C11 7.21.6.1 (printf), so that the compiler checks the arguments.
 *
 *   %c %s %d %i %u %x %X %p %%     lengths: h hh l ll z
 *   flags: 0 - + space #           width and precision: a number or *
 *
 * No floating point, no %n. An unknown conversion is copied as it stands.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include "abi/types.h"

#include <stdarg.h>

#define FORMAT_LIKE_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Writes to `buffer` of `size` bytes, cut to fit and always NUL-terminated (size 0: writes
 * nothing). Returns the number of characters stored, the NUL not counted: at most size - 1. `%s` of
 * NULL gives "(null)". */
size_t format_to(char *buffer, size_t size, const char *format, ...) FORMAT_LIKE_PRINTF(3, 4);
size_t format_to_va(char *buffer, size_t size, const char *format, va_list arguments)
    FORMAT_LIKE_PRINTF(3, 0);

#endif
