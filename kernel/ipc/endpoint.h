/*
 * Endpoints: where messages are received.
 *
 *   senders    threads blocked in send, call or a fault until a receiver takes them
 *   receivers  threads blocked in receive
 *   served     callers whose call a server has taken and not yet answered
 *   queue      one-way messages that wait without their sender, at most `depth`
 *   signals    pending bits
 *
 * Never both senders (or queue, or signals) and receivers at once.
 *
 * Locks: `lock` (RANK_IPC) guards all of it, and the serving and server links of the threads in
 * `served`.
 */
#ifndef IPC_ENDPOINT_H
#define IPC_ENDPOINT_H

#include "sched/sched.h"
#include "sched/wait.h"

#define ENDPOINT_MAX_DEPTH 256u

/* Where a receiver's next message may come from. */
enum message_source { SOURCE_SIGNALS, SOURCE_QUEUE, SOURCE_SENDERS, SOURCE_COUNT };

struct endpoint {
    struct object object;
    struct spinlock lock;
    struct list senders;
    struct list receivers;
    struct list served;
    struct list queue;
    union {
        struct {
            u32 queued;
            u32 peer_down; /* a channel's other end went down: told to who would wait */
        };
        u64 unquiet; /* both at once: 0 as long as a receiver may just wait */
    };
    u32 blocked_sends; /* one-way messages whose senders wait */
    u32 depth;
    u64 signals;
    u8 turn;               /* enum message_source that goes first, so that none starves another */
    struct endpoint *peer; /* of a channel: the other end; NULL: none, or gone. Atomic */
    u64 receive_caps;      /* slots that hold the right to receive; atomic, counted by cap/ */
    u64 grace_ns;
    bool down;                /* had no receiver for longer than the grace time; atomic */
    struct timer grace;       /* armed while there is no receiver */
    struct mail holders_mail; /* the last receiver is gone: to be looked at; the endpoint is
                                 referenced then */
    u32 holders_mailed;       /* atomic */
};

static inline struct endpoint *endpoint_of(struct object *object)
{
    return CONTAINER_OF(object, struct endpoint, object);
}

void endpoint_init(void);

/* BAD_ARGUMENT: depth. Errors of a creation. */
enum status endpoint_create(struct payer *payer, u64 depth, u64 grace_ns,
                            struct endpoint **out) MUST_USE;
/* Two that are tied together: when nobody can receive at one, who waits to receive at the other is
 * told. */
enum status channel_create(struct payer *payer, u64 depth, u64 grace_ns,
                           struct endpoint *ends[2]) MUST_USE;

/*
 * The operations act for the current thread, whose registers hold message and info word; they set
 * its result registers. When they return, the thread may be blocked, or another may be current.
 * `ref` is a checked capability.
 */
void endpoint_send(struct thread *sender, const struct cap_ref *ref, u64 info, u64 deadline_ns);
void endpoint_call(struct thread *caller, const struct cap_ref *ref, u64 info, u64 deadline_ns);
void endpoint_receive(struct thread *receiver, const struct cap_ref *ref, u64 info,
                      u64 deadline_ns);
/* `ref`: a capability to a reply object, which is used up; NULL: the call being served. */
void endpoint_reply(struct thread *server, const struct cap_ref *ref, u64 info);
void endpoint_reply_receive(struct thread *server, const struct cap_ref *ref, u64 info,
                            u64 deadline_ns);

/* The common cases of the system calls signal, send and receive, for the current thread, with its
 * registers as they came. False: nothing was done, the general path is to be taken. */
bool fast_signal(struct thread *thread) MUST_USE;
bool fast_send(struct thread *thread) MUST_USE;
bool fast_receive(struct thread *thread) MUST_USE;

/* Sets signal bits and wakes a receiver if there is one. Never blocks; any context without locks of
 * RANK_IPC or above. */
void endpoint_signal(struct endpoint *endpoint, u64 bits);
/* The same, at an interrupt: whoever it preempts gives way at once (sched_wake_last). */
void endpoint_interrupt(struct endpoint *endpoint, u64 bits);

/* The thread's fault becomes a call on the endpoint (a reference that the caller keeps for the
 * thread's life). False: nobody will ever answer. */
bool endpoint_fault(struct thread *thread, struct endpoint *endpoint, u64 badge);

/* The current thread ends: the call that it serves fails with `status`. One that it has adopted
 * goes on waiting for whoever has its reply object. */
void endpoint_abandon_caller(struct thread *server, enum status status);

/* Object operations. */
void endpoint_release(struct object *object);
void endpoint_reclaim(struct object *object);
void endpoint_condemn(struct object *object);
void endpoint_revoked(struct object *object);
/* Slots with the right to receive are counted; see struct object_ops. */
void endpoint_holders_changed(struct object *object, int change);
void endpoint_holders_gone(struct object *object, bool died);

#endif
