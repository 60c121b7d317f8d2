/* Starting and stopping the other CPUs. */
#ifndef X86_64_SMP_H
#define X86_64_SMP_H

#include "abi/bootinfo.h"

/* Maps the trampoline page; while arch_memory_init runs. */
void smp_map_trampoline(const struct boot_info *boot);

/* In the NMI handler: halts the calling CPU for good if a panic asked for it. */
void smp_stop_if_asked(void);

#endif
