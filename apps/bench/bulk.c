/* Data that is more than a message carries: through memory that both map, or with its pages. */
#include "bench.h"

#include "lib/string.h"

#define BULK_SIZE (64u << 10)
#define KIB       1024u

/* Both sides of the shared memory: the request, and behind it the answer. */
struct window {
    memory_t memory;
    u64 address;
};

static u8 own[BULK_SIZE];

static void window_map(struct window *window)
{
    MUST(memory_map(window->memory, 0, 2 * BULK_SIZE, MAP_READ | MAP_WRITE, &window->address));
}

static u8 *window_at(const struct window *window, u64 offset)
{
    return (u8 *)(uintptr_t)(window->address + offset);
}

/* Label: how many bytes the request brought. With `answer` they are copied back, too. */
static _Noreturn void serve_shared(bool answer)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct window window = {.memory = {start_cap("memory")}};
    struct message message;

    window_map(&window);
    MUST(ipc_receive(endpoint, &message, 0, TIME_NEVER));
    for (;;) {
        u32 size = message_label(&message);

        memcpy(own, window_at(&window, 0), size);
        if (answer)
            memcpy(window_at(&window, BULK_SIZE), own, size);
        message.info = message_info(1, 0, 0, 0);
        MUST(ipc_reply_receive(endpoint, &message, 0, TIME_NEVER));
    }
}

int role_shared(void)
{
    serve_shared(true);
}

int role_bulk_shared(void)
{
    serve_shared(false);
}

/* Takes memory objects for itself and copies their contents out, so that they are touched. */
int role_bulk_moved(void)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message;

    MUST(ipc_receive(endpoint, &message, 1, TIME_NEVER));
    for (;;) {
        memory_t memory = {message_take_cap(&message, 0)};
        u64 address = 0;

        MUST(memory_take(memory));
        MUST(memory_map(memory, 0, BULK_SIZE, MAP_READ | MAP_WRITE, &address));
        memcpy(own, (const void *)(uintptr_t)address, BULK_SIZE);
        MUST(memory_unmap(address, BULK_SIZE));
        MUST(cap_close(memory.cap));
        message.info = message_info(1, 0, 0, 0);
        MUST(ipc_reply_receive(endpoint, &message, 1, TIME_NEVER));
    }
}

static void give(struct process_cap *cap, const char *name, cap_t what, u32 rights)
{
    *cap = (struct process_cap){.name = name, .cap = what, .rights = rights, .mode = CAP_SEND_COPY};
}

static void call_shared(endpoint_t endpoint, const struct window *window, u32 size, bool answer)
{
    struct message message = MESSAGE_INIT(size);

    memcpy(window_at(window, 0), own, size);
    MUST(ipc_call(endpoint, &message, TIME_NEVER));
    if (answer)
        memcpy(own, window_at(window, BULK_SIZE), size);
}

static void measure_shared(const char *role, const char *name, u32 rounds, u32 size, u32 divisor,
                           bool answer)
{
    struct process_cap caps[2];
    struct process process;
    struct window window = {.address = 0};
    endpoint_t endpoint;

    MUST(endpoint_create(bench.group, 0, 0, &endpoint));
    MUST(memory_create(bench.group, 2 * BULK_SIZE, 0, &window.memory));
    window_map(&window);
    give(&caps[0], "endpoint", endpoint.cap, RIGHT_RECEIVE);
    give(&caps[1], "memory", window.memory.cap, RIGHT_READ | RIGHT_WRITE);
    start_role(role, caps, 2, (endpoint_t){CAP_NULL}, &process);
    MEASURE(name, rounds, divisor, call_shared(endpoint, &window, size, answer));
    stop_role(&process);
    MUST(memory_unmap(window.address, 2 * BULK_SIZE));
    (void)cap_close(window.memory.cap);
    (void)cap_close(endpoint.cap);
}

/* A fresh object is filled and given away whole. */
static void call_moved(endpoint_t endpoint)
{
    struct message message = MESSAGE_INIT(1);
    memory_t memory;
    u64 address = 0;

    MUST(memory_create(bench.group, BULK_SIZE, 0, &memory));
    MUST(memory_map(memory, 0, BULK_SIZE, MAP_READ | MAP_WRITE, &address));
    memcpy((void *)(uintptr_t)address, own, BULK_SIZE);
    MUST(memory_unmap(address, BULK_SIZE));
    (void)message_put_cap(&message, memory.cap, UINT32_MAX, CAP_SEND_MOVE);
    MUST(ipc_call(endpoint, &message, TIME_NEVER));
}

static void measure_moved(void)
{
    struct process_cap cap;
    struct process process;
    endpoint_t endpoint;

    MUST(endpoint_create(bench.group, 0, 0, &endpoint));
    give(&cap, "endpoint", endpoint.cap, RIGHT_RECEIVE);
    start_role("bulk-moved", &cap, 1, (endpoint_t){CAP_NULL}, &process);
    MEASURE("bulk_moved_per_kib", 32, BULK_SIZE / KIB, call_moved(endpoint));
    stop_role(&process);
    (void)cap_close(endpoint.cap);
}

/* Read-only and back, with a write after, for that may be when the page comes back. */
static void measure_protect(void)
{
    memory_t memory;
    u64 address = 0;

    MUST(memory_create(bench.group, PAGE_SIZE, 0, &memory));
    MUST(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    *(volatile u8 *)(uintptr_t)address = 1;
    MEASURE("protect_touch", 256, 2, {
        MUST(memory_protect(address, PAGE_SIZE, MAP_READ));
        MUST(memory_protect(address, PAGE_SIZE, MAP_READ | MAP_WRITE));
        *(volatile u8 *)(uintptr_t)address = 1;
    });
    MUST(memory_unmap(address, PAGE_SIZE));
    (void)cap_close(memory.cap);
}

void bench_bulk(void)
{
    measure_shared("shared", "call_reply_4096_shared", 200, PAGE_SIZE, 1, true);
    measure_shared("bulk-shared", "bulk_shared_per_kib", 64, BULK_SIZE, BULK_SIZE / KIB, false);
    measure_moved();
    measure_protect();
}
