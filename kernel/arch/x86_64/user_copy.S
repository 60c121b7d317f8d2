/*
 * The only instructions that reach user memory. Each is listed in .extable with where to go on when it faults; the
 * page-fault handler leaves the address in RAX. STAC and CLAC open SMAP for just these instructions.
 *
 * SAFETY (this file): The caller has checked that the user range lies below USER_END; the kernel range is its own.
 */
#include "offsets.h"

    .section .text.entry, "ax", @progbits

/* ON_FAULT label: the next instruction may fault. */
.macro MAY_FAULT fixup
    .pushsection .extable, "a", @progbits
    .balign 4
    .long 9991f - .
    .long \fixup - .
    .popsection
9991:
.endm

/* Port features decide at run time; the branch is well predicted. */
.macro USER_ACCESS_BEGIN
    cmpb $0, port_smap(%rip)
    je 9992f
    stac
9992:
.endm

.macro USER_ACCESS_END
    cmpb $0, port_smap(%rip)
    je 9993f
    clac
9993:
.endm

/* u64 user_copy(void *to, const void *from, u64 size): 0, or the address that faulted, at least 1. */
    .globl user_copy
    .balign 16
user_copy:
    USER_ACCESS_BEGIN
    movq %rdx, %rcx
    shrq $3, %rcx
    MAY_FAULT user_copy_fault
    rep movsq
    movl %edx, %ecx
    andl $7, %ecx
    MAY_FAULT user_copy_fault
    rep movsb
    USER_ACCESS_END
    xorl %eax, %eax
    ret
user_copy_fault:
    USER_ACCESS_END
    movl $1, %ecx
    testq %rax, %rax
    cmovzq %rcx, %rax
    ret

/* bool x86_user_load_u32(const u32 *from, u32 *value) */
    .globl x86_user_load_u32
    .balign 16
x86_user_load_u32:
    USER_ACCESS_BEGIN
    MAY_FAULT user_load_fault
    movl (%rdi), %ecx
    USER_ACCESS_END
    movl %ecx, (%rsi)
    movl $1, %eax
    ret
user_load_fault:
    USER_ACCESS_END
    xorl %eax, %eax
    ret

/* bool probe_u64(u64 address, u64 *value): reads kernel memory that may not be there. */
    .globl probe_u64
    .balign 16
probe_u64:
    MAY_FAULT probe_fault
    movq (%rdi), %rcx
    movq %rcx, (%rsi)
    movl $1, %eax
    ret
probe_fault:
    xorl %eax, %eax
    ret

    .section .note.GNU-stack, "", @progbits
