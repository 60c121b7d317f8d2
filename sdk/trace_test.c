/* Events in words, and the newest of several rings, one of which is being written. */
#include "ferrous/trace.h"

#include "abi/message.h"
#include "unit.h"

#include "lib/string.h"

#define CPUS     2u
#define CAPACITY 8u
#define STRIDE   (2 * PAGE_SIZE)

/* The kernel: nothing here asks it. */
enum status ferrous_syscall(struct syscall_frame *frame)
{
    (void)frame;
    return STATUS_NOT_SUPPORTED;
}

static _Alignas(4096) u8 memory[PAGE_SIZE + CPUS * STRIDE];

static struct trace_ring *ring_of(u32 cpu)
{
    return (struct trace_ring *)(void *)(memory + PAGE_SIZE + cpu * STRIDE);
}

static struct trace_view set_up(void)
{
    struct trace_header *header = (struct trace_header *)(void *)memory;

    memset(memory, 0, sizeof(memory));
    *header = (struct trace_header){.version = TRACE_VERSION,
                                    .cpu_count = CPUS,
                                    .ring_stride = STRIDE,
                                    .ring_offset = PAGE_SIZE,
                                    .capacity = CAPACITY};
    for (u32 cpu = 0; cpu < CPUS; cpu++)
        ring_of(cpu)->capacity = CAPACITY;
    return (struct trace_view){header, sizeof(memory)};
}

static void record(u32 cpu, u64 time_ns)
{
    struct trace_ring *ring = ring_of(cpu);
    struct trace_event *slots = (void *)((u8 *)ring + PAGE_SIZE);

    slots[ring->head & (CAPACITY - 1)] =
        (struct trace_event){.time_ns = time_ns, .type = TRACE_USER, .cpu = (u16)cpu};
    ring->head++;
}

TEST(events_of_all_rings_come_in_the_order_of_time)
{
    struct trace_view view = set_up();
    struct trace_event events[10];

    record(0, 10);
    record(1, 5);
    record(0, 20);
    record(1, 15);
    REQUIRE(trace_view_last(&view, events, 10) == 4);
    for (u32 i = 0; i < 4; i++)
        EXPECT_EQ(events[i].time_ns, 5 * (i + 1));
    /* Fewer are wanted: the newest. */
    REQUIRE(trace_view_last(&view, events, 3) == 3);
    EXPECT_EQ(events[0].time_ns, 10);
    EXPECT_EQ(events[2].time_ns, 20);
    EXPECT_EQ(trace_view_last(&view, events, 0), 0);
}

TEST(overwritten_events_and_the_one_being_written_are_left_out)
{
    struct trace_view view = set_up();
    struct trace_event events[20];

    for (u64 time = 1; time <= 21; time++)
        record(0, time);
    REQUIRE(trace_view_last(&view, events, 20) == CAPACITY - 1);
    EXPECT_EQ(events[0].time_ns, 15);
    EXPECT_EQ(events[6].time_ns, 21);
}

TEST(a_reader_takes_each_event_once)
{
    struct trace_view view = set_up();
    struct trace_event events[4];
    struct trace_reader reader;

    record(0, 1);
    trace_reader_begin(&reader, &view, false);
    EXPECT_EQ(trace_reader_take(&reader, &view, events, 4), 0);
    for (u64 time = 10; time < 15; time++)
        record(0, time);
    record(1, 12);
    /* Two of each ring at a time, or more where another has fewer. */
    REQUIRE(trace_reader_take(&reader, &view, events, 4) == 3);
    EXPECT_EQ(events[0].time_ns, 10);
    EXPECT_EQ(events[2].time_ns, 12);
    REQUIRE(trace_reader_take(&reader, &view, events, 4) == 2);
    EXPECT_EQ(events[1].time_ns, 13);
    REQUIRE(trace_reader_take(&reader, &view, events, 4) == 1);
    EXPECT_EQ(events[0].time_ns, 14);
    EXPECT_EQ(trace_reader_take(&reader, &view, events, 4), 0);
    EXPECT_EQ(reader.lost, 0);
}

TEST(a_reader_counts_what_was_overwritten)
{
    struct trace_view view = set_up();
    struct trace_event events[2 * CAPACITY];
    struct trace_reader reader;

    trace_reader_begin(&reader, &view, false);
    for (u64 time = 1; time <= 20; time++)
        record(1, time);
    REQUIRE(trace_reader_take(&reader, &view, events, 2 * CAPACITY) == CAPACITY - 1);
    EXPECT_EQ(events[0].time_ns, 14);
    EXPECT_EQ(reader.lost, 13);
    /* One that begins with the oldest has lost nothing. */
    trace_reader_begin(&reader, &view, true);
    EXPECT_EQ(trace_reader_take(&reader, &view, events, 2 * CAPACITY), CAPACITY - 1);
    EXPECT_EQ(reader.lost, 0);
}

static const char *text_of(u16 type, u64 a, u64 b, u64 c)
{
    static char text[200];
    struct trace_event event = {.type = type, .words = {a, b, c}};

    (void)trace_event_format(text, sizeof(text), &event, ferrous_interfaces);
    return text;
}

TEST(labels_and_statuses_are_told_in_words)
{
    EXPECT_STR_EQ(text_of(TRACE_IPC_SEND, 3, MESSAGE_LABEL(1, 1), 2),
                  "IPC_SEND endpoint=3 label=console.write badge=2 receiver=0");
    EXPECT_STR_EQ(text_of(TRACE_IPC_REPLY, 3, MESSAGE_LABEL(2, 2), 0),
                  "IPC_REPLY to_thread=3 label=manager.result failed=0");
    EXPECT_STR_EQ(text_of(TRACE_IPC_REPLY, 3, STATUS_NO_METHOD, 0),
                  "IPC_REPLY to_thread=3 label=(server has no such method) failed=0");
    EXPECT_STR_EQ(text_of(TRACE_IPC_CALL, 3, MESSAGE_LABEL(77, 8), 0),
                  "IPC_CALL endpoint=3 label=#77.8 badge=0 server=0");
    EXPECT_STR_EQ(text_of(TRACE_IPC_ROUND, 7ull << 32 | 3,
                          (u64)MESSAGE_LABEL(2, 2) << 32 | MESSAGE_LABEL(1, 1), 2),
                  "IPC_ROUND server=7 endpoint=3 answer=manager.result label=console.write badge=2 "
                  "took_ns=0");
    EXPECT_STR_EQ(text_of(TRACE_IPC_FAILED, 3, STATUS_TIMED_OUT, 5),
                  "IPC_FAILED endpoint=3 status=(deadline passed) thread=5");
    EXPECT_STR_EQ(text_of(TRACE_MEMORY_UNMAP, 0x123456789000, 4096, 0),
                  "MEMORY_UNMAP address=0x123456789000 size=4096");
    EXPECT_STR_EQ(text_of(9999, 1, 2, 3), "event 9999");
}

TEST(texts_are_cut_to_their_room)
{
    struct trace_event event = {.type = TRACE_IPC_SEND, .words = {3, MESSAGE_LABEL(1, 1), 2, 0}};
    char text[64];

    for (size_t size = 1; size < sizeof(text); size++) {
        memset(text, 'x', sizeof(text));
        EXPECT_EQ(trace_event_format(text, size, &event, ferrous_interfaces), strlen(text));
        EXPECT_LT(strlen(text), size);
        EXPECT_EQ(text[size], 'x');
    }
}

TEST(categories_have_names)
{
    EXPECT_EQ(trace_category_find("ipc"), TRACE_CATEGORY_IPC);
    EXPECT_EQ(trace_category_find("user"), TRACE_CATEGORY_USER);
    EXPECT_EQ(trace_category_find("IPC"), TRACE_CATEGORY_COUNT);
}
