/* enum status ferrous_syscall(struct syscall_frame *frame): see ferrous/syscall.h for the layout. */
    .section .text.ferrous_syscall, "ax", @progbits
    .globl ferrous_syscall
    .type ferrous_syscall, @function
ferrous_syscall:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi
    movq %rdi, %rcx
    movq 0(%rcx), %rax
    movq 8(%rcx), %rsi
    movq 16(%rcx), %rdi
    movq 24(%rcx), %rbx
    movq 32(%rcx), %rbp
    movq 40(%rcx), %rdx
    movq 48(%rcx), %r8
    movq 56(%rcx), %r9
    movq 64(%rcx), %r10
    movq 72(%rcx), %r12
    movq 80(%rcx), %r13
    movq 88(%rcx), %r14
    movq 96(%rcx), %r15
    syscall
    popq %rcx
    movq %rax, 0(%rcx)
    movq %rsi, 8(%rcx)
    movq %rdi, 16(%rcx)
    movq %rbx, 24(%rcx)
    movq %rbp, 32(%rcx)
    movq %rdx, 40(%rcx)
    movq %r8, 48(%rcx)
    movq %r9, 56(%rcx)
    movq %r10, 64(%rcx)
    movq %r12, 72(%rcx)
    movq %r13, 80(%rcx)
    movq %r14, 88(%rcx)
    movq %r15, 96(%rcx)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .size ferrous_syscall, . - ferrous_syscall

    .section .note.GNU-stack, "", @progbits
