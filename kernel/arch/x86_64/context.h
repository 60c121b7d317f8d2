/* Rules for what may be loaded into user mode; pure functions. */
#ifndef X86_64_CONTEXT_H
#define X86_64_CONTEXT_H

#include "offsets.h"
#include "port/context.h"
#include "x86.h"

/* What a user may choose: arithmetic and control flags, RF (to resume past a breakpoint), ID and
 * AC. */
#define USER_FLAGS                                                                                 \
    (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_TF | FLAG_DF | FLAG_OF | FLAG_RF |     \
     FLAG_AC | FLAG_ID)
/* What user mode always has: interrupts on. */
#define USER_FLAGS_SET (FLAG_IF | FLAG_ONE)

static inline bool user_address_is_sane(u64 address)
{
    return address >> USER_ADDRESS_BITS == 0;
}

static inline bool user_flags_are_sane(u64 flags)
{
    return (flags & ~USER_FLAGS) == USER_FLAGS_SET;
}

static inline u64 user_flags_sanitize(u64 flags)
{
    return (flags & USER_FLAGS) | USER_FLAGS_SET;
}

/* May port_exit leave through SYSRET? It loads RIP from RCX and takes a #GP in ring 0, on the
 * user's stack, if that is not canonical (Intel SDM 2B, SYSRET). entry.S makes this same test. */
static inline bool context_may_sysret(const struct arch_context *context)
{
    return (context->pc >> USER_ADDRESS_BITS | context->full) == 0;
}

#endif
