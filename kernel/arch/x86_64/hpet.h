/* High Precision Event Timer (IA-PC HPET 1.0a): its main counter only. */
#ifndef X86_64_HPET_H
#define X86_64_HPET_H

#include "abi/bootinfo.h"

/* Maps the registers; while arch_memory_init runs. */
void hpet_map(const struct boot_info *boot);

/* Starts the counter. False: there is no usable HPET. */
bool hpet_init(void);

/* The counter; 64 bits, monotonic on all CPUs. */
u64 hpet_read(void);

/* Nanoseconds per tick, 32.32 fixed point. */
u64 hpet_multiplier(void);

#endif
