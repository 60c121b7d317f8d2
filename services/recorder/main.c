/*
 * The recorder: serves interfaces/recorder.idl. An observer: it has the trace domain for reading
 * and the ports of the second serial line, and the kernel never waits for it. If it is slow, or the
 * line is, its buffer fills; then it reads no more, the rings overwrite what it has not read, and
 * the next frame says how much that was.
 *
 * The main thread serves clients. The worker records: it reads all rings, then sends some bytes,
 * and so on; it sleeps when there is nothing of either. The recording is guarded by the lock, the
 * buffer and the line are the worker's.
 */
#include "ferrous/calls.h"
#include "ferrous/lock.h"
#include "ferrous/server.h"
#include "ferrous/start.h"
#include "ferrous/thread.h"
#include "ferrous/time.h"
#include "ferrous/trace_stream.h"
#include "ferrous/typed.h"
#include "interfaces/recorder_server.h"
#include "lib/string.h"
#include "line.h"

#define BUFFER_SIZE    (16ull << 20)
#define CPU_LIMIT      64u
#define SEND_LIMIT     32u /* bursts between two looks at the rings */
#define SLEEP_NS       NS_PER_MS
#define FACTS_EVERY_NS (250 * NS_PER_MS)
#define LIST_CHUNK     8u

enum phase { PHASE_IDLE, PHASE_READING, PHASE_SENDING };

struct recorder {
    trace_domain_t domain;
    machine_t machine;
    ports_t ports;
    struct thread worker;
    struct mutex lock;
    struct condition changed;
    /* Under the lock: */
    enum recorder_mode mode;
    bool stop;
    struct recorder_state_reply told;
    /* The worker's while the mode is not IDLE: */
    enum phase phase;
    struct line line;
    struct trace_view view;
    struct stream_buffer buffer;
    struct stream_position positions[CPU_LIMIT];
    u32 cpus;
    u64 facts_due_ns;
};

static struct recorder the_recorder;

/* Who runs, and the metrics of all CPUs; what finds no room is left for the next time. Listing the
 * processes also makes the kernel write which thread belongs to which. */
static void put_facts(struct recorder *recorder)
{
    struct process_entry entries[LIST_CHUNK];
    u64 after = 0;

    for (;;) {
        u64 count = LIST_CHUNK;

        if (process_list(recorder->machine, entries, &count, after) != STATUS_OK || count == 0)
            break;
        (void)stream_put_processes(&recorder->buffer, entries, (u32)count, time_now_ns());
        after = entries[count - 1].id;
    }
    for (u32 cpu = 0; cpu < recorder->cpus; cpu++)
        (void)stream_put_metrics(&recorder->buffer, &recorder->view, cpu, time_now_ns());
    recorder->facts_due_ns = time_after_ns(FACTS_EVERY_NS);
}

/* All that the rings hold, or as much as there is room for; false: nothing was new. */
static bool read_rings(struct recorder *recorder)
{
    u64 before = recorder->buffer.written;

    /* What is only the recorder's own makes no frame, so that it goes to sleep. */
    for (u32 cpu = 0; cpu < recorder->cpus; cpu++) {
        bool more = true;

        while (more && stream_put_events(&recorder->buffer, &recorder->view, cpu,
                                         &recorder->positions[cpu], recorder->worker.id, &more))
            ;
    }
    return recorder->buffer.written != before;
}

/* As long as the line has room, and not for too long; false: nothing could be sent. */
static bool send_some(struct recorder *recorder)
{
    u8 bytes[LINE_BURST];
    bool sent = false;

    for (u32 i = 0; i < SEND_LIMIT && line_has_room(&recorder->line); i++) {
        size_t count = stream_take(&recorder->buffer, bytes, sizeof(bytes));

        if (count == 0)
            break;
        line_send(&recorder->line, bytes, count);
        sent = true;
    }
    return sent;
}

static void tell(struct recorder *recorder)
{
    struct recorder_state_reply *told = &recorder->told;

    *told = (struct recorder_state_reply){.bytes_written = recorder->buffer.taken,
                                          .bytes_waiting =
                                              recorder->buffer.written - recorder->buffer.taken};
    for (u32 cpu = 0; cpu < recorder->cpus; cpu++) {
        told->events += recorder->positions[cpu].events;
        told->lost += recorder->positions[cpu].lost;
        told->omitted += recorder->positions[cpu].omitted;
    }
}

static enum status make_buffer(struct stream_buffer *buffer)
{
    memory_t memory;
    u64 address = 0;
    enum status status = memory_create(start_group(), BUFFER_SIZE, 0, &memory);

    if (status != STATUS_OK)
        return status;
    status = memory_map(memory, 0, BUFFER_SIZE, MAP_READ | MAP_WRITE, &address);
    (void)cap_close(memory.cap);
    if (status != STATUS_OK)
        return status;
    *buffer = (struct stream_buffer){.bytes = (u8 *)(uintptr_t)address, .size = BUFFER_SIZE};
    memset(buffer->bytes, 0, BUFFER_SIZE); /* so that no page is taken while it records */
    return STATUS_OK;
}

/* Lock held. */
static enum status begin(struct recorder *recorder, enum recorder_mode mode)
{
    u64 now = time_now_ns();
    enum status status = line_open(&recorder->line, recorder->ports, 0x2f8);

    if (status == STATUS_OK)
        status = trace_view_open(recorder->domain, &recorder->view);
    if (status != STATUS_OK)
        return status;
    status = make_buffer(&recorder->buffer);
    if (status != STATUS_OK) {
        trace_view_close(&recorder->view);
        return status;
    }
    recorder->cpus = recorder->view.header->cpu_count;
    (void)stream_put_header(&recorder->buffer, recorder->view.header, now, mode);
    (void)stream_put_tables(&recorder->buffer);
    for (u32 cpu = 0; cpu < recorder->cpus; cpu++)
        stream_position_set(&recorder->positions[cpu], &recorder->view, cpu,
                            mode == RECORDER_MODE_SAVE);
    recorder->facts_due_ns = 0;
    recorder->phase = PHASE_READING;
    recorder->stop = mode == RECORDER_MODE_SAVE;
    recorder->mode = mode;
    tell(recorder);
    condition_signal(&recorder->changed);
    return STATUS_OK;
}

/* Lock held: everything has been sent. */
static void finish(struct recorder *recorder)
{
    (void)memory_unmap((u64)(uintptr_t)recorder->buffer.bytes, recorder->buffer.size);
    trace_view_close(&recorder->view);
    recorder->phase = PHASE_IDLE;
    recorder->mode = RECORDER_MODE_IDLE;
    recorder->stop = false;
}

/* One round; false: there was nothing to do. */
static bool work(struct recorder *recorder, bool stop)
{
    bool busy = false;

    if (recorder->phase == PHASE_READING) {
        if (stop || time_now_ns() >= recorder->facts_due_ns)
            put_facts(recorder);
        busy = read_rings(recorder);
        /* A stopped recording ends with what was there then; its trailer finds room in the end. */
        if (stop && stream_put_trailer(&recorder->buffer, recorder->positions, recorder->cpus,
                                       time_now_ns()))
            recorder->phase = PHASE_SENDING;
    }
    if (recorder->mode != RECORDER_MODE_HELD || stop)
        busy |= send_some(recorder);
    return busy;
}

static u64 record(void *context)
{
    struct recorder *recorder = context;

    mutex_lock(&recorder->lock);
    for (;;) {
        if (recorder->mode == RECORDER_MODE_IDLE) {
            (void)condition_wait(&recorder->changed, &recorder->lock, TIME_NEVER);
            continue;
        }
        bool stop = recorder->stop;

        mutex_unlock(&recorder->lock);
        bool busy = work(recorder, stop);

        if (!busy)
            time_sleep_ns(SLEEP_NS);
        mutex_lock(&recorder->lock);
        tell(recorder);
        if (recorder->phase == PHASE_SENDING && recorder->told.bytes_waiting == 0)
            finish(recorder);
    }
}

static enum status handle_start(void *context, u64 badge, struct recorder_start_request *request)
{
    struct recorder *recorder = context;
    enum status status = STATUS_BUSY;

    (void)badge;
    if (request->mode == RECORDER_MODE_IDLE)
        return STATUS_BAD_ARGUMENT;
    mutex_lock(&recorder->lock);
    if (recorder->mode == RECORDER_MODE_IDLE)
        status = begin(recorder, request->mode);
    mutex_unlock(&recorder->lock);
    return status;
}

static enum status handle_stop(void *context, u64 badge)
{
    struct recorder *recorder = context;
    enum status status = STATUS_NOT_FOUND;

    (void)badge;
    mutex_lock(&recorder->lock);
    if (recorder->mode != RECORDER_MODE_IDLE) {
        recorder->stop = true;
        status = STATUS_OK;
    }
    mutex_unlock(&recorder->lock);
    return status;
}

static enum status handle_state(void *context, u64 badge, struct recorder_state_reply *reply)
{
    struct recorder *recorder = context;

    (void)badge;
    mutex_lock(&recorder->lock);
    *reply = recorder->told;
    reply->mode = recorder->mode;
    mutex_unlock(&recorder->lock);
    return STATUS_OK;
}

static const struct recorder_ops recorder_ops = {
    .start = handle_start, .stop = handle_stop, .state = handle_state};

static void handle(void *context, struct message *message)
{
    recorder_dispatch(&recorder_ops, context, message);
}

int main(int argc, char **argv)
{
    struct recorder *recorder = &the_recorder;
    struct server server = {.endpoint = {start_cap("recorder")},
                            .accept = RECORDER_MAX_CAPS,
                            .context = recorder,
                            .handle = handle};

    (void)argc;
    (void)argv;
    recorder->domain.cap = start_cap("trace");
    recorder->machine.cap = start_cap("machine");
    recorder->ports.cap = start_cap("ports");
    if (thread_start(&recorder->worker, record, recorder, 32768) != STATUS_OK)
        return 1;
    (void)server_run(&server);
    return 2;
}
