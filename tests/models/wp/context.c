/* kernel/arch/x86_64/context.h: what may be loaded into user mode. No kernel or non-canonical
 * address, no flag that user mode must not choose, interrupts always on. */
#include "kernel/arch/x86_64/context.h"
#include "arch/context.h"

/*@ assigns \nothing;
    ensures (\result != 0) <==> address < 0x800000000000; */
static inline bool user_address_is_sane(u64 address);

/*@ assigns \nothing;
    ensures privileged: \result != 0 ==> (flags & FLAG_IOPL) == 0 && (flags & FLAG_NT) == 0;
    ensures interrupts: \result != 0 ==> (flags & FLAG_IF) != 0;
    ensures high: \result != 0 ==> flags < 0x400000; */
static inline bool user_flags_are_sane(u64 flags);

/*@ assigns \nothing;
    ensures privileged: (\result & FLAG_IOPL) == 0 && (\result & FLAG_NT) == 0;
    ensures interrupts: (\result & FLAG_IF) != 0;
    ensures high: \result < 0x400000;
    ensures sane: (\result & ~USER_FLAGS) == USER_FLAGS_SET;
    ensures kept: (flags & ~USER_FLAGS) == USER_FLAGS_SET ==> \result == flags; */
static inline u64 user_flags_sanitize(u64 flags);

/* SYSRET is taken only with an address that cannot fault in ring 0. */
/*@ requires \valid_read(context);
    assigns \nothing;
    ensures (\result != 0) <==> context->pc < 0x800000000000 && context->full == 0; */
static inline bool context_may_sysret(const struct arch_context *context);

/*@ requires \valid_read(context);
    assigns \nothing;
    ensures \result != 0 ==> context->pc < 0x800000000000 && context->sp < 0x800000000000 &&
        (context->flags & FLAG_IOPL) == 0 && (context->flags & FLAG_IF) != 0; */
bool arch_context_is_sane(const struct arch_context *context);

/* Whatever a reply or a debugger put there. */
/*@ requires \valid(context);
    assigns context->pc, context->sp, context->flags, context->full;
    ensures addresses: context->pc < 0x800000000000 && context->sp < 0x800000000000;
    ensures flags: (context->flags & FLAG_IOPL) == 0 && (context->flags & FLAG_IF) != 0;
    ensures kept: \old(context->pc) < 0x800000000000 ==> context->pc == \old(context->pc);
    ensures slow: context->full == 1; */
void arch_context_sanitize(struct arch_context *context);

#include "kernel/arch/x86_64/context.c"
