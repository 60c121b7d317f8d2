/*
 * The UART driver: serves interfaces/console.idl. Its capabilities are its eight ports, its
 * interrupt, the receiving side of the console endpoint, and a group from which it makes one thread
 * and one endpoint; nothing else.
 *
 * The main thread serves clients, one request at a time: a write that must wait for the line holds
 * back the others, as it should. The interrupt thread serves the device.
 */
#include "uart.h"

#include "ferrous/calls.h"
#include "ferrous/server.h"
#include "ferrous/start.h"
#include "ferrous/thread.h"
#include "ferrous/typed.h"
#include "interfaces/console_server.h"

struct subscriber {
    u64 badge; /* of the client */
    u64 event; /* 0: the place is free */
    endpoint_t endpoint;
};

/* Guarded by uart.lock. */
struct console {
    struct uart uart;
    struct subscriber subscribers[CONSOLE_MAX_SUBSCRIBERS];
    interrupt_t interrupt;
    endpoint_t interrupt_endpoint;
};

static struct console the_console;

static void drop(struct subscriber *subscriber)
{
    (void)cap_close(subscriber->endpoint.cap);
    *subscriber = (struct subscriber){0};
}

/* Tells all who want to know; returns how many did. Those whose endpoint is gone are forgotten. */
static u32 publish(struct console *console, u64 event)
{
    u32 told = 0;

    for (u32 i = 0; i < CONSOLE_MAX_SUBSCRIBERS; i++) {
        struct subscriber *subscriber = &console->subscribers[i];

        if (subscriber->event != event)
            continue;
        if (endpoint_signal(subscriber->endpoint) == STATUS_OK)
            told++;
        else
            drop(subscriber);
    }
    return told;
}

/* Ctrl-c overtakes what was typed before it, so that goes away, as on any terminal. */
static bool filter(void *context, u8 byte)
{
    struct console *console = context;

    if (byte != CONTROL_C || publish(console, CONSOLE_EVENT_INTERRUPT) == 0)
        return false;
    byte_queue_clear(&console->uart.received);
    return true;
}

static void arrived(void *context)
{
    (void)publish(context, CONSOLE_EVENT_INPUT);
}

static enum status handle_write(void *context, u64 badge, struct console_write_request *request,
                                struct console_write_reply *reply)
{
    struct console *console = context;
    enum status status = STATUS_OK;
    u32 taken = 0;

    (void)badge;
    mutex_lock(&console->uart.lock);
    while (taken < request->text_count && status == STATUS_OK) {
        if (request->text[taken] == '\n')
            status = uart_put(&console->uart, '\r');
        if (status == STATUS_OK)
            status = uart_put(&console->uart, request->text[taken]);
        if (status == STATUS_OK)
            taken++;
    }
    uart_kick(&console->uart);
    mutex_unlock(&console->uart.lock);
    reply->taken = taken;
    return status;
}

static enum status handle_read(void *context, u64 badge, struct console_read_request *request,
                               struct console_read_reply *reply)
{
    struct console *console = context;
    u32 count = 0;

    (void)badge;
    mutex_lock(&console->uart.lock);
    while (count < sizeof(reply->text) && count < request->wanted &&
           byte_queue_take(&console->uart.received, &reply->text[count]))
        count++;
    mutex_unlock(&console->uart.lock);
    reply->text_count = count;
    return STATUS_OK;
}

/* The client's own place for this event, else a free one, else that of somebody whose endpoint is
 * gone. */
static struct subscriber *find_place(struct console *console, u64 badge, u64 event)
{
    struct subscriber *place = NULL;
    struct cap_facts facts;

    for (u32 i = 0; i < CONSOLE_MAX_SUBSCRIBERS; i++) {
        struct subscriber *subscriber = &console->subscribers[i];

        if (subscriber->event == event && subscriber->badge == badge)
            return subscriber;
    }
    for (u32 i = 0; i < CONSOLE_MAX_SUBSCRIBERS && place == NULL; i++) {
        struct subscriber *subscriber = &console->subscribers[i];

        if (subscriber->event == 0 || cap_inspect(subscriber->endpoint.cap, &facts) != STATUS_OK)
            place = subscriber;
    }
    return place;
}

static enum status handle_subscribe(void *context, u64 badge,
                                    struct console_subscribe_request *request)
{
    struct console *console = context;
    bool wanted = !cap_is_null(request->listener.cap);
    struct subscriber *place;

    mutex_lock(&console->uart.lock);
    place = find_place(console, badge, request->event);
    if (place != NULL) {
        drop(place);
        if (wanted)
            *place = (struct subscriber){.badge = badge,
                                         .event = request->event,
                                         .endpoint = {cap_take(&request->listener.cap)}};
        if (wanted && request->event == CONSOLE_EVENT_INPUT &&
            byte_queue_count(&console->uart.received) != 0)
            (void)endpoint_signal(place->endpoint);
    }
    mutex_unlock(&console->uart.lock);
    return place != NULL ? STATUS_OK : STATUS_FULL;
}

static enum status handle_state(void *context, u64 badge, struct console_state_reply *reply)
{
    struct console *console = context;

    (void)badge;
    mutex_lock(&console->uart.lock);
    reply->received = console->uart.received_count;
    reply->sent = console->uart.sent_count;
    reply->lost = console->uart.lost_count;
    reply->interrupts = console->uart.interrupt_count;
    mutex_unlock(&console->uart.lock);
    return STATUS_OK;
}

static const struct console_ops console_ops = {
    .write = handle_write,
    .read = handle_read,
    .subscribe = handle_subscribe,
    .state = handle_state,
};

static void handle(void *context, struct message *message)
{
    console_dispatch(&console_ops, context, message);
}

/*
 * The interrupt thread. An edge that came while the line was masked is not seen again by every
 * interrupt controller, so the device is asked once more after the acknowledgement.
 */
static u64 serve_interrupts(void *context)
{
    struct console *console = context;
    struct message message;

    for (;;) {
        if (interrupt_ack(console->interrupt, console->interrupt_endpoint) != STATUS_OK)
            break;
        uart_service(&console->uart);
        if (ipc_receive(console->interrupt_endpoint, &message, 0, TIME_NEVER) != STATUS_OK)
            break;
        uart_service(&console->uart);
    }
    process_exit(3);
}

int main(int argc, char **argv)
{
    struct console *console = &the_console;
    struct server server = {.endpoint = {start_cap("console")},
                            .accept = CONSOLE_MAX_CAPS,
                            .context = console,
                            .handle = handle};
    ports_t ports = {start_cap("ports")};
    struct cap_facts facts;
    struct thread thread;

    (void)argc;
    (void)argv;
    console->interrupt.cap = start_cap("interrupt");
    console->uart.filter = filter;
    console->uart.arrived = arrived;
    console->uart.context = console;
    if (cap_inspect(ports.cap, &facts) != STATUS_OK ||
        uart_start(&console->uart, ports, (u16)facts.range_start) != STATUS_OK)
        return 1;
    if (endpoint_create(start_group(), 0, 0, &console->interrupt_endpoint) != STATUS_OK ||
        thread_start(&thread, serve_interrupts, console, 16384) != STATUS_OK)
        return 2;
    (void)server_run(&server);
    return 4;
}
