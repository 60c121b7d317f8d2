/*
 * Messages. A struct message holds what travels in registers: the info word, the badge and eight
 * words. Inline data and capabilities lie in the calling thread's message buffer, before a send and
 * after a receive; any other IPC of the thread, print() included, overwrites them.
 *
 * Deadlines are absolute, in ns since boot. Statuses are those of abi/status.def.
 */
#ifndef FERROUS_IPC_H
#define FERROUS_IPC_H

#include "abi/message.h"
#include "ferrous/handle.h"
#include "ferrous/syscall.h"
#include "ferrous/thread_block.h"

struct message {
    u64 info;
    u64 badge; /* on receive: of the capability that the sender used */
    u64 words[MESSAGE_WORDS];
};

/* A message of `label` with no data and no capabilities. */
#define MESSAGE_INIT(label_) ((struct message){.info = message_info((label_), 0, 0, 0)})

static inline u32 message_label(const struct message *message)
{
    return info_label(message->info);
}

static inline u32 message_kind(const struct message *message)
{
    return info_kind(message->info);
}

/* Bytes of inline data: never more than MESSAGE_MAX_INLINE. */
static inline u32 message_length(const struct message *message)
{
    u32 length = info_length(message->info);

    return length < MESSAGE_MAX_INLINE ? length : MESSAGE_MAX_INLINE;
}

static inline u32 message_cap_count(const struct message *message)
{
    return info_cap_count(message->info);
}

/* Capability `index` of the message just received; CAP_NULL where there is none. The caller owns
 * it. */
static inline cap_t message_take_cap(const struct message *message, u32 index)
{
    return index < message_cap_count(message) ? message_buffer()->received_caps[index] : CAP_NULL;
}

/* Closes all capabilities of a received message from index `first` on. */
void message_drop_caps(const struct message *message, u32 first);

/* Inline data of the message just received. */
static inline const void *message_data(void)
{
    return message_buffer()->data;
}

/* Copies `size` bytes into the buffer as the message's data; cut to MESSAGE_MAX_INLINE. */
void message_put_data(struct message *message, const void *data, size_t size);

/* Adds a capability to what the message carries. False: it carries four already. */
bool message_put_cap(struct message *message, cap_t cap, u32 rights, u32 mode);

/* How many capabilities the answer (or what is received) may bring. */
static inline void message_accept(struct message *message, u32 count)
{
    message->info = (message->info & ~(0xfull << INFO_ACCEPT_SHIFT)) | (u64)count
                                                                           << INFO_ACCEPT_SHIFT;
}

/* The registers of a call are those of *message, in and out. */
static inline enum status ipc_enter(u64 number, endpoint_t endpoint, struct message *message,
                                    u64 deadline_ns)
{
    u64 info = message->info;
    u64 handle = endpoint.cap.bits;
    u64 w0 = message->words[0];
    register u64 w1 __asm__("r8") = message->words[1];
    register u64 w2 __asm__("r9") = message->words[2];
    register u64 w3 __asm__("r10") = message->words[3];
    register u64 w4 __asm__("r12") = message->words[4];
    register u64 w5 __asm__("r13") = message->words[5];
    register u64 w6 __asm__("r14") = message->words[6];
    register u64 w7 __asm__("r15") = message->words[7];

    __asm__ volatile(SYSCALL_INSTRUCTION
                     : "+a"(number), "+S"(info), "+D"(handle), "+b"(deadline_ns), "+d"(w0),
                       "+r"(w1), "+r"(w2), "+r"(w3), "+r"(w4), "+r"(w5), "+r"(w6), "+r"(w7)
                     :
                     : "rcx", "r11", "cc", "memory" SYSCALL_VECTOR_CLOBBERS);
    message->info = info;
    message->badge = handle;
    message->words[0] = w0;
    message->words[1] = w1;
    message->words[2] = w2;
    message->words[3] = w3;
    message->words[4] = w4;
    message->words[5] = w5;
    message->words[6] = w6;
    message->words[7] = w7;
    return (enum status)number;
}

/* Delivers or queues one-way. Set INFO_NONBLOCK in message->info not to wait. */
enum status ipc_send(endpoint_t endpoint, const struct message *message, u64 deadline_ns);

/* Sends and waits for the answer, which replaces *message. STATUS_OK also where the server answered
 * with a failure: see ipc_call_checked. */
static inline enum status ipc_call(endpoint_t endpoint, struct message *message, u64 deadline_ns)
{
    return ipc_enter(SYS_call, endpoint, message, deadline_ns);
}

/* A call that brings no words and wants none. STATUS_OK also where the server answered with a
 * failure. */
static inline enum status ipc_call_plain(endpoint_t endpoint, u32 label, u64 deadline_ns)
{
    u64 number = SYS_call;
    u64 info = label;
    u64 handle = endpoint.cap.bits;

    __asm__ volatile(SYSCALL_INSTRUCTION
                     : "+a"(number), "+S"(info), "+D"(handle), "+b"(deadline_ns)
                     :
                     : "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
                       "memory" SYSCALL_VECTOR_CLOBBERS);
    return (enum status)number;
}

/* The same, and a failure answered by the server is the status returned. */
static inline enum status ipc_call_checked(endpoint_t endpoint, struct message *message,
                                           u64 deadline_ns)
{
    enum status status = ipc_call(endpoint, message, deadline_ns);

    if (status == STATUS_OK && (message->info & INFO_FAILED) != 0)
        return (enum status)info_label(message->info);
    return status;
}

/* Waits for a message, call or signal. Takes up to `accept` capabilities. */
static inline enum status ipc_receive(endpoint_t endpoint, struct message *message, u32 accept,
                                      u64 deadline_ns)
{
    message->info = (u64)accept << INFO_ACCEPT_SHIFT;
    return ipc_enter(SYS_receive, endpoint, message, deadline_ns);
}

/* The same without waiting: WOULD_BLOCK if there is nothing. */
static inline enum status ipc_poll(endpoint_t endpoint, struct message *message, u32 accept)
{
    message->info = (u64)accept << INFO_ACCEPT_SHIFT | INFO_NONBLOCK;
    return ipc_enter(SYS_receive, endpoint, message, TIME_NEVER);
}

/* Answers the call being served. */
enum status ipc_reply(const struct message *message);

/* Turns the call being served into an object, at the expense of `group` (CREATE_ENDPOINT): to be
 * answered later, by whoever then has *reply. */
enum status ipc_defer(group_t group, reply_t *reply);

/* Answers a deferred call. *reply is gone with STATUS_OK, and with NO_CALLER: nobody waits any
 * more. */
enum status ipc_reply_to(reply_t reply, const struct message *message);

/* The thread works for that caller (its budget, trace and deadline) until it answers, adopts
 * another, or receives. CAP_NULL: for none. */
enum status ipc_adopt(reply_t reply);

/* Answers with *message, then waits for the next, which replaces it. `accept` is for what comes. */
static inline enum status ipc_reply_receive(endpoint_t endpoint, struct message *message,
                                            u32 accept, u64 deadline_ns)
{
    message_accept(message, accept);
    return ipc_enter(SYS_reply_receive, endpoint, message, deadline_ns);
}

/* Makes *message the answer to a call that went wrong. */
static inline void message_fail(struct message *message, enum status status)
{
    message->info = message_info((u32)status, 0, 0, 0) | INFO_FAILED;
}

/* ORs the capability's badge into the endpoint's signal word. Never blocks. */
static inline enum status endpoint_signal(endpoint_t endpoint)
{
    return ferrous_syscall_plain(SYS_signal, endpoint.cap.bits, 0, 0);
}

#endif
