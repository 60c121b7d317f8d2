/* SAFETY (this file): port I/O to COM1 only, which is the kernel's until console_release and again
 * in a panic.
 */
#include "serial.h"

#include "arch/cpu.h"
#include "x86.h"

#define COM1          0x3f8u
#define DATA          (COM1 + 0)
#define INTERRUPTS    (COM1 + 1)
#define FIFO_CONTROL  (COM1 + 2)
#define LINE_CONTROL  (COM1 + 3)
#define MODEM_CONTROL (COM1 + 4)
#define LINE_STATUS   (COM1 + 5)

#define LINE_8N1         0x03u
#define LINE_DIVISOR     0x80u
#define FIFO_ON_CLEARED  0x07u
#define MODEM_DTR_RTS    0x03u
#define STATUS_TX_EMPTY  0x20u
#define STATUS_NO_DEVICE 0xffu
#define WAIT_LIMIT       200000u

static bool absent;

void serial_init(void)
{
    x86_out8(INTERRUPTS, 0);
    x86_out8(LINE_CONTROL, LINE_DIVISOR);
    x86_out8(DATA, 1); /* divisor 1: 115200 */
    x86_out8(INTERRUPTS, 0);
    x86_out8(LINE_CONTROL, LINE_8N1);
    x86_out8(FIFO_CONTROL, FIFO_ON_CLEARED);
    x86_out8(MODEM_CONTROL, MODEM_DTR_RTS);
    absent = x86_in8(LINE_STATUS) == STATUS_NO_DEVICE;
}

void serial_write(char byte)
{
    if (absent)
        return;
    for (u32 i = 0; i < WAIT_LIMIT && !(x86_in8(LINE_STATUS) & STATUS_TX_EMPTY); i++)
        arch_spin_hint();
    x86_out8(DATA, (u8)byte);
}
