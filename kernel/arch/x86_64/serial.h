/* COM1, a 16550, polled. */
#ifndef X86_64_SERIAL_H
#define X86_64_SERIAL_H

#include "abi/types.h"

/* 115200 8N1, FIFO on, interrupts off. */
void serial_init(void);

/* Sends one byte, after at most a bounded wait: without a UART nothing hangs. */
void serial_write(char byte);

#endif
