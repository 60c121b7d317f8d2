/*
 * kernel_entry: where the loader jumps to (abi/bootinfo.h says in what state). RDI: struct boot_info.
 *
 * SAFETY (this file): RSP is undefined on entry, so the first thing is a stack: the boot processor's kernel stack, which
 * lies in the image with a guard page below it.
 */
    .section .text.entry, "ax", @progbits
    .globl kernel_entry
kernel_entry:
    cli
    leaq boot_stack_top(%rip), %rsp
    pushq $2
    popfq
    xorl %ebp, %ebp
    call port_start
    ud2

    .section .bss.boot_stack, "aw", @nobits
    .globl boot_stack_guard, boot_stack_top
    .balign 4096
boot_stack_guard:
    .skip 4096
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
