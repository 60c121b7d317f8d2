/*
 * Loads every vector register, does something, stores what is in them. For struct vectors (vectors.h):
 * 16 registers of 32 bytes, MXCSR, x87 control word, one x87 value. The C code of programs uses no
 * vector register, so nothing else touches them meanwhile. `wide` (bool): the CPU has AVX.
 */
    .set MXCSR, 512
    .set CONTROL, 516
    .set VALUE, 520

    .macro load_all vectors, wide
    ldmxcsr MXCSR(\vectors)
    fninit
    fldcw CONTROL(\vectors)
    fldl VALUE(\vectors)
    testl \wide, \wide
    jz 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovups 32*\n(\vectors), %ymm\n
    .endr
    jmp 2f
1:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups 32*\n(\vectors), %xmm\n
    .endr
2:
    .endm

/* Leaves MXCSR and x87 as programs start with them. */
    .macro store_all vectors, wide
    testl \wide, \wide
    jz 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovups %ymm\n, 32*\n(\vectors)
    .endr
    jmp 2f
1:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups %xmm\n, 32*\n(\vectors)
    .endr
2:
    stmxcsr MXCSR(\vectors)
    fnstcw CONTROL(\vectors)
    fstpl VALUE(\vectors)
    fninit
    ldmxcsr initial_mxcsr(%rip)
    .endm

    .section .rodata
initial_mxcsr:
    .long 0x1f80

    .text

/* void vectors_hold(struct vectors *, const u32 *gate, bool wide): until *gate is not 0. */
    .globl vectors_hold
    .type vectors_hold, @function
vectors_hold:
    load_all %rdi, %edx
3:  pause
    cmpl $0, (%rsi)
    je 3b
    store_all %rdi, %edx
    ret
    .size vectors_hold, . - vectors_hold

/* void vectors_call(struct vectors *, struct syscall_frame *, bool wide): across a system call. */
    .globl vectors_call
    .type vectors_call, @function
vectors_call:
    pushq %rbx
    pushq %rbp
    pushq %rax
    movq %rdi, %rbx
    movl %edx, %ebp
    load_all %rbx, %ebp
    movq %rsi, %rdi
    call ferrous_syscall
    store_all %rbx, %ebp
    popq %rax
    popq %rbp
    popq %rbx
    ret
    .size vectors_call, . - vectors_call

/* void vectors_touch(struct vectors *, volatile u64 *address, bool wide): across a write. */
    .globl vectors_touch
    .type vectors_touch, @function
vectors_touch:
    load_all %rdi, %edx
    movq $1, (%rsi)
    store_all %rdi, %edx
    ret
    .size vectors_touch, . - vectors_touch

/* void vectors_read(struct vectors *, bool wide): as they are. */
    .globl vectors_read
    .type vectors_read, @function
vectors_read:
    store_all %rdi, %esi
    ret
    .size vectors_read, . - vectors_read

/* u64 fs_base_hold(u64 base, const u32 *gate): the FS base that is there when *gate is not 0. */
    .globl fs_base_hold
    .type fs_base_hold, @function
fs_base_hold:
    rdfsbase %rdx
    wrfsbase %rdi
4:  pause
    cmpl $0, (%rsi)
    je 4b
    rdfsbase %rax
    wrfsbase %rdx
    ret
    .size fs_base_hold, . - fs_base_hold

    .section .note.GNU-stack, "", @progbits
