/*
 * The kernel entry itself. Everything else in the SDK stands on these two ways in: a frame in
 * memory with every register of abi/message.h, and a short form for calls of few words. Programs
 * use the typed calls of ferrous/calls.h and ferrous/ipc.h instead.
 *
 * The kernel clobbers every general register but the stack pointer. The inline forms keep the frame
 * pointer on the stack, so code that includes this is compiled with -mno-red-zone.
 */
#ifndef FERROUS_SYSCALL_H
#define FERROUS_SYSCALL_H

#include "abi/status.h"
#include "abi/syscalls.h"
#include "abi/types.h"

/* Registers of a call, in and out. Known to sdk/syscall.S by offset. */
struct syscall_frame {
    u64 number; /* out: the status */
    u64 info;
    u64 handle; /* out: the badge */
    u64 deadline;
    u64 aux;
    u64 words[8];
};

/* Enters the kernel with the registers of *frame, and leaves there what it answered. Returns the
 * status. */
enum status ferrous_syscall(struct syscall_frame *frame);

#ifdef __SSE__
#define SYSCALL_VECTOR_CLOBBERS                                                                    \
    , "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",     \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#else
#define SYSCALL_VECTOR_CLOBBERS
#endif

#define SYSCALL_INSTRUCTION "pushq %%rbp\n\tsyscall\n\tpopq %%rbp\n\t"

/* A call of up to two words, and one result: *w0 and *w1 are in and out. */
static inline enum status ferrous_syscall_short(u64 number, u64 handle, u64 deadline, u64 *w0,
                                                u64 *w1)
{
    u64 info = 0;
    register u64 word1 __asm__("r8") = *w1;

    __asm__ volatile(SYSCALL_INSTRUCTION
                     : "+a"(number), "+S"(info), "+D"(handle), "+b"(deadline), "+d"(*w0),
                       "+r"(word1)
                     :
                     : "rcx", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
                       "memory" SYSCALL_VECTOR_CLOBBERS);
    *w1 = word1;
    return (enum status)number;
}

/* The same where no result is wanted. */
static inline enum status ferrous_syscall_plain(u64 number, u64 handle, u64 w0, u64 w1)
{
    return ferrous_syscall_short(number, handle, TIME_NEVER, &w0, &w1);
}

/* A call that takes and gives no word. */
static inline enum status ferrous_syscall_none(u64 number)
{
    __asm__ volatile(SYSCALL_INSTRUCTION
                     : "+a"(number)
                     :
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
                       "r14", "r15", "cc", "memory" SYSCALL_VECTOR_CLOBBERS);
    return (enum status)number;
}

/* The name of a status for people: "ok", "capability was revoked". */
const char *status_text(enum status status);

#endif
