/* See ferrous/trace_stream.h. A frame is put together in memory of its own and then copied into the
 * buffer, so that one for which there is no room leaves no trace. */
#include "ferrous/trace_stream.h"

#include "lib/format.h"
#include "lib/string.h"

#define EVENTS_PER_FRAME 256u
#define EVENT_LIMIT      96u /* bytes of a packed event at most */
#define WORDS            4u

/* One frame at a time; recorders use these from one thread. */
struct frame {
    u32 used;
    bool overrun;
    u8 bytes[STREAM_FRAME_LIMIT];
};

static struct frame frame;

#define TABLE_EVENT(number, name, category, a, b, c, d) {number, #name " " #category, {a, b, c, d}},

static const struct {
    u32 number;
    const char *name;
    const char *words[WORDS];
} events_table[] = {
#define TRACE_EVENT TABLE_EVENT
#include "abi/trace_events.def"
#undef TRACE_EVENT
};

static const struct {
    const char *kind;
    u32 number;
    const char *name;
} metrics_table[] = {
#define METRIC(number, name, unit, what)    {"counter", number, #name " " unit},
#define HISTOGRAM(number, name, unit, what) {"histogram", number, #name " " unit},
#include "abi/metrics.def"
#undef METRIC
#undef HISTOGRAM
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void begin(void)
{
    frame.used = 0;
    frame.overrun = false;
}

static void put_byte(u8 byte)
{
    if (frame.used < sizeof(frame.bytes))
        frame.bytes[frame.used++] = byte;
    else
        frame.overrun = true;
}

static void put(u64 value)
{
    while (value >= 0x80) {
        put_byte((u8)(value | 0x80));
        value >>= 7;
    }
    put_byte((u8)value);
}

static void put_text(const char *text)
{
    size_t size = strlen(text);

    put(size);
    for (size_t i = 0; i < size; i++)
        put_byte((u8)text[i]);
}

static u32 checksum(const u8 *bytes, size_t size)
{
    u32 sum = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (u32 bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (0xedb88320u & -(sum & 1));
    }
    return ~sum;
}

static void append(struct stream_buffer *buffer, const void *from, size_t size)
{
    const u8 *bytes = from;

    while (size > 0) {
        u64 at = buffer->written & (buffer->size - 1);
        u64 part = buffer->size - at < size ? buffer->size - at : size;

        memcpy(buffer->bytes + at, bytes, part);
        buffer->written += part;
        bytes += part;
        size -= part;
    }
}

static bool end(struct stream_buffer *buffer, enum stream_kind kind)
{
    struct stream_frame head = {.magic = STREAM_MAGIC, .kind = (u16)kind, .size = frame.used};

    if (frame.overrun ||
        buffer->size - (buffer->written - buffer->taken) < frame.used + sizeof(head))
        return false;
    head.checksum = checksum(frame.bytes, frame.used);
    append(buffer, &head, sizeof(head));
    append(buffer, frame.bytes, frame.used);
    return true;
}

size_t stream_take(struct stream_buffer *buffer, u8 *bytes, size_t size)
{
    u64 there = buffer->written - buffer->taken;
    size_t count = there < size ? (size_t)there : size;

    for (size_t i = 0; i < count; i++)
        bytes[i] = buffer->bytes[(buffer->taken + i) & (buffer->size - 1)];
    buffer->taken += count;
    return count;
}

static void put_tables(void)
{
    char line[160];

    for (size_t i = 0; i < COUNT_OF(events_table); i++) {
        size_t used = format_to(line, sizeof(line), "event %u %s", events_table[i].number,
                                events_table[i].name);

        for (u32 word = 0; word < WORDS; word++) {
            const char *name = events_table[i].words[word];

            used += format_to(line + used, sizeof(line) - used, " %s", *name ? name : "-");
        }
        for (size_t at = 0; at < used; at++)
            put_byte((u8)line[at]);
        put_byte('\n');
    }
    for (size_t i = 0; i < COUNT_OF(metrics_table); i++) {
        size_t used = format_to(line, sizeof(line), "%s %u %s\n", metrics_table[i].kind,
                                metrics_table[i].number, metrics_table[i].name);

        for (size_t at = 0; at < used; at++)
            put_byte((u8)line[at]);
    }
}

/* FNV-1a, 64 bits. */
static u64 tables_hash(void)
{
    u64 hash = 0xcbf29ce484222325ull;

    begin();
    put_tables();
    for (u32 i = 0; i < frame.used; i++)
        hash = (hash ^ frame.bytes[i]) * 0x100000001b3ull;
    return hash;
}

bool stream_put_header(struct stream_buffer *buffer, const struct trace_header *header, u64 time_ns,
                       u64 mode)
{
    u64 hash = tables_hash();

    begin();
    put(STREAM_VERSION);
    put(header->boot_id);
    put(header->cpu_count);
    put(header->capacity);
    put(header->categories);
    put(time_ns);
    put(hash);
    put(mode);
    return end(buffer, STREAM_HEADER);
}

bool stream_put_tables(struct stream_buffer *buffer)
{
    begin();
    put_tables();
    return end(buffer, STREAM_TABLES);
}

static const struct trace_ring *ring_of(const struct trace_view *view, u32 cpu)
{
    const struct trace_header *header = view->header;

    return (const void *)((const u8 *)header + header->ring_offset + cpu * header->ring_stride);
}

static u64 head_of(const struct trace_ring *ring)
{
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
}

bool stream_put_metrics(struct stream_buffer *buffer, const struct trace_view *view, u32 cpu,
                        u64 time_ns)
{
    struct trace_metrics metrics = ring_of(view, cpu)->metrics;
    u64 count = 0;

    begin();
    put(time_ns);
    put(cpu);
    for (u32 i = 0; i < TRACE_METRIC_LIMIT; i++)
        count += metrics.counters[i] != 0;
    put(count);
    for (u32 i = 0; i < TRACE_METRIC_LIMIT; i++) {
        if (metrics.counters[i] != 0) {
            put(i);
            put(metrics.counters[i]);
        }
    }
    count = 0;
    for (u32 i = 0; i < TRACE_HISTOGRAM_LIMIT * TRACE_BUCKETS; i++)
        count += metrics.histograms[i / TRACE_BUCKETS][i % TRACE_BUCKETS] != 0;
    put(count);
    for (u32 i = 0; i < TRACE_HISTOGRAM_LIMIT * TRACE_BUCKETS; i++) {
        u64 value = metrics.histograms[i / TRACE_BUCKETS][i % TRACE_BUCKETS];

        if (value != 0) {
            put(i / TRACE_BUCKETS);
            put(i % TRACE_BUCKETS);
            put(value);
        }
    }
    return end(buffer, STREAM_METRICS);
}

bool stream_put_processes(struct stream_buffer *buffer, const struct process_entry *entries,
                          u32 count, u64 time_ns)
{
    begin();
    put(time_ns);
    put(count);
    for (u32 i = 0; i < count; i++) {
        put(entries[i].id);
        put(entries[i].parent_id);
        put_text(entries[i].name);
        put(entries[i].thread_count);
        put(entries[i].memory_bytes);
        put(entries[i].cpu_ns);
    }
    return end(buffer, STREAM_PROCESSES);
}

bool stream_put_trailer(struct stream_buffer *buffer, const struct stream_position *positions,
                        u32 cpus, u64 time_ns)
{
    begin();
    put(time_ns);
    put(cpus);
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        put(positions[cpu].events);
        put(positions[cpu].lost);
        put(positions[cpu].omitted);
    }
    return end(buffer, STREAM_TRAILER);
}

void stream_position_set(struct stream_position *position, const struct trace_view *view, u32 cpu,
                         bool oldest)
{
    const struct trace_ring *ring = ring_of(view, cpu);
    u64 head = head_of(ring);
    u64 kept = head < ring->capacity ? head : ring->capacity - 1;

    *position = (struct stream_position){.next = oldest ? head - kept : head};
}

static bool is_own(const struct trace_event *event, u64 own)
{
    return event->thread == own &&
           (event->type == TRACE_SYSCALL_EXIT || event->type == TRACE_SYSCALL_BLOCK ||
            event->type == TRACE_PORT_ACCESS);
}

/* What is packed relative to the event before. */
struct previous {
    u64 time_ns;
    u64 trace;
};

static void put_event(const struct trace_event *event, struct previous *previous)
{
    i64 passed = (i64)(event->time_ns - previous->time_ns);
    u8 tag = STREAM_TRACE_NEW;

    if (event->trace == previous->trace)
        tag = STREAM_TRACE_SAME;
    else if (event->trace == 0)
        tag = STREAM_TRACE_NONE;
    for (u32 i = 0; i < WORDS; i++)
        tag |= (u8)((event->words[i] != 0) << (2 + i));
    put(event->type);
    put_byte(tag);
    put((u64)passed << 1 ^ (u64)(passed >> 63));
    put(event->thread);
    for (u32 i = 0; (tag & 3u) == STREAM_TRACE_NEW && i < 8; i++)
        put_byte((u8)(event->trace >> 8 * i));
    put(event->span);
    for (u32 i = 0; i < WORDS; i++) {
        if (event->words[i] != 0)
            put(event->words[i]);
    }
    *previous = (struct previous){event->time_ns, event->trace};
}

/* Past what the kernel has overwritten. The slot after head - capacity may be half-way. */
static void skip_lost(struct stream_position *position, const struct trace_ring *ring, u64 head)
{
    if (head - position->next < ring->capacity)
        return;
    u64 lost = head - ring->capacity + 1 - position->next;

    position->next += lost;
    position->lost += lost;
    position->lost_before += lost;
}

/* Copies events that follow one another; how many. */
static u32 copy_events(const struct trace_ring *ring, const struct stream_position *position,
                       u64 head, struct trace_event *events)
{
    const struct trace_event *slots = (const void *)((const u8 *)ring + PAGE_SIZE);
    u64 count = head - position->next < EVENTS_PER_FRAME ? head - position->next : EVENTS_PER_FRAME;

    for (u32 i = 0; i < count; i++)
        events[i] = slots[(position->next + i) & (ring->capacity - 1)];
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return (u32)count;
}

bool stream_put_events(struct stream_buffer *buffer, const struct trace_view *view, u32 cpu,
                       struct stream_position *position, u64 own, bool *more)
{
    static struct trace_event events[EVENTS_PER_FRAME];
    const struct trace_ring *ring = ring_of(view, cpu);
    u64 head = head_of(ring);
    struct stream_position next = *position;
    struct previous previous = {0};
    u32 count, own_count = 0;

    skip_lost(&next, ring, head);
    count = copy_events(ring, &next, head, events);
    /* If the oldest of them was overwritten while it was copied, so may others have been. */
    if (head_of(ring) - next.next >= ring->capacity) {
        *more = true;
        return true;
    }
    *more = head - next.next > count;
    if (count == 0)
        return true;
    for (u32 i = 0; i < count; i++)
        own_count += is_own(&events[i], own);
    next.next += count;
    next.events += count - own_count;
    next.omitted += own_count;
    next.omitted_before += own_count;
    if (own_count == count) {
        *position = next;
        return true;
    }
    begin();
    put(cpu);
    put(next.next);
    put(next.lost_before);
    put(next.omitted_before);
    put(count - own_count);
    for (u32 i = 0; i < count; i++) {
        if (!is_own(&events[i], own))
            put_event(&events[i], &previous);
    }
    if (!end(buffer, STREAM_EVENTS))
        return false;
    next.lost_before = 0;
    next.omitted_before = 0;
    *position = next;
    return true;
}
