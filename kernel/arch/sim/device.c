/* Device interrupts, I/O ports, console and power of the simulated machine. */
#include "sim_internal.h"

#include "fiber_sanitizer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIM_IRQ_COUNT 24u /* one I/O APIC */

enum status arch_irq_connect(u32 irq, u32 *line)
{
    if (irq >= SIM_IRQ_COUNT)
        return STATUS_NOT_FOUND;
    struct sim_line *state = &sim_machine()->lines[irq];
    if (state->connected)
        return STATUS_BUSY;
    *state = (struct sim_line){.connected = true, .cpu = sim_machine()->current};
    *line = irq;
    return STATUS_OK;
}

void arch_irq_disconnect(u32 line)
{
    sim_machine()->lines[line] = (struct sim_line){0};
}

void arch_irq_unmask(u32 line)
{
    atomic_point(SIM_EVERYTHING, true);
    sim_machine()->lines[line].unmasked = true;
}

void arch_irq_mask(u32 line)
{
    sim_machine()->lines[line].unmasked = false;
    atomic_point(SIM_EVERYTHING, true);
}

void sim_irq_raise(u32 irq)
{
    sim_machine()->lines[irq % SIM_IRQ_COUNT].pending = true;
}

bool sim_interrupt_pending(u32 cpu, u32 *line)
{
    for (u32 i = 0; i < ARCH_IRQ_LINES; i++) {
        const struct sim_line *state = &sim_machine()->lines[i];
        if (state->connected && state->unmasked && state->pending && state->cpu == cpu) {
            *line = i;
            return true;
        }
    }
    return false;
}

u32 arch_port_in(u16 port, u32 width)
{
    u32 mask = width == 4 ? 0xffffffffu : (1u << (8u * width)) - 1;
    return (port * 0x01010101u) & mask;
}

void arch_port_out(u16 port, u32 width, u32 value)
{
    (void)port, (void)width, (void)value;
}

void arch_power_off(void)
{
    sim_stop("power off");
    abort();
}

void arch_reset(void)
{
    sim_stop("reset");
    abort();
}

void arch_test_exit(u32 code)
{
    sim_stop("test exit %u", code);
    abort();
}

/* --- Console
 * ----------------------------------------------------------------------------------------- */

void arch_console_init(const struct boot_info *boot)
{
    (void)boot;
}

void arch_console_write(const char *text, size_t length)
{
    struct sim_machine *machine = sim_machine();
    for (size_t i = 0; i < length; i++)
        machine->console[machine->console_length++ % SIM_CONSOLE_BYTES] = text[i];
    if (machine->config.verbose)
        fwrite(text, 1, length, stdout);
}

void arch_console_release(void)
{
}

void arch_console_take_back(void)
{
}

const char *sim_console_text(void)
{
    static char text[SIM_CONSOLE_BYTES + 1]; /* a view for the caller, not state */
    const struct sim_machine *machine = sim_machine();
    u64 end = machine->console_length;
    u64 start = end > SIM_CONSOLE_BYTES ? end - SIM_CONSOLE_BYTES : 0;
    for (u64 i = start; i < end; i++)
        text[i - start] = machine->console[i % SIM_CONSOLE_BYTES];
    text[end - start] = 0;
    return text;
}

u32 arch_backtrace(u64 *addresses, u32 limit)
{
    u32 count = 0;
    if (limit > 0)
        addresses[count++] = (u64)(uintptr_t)__builtin_return_address(0);
    return count;
}

/* The host's own stack trace tells more than registers; to stderr, for the sanitizer's printer
 * writes there. */
void arch_dump_registers(void (*line)(const char *text))
{
    line("registers: simulated CPU");
    if (sim_machine()->config.verbose)
        sanitizer_print_stack();
}

/* --- Stopping
 * ---------------------------------------------------------------------------------------- */

void sim_stop(const char *format, ...)
{
    struct sim_machine *machine = sim_machine();
    va_list arguments;
    va_start(arguments, format);
    if (!machine->stopped)
        vsnprintf(machine->stop_reason, sizeof(machine->stop_reason), format, arguments);
    va_end(arguments);
    machine->stopped = true;
    if (machine->on_fiber)
        for (;;)
            sim_fiber_switch_to_host();
    if (!machine->fibers_on) {
        fprintf(stderr, "%s\nsimulated machine stopped: %s\n", sim_console_text(),
                machine->stop_reason);
        abort();
    }
}

/* The console line that says why: the first with "PANIC" or "assertion", else the last. */
static void copy_reason(char *reason, size_t size)
{
    const char *text = sim_console_text();
    const char *start = strstr(text, "PANIC");
    if (!start)
        start = strstr(text, "assertion");
    if (!start)
        start = text + strlen(text);
    size_t length = strcspn(start, "\n");
    snprintf(reason, size, "%.*s", (int)length, start);
}

void arch_halt(void)
{
    char reason[256];
    copy_reason(reason, sizeof(reason));
    sim_stop("halt: %s", reason);
    abort();
}

const char *sim_stop_reason(void)
{
    return sim_machine()->stop_reason;
}

bool sim_stopped(void)
{
    return sim_machine()->stopped;
}
