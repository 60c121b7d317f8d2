/*
 * Which function, file and line of the kernel lie at an address: for stack traces. The table is
 * made by tools/symbols.py from the linked kernel and lies in the image (section .symbols); no
 * locks, no allocation, safe in a panic. Builds without a table (the simulator) find nothing.
 */
#ifndef CORE_SYMBOLS_H
#define CORE_SYMBOLS_H

#include "arch/types.h"

struct symbol {
    const char *name; /* of the function as linked: code inlined into it counts as its own */
    const char
        *file;  /* where the code was written, relative to the root of the tree; "" if not known */
    u64 offset; /* in bytes from the start of the function */
    u32 line;   /* 0 if not known */
};

/* Finds what lies `offset` bytes from the start of the kernel's image. `*out` is written on success
 * only; its texts are borrowed from the image, for ever. For a return address, ask for the byte
 * before it. */
MUST_USE bool symbol_find(u64 offset, struct symbol *out);

/* The same for an address as the kernel runs, slide included. */
MUST_USE bool symbol_find_address(u64 address, struct symbol *out);

/* The same in the table of `size` bytes at `table`, which may be damaged: then nothing is found, or
 * something wrong, but nothing outside it is read. */
MUST_USE bool symbol_table_find(const void *table, size_t size, u64 offset, struct symbol *out);

#endif
