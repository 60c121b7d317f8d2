/* The supervisor's own words. */
#include "supervisor.h"

#include "ferrous/console.h"
#include "ferrous/time.h"
#include "lib/format.h"
#include "lib/string.h"

#define LOG_PATIENCE_NS (50 * NS_PER_MS)

/* The endpoint that the manifest calls "console", if its server is running. */
static endpoint_t find_console(const struct supervisor *supervisor)
{
    for (u32 i = 0; i < supervisor->manifest.endpoint_count; i++) {
        if (string_equal(supervisor->manifest.endpoints[i].name, "console"))
            return supervisor->endpoints[i];
    }
    return (endpoint_t){CAP_NULL};
}

void supervisor_log(struct supervisor *supervisor, const char *format, ...)
{
    endpoint_t console = find_console(supervisor);
    char text[MESSAGE_MAX_INLINE];
    va_list arguments;
    size_t length;

    if (cap_is_null(console.cap))
        return;
    length = format_to(text, sizeof(text), "supervisor: ");
    va_start(arguments, format);
    length += format_to_va(text + length, sizeof(text) - length - 1, format, arguments);
    va_end(arguments);
    text[length++] = '\n';
    (void)console_write_all(console, text, length, time_after_ns(LOG_PATIENCE_NS));
}
