/*
 * Which CPUs leak kernel memory to user mode: a pure function of what CPUID and
 * IA32_ARCH_CAPABILITIES say.
 *
 * Intel family 6 is affected by Meltdown and L1TF unless RDCL_NO is set, and by MDS unless MDS_NO
 * is; the in-order Atoms never speculated that far (Intel's list of affected processors; SDM 4,
 * table 2-2).
 */
#ifndef X86_64_LEAK_H
#define X86_64_LEAK_H

#include "cpu_features.h"

/* Exit code for tests when the CPU is refused. */
#define REFUSED_EXIT_CODE 0x21u

static inline bool atom_in_order(u32 model)
{
    static const u8 models[] = {0x1c, 0x26, 0x27, 0x35, 0x36}; /* Bonnell, Saltwell */
    for (u32 i = 0; i < sizeof(models); i++)
        if (models[i] == model)
            return true;
    return false;
}

static inline const char *cpu_leak_of(const struct leak_facts *facts)
{
    if (!facts->intel || facts->family != 6 || atom_in_order(facts->model))
        return NULL;
    if (!(facts->capabilities & ARCH_CAPABILITY_RDCL_NO))
        return "Meltdown";
    if (!(facts->capabilities & ARCH_CAPABILITY_MDS_NO))
        return "MDS";
    return NULL;
}

#endif
