/* CPU features from CPUID (Intel SDM 2A; AMD APM 3, appendix E), and what is made of them. */
#include "cpu_features.h"

#include "arch/cpu.h"
#include "arch/device.h"
#include "core/assert.h"
#include "leak.h"
#include "lib/format.h"
#include "lib/string.h"
#include "options.h"
#include "port_cpu.h"
#include "user_copy.h"
#include "x86.h"

#define ANY_FEATURE   FEATURE_COUNT
#define SPEC_IBRS     (1ull << 0)
#define APIC_X2_MODE  (1ull << 10)
#define NAME_SIZE     320u
/* Entries 0 to 3, and again 4 to 7: write-back, write-combining (PWT alone), uncached-minus,
 * uncached. */
#define PAT_VALUE     0x0007010600070106ull
#define FAMILY_AMD_17 0x17u

enum cpuid_register { EAX, EBX, ECX, EDX };

struct feature_bit {
    u32 leaf;
    u32 subleaf;
    u8 reg; /* enum cpuid_register */
    u8 bit;
    u8 feature; /* enum feature; ANY_FEATURE for those that are required */
    const char *name;
};

static const struct feature_bit required[] = {
    {0x80000001, 0, EDX, 29, ANY_FEATURE, "long mode"},
    {0x80000001, 0, EDX, 20, ANY_FEATURE, "NX"},
    {0x80000001, 0, EDX, 11, ANY_FEATURE, "SYSCALL"},
    {1, 0, ECX, 13, ANY_FEATURE, "CMPXCHG16B"},
    {1, 0, EDX, 24, ANY_FEATURE, "FXSR"},
    {1, 0, EDX, 26, ANY_FEATURE, "SSE2"},
    {1, 0, EDX, 9, ANY_FEATURE, "APIC"},
    {1, 0, EDX, 4, ANY_FEATURE, "TSC"},
    {1, 0, EDX, 5, ANY_FEATURE, "MSR"},
    {1, 0, EDX, 13, ANY_FEATURE, "PGE"},
};

static const struct feature_bit optional[] = {
    {7, 0, EBX, 7, FEATURE_SMEP, "smep"},
    {7, 0, EBX, 20, FEATURE_SMAP, "smap"},
    {7, 0, ECX, 2, FEATURE_UMIP, "umip"},
    {7, 0, EBX, 0, FEATURE_FSGSBASE, "fsgsbase"},
    {1, 0, ECX, 26, FEATURE_XSAVE, "xsave"},
    {13, 1, EAX, 0, FEATURE_XSAVEOPT, "xsaveopt"},
    {1, 0, ECX, 21, FEATURE_X2APIC, "x2apic"},
    {0x80000001, 0, EDX, 26, FEATURE_GIB_PAGES, "1gib-pages"},
    {1, 0, EDX, 16, FEATURE_PAT, "pat"},
    {1, 0, ECX, 3, FEATURE_MWAIT, "mwait"},
    {1, 0, ECX, 30, FEATURE_RDRAND, "rdrand"},
    {7, 0, EBX, 18, FEATURE_RDSEED, "rdseed"},
    {0x80000007, 0, EDX, 8, FEATURE_TSC_INVARIANT, "invariant-tsc"},
    {1, 0, ECX, 24, FEATURE_TSC_DEADLINE, "tsc-deadline"},
    {1, 0, ECX, 31, FEATURE_HYPERVISOR, "hypervisor"},
    {1, 0, EDX, 14, FEATURE_MCA, "mca"},
    {0x80000021, 0, EAX, 8, FEATURE_AUTO_IBRS, "auto-ibrs"},
};

u32 port_features;
static char cpu_name[NAME_SIZE];

static bool feature_bit_is_set(const struct feature_bit *f)
{
    u32 highest = x86_cpuid(f->leaf & 0x80000000u, 0).eax;
    if (highest < f->leaf || (highest ^ f->leaf) & 0x80000000u)
        return false;
    struct cpuid_result r = x86_cpuid(f->leaf, f->subleaf);
    u32 value = f->reg == EAX ? r.eax : f->reg == EBX ? r.ebx : f->reg == ECX ? r.ecx : r.edx;
    return (value >> f->bit & 1u) != 0;
}

static u32 features_detect(void)
{
    u32 found = 0;
    for (u32 i = 0; i < ARRAY_SIZE(optional); i++)
        if (feature_bit_is_set(&optional[i]))
            found |= 1u << optional[i].feature;
    if (!(found & 1u << FEATURE_XSAVE))
        found &= ~(1u << FEATURE_XSAVEOPT);
    return found;
}

static void vendor_text(char text[13])
{
    struct cpuid_result r = x86_cpuid(0, 0);
    memcpy(text, &r.ebx, 4);
    memcpy(text + 4, &r.edx, 4);
    memcpy(text + 8, &r.ecx, 4);
    text[12] = '\0';
}

static void family_and_model(u32 *family, u32 *model)
{
    u32 eax = x86_cpuid(1, 0).eax;
    *family = eax >> 8 & 0xf;
    *model = eax >> 4 & 0xf;
    if (*family == 6 || *family == 15)
        *model |= (eax >> 16 & 0xf) << 4;
    if (*family == 15)
        *family += eax >> 20 & 0xff;
}

/* Facts about speculation that are no plain CPUID bits. */
static u64 arch_capabilities(void)
{
    static const struct feature_bit has = {7, 0, EDX, 29, ANY_FEATURE, "arch-capabilities"};
    return feature_bit_is_set(&has) ? x86_rdmsr(MSR_ARCH_CAPABILITIES) : 0;
}

static void refuse_leaking_cpu(const struct boot_info *boot, const struct leak_facts *facts)
{
    const char *leak = cpu_leak_of(facts);
    if (!leak)
        return;
    char line[200];
    size_t length;
    if (command_line_has(boot->command_line, "unsafe_cpu=accept")) {
        length =
            format_to(line, sizeof(line),
                      "ferrous: this CPU leaks kernel memory to user mode (%s): accepted\n", leak);
        arch_console_write(line, length);
        return;
    }
    length =
        format_to(line, sizeof(line),
                  "ferrous: this CPU leaks kernel memory to user mode (%s): refused; boot with "
                  "unsafe_cpu=accept to go on\n",
                  leak);
    arch_console_write(line, length);
    if (command_line_has(boot->command_line, "test_exit=on"))
        arch_test_exit(REFUSED_EXIT_CODE);
    arch_halt();
}

static size_t name_brand(char *to, size_t size)
{
    if (x86_cpuid(0x80000000u, 0).eax < 0x80000004u) {
        char vendor[13];
        vendor_text(vendor);
        return string_copy(to, size, vendor);
    }
    struct cpuid_result r[3];
    for (u32 i = 0; i < 3; i++)
        r[i] = x86_cpuid(0x80000002u + i, 0);
    char brand[sizeof(r) + 1] = {0};
    memcpy(brand, r, sizeof(r));
    const char *start = brand;
    while (*start == ' ')
        start++;
    return string_copy(to, size, start);
}

static void name_init(u32 family, u32 model)
{
    size_t used = name_brand(cpu_name, sizeof(cpu_name));
    used +=
        format_to(cpu_name + used, sizeof(cpu_name) - used, ", family %u model %u;", family, model);
    for (u32 i = 0; i < ARRAY_SIZE(optional); i++)
        if (cpu_has((enum feature)optional[i].feature))
            used += format_to(cpu_name + used, sizeof(cpu_name) - used, " %s", optional[i].name);
}

const char *arch_cpu_name(void)
{
    return cpu_name;
}

void features_init(const struct boot_info *boot)
{
    for (u32 i = 0; i < ARRAY_SIZE(required); i++)
        if (!feature_bit_is_set(&required[i]))
            panic("this CPU lacks %s, which Ferrous requires", required[i].name);
    char vendor[13];
    vendor_text(vendor);
    struct leak_facts facts = {
        .intel = string_equal(vendor, "GenuineIntel"),
        .capabilities = arch_capabilities(),
    };
    family_and_model(&facts.family, &facts.model);
    refuse_leaking_cpu(boot, &facts);

    static const struct feature_bit fp_pointers_kept = {0x80000008, 0, EBX, 2, ANY_FEATURE, ""};
    u32 found = features_detect();
    if (facts.capabilities & ARCH_CAPABILITY_IBRS_ALL)
        found |= 1u << FEATURE_IBRS_ALWAYS;
    if (!facts.intel && facts.family <= FAMILY_AMD_17 && !feature_bit_is_set(&fp_pointers_kept))
        found |= 1u << FEATURE_FPU_POINTERS_LEAK;
    port_features = found;
    name_init(facts.family, facts.model);
}

bool features_check_cpu(void)
{
    const u32 computed = 1u << FEATURE_IBRS_ALWAYS | 1u << FEATURE_FPU_POINTERS_LEAK;
    return (port_features & ~computed & ~features_detect()) == 0;
}

/* Each bank reports what it can (Intel SDM 3B, 15.8). */
static void machine_check_enable(void)
{
    u64 capability = x86_rdmsr(MSR_MCG_CAP);
    if (capability & 1u << 8)
        x86_wrmsr(MSR_MCG_CTL, ~0ull);
    for (u32 bank = 0; bank < (capability & 0xff); bank++) {
        x86_wrmsr(MSR_MC0_CTL + 4 * bank, ~0ull);
        x86_wrmsr(MSR_MC0_STATUS + 4 * bank, 0);
    }
}

void features_enable_cpu(void)
{
    u64 cr0 = x86_read_cr0();
    cr0 &= ~(CR0_EM | CR0_AM | CR0_NW | CR0_CD);
    x86_write_cr0(cr0 | CR0_MP | CR0_NE | CR0_WP);

    u64 cr4 = x86_read_cr4();
    cr4 &= ~(CR4_TSD | CR4_PCE | CR4_PCID | CR4_SMAP | CR4_FSGSBASE | CR4_OSXSAVE);
    cr4 |= CR4_DE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (cpu_has(FEATURE_MCA))
        cr4 |= CR4_MCE;
    if (cpu_has(FEATURE_SMEP))
        cr4 |= CR4_SMEP;
    if (cpu_has(FEATURE_SMAP))
        cr4 |= CR4_SMAP;
    if (cpu_has(FEATURE_UMIP))
        cr4 |= CR4_UMIP;
    if (cpu_has(FEATURE_FSGSBASE))
        cr4 |= CR4_FSGSBASE;
    if (cpu_has(FEATURE_XSAVE))
        cr4 |= CR4_OSXSAVE;
    x86_write_cr4(cr4);

    u64 efer = x86_rdmsr(MSR_EFER) | EFER_SYSCALL | EFER_NX;
    if (cpu_has(FEATURE_AUTO_IBRS))
        efer |= EFER_AUTO_IBRS;
    x86_wrmsr(MSR_EFER, efer);
    if (cpu_has(FEATURE_IBRS_ALWAYS))
        x86_wrmsr(MSR_SPEC_CTRL, x86_rdmsr(MSR_SPEC_CTRL) | SPEC_IBRS);
    if (cpu_has(FEATURE_MCA))
        machine_check_enable();
    port_smap = cpu_has(FEATURE_SMAP);
    if (cpu_has(FEATURE_PAT))
        x86_wrmsr(MSR_PAT, PAT_VALUE);
    x86_write_dr7(0x400); /* no breakpoints of the firmware's */
}
