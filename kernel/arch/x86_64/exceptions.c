/*
 * Exceptions. Those of user mode become faults for the core; those of the kernel are bugs, but for
 * accesses to user memory, whose instructions are listed with the place to go on at (section
 * .extable).
 */
#include "trap.h"

#include "arch/cpu.h"
#include "arch/device.h"
#include "fault_map.h"
#include "fpu.h"
#include "lib/format.h"
#include "port_cpu.h"
#include "power.h"
#include "smp.h"
#include "x86.h"

static const char *const exception_names[] = {
    "divide error",
    "debug exception",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "FPU not available",
    "double fault",
    "exception 9",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection fault",
    "page fault",
    "exception 15",
    "floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point error",
    "virtualisation exception",
    "control protection exception",
};

#define TRAP_DEPTH_LIMIT 4u

/* An instruction that may fault, and where to go on: both relative to the field's own address. */
struct extable_entry {
    i32 fault;
    i32 fixup;
};

extern const struct extable_entry kernel_extable_start[];
extern const struct extable_entry kernel_extable_end[];

static const char *exception_name(u64 vector)
{
    return vector < ARRAY_SIZE(exception_names) ? exception_names[vector] : "unknown exception";
}

/* SAFETY: the relative addresses were computed by the assembler inside this image. */
static u64 relative_target(const i32 *field)
{
    return (u64)field + (u64)(i64)*field;
}

static bool extable_fix(struct trap_frame *frame)
{
    const struct extable_entry *entry = kernel_extable_start;
    for (; entry != kernel_extable_end; entry++) {
        if (relative_target(&entry->fault) == frame->rip) {
            frame->rax = frame->vector == VECTOR_PAGE_FAULT ? x86_read_cr2() : 0;
            frame->rip = relative_target(&entry->fixup);
            return true;
        }
    }
    return false;
}

static NORETURN void kernel_bug(const struct trap_frame *frame)
{
    if (power_in_firmware())
        power_firmware_failed();
    struct port_cpu *cpu = port_this_cpu();
    cpu->fault_frame = frame;
    u64 address = frame->vector == VECTOR_PAGE_FAULT || frame->vector == VECTOR_DOUBLE_FAULT
                      ? x86_read_cr2()
                      : 0;
    upcall_kernel_fault(exception_name(frame->vector), frame->rip, frame->rsp, address,
                        frame->error);
}

/* A fault while a fault is being looked at, again and again: stop before the stack is gone. */
static void trap_begin(void)
{
    if (++port_this_cpu()->trap_depth > TRAP_DEPTH_LIMIT)
        arch_halt();
}

void port_kernel_trap(struct trap_frame *frame)
{
    trap_begin();
    bool fixed = (frame->vector == VECTOR_PAGE_FAULT || frame->vector == VECTOR_GENERAL) &&
                 extable_fix(frame);
    if (!fixed)
        kernel_bug(frame);
    port_this_cpu()->trap_depth--;
}

void port_ist_trap(struct trap_frame *frame)
{
    switch (frame->vector) {
    case VECTOR_NMI:
        smp_stop_if_asked();
        return; /* nobody else sends one: swallow it */
    case VECTOR_DEBUG:
        /* The kernel sets no breakpoints: a trap that MOV SS had held back until after SYSCALL. */
        x86_write_dr6(0xffff0ff0u);
        frame->rflags &= ~FLAG_TF;
        return;
    default:
        trap_begin();
        kernel_bug(frame);
    }
}

struct arch_context *port_user_trap(u64 vector, u64 error, struct arch_context *context)
{
    if (vector >= VECTOR_PIC)
        return interrupt_dispatch(vector, context);
    struct fault_info fault = {
        .reason = fault_reason_of(vector, error),
        .code = (u32)error,
        .address = context->pc,
    };
    switch (vector) {
    case VECTOR_DEVICE_ABSENT:
        fpu_device_absent(port_this_cpu(), context);
        return context;
    case VECTOR_PAGE_FAULT:
        fault.address = x86_read_cr2();
        if (error & PAGE_FAULT_RESERVED)
            upcall_kernel_fault("reserved bit in a user page table", context->pc, context->sp,
                                fault.address, error);
        break;
    case VECTOR_DEBUG:
        fault.code = (u32)x86_read_dr6();
        x86_write_dr6(0xffff0ff0u);
        break;
    }
    return upcall_fault(&fault);
}

void arch_dump_registers(void (*line)(const char *text))
{
    const struct trap_frame *f = port_this_cpu()->fault_frame;
    if (!f)
        return;
    char text[128];
#define PAIR(a, b, c, d)                                                                           \
    format_to(text, sizeof(text), #a " %016lx " #b " %016lx " #c " %016lx " #d " %016lx", f->a,    \
              f->b, f->c, f->d);                                                                   \
    line(text)
    PAIR(rax, rbx, rcx, rdx);
    PAIR(rsi, rdi, rbp, rsp);
    PAIR(r8, r9, r10, r11);
    PAIR(r12, r13, r14, r15);
    PAIR(rip, rflags, cs, error);
#undef PAIR
    format_to(text, sizeof(text), "cr2 %016lx cr3 %016lx cr4 %016lx", x86_read_cr2(),
              x86_read_cr3(), x86_read_cr4());
    line(text);
}
