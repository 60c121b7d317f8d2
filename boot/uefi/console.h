/*
 * What the loader says: on COM1 (115200 8N1, by direct port writes) and, as long as the firmware's
 * boot services are there, on every screen that the firmware drives. The firmware's own serial
 * consoles are left out, so that a line appears once.
 */
#ifndef BOOT_CONSOLE_H
#define BOOT_CONSOLE_H

#include "efi.h"

/* Sets up the serial port and remembers the firmware's tables. First of all. */
void console_init(struct efi_system_table *system);

/* The firmware's services are gone: only the serial port is used from here on. */
void console_leave_firmware(void);

/* One line: "ferrous loader: " and the text. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line: "ferrous loader: error: " and the text; then the processor stops for good. */
__attribute__((noreturn)) void console_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
