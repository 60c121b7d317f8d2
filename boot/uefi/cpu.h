/* The processor: instructions that C does not have, and the check of what it can do. */
#ifndef BOOT_CPU_H
#define BOOT_CPU_H

#include "abi/types.h"

struct cpuid {
    u32 eax;
    u32 ebx;
    u32 ecx;
    u32 edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid result;
    __asm__ volatile("cpuid"
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(subleaf));
    return result;
}

static inline u8 port_read(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline u64 cpu_timestamp(void)
{
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

/* Interrupts off and halted for good: again after each non-maskable interrupt. */
__attribute__((noreturn)) static inline void cpu_stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" : : : "memory");
}

/* Fails with one line naming all features that the kernel needs and this processor lacks. */
void cpu_check(void);

/* Turns on what the loader's page tables need: no-execute and write protection. */
void cpu_enable_protection(void);

u32 cpu_apic_id(void);
bool cpu_has_huge_pages(void); /* of 1 GiB */

/* A random word from the processor; false: it has no generator, or that failed. */
bool cpu_random(u64 *word);

#endif
