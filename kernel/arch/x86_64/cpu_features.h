/*
 * What the CPU can do, found once by the boot processor. The other CPUs are taken to be alike;
 * their start checks that they are (features_check_cpu).
 */
#ifndef X86_64_CPU_FEATURES_H
#define X86_64_CPU_FEATURES_H

#include "abi/bootinfo.h"
#include "arch/types.h"

enum feature {
    FEATURE_SMEP,
    FEATURE_SMAP,
    FEATURE_UMIP,
    FEATURE_FSGSBASE,
    FEATURE_XSAVE,
    FEATURE_XSAVEOPT,
    FEATURE_X2APIC,
    FEATURE_GIB_PAGES,
    FEATURE_PAT,
    FEATURE_MWAIT,
    FEATURE_RDRAND,
    FEATURE_RDSEED,
    FEATURE_TSC_INVARIANT,
    FEATURE_TSC_DEADLINE,
    FEATURE_HYPERVISOR,
    FEATURE_MCA,
    FEATURE_IBRS_ALWAYS,       /* Intel: enhanced IBRS */
    FEATURE_AUTO_IBRS,         /* AMD: automatic IBRS */
    FEATURE_FPU_POINTERS_LEAK, /* AMD: FXRSTOR keeps the last instruction's addresses */
    FEATURE_COUNT,
};

/* One bit a feature; written by features_init only. */
extern u32 port_features;

static inline bool cpu_has(enum feature feature)
{
    return (port_features >> feature & 1u) != 0;
}

/* What decides whether a CPU lets user mode read kernel memory. */
struct leak_facts {
    bool intel;
    u32 family;
    u32 model;
    u64 capabilities; /* IA32_ARCH_CAPABILITIES; 0 where there is no such register */
};

#define ARCH_CAPABILITY_RDCL_NO  (1ull << 0)
#define ARCH_CAPABILITY_IBRS_ALL (1ull << 1)
#define ARCH_CAPABILITY_MDS_NO   (1ull << 5)

/* Detects everything; refuses CPUs that lack what is required or that leak (unless
 * unsafe_cpu=accept). */
void features_init(const struct boot_info *boot);

/* Switches protections on, on the calling CPU. */
void features_enable_cpu(void);

/* Does the calling CPU have all that the boot processor has and uses? */
bool features_check_cpu(void);

#endif
