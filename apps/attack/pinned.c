/* Message buffers that are taken from under their threads: the kernel writes to the page that it
 * has pinned, and to nothing that has come in its place. */
#include "attack.h"

#define END     99u
#define OFFSET  MESSAGE_BUFFER_ALIGNMENT
#define FOREIGN 0xab
#define STACK   (2 * PAGE_SIZE)

/* A thread without thread-local variables: it uses registers only. */
static struct receiver {
    endpoint_t endpoint;
    u64 received;
    u32 done;
} receiver;

static void receive_in_registers(struct receiver *own)
{
    for (;;) {
        struct syscall_frame frame = {
            .number = SYS_receive, .handle = own->endpoint.cap.bits, .deadline = TIME_NEVER};

        if (ferrous_syscall(&frame) != STATUS_OK || info_label(frame.info) == END)
            break;
        (void)__atomic_fetch_add(&own->received, 1, __ATOMIC_RELEASE);
    }
    for (;;) {
        struct syscall_frame last = {.number = SYS_exit};

        last.words[1] = 1;
        last.words[2] = address_of(&own->done);
        (void)ferrous_syscall(&last);
    }
}

/* Sends 256 bytes of `value`, and waits until they have been received. */
static bool send_bytes(u8 value)
{
    u64 before = __atomic_load_n(&receiver.received, __ATOMIC_ACQUIRE);
    u64 until = PATIENCE;
    struct message message = MESSAGE_INIT(1);
    u8 data[MESSAGE_MAX_INLINE];

    memset(data, value, sizeof(data));
    message_put_data(&message, data, sizeof(data));
    if (ipc_send(receiver.endpoint, &message, PATIENCE) != STATUS_OK)
        return false;
    while (__atomic_load_n(&receiver.received, __ATOMIC_ACQUIRE) == before) {
        if (time_now_ns() > until)
            return false;
        thread_yield();
    }
    return true;
}

static bool bytes_are(u64 address, u64 size, u8 value)
{
    const volatile u8 *bytes = (const volatile u8 *)(uintptr_t)address;

    for (u64 i = 0; i < size; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

static enum status start_receiver(u64 stack, u64 buffer, struct thread_facts *facts)
{
    receiver.received = 0;
    receiver.done = 0;
    return kthread_create(start_self(), (u64)(uintptr_t)receive_in_registers, stack + STACK - 8,
                          address_of(&receiver), 0, false, (void *)(uintptr_t)buffer, facts);
}

static void end_receiver(const struct thread_facts *facts)
{
    struct message message = MESSAGE_INIT(END);

    CHECK_OK(ipc_send(receiver.endpoint, &message, PATIENCE));
    while (__atomic_load_n(&receiver.done, __ATOMIC_ACQUIRE) == 0)
        CHECK_IN(futex_wait(&receiver.done, 0, PATIENCE), SET(OK) | SET(WOULD_BLOCK));
    CHECK_OK(cap_close(facts->thread.cap));
}

/* Unmapped with another memory in its place, revoked, and its object closed. */
BOOT_TEST(pinned, a_buffer_that_is_taken_away)
{
    struct thread_facts facts;
    memory_t memory;
    memory_t other;
    u64 stack;
    u64 place;
    u64 window = 0;

    CHECK_OK(make_endpoint(0, &receiver.endpoint));
    CHECK_OK(make_mapping(STACK, MAP_READ | MAP_WRITE, &stack, NULL));
    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &place, &memory));
    CHECK_OK(memory_map(memory, 0, PAGE_SIZE, MAP_READ, &window));
    CHECK_OK(start_receiver(stack, place + OFFSET, &facts));
    CHECK(send_bytes(1) && bytes_are(window + OFFSET, MESSAGE_MAX_INLINE, 1));

    CHECK_OK(memory_unmap(place, PAGE_SIZE));
    CHECK_OK(memory_create(attack.group, PAGE_SIZE, 0, &other));
    CHECK_OK(memory_map(other, 0, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_FIXED, &place));
    memset((void *)(uintptr_t)place, FOREIGN, PAGE_SIZE);
    CHECK(send_bytes(2) && bytes_are(window + OFFSET, MESSAGE_MAX_INLINE, 2));
    CHECK(bytes_are(place, PAGE_SIZE, FOREIGN));

    CHECK_OK(cap_revoke(memory.cap));
    CHECK(send_bytes(3));
    CHECK(bytes_are(place, PAGE_SIZE, FOREIGN));
    window = 0;
    CHECK_OK(memory_map(memory, 0, PAGE_SIZE, MAP_READ, &window));
    CHECK(bytes_are(window + OFFSET, MESSAGE_MAX_INLINE, 3));

    CHECK_OK(memory_unmap(window, PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
    CHECK(send_bytes(4));
    CHECK(bytes_are(place, PAGE_SIZE, FOREIGN));
    end_receiver(&facts);
    CHECK_OK(memory_unmap(place, PAGE_SIZE));
    CHECK_OK(memory_unmap(stack, STACK));
    CHECK_OK(cap_close(other.cap));
    CHECK_OK(cap_close(receiver.endpoint.cap));
}

/* --- two threads, one buffer --- */

/* Receives data and capabilities with two threads that share a buffer, for ever. What they make of
 * it is their affair. */
static u64 receive_and_close(void *argument)
{
    struct message_buffer *buffer = argument;

    for (;;) {
        struct syscall_frame frame = {.number = SYS_receive,
                                      .info = message_info(0, 0, 0, MESSAGE_MAX_CAPS),
                                      .handle = start_cap("endpoint").bits,
                                      .deadline = TIME_NEVER};

        if (ferrous_syscall(&frame) != STATUS_OK)
            return 0;
        for (u32 i = 0; i < info_cap_count(frame.info); i++)
            (void)cap_close(buffer->received_caps[i]);
    }
}

static void receive_as_twin(struct message_buffer *buffer)
{
    (void)receive_and_close(buffer);
    process_exit(2);
}

int role_twin(const char *argument)
{
    struct message_buffer *shared = spare_buffer();
    static _Alignas(16) u64 stacks[2][512];
    struct thread_facts facts;

    (void)argument;
    for (u32 i = 0; i < 2; i++) {
        enum status status = kthread_create(start_self(), (u64)(uintptr_t)receive_as_twin,
                                            address_of(stacks[i]) + sizeof(stacks[i]) - 8,
                                            address_of(shared), 0, false, shared, &facts);

        if (status != STATUS_OK)
            return (int)status;
    }
    for (;;)
        time_sleep_ns(NS_PER_S);
}

BOOT_TEST(pinned, two_threads_share_a_buffer)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    endpoint_t endpoint;
    u64 sent = 0;

    CHECK_OK(make_endpoint(0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_RECEIVE);
    CHECK_OK(start_role(attack.group, "twin", NULL, &cap, 1, &process));
    for (u64 i = 0; i < 10 * options.rounds; i++) {
        struct message message = MESSAGE_INIT(1);
        enum status status;

        message.info |= 256ull << INFO_LENGTH_SHIFT;
        for (u32 j = 0; j < i % (MESSAGE_MAX_CAPS + 1); j++)
            (void)message_put_cap(&message, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
        status = ipc_send(endpoint, &message, PATIENCE);
        /* A handle that one twin overwrites for the other is lost to both: their space may fill. */
        CHECK_IN(status, SET(OK) | SET(NO_SLOT) | SET(GROUP_LIMIT) | SET(NO_MEMORY));
        sent += status == STATUS_OK;
    }
    CHECK(sent > 0);
    CHECK_STATUS(process_poll(process.handle, &record), STATUS_WOULD_BLOCK);
    CHECK_OK(process_kill(process.handle, 0));
    CHECK_OK(end_of(&process, &record));
    CHECK_OK(cap_close(endpoint.cap));
}
