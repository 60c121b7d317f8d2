/* What child processes do. Each role is told in a line; the exit code says how it went. */
#include "systest.h"

#include "entry_kinds.h"
#include "ferrous/memory.h"

#define ROLE_OK 0

/* Ends with the number given. */
static int role_exit(const char *argument)
{
    u64 code = 0;

    (void)!string_to_u64(argument, &code);
    return (int)code;
}

/* Waits for ever. */
static int role_sleep(const char *argument)
{
    (void)argument;
    for (;;)
        time_sleep_ns(NS_PER_S);
}

/* Never runs for long, so that its time is always billed. */
static int role_tick(const char *argument)
{
    (void)argument;
    for (;;)
        time_sleep_ns(NS_PER_MS / 2);
}

static int role_spin(const char *argument)
{
    (void)argument;
    for (;;)
        __asm__ volatile("pause");
}

static int role_echo(const char *argument)
{
    endpoint_t endpoint = {start_cap("endpoint")};

    (void)argument;
    return serve_echo(&endpoint) > 0 ? ROLE_OK : 1;
}

/* Takes one call and ends without an answer. */
static int role_die(const char *argument)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message;

    (void)argument;
    return ipc_receive(endpoint, &message, 0, PATIENCE) == STATUS_OK ? ROLE_OK : 1;
}

/* Takes one call and receives again instead of answering. */
static int role_drop(const char *argument)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message;

    (void)argument;
    if (ipc_receive(endpoint, &message, 0, PATIENCE) != STATUS_OK)
        return 1;
    return ipc_receive(endpoint, &message, 0, PATIENCE) == STATUS_OK ? ROLE_OK : 2;
}

/* Calls the endpoint once with a deadline far away; the status is the exit code. */
static int role_call(const char *argument)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);

    (void)argument;
    return (int)ipc_call((endpoint_t){start_cap("endpoint")}, &message, PATIENCE);
}

/* Signals the endpoint. */
static int role_signal(const char *argument)
{
    (void)argument;
    return (int)endpoint_signal((endpoint_t){start_cap("endpoint")});
}

/* Checks arguments and capability names; the code is the number of the check that failed. */
static int role_inspect(const char *argument)
{
    struct cap_facts facts;

    if (!string_equal(argument, "with blanks, and commas"))
        return 1;
    if (!cap_is_null(start_cap("nothing")) || cap_is_null(start_cap("endpoint")))
        return 2;
    if (cap_inspect(start_cap("endpoint"), &facts) != STATUS_OK || facts.type != OBJECT_ENDPOINT)
        return 3;
    if ((facts.rights & (RIGHT_SEND | RIGHT_RECEIVE)) != RIGHT_SEND || facts.badge != 77)
        return 4;
    return start_info()->cap_count == 1 ? ROLE_OK : 5;
}

/* Touches memory until something stops it. */
static int role_eat(const char *argument)
{
    group_t group = start_group();
    u64 address = 0;
    memory_t memory;

    (void)argument;
    if (memory_create(group, 1ull << 30, 0, &memory) != STATUS_OK ||
        memory_map(memory, 0, 1ull << 30, MAP_READ | MAP_WRITE, &address) != STATUS_OK)
        return 1;
    for (u64 at = 0; at < 1ull << 30; at += PAGE_SIZE)
        *(volatile u8 *)(uintptr_t)(address + at) = 1;
    return 2;
}

/* Creates threads that hold endpoints, then waits: something to tear down. */
static u64 linger(void *argument)
{
    endpoint_t endpoint = *(endpoint_t *)argument;
    struct message message;

    (void)!ipc_receive(endpoint, &message, 0, TIME_NEVER);
    return 0;
}

static int role_crowd(const char *argument)
{
    static endpoint_t endpoint;
    struct thread threads[4];

    (void)argument;
    if (endpoint_create(start_group(), 4, 0, &endpoint) != STATUS_OK)
        return 1;
    for (u32 i = 0; i < 4; i++) {
        if (thread_start(&threads[i], linger, &endpoint, 8192) != STATUS_OK)
            return 2;
    }
    (void)endpoint_signal((endpoint_t){start_cap("ready")});
    return role_sleep(NULL);
}

/* Writes where nothing is: the address is the argument. */
static int role_fault(const char *argument)
{
    u64 address = 0;

    (void)!string_to_u64(argument, &address);
    *(volatile u32 *)(uintptr_t)address = 1;
    return ROLE_OK;
}

/* Executes ud2 where `skip` names the way round it, for fault handlers that skip. */
static int role_illegal(const char *argument)
{
    (void)argument;
    __asm__ volatile("ud2");
    return ROLE_OK;
}

/* Ends from a second thread while the main one waits. */
static u64 end_process(void *argument)
{
    (void)argument;
    process_exit(21);
}

static int role_thread_exit(const char *argument)
{
    struct thread thread;

    (void)argument;
    if (thread_start(&thread, end_process, NULL, 0) != STATUS_OK)
        return 1;
    return role_sleep(NULL);
}

/* Writes to the shared page at offset 0 what it read at offset 8, plus one. */
static int role_shared(const char *argument)
{
    memory_t memory = {start_cap("memory")};
    u64 address = 0;
    volatile u64 *words;

    (void)argument;
    if (memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address) != STATUS_OK)
        return 1;
    words = (volatile u64 *)(uintptr_t)address;
    words[0] = words[1] + 1;
    return ROLE_OK;
}

/* Does a forbidden thing by number: entry_kinds.h. */
static int role_entry(const char *argument)
{
    u64 kind = 0;

    (void)!string_to_u64(argument, &kind);
    return entry_do((enum entry_kind)kind);
}

/* Derives capabilities until it is refused; the status is the exit code. */
static int role_hoard(const char *argument)
{
    enum status status;
    endpoint_t endpoint;
    cap_t child;

    (void)argument;
    status = endpoint_create(start_group(), 0, 0, &endpoint);
    while (status == STATUS_OK)
        status = cap_derive_rights(endpoint.cap, RIGHT_SIGNAL, &child);
    return (int)status;
}

/* Fills the heap, frees every other block, and checks that what is left is whole. */
static int role_malloc(const char *argument)
{
    static u8 *blocks[512];
    u32 count = 0;

    (void)argument;
    while (count < 512 && (blocks[count] = malloc(4000)) != NULL) {
        memset(blocks[count], (int)count, 4000);
        count++;
    }
    if (count < 16 || count == 512)
        return 1;
    for (u32 i = 0; i < count; i += 2)
        free(blocks[i]);
    for (u32 i = 1; i < count; i += 2) {
        if (blocks[i][0] != (u8)i || blocks[i][3999] != (u8)i)
            return 2;
    }
    return malloc(4000) == NULL ? 3 : ROLE_OK;
}

/* Ends its main thread while another goes on and ends the process. */
static u64 end_later(void *argument)
{
    (void)argument;
    time_sleep_ns(3 * NS_PER_MS);
    process_exit(33);
}

static int role_main_exit(const char *argument)
{
    struct thread thread;

    (void)argument;
    if (thread_start(&thread, end_later, NULL, 0) != STATUS_OK)
        return 1;
    (void)ferrous_syscall_plain(SYS_exit, 0, 0, 1);
    return 2;
}

/* Waits in the way named until it is killed. */
static int role_block(const char *argument)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message = MESSAGE_INIT(1);
    struct exit_record record;
    u32 word = 0;

    if (string_equal(argument, "receive"))
        return (int)ipc_receive(endpoint, &message, 0, TIME_NEVER);
    if (string_equal(argument, "send"))
        return (int)ipc_send(endpoint, &message, TIME_NEVER);
    if (string_equal(argument, "call"))
        return (int)ipc_call(endpoint, &message, TIME_NEVER);
    if (string_equal(argument, "wait"))
        return (int)process_wait((process_t){start_cap("process")}, TIME_NEVER, &record);
    return (int)futex_wait(&word, 0, TIME_NEVER);
}

/* Answers by the reply capability that it was given, or else by the number; the exit code is the
 * status. */
static int role_answer(const char *argument)
{
    struct message message = MESSAGE_INIT(77);
    reply_t reply = {start_cap("reply")};

    if (cap_is_null(reply.cap))
        (void)!string_to_u64(argument, &reply.cap.bits);
    return (int)ipc_reply_to(reply, &message);
}

/* Takes memory that was handed on; the exit code is its first byte. */
static int role_take(const char *argument)
{
    memory_t memory = {start_cap("memory")};
    u64 address = 0;

    (void)argument;
    if (memory_take(memory) != STATUS_OK ||
        memory_map(memory, 0, PAGE_SIZE, MAP_READ | MAP_WRITE, &address) != STATUS_OK)
        return 255;
    return *(volatile u8 *)(uintptr_t)address;
}

static const struct test_role roles[] = {
    {"answer", role_answer},
    {"take", role_take},
    {"exit", role_exit},
    {"sleep", role_sleep},
    {"spin", role_spin},
    {"tick", role_tick},
    {"echo", role_echo},
    {"die", role_die},
    {"drop", role_drop},
    {"call", role_call},
    {"signal", role_signal},
    {"inspect", role_inspect},
    {"eat", role_eat},
    {"crowd", role_crowd},
    {"fault", role_fault},
    {"illegal", role_illegal},
    {"thread-exit", role_thread_exit},
    {"shared", role_shared},
    {"entry", role_entry},
    {"hoard", role_hoard},
    {"malloc", role_malloc},
    {"main-exit", role_main_exit},
    {"block", role_block},
};

int run_role(int argc, char **argv)
{
    return test_play_role(roles, sizeof(roles) / sizeof(roles[0]), argc, argv);
}
