/* Recording rings as frames: what is lost and left out is counted, what finds no room changes
 * nothing. What is in the frames is read back on the host (tools/tracing/stream.py) by
 * tests/system/exports.py. */
#include "ferrous/trace_stream.h"

#include "lib/string.h"
#include "unit.h"

#define CAPACITY 512u
#define STRIDE   (PAGE_SIZE + CAPACITY * sizeof(struct trace_event))
#define SIZE     (1u << 16)
#define OWN      77u

/* The kernel: nothing here asks it. */
enum status ferrous_syscall(struct syscall_frame *frame)
{
    (void)frame;
    return STATUS_NOT_SUPPORTED;
}

static _Alignas(4096) u8 memory[PAGE_SIZE + STRIDE];
static u8 bytes[SIZE];
static u8 out[SIZE];

static struct trace_ring *const ring = (struct trace_ring *)(void *)(memory + PAGE_SIZE);

static struct trace_view set_up(void)
{
    struct trace_header *header = (struct trace_header *)(void *)memory;

    memset(memory, 0, sizeof(memory));
    *header = (struct trace_header){.version = TRACE_VERSION,
                                    .cpu_count = 1,
                                    .ring_stride = STRIDE,
                                    .ring_offset = PAGE_SIZE,
                                    .capacity = CAPACITY};
    ring->capacity = CAPACITY;
    return (struct trace_view){header, sizeof(memory)};
}

static void record(u16 type, u32 thread)
{
    struct trace_event *slots = (void *)((u8 *)ring + PAGE_SIZE);

    slots[ring->head & (CAPACITY - 1)] = (struct trace_event){
        .time_ns = 1000 + ring->head, .type = type, .thread = thread, .trace = 5, .words = {1, 0}};
    ring->head++;
}

static struct stream_buffer empty(u64 size)
{
    return (struct stream_buffer){.bytes = bytes, .size = size};
}

TEST(every_event_is_written_lost_or_left_out)
{
    struct trace_view view = set_up();
    struct stream_buffer buffer = empty(SIZE);
    struct stream_position position;
    bool more;

    stream_position_set(&position, &view, 0, false);
    for (u32 i = 0; i < CAPACITY + 88; i++)
        record(TRACE_USER, 3);
    EXPECT(stream_put_events(&buffer, &view, 0, &position, OWN, &more));
    EXPECT(more);
    EXPECT(stream_put_events(&buffer, &view, 0, &position, OWN, &more));
    EXPECT(!more);
    /* The oldest slot that is left may be half overwritten. */
    EXPECT_EQ(position.lost, 89);
    EXPECT_EQ(position.events, CAPACITY - 1);
    EXPECT_EQ(position.next, ring->head);
    record(TRACE_PORT_ACCESS, OWN);
    record(TRACE_SYSCALL_EXIT, OWN);
    record(TRACE_PORT_ACCESS, 3);
    record(TRACE_CAP_DENIED, OWN);
    EXPECT(stream_put_events(&buffer, &view, 0, &position, OWN, &more));
    EXPECT_EQ(position.omitted, 2);
    EXPECT_EQ(position.events, CAPACITY + 1);
    EXPECT_EQ(position.lost + position.omitted + position.events, ring->head);
}

TEST(own_events_alone_make_no_frame)
{
    struct trace_view view = set_up();
    struct stream_buffer buffer = empty(SIZE);
    struct stream_position position;
    bool more;

    stream_position_set(&position, &view, 0, false);
    record(TRACE_SYSCALL_EXIT, OWN);
    EXPECT(stream_put_events(&buffer, &view, 0, &position, OWN, &more));
    EXPECT_EQ(buffer.written, 0);
    EXPECT_EQ(position.omitted, 1);
    EXPECT_EQ(position.omitted_before, 1);
    record(TRACE_USER, OWN);
    EXPECT(stream_put_events(&buffer, &view, 0, &position, OWN, &more));
    EXPECT(buffer.written > 0);
    EXPECT_EQ(position.omitted_before, 0);
}

TEST(a_frame_without_room_leaves_no_trace)
{
    struct trace_view view = set_up();
    struct stream_buffer buffer = empty(64);
    struct stream_position position, before;
    bool more;

    stream_position_set(&position, &view, 0, false);
    for (u32 i = 0; i < 30; i++)
        record(TRACE_USER, 3);
    before = position;
    EXPECT(!stream_put_events(&buffer, &view, 0, &position, OWN, &more));
    EXPECT_EQ(memcmp(&position, &before, sizeof(before)), 0);
    EXPECT_EQ(buffer.written, 0);
    EXPECT(!stream_put_tables(&buffer));
    EXPECT(stream_put_trailer(&buffer, &position, 1, 9));
    EXPECT(buffer.written > 0);
}

TEST(bytes_come_out_in_order_over_the_end_of_the_buffer)
{
    struct trace_view view = set_up();
    struct stream_buffer buffer = empty(4096);
    struct stream_frame frame;
    u64 frames = 0;

    for (u32 round = 0; round < 100; round++) {
        size_t size;

        REQUIRE(stream_put_header(&buffer, view.header, round, 1));
        size = stream_take(&buffer, out, sizeof(out));
        REQUIRE(size > sizeof(frame));
        memcpy(&frame, out, sizeof(frame));
        frames += frame.magic == STREAM_MAGIC && frame.kind == STREAM_HEADER &&
                  frame.size == size - sizeof(frame);
    }
    EXPECT_EQ(frames, 100);
    EXPECT_EQ(stream_take(&buffer, out, sizeof(out)), 0);
    EXPECT_EQ(buffer.taken, buffer.written);
}

TEST(a_recording_of_what_is_there_begins_with_the_oldest)
{
    struct trace_view view = set_up();
    struct stream_position position;

    for (u32 i = 0; i < 10; i++)
        record(TRACE_USER, 3);
    stream_position_set(&position, &view, 0, true);
    EXPECT_EQ(position.next, 0);
    for (u32 i = 0; i < CAPACITY; i++)
        record(TRACE_USER, 3);
    stream_position_set(&position, &view, 0, true);
    EXPECT_EQ(position.next, 11);
    stream_position_set(&position, &view, 0, false);
    EXPECT_EQ(position.next, ring->head);
}
