/* A thread's registers: how they start, how they leave a CPU and come to one. */
#include "context.h"

#include "abi/memory.h"
#include "abi/syscalls.h"
#include "arch/context.h"
#include "cpu_features.h"
#include "fpu.h"
#include "lib/string.h"
#include "port_cpu.h"

_Static_assert(offsetof(struct arch_context, number) == CONTEXT_RAX, "entry.S");
_Static_assert(offsetof(struct arch_context, info) == CONTEXT_RSI, "entry.S");
_Static_assert(offsetof(struct arch_context, handle) == CONTEXT_RDI, "entry.S");
_Static_assert(offsetof(struct arch_context, deadline) == CONTEXT_RBX, "entry.S");
_Static_assert(offsetof(struct arch_context, aux) == CONTEXT_RBP, "entry.S");
_Static_assert(offsetof(struct arch_context, words[0]) == CONTEXT_RDX, "entry.S");
_Static_assert(offsetof(struct arch_context, words[7]) == CONTEXT_R15, "entry.S");
_Static_assert(offsetof(struct arch_context, pc) == CONTEXT_PC, "entry.S");
_Static_assert(offsetof(struct arch_context, flags) == CONTEXT_FLAGS, "entry.S");
_Static_assert(offsetof(struct arch_context, sp) == CONTEXT_SP, "entry.S");
_Static_assert(offsetof(struct arch_context, sp) + 8 == CONTEXT_END, "entry.S");
_Static_assert(offsetof(struct arch_context, full) == CONTEXT_FULL, "entry.S");
_Static_assert(offsetof(struct arch_context, rcx) == CONTEXT_RCX, "entry.S");
/* What SYSCALL saved can be returned to: no user page ends where addresses stop being canonical. */
_Static_assert(USER_END + PAGE_SIZE <= 1ull << USER_ADDRESS_BITS, "entry.S, fast_exit");
_Static_assert(SYS_call == NUMBER_CALL && SYS_reply_receive == NUMBER_REPLY_RECEIVE &&
                   SYS_receive == NUMBER_RECEIVE,
               "entry.S");
_Static_assert(offsetof(struct arch_context, r11) == CONTEXT_R11, "entry.S");

void arch_context_init(struct arch_context *context, u64 entry, u64 sp, u64 argument,
                       u64 thread_pointer, void *fpu_area)
{
    fpu_area_init(fpu_area);
    context->pc = entry;
    context->sp = sp;
    context->handle = argument; /* rdi */
    context->fs_base = user_address_is_sane(thread_pointer) ? thread_pointer : 0;
    context->fpu_area = fpu_area;
    arch_context_sanitize(context);
}

bool arch_context_is_sane(const struct arch_context *context)
{
    return user_address_is_sane(context->pc) && user_address_is_sane(context->sp) &&
           user_flags_are_sane(context->flags);
}

/* Page 0 is never mapped: a thread sent there faults. */
void arch_context_sanitize(struct arch_context *context)
{
    if (unlikely(!user_address_is_sane(context->pc)))
        context->pc = 0;
    if (unlikely(!user_address_is_sane(context->sp)))
        context->sp = 0;
    context->flags = user_flags_sanitize(context->flags);
    context->full = 1;
}

void arch_context_leave(struct arch_context *context, bool voluntary)
{
    if (likely(cpu_has(FEATURE_FSGSBASE)))
        context->fs_base = x86_rdfsbase();
    struct port_cpu *cpu = port_this_cpu();
    if (unlikely(fpu_is_open(cpu)))
        fpu_leave(context, voluntary);
}

void arch_context_enter(struct arch_context *context)
{
    if (likely(cpu_has(FEATURE_FSGSBASE))) {
        x86_wrfsbase(context->fs_base);
        x86_clear_user_gs();
    } else {
        x86_wrmsr(MSR_FS_BASE, context->fs_base);
    }
    struct port_cpu *cpu = port_this_cpu();
    if (unlikely(fpu_is_open(cpu) | context->fpu_saved | context->fpu_credit))
        fpu_enter(cpu, context);
}

bool arch_context_set_thread_pointer(struct arch_context *context, u64 value)
{
    if (!user_address_is_sane(value))
        return false;
    context->fs_base = value;
    if (cpu_has(FEATURE_FSGSBASE))
        x86_wrfsbase(value);
    else
        x86_wrmsr(MSR_FS_BASE, value);
    return true;
}

_Static_assert(offsetof(struct thread_registers, scratch) == CONTEXT_END, "the two begin alike");

void arch_context_get(const struct arch_context *context, struct thread_registers *registers)
{
    *registers = (struct thread_registers){
        .scratch = {context->rcx, context->r11},
        .thread_pointer = context->fs_base,
    };
    memcpy(registers, context, offsetof(struct thread_registers, scratch));
}

void arch_context_set(struct arch_context *context, const struct thread_registers *registers)
{
    memcpy(context, registers, offsetof(struct thread_registers, scratch));
    context->rcx = registers->scratch[0];
    context->r11 = registers->scratch[1];
    if (user_address_is_sane(registers->thread_pointer))
        context->fs_base = registers->thread_pointer;
    arch_context_sanitize(context);
}
