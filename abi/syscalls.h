/* Numbers and small argument constants of the system calls; the list is abi/syscalls.def. */
#ifndef ABI_SYSCALLS_H
#define ABI_SYSCALLS_H

#include "abi/types.h"

enum syscall_number {
#define SYSCALL(number, name) SYS_##name = (number),
#include "abi/syscalls.def"
#undef SYSCALL
};

#define SYSCALL_LIMIT 64u /* one past the largest number, rounded up */

/* derive, w5 */
#define DERIVE_SEAL_DERIVE   1u /* the child has no RIGHT_DERIVE, for ever */
#define DERIVE_SEAL_TRANSFER 2u

/* thread_control, w0 */
#define THREAD_START         0u /* a held thread */
#define THREAD_SUSPEND       1u /* returns when the thread has stopped */
#define THREAD_RESUME        2u
#define THREAD_SET_CPUS      3u /* w1: mask of CPUs 0-63 */
#define THREAD_SET_POINTER   4u /* w1: FS base; only of the calling thread */
#define THREAD_GET_REGISTERS 5u /* w1: address of a struct thread_registers; of a held thread */
#define THREAD_SET_REGISTERS 6u

/* process_memory, w0 */
#define PROCESS_MEMORY_READ  0u
#define PROCESS_MEMORY_WRITE 1u

/* group_control, w0 */
#define GROUP_DESTROY    0u
#define GROUP_SET_LIMIT  1u /* w1: enum group_resource, w2: limit */
#define GROUP_SET_WEIGHT 2u /* w1: 1 to 10,000; 100 is usual */
#define GROUP_SET_QUOTA  3u /* w1: ns, w2: period in ns; both 0: no quota */
#define GROUP_SUSPEND    4u /* returns when no thread of it, or of a group below, is in user mode */
#define GROUP_RESUME     5u

/* machine_control, w0 */
#define MACHINE_POWER_OFF 0u
#define MACHINE_RESET     1u
#define MACHINE_TEST_EXIT                                                                          \
    2u /* QEMU's isa-debug-exit, w1: code; NOT_SUPPORTED without test_exit=on */

/* trace_control, w0 */
#define TRACE_GET_MEMORY     0u /* needs TRACE_READ -> w0: read-only memory capability of the rings */
#define TRACE_SET_CATEGORIES 1u /* needs TRACE_CONTROL; w1: mask of enum trace_category bits */

#endif
