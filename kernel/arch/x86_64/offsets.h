/*
 * Numbers that assembly and C share: offsets into struct arch_context and struct port_cpu (asserted
 * in context.c and descriptors.c), segment selectors and interrupt vectors. Plain macros, so that
 * the assembler can read them.
 */
#ifndef X86_64_OFFSETS_H
#define X86_64_OFFSETS_H

/* struct arch_context */
#define CONTEXT_RAX   0
#define CONTEXT_RSI   8
#define CONTEXT_RDI   16
#define CONTEXT_RBX   24
#define CONTEXT_RBP   32
#define CONTEXT_RDX   40
#define CONTEXT_R8    48
#define CONTEXT_R9    56
#define CONTEXT_R10   64
#define CONTEXT_R12   72
#define CONTEXT_R13   80
#define CONTEXT_R14   88
#define CONTEXT_R15   96
#define CONTEXT_PC    104
#define CONTEXT_FLAGS 112
#define CONTEXT_SP    120
#define CONTEXT_END   128 /* where the system-call entry starts pushing */
#define CONTEXT_FULL  128
#define CONTEXT_RCX   136
#define CONTEXT_R11   144

/* Numbers of system calls that the entry knows (abi/syscalls.def). */
#define NUMBER_RECEIVE       2
#define NUMBER_CALL          3
#define NUMBER_REPLY_RECEIVE 5

/* struct port_cpu, reached through GS in kernel mode */
#define CPU_USER_SP        0
#define CPU_CONTEXT_END    8
#define CPU_STACK_TOP      16
#define CPU_CORE           24
#define CPU_SELF           32
#define CPU_SWAP_HINDRANCE 40

/* GDT. SYSCALL wants kernel data after kernel code, SYSRET user code after user data (Intel SDM
 * 2B). */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA   0x1b
#define SELECTOR_USER_CODE   0x23
#define SELECTOR_TSS         0x28
#define SELECTOR_SYSRET_BASE 0x13

/* Vectors. 32 to 47 take what a masked 8259 may still send. */
#define VECTOR_DEBUG         1
#define VECTOR_NMI           2
#define VECTOR_BREAKPOINT    3
#define VECTOR_DEVICE_ABSENT 7
#define VECTOR_DOUBLE_FAULT  8
#define VECTOR_GENERAL       13
#define VECTOR_PAGE_FAULT    14
#define VECTOR_MACHINE_CHECK 18
#define VECTOR_PIC           32
#define VECTOR_IRQ           48
#define VECTOR_TIMER         240
#define VECTOR_IPI           241
#define VECTOR_SPURIOUS      255
#define VECTOR_COUNT         256

/* One entry stub for each vector, this many bytes apart. */
#define VECTOR_STUB_BYTES 16

/* Interrupt stack table indices in gates (1-based). */
#define IST_DEBUG         1
#define IST_NMI           2
#define IST_DOUBLE_FAULT  3
#define IST_MACHINE_CHECK 4

/* struct trap_frame: 15 registers, vector, error code, then what the CPU pushed. */
#define TRAP_FRAME_REGISTERS 15
#define TRAP_FRAME_VECTOR    120
#define TRAP_FRAME_RIP       136
#define TRAP_FRAME_SIZE      176

/* User addresses have bits 63 to 47 clear. */
#define USER_ADDRESS_BITS 47

#define MSR_GS_BASE_NUMBER 0xc0000101

#endif
