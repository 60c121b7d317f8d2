/*
 * What a program was started with. `main(argc, argv)` is the program's; returning from it ends the
 * process with that code.
 *
 * Capabilities are found by the names that the parent gave them ("console", "group", ...). The
 * argument text that travels through spawn begins with those names:
 *
 *     "caps:" NAME { "," NAME } NUL   argv[0] NUL   argv[1] NUL ...
 *
 * where the n-th name is that of start_info.caps[n]. A process started without that first string
 * has no named ones.
 */
#ifndef FERROUS_START_H
#define FERROUS_START_H

#include "abi/info_page.h"
#include "abi/spawn.h"
#include "ferrous/handle.h"

#define START_CAPS_PREFIX "caps:"
#define START_MAX_ARGC    64u

int main(int argc, char **argv);

const struct start_info *start_info(void);
const struct info_page *start_info_page(void);

/* The capability of that name; CAP_NULL if there is none. It belongs to the whole program: do not
 * close it. */
cap_t start_cap(const char *name);
/* Copies the name of start_info.caps[index] into `name` of `size` bytes; false if it has none. */
bool start_cap_name(u32 index, char *name, size_t size);

/* This process's own capability: for create_thread and map. */
process_t start_self(void);
/* The group that this process may create things from (the capability named "group"); may be null.
 */
group_t start_group(void);

/* Ends the process with code 134 after printing why. */
_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
