/*
 * Messages: the info word, the registers, and the message buffer.
 *
 * Registers of a system call, in the kernel's portable order (x86_64 register in brackets):
 *
 *   in   number [rax]  info [rsi]  handle [rdi]  deadline [rbx]  aux [rbp]  words 0-7 [rdx r8 r9
 * r10 r12-r15] out  status [rax]  info [rsi]  badge  [rdi]  -        [rbx]  aux [rbp]  words 0-7
 *
 * aux, on receive: the lower half of the trace id of the request, else 0.
 *
 * All general registers are clobbered but the stack pointer. Vector registers and MXCSR are not
 * kept across a system call that blocks.
 *
 * The info word:
 *
 *    63      56 55   52 51  48 47  44 43       32 31               0
 *   +----------+-------+------+------+-----------+------------------+
 *   |  flags   | kind  |accept| caps |  length   |      label       |
 *   +----------+-------+------+------+-----------+------------------+
 *
 *   label   interface (16) and method (16); the kernel carries it unread
 *   length  bytes of inline data in the message buffer, 0 to 256
 *   caps    capabilities named in the message buffer's list, 0 to 4
 *   accept  how many capabilities a receiver (or a caller, of its reply) is willing to take, 0 to 4
 *   kind    on receive: enum message_kind
 */
#ifndef ABI_MESSAGE_H
#define ABI_MESSAGE_H

#include "abi/types.h"

#define MESSAGE_WORDS      8u
#define MESSAGE_MAX_INLINE 256u
#define MESSAGE_MAX_CAPS   4u

#define INFO_LENGTH_SHIFT 32
#define INFO_CAPS_SHIFT   44
#define INFO_ACCEPT_SHIFT 48
#define INFO_KIND_SHIFT   52
#define INFO_NONBLOCK     (1ull << 56) /* WOULD_BLOCK instead of waiting */
#define INFO_CAPS_LOST    (1ull << 57) /* on receive: a capability was revoked in flight */
#define INFO_FAILED       (1ull << 58) /* on reply: the label is an enum status of the server */

enum message_kind {
    MESSAGE_SEND = 0,   /* one way; nobody waits */
    MESSAGE_CALL = 1,   /* the sender waits for a reply */
    MESSAGE_SIGNAL = 2, /* word 0 holds the signal bits that were pending */
    MESSAGE_FAULT =
        3, /* a thread's fault: struct fault_record inline; the reply decides (abi/fault.h) */
    MESSAGE_REPLY = 4,
};

static inline u64 message_info(u32 label, u32 length, u32 cap_count, u32 accept)
{
    return (u64)label | (u64)length << INFO_LENGTH_SHIFT | (u64)cap_count << INFO_CAPS_SHIFT |
           (u64)accept << INFO_ACCEPT_SHIFT;
}

static inline u32 info_label(u64 info)
{
    return (u32)info;
}

static inline u32 info_length(u64 info)
{
    return (u32)(info >> INFO_LENGTH_SHIFT) & 0xfffu;
}

static inline u32 info_cap_count(u64 info)
{
    return (u32)(info >> INFO_CAPS_SHIFT) & 0xfu;
}

static inline u32 info_accept(u64 info)
{
    return (u32)(info >> INFO_ACCEPT_SHIFT) & 0xfu;
}

static inline u32 info_kind(u64 info)
{
    return (u32)(info >> INFO_KIND_SHIFT) & 0xfu;
}

#define MESSAGE_LABEL(interface, method) ((u32)(interface) << 16 | (u32)(method))

/* How a capability travels. */
#define CAP_SEND_MOVE 0u /* the sender loses it */
#define CAP_SEND_COPY 1u /* the receiver gets a child of it */

/* One capability named by a sender: its rights are reduced to `rights` on the way. */
struct message_cap {
    cap_t cap;
    u32 rights;
    u32 mode; /* CAP_SEND_* */
};

/* A thread's pinned message buffer: one page, at the address that the thread was started with. */
/* A held thread's registers for a debugger: those of a call under their names above, and the rest.
 * x86_64: scratch are rcx and r11, which system calls change; thread_pointer is the FS base. */
struct thread_registers {
    u64 number;
    u64 info;
    u64 handle;
    u64 deadline;
    u64 aux;
    u64 words[MESSAGE_WORDS];
    u64 pc;
    u64 flags;
    u64 sp;
    u64 scratch[2];
    u64 thread_pointer;
};

#define MESSAGE_BUFFER_ALIGNMENT 512u /* so that it lies in one page */

struct message_buffer {
    u8 data[MESSAGE_MAX_INLINE];
    struct message_cap send_caps[MESSAGE_MAX_CAPS];
    cap_t received_caps[MESSAGE_MAX_CAPS]; /* CAP_NULL where one was lost */
};

_Static_assert(sizeof(struct message_cap) == 16, "ABI layout");
_Static_assert(sizeof(struct message_buffer) == 256 + 64 + 32, "ABI layout");

#endif
