/*
 * Every way into the kernel and the one way out of it.
 *
 * A system call saves the user registers straight into the current context; an interrupt or fault from user
 * mode copies them there; both go on at the top of the CPU's one stack and end in port_exit with the context to
 * resume in RAX (0: idle). Interrupts are off throughout.
 *
 * GS: user mode has its own base; the kernel's is in KERNEL_GS_BASE and comes with SWAPGS. NMI, machine check,
 * double fault and kernel-mode debug exceptions can arrive in the windows where the two are exchanged, so they run on
 * stacks of their own (IST), take the kernel's base from the word above their frame, and put back what they
 * found. They touch nothing of the interrupted path, so they are safe at every instruction below.
 *
 * SAFETY (this file): Invariants: in user mode CPU_CONTEXT_END is the end of the running context and its `full`
 * word is 0; CPU_STACK_TOP is 16-byte aligned.
 */
#include "offsets.h"

    .section .text.entry, "ax", @progbits

/* --- system calls ------------------------------------------------------------------------------------------ */

/* SYSCALL: RCX is the user's RIP, R11 its RFLAGS, RSP still the user's; IF, TF, DF, AC and NT are clear. All
 * general registers but RSP are the kernel's to clobber, so what a call does not read need not be saved. */
    .globl syscall_entry
    .balign 64
syscall_entry:
    swapgs
    movq %rsp, %gs:CPU_USER_SP
    movq %gs:CPU_CONTEXT_END, %rsp
    pushq %gs:CPU_USER_SP
    pushq %r11
    pushq %rcx                  /* RSP: CONTEXT_PC of the context */
    cmpq $NUMBER_CALL, %rax
    je syscall_call
    cmpq $NUMBER_REPLY_RECEIVE, %rax
    je syscall_reply_receive
    movq upcall_light_calls(%rip), %rcx
    btq %rax, %rcx
    jnc syscall_full

/* Calls of few words: the registers that C keeps are the user's own at the end, the others are loaded or zeroed.
 * What remains of the context is what the thread came with at some earlier time. */
    movq %rdi, CONTEXT_RDI-CONTEXT_PC(%rsp)
    movq %rbx, CONTEXT_RBX-CONTEXT_PC(%rsp)
    movq %rdx, CONTEXT_RDX-CONTEXT_PC(%rsp)
    movq %r8, CONTEXT_R8-CONTEXT_PC(%rsp)
    movq %rax, %rdi
    movq %gs:CPU_STACK_TOP, %rsp
    call upcall_syscall
    leaq CONTEXT_END(%rax), %rdx
    cmpq %rdx, %gs:CPU_CONTEXT_END
    jne port_exit               /* another thread, or none */
    cmpl $0, CONTEXT_FULL(%rax)
    jne exit_full               /* pc is not what SYSCALL saved any more */
    movq CONTEXT_PC(%rax), %rcx
    movq CONTEXT_FLAGS(%rax), %r11
    movq CONTEXT_SP(%rax), %rsp
    movq CONTEXT_RDX(%rax), %rdx
    movq CONTEXT_R8(%rax), %r8
    movq CONTEXT_RAX(%rax), %rax
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    swapgs
    sysretq

/* The fast path of call and reply_receive. C is given the registers that it decides by; words 4 to 7 stay in
 * registers that it keeps, words 0 to 3 are parked in the context. What it refuses it has saved handle and info of. */
    .macro FAST upcall, number
    movq %rdx, CONTEXT_RDX-CONTEXT_PC(%rsp)
    movq %r8, CONTEXT_R8-CONTEXT_PC(%rsp)
    movq %r9, CONTEXT_R9-CONTEXT_PC(%rsp)
    movq %r10, CONTEXT_R10-CONTEXT_PC(%rsp)
    movq %rbx, %rdx
    movq %gs:CPU_STACK_TOP, %rsp
    call \upcall
    testq %rax, %rax
    jnz fast_exit
    movq %gs:CPU_CONTEXT_END, %rcx
    subq $CONTEXT_END, %rcx
    movl $\number, %eax
    jmp fast_refused
    .endm

syscall_call:
    FAST upcall_fast_call, NUMBER_CALL
syscall_reply_receive:
    FAST upcall_fast_reply_receive, NUMBER_REPLY_RECEIVE

/* RAX: the context to resume, which came by SYSCALL. RDX: the lock under which the current context, with the
 * message, is still ours. */
fast_exit:
    movq %rdx, %r11
    movq %gs:CPU_CONTEXT_END, %rcx
    leaq CONTEXT_END(%rax), %rdx
    movq %rdx, %gs:CPU_CONTEXT_END
    movq CONTEXT_RDX-CONTEXT_END(%rcx), %rdx
    movq CONTEXT_R8-CONTEXT_END(%rcx), %r8
    movq CONTEXT_R9-CONTEXT_END(%rcx), %r9
    movq CONTEXT_R10-CONTEXT_END(%rcx), %r10
    movq CONTEXT_RDI-CONTEXT_END(%rcx), %rdi
    movq CONTEXT_RSI-CONTEXT_END(%rcx), %rsi
    movq CONTEXT_RBP-CONTEXT_END(%rcx), %rbp
    movl $0, (%r11)
    movq CONTEXT_PC(%rax), %rcx
    movq CONTEXT_FLAGS(%rax), %r11
    movq CONTEXT_SP(%rax), %rsp
    xorl %eax, %eax
    swapgs
    wrgsbase %rax               /* the fast path is taken only where there is this instruction */
    sysretq

/* A receive reads no words: what its context has of them is old. */
syscall_receive:
    movq %rdi, CONTEXT_RDI-CONTEXT_PC(%rsp)
    movq %rsi, CONTEXT_RSI-CONTEXT_PC(%rsp)
    movq %rbx, CONTEXT_RBX-CONTEXT_PC(%rsp)
    movq %rax, %rdi
    movq %gs:CPU_STACK_TOP, %rsp
    call upcall_syscall
    jmp port_exit

/* All registers. */
syscall_full:
    cmpq $NUMBER_RECEIVE, %rax
    je syscall_receive
    subq $(CONTEXT_PC-CONTEXT_RAX), %rsp
    movq %rsp, %rcx
    movq %rdx, CONTEXT_RDX(%rcx)
    movq %r8, CONTEXT_R8(%rcx)
    movq %r9, CONTEXT_R9(%rcx)
    movq %r10, CONTEXT_R10(%rcx)
    movq %rdi, CONTEXT_RDI(%rcx)
    movq %rsi, CONTEXT_RSI(%rcx)
fast_refused:
    movq %rax, CONTEXT_RAX(%rcx)
    movq %rbx, CONTEXT_RBX(%rcx)
    movq %rbp, CONTEXT_RBP(%rcx)
    movq %r12, CONTEXT_R12(%rcx)
    movq %r13, CONTEXT_R13(%rcx)
    movq %r14, CONTEXT_R14(%rcx)
    movq %r15, CONTEXT_R15(%rcx)
    movq %gs:CPU_STACK_TOP, %rsp
    movq %rax, %rdi
    call upcall_syscall

/* The way out. RAX: the context to resume, or 0. A non-zero `full` or a return address that is no user address
 * keeps us from SYSRET, which would take its #GP in ring 0 on the user's stack (Intel SDM 2B, SYSRET). The test is
 * context_may_sysret (context.h) in assembly. */
    .globl port_exit
port_exit:
    testq %rax, %rax
    jz exit_idle
    leaq CONTEXT_END(%rax), %rdx
    movq %rdx, %gs:CPU_CONTEXT_END
    movq CONTEXT_PC(%rax), %rcx
    shrq $USER_ADDRESS_BITS, %rcx
    orl CONTEXT_FULL(%rax), %ecx
    jnz exit_full
    movq %rax, %rsp
    popq %rax
    popq %rsi
    popq %rdi
    popq %rbx
    popq %rbp
    popq %rdx
    popq %r8
    popq %r9
    popq %r10
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    popq %rcx
    popq %r11
    popq %rsp
    swapgs
    .globl sysret_instruction
sysret_instruction:
    sysretq

/* All registers, by IRETQ. A bad pc or flags word is made harmless first. */
exit_full:
    movq %gs:CPU_STACK_TOP, %rsp
    movq %rax, %rbx
    movq %rax, %rdi
    call arch_context_sanitize
    movq %rbx, %rax
    movl $0, CONTEXT_FULL(%rax)
    pushq $SELECTOR_USER_DATA
    pushq CONTEXT_SP(%rax)
    pushq CONTEXT_FLAGS(%rax)
    pushq $SELECTOR_USER_CODE
    pushq CONTEXT_PC(%rax)
    movq CONTEXT_RSI(%rax), %rsi
    movq CONTEXT_RDI(%rax), %rdi
    movq CONTEXT_RBX(%rax), %rbx
    movq CONTEXT_RBP(%rax), %rbp
    movq CONTEXT_RDX(%rax), %rdx
    movq CONTEXT_R8(%rax), %r8
    movq CONTEXT_R9(%rax), %r9
    movq CONTEXT_R10(%rax), %r10
    movq CONTEXT_R12(%rax), %r12
    movq CONTEXT_R13(%rax), %r13
    movq CONTEXT_R14(%rax), %r14
    movq CONTEXT_R15(%rax), %r15
    movq CONTEXT_RCX(%rax), %rcx
    movq CONTEXT_R11(%rax), %r11
    movq CONTEXT_RAX(%rax), %rax
    swapgs
    .globl iret_instruction
iret_instruction:
    iretq

/* NORETURN void arch_cpu_enter(struct arch_context *next) */
    .globl arch_cpu_enter
arch_cpu_enter:
    movq %rdi, %rax
    jmp port_exit

/* Idle: nothing is on the stack. An interrupt starts over at its top and never comes back here, so none can be
 * lost between STI and the wait. An NMI does come back, so the wait is a loop. */
    .globl idle_start, idle_end
exit_idle:
    movq %gs:CPU_STACK_TOP, %rsp
    xorl %ebp, %ebp
    cmpb $0, port_idle_mwait(%rip)
idle_start:
    sti
    jne idle_mwait
idle_halt:
    hlt
    jmp idle_halt
idle_mwait:
    movq %gs:CPU_SELF, %rax     /* nobody writes there: interrupts end the wait */
    xorl %ecx, %ecx
    xorl %edx, %edx
    monitor
    xorl %eax, %eax
    mwait
    jmp idle_mwait
idle_end:

/* --- interrupts and exceptions ------------------------------------------------------------------------------ */

/* One stub a vector: makes the frames alike (error code, then vector). */
    .globl vector_stubs
    .balign VECTOR_STUB_BYTES
vector_stubs:
    .set vector, 0
    .rept VECTOR_COUNT
    .balign VECTOR_STUB_BYTES
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    pushq $0
    .endif
    pushq $vector
    .if vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK
    jmp paranoid_entry
    .elseif vector == VECTOR_DEBUG
    jmp debug_entry
    .else
    jmp interrupt_entry
    .endif
    .set vector, vector + 1
    .endr
    .balign VECTOR_STUB_BYTES

/* A debug exception from user mode is a fault like any other; its IST frame is copied and left. */
debug_entry:
    testb $3, 24(%rsp)
    jz paranoid_entry
    jmp user_entry

/* Stack: vector, error code, RIP, CS, RFLAGS, RSP, SS. LFENCE: neither side of the branch may run ahead with the
 * other's GS. */
interrupt_entry:
    testb $3, 24(%rsp)
    jz kernel_entry_point
user_entry:
    swapgs
    lfence
    pushq %rax
    movq %gs:CPU_CONTEXT_END, %rax
    subq $CONTEXT_END, %rax
    movq %rsi, CONTEXT_RSI(%rax)
    movq %rdi, CONTEXT_RDI(%rax)
    movq %rbx, CONTEXT_RBX(%rax)
    movq %rbp, CONTEXT_RBP(%rax)
    movq %rdx, CONTEXT_RDX(%rax)
    movq %r8, CONTEXT_R8(%rax)
    movq %r9, CONTEXT_R9(%rax)
    movq %r10, CONTEXT_R10(%rax)
    movq %r12, CONTEXT_R12(%rax)
    movq %r13, CONTEXT_R13(%rax)
    movq %r14, CONTEXT_R14(%rax)
    movq %r15, CONTEXT_R15(%rax)
    movq %rcx, CONTEXT_RCX(%rax)
    movq %r11, CONTEXT_R11(%rax)
    movl $1, CONTEXT_FULL(%rax)
    popq CONTEXT_RAX(%rax)
    popq %rdi
    popq %rsi
    popq CONTEXT_PC(%rax)
    popq %rdx
    popq CONTEXT_FLAGS(%rax)
    popq CONTEXT_SP(%rax)
    movq %gs:CPU_STACK_TOP, %rsp
    pushq $2
    popfq                       /* a gate leaves AC, NT and DF as the user had them */
    movq %rax, %rdx
    xorl %ebp, %ebp
    call port_user_trap         /* (vector, error code, context) */
    jmp port_exit

/* From kernel mode: an exception at some instruction, or an interrupt that ends the idle wait. */
kernel_entry_point:
    lfence
    cmpq $(VECTOR_PIC - 1), (%rsp)
    ja idle_interrupted
    call push_frame
    leaq iret_instruction(%rip), %rax
    cmpq %rax, TRAP_FRAME_RIP(%rsp)
    jne 1f
    swapgs                      /* that IRETQ had given GS back to the user already */
1:  movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-16, %rsp
    call port_kernel_trap       /* (frame); comes back only for a fixed-up user access */
    movq %rbx, %rsp
    jmp pop_frame

idle_interrupted:
    popq %rdi
    popq %rax
    popq %rsi
    movq %gs:CPU_STACK_TOP, %rsp
    call port_idle_trap         /* (vector, pc) */
    jmp port_exit

/* NMI, machine check, double fault, debug exception in the kernel: on an IST stack whose top word, just above the
 * frame, is this CPU's kernel GS base. */
paranoid_entry:
    call push_frame
    movl $MSR_GS_BASE_NUMBER, %ecx
    rdmsr
    movl %eax, %ebx
    movl %edx, %r12d
    movl TRAP_FRAME_SIZE(%rsp), %eax
    movl TRAP_FRAME_SIZE+4(%rsp), %edx
    wrmsr
    movq %rsp, %rdi
    call port_ist_trap          /* (frame) */
    movl $MSR_GS_BASE_NUMBER, %ecx
    movl %ebx, %eax
    movl %r12d, %edx
    wrmsr
    jmp pop_frame

/* Called with the vector on top of the stack: saves the other registers below it as struct trap_frame. */
push_frame:
    xchgq %rax, (%rsp)          /* the return address's place becomes RAX's */
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq $2
    popfq
    jmp *%rax

pop_frame:
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

    .section .note.GNU-stack, "", @progbits
