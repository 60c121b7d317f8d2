/*
 * What a CPU owns: data that only it touches (interrupts are off in the kernel, so no lock), and a
 * few words that other CPUs read or set atomically.
 */
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include "arch/atomic.h"
#include "arch/cpu.h"
#include "core/lock.h"
#include "lib/chacha.h"
#include "lib/list.h"

struct thread;
struct run_queue;
struct trace_context;
struct trace_event;
struct trace_ring;
struct trace_metrics;
struct vspace;
struct mail;
struct grace_node;

#define CPU_MAX            BOOT_MAX_CPUS
#define FRAME_CACHE_SIZE   64u
#define ZERO_CACHE_SIZE    16u
#define CPU_MAX_HELD_LOCKS 8u

union cpu_attention {
    struct {
        u32 look;  /* this kernel entry has changed what the way out looks at; this CPU only */
        u32 trace; /* categories of what system calls do that are traced; others write it */
    };
    u64 any;
};

struct cpu {
    u32 index;
    u32 node;
    u32 apic_id;
    u32 online;

    /* Scheduling: this CPU only. */
    struct thread *current; /* whose context the port resumes; NULL: idle */
    struct run_queue *run_queue;
    struct vspace *loaded; /* whose page tables are loaded; NULL: the kernel's; atomic */
    u64 loaded_tlb_generation;
    u64 switched_at; /* cycles at which current began to be billed */
    u64 picked_at;   /* cycles at which its activity was taken from the run queue */
    /* Unless `any` of it is set, a system call or fault goes straight back to its thread. */
    union cpu_attention attention;
    bool need_resched;
    bool entry_is_syscall;  /* how the current kernel entry began */
    struct thread *recheck; /* blocked in this kernel entry although it had been killed */
    struct thread *entered; /* whose vector state and segment bases are in the registers */

    u64 timer_next_ns; /* first deadline of its timer queue; atomic: this CPU reads without the lock
                        */
    u64 timer_set_ns;  /* what the timer was set to when all that wants it was looked at */
    struct list jobs;  /* long work that waits for its next slice (group/reaper.h) */

    /* Requests from other CPUs: any CPU pushes (sched/mailbox.h). */
    struct mail *mailbox;
    u32 idle; /* 1: waiting for an interrupt, counts as quiescent */

    /* Grace periods (core/grace.h). */
    u64 grace_seen;
    struct grace_node *grace_next;    /* waiting for the next period to begin; this CPU only */
    struct grace_node *grace_waiting; /* waiting for period grace_target */
    u64 grace_target;
    u64 grace_nudge_ns; /* when to ask others to pass; TIME_NEVER: not armed */

    /* Caches: this CPU only. */
    u64 frame_cache[FRAME_CACHE_SIZE]; /* numbers of free frames (mm/frame.c) */
    u64 zero_cache[ZERO_CACHE_SIZE];   /* the same, of frames known to be zero */
    u32 frame_cache_count;
    u32 zero_cache_count;
    u64 frames_by_use[4]; /* allocated less freed on this CPU, modulo 2^64; by enum frame_use */
    struct trace_ring *trace_ring;   /* of the root domain */
    struct trace_event *trace_next;  /* in it: where the next event goes */
    struct trace_event *trace_first; /* its events: from here, */
    struct trace_event *trace_end;   /* to here */
    u64 trace_stamp_cycles;          /* when trace_stamp_ns was the time */
    u64 trace_stamp_ns;
    u64 trace_cycle_factor; /* ns per cycle, 32.32 */
    u64 trace_calls_since;  /* clock: since when calls are recorded; TIME_NEVER: they are not;
                               others write it */
    struct trace_metrics
        *metrics;   /* in its page; before there is one, in a place that nobody reads */
    u32 trace_mask; /* categories that are on; others write it */
    struct trace_context *trace_context; /* what events are stamped with; NULL: nobody */

    struct random random; /* for secrets of handles */

    /* Counters: this CPU writes. */
    u64 idle_since_ns;
    u64 idle_ns;
    u32 syscall_number; /* being handled; for events */

    /* Debug: locks held, in order. */
    const struct spinlock *held[CPU_MAX_HELD_LOCKS];
    u32 held_count;
} ALIGNED(CACHE_LINE);

/* All CPUs there are, by index; set up before the first is bound. */
struct cpu *cpu_at(u32 index);
u32 cpu_count(void);
/* Boot: makes room for `count` CPUs in static or early memory. */
void cpu_table_init(const struct boot_info *boot);

static inline struct cpu *this_cpu(void)
{
    return arch_this_cpu();
}

#endif
