/* The end: says what went wrong, and stops every CPU. */
#include "core/panic.h"
#include "abi/syscalls.h"
#include "arch/device.h"
#include "arch/upcalls.h"
#include "core/assert.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/symbols.h"
#include "lib/format.h"

#define BACKTRACE_LIMIT 24u

KERNEL_STATE static u32 panicking;
KERNEL_STATE static bool exit_on_panic;
KERNEL_STATE static const char *boot_step;

void panic_configure(bool test_exit)
{
    exit_on_panic = test_exit;
}

void panic_set_step(const char *name)
{
    boot_step = name;
}

static void print_address(u64 address)
{
    struct symbol symbol;
    if (symbol_find_address(address, &symbol))
        log_line("  %s+0x%lx (%s:%u)", symbol.name, symbol.offset, symbol.file, symbol.line);
    else
        log_line("  0x%lx", address);
}

static void print_backtrace(void)
{
    u64 addresses[BACKTRACE_LIMIT];
    u32 found = arch_backtrace(addresses, BACKTRACE_LIMIT);
    log_line("stack:");
    for (u32 i = 0; i < found; i++)
        print_address(addresses[i] -
                      1); /* the call: it may be the last instruction of its function */
}

static void print_line(const char *text)
{
    log_line("%s", text);
}

/* The first CPU to come here reports; a second panic on the way, or another CPU, just stops. */
static void begin(void)
{
    if (ATOMIC_EXCHANGE(&panicking, 1) != 0)
        arch_halt();
    arch_stop_others();
    log_break_lock();
}

static NORETURN void finish(void)
{
    const struct panic_hooks *hooks = &panic_hooks;
    if (boot_step)
        log_line("boot stopped at: %s", boot_step);
    if (hooks->describe_current)
        hooks->describe_current(print_line);
    arch_dump_registers(print_line);
    print_backtrace();
    if (hooks->last_events)
        hooks->last_events(print_line);
    log_line("the system is stopped");
    if (exit_on_panic)
        arch_test_exit(PANIC_EXIT_CODE);
    arch_halt();
}

void panic(const char *format, ...)
{
    begin();
    char reason[200];
    va_list arguments;
    va_start(arguments, format);
    format_to_va(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    log_line("PANIC on CPU %u: %s", this_cpu() ? this_cpu()->index : 0, reason);
    finish();
}

void upcall_kernel_fault(const char *reason, u64 pc, u64 sp, u64 address, u64 code)
{
    begin();
    log_line("PANIC on CPU %u: %s in the kernel", this_cpu() ? this_cpu()->index : 0, reason);
    log_line("pc 0x%lx sp 0x%lx address 0x%lx code 0x%lx", pc, sp, address, code);
    print_address(pc);
    finish();
}
