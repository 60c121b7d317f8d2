/*
 * What the compiler's stack protector calls, in builds that use it (debug). One guard for all CPUs:
 * it catches a function that writes past its own frame, which is a bug and not an attack; so a
 * constant with a zero byte does.
 */
#include "core/assert.h"

extern const u64 __stack_chk_guard;
NORETURN void __stack_chk_fail(void);

const u64 __stack_chk_guard = 0x7fe5a1c3d20094b7ull;

void __stack_chk_fail(void)
{
    panic("a kernel function wrote past its stack frame");
}
