/*
 * Where a CPU starts after INIT and SIPI: real mode, CS:IP = page:0000, in the page below 1 MiB to which this code is
 * copied. It goes through protected mode straight to long mode with the start-up page tables, which hold this page at
 * its physical address and the kernel, takes the real tables and its stack, and calls smp_entry.
 *
 * The parameters stand at fixed offsets at the start of the page (smp.c fills them in).
 *
 * SAFETY (this file): All addresses are computed from CS, as the page is known only at run time.
 */
#include "trampoline.h"

#define AT(label) ((label) - trampoline_start)

    .section .rodata.trampoline, "a", @progbits
    .globl trampoline_start, trampoline_end
    .balign 16
trampoline_start:
    .code16
    jmp 1f
    .org TRAMPOLINE_PARAMETERS
    .skip TRAMPOLINE_PARAMETER_BYTES
1:  cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movzwl %ax, %ebx
    shll $4, %ebx                           /* the page's address */
    /* Complete the far pointers and the descriptor table's address with it. */
    leal AT(gdt)(%ebx), %eax
    movl %eax, AT(gdt_pointer) + 2
    leal AT(start32)(%ebx), %eax
    movl %eax, AT(far32)
    leal AT(start64)(%ebx), %eax
    movl %eax, AT(far64)
    lgdtl AT(gdt_pointer)
    movl $1, %eax                           /* PE */
    movl %eax, %cr0
    ljmpl *AT(far32)

    .code32
start32:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %ss
    movl $0x20, %eax                        /* PAE */
    movl %eax, %cr4
    movl TRAMPOLINE_START_ROOT(%ebx), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx                  /* EFER: LME, NXE */
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl $0x80010001, %eax                  /* PG, WP, PE */
    movl %eax, %cr0
    ljmpl *AT(far64)(%ebx)

    .code64
start64:
    movl %ebx, %ebx
    movq TRAMPOLINE_STACK(%rbx), %rsp
    movq TRAMPOLINE_ENTRY(%rbx), %rax
    movl TRAMPOLINE_INDEX(%rbx), %edi
    movq TRAMPOLINE_ROOT(%rbx), %rcx
    xorl %ebp, %ebp
    /* The real tables do not hold this page, so the load of CR3 stands in the kernel's text. */
    movq TRAMPOLINE_SWITCH(%rbx), %rdx
    jmpq *%rdx

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff                /* 0x08: 32-bit code */
    .quad 0x00cf93000000ffff                /* 0x10: data */
    .quad 0x00af9b000000ffff                /* 0x18: 64-bit code */
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long 0
    .balign 4
far32:
    .long 0
    .word 0x08
    .balign 4
far64:
    .long 0
    .word 0x18
trampoline_end:

/* RCX: the kernel's root, RAX: smp_entry, EDI: CPU index. */
    .section .text.entry, "ax", @progbits
    .globl trampoline_switch
trampoline_switch:
    movq %rcx, %cr3
    call *%rax
    ud2

    .section .note.GNU-stack, "", @progbits
