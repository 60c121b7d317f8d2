/* The UART driver's device side, against a model of the 16550. What it calls of the SDK is replaced
 * here. */
#include "uart.h"

#include "ferrous/calls.h"
#include "ferrous/time.h"
#include "lib/string.h"
#include "unit.h"

#define FIFO       16u
#define SENT_LIMIT 20000u

/* The model: receive FIFO, transmit FIFO, interrupt enable, divisor latch, scratch. */
static struct model {
    u8 receive[FIFO];
    u32 receive_count;
    bool overrun;
    u8 transmit[FIFO];
    u32 transmit_count;
    u8 enable;
    u8 line_control;
    u16 divisor;
    u8 modem_control;
    u8 scratch;
    bool absent;
    bool stuck; /* sends nothing */
    bool lost;  /* somebody wrote to a full transmit FIFO */
    u8 sent[SENT_LIMIT];
    u32 sent_count;
    u64 now_ns;
} model;

static struct uart uart;
static u32 arrivals;

/* The line takes what is in the transmit FIFO. */
static void model_drain(void)
{
    for (u32 i = 0; !model.stuck && i < model.transmit_count; i++)
        model.sent[model.sent_count++ % SENT_LIMIT] = model.transmit[i];
    if (!model.stuck)
        model.transmit_count = 0;
}

static void model_type(u8 byte)
{
    if (model.receive_count == FIFO)
        model.overrun = true;
    else
        model.receive[model.receive_count++] = byte;
}

static u8 model_status(void)
{
    u8 status = (u8)((model.receive_count != 0 ? 1 : 0) | (model.overrun ? 2 : 0) |
                     (model.transmit_count == 0 ? 0x20 : 0));

    model.overrun = false;
    return status;
}

static bool model_interrupts(void)
{
    return ((model.enable & 1) != 0 && model.receive_count != 0) ||
           ((model.enable & 2) != 0 && model.transmit_count == 0);
}

static u8 model_read_data(void)
{
    u8 byte = model.receive[0];

    memmove(model.receive, model.receive + 1, FIFO - 1);
    if (model.receive_count != 0)
        model.receive_count--;
    return byte;
}

enum status port_in(ports_t ports, u16 port, u32 width_bytes, u32 *value)
{
    (void)ports;
    EXPECT_EQ(width_bytes, 1);
    EXPECT(port >= 0x3f8 && port < 0x400);
    if (model.absent) {
        *value = 0xff;
        return STATUS_OK;
    }
    switch (port - 0x3f8) {
    case 0:
        *value = model_read_data();
        break;
    case 2:
        *value = model_interrupts() ? 0 : 1;
        break;
    case 5:
        *value = model_status();
        break;
    case 7:
        *value = model.scratch;
        break;
    default:
        *value = 0;
        break;
    }
    return STATUS_OK;
}

static void model_write_data(u8 value)
{
    if ((model.line_control & 0x80) != 0)
        model.divisor = (u16)((model.divisor & 0xff00) | value);
    else if (model.transmit_count == FIFO)
        model.lost = true;
    else
        model.transmit[model.transmit_count++] = value;
}

enum status port_out(ports_t ports, u16 port, u32 width_bytes, u32 value)
{
    (void)ports;
    EXPECT_EQ(width_bytes, 1);
    switch (port - 0x3f8) {
    case 0:
        model_write_data((u8)value);
        break;
    case 1:
        if ((model.line_control & 0x80) != 0)
            model.divisor = (u16)((model.divisor & 0xff) | value << 8);
        else
            model.enable = (u8)value;
        break;
    case 3:
        model.line_control = (u8)value;
        break;
    case 4:
        model.modem_control = (u8)value;
        break;
    case 7:
        model.scratch = (u8)value;
        break;
    default:
        break;
    }
    return STATUS_OK;
}

void mutex_lock(struct mutex *mutex)
{
    EXPECT_EQ(mutex->state, 0);
    mutex->state = 1;
}

void mutex_unlock(struct mutex *mutex)
{
    EXPECT_EQ(mutex->state, 1);
    mutex->state = 0;
}

/* Waiting lets the line move, and an interrupt be served, once. */
enum status condition_wait(struct condition *condition, struct mutex *mutex, u64 deadline_ns)
{
    u32 before = condition->sequence;

    model_drain();
    mutex_unlock(mutex);
    if (model_interrupts())
        uart_service(&uart);
    mutex_lock(mutex);
    if (condition->sequence != before)
        return STATUS_OK;
    model.now_ns = deadline_ns;
    return STATUS_TIMED_OUT;
}

void condition_signal(struct condition *condition)
{
    condition->sequence++;
}

u64 time_after_ns(u64 delay_ns)
{
    return model.now_ns + delay_ns;
}

static bool filter(void *context, u8 byte)
{
    (void)context;
    return byte == CONTROL_C;
}

static void arrived(void *context)
{
    (void)context;
    arrivals++;
}

static void set_up(void)
{
    memset(&model, 0, sizeof(model));
    memset(&uart, 0, sizeof(uart));
    uart.filter = filter;
    uart.arrived = arrived;
    arrivals = 0;
    EXPECT_EQ(uart_start(&uart, (ports_t){{1}}, 0x3f8), STATUS_OK);
}

static enum status write_text(const u8 *text, u32 size)
{
    enum status status = STATUS_OK;

    mutex_lock(&uart.lock);
    for (u32 i = 0; i < size && status == STATUS_OK; i++)
        status = uart_put(&uart, text[i]);
    uart_kick(&uart);
    mutex_unlock(&uart.lock);
    return status;
}

TEST(line_is_set_up)
{
    set_up();
    EXPECT_EQ(model.divisor, 1);
    EXPECT_EQ(model.line_control, 3);
    EXPECT_EQ(model.enable, 5);
    EXPECT_EQ(model.modem_control & 8, 8);
}

TEST(missing_device_is_told)
{
    memset(&model, 0, sizeof(model));
    model.absent = true;
    EXPECT_EQ(uart_start(&uart, (ports_t){{1}}, 0x3f8), STATUS_NOT_SUPPORTED);
}

TEST(short_text_goes_out_at_once)
{
    set_up();
    EXPECT_EQ(write_text((const u8 *)"hello", 5), STATUS_OK);
    EXPECT_EQ(model.transmit_count, 5);
    EXPECT_EQ(model.enable & 2, 0);
    model_drain();
    EXPECT_MEM_EQ(model.sent, "hello", 5);
}

TEST(long_text_goes_out_by_interrupts)
{
    static u8 text[10000];

    set_up();
    for (u32 i = 0; i < sizeof(text); i++)
        text[i] = (u8)unit_random();
    EXPECT_EQ(write_text(text, sizeof(text)), STATUS_OK);
    EXPECT(byte_queue_count(&uart.transmit) != 0);
    EXPECT_EQ(model.enable & 2, 2);
    for (u32 i = 0; i < sizeof(text) && byte_queue_count(&uart.transmit) != 0; i++) {
        model_drain();
        EXPECT(model_interrupts());
        uart_service(&uart);
    }
    model_drain();
    EXPECT_EQ(model.sent_count, sizeof(text));
    EXPECT_MEM_EQ(model.sent, text, sizeof(text));
    EXPECT(!model.lost);
    EXPECT_EQ(model.enable & 2, 0);
}

TEST(line_that_does_not_move_ends_the_write)
{
    static u8 text[UART_TRANSMIT_SIZE + FIFO + 1];

    set_up();
    model.stuck = true;
    EXPECT_EQ(write_text(text, sizeof(text)), STATUS_TIMED_OUT);
    EXPECT(model.now_ns >= NS_PER_S);
    EXPECT(model.now_ns < 2 * NS_PER_S);
    EXPECT(!model.lost);
    /* It moves again: the driver goes on where it was. */
    model.stuck = false;
    model_drain();
    EXPECT_EQ(write_text(text, 100), STATUS_OK);
}

TEST(input_is_taken_and_told_once)
{
    u8 byte;

    set_up();
    model_type('a');
    model_type('b');
    uart_service(&uart);
    EXPECT_EQ(arrivals, 1);
    model_type('c');
    uart_service(&uart);
    EXPECT_EQ(arrivals, 1);
    for (u8 expected = 'a'; expected <= 'c'; expected++) {
        EXPECT(byte_queue_take(&uart.received, &byte));
        EXPECT_EQ(byte, expected);
    }
    EXPECT(!byte_queue_take(&uart.received, &byte));
    model_type('d');
    uart_service(&uart);
    EXPECT_EQ(arrivals, 2);
}

TEST(filtered_bytes_are_not_queued)
{
    set_up();
    model_type(CONTROL_C);
    uart_service(&uart);
    EXPECT_EQ(byte_queue_count(&uart.received), 0);
    EXPECT_EQ(arrivals, 0);
    EXPECT_EQ(uart.received_count, 1);
}

TEST(lost_input_is_counted)
{
    set_up();
    for (u32 i = 0; i < FIFO + 1; i++)
        model_type((u8)('a' + i));
    uart_service(&uart);
    EXPECT_EQ(uart.lost_count, 1);
    for (u32 round = 0; round < UART_RECEIVE_SIZE / FIFO + 1; round++) {
        for (u32 i = 0; i < FIFO; i++)
            model_type((u8)('a' + i));
        uart_service(&uart);
    }
    EXPECT_EQ(byte_queue_count(&uart.received), UART_RECEIVE_SIZE);
    EXPECT(uart.lost_count > FIFO);
}
