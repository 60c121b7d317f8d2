/*
 * The console: a stream of bytes to a terminal and back. Served by drivers/uart.
 *
 * A client is told apart by the badge of its capability; text of one WRITE is never broken up by
 * that of another.
 */
#ifndef INTERFACES_CONSOLE_H
#define INTERFACES_CONSOLE_H

#include "abi/message.h"

#define CONSOLE_INTERFACE 1u

/*
 * WRITE   data: text
 *      -> w0: bytes taken. Answered when all of them are queued. Fails with TIMED_OUT when the line
 * has not moved for a second; what was queued until then is sent. A line feed is sent as carriage
 * return and line feed.
 */
#define CONSOLE_WRITE MESSAGE_LABEL(CONSOLE_INTERFACE, 1)

/*
 * READ    w0: how many bytes at most
 *      -> data: bytes that have arrived, oldest first; length 0 if there are none. Never waits.
 */
#define CONSOLE_READ MESSAGE_LABEL(CONSOLE_INTERFACE, 2)

/*
 * SUBSCRIBE  w0: one CONSOLE_EVENT_*; capability 0: endpoint with SIGNAL (none: no longer)
 *      ->    nothing. The endpoint is signalled when the event happens, and at once if it already
 * holds. Replaces what the same badge asked for that event. FULL: too many subscribers. Forgotten
 * when the driver is restarted.
 */
#define CONSOLE_SUBSCRIBE MESSAGE_LABEL(CONSOLE_INTERFACE, 3)

#define CONSOLE_EVENT_INPUT 1u /* bytes have arrived where there were none */
#define CONSOLE_EVENT_INTERRUPT                                                                    \
    2u /* ctrl-c was typed: as this event where anybody wants it, and input not yet                \
        * read is dropped; else it is a byte like others */

/* STATE   -> w0 bytes received, w1 bytes sent, w2 bytes lost (overrun or full buffer), w3
 * interrupts */
#define CONSOLE_STATE MESSAGE_LABEL(CONSOLE_INTERFACE, 4)

#define CONSOLE_MAX_SUBSCRIBERS 16u

#endif
