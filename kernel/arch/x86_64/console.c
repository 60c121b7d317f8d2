/* The kernel's own console: serial line and framebuffer, until a driver takes over, and again for a
 * panic. */
#include "arch/device.h"
#include "framebuffer.h"
#include "serial.h"

static bool started;
static bool released;

void arch_console_init(const struct boot_info *boot)
{
    serial_init();
    framebuffer_init(boot);
    started = true;
}

void arch_console_write(const char *text, size_t length)
{
    if (released)
        return;
    if (!started) { /* something went wrong very early */
        serial_init();
        started = true;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            serial_write('\r');
        serial_write(text[i]);
    }
    framebuffer_write(text, length);
}

void arch_console_release(void)
{
    released = true;
}

void arch_console_take_back(void)
{
    if (released) {
        serial_init();
        released = false;
    }
}
