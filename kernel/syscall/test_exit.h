/* Whether the emulator's exit device may be used: test_exit=on on the command line. */
#ifndef SYSCALL_TEST_EXIT_H
#define SYSCALL_TEST_EXIT_H

#include "arch/types.h"

void test_exit_configure(bool on);
bool test_exit_is_on(void);

#endif
