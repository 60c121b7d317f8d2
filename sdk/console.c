/*
 * Client of the console. Writes are cut into messages; a driver that dies in the middle of one is
 * replaced by the supervisor behind the same endpoint, so a write that failed for that reason is
 * tried again.
 */
#include "ferrous/console.h"

#include "abi/rights.h"
#include "ferrous/ipc.h"
#include "ferrous/start.h"
#include "lib/string.h"

#define PRINT_BUFFER_SIZE 1024u
#define WRITE_TRIES       8u

endpoint_t console_default(void)
{
    static endpoint_t console;

    if (cap_is_null(console.cap))
        console.cap = start_cap("console");
    return console;
}

enum status console_write(endpoint_t console, const char *text, size_t size, u64 deadline_ns)
{
    u32 failures = 0;

    while (size > 0) {
        struct message message = MESSAGE_INIT(CONSOLE_WRITE);
        size_t part = size < MESSAGE_MAX_INLINE ? size : MESSAGE_MAX_INLINE;
        enum status status;
        u64 taken;

        message_put_data(&message, text, part);
        status = ipc_call_checked(console, &message, deadline_ns);
        if (status == STATUS_OK) {
            taken = message.words[0] < part ? message.words[0] : part;
            text += taken;
            size -= taken;
            continue;
        }
        failures++;
        if ((status != STATUS_SERVER_DIED && status != STATUS_REPLY_DROPPED) ||
            failures >= WRITE_TRIES)
            return status;
    }
    return STATUS_OK;
}

void print(const char *format, ...)
{
    char text[PRINT_BUFFER_SIZE];
    va_list arguments;
    size_t length;

    if (cap_is_null(console_default().cap))
        return;
    va_start(arguments, format);
    length = format_to_va(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)console_write(console_default(), text, length, TIME_NEVER);
}

enum status console_read(endpoint_t console, void *buffer, size_t size, size_t *count)
{
    struct message message = MESSAGE_INIT(CONSOLE_READ);
    enum status status;
    size_t length;

    message.words[0] = size;
    status = ipc_call_checked(console, &message, TIME_NEVER);
    if (status != STATUS_OK)
        return status;
    length = message_length(&message);
    if (length > size)
        length = size;
    memcpy(buffer, message_data(), length);
    *count = length;
    return STATUS_OK;
}

enum status console_subscribe(endpoint_t console, u64 event, endpoint_t endpoint)
{
    struct message message = MESSAGE_INIT(CONSOLE_SUBSCRIBE);

    message.words[0] = event;
    if (!cap_is_null(endpoint.cap))
        (void)message_put_cap(&message, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
    return ipc_call_checked(console, &message, TIME_NEVER);
}
