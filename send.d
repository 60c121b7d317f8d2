send.o: kernel/ipc/send.c kernel/core/assert.h \
  kernel/arch/include/arch/types.h abi/status.h abi/status.def \
  abi/types.h /usr/lib/llvm-14/lib/clang/14.0.6/include/stdbool.h \
  /usr/lib/llvm-14/lib/clang/14.0.6/include/stddef.h \
  /usr/lib/llvm-14/lib/clang/14.0.6/include/__stddef_max_align_t.h \
  /usr/lib/llvm-14/lib/clang/14.0.6/include/stdint.h \
  /usr/include/stdint.h kernel/ipc/call_events.h \
  kernel/ipc/endpoint_internal.h kernel/ipc/endpoint.h \
  kernel/sched/sched.h kernel/sched/thread.h abi/fault.h abi/machine.h \
  abi/message.h kernel/arch/include/arch/context.h \
  kernel/arch/x86_64/include/port/context.h kernel/cap/space.h \
  abi/questions.h abi/rights.h kernel/arch/include/arch/atomic.h \
  kernel/arch/x86_64/include/port/atomic.h kernel/core/cap_node.h \
  kernel/core/object.h kernel/core/account.h kernel/core/lock.h \
  lib/list.h kernel/core/grace.h kernel/core/cpu.h \
  kernel/arch/include/arch/cpu.h abi/bootinfo.h \
  kernel/arch/x86_64/include/port/cpu.h lib/chacha.h \
  kernel/group/group.h kernel/group/reaper.h kernel/mm/vspace.h \
  abi/memory.h lib/tree.h kernel/mm/memory.h kernel/mm/frame.h \
  kernel/arch/include/arch/memory.h \
  kernel/arch/x86_64/include/port/memory.h kernel/mm/page_table.h \
  kernel/sched/mailbox.h kernel/sched/timer.h \
  build/trace_off/include/trace/trace.h abi/trace.h abi/metrics.def \
  abi/trace_events.def kernel/arch/include/arch/time.h \
  kernel/arch/x86_64/include/port/time.h kernel/sched/wait.h \
  lib/string.h

kernel/core/assert.h:

kernel/arch/include/arch/types.h:

abi/status.h:

abi/status.def:

abi/types.h:

/usr/lib/llvm-14/lib/clang/14.0.6/include/stdbool.h:

/usr/lib/llvm-14/lib/clang/14.0.6/include/stddef.h:

/usr/lib/llvm-14/lib/clang/14.0.6/include/__stddef_max_align_t.h:

/usr/lib/llvm-14/lib/clang/14.0.6/include/stdint.h:

/usr/include/stdint.h:

kernel/ipc/call_events.h:

kernel/ipc/endpoint_internal.h:

kernel/ipc/endpoint.h:

kernel/sched/sched.h:

kernel/sched/thread.h:

abi/fault.h:

abi/machine.h:

abi/message.h:

kernel/arch/include/arch/context.h:

kernel/arch/x86_64/include/port/context.h:

kernel/cap/space.h:

abi/questions.h:

abi/rights.h:

kernel/arch/include/arch/atomic.h:

kernel/arch/x86_64/include/port/atomic.h:

kernel/core/cap_node.h:

kernel/core/object.h:

kernel/core/account.h:

kernel/core/lock.h:

lib/list.h:

kernel/core/grace.h:

kernel/core/cpu.h:

kernel/arch/include/arch/cpu.h:

abi/bootinfo.h:

kernel/arch/x86_64/include/port/cpu.h:

lib/chacha.h:

kernel/group/group.h:

kernel/group/reaper.h:

kernel/mm/vspace.h:

abi/memory.h:

lib/tree.h:

kernel/mm/memory.h:

kernel/mm/frame.h:

kernel/arch/include/arch/memory.h:

kernel/arch/x86_64/include/port/memory.h:

kernel/mm/page_table.h:

kernel/sched/mailbox.h:

kernel/sched/timer.h:

build/trace_off/include/trace/trace.h:

abi/trace.h:

abi/metrics.def:

abi/trace_events.def:

kernel/arch/include/arch/time.h:

kernel/arch/x86_64/include/port/time.h:

kernel/sched/wait.h:

lib/string.h:
