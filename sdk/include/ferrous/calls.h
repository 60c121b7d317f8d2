/*
 * One function per system call that is not IPC (those are in ferrous/ipc.h). Each takes the handle
 * it acts on first and its result last; results are written on success only. What a call does,
 * needs and returns is told once, in abi/syscalls.def. Deadlines are absolute, in ns since boot
 * (TIME_NEVER: none).
 */
#ifndef FERROUS_CALLS_H
#define FERROUS_CALLS_H

#include "abi/fault.h"
#include "abi/machine.h"
#include "abi/memory.h"
#include "abi/message.h"
#include "abi/rights.h"
#include "abi/spawn.h"
#include "ferrous/handle.h"
#include "ferrous/syscall.h"

/* --- capabilities --- */

/* How a derived capability is less than its parent. Start from CAP_DERIVE_ALL and narrow. */
struct cap_restriction {
    u32 rights;
    u32 flags; /* DERIVE_* */
    u64 badge; /* 0: keep the parent's */
    u64 expiry_ns;
    u64 range_offset;
    u64 range_length; /* 0: to the end */
};

#define CAP_DERIVE_ALL ((struct cap_restriction){.rights = UINT32_MAX, .expiry_ns = TIME_NEVER})

enum status cap_derive(cap_t cap, const struct cap_restriction *restriction, cap_t *child) MUST_USE;
/* A child with these rights at most, and otherwise the same. */
enum status cap_derive_rights(cap_t cap, u32 rights, cap_t *child) MUST_USE;
/* Puts `cap`, cut down to `rights`, into the process; *remote is the handle in there. */
enum status cap_grant(process_t process, cap_t cap, u32 rights, u32 mode, cap_t *remote) MUST_USE;
enum status cap_revoke(cap_t cap) MUST_USE;
/* Closing a null capability does nothing. */
enum status cap_close(cap_t cap);

struct cap_facts {
    u32 type; /* enum object_type */
    u32 rights;
    u64 badge;
    u64 range_start;
    u64 range_length;
    u64 expiry_ns;
    u64 depth;
    u64 object_id;
    bool sole; /* nothing else refers to the object: no capability, mapping or pinned page */
};

enum status cap_inspect(cap_t cap, struct cap_facts *facts) MUST_USE;

/* --- endpoints --- */
/* One end of a channel: what is sent by `send` of one is received at `receive` of the other. When
 * nobody has the right to receive at an end any more, the other's send, call and receive give
 * PEER_CLOSED. Both capabilities may be handed on. */
struct channel {
    endpoint_t receive;
    endpoint_t send;
};

enum status channel_create(group_t group, u32 queue_depth, u64 grace_ns, struct channel *a,
                           struct channel *b) MUST_USE;

enum status endpoint_create(group_t group, u32 queue_depth, u64 grace_ns,
                            endpoint_t *endpoint) MUST_USE;

/* --- memory --- */
enum status memory_create(group_t group, u64 size_bytes, u32 flags, memory_t *memory) MUST_USE;
/* A copy of a range of `source` that shares its pages until either side writes them. */
enum status memory_clone(group_t group, memory_t source, u64 offset, u64 size_bytes,
                         memory_t *memory) MUST_USE;
/* Gives pages back to the group that pays for them; they read as zeros afterwards. Pages that
 * somebody reads or writes meanwhile may stay as they are. */
enum status memory_discard(memory_t memory, u64 offset, u64 size_bytes) MUST_USE;
/* Into this process; *address is in (0: any place) and out. */
enum status memory_map(memory_t memory, u64 offset, u64 size_bytes, u32 flags,
                       u64 *address) MUST_USE;
enum status memory_map_into(process_t process, memory_t memory, u64 offset, u64 size_bytes,
                            u32 flags, u64 *address) MUST_USE;
enum status memory_unmap(u64 address, u64 size_bytes) MUST_USE;
/* For memory that was received with a message and is to be this process's alone: takes away what
 * the sender has mapped or derived, and makes sure that nothing is left. BUSY: the sender keeps a
 * hold on it (a page under a thread's message buffer, another capability); REVOKED, MISSING_RIGHT
 * (REVOKE). */
enum status memory_take(memory_t memory) MUST_USE;
enum status memory_unmap_in(process_t process, u64 address, u64 size_bytes) MUST_USE;
enum status memory_protect(u64 address, u64 size_bytes, u32 flags) MUST_USE;
enum status memory_protect_in(process_t process, u64 address, u64 size_bytes, u32 flags) MUST_USE;

/* --- processes and threads --- */
enum status process_create(group_t group, const struct spawn_plan *plan, process_t *process,
                           thread_t *thread, u64 *process_id) MUST_USE;
/* BUSY does not occur: waits until it has ended or the deadline passes. */
enum status process_wait(process_t process, u64 deadline_ns, struct exit_record *record) MUST_USE;
/* The same without waiting: WOULD_BLOCK while it runs. */
enum status process_poll(process_t process, struct exit_record *record) MUST_USE;
enum status process_watch(process_t process, endpoint_t endpoint) MUST_USE;
enum status process_kill(process_t process, i64 code);
_Noreturn void process_exit(i64 code);

struct thread_facts {
    thread_t thread;
    u64 id;
};

enum status kthread_create(process_t process, u64 entry, u64 stack, u64 argument, u64 pointer,
                           bool held, void *buffer, struct thread_facts *facts) MUST_USE;
enum status kthread_control(thread_t thread, u64 operation, u64 argument) MUST_USE;
/* Registers of a held or suspended thread. BUSY: it is neither, or still waits for something. */
enum status kthread_get_registers(thread_t thread, struct thread_registers *registers) MUST_USE;
enum status kthread_set_registers(thread_t thread,
                                  const struct thread_registers *registers) MUST_USE;
/* Copies from or to memory of another process; *size is what was asked for and what was done, up to
 * the end of the page there. */
enum status process_memory(process_t process, u64 operation, u64 there, void *here,
                           u64 *size) MUST_USE;
enum status kthread_kill(thread_t thread, i64 code);
enum status kthread_cancel(thread_t thread);

enum status futex_wait(u32 *word, u32 expected, u64 deadline_ns);
/* Returns how many were woken. */
u64 futex_wake(u32 *word, u64 count);

static inline void thread_yield(void)
{
    (void)ferrous_syscall_none(SYS_yield);
}

/* --- groups --- */
/* Limits that limit nothing, under this name. */
void group_limits_init(struct group_limits *limits, const char *name);
enum status group_create(group_t parent, const struct group_limits *limits,
                         group_t *group) MUST_USE;
enum status group_destroy(group_t group) MUST_USE;
enum status group_set_limit(group_t group, enum group_resource resource, u64 limit) MUST_USE;
enum status group_set_weight(group_t group, u64 weight) MUST_USE;
/* What the group may use in a period of all processors together; both 0: no quota. */
enum status group_set_quota(group_t group, u64 quota_ns, u64 period_ns) MUST_USE;
/* No thread of it, or of a group below, is in user mode when this returns. */
enum status group_suspend(group_t group) MUST_USE;
enum status group_resume(group_t group) MUST_USE;
enum status group_usage(group_t group, struct group_usage *usage) MUST_USE;

/* --- devices --- */
/* A legacy interrupt request line by its number. */
enum status interrupt_create(machine_t machine, group_t payer, u32 line,
                             interrupt_t *interrupt) MUST_USE;
/* Binds on first use (then `endpoint` is not null) and lets the next one through. */
enum status interrupt_ack(interrupt_t interrupt, endpoint_t endpoint) MUST_USE;
enum status port_in(ports_t ports, u16 port, u32 width_bytes, u32 *value) MUST_USE;
enum status port_out(ports_t ports, u16 port, u32 width_bytes, u32 value) MUST_USE;

/* --- machine --- */
/* *written gets the bytes stored; *next, where not NULL, the position to go on at. */
enum status machine_info(machine_t machine, enum machine_info_topic topic, void *buffer, u64 size,
                         u64 position, u64 *written, u64 *next) MUST_USE;
enum status machine_control(machine_t machine, u64 operation, u64 argument) MUST_USE;
/* Processes with ids above `after`, in rising order; *count is in (room) and out. */
enum status process_list(machine_t machine, struct process_entry *entries, u64 *count,
                         u64 after) MUST_USE;

/* --- time and observation --- */
enum status timer_create(group_t group, endpoint_t endpoint, ktimer_t *timer) MUST_USE;
/* First at `deadline_ns` (TIME_NEVER stops it), then every `period_ns` where that is not 0. */
enum status timer_set(ktimer_t timer, u64 deadline_ns, u64 period_ns) MUST_USE;
enum status trace_domain_control(trace_domain_t domain, u64 operation, u64 argument,
                                 u64 *result) MUST_USE;
enum status trace_domain_emit(trace_domain_t domain, const u64 words[4]) MUST_USE;

#endif
