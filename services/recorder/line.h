/*
 * The second serial line, for sending only: a 16550 without interrupts, asked before each burst
 * whether it has room. Not locked.
 */
#ifndef RECORDER_LINE_H
#define RECORDER_LINE_H

#include "abi/status.h"
#include "ferrous/handle.h"

#define LINE_BURST 16u

struct line {
    ports_t ports;
    u16 base;
};

/* Sets the device up: 115,200 baud, 8 bits, no parity, one stop bit. NOT_FOUND: there is none. */
enum status line_open(struct line *line, ports_t ports, u16 base) MUST_USE;

/* Has it room for LINE_BURST bytes? Never waits. */
bool line_has_room(const struct line *line);

/* Sends up to LINE_BURST bytes, for which there is room. */
void line_send(const struct line *line, const u8 *bytes, size_t count);

#endif
