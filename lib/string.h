/*
 * Memory and strings. The mem* functions and strlen are those of C11 7.24: freestanding builds take
 * them from lib/memory.c, host builds from the C library, so that the sanitizers see
 * every access.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "abi/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *memory, int value, size_t size);
size_t strlen(const char *text);

/* Length of `text`, but at most `limit`; reads no further. */
size_t string_length_bounded(const char *text, size_t limit);

/* Copies `from` into a buffer of `size` bytes, cut to fit and always NUL-terminated (size 0: does
 * nothing). Returns the number of characters copied. */
size_t string_copy(char *to, size_t size, const char *from);

bool string_equal(const char *a, const char *b);
bool string_starts_with(const char *text, const char *prefix);

/* Whether `word` occurs in `text`; the empty word does. */
bool string_contains(const char *text, const char *word);

/* First place of `character` in `text`; NULL if there is none. */
const char *string_find(const char *text, char character);

/* An unsigned number, decimal or 0x hexadecimal, that makes up the whole text. False, and nothing
 * written: not a number, or over 64 bits. */
bool string_to_u64(const char *text, u64 *value);

/* memset that the optimiser may not drop: for secrets. */
void memory_wipe(void *memory, size_t size);

#endif
