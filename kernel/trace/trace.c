/* The root trace domain: layout, writing, and the last events for a panic. */
#include "trace/trace.h"

#include "arch/time.h"
#include "core/assert.h"
#include "lib/format.h"
#include "lib/string.h"

KERNEL_STATE static struct trace_header *root;
KERNEL_STATE static u32 root_categories;
KERNEL_STATE static u64 calls_off_ns; /* when calls were last switched off */

static const char *const event_names[] = {
#define TRACE_EVENT(number, name, category, a, b, c, d) [number] = #name,
#include "abi/trace_events.def"
#undef TRACE_EVENT
};

const char *trace_event_name(enum trace_event_type type)
{
    if (type >= ARRAY_SIZE(event_names) || !event_names[type])
        return "?";
    return event_names[type];
}

static u64 ring_stride(u32 capacity)
{
    return PAGE_SIZE + (u64)capacity * sizeof(struct trace_event);
}

u64 trace_domain_size_bytes(u32 capacity, u32 cpus)
{
    return PAGE_SIZE + ring_stride(capacity) * cpus;
}

static struct trace_ring *ring_at(struct trace_header *header, u32 cpu)
{
    return (void *)((char *)header + header->ring_offset + header->ring_stride * cpu);
}

static struct trace_event *ring_events(struct trace_ring *ring)
{
    return (void *)((char *)ring + PAGE_SIZE);
}

void trace_domain_format(void *base, u32 capacity, u32 cpus, u64 boot_id)
{
    ASSERT(capacity >= TRACE_EVENTS_PER_PAGE && (capacity & (capacity - 1)) == 0);
    struct trace_header *header = base;
    *header = (struct trace_header){
        .version = TRACE_VERSION,
        .cpu_count = cpus,
        .ring_stride = ring_stride(capacity),
        .ring_offset = PAGE_SIZE,
        .capacity = capacity,
        .boot_id = boot_id,
    };
    for (u32 i = 0; i < cpus; i++)
        *ring_at(header, i) = (struct trace_ring){.capacity = capacity};
}

void trace_root_start(void *base, u32 categories)
{
    root = base;
    for (u32 i = 0; i < cpu_count(); i++) {
        struct cpu *cpu = cpu_at(i);
        cpu->trace_ring = ring_at(root, i);
        cpu->trace_first = ring_events(cpu->trace_ring);
        cpu->trace_end = cpu->trace_first + cpu->trace_ring->capacity;
        cpu->trace_next = cpu->trace_first;
        cpu->metrics = &cpu->trace_ring->metrics;
        cpu->trace_calls_since = TIME_NEVER;
        cpu->trace_cycle_factor = arch_cycle_factor();
        trace_forget_context(cpu);
    }
    trace_root_set_categories(categories);
}

/* Calls are recorded from now on, or no more. One that began before they were switched off, and
 * ends after they are on again, is told apart by a time in between: the stamps of CPUs differ a
 * little. */
static void switch_calls(bool on)
{
    u64 now = arch_clock_ns();
    for (u32 i = 0; i < cpu_count(); i++)
        ATOMIC_STORE_RELAXED(&cpu_at(i)->trace_calls_since,
                             on ? calls_off_ns + (now - calls_off_ns) / 2 : TIME_NEVER);
    if (!on)
        calls_off_ns = now;
}

void trace_root_set_categories(u32 categories)
{
    const u32 ipc = 1u << TRACE_CATEGORY_IPC;
    u32 before = root_categories;
    root_categories = categories | TRACE_SECURITY_MASK;
    root->categories = root_categories;
    if ((root_categories ^ before) & ipc)
        switch_calls(root_categories & ipc);
    for (u32 i = 0; i < cpu_count(); i++) {
        struct cpu *cpu = cpu_at(i);
        ATOMIC_STORE_RELAXED(&cpu->trace_mask, root_categories);
        ATOMIC_STORE_RELAXED(&cpu->attention.trace, root_categories & TRACE_OF_CALLS);
    }
}

KERNEL_STATE static struct trace_context nobody; /* stays zero */

void trace_forget_context(struct cpu *cpu)
{
    cpu->trace_context = &nobody;
}

__attribute__((preserve_most)) void trace_stamp(struct cpu *cpu)
{
    const struct trace_event *last =
        (cpu->trace_next == cpu->trace_first ? cpu->trace_end : cpu->trace_next) - 1;
    u64 now = arch_clock_ns();
    cpu->trace_stamp_cycles = arch_cycles();
    cpu->trace_stamp_ns = now > last->time_ns ? now : last->time_ns;
}

void trace_write(enum trace_event_type type, u64 a, u64 b, u64 c, u64 d)
{
    struct cpu *cpu = this_cpu();
    trace_put(cpu, cpu->trace_context, trace_now(cpu), type, a, b, c, d);
}

/* The `back`th newest event of a CPU, 0 being the newest; NULL if there is none. */
static const struct trace_event *newest(u32 cpu, u64 back)
{
    struct trace_ring *ring = cpu_at(cpu)->trace_ring;
    if (!ring || back >= ring->head || back >= ring->capacity)
        return NULL;
    return &ring_events(ring)[(ring->head - 1 - back) & (ring->capacity - 1)];
}

void trace_print_last(u32 limit, void (*line)(const char *text))
{
    /* A merge of the rings by time, backwards. */
    u64 position[CPU_MAX] = {0};
    for (u32 n = 0; n < limit; n++) {
        u32 best = CPU_MAX;
        for (u32 i = 0; i < cpu_count(); i++) {
            const struct trace_event *event = newest(i, position[i]);
            if (event &&
                (best == CPU_MAX || event->time_ns > newest(best, position[best])->time_ns))
                best = i;
        }
        if (best == CPU_MAX)
            break;
        const struct trace_event *event = newest(best, position[best]++);
        char text[160];
        format_to(text, sizeof(text), "  %lu us cpu %u thread %u %s %lx %lx %lx %lx",
                  event->time_ns / 1000, event->cpu, event->thread, trace_event_name(event->type),
                  event->words[0], event->words[1], event->words[2], event->words[3]);
        line(text);
    }
}
