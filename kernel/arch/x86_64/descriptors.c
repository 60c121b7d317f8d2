/*
 * Segment and interrupt descriptors. The GDT and TSS are per CPU, the IDT is shared and read-only
 * once the kernel's page tables are loaded. All gates are interrupt gates: the kernel runs with
 * interrupts off.
 */
#include "descriptors.h"

#include "port_cpu.h"
#include "x86.h"

#define SEGMENT_KERNEL_CODE                                                                        \
    0x00af9b000000ffffull /* accessed bits set: the CPU never writes them                          \
                           */
#define SEGMENT_KERNEL_DATA 0x00cf93000000ffffull
#define SEGMENT_USER_DATA   0x00cff3000000ffffull
#define SEGMENT_USER_CODE   0x00affb000000ffffull

#define EARLY_IST_BYTES 4096u

_Static_assert(offsetof(struct port_cpu, user_sp) == CPU_USER_SP, "entry.S");
_Static_assert(offsetof(struct port_cpu, context_end) == CPU_CONTEXT_END, "entry.S");
_Static_assert(offsetof(struct port_cpu, stack_top) == CPU_STACK_TOP, "entry.S");
_Static_assert(offsetof(struct port_cpu, core) == CPU_CORE && CPU_CORE == 24, "port/cpu.h");
_Static_assert(offsetof(struct port_cpu, self) == CPU_SELF, "entry.S");
_Static_assert(offsetof(struct port_cpu, swap_hindrance) == CPU_SWAP_HINDRANCE &&
                   CPU_SWAP_HINDRANCE == 40,
               "port/context.h");

struct descriptor_pointer {
    u16 limit;
    u64 base;
} __attribute__((packed));

extern const u8 vector_stubs[];

static union {
    struct idt_gate gates[VECTOR_COUNT];
    u8 page[PAGE_SIZE];
} idt ALIGNED(4096);

static struct port_cpu port_cpus[BOOT_MAX_CPUS];

/* One stack for all IST entries of the boot processor until arch_memory_init gives it its own. */
static u8 early_ist[EARLY_IST_BYTES] ALIGNED(16);

u32 port_bindings;

struct port_cpu *port_cpu_at(u32 index)
{
    return &port_cpus[index];
}

const void *descriptors_idt_page(void)
{
    return &idt;
}

static u32 ist_of(u32 vector)
{
    switch (vector) {
    case VECTOR_DEBUG:
        return IST_DEBUG;
    case VECTOR_NMI:
        return IST_NMI;
    case VECTOR_DOUBLE_FAULT:
        return IST_DOUBLE_FAULT;
    case VECTOR_MACHINE_CHECK:
        return IST_MACHINE_CHECK;
    default:
        return 0;
    }
}

void descriptors_init(void)
{
    for (u32 vector = 0; vector < VECTOR_COUNT; vector++) {
        /* SAFETY: a code address as a number for the gate. */
        u64 stub = (u64)vector_stubs + vector * VECTOR_STUB_BYTES;
        idt.gates[vector] =
            idt_gate_encode(stub, ist_of(vector), vector == VECTOR_BREAKPOINT ? 3 : 0);
    }
}

void descriptors_set_ist(struct port_cpu *cpu)
{
    for (u32 ist = 1; ist <= TSS_IST_COUNT; ist++) {
        u64 top = cpu->ist_tops[ist - 1];
        /* SAFETY: `top` leaves 16 bytes of its stack above it for this word. */
        *(u64 *)top = (u64)cpu;
        tss_set_ist(&cpu->tss, ist, top);
    }
}

/* Far return into the kernel's code segment; then data segments. FS and GS get null selectors,
 * which may zero their bases, so the caller sets GS afterwards. */
static void load_segments(void)
{
    /* SAFETY: the GDT just loaded holds these selectors; the code goes on at the next instruction.
     */
    __asm__ volatile("pushq %0\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movw %w1, %%ss\n\t"
                     "movw %w2, %%ds\n\t"
                     "movw %w2, %%es\n\t"
                     "movw %w2, %%fs\n\t"
                     "movw %w2, %%gs\n\t"
                     :
                     : "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA), "r"(0)
                     : "rax", "memory");
}

void descriptors_load(struct port_cpu *cpu)
{
    cpu->gdt[0] = 0;
    cpu->gdt[1] = SEGMENT_KERNEL_CODE;
    cpu->gdt[2] = SEGMENT_KERNEL_DATA;
    cpu->gdt[3] = SEGMENT_USER_DATA;
    cpu->gdt[4] = SEGMENT_USER_CODE;
    /* SAFETY: addresses of this CPU's tables as numbers for the descriptors. */
    tss_descriptor_encode((u64)&cpu->tss, sizeof(cpu->tss) - 1, &cpu->gdt[5]);
    cpu->tss.io_map = sizeof(cpu->tss);
    tss_set_stack(&cpu->tss, cpu->stack_top);
    for (u32 i = 0; i < TSS_IST_COUNT; i++)
        if (!cpu->ist_tops[i])
            cpu->ist_tops[i] = (u64)early_ist + sizeof(early_ist) - 16;
    descriptors_set_ist(cpu);

    struct descriptor_pointer gdt_pointer = {sizeof(cpu->gdt) - 1, (u64)cpu->gdt};
    struct descriptor_pointer idt_pointer = {sizeof(idt.gates) - 1, (u64)&idt};
    /* SAFETY: both tables stay where they are for ever. */
    __asm__ volatile("lgdt %0" ::"m"(gdt_pointer));
    load_segments();
    x86_wrmsr(MSR_GS_BASE, (u64)cpu);
    x86_wrmsr(MSR_KERNEL_GS_BASE, 0); /* the user's, while the kernel runs */
    x86_wrmsr(MSR_FS_BASE, 0);
    __asm__ volatile("lidt %0" ::"m"(idt_pointer));
    __asm__ volatile("lldt %w0" ::"r"(0));
    __asm__ volatile("ltr %w0" ::"r"(SELECTOR_TSS));
}

void port_cpu_install(u32 index, u64 stack_top)
{
    struct port_cpu *cpu = &port_cpus[index];
    cpu->self = cpu;
    cpu->index = index;
    cpu->stack_top = stack_top;
    cpu->timer_armed_ns = TIME_NEVER;
    /* SAFETY: from here on GS stays at this structure in kernel mode; port_this_cpu relies on it.
     */
    x86_wrmsr(MSR_GS_BASE, (u64)cpu);
}
