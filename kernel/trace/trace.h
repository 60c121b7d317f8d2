/*
 * Events: 64-byte records in per-CPU rings that observers map read-only (abi/trace.h).
 *
 * A ring is written by its CPU alone, with interrupts off, so writing is wait-free: fill the slot,
 * then advance head. Which categories are on is one mask per CPU, so that a category that is off
 * costs one test and, with FERROUS_TRACE undefined at build time, nothing.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "abi/trace.h"
#include "arch/time.h"
#include "arch/types.h"
#include "core/cpu.h"

#define TRACE_EVENTS_PER_PAGE (PAGE_SIZE / sizeof(struct trace_event))
#define TRACE_SECURITY_MASK   (1u << TRACE_CATEGORY_SECURITY)

/* What the shortest ways through the kernel record: when any of it is on, cpu.attention.trace is
 * set, and they are taken in a form that does. */
#define TRACE_OF_CALLS                                                                             \
    (1u << TRACE_CATEGORY_SYSCALL | 1u << TRACE_CATEGORY_SCHED | 1u << TRACE_CATEGORY_IPC)

/* What a thread's events are stamped with; the running thread's is its CPU's trace_context. */
struct trace_context {
    u32 thread;
    u64 trace;
    u64 span;
};

/* Writes one event to this CPU's ring, in which there is one: some category is on. */
void trace_write(enum trace_event_type type, u64 a, u64 b, u64 c, u64 d);

#define TRACE_STAMP_CYCLES (1u << 20) /* for which a CPU's stamp is good */

/* The clock, by cycles since a reading of it that is at most TRACE_STAMP_CYCLES old: the clock
 * itself may be a device. Never less than in the CPU's events before. */
__attribute__((preserve_most)) void trace_stamp(struct cpu *cpu);
static inline u64 trace_now(struct cpu *cpu)
{
    u64 passed = arch_cycles() - cpu->trace_stamp_cycles;
    if (unlikely(passed >= TRACE_STAMP_CYCLES)) {
        trace_stamp(cpu); /* returns nothing: it preserves the register that would hold it */
        return cpu->trace_stamp_ns;
    }
    return cpu->trace_stamp_ns + (passed * cpu->trace_cycle_factor >> 32);
}

/* The same in the name of `who`, at a time that may be past. In line, for the shortest ways. */
static inline void trace_put(struct cpu *cpu, const struct trace_context *who, u64 time_ns,
                             enum trace_event_type type, u64 a, u64 b, u64 c, u64 d)
{
    struct trace_event *event = cpu->trace_next;
    event->time_ns = time_ns;
    event->type = (u16)type;
    event->cpu = (u16)cpu->index;
    event->thread = who->thread;
    event->trace = who->trace;
    event->span = who->span;
    event->words[0] = a;
    event->words[1] = b;
    event->words[2] = c;
    event->words[3] = d;
    event++;
    cpu->trace_next = likely(event != cpu->trace_end) ? event : cpu->trace_first;
    u64 *head = &cpu->trace_ring->head; /* written here alone: one instruction on most machines */
    __atomic_store_n(head, __atomic_load_n(head, __ATOMIC_RELAXED) + 1, __ATOMIC_RELEASE);
}

/* Its name in abi/trace_events.def; "?" if there is no such event. */
const char *trace_event_name(enum trace_event_type type);

/* Is the category of event `name` on? For what is computed only for the event. */
#ifdef FERROUS_TRACE
#define TRACE_BUILT       true
#define TRACE_IS_ON(name) (this_cpu()->trace_mask & (1u << TRACE_OF_##name))
#define TRACE(name, a, b, c, d)                                                                    \
    do {                                                                                           \
        if (unlikely(TRACE_IS_ON(name)))                                                           \
            trace_write(TRACE_##name, (u64)(a), (u64)(b), (u64)(c), (u64)(d));                     \
    } while (0)
#else
#define TRACE_BUILT             false
#define TRACE_IS_ON(name)       false
#define TRACE(name, a, b, c, d) ((void)sizeof(a), (void)sizeof(b), (void)sizeof(c), (void)sizeof(d))
#endif

/* Counts one more of METRIC_<name> on this CPU, `cpu`. */
#define COUNT(cpu, name) ((cpu)->metrics->counters[METRIC_##name]++)

/* Adds a value to a histogram of this CPU. */
static inline void trace_measure(struct cpu *cpu, enum trace_histogram histogram, u64 value)
{
    u32 bucket = 63u - (u32)__builtin_clzll(value | 1);
    cpu->metrics->histograms[histogram][bucket]++;
}

/* TRACE_OF_<name>: the category of each event, as a constant. */
enum {
#define TRACE_EVENT(number, name, category, a, b, c, d) TRACE_OF_##name = TRACE_CATEGORY_##category,
#include "abi/trace_events.def"
#undef TRACE_EVENT
};

/* Bytes that a domain with `capacity` events per CPU needs, and its set-up in zeroed memory at
 * `base`. */
u64 trace_domain_size_bytes(u32 capacity, u32 cpus);
void trace_domain_format(void *base, u32 capacity, u32 cpus, u64 boot_id);

/* Makes `base` the domain that all CPUs write to, with these categories. Once, at boot. */
void trace_root_start(void *base, u32 categories);
/* The security category stays on. */
void trace_root_set_categories(u32 categories);

/* Nobody runs here: what events are stamped with until somebody does. */
void trace_forget_context(struct cpu *cpu);

/* The newest `limit` events of all CPUs as text, newest first: for a panic. */
void trace_print_last(u32 limit, void (*line)(const char *text));

#endif
