/*
 * Instructions that C has no word for. Each is one instruction or a pair; all rules about when they
 * may be used are the callers'.
 *
 * SAFETY (this file): these functions are the port's whole vocabulary of privileged instructions
 * outside .S files. Those that change translation, interrupts or memory carry a "memory" clobber,
 * so the compiler keeps their order.
 */
#ifndef X86_64_X86_H
#define X86_64_X86_H

#include "arch/types.h"

#define MSR_APIC_BASE         0x1bu
#define MSR_SPEC_CTRL         0x48u
#define MSR_ARCH_CAPABILITIES 0x10au
#define MSR_SYSENTER_CS       0x174u
#define MSR_MCG_CAP           0x179u
#define MSR_MCG_CTL           0x17bu
#define MSR_PAT               0x277u
#define MSR_MC0_CTL           0x400u
#define MSR_MC0_STATUS        0x401u
#define MSR_TSC_DEADLINE      0x6e0u
#define MSR_X2APIC            0x800u
#define MSR_EFER              0xc0000080u
#define MSR_STAR              0xc0000081u
#define MSR_LSTAR             0xc0000082u
#define MSR_CSTAR             0xc0000083u
#define MSR_SFMASK            0xc0000084u
#define MSR_FS_BASE           0xc0000100u
#define MSR_GS_BASE           0xc0000101u
#define MSR_KERNEL_GS_BASE    0xc0000102u

#define EFER_SYSCALL   (1ull << 0)
#define EFER_NX        (1ull << 11)
#define EFER_AUTO_IBRS (1ull << 21)

#define CR0_MP (1ull << 1)
#define CR0_EM (1ull << 2)
#define CR0_TS (1ull << 3)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_NW (1ull << 29)
#define CR0_CD (1ull << 30)

#define CR4_TSD        (1ull << 2)
#define CR4_DE         (1ull << 3)
#define CR4_MCE        (1ull << 6)
#define CR4_PGE        (1ull << 7)
#define CR4_PCE        (1ull << 8)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_FSGSBASE   (1ull << 16)
#define CR4_PCID       (1ull << 17)
#define CR4_OSXSAVE    (1ull << 18)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)

#define FLAG_CF   (1ull << 0)
#define FLAG_ONE  (1ull << 1)
#define FLAG_PF   (1ull << 2)
#define FLAG_AF   (1ull << 4)
#define FLAG_ZF   (1ull << 6)
#define FLAG_SF   (1ull << 7)
#define FLAG_TF   (1ull << 8)
#define FLAG_IF   (1ull << 9)
#define FLAG_DF   (1ull << 10)
#define FLAG_OF   (1ull << 11)
#define FLAG_IOPL (3ull << 12)
#define FLAG_NT   (1ull << 14)
#define FLAG_RF   (1ull << 16)
#define FLAG_AC   (1ull << 18)
#define FLAG_ID   (1ull << 21)

struct cpuid_result {
    u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_result x86_cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid_result r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline u64 x86_rdmsr(u32 msr)
{
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (u64)high << 32 | low;
}

static inline void x86_wrmsr(u32 msr, u64 value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 x86_rdtsc(void)
{
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

static inline void x86_xsetbv(u32 index, u64 value)
{
    __asm__ volatile("xsetbv" ::"c"(index), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 x86_read_cr0(void)
{
    u64 value;
    __asm__ volatile("movq %%cr0, %0" : "=r"(value));
    return value;
}

static inline void x86_write_cr0(u64 value)
{
    __asm__ volatile("movq %0, %%cr0" ::"r"(value) : "memory");
}

static inline u64 x86_read_cr2(void)
{
    u64 value;
    __asm__ volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

static inline u64 x86_read_cr3(void)
{
    u64 value;
    __asm__ volatile("movq %%cr3, %0" : "=r"(value)::"memory");
    return value;
}

static inline void x86_write_cr3(u64 value)
{
    __asm__ volatile("movq %0, %%cr3" ::"r"(value) : "memory");
}

static inline u64 x86_read_cr4(void)
{
    u64 value;
    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}

static inline void x86_write_cr4(u64 value)
{
    __asm__ volatile("movq %0, %%cr4" ::"r"(value) : "memory");
}

static inline u64 x86_read_dr6(void)
{
    u64 value;
    __asm__ volatile("movq %%dr6, %0" : "=r"(value));
    return value;
}

static inline void x86_write_dr6(u64 value)
{
    __asm__ volatile("movq %0, %%dr6" ::"r"(value));
}

static inline void x86_write_dr7(u64 value)
{
    __asm__ volatile("movq %0, %%dr7" ::"r"(value));
}

static inline void x86_clts(void)
{
    __asm__ volatile("clts" ::: "memory");
}

static inline void x86_invlpg(u64 address)
{
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

static inline u64 x86_flags(void)
{
    u64 flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return flags;
}

static inline u64 x86_rdfsbase(void)
{
    u64 value;
    __asm__ volatile("rdfsbase %0" : "=r"(value));
    return value;
}

static inline void x86_wrfsbase(u64 value)
{
    __asm__ volatile("wrfsbase %0" ::"r"(value) : "memory");
}

/* Zeroes the GS base that user mode will see. Between the two SWAPGS only IST entries can come in,
 * and they bring their own GS. */
static inline void x86_clear_user_gs(void)
{
    __asm__ volatile("swapgs; wrgsbase %0; swapgs" ::"r"(0ull) : "memory");
}

static inline u8 x86_in8(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline u16 x86_in16(u16 port)
{
    u16 value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline u32 x86_in32(u16 port)
{
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void x86_out8(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void x86_out16(u16 port, u16 value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void x86_out32(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline u32 x86_mmio_read(const volatile u32 *address)
{
    return *address;
}

static inline void x86_mmio_write(volatile u32 *address, u32 value)
{
    *address = value;
}

static inline void x86_cli(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void x86_hlt(void)
{
    __asm__ volatile("hlt" ::: "memory");
}

#endif
