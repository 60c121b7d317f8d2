/*
 * Where a program and its threads begin. The kernel starts the main thread at _start with the address of struct
 * start_info in RDI and a fresh stack; a further thread starts at sdk_thread_entry with its struct thread_block.
 */
    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp
    andq $-16, %rsp
    pushq %rdi
    pushq %rbp
    leaq __ehdr_start(%rip), %rdi
    leaq _DYNAMIC(%rip), %rsi
    call sdk_relocate
    popq %rbp
    popq %rdi
    call sdk_start
    ud2
    .size _start, . - _start

    .globl sdk_thread_entry
    .type sdk_thread_entry, @function
sdk_thread_entry:
    xorl %ebp, %ebp
    andq $-16, %rsp
    call sdk_thread_main
    ud2
    .size sdk_thread_entry, . - sdk_thread_entry

/*
 * sdk_thread_finish(u32 *done): ends the thread and says so. From the store on, which the kernel makes, the joiner may
 * take away this stack and the word itself: nothing of the thread is in user mode any more.
 */
    .globl sdk_thread_finish
    .type sdk_thread_finish, @function
sdk_thread_finish:
    movq %rdi, %r9
    movl $27, %eax
    xorl %esi, %esi
    xorl %edi, %edi
    movq $-1, %rbx
    xorl %edx, %edx
    movl $1, %r8d
    syscall
    ud2
    .size sdk_thread_finish, . - sdk_thread_finish

    .section .note.GNU-stack, "", @progbits
