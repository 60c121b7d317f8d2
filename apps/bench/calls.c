/* Entries, messages, signals, capabilities. */
#include "bench.h"

#include "lib/string.h"

#define GIVE(name_, handle_, rights_)                                                              \
    ((struct process_cap){                                                                         \
        .name = (name_), .cap = (handle_).cap, .rights = (rights_), .mode = CAP_SEND_COPY})

#define MANY       1000u
#define NO_HANDLER ((endpoint_t){CAP_NULL})

static void measure_call(void)
{
    struct message message = MESSAGE_INIT(1);
    struct process process;
    struct process_cap cap;
    endpoint_t endpoint;
    u8 data[MESSAGE_MAX_INLINE] = {0};
    u64 deadline_ns = time_after_ns(100 * NS_PER_S);

    MUST(endpoint_create(bench.group, 0, 0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_RECEIVE);
    start_role("server", &cap, 1, NO_HANDLER, &process);
    MEASURE("call_reply_empty", MANY, 1, MUST(ipc_call_plain(endpoint, 1, TIME_NEVER)));
    MEASURE("call_reply_4_words", MANY, 1, {
        struct message words = MESSAGE_INIT(1);

        for (u64 word = 0; word < 4; word++)
            words.words[word] = word;
        MUST(ipc_call(endpoint, &words, TIME_NEVER));
    });
    MEASURE("call_reply_8_words", MANY, 1, {
        struct message words = MESSAGE_INIT(1);

        for (u64 word = 0; word < MESSAGE_WORDS; word++)
            words.words[word] = word;
        MUST(ipc_call(endpoint, &words, TIME_NEVER));
    });
    MEASURE("call_reply_deadline", MANY, 1, MUST(ipc_call_plain(endpoint, 1, deadline_ns)));
    MEASURE("call_reply_64_bytes", MANY, 1, {
        message.info = message_info(1, 0, 0, 0);
        message_put_data(&message, data, 64);
        MUST(ipc_call(endpoint, &message, TIME_NEVER));
    });
    MEASURE("call_reply_256_bytes", MANY, 1, {
        message.info = message_info(1, 0, 0, 0);
        message_put_data(&message, data, sizeof(data));
        MUST(ipc_call(endpoint, &message, TIME_NEVER));
    });
    stop_role(&process);
    (void)cap_close(endpoint.cap);
}

/* The client gives a copy of a capability, which the server closes before it answers. */
static void measure_call_with_cap(void)
{
    struct process process;
    struct process_cap cap;
    struct message message;
    endpoint_t endpoint;

    MUST(endpoint_create(bench.group, 0, 0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_RECEIVE);
    start_role("taker", &cap, 1, NO_HANDLER, &process);
    MEASURE("call_reply_capability", MANY, 1, {
        message = MESSAGE_INIT(1);
        (void)message_put_cap(&message, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
        MUST(ipc_call(endpoint, &message, TIME_NEVER));
    });
    stop_role(&process);
    (void)cap_close(endpoint.cap);
}

/* A server that calls another before it answers. */
static void measure_nested_call(void)
{
    struct process_cap caps[2];
    struct process inner;
    struct process outer;
    endpoint_t near;
    endpoint_t far;

    MUST(endpoint_create(bench.group, 0, 0, &near));
    MUST(endpoint_create(bench.group, 0, 0, &far));
    caps[0] = GIVE("endpoint", far, RIGHT_RECEIVE);
    start_role("server", caps, 1, NO_HANDLER, &inner);
    caps[0] = GIVE("endpoint", near, RIGHT_RECEIVE);
    caps[1] = GIVE("far", far, RIGHT_SEND);
    start_role("middle", caps, 2, NO_HANDLER, &outer);
    MEASURE("call_reply_nested", MANY, 1, MUST(ipc_call_plain(near, 1, TIME_NEVER)));
    stop_role(&outer);
    stop_role(&inner);
    (void)cap_close(near.cap);
    (void)cap_close(far.cap);
}

/* The server makes an object of each call, and answers it through that. */
static void measure_deferred_reply(void)
{
    struct process_cap caps[2];
    struct process process;
    endpoint_t endpoint;

    MUST(endpoint_create(bench.group, 0, 0, &endpoint));
    caps[0] = GIVE("endpoint", endpoint, RIGHT_RECEIVE);
    caps[1] = GIVE("group", bench.group, RIGHT_CREATE_ENDPOINT);
    start_role("deferrer", caps, 2, NO_HANDLER, &process);
    MEASURE("call_reply_deferred", MANY, 1, MUST(ipc_call_plain(endpoint, 1, TIME_NEVER)));
    stop_role(&process);
    (void)cap_close(endpoint.cap);
}

/* A message that waits in the queue until its sender receives it. */
static void measure_queue(void)
{
    struct message message = MESSAGE_INIT(1);
    endpoint_t endpoint;

    MUST(endpoint_create(bench.group, 1, 0, &endpoint));
    MEASURE("send_receive_queued", MANY, 1, {
        message.info = message_info(1, 0, 0, 0);
        MUST(ipc_send(endpoint, &message, TIME_NEVER));
        MUST(ipc_receive(endpoint, &message, 0, TIME_NEVER));
    });
    (void)cap_close(endpoint.cap);
}

static endpoint_t arrival_endpoint;
static struct arrival *arrival;

static void send_once(void)
{
    struct message message = MESSAGE_INIT(1);

    arrival->sent = time_ticks();
    MUST(ipc_send(arrival_endpoint, &message, TIME_NEVER));
}

static void signal_once(void)
{
    arrival->sent = time_ticks();
    MUST(endpoint_signal(arrival_endpoint));
}

/* The interrupt comes at some instruction of the loop: the moment before it was noted last. */
static void interrupt_once(void)
{
    ktimer_t timer;
    u64 seen = arrival->count;

    MUST(timer_create(bench.group, arrival_endpoint, &timer));
    MUST(timer_set(timer, time_after_ns(200000), 0));
    while (__atomic_load_n(&arrival->count, __ATOMIC_RELAXED) == seen)
        __atomic_store_n(&arrival->sent, time_ticks(), __ATOMIC_RELAXED);
    (void)cap_close(timer.cap);
}

/* From the last instruction of one process to the first of another, which waits and has had less of
 * the processor, so that it runs at once. */
static void measure_arrival(const char *name, u32 rounds, void (*once)(void))
{
    rounds = bench_rounds(name, rounds);
    if (rounds)
        bench_get_ahead();
    for (u32 i = 0; rounds && i < rounds + BENCH_WARM_UP; i++) {
        once();
        thread_yield();
        thread_yield();
        bench_samples[i] = arrival->taken;
    }
    if (rounds)
        bench_report(name, rounds, 1);
}

static void measure_arrivals(void)
{
    struct process_cap caps[2];
    struct process process;
    memory_t memory;
    u64 address = 0;

    MUST(memory_create(bench.group, PAGE_SIZE, 0, &memory));
    MUST(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    arrival = (struct arrival *)(uintptr_t)address;
    arrival->count = 0;
    MUST(endpoint_create(bench.group, 0, 0, &arrival_endpoint));
    caps[0] = GIVE("endpoint", arrival_endpoint, RIGHT_RECEIVE);
    caps[1] = GIVE("memory", memory, RIGHT_READ | RIGHT_WRITE);
    start_role("arrival", caps, 2, NO_HANDLER, &process);
    measure_arrival("send_one_way", MANY, send_once);
    measure_arrival("signal_switch", MANY, signal_once);
    measure_arrival("interrupt_to_user", 100, interrupt_once);
    stop_role(&process);
    MUST(memory_unmap(address, PAGE_SIZE));
    (void)cap_close(memory.cap);
    (void)cap_close(arrival_endpoint.cap);
}

static void measure_ping_pong(void)
{
    struct process_cap caps[2];
    struct process process;
    struct message message;
    endpoint_t there;
    endpoint_t back;

    MUST(endpoint_create(bench.group, 0, 0, &there));
    MUST(endpoint_create(bench.group, 0, 0, &back));
    caps[0] = GIVE("endpoint", there, RIGHT_RECEIVE);
    caps[1] = GIVE("back", back, RIGHT_SIGNAL);
    start_role("pong", caps, 2, NO_HANDLER, &process);
    bench_get_ahead();
    MEASURE("signal_ping_pong", MANY, 1, {
        MUST(endpoint_signal(there));
        MUST(ipc_receive(back, &message, 0, TIME_NEVER));
    });
    stop_role(&process);
    (void)cap_close(there.cap);
    (void)cap_close(back.cap);
}

static void measure_yield(void)
{
    struct process process;

    start_role("yield", NULL, 0, NO_HANDLER, &process);
    MEASURE("yield_switch", MANY, 2, thread_yield());
    stop_role(&process);
}

static void measure_caps(void)
{
    endpoint_t endpoint;
    cap_t child;

    MUST(endpoint_create(bench.group, 0, 0, &endpoint));
    MEASURE("signal", MANY, 1, MUST(endpoint_signal(endpoint)));
    MEASURE("derive_close", MANY, 1, {
        MUST(cap_derive_rights(endpoint.cap, UINT32_MAX, &child));
        MUST(cap_close(child));
    });
    (void)cap_close(endpoint.cap);
}

#define NEARLY_ALL 30000u /* of what one process can hold: 32,767 */

/* What `revoke` takes until it returns, when nothing that was revoked works or waits; and, under
 * the second name if there is one, until all is gone: closing what it was called on waits for that.
 */
static void measure_revoke(const char *name, const char *name_of_all, u32 count, u32 rounds)
{
    u64 all[BENCH_WARM_UP + 100];

    rounds = bench_rounds(name, rounds);
    for (u32 i = count == NEARLY_ALL ? BENCH_WARM_UP : 0; rounds && i < rounds + BENCH_WARM_UP;
         i++) {
        endpoint_t endpoint;
        cap_t child;
        u64 start;

        MUST(endpoint_create(bench.group, 0, 0, &endpoint));
        for (u32 n = 0; n < count; n++)
            MUST(cap_derive_rights(endpoint.cap, UINT32_MAX, &child));
        start = time_ticks();
        MUST(cap_revoke(endpoint.cap));
        bench_samples[i] = time_ticks() - start;
        start = time_ticks();
        MUST(cap_close(endpoint.cap));
        all[i] = bench_samples[i] + time_ticks() - start;
    }
    if (rounds) {
        bench_report(name, rounds, 1);
        memcpy(bench_samples, all, (rounds + BENCH_WARM_UP) * sizeof(u64));
    }
    if (rounds && name_of_all)
        bench_report(name_of_all, rounds, 1);
}

static void measure_revocations(void)
{
    measure_revoke("revoke", "revoke_all", 1, 100);
    measure_revoke("revoke_10", "revoke_10_all", 10, 100);
    measure_revoke("revoke_1000", "revoke_1000_all", 1000, 8);
    measure_revoke("revoke_30000", NULL, NEARLY_ALL, 4);
}

static u32 futex_word; /* nobody waits for it */

void bench_calls(void)
{
    MEASURE("null_syscall", MANY, 1, (void)ferrous_syscall_none(SYS_null));
    measure_caps();
    measure_revocations();
    measure_call();
    measure_call_with_cap();
    measure_nested_call();
    measure_deferred_reply();
    measure_queue();
    measure_arrivals();
    measure_ping_pong();
    measure_yield();
    MEASURE("futex_wake", MANY, 1, (void)futex_wake(&futex_word, 1));
}
