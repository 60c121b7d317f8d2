/* Whether the emulator's exit device may be used. */
#include "syscall/test_exit.h"

#include "arch/cpu.h"

KERNEL_STATE static bool is_on;

void test_exit_configure(bool on)
{
    is_on = on;
}

bool test_exit_is_on(void)
{
    return is_on;
}
