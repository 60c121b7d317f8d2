/* What a panic shows, and what it does at the end. panic() itself is in core/assert.h. */
#ifndef CORE_PANIC_H
#define CORE_PANIC_H

#include "arch/types.h"

#define PANIC_EXIT_CODE 0x7fu /* given to the emulator's exit device where test_exit=on */

/* Filled by kernel/init, which sees the layers above. */
struct panic_hooks {
    void (*describe_current)(void (*line)(const char *text));
    void (*last_events)(void (*line)(const char *text));
};

extern const struct panic_hooks panic_hooks;

void panic_configure(bool test_exit);

/* The boot step at hand, named by a panic; NULL: booted. */
void panic_set_step(const char *name);

#endif
