/* The kernel log ring. */
#include "core/log.h"

#include "arch/device.h"
#include "arch/time.h"
#include "core/cpu.h"
#include "core/lock.h"
#include "lib/format.h"
#include "lib/string.h"

#define LINE_SIZE 256u

KERNEL_STATE static struct spinlock lock = {.rank = RANK_LOG};
KERNEL_STATE static char ring[LOG_SIZE];
KERNEL_STATE static u64 written;
KERNEL_STATE static bool console_released;
KERNEL_STATE static bool broken;

static void append(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ring[(written + i) % LOG_SIZE] = text[i];
    written += length;
    if (!console_released)
        arch_console_write(text, length);
}

void log_line(const char *format, ...)
{
    char line[LINE_SIZE];
    u64 now_us = arch_clock_ns() / 1000;
    size_t length =
        format_to(line, sizeof(line), "[%5lu.%06lu] ", now_us / 1000000, now_us % 1000000);
    va_list arguments;
    va_start(arguments, format);
    length += format_to_va(line + length, sizeof(line) - length - 1, format, arguments);
    va_end(arguments);
    if (length > sizeof(line) - 2)
        length = sizeof(line) - 2;
    line[length++] = '\n';

    bool locked = !broken;
    if (locked)
        spin_lock(&lock);
    append(line, length);
    if (locked)
        spin_unlock(&lock);
}

u64 log_read(u64 position, char *buffer, u64 size_bytes, u64 *next)
{
    spin_lock(&lock);
    u64 oldest = written > LOG_SIZE ? written - LOG_SIZE : 0;
    if (position < oldest)
        position = oldest;
    if (position > written)
        position = written;
    u64 count = written - position;
    if (count > size_bytes)
        count = size_bytes;
    for (u64 i = 0; i < count; i++)
        buffer[i] = ring[(position + i) % LOG_SIZE];
    *next = position + count;
    spin_unlock(&lock);
    return count;
}

void log_break_lock(void)
{
    broken = true;
    console_released = false;
    arch_console_take_back();
}

void log_console_release(void)
{
    if (console_released)
        return;
    console_released = true;
    arch_console_release();
}
