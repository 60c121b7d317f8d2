/*
 * Client of the console. Writes are cut into messages; a driver that dies in the middle of one is
 * replaced by the supervisor behind the same endpoint, so a write that failed for that reason is
 * tried again.
 */
#include "ferrous/console.h"

#include "ferrous/start.h"

#define PRINT_BUFFER_SIZE 1024u
#define WRITE_TRIES       8u

endpoint_t console_default(void)
{
    static endpoint_t console;

    if (cap_is_null(console.cap))
        console.cap = start_cap("console");
    return console;
}

enum status console_write_all(endpoint_t console, const char *text, size_t size, u64 deadline_ns)
{
    u32 failures = 0;

    while (size > 0) {
        u32 part = size < MESSAGE_MAX_INLINE ? (u32)size : MESSAGE_MAX_INLINE;
        struct console_write_reply reply;
        enum status status = console_write(console, text, part, deadline_ns, &reply);
        u32 taken;

        if (status == STATUS_OK) {
            taken = reply.taken < part ? reply.taken : part;
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
    (void)!console_write_all(console_default(), text, length, TIME_NEVER);
}
