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

/* Takes one-way messages. */
static int role_sink(void)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message;

    for (;;)
        MUST(ipc_receive(endpoint, &message, 0, TIME_NEVER));
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
    {"server", role_server}, {"sink", role_sink},   {"pong", role_pong},
    {"yield", role_yield},   {"fault", role_fault},
};

int run_role(const char *role)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (string_equal(roles[i].name, role))
            return roles[i].run();
    }
    return 255;
}
