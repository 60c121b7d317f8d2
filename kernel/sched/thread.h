/*
 * Threads and activities.
 *
 * A thread is a register context and what it serves or waits for. An activity is the right to run:
 * who pays, with what urgency, under which trace. Each thread has a home activity; a call hands the
 * caller's activity to the server, and the reply hands it back.
 *
 * Who may touch what:
 *   an activity's scheduling state     the CPU that owns it (activity.cpu), alone
 *   a blocked thread's wait            the lock it waits under (wait_lock), see sched/wait.h
 *   the serving and server links       the lock of the endpoint that the call went through
 *   flags                              atomic; they make the thread take the slow way out of the
 * kernel
 */
#ifndef SCHED_THREAD_H
#define SCHED_THREAD_H

#include "abi/fault.h"
#include "abi/machine.h"
#include "abi/message.h"
#include "arch/context.h"
#include "cap/space.h"
#include "group/group.h"
#include "mm/vspace.h"
#include "sched/mailbox.h"
#include "sched/timer.h"
#include "trace/trace.h"

struct process;
struct endpoint;
struct reply;
struct wait_ops;

enum activity_state {
    ACTIVITY_IDLE = 0,    /* its thread is blocked, or it is a home activity not in use */
    ACTIVITY_READY = 1,   /* in the run queue of its CPU */
    ACTIVITY_RUNNING = 2, /* its thread is current on its CPU */
    ACTIVITY_MOVING = 3,  /* in the mail to its new CPU */
};

/* Calls within calls that one activity may serve; a fault may come on top. */
#define LEND_MAX_DEPTH 16u

struct activity {
    struct tree_node link;   /* in its share, by virtual time */
    struct thread *thread;   /* whom it runs now */
    struct thread *home;     /* whose own it is; NULL once that is gone */
    u32 references;          /* its home thread, and callers that have lent it on; atomic */
    struct account *account; /* charged while the home thread is there */
    struct grace_node grace;
    struct group *payer;
    struct share *share; /* the payer's, of `cpu` */
    u32 cpu;
    u8 state;                   /* enum activity_state */
    u64 ready_at;               /* cycles at which it last became ready */
    u64 virtual_time;           /* cycles used, within its share */
    u64 lendings;               /* ever made; each has a number */
    u64 claims[LEND_MAX_DEPTH]; /* numbers of the lendings that stand, outermost first */
    u32 depth;                  /* how many stand; its home's own lending needs no number */
    u64 cycles;                 /* used so far */
    u64 trace;                  /* lower half of the trace id */
    u64 next_span;
};

/* flags */
#define THREAD_FLAG_KILLED    1u
#define THREAD_FLAG_SUSPENDED 2u
#define THREAD_FLAG_MOVE      8u  /* it may no longer run where it does */
#define THREAD_FLAG_FAULTED   4u  /* its fault was not answered: the process ends */
#define THREAD_FLAG_BOUND     16u /* it may not run on every CPU */
#define THREAD_FLAG_DEFERRED  32u /* it waits for a reply object: nothing for the fast path */
#define THREAD_FLAG_FROZEN    64u /* its group or one above is suspended (sched/freeze.h) */
#define THREAD_FLAGS_STOP     (THREAD_FLAG_SUSPENDED | THREAD_FLAG_FROZEN)

struct thread {
    struct arch_context context; /* first: the port's pointer is the thread's */
    struct object object;
    struct process *process; /* a reference */
    struct cap_space *space; /* the process's */
    struct vspace *vspace;
    struct list process_link; /* in the process's threads; guarded by it */
    bool kill_sent;           /* guarded by the process */
    bool exited;

    struct activity *home;      /* one reference */
    struct activity *activity;  /* it runs on; NULL while that is lent to a server */
    u64 cpu_mask;               /* may run on; atomic */
    u32 flags;                  /* THREAD_FLAG_*; atomic */
    struct trace_context trace; /* its events': trace is its activity's, as long as it has one */

    /* Waiting. */
    struct spinlock *wait_lock; /* atomic; NULL: not waiting */
    const struct wait_ops *wait_ops;
    struct list wait_link;    /* stale when it is not waiting */
    void *wait_object;        /* a sender's endpoint; that of a call with called_at */
    u64 wait_since;           /* for people: cycles at which the wait began; 0: not recorded */
    u64 wait_deadline;        /* TIME_NEVER: none, or it is not waiting */
    struct memory_word futex; /* the word it waits on */
    struct timer timeout;
    struct mail wake_mail;

    /* Calls. */
    struct thread *serving; /* the caller whose call this thread answers */
    struct thread *server;  /* who answers this thread's call */
    struct reply *reply;    /* the object that its call was deferred to */
    u64 serve_deadline;     /* of the call on whose activity it runs, TIME_NEVER: none; its waits
                               end by then. Atomic */
    u64 called_at; /* clock: when its call was taken at once, for the call's event; else 0 */
    struct activity *lent; /* while the call is served: the activity that the server got */
    u64 lent_number;       /* of this lending, and its place in lent->claims */
    u32 lent_depth;
    u64 message_info; /* info word of what it sends, or is willing to receive */
    u64 message_badge;
    struct cap_mark wait_mark; /* the capability that it waits by */
    bool calling;              /* blocked sender: wants a reply */
    bool faulted;              /* the call is a fault message */
    struct fault_record fault;

    struct message_buffer *buffer; /* pinned; through the direct map */
    u64 buffer_user;               /* where the process sees it */
    struct memory *buffer_memory;  /* pinned */
    void *fpu_area;

    /* Long work that it asked for (sched/work.h). */
    struct job job;
    struct spinlock job_lock; /* RANK_IPC: under it the thread waits for the job */
    bool job_busy;
    struct object *work_object; /* a reference for as long as the job runs; NULL: none */
    struct object *work_at;     /* a reference: how far a walk has come; NULL: none */
    struct cap_node *work_node; /* pinned */
    struct vspace *work_vspace; /* of work_object, or the thread's own */
    u64 work_start;
    u64 work_end;
    u32 work_phase;
};

static inline struct thread *thread_of(struct object *object)
{
    return CONTAINER_OF(object, struct thread, object);
}

void thread_subsystem_init(void);

/* A thread paid by `payer`, with a message buffer at byte `offset` of `memory`, whose page it keeps
 * pinned. Not started; one reference held by the caller. BAD_ARGUMENT: not anonymous memory.
 * Errors of a creation and of memory_page. */
enum status thread_create(struct payer *payer, struct cap_space *space, struct vspace *vspace,
                          struct memory *memory, u64 offset, struct thread **out) MUST_USE;
void thread_reclaim(struct object *object);

void activity_get(struct activity *activity);
void activity_put(struct activity *activity);

/* Result registers of a thread that is in the kernel. */
static inline void thread_set_status(struct thread *thread, enum status status)
{
    thread->context.number = status;
}

#endif
