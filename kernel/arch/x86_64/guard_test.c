/* The guard before SYSRET, in C and as port_exit makes it in assembly. */
#include "unit.h"

#include "abi/memory.h"
#include "offsets.h"

/* This test runs against the host's port, whose context differs; the words that the guard reads are
 * these. */
struct guard_context {
    u64 before[CONTEXT_PC / 8];
    u64 pc;
    u64 flags;
    u64 sp;
    u32 full;
    u32 fpu; /* of no interest to the guard */
};

_Static_assert(offsetof(struct guard_context, pc) == CONTEXT_PC, "as entry.S reads it");
_Static_assert(offsetof(struct guard_context, full) == CONTEXT_FULL, "as entry.S reads it");

#define TEXT_OF_(x) #x
#define TEXT_OF(x)  TEXT_OF_(x)

/* The instructions of port_exit (entry.S): not zero keeps it from SYSRET. */
static u64 guard(const struct guard_context *context)
{
    u64 word;
    __asm__("movq %c2(%1), %0\n\tshrq %3, %0\n\torl %c4(%1), %k0"
            : "=&r"(word)
            : "r"(context), "i"(CONTEXT_PC), "i"(USER_ADDRESS_BITS), "i"(CONTEXT_FULL),
              "m"(*context));
    return word;
}

static bool may_sysret(u64 pc, u32 full)
{
    struct guard_context context = {.pc = pc, .full = full, .fpu = ~0u};
    return guard(&context) == 0;
}

TEST(a_user_address_may_be_returned_to)
{
    EXPECT(may_sysret(0, 0));
    EXPECT(may_sysret(USER_START, 0));
    EXPECT(may_sysret(USER_END - 1, 0));
}

TEST(the_address_after_the_last_user_byte_may_not)
{
    /* Where SYSCALL in the last two bytes of the lower half would come back to; nothing is mapped
     * there, so that the fast path need not ask. */
    EXPECT(!may_sysret(1ull << USER_ADDRESS_BITS, 0));
    EXPECT(USER_END + PAGE_SIZE == 1ull << USER_ADDRESS_BITS);
}

TEST(no_non_canonical_and_no_kernel_address_may)
{
    for (u32 bit = USER_ADDRESS_BITS; bit < 64; bit++) {
        EXPECT(!may_sysret(1ull << bit, 0));
        EXPECT(!may_sysret(~0ull << bit, 0));
        EXPECT(!may_sysret(1ull << bit | unit_random_below(USER_END), 0));
    }
}

TEST(a_context_saved_whole_goes_by_iret)
{
    EXPECT(!may_sysret(USER_START, 1));
}
