/*
 * Processes: an address space, a capability space, threads, a group that pays, and an end.
 *
 *   RUNNING  --kill, exit, fault, last thread gone-->  ENDING  --threads gone, job done-->  DEAD
 *
 * Every thread ends on its own way out of the kernel; the last one starts the job that takes the
 * process apart. Who waits is woken when that is done; memory that only the process held may come
 * back a grace period later.
 *
 * Locks: `lock` (RANK_PROCESS) guards threads, state, waiters and watchers.
 */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include "abi/questions.h"
#include "abi/spawn.h"
#include "ipc/binding.h"
#include "sched/work.h"

#define PROCESS_MAX_WATCHERS 64u

enum process_state { PROCESS_RUNNING = 0, PROCESS_ENDING = 1, PROCESS_DEAD = 2 };

struct process {
    struct object object; /* one reference is its own until it is dead */
    struct spinlock lock;
    u8 state;            /* enum process_state */
    struct list threads; /* each a reference */
    u32 thread_count;
    struct list waiters;
    struct list watchers;
    u32 watcher_count;
    struct exit_record exit;
    struct cap_space space;
    struct vspace vspace;
    struct binding fault_binding; /* where faults go, if anywhere */
    u64 parent_id;
    struct list registry_link;
    struct job job; /* taking it apart */
    u32 phase;
    char name[SPAWN_NAME_SIZE];
};

static inline struct process *process_of(struct object *object)
{
    return CONTAINER_OF(object, struct process, object);
}

void process_init(void);

/* An empty process, one reference held by the caller beside its own; nothing runs in it yet. */
enum status process_create(struct payer *payer, const char *name, u64 parent_id,
                           struct process **out) MUST_USE;

/* A thread in it, held, with its message buffer at byte `offset` of `memory`. One reference held by
 * the caller. DEAD: the process is ending. BAD_ARGUMENT: neither the process's group nor one above
 * it pays for the memory. Errors of thread_create. */
enum status process_add_thread(struct process *process, struct memory *memory, u64 offset,
                               struct thread **out) MUST_USE;

/* A thread that was held and never ran becomes ready. */
void process_start_thread(struct thread *thread);

/* Begins the end, once; later calls change nothing. Any context without locks. */
void process_kill(struct process *process, const struct exit_record *record);
/* Ends one thread. */
void process_kill_thread(struct thread *thread);

/* The current thread waits until the process is dead, then has its exit record as result. */
void process_wait(struct thread *waiter, struct process *process, bool nonblock, u64 deadline_ns);

/* The endpoint is signalled when the process is dead (at once if it is). FULL:
 * PROCESS_MAX_WATCHERS; GROUP_LIMIT (of the endpoint's payer), NO_MEMORY, REVOKED, TOO_DEEP. */
enum status process_watch(struct process *process, const struct cap_ref *endpoint) MUST_USE;

/* sched's hook: the current thread has been killed, or its fault was not answered. */
void process_end_thread(struct thread *thread);

/* The current thread has faulted; `record` is filled but for the thread. */
void process_fault(struct thread *thread, const struct fault_record *record);

/* Fills entries for processes with ids above `after`, in order; returns how many. */
u32 process_list(struct process_entry *entries, u32 limit, u64 after);

/* What the threads of a process with ids above `after` wait for, in order of ids. NOT_FOUND. */
enum status process_why(u64 process_id, u64 after, struct why_entry *entries, u32 limit,
                        u32 *count) MUST_USE;
/* What it can reach, from place *from on; *from is where to go on, 0: that is all. NOT_FOUND. */
enum status process_who(u64 process_id, enum who_topic topic, u64 *from, struct who_entry *entries,
                        u32 limit, u32 *count) MUST_USE;

void process_release(struct object *object);
void process_reclaim(struct object *object);
void process_condemn(struct object *object);
void process_thread_release(struct object *object);
void process_thread_condemn(struct object *object);

#endif
