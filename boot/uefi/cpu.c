/* What the processor can do; see cpu.h. Bits: Intel SDM volume 2, CPUID; AMD APM volume 3. */
#include "cpu.h"

#include "console.h"
#include "lib/string.h"

#define LEAF_FEATURES  1u
#define LEAF_TOPOLOGY  0xbu
#define LEAF_EXTENDED  0x80000000u
#define LEAF_EXTENDED1 0x80000001u

#define FEATURE_RDRAND    (1u << 30) /* LEAF_FEATURES, ecx */
#define FEATURE_HUGE_PAGE (1u << 26) /* LEAF_EXTENDED1, edx */

#define MSR_EFER     0xc0000080u
#define EFER_NXE     (1u << 11)
#define CR0_WP       (1ull << 16)
#define CR4_LA57     (1ull << 12)
#define RDRAND_TRIES 32u

enum feature_register { IN_ECX_1, IN_EDX_1, IN_EDX_EXTENDED, FEATURE_REGISTER_COUNT };

static const struct {
    enum feature_register where;
    u32 bit;
    const char *name;
} required[] = {
    {IN_EDX_1, 0, "FPU"},        {IN_EDX_1, 4, "TSC"},
    {IN_EDX_1, 5, "MSR"},        {IN_EDX_1, 6, "PAE"},
    {IN_EDX_1, 9, "APIC"},       {IN_EDX_1, 13, "PGE"},
    {IN_EDX_1, 24, "FXSR"},      {IN_EDX_1, 26, "SSE2"},
    {IN_ECX_1, 13, "CX16"},      {IN_EDX_EXTENDED, 11, "SYSCALL"},
    {IN_EDX_EXTENDED, 20, "NX"}, {IN_EDX_EXTENDED, 29, "long mode"},
};

static u32 extended_features(void)
{
    if (cpuid(LEAF_EXTENDED, 0).eax < LEAF_EXTENDED1)
        return 0;
    return cpuid(LEAF_EXTENDED1, 0).edx;
}

void cpu_check(void)
{
    char missing[100] = "";
    size_t length = 0;
    struct cpuid basic = cpuid(LEAF_FEATURES, 0);
    u32 words[FEATURE_REGISTER_COUNT] = {
        [IN_ECX_1] = basic.ecx,
        [IN_EDX_1] = basic.edx,
        [IN_EDX_EXTENDED] = extended_features(),
    };
    for (u32 i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (words[required[i].where] & 1u << required[i].bit)
            continue;
        if (length > 0)
            length += string_copy(missing + length, sizeof(missing) - length, ", ");
        length += string_copy(missing + length, sizeof(missing) - length, required[i].name);
    }
    if (length > 0)
        console_fail("the processor lacks: %s", missing);

    u64 cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    if (cr4 & CR4_LA57)
        console_fail("the firmware left the processor in 5-level paging");
}

void cpu_enable_protection(void)
{
    u32 low, high;
    u64 cr0;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
    __asm__ volatile("wrmsr" : : "a"(low | EFER_NXE), "d"(high), "c"(MSR_EFER) : "memory");
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_WP) : "memory");
}

u32 cpu_apic_id(void)
{
    if (cpuid(0, 0).eax >= LEAF_TOPOLOGY) {
        struct cpuid topology = cpuid(LEAF_TOPOLOGY, 0);
        if (topology.ebx != 0)
            return topology.edx;
    }
    return cpuid(LEAF_FEATURES, 0).ebx >> 24;
}

bool cpu_has_huge_pages(void)
{
    return extended_features() & FEATURE_HUGE_PAGE;
}

bool cpu_random(u64 *word)
{
    if (!(cpuid(LEAF_FEATURES, 0).ecx & FEATURE_RDRAND))
        return false;
    for (u32 i = 0; i < RDRAND_TRIES; i++) {
        u64 value;
        bool good;
        __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(good));
        if (good && value != 0 && value != UINT64_MAX) { /* what broken generators give */
            *word = value;
            return true;
        }
    }
    return false;
}
