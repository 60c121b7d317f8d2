/*
 * The jump into the kernel. It runs at its physical address, first under the firmware's page tables, then under
 * the loader's, which map this page alone of the lower half; so it must not cross a page (it is aligned to a power
 * of two that holds it whole) nor touch memory of the lower half after the switch.
 *
 * start_code_enter(rcx: page tables, rdx: boot info, r8: entry, r9: limit and base of the GDT in struct
 * start_page, below which a stack ends; all but the first virtual in the kernel's half)
 */
#define CR4_PGE   (1 << 7)
#define CR4_PCIDE (1 << 17)
#define CR4_CET   (1 << 23)

    .text
    .globl start_code
    .globl start_code_enter
    .balign 128
start_code:
start_code_enter:
    cli
    cld
    /* Pages that the firmware marked global must not outlive its tables. */
    movq %cr4, %rax
    andl $~(CR4_PGE | CR4_PCIDE | CR4_CET), %eax
    movq %rax, %cr4
    movq %rcx, %cr3

    lgdt (%r9)
    leaq -10(%r9), %rsp
    andq $-16, %rsp
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq %rdx, %rdi
    xorl %ebp, %ebp
    pushq $0x08
    pushq %r8
    lretq
start_code_end:
    .if (start_code_end - start_code) > 128
    .error "start_code must fit its alignment"
    .endif
