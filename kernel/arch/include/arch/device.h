/* Device interrupts, I/O ports and power. */
#ifndef ARCH_DEVICE_H
#define ARCH_DEVICE_H

#include "arch/types.h"
#include "abi/bootinfo.h"

#define ARCH_IRQ_LINES 128u

/* Connects legacy IRQ `irq` (after MADT overrides) to a vector on this CPU, masked;
 * upcall_interrupt(line) follows once it is unmasked and fires. `*line` < ARCH_IRQ_LINES.
 * NOT_FOUND: no such IRQ; BUSY: connected already. */
enum status arch_irq_connect(u32 irq, u32 *line) MUST_USE;
void arch_irq_disconnect(u32 line);

/* A line is masked by the port before upcall_interrupt and stays so until unmasked. Any CPU, any
 * time. */
void arch_irq_unmask(u32 line);
void arch_irq_mask(u32 line);

/* width is 1, 2 or 4 bytes. */
u32 arch_port_in(u16 port, u32 width);
void arch_port_out(u16 port, u32 width, u32 value);

/* First I/O port not available; 0 where the machine has none. */
#define ARCH_PORT_COUNT 65536u

NORETURN void arch_power_off(void);
NORETURN void arch_reset(void);
/* QEMU's isa-debug-exit at port 0xf4: ends the emulator with (code << 1) | 1. */
NORETURN void arch_test_exit(u32 code);

/* Early and last-resort console: serial (polled) and framebuffer. Until console_release the kernel
 * writes each log line; after it only a panic does. */
void arch_console_init(const struct boot_info *boot);
void arch_console_write(const char *text, size_t length);
void arch_console_release(void);
void arch_console_take_back(void);

/* Up to `limit` return addresses of the caller's stack, innermost first. */
u32 arch_backtrace(u64 *addresses, u32 limit);

/* Text of an exception's registers for a panic; may be NULL when there is no exception. */
void arch_dump_registers(void (*line)(const char *text));

#endif
