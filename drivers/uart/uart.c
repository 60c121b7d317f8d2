/* The 16550. Register numbers and bits: PC16550D data sheet, section 8. */
#include "uart.h"

#include "ferrous/calls.h"
#include "ferrous/time.h"

#define REGISTER_DATA             0u /* with DIVISOR_ACCESS: divisor, low byte */
#define REGISTER_INTERRUPT_ENABLE 1u /* with DIVISOR_ACCESS: divisor, high byte */
#define REGISTER_FIFO_CONTROL     2u /* write */
#define REGISTER_INTERRUPT_ID     2u /* read */
#define REGISTER_LINE_CONTROL     3u
#define REGISTER_MODEM_CONTROL    4u
#define REGISTER_LINE_STATUS      5u
#define REGISTER_MODEM_STATUS     6u
#define REGISTER_SCRATCH          7u

#define ENABLE_RECEIVED    1u
#define ENABLE_TRANSMIT    2u
#define ENABLE_LINE_STATUS 4u

#define FIFO_ENABLE     0x07u /* on, both cleared */
#define FIFO_TRIGGER_8  0x80u
#define FIFO_DEPTH      16u
#define LINE_8N1        0x03u
#define DIVISOR_ACCESS  0x80u
#define DIVISOR_115200  1u
#define MODEM_ON        0x0bu /* DTR, RTS, and OUT2, which gates the interrupt */
#define STATUS_DATA     0x01u
#define STATUS_OVERRUN  0x02u
#define STATUS_EMPTY    0x20u /* the transmit FIFO is empty */
#define NOTHING_PENDING 0x01u
#define SCRATCH_PATTERN 0x5au

#define SERVICE_ROUNDS 64u
#define STALL_NS       NS_PER_S
#define POLL_NS        (20 * NS_PER_MS)

static u8 get(struct uart *uart, u16 index)
{
    u32 value = 0xff;

    (void)port_in(uart->ports, uart->base + index, 1, &value);
    return (u8)value;
}

static void set(struct uart *uart, u16 index, u8 value)
{
    (void)port_out(uart->ports, uart->base + index, 1, value);
}

static void enable(struct uart *uart, u8 interrupts)
{
    if (interrupts == uart->interrupt_enable)
        return;
    uart->interrupt_enable = interrupts;
    set(uart, REGISTER_INTERRUPT_ENABLE, interrupts);
}

enum status uart_start(struct uart *uart, ports_t ports, u16 base)
{
    uart->ports = ports;
    uart->base = base;
    byte_queue_init(&uart->received, uart->received_bytes, UART_RECEIVE_SIZE);
    byte_queue_init(&uart->transmit, uart->transmit_bytes, UART_TRANSMIT_SIZE);
    set(uart, REGISTER_SCRATCH, SCRATCH_PATTERN);
    if (get(uart, REGISTER_SCRATCH) != SCRATCH_PATTERN)
        return STATUS_NOT_SUPPORTED;
    set(uart, REGISTER_INTERRUPT_ENABLE, 0);
    set(uart, REGISTER_LINE_CONTROL, DIVISOR_ACCESS);
    set(uart, REGISTER_DATA, DIVISOR_115200);
    set(uart, REGISTER_INTERRUPT_ENABLE, 0);
    set(uart, REGISTER_LINE_CONTROL, LINE_8N1);
    set(uart, REGISTER_FIFO_CONTROL, FIFO_ENABLE | FIFO_TRIGGER_8);
    set(uart, REGISTER_MODEM_CONTROL, MODEM_ON);
    (void)get(uart, REGISTER_LINE_STATUS);
    (void)get(uart, REGISTER_MODEM_STATUS);
    enable(uart, ENABLE_RECEIVED | ENABLE_LINE_STATUS);
    return STATUS_OK;
}

/* Takes all bytes that have arrived; returns the last line status read. */
static u8 receive_all(struct uart *uart)
{
    bool was_empty = byte_queue_count(&uart->received) == 0;
    u8 status = get(uart, REGISTER_LINE_STATUS);

    for (u32 i = 0; (status & STATUS_DATA) != 0 && i < UART_RECEIVE_SIZE; i++) {
        u8 byte = get(uart, REGISTER_DATA);

        uart->received_count++;
        if ((status & STATUS_OVERRUN) != 0)
            uart->lost_count++;
        if (!uart->filter(uart->context, byte) && !byte_queue_put(&uart->received, byte))
            uart->lost_count++;
        status = get(uart, REGISTER_LINE_STATUS);
    }
    if (was_empty && byte_queue_count(&uart->received) != 0)
        uart->arrived(uart->context);
    return status;
}

/* Fills the transmit FIFO if it is empty, and asks for an interrupt while there is more to send. */
static void transmit(struct uart *uart, u8 status)
{
    u32 before = byte_queue_count(&uart->transmit);
    u8 interrupts = ENABLE_RECEIVED | ENABLE_LINE_STATUS;
    u8 byte;

    if ((status & STATUS_EMPTY) != 0) {
        for (u32 i = 0; i < FIFO_DEPTH && byte_queue_take(&uart->transmit, &byte); i++) {
            set(uart, REGISTER_DATA, byte);
            uart->sent_count++;
        }
    }
    if (byte_queue_count(&uart->transmit) != 0)
        interrupts |= ENABLE_TRANSMIT;
    enable(uart, interrupts);
    if (byte_queue_count(&uart->transmit) != before)
        condition_signal(&uart->drained);
}

void uart_service(struct uart *uart)
{
    mutex_lock(&uart->lock);
    uart->interrupt_count++;
    for (u32 i = 0; i < SERVICE_ROUNDS; i++) {
        if ((get(uart, REGISTER_INTERRUPT_ID) & NOTHING_PENDING) != 0)
            break;
        transmit(uart, receive_all(uart));
        (void)get(uart, REGISTER_MODEM_STATUS);
    }
    mutex_unlock(&uart->lock);
}

void uart_kick(struct uart *uart)
{
    if ((uart->interrupt_enable & ENABLE_TRANSMIT) == 0 && byte_queue_count(&uart->transmit) != 0)
        transmit(uart, get(uart, REGISTER_LINE_STATUS));
}

enum status uart_put(struct uart *uart, u8 byte)
{
    u64 stalled_ns = 0;

    while (!byte_queue_put(&uart->transmit, byte)) {
        u64 sent = uart->sent_count;

        uart_kick(uart);
        if (condition_wait(&uart->drained, &uart->lock, time_after_ns(POLL_NS)) == STATUS_TIMED_OUT)
            transmit(uart, get(uart, REGISTER_LINE_STATUS));
        stalled_ns = uart->sent_count == sent ? stalled_ns + POLL_NS : 0;
        if (stalled_ns >= STALL_NS)
            return STATUS_TIMED_OUT;
    }
    return STATUS_OK;
}
