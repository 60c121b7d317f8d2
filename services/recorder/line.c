/* The 16550. Register numbers and bits: PC16550D data sheet, section 8. */
#include "line.h"

#include "ferrous/calls.h"

#define REGISTER_DATA             0u /* with DIVISOR_ACCESS: divisor, low byte */
#define REGISTER_INTERRUPT_ENABLE 1u /* with DIVISOR_ACCESS: divisor, high byte */
#define REGISTER_FIFO_CONTROL     2u
#define REGISTER_LINE_CONTROL     3u
#define REGISTER_MODEM_CONTROL    4u
#define REGISTER_LINE_STATUS      5u
#define REGISTER_SCRATCH          7u

#define FIFO_ENABLE     0x07u /* on, both cleared */
#define LINE_8N1        0x03u
#define DIVISOR_ACCESS  0x80u
#define DIVISOR_115200  1u
#define MODEM_ON        0x03u /* DTR, RTS */
#define STATUS_EMPTY    0x20u /* the transmit FIFO is empty */
#define SCRATCH_PATTERN 0x5au

static u8 get(const struct line *line, u16 index)
{
    u32 value = 0xff;

    (void)port_in(line->ports, line->base + index, 1, &value);
    return (u8)value;
}

static void set(const struct line *line, u16 index, u8 value)
{
    (void)port_out(line->ports, line->base + index, 1, value);
}

enum status line_open(struct line *line, ports_t ports, u16 base)
{
    *line = (struct line){ports, base};
    set(line, REGISTER_SCRATCH, SCRATCH_PATTERN);
    if (get(line, REGISTER_SCRATCH) != SCRATCH_PATTERN)
        return STATUS_NOT_FOUND;
    set(line, REGISTER_INTERRUPT_ENABLE, 0);
    set(line, REGISTER_LINE_CONTROL, DIVISOR_ACCESS);
    set(line, REGISTER_DATA, DIVISOR_115200);
    set(line, REGISTER_INTERRUPT_ENABLE, 0);
    set(line, REGISTER_LINE_CONTROL, LINE_8N1);
    set(line, REGISTER_FIFO_CONTROL, FIFO_ENABLE);
    set(line, REGISTER_MODEM_CONTROL, MODEM_ON);
    return STATUS_OK;
}

bool line_has_room(const struct line *line)
{
    return (get(line, REGISTER_LINE_STATUS) & STATUS_EMPTY) != 0;
}

void line_send(const struct line *line, const u8 *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        set(line, REGISTER_DATA, bytes[i]);
}
