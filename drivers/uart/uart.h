/*
 * A 16550 UART (National Semiconductor PC16550D data sheet), driven by interrupts both ways through
 * an 8-bit port range of eight registers. Knows nothing of messages: console.c serves those.
 *
 * Two threads use it: the console's writes and reads, the interrupt thread calls uart_service.
 * `lock` guards all of it.
 */
#ifndef UART_H
#define UART_H

#include "byte_queue.h"
#include "ferrous/handle.h"
#include "ferrous/lock.h"
#include "ferrous/syscall.h"

#define UART_RECEIVE_SIZE  4096u
#define UART_TRANSMIT_SIZE 4096u

#define CONTROL_C 3u

struct uart {
    struct mutex lock;
    struct condition drained; /* the transmit queue has become shorter */
    ports_t ports;
    u16 base; /* first port */
    u8 interrupt_enable;
    struct byte_queue received;
    struct byte_queue transmit;
    u8 received_bytes[UART_RECEIVE_SIZE];
    u8 transmit_bytes[UART_TRANSMIT_SIZE];
    u64 received_count;
    u64 sent_count;
    u64 lost_count;
    u64 interrupt_count;
    /* Called under the lock for each byte that arrives, before it is queued; true: do not queue it.
     */
    bool (*filter)(void *context, u8 byte);
    /* Called under the lock when bytes are there where none were. */
    void (*arrived)(void *context);
    void *context;
};

/* Sets line and FIFOs up (115,200 baud, 8 bits, no parity) and lets it interrupt. NOT_SUPPORTED:
 * nothing answers. */
enum status uart_start(struct uart *uart, ports_t ports, u16 base) MUST_USE;

/* Everything that the device wants done now. Called after each interrupt. */
void uart_service(struct uart *uart);

/* Queues one byte, waiting for room; TIMED_OUT: the line has not moved for a second. Lock held by
 * the caller. */
enum status uart_put(struct uart *uart, u8 byte) MUST_USE;

/* Gives the device what it takes of the queue. Lock held by the caller. */
void uart_kick(struct uart *uart);

#endif
