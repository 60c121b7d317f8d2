/* See ferrous/trace.h. A ring's head is read before and after an event is copied: what the CPU may
 * have overwritten in between is dropped. */
#include "ferrous/trace.h"

#include "abi/syscalls.h"
#include "ferrous/calls.h"
#include "lib/format.h"
#include "lib/string.h"

#define WORDS           4u
#define DECIMAL_LIMIT   10000000u
#define INTERFACE_SHIFT 16

struct event_names {
    u16 type;
    const char *name;
    const char *words[WORDS];
};

static const struct event_names event_names[] = {
#define TRACE_EVENT(number, name, category, a, b, c, d) {number, #name, {a, b, c, d}},
#include "abi/trace_events.def"
#undef TRACE_EVENT
};

static const char *const category_names[TRACE_CATEGORY_COUNT] = {
    [TRACE_CATEGORY_SYSCALL] = "syscall",   [TRACE_CATEGORY_SCHED] = "sched",
    [TRACE_CATEGORY_IPC] = "ipc",           [TRACE_CATEGORY_MEMORY] = "memory",
    [TRACE_CATEGORY_SECURITY] = "security", [TRACE_CATEGORY_DEVICE] = "device",
    [TRACE_CATEGORY_BOOT] = "boot",         [TRACE_CATEGORY_USER] = "user",
};

enum status trace_view_open(trace_domain_t domain, struct trace_view *view)
{
    struct cap_facts facts;
    memory_t memory;
    u64 address = 0;
    enum status status = trace_domain_control(domain, TRACE_GET_MEMORY, 0, &memory.cap.bits);

    if (status != STATUS_OK)
        return status;
    status = cap_inspect(memory.cap, &facts);
    if (status == STATUS_OK)
        status = memory_map(memory, 0, facts.range_length, MAP_READ, &address);
    (void)cap_close(memory.cap);
    if (status != STATUS_OK)
        return status;
    *view =
        (struct trace_view){(const struct trace_header *)(uintptr_t)address, facts.range_length};
    if (view->header->version == TRACE_VERSION)
        return STATUS_OK;
    trace_view_close(view);
    return STATUS_NOT_SUPPORTED;
}

void trace_view_close(struct trace_view *view)
{
    (void)!memory_unmap((u64)(uintptr_t)view->header, view->size);
    *view = (struct trace_view){0};
}

/* Puts an event among those that are sorted by time; without room the oldest goes. */
static u32 insert(struct trace_event *events, u32 count, u32 max, const struct trace_event *event)
{
    u32 at = count;

    while (at > 0 && events[at - 1].time_ns > event->time_ns)
        at--;
    if (count < max) {
        memmove(&events[at + 1], &events[at], (count - at) * sizeof(*event));
        events[at] = *event;
        return count + 1;
    }
    if (at > 0) {
        memmove(&events[0], &events[1], (at - 1) * sizeof(*event));
        events[at - 1] = *event;
    }
    return count;
}

static const struct trace_ring *ring_of(const struct trace_view *view, u64 cpu)
{
    const struct trace_header *header = view->header;

    return (const void *)((const u8 *)header + header->ring_offset + cpu * header->ring_stride);
}

/* Copies event number `number`; false: it may have been overwritten meanwhile. */
static bool copy_event(const struct trace_ring *ring, u64 number, struct trace_event *event)
{
    const struct trace_event *slots = (const void *)((const u8 *)ring + PAGE_SIZE);

    *event = slots[number & (ring->capacity - 1)];
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&ring->head, __ATOMIC_RELAXED) - number < ring->capacity;
}

u32 trace_view_last(const struct trace_view *view, struct trace_event *events, u32 max)
{
    const struct trace_header *header = view->header;
    u32 found = 0;

    for (u64 cpu = 0; cpu < header->cpu_count; cpu++) {
        const struct trace_ring *ring = ring_of(view, cpu);
        u64 head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
        u64 count = head < ring->capacity ? head : ring->capacity;

        for (u64 i = head - (count < max ? count : max); i < head; i++) {
            struct trace_event event;

            if (copy_event(ring, i, &event))
                found = insert(events, found, max, &event);
        }
    }
    return found;
}

static u32 cpus_of(const struct trace_view *view)
{
    return view->header->cpu_count < TRACE_READER_CPUS ? view->header->cpu_count
                                                       : TRACE_READER_CPUS;
}

/* The first event that is surely whole: the slot after the newest may be being written. */
static u64 oldest_of(const struct trace_ring *ring, u64 head)
{
    return head < ring->capacity ? 0 : head - ring->capacity + 1;
}

void trace_reader_begin(struct trace_reader *reader, const struct trace_view *view, bool oldest)
{
    *reader = (struct trace_reader){0};
    for (u32 cpu = 0; cpu < cpus_of(view); cpu++) {
        const struct trace_ring *ring = ring_of(view, cpu);
        u64 head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

        reader->next[cpu] = oldest ? oldest_of(ring, head) : head;
    }
}

/* From one ring; what was overwritten is counted as lost. */
static u32 take_from(struct trace_reader *reader, const struct trace_ring *ring, u32 cpu,
                     struct trace_event *events, u32 count, u32 max)
{
    u64 head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    u64 next = reader->next[cpu];

    if (next < oldest_of(ring, head)) {
        reader->lost += oldest_of(ring, head) - next;
        next = oldest_of(ring, head);
    }
    for (; next < head && count < max; next++) {
        struct trace_event event;

        if (copy_event(ring, next, &event))
            count = insert(events, count, max, &event);
        else
            reader->lost++;
    }
    reader->next[cpu] = next;
    return count;
}

u32 trace_reader_take(struct trace_reader *reader, const struct trace_view *view,
                      struct trace_event *events, u32 max)
{
    u32 cpus = cpus_of(view);
    u32 share = max / cpus;
    u32 count = 0;

    for (u32 cpu = 0; cpu < cpus; cpu++)
        count = take_from(reader, ring_of(view, cpu), cpu, events, count, (cpu + 1) * share);
    return count;
}

const struct trace_metrics *trace_view_metrics(const struct trace_view *view, u32 cpu)
{
    return &ring_of(view, cpu)->metrics;
}

/* A label below the first interface is the status of a failure. */
static size_t format_label(char *text, size_t size, u64 label,
                           const struct interface_names *const *table)
{
    if (label >> INTERFACE_SHIFT == 0)
        return format_to(text, size, "(%s)", status_text((enum status)label));
    return label_format(text, size, table, (u32)label);
}

static size_t format_word(char *text, size_t size, const char *name, u64 value,
                          const struct interface_names *const *table)
{
    size_t used = format_to(text, size, " %s=", name);

    if (string_equal(name, "label") || string_equal(name, "answer"))
        return used + format_label(text + used, size - used, value, table);
    if (string_equal(name, "status") && value <= UINT32_MAX)
        return used + format_to(text + used, size - used, "(%s)", status_text((enum status)value));
    return used + format_to(text + used, size - used, value < DECIMAL_LIMIT ? "%llu" : "%#llx",
                            (unsigned long long)value);
}

/* One word, or the two halves of one. */
static size_t format_words(char *text, size_t size, const char *name, u64 value,
                           const struct interface_names *const *table)
{
    char high[32];
    size_t length = 0;
    size_t used;

    while (name[length] != '\0' && name[length] != ':')
        length++;
    if (name[length] == '\0' || length >= sizeof(high))
        return format_word(text, size, name, value, table);
    memcpy(high, name, length);
    high[length] = '\0';
    used = format_word(text, size, high, value >> 32, table);
    return used + format_word(text + used, size - used, &name[length + 1], (u32)value, table);
}

size_t trace_event_format(char *text, size_t size, const struct trace_event *event,
                          const struct interface_names *const *table)
{
    for (size_t i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++) {
        const struct event_names *names = &event_names[i];
        size_t used;

        if (names->type != event->type)
            continue;
        used = format_to(text, size, "%s", names->name);
        for (u32 word = 0; word < WORDS; word++) {
            if (names->words[word][0] != '\0')
                used += format_words(text + used, size - used, names->words[word],
                                     event->words[word], table);
        }
        return used;
    }
    return format_to(text, size, "event %u", event->type);
}

enum trace_category trace_category_find(const char *name)
{
    u32 category = 0;

    while (category < TRACE_CATEGORY_COUNT && !string_equal(category_names[category], name))
        category++;
    return (enum trace_category)category;
}
