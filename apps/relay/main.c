/*
 * One request, or many at a time, on the way through four processes and two CPUs: what traces and
 * the tools that read them are tested with, and shown.
 *
 *     relay            a timer sets one order off; the journal writes a line to the console
 *     relay COUNT      as many threads, each with one order, at once
 *
 * An order is a call to `front` (CPU 1), which calls `store` (CPU 1) and sends a note through a
 * queue to `journal` (CPU 0). All are this program in other roles.
 */
#include "ferrous/console.h"
#include "ferrous/lock.h"
#include "ferrous/memory.h"
#include "ferrous/server.h"
#include "ferrous/start.h"
#include "ferrous/test_ground.h"
#include "ferrous/thread.h"
#include "interfaces/relay_server.h"
#include "lib/format.h"
#include "lib/string.h"

#define COUNT_LIMIT 1000u
#define QUEUE_DEPTH 64u
#define STACK_SIZE  4096u
#define SET_OFF_NS  (2 * NS_PER_MS)

static struct {
    endpoint_t front;
    u32 started; /* a futex: 1 once all threads may go */
    u32 answered;
} relay;

/* Where there is but one CPU, everything is there. */
static void stay_on(u32 cpu)
{
    if (cpu < start_info_page()->cpu_count)
        (void)kthread_control(thread_self(), THREAD_SET_CPUS, 1ull << cpu);
}

static enum status take_order(void *context, u64 badge, struct relay_order_request *request,
                              struct relay_order_reply *reply)
{
    endpoint_t store = {start_cap("store")};
    endpoint_t journal = {start_cap("journal")};
    struct relay_fetch_reply fetched;
    enum status status = relay_fetch(store, request->number, PATIENCE, &fetched);

    (void)context;
    (void)badge;
    if (status == STATUS_OK)
        status = relay_note(journal, request->number, PATIENCE);
    reply->answer = fetched.answer;
    return status;
}

static enum status fetch(void *context, u64 badge, struct relay_fetch_request *request,
                         struct relay_fetch_reply *reply)
{
    (void)context;
    (void)badge;
    reply->answer = request->number * 2;
    return STATUS_OK;
}

static u64 notes;
static bool aloud;

static void note(void *context, u64 badge, struct relay_note_request *request)
{
    (void)context;
    (void)badge;
    notes++;
    if (aloud)
        print("journal: order %llu\n", (unsigned long long)request->number);
}

static enum status noted(void *context, u64 badge, struct relay_noted_reply *reply)
{
    (void)context;
    (void)badge;
    reply->count = notes;
    return STATUS_OK;
}

static const struct relay_ops front_ops = {.order = take_order};
static const struct relay_ops store_ops = {.fetch = fetch};
static const struct relay_ops journal_ops = {.note = note, .noted = noted};

static void handle(void *context, struct message *message)
{
    relay_dispatch(context, NULL, message);
}

static int serve(const struct relay_ops *ops, u32 cpu)
{
    struct server server = {.endpoint = {start_cap("endpoint")},
                            .accept = RELAY_MAX_CAPS,
                            .context = (void *)(uintptr_t)ops,
                            .handle = handle};

    stay_on(cpu);
    (void)server_run(&server);
    return 1;
}

static int role_front(const char *argument)
{
    (void)argument;
    return serve(&front_ops, 1);
}

static int role_store(const char *argument)
{
    (void)argument;
    return serve(&store_ops, 1);
}

static int role_journal(const char *argument)
{
    aloud = string_equal(argument, "aloud");
    return serve(&journal_ops, 0);
}

static const struct test_role roles[] = {
    {"front", role_front}, {"store", role_store}, {"journal", role_journal}};

static u64 place_order(void *argument)
{
    struct relay_order_reply reply;
    u64 number = (uintptr_t)argument;

    stay_on(number % 2);
    while (__atomic_load_n(&relay.started, __ATOMIC_ACQUIRE) == 0)
        (void)futex_wait(&relay.started, 0, TIME_NEVER);
    return relay_order(relay.front, number, time_after_ns(60 * NS_PER_S), &reply) == STATUS_OK &&
           reply.answer == number * 2;
}

/* As many threads as are asked for, all there before the first goes; how many got their answer. */
static u32 many(u32 count)
{
    struct thread *threads = calloc(count, sizeof(*threads));
    u32 started = 0;
    u32 answered = 0;

    if (threads == NULL)
        return 0;
    while (started < count && thread_start(&threads[started], place_order,
                                           (void *)(uintptr_t)started, STACK_SIZE) == STATUS_OK)
        started++;
    __atomic_store_n(&relay.started, 1, __ATOMIC_RELEASE);
    while (futex_wake(&relay.started, UINT32_MAX) != 0) /* some at a time */
        ;
    for (u32 i = 0; i < started; i++)
        answered += (u32)thread_join(&threads[i]);
    free(threads);
    return answered;
}

/* Set off by a timer, so that the request begins with an interrupt. */
static u32 one(void)
{
    struct relay_order_reply reply;
    struct message message;
    endpoint_t endpoint;
    ktimer_t timer;

    stay_on(0);
    if (make_endpoint(0, &endpoint) != STATUS_OK ||
        timer_create(start_group(), endpoint, &timer) != STATUS_OK ||
        timer_set(timer, time_after_ns(SET_OFF_NS), 0) != STATUS_OK ||
        ipc_receive(endpoint, &message, 0, PATIENCE) != STATUS_OK)
        return 0;
    return relay_order(relay.front, 7, PATIENCE, &reply) == STATUS_OK && reply.answer == 14;
}

/* Waits until the journal has taken them all. */
static bool all_noted(endpoint_t journal, u64 count)
{
    struct relay_noted_reply reply = {0};
    u64 until = time_after_ns(60 * NS_PER_S);

    while (relay_noted(journal, PATIENCE, &reply) == STATUS_OK && reply.count < count &&
           time_now_ns() < until)
        time_sleep_ns(NS_PER_MS);
    return reply.count == count;
}

static bool start_all(endpoint_t *journal, bool single, struct process *processes)
{
    endpoint_t store;

    if (make_endpoint(0, &relay.front) != STATUS_OK || make_endpoint(0, &store) != STATUS_OK ||
        make_endpoint(QUEUE_DEPTH, journal) != STATUS_OK)
        return false;
    const struct process_cap for_front[] = {GIVE("endpoint", relay.front, RIGHT_RECEIVE),
                                            GIVE("store", store, RIGHT_SEND),
                                            GIVE("journal", *journal, RIGHT_SEND)};
    const struct process_cap for_store[] = {GIVE("endpoint", store, RIGHT_RECEIVE)};
    const struct process_cap for_journal[] = {
        GIVE("endpoint", *journal, RIGHT_RECEIVE),
        GIVE("console", ((endpoint_t){start_cap("console")}), RIGHT_SEND)};

    return start_role(start_group(), "front", NULL, for_front, 3, &processes[0]) == STATUS_OK &&
           start_role(start_group(), "store", NULL, for_store, 1, &processes[1]) == STATUS_OK &&
           start_role(start_group(), "journal", single ? "aloud" : "silent", for_journal, 2,
                      &processes[2]) == STATUS_OK;
}

int main(int argc, char **argv)
{
    struct test_ground ground;
    struct process processes[3];
    endpoint_t journal;
    u64 count = 1;
    u32 answered;

    if (argc > 2 && string_equal(argv[1], "--role"))
        return test_play_role(roles, sizeof(roles) / sizeof(roles[0]), argc, argv);
    if (argc > 1 && (!string_to_u64(argv[1], &count) || count == 0 || count > COUNT_LIMIT)) {
        print("usage: relay [COUNT], at most %u\n", COUNT_LIMIT);
        return 2;
    }
    if (!test_ground_open(&ground, "relay") || !start_all(&journal, argc == 1, processes))
        fatal("the processes cannot be started");
    answered = argc == 1 ? one() : many((u32)count);
    if (!all_noted(journal, answered))
        fatal("notes are missing");
    print("relay: %u of %u orders answered\n", answered, (u32)count);
    for (u32 i = 0; i < 3; i++)
        (void)process_kill(processes[i].handle, 0);
    return answered == count ? 0 : 1;
}
