/* Saving, dropping and loading vector state (Intel SDM 1, chapter 13; AMD APM 2, 11.5). */
#include "fpu.h"

#include "cpu_features.h"
#include "lib/string.h"
#include "port_cpu.h"
#include "x86.h"

#define FXSAVE_BYTES       512u
#define XSAVE_HEADER_BYTES 64u
#define FPU_CREDIT         16u

/* XCR0: x87, SSE, AVX, and the three of AVX-512. Anything else stays off for user mode. */
#define XCR0_BASE   3ull
#define XCR0_AVX    4ull
#define XCR0_AVX512 0xe0ull

#define FCW_INITIAL   0x037fu
#define MXCSR_INITIAL 0x1f80u
#define MXCSR_OFFSET  24u

static u64 state_mask; /* XCR0; 0: FXSAVE only */
static u64 state_size = FXSAVE_BYTES;

/* The initial state: legacy area with FCW and MXCSR, and an empty XSAVE header, which makes XRSTOR
 * initialise all components. XRSTOR reads no further than the header then. */
static const union {
    u8 bytes[FXSAVE_BYTES + XSAVE_HEADER_BYTES];
    struct {
        u16 fcw;
        u16 fsw;
        u32 unused[5];
        u32 mxcsr;
    };
} initial_state ALIGNED(64) = {.fcw = FCW_INITIAL, .mxcsr = MXCSR_INITIAL};

_Static_assert(offsetof(typeof(initial_state), mxcsr) == MXCSR_OFFSET, "FXSAVE layout");

u64 arch_fpu_size(void)
{
    return (state_size + 63) & ~63ull;
}

void fpu_init_boot(void)
{
    if (!cpu_has(FEATURE_XSAVE))
        return;
    struct cpuid_result r = x86_cpuid(13, 0);
    state_mask = r.eax & (XCR0_BASE | XCR0_AVX);
    if ((r.eax & XCR0_AVX512) == XCR0_AVX512 && (state_mask & XCR0_AVX))
        state_mask |= XCR0_AVX512;
}

/* What a save may leave as it is, and a load reads: MXCSR, and the header with the components that
 * were saved. */
void fpu_area_init(u8 *area)
{
    memcpy(area + MXCSR_OFFSET, &initial_state.mxcsr, sizeof(initial_state.mxcsr));
    if (state_mask)
        memset(area + FXSAVE_BYTES, 0, XSAVE_HEADER_BYTES);
}

/* SAFETY: `area` is 64-byte aligned and arch_fpu_size() long (arch_context_init); TS is clear. */
static void state_save(u8 *area)
{
    u32 low = (u32)state_mask, high = (u32)(state_mask >> 32);
    if (cpu_has(FEATURE_XSAVEOPT))
        __asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
    else if (state_mask)
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

/* SAFETY: as above; the initial state is complete as far as XRSTOR and FXRSTOR read it. */
static void state_load(const u8 *area)
{
    u32 low = (u32)state_mask, high = (u32)(state_mask >> 32);
    /* SAFETY: EMMS and FILD touch x87 state only, which is loaded anew below.
     * Some AMD CPUs neither save nor load the last instruction's addresses unless an exception is
     * pending: make them the kernel's own first (AMD APM 2, 11.4.4). */
    static const u32 zero;
    if (cpu_has(FEATURE_FPU_POINTERS_LEAK))
        __asm__ volatile("fnclex; emms; fildl %0" ::"m"(zero));
    /* SAFETY: as for the function. */
    if (state_mask)
        __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

static void fpu_open(struct port_cpu *cpu)
{
    if (!fpu_is_open(cpu)) {
        x86_clts();
        cpu->swap_hindrance |= HINDRANCE_FPU_OPEN;
    }
}

static void fpu_close(struct port_cpu *cpu)
{
    if (fpu_is_open(cpu)) {
        x86_write_cr0(x86_read_cr0() | CR0_TS);
        cpu->swap_hindrance &= ~HINDRANCE_FPU_OPEN;
    }
}

void fpu_init_cpu(void)
{
    if (state_mask) {
        x86_xsetbv(0, state_mask);
        u64 size = x86_cpuid(13, 0).ebx; /* for what XCR0 enables now */
        if (size > state_size)
            state_size = size;
    }
    x86_clts();
    state_load(initial_state.bytes);
    struct port_cpu *cpu = port_this_cpu();
    cpu->swap_hindrance = HINDRANCE_FPU_OPEN;
    if (!cpu_has(FEATURE_FSGSBASE))
        cpu->swap_hindrance |= HINDRANCE_NO_FSGSBASE;
    fpu_close(cpu);
}

void fpu_leave(struct arch_context *context, bool voluntary)
{
    if (!voluntary) {
        state_save(context->fpu_area);
        context->fpu_saved = 1;
    }
    state_load(initial_state.bytes);
}

void fpu_enter(struct port_cpu *cpu, struct arch_context *context)
{
    if (context->fpu_saved) {
        fpu_open(cpu);
        state_load(context->fpu_area);
        context->fpu_saved = 0;
        return;
    }
    if (context->fpu_credit) {
        context->fpu_credit--;
        fpu_open(cpu);
    } else {
        fpu_close(cpu);
    }
}

void fpu_device_absent(struct port_cpu *cpu, struct arch_context *context)
{
    fpu_open(cpu);
    context->fpu_credit = FPU_CREDIT;
}
