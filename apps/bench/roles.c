/* The other side of what takes two processes. Each runs until it is killed. */
#include "bench.h"

#include "ferrous/console.h"
#include "lib/string.h"

#define FAULT_ROUNDS 256u

/* Answers every call with what it brought: words and data. */
static int role_server(void)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message;

    MUST(ipc_receive(endpoint, &message, 0, TIME_NEVER));
    for (;;) {
        message.info = message_info(1, message_length(&message), 0, 0);
        MUST(ipc_reply_receive(endpoint, &message, 0, TIME_NEVER));
    }
}

/* Calls another server for each call that it answers. */
static int role_middle(void)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    endpoint_t far = {start_cap("far")};
    struct message message;

    MUST(ipc_receive(endpoint, &message, 0, TIME_NEVER));
    for (;;) {
        MUST(ipc_call_plain(far, 1, TIME_NEVER));
        message.info = message_info(1, 0, 0, 0);
        MUST(ipc_reply_receive(endpoint, &message, 0, TIME_NEVER));
    }
}

/* Defers every call, and answers it then. */
static int role_deferrer(void)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    group_t group = {start_cap("group")};
    struct message message;
    reply_t reply;

    for (;;) {
        MUST(ipc_receive(endpoint, &message, 0, TIME_NEVER));
        MUST(ipc_defer(group, &reply));
        message = MESSAGE_INIT(1);
        MUST(ipc_reply_to(reply, &message));
    }
}

/* Closes the capability that a call brings. */
static int role_taker(void)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message;

    MUST(ipc_receive(endpoint, &message, 1, TIME_NEVER));
    for (;;) {
        MUST(cap_close(message_take_cap(&message, 0)));
        message.info = message_info(1, 0, 0, 0);
        MUST(ipc_reply_receive(endpoint, &message, 1, TIME_NEVER));
    }
}

/* Takes messages and signals, and notes how long they were on their way. */
static int role_arrival(void)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    memory_t memory = {start_cap("memory")};
    struct message message;
    struct arrival *arrival;
    u64 address = 0;

    MUST(memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address));
    arrival = (struct arrival *)(uintptr_t)address;
    for (;;) {
        MUST(ipc_receive(endpoint, &message, 0, TIME_NEVER));
        arrival->taken = time_ticks() - arrival->sent;
        __atomic_fetch_add(&arrival->count, 1, __ATOMIC_RELAXED);
    }
}

/* Answers every signal with a signal. */
static int role_pong(void)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    endpoint_t back = {start_cap("back")};
    struct message message;

    for (;;) {
        MUST(ipc_receive(endpoint, &message, 0, TIME_NEVER));
        MUST(endpoint_signal(back));
    }
}

static int role_yield(void)
{
    for (;;)
        thread_yield();
}

/* Faults and goes on: its parent skips the instruction. Reports by itself. */
static int role_fault(void)
{
    MEASURE("fault_round_trip", FAULT_ROUNDS, 1, __asm__ volatile("ud2" : : : "memory"));
    return 0;
}

static const struct role {
    const char *name;
    int (*run)(void);
} roles[] = {
    {"server", role_server},         {"middle", role_middle},
    {"deferrer", role_deferrer},     {"taker", role_taker},
    {"arrival", role_arrival},       {"pong", role_pong},
    {"yield", role_yield},           {"fault", role_fault},
    {"shared", role_shared},         {"bulk-shared", role_bulk_shared},
    {"bulk-moved", role_bulk_moved},
};

int run_role(const char *role)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (string_equal(roles[i].name, role))
            return roles[i].run();
    }
    return 255;
}
