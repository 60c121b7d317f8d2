/* Channels, and memory that is handed on whole. */
#include "systest.h"

static void close_end(const struct channel *end)
{
    (void)cap_close(end->send.cap);
    (void)cap_close(end->receive.cap);
}

BOOT_TEST(ipc_channels, each_end_hears_the_other)
{
    struct message message = MESSAGE_INIT(5);
    struct channel a, b;

    CHECK_OK(channel_create(systest.group, 2, 0, &a, &b));
    message.words[0] = 11;
    CHECK_OK(ipc_send(a.send, &message, SOON));
    message.words[0] = 22;
    CHECK_OK(ipc_send(b.send, &message, SOON));
    CHECK_OK(ipc_receive(a.receive, &message, 0, SOON));
    CHECK_EQ(message.words[0], 22);
    CHECK_OK(ipc_receive(b.receive, &message, 0, SOON));
    CHECK_EQ(message.words[0], 11);
    CHECK_STATUS(ipc_poll(a.receive, &message, 0), STATUS_WOULD_BLOCK);
    close_end(&a);
    close_end(&b);
}

BOOT_TEST(ipc_channels, refused_for_what_it_lacks)
{
    struct channel a, b;
    group_t weak;
    group_t full;

    CHECK_OK(make_group(systest.group, GROUP_OBJECTS, 1, &full));
    CHECK_OK(cap_derive_rights(systest.group.cap, ~RIGHT_CREATE_ENDPOINT, &weak.cap));
    CHECK_STATUS(channel_create(weak, 0, 0, &a, &b), STATUS_MISSING_RIGHT);
    CHECK_STATUS(channel_create(full, 0, 0, &a, &b), STATUS_GROUP_LIMIT);
    CHECK_STATUS(channel_create(systest.group, 257, 0, &a, &b), STATUS_BAD_ARGUMENT);
    CHECK_OK(cap_close(weak.cap));
    CHECK_OK(end_group(full));
}

static u64 receive_at(void *argument)
{
    struct message message;

    return ipc_receive(*(endpoint_t *)argument, &message, 0, PATIENCE);
}

BOOT_TEST(ipc_channels, a_closed_end_is_noticed)
{
    static struct channel a, b;
    struct message message = MESSAGE_INIT(1);
    struct thread thread;

    CHECK_OK(channel_create(systest.group, 1, 0, &a, &b));
    CHECK_OK(thread_start(&thread, receive_at, &a.receive, 0));
    time_sleep_ns(2 * NS_PER_MS);
    CHECK_OK(cap_close(b.receive.cap));
    CHECK_EQ(thread_join(&thread), STATUS_PEER_CLOSED);
    CHECK_STATUS(ipc_poll(a.receive, &message, 0), STATUS_PEER_CLOSED);
    CHECK_STATUS(ipc_receive(a.receive, &message, 0, PATIENCE), STATUS_PEER_CLOSED);
    message = MESSAGE_INIT(1);
    CHECK_STATUS(ipc_send(a.send, &message, PATIENCE), STATUS_PEER_CLOSED);
    CHECK_STATUS(ipc_call(a.send, &message, PATIENCE), STATUS_PEER_CLOSED);
    /* What was sent before is still there. */
    CHECK_OK(ipc_send(b.send, &message, SOON));
    CHECK_OK(ipc_receive(a.receive, &message, 0, SOON));
    CHECK_STATUS(ipc_reply_receive(a.receive, &message, 0, PATIENCE), STATUS_PEER_CLOSED);
    close_end(&a);
    (void)cap_close(b.send.cap);
}

BOOT_TEST(ipc_channels, the_other_process_dies)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);
    struct process_cap caps[2];
    struct exit_record record;
    struct process process;
    struct channel a, b;

    CHECK_OK(channel_create(systest.group, 0, 0, &a, &b));
    caps[0] = (struct process_cap){
        .name = "endpoint", .cap = b.receive.cap, .rights = RIGHT_RECEIVE, .mode = CAP_SEND_MOVE};
    caps[1] = (struct process_cap){
        .name = "back", .cap = b.send.cap, .rights = UINT32_MAX, .mode = CAP_SEND_MOVE};
    CHECK_OK(start_role(systest.group, "echo", NULL, caps, 2, &process));
    message.words[0] = 1;
    CHECK_OK(ipc_call(a.send, &message, PATIENCE));
    CHECK_EQ(message.words[0], 2);
    CHECK_STATUS(ipc_poll(a.receive, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_OK(process_kill(process.handle, 3));
    CHECK_STATUS(ipc_receive(a.receive, &message, 0, PATIENCE), STATUS_PEER_CLOSED);
    CHECK_OK(end_of(&process, &record));
    close_end(&a);
}

/* --- pages --- */

#define SIZE (4 * PAGE_SIZE)

/* The sender maps, writes and hands the memory on; the taker is this process as well, so that the
 * sender's address can be tried. */
BOOT_TEST(ipc_channels, memory_is_handed_on_whole)
{
    struct process_cap cap;
    struct exit_record record;
    struct process process;
    struct cap_facts facts;
    memory_t memory;
    u64 address;

    CHECK_OK(make_mapping(SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    *(volatile u64 *)(uintptr_t)address = 0x1234;
    CHECK_OK(cap_inspect(memory.cap, &facts));
    CHECK(!facts.sole);
    /* Taking ends the mapping: nobody else can reach the pages, and the content stays. */
    CHECK_OK(memory_take(memory));
    CHECK_OK(cap_inspect(memory.cap, &facts));
    CHECK(facts.sole);
    CHECK_STATUS(memory_unmap(address, SIZE), STATUS_NOT_FOUND);
    cap = (struct process_cap){
        .name = "memory", .cap = memory.cap, .rights = UINT32_MAX, .mode = CAP_SEND_MOVE};
    CHECK_OK(start_role(systest.group, "take", NULL, &cap, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, 0x34);
}

BOOT_TEST(ipc_channels, a_hold_on_memory_is_noticed)
{
    memory_t memory;
    memory_t child;
    u64 address;
    struct thread_facts thread;

    /* A capability above the one that was handed on. */
    CHECK_OK(memory_create(systest.group, SIZE, 0, &memory));
    CHECK_OK(cap_derive_rights(memory.cap, UINT32_MAX, &child.cap));
    CHECK_STATUS(memory_take(child), STATUS_BUSY);
    CHECK_OK(memory_take(memory));
    CHECK_REVOKED(cap_close(child.cap));
    CHECK_OK(cap_close(memory.cap));

    /* A page under a thread's message buffer. */
    CHECK_OK(make_mapping(SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    CHECK_OK(kthread_create(start_self(), USER_START, USER_START, 0, 0, true,
                            (void *)(uintptr_t)address, &thread));
    CHECK_STATUS(memory_take(memory), STATUS_BUSY);
    CHECK_OK(kthread_kill(thread.thread, 0));
    CHECK_OK(cap_close(thread.thread.cap));
    CHECK_OK(cap_close(memory.cap));
}
