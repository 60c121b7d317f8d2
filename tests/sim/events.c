/*
 * What the events of a random run say, held against the kernel whenever all CPUs are outside it:
 *
 *   every refusal that the kernel counts has one event, with its status;
 *   who waits for an answer is who began a call or a fault by events and has not had its end: calls
 *   that are one event (IPC_ROUND) come to their end in it, and are waited for without one;
 *   no word is the address of something in the kernel's memory.
 *
 * Events of one moment on two CPUs are written in either order, so these are sums, not sequences.
 */
#include "simulator.h"

#include "arch/memory.h"
#include "core/cpu.h"
#include "ipc/call_events.h"
#include "trace/trace.h"
#include "view.h"

#include <string.h>

#define IDS_MAX (1u << 16) /* of threads that are followed */

static struct {
    u64 heads[SIM_MAX_CPUS];
    u64 since; /* calls are recorded */
    u64 refused[CAP_STATUS_LIMIT];
    i32 open[IDS_MAX]; /* begun less ended, by thread */
} seen;

static bool is_waiting_by_event(const struct thread *thread)
{
    if (!thread->wait_lock)
        return false;
    u32 kind = thread->wait_ops->kind;
    bool waits = kind == THREAD_STATE_CALLING || (kind == THREAD_STATE_SENDING && thread->calling);
    return waits && !call_is_noted(cpu_at(0), thread);
}

/* Calls are followed from here on: who waits now is taken from the kernel. */
static void begin_anew(void)
{
    seen.since = cpu_at(0)->trace_calls_since;
    memset(seen.open, 0, sizeof(seen.open));
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        if (thread->object.id < IDS_MAX)
            seen.open[thread->object.id] = is_waiting_by_event(thread);
    }
}

static void count(u64 thread, i32 by)
{
    if (thread < IDS_MAX)
        seen.open[thread] += by;
}

/* The first byte's address is a power of two, as many numbers of random programs are: it may be one
 * of theirs, and no object lies there. */
static void check_words(const struct trace_event *event)
{
    u64 start = (u64)(uintptr_t)arch_phys_to_virt(paddr(0));
    const u64 words[] = {event->trace,    event->span,     event->words[0],
                         event->words[1], event->words[2], event->words[3]};
    for (u32 i = 0; i < ARRAY_SIZE(words); i++)
        EXPECT("events_hold_no_address", words[i] - start - 1 >= SIM_MEMORY_BYTES - 1,
               "%s: word %u is %#llx", trace_event_name(event->type), i,
               (unsigned long long)words[i]);
}

static void look_at(const struct trace_event *event)
{
    if (event->type != TRACE_USER)
        check_words(event);
    switch (event->type) {
    case TRACE_CAP_DENIED:
        if (event->words[0] < CAP_STATUS_LIMIT)
            seen.refused[event->words[0]]++;
        break;
    case TRACE_IPC_CALL:
        count(event->thread, 1);
        break;
    case TRACE_THREAD_FAULT:
        count(event->thread, (i32)event->words[3]);
        break;
    case TRACE_IPC_REPLY:
        count(event->words[0], -1);
        break;
    default:
        break;
    }
}

/* Reads what is new; false: some had been overwritten. */
static bool read_rings(void)
{
    bool all = true;
    for (u32 i = 0; i < cpu_count(); i++) {
        const struct cpu *cpu = cpu_at(i);
        u64 capacity = cpu->trace_ring->capacity;
        u64 head = cpu->trace_ring->head;
        all &= head - seen.heads[i] <= capacity;
        for (u64 at = all ? seen.heads[i] : head; at < head; at++)
            look_at(&cpu->trace_first[at & (capacity - 1)]);
        seen.heads[i] = head;
    }
    return all;
}

static void take_refusals(void)
{
    for (u32 i = 0; i < CAP_STATUS_LIMIT; i++)
        seen.refused[i] = cap_denials((enum status)i);
}

static void check_refusals(void)
{
    for (u32 i = 0; i < CAP_STATUS_LIMIT; i++)
        EXPECT("refusals_have_events", seen.refused[i] == cap_denials((enum status)i),
               "status %u: %llu counted, %llu told", i,
               (unsigned long long)cap_denials((enum status)i),
               (unsigned long long)seen.refused[i]);
}

static void check_calls(void)
{
    static i32 waiting[IDS_MAX];
    memset(waiting, 0, sizeof(waiting));
    for (u32 i = 0; i < view()->thread_count; i++) {
        const struct thread *thread = view()->threads[i];
        if (thread->object.id < IDS_MAX)
            waiting[thread->object.id] = is_waiting_by_event(thread);
    }
    for (u32 id = 0; id < IDS_MAX; id++)
        EXPECT("calls_begin_and_end_in_events", waiting[id] == seen.open[id],
               "thread %u: waits %d, by its events %d", id, waiting[id], seen.open[id]);
}

void events_reset(bool calls)
{
    memset(&seen, 0, sizeof(seen));
    if (calls)
        trace_root_set_categories((1u << TRACE_CATEGORY_COUNT) - 1);
    view_take();
    (void)read_rings();
    take_refusals();
    begin_anew();
}

void events_check(void)
{
    bool all = read_rings();
    view_take();
    if (!all)
        take_refusals();
    else
        check_refusals();
    bool followed = all && seen.since == cpu_at(0)->trace_calls_since;
    if (followed && seen.since != TIME_NEVER)
        check_calls();
    else
        begin_anew();
}
