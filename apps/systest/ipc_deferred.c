/* Deferred replies, adoption, and deadlines that go along with calls. */
#include "systest.h"

#include "ferrous/lock.h"
#include "lib/format.h"

#define ASK MESSAGE_LABEL(0x7e57, 20)

static endpoint_t endpoint;

/* What a caller in a thread of its own got. */
struct asked {
    struct thread thread;
    u64 deadline_ns;
    u64 number; /* sent in word 0 */
    struct message answer;
    cap_t cap;
    u8 byte;
};

static u64 ask(void *argument)
{
    struct asked *asked = argument;
    enum status status;

    asked->answer = MESSAGE_INIT(ASK);
    asked->answer.words[0] = asked->number;
    message_accept(&asked->answer, 1);
    status = ipc_call(endpoint, &asked->answer, asked->deadline_ns);
    if (status == STATUS_OK) {
        asked->cap = message_take_cap(&asked->answer, 0);
        asked->byte = *(const u8 *)message_data();
    }
    return status;
}

/* Starts a caller and takes its call; then defers it at `group`'s expense. */
static enum status take(struct asked *asked, u64 deadline_ns)
{
    struct message message;
    enum status status;

    asked->deadline_ns = deadline_ns;
    asked->cap = CAP_NULL;
    status = thread_start(&asked->thread, ask, asked, 0);
    if (status == STATUS_OK)
        status = ipc_receive(endpoint, &message, 0, PATIENCE);
    return status;
}

static enum status take_and_defer(struct asked *asked, u64 deadline_ns, reply_t *reply)
{
    enum status status = take(asked, deadline_ns);

    return status == STATUS_OK ? ipc_defer(systest.group, reply) : status;
}

/* The answer without the closing of a useless capability. */
static enum status answer(reply_t reply, u64 label)
{
    struct message message = MESSAGE_INIT((u32)label);

    return ipc_enter(SYS_reply, (endpoint_t){reply.cap}, &message, TIME_NEVER);
}

BOOT_TEST(ipc_deferred, answered_in_another_order)
{
    struct message message = MESSAGE_INIT(ASK);
    struct asked asked[3];
    reply_t replies[3];
    u8 byte;

    CHECK_OK(make_endpoint(0, &endpoint));
    for (u64 i = 0; i < 3; i++) {
        asked[i].number = i;
        CHECK_OK(take_and_defer(&asked[i], PATIENCE, &replies[i]));
        CHECK_STATUS(ipc_reply(&message), STATUS_NO_CALLER);
    }
    for (u64 i = 3; i-- > 0;) {
        message = MESSAGE_INIT(ASK);
        message.words[0] = i * 100;
        message.words[7] = ~i;
        byte = (u8)(0x40 + i);
        message_put_data(&message, &byte, 1);
        (void)message_put_cap(&message, endpoint.cap, RIGHT_SIGNAL, CAP_SEND_COPY);
        CHECK_OK(ipc_reply_to(replies[i], &message));
        CHECK_EQ(thread_join(&asked[i].thread), STATUS_OK);
        CHECK_EQ(message_kind(&asked[i].answer), MESSAGE_REPLY);
        CHECK_EQ(asked[i].answer.words[0], i * 100);
        CHECK_EQ(asked[i].answer.words[7], ~i);
        CHECK_EQ(asked[i].byte, 0x40 + i);
        CHECK_OK(endpoint_signal((endpoint_t){asked[i].cap}));
        CHECK_OK(cap_close(asked[i].cap));
    }
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_deferred, used_once)
{
    struct asked asked;
    reply_t reply;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(take_and_defer(&asked, PATIENCE, &reply));
    CHECK_STATUS(answer(reply, MESSAGE_MAX_INLINE), STATUS_OK);
    CHECK_EQ(thread_join(&asked.thread), STATUS_OK);
    CHECK_STATUS(answer(reply, 1), STATUS_STALE_HANDLE);
    CHECK_STATUS(ipc_adopt(reply), STATUS_STALE_HANDLE);
    CHECK_STATUS(cap_close(reply.cap), STATUS_STALE_HANDLE);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_deferred, refused_for_what_it_lacks)
{
    struct asked asked;
    struct cap_facts facts;
    group_t weak;
    group_t full;
    reply_t reply;
    cap_t copy;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_group(systest.group, GROUP_KERNEL_BYTES, 0, &full));
    CHECK_OK(cap_derive_rights(systest.group.cap, ~RIGHT_CREATE_ENDPOINT, &weak.cap));
    CHECK_STATUS(ipc_defer(systest.group, &reply), STATUS_NO_CALLER);
    CHECK_OK(take(&asked, PATIENCE));
    CHECK_STATUS(ipc_defer((group_t){CAP_NULL}, &reply), STATUS_BAD_HANDLE);
    CHECK_STATUS(ipc_defer((group_t){endpoint.cap}, &reply), STATUS_WRONG_TYPE);
    CHECK_STATUS(ipc_defer(weak, &reply), STATUS_MISSING_RIGHT);
    CHECK_STATUS(ipc_defer(full, &reply), STATUS_GROUP_LIMIT);
    CHECK_OK(ipc_defer(systest.group, &reply));
    CHECK_OK(cap_inspect(reply.cap, &facts));
    CHECK_EQ(facts.type, OBJECT_REPLY);
    CHECK(facts.sole);
    CHECK_STATUS(answer((reply_t){endpoint.cap}, 1), STATUS_WRONG_TYPE);
    CHECK_STATUS(ipc_adopt((reply_t){endpoint.cap}), STATUS_WRONG_TYPE);
    CHECK_STATUS(answer((reply_t){{reply.cap.bits ^ 1ull << 40}}, 1), STATUS_BAD_HANDLE);
    CHECK_STATUS(ipc_adopt((reply_t){{reply.cap.bits ^ 1ull << 40}}), STATUS_BAD_HANDLE);
    CHECK_STATUS(cap_derive_rights(reply.cap, UINT32_MAX, &copy), STATUS_SEALED);
    CHECK_STATUS(cap_grant(start_self(), reply.cap, UINT32_MAX, CAP_SEND_COPY, &copy),
                 STATUS_SEALED);
    CHECK_STATUS(cap_grant(start_self(), reply.cap, RIGHT_TRANSFER, CAP_SEND_MOVE, &copy),
                 STATUS_OK);
    CHECK_STATUS(answer((reply_t){copy}, 1), STATUS_MISSING_RIGHT);
    CHECK_STATUS(ipc_adopt((reply_t){copy}), STATUS_MISSING_RIGHT);
    CHECK_OK(cap_close(copy));
    CHECK_EQ(thread_join(&asked.thread), STATUS_REPLY_DROPPED);
    CHECK_OK(cap_close(weak.cap));
    CHECK_OK(end_group(full));
    CHECK_OK(cap_close(endpoint.cap));
}

/* Another process answers, if it was given the capability; a number is not enough. */
BOOT_TEST(ipc_deferred, another_process_answers)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    struct asked asked;
    char number[24];
    reply_t reply;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(take_and_defer(&asked, PATIENCE, &reply));
    (void)format_to(number, sizeof(number), "%llu", (unsigned long long)reply.cap.bits);
    CHECK_OK(start_role(systest.group, "answer", number, NULL, 0, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK(record.code == STATUS_BAD_HANDLE || record.code == STATUS_STALE_HANDLE ||
          record.code == STATUS_WRONG_TYPE);
    cap = (struct process_cap){
        .name = "reply", .cap = reply.cap, .rights = UINT32_MAX, .mode = CAP_SEND_MOVE};
    CHECK_OK(start_role(systest.group, "answer", "0", &cap, 1, &process));
    CHECK_EQ(thread_join(&asked.thread), STATUS_OK);
    CHECK_EQ(message_label(&asked.answer), 77);
    CHECK_STATUS(answer(reply, 1), STATUS_STALE_HANDLE);
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, STATUS_OK);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_deferred, dropped_dead_and_destroyed)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    struct asked asked;
    group_t group;
    reply_t reply;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(take_and_defer(&asked, PATIENCE, &reply));
    CHECK_OK(cap_close(reply.cap));
    CHECK_EQ(thread_join(&asked.thread), STATUS_REPLY_DROPPED);

    CHECK_OK(take_and_defer(&asked, PATIENCE, &reply));
    cap = (struct process_cap){
        .name = "reply", .cap = reply.cap, .rights = UINT32_MAX, .mode = CAP_SEND_MOVE};
    CHECK_OK(start_role(systest.group, "sleep", NULL, &cap, 1, &process));
    CHECK_OK(process_kill(process.handle, 1));
    CHECK_EQ(thread_join(&asked.thread), STATUS_SERVER_DIED);
    CHECK_OK(end_of(&process, &record));

    CHECK_OK(make_group(systest.group, GROUP_THREADS, 10, &group));
    CHECK_OK(take(&asked, PATIENCE));
    CHECK_OK(ipc_defer(group, &reply));
    CHECK_OK(end_group(group));
    CHECK_EQ(thread_join(&asked.thread), STATUS_REPLY_DROPPED);
    CHECK_REVOKED(answer(reply, 1));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(ipc_deferred, the_caller_leaves)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    struct message message;
    struct asked asked;
    reply_t reply;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(take_and_defer(&asked, SOON, &reply));
    CHECK_EQ(thread_join(&asked.thread), STATUS_TIMED_OUT);
    CHECK_STATUS(ipc_adopt(reply), STATUS_NO_CALLER);
    CHECK_STATUS(answer(reply, 1), STATUS_NO_CALLER);
    CHECK_OK(cap_close(reply.cap));

    CHECK_OK(take_and_defer(&asked, PATIENCE, &reply));
    CHECK_OK(kthread_cancel(asked.thread.handle));
    CHECK_EQ(thread_join(&asked.thread), STATUS_CANCELLED);
    CHECK_STATUS(answer(reply, 1), STATUS_NO_CALLER);
    CHECK_OK(cap_close(reply.cap));

    cap = GIVE("endpoint", endpoint, RIGHT_SEND);
    CHECK_OK(start_role(systest.group, "call", NULL, &cap, 1, &process));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_OK(ipc_defer(systest.group, &reply));
    CHECK_OK(process_kill(process.handle, 1));
    CHECK_OK(end_of(&process, &record));
    CHECK_STATUS(ipc_adopt(reply), STATUS_NO_CALLER);
    CHECK_STATUS(answer(reply, 1), STATUS_NO_CALLER);
    CHECK_OK(cap_close(reply.cap));

    /* Revoked: the caller's capability, so that its call ends. */
    CHECK_OK(take_and_defer(&asked, PATIENCE, &reply));
    CHECK_OK(ipc_adopt(reply));
    CHECK_OK(cap_close(endpoint.cap));
    CHECK_EQ(thread_join(&asked.thread), STATUS_PEER_CLOSED);
    CHECK_STATUS(answer(reply, 1), STATUS_NO_CALLER);
    CHECK_OK(cap_close(reply.cap));
}

static u64 adopt_and_let_go(void *argument)
{
    return ipc_adopt(*(reply_t *)argument);
}

BOOT_TEST(ipc_deferred, one_thread_adopts)
{
    static reply_t reply;
    struct message message = MESSAGE_INIT(88);
    struct asked first;
    struct asked second;
    struct thread thread;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(take_and_defer(&first, PATIENCE, &reply));
    CHECK_OK(ipc_adopt(reply));
    CHECK_STATUS(ipc_defer(systest.group, &reply), STATUS_BUSY);
    CHECK_OK(thread_start(&thread, adopt_and_let_go, &reply, 0));
    CHECK_EQ(thread_join(&thread), STATUS_BUSY);
    /* Nothing, another, or a receive takes its place. */
    CHECK_OK(ipc_adopt((reply_t){CAP_NULL}));
    CHECK_OK(thread_start(&thread, adopt_and_let_go, &reply, 0));
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    CHECK_OK(ipc_adopt(reply));
    CHECK_STATUS(ipc_poll(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_OK(thread_start(&thread, adopt_and_let_go, &reply, 0));
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    /* Who serves a call as it came must answer that first. */
    CHECK_OK(take(&second, PATIENCE));
    CHECK_STATUS(ipc_adopt(reply), STATUS_BUSY);
    message = MESSAGE_INIT(1);
    CHECK_OK(ipc_reply(&message));
    CHECK_EQ(thread_join(&second.thread), STATUS_OK);
    CHECK_OK(ipc_adopt(reply));
    message = MESSAGE_INIT(88);
    CHECK_OK(ipc_reply(&message));
    CHECK_EQ(thread_join(&first.thread), STATUS_OK);
    CHECK_EQ(message_label(&first.answer), 88);
    CHECK_STATUS(answer(reply, 1), STATUS_NO_CALLER);
    CHECK_OK(cap_close(reply.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

/* Threads answer the same call at once, again and again: each call has one answer. */
static reply_t contested;
static volatile u32 round_number;

static u64 answer_each_round(void *argument)
{
    u64 wins = 0;

    (void)argument;
    for (u32 round = 1; round <= 200; round++) {
        while (round_number < round)
            thread_yield();
        wins += answer(contested, 1) == STATUS_OK;
    }
    return wins;
}

BOOT_TEST(ipc_deferred, of_two_answers_one_counts)
{
    struct thread rival;
    struct asked asked;
    u64 wins = 0;

    CHECK_OK(make_endpoint(0, &endpoint));
    round_number = 0;
    CHECK_OK(thread_start(&rival, answer_each_round, NULL, 0));
    for (u32 round = 1; round <= 200; round++) {
        CHECK_OK(take_and_defer(&asked, PATIENCE, &contested));
        if (round % 2) {
            /* A rival who is late for the last round may be early for this one. */
            enum status status = ipc_adopt(contested);

            CHECK(status == STATUS_OK || status == STATUS_NO_CALLER);
        }
        round_number = round;
        wins += answer(contested, 2) == STATUS_OK;
        CHECK_EQ(thread_join(&asked.thread), STATUS_OK);
    }
    CHECK_EQ(wins + thread_join(&rival), 200);
    CHECK_OK(cap_close(endpoint.cap));
}

/* A server's own waits end when its caller's patience does. */
BOOT_TEST(ipc_deferred, waits_inherit_the_deadline)
{
    struct message message = MESSAGE_INIT(1);
    struct asked asked;
    endpoint_t nobody;
    reply_t reply;
    u32 word = 0;
    u64 before;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_endpoint(0, &nobody));
    before = time_now_ns();
    CHECK_OK(take(&asked, time_after_ns(20 * NS_PER_MS)));
    CHECK_STATUS(ipc_call(nobody, &message, SOON), STATUS_TIMED_OUT);
    CHECK_STATUS(ipc_call(nobody, &message, PATIENCE), STATUS_TIMED_OUT);
    CHECK(time_now_ns() - before < PATIENCE_NS / 2);
    CHECK_EQ(thread_join(&asked.thread), STATUS_TIMED_OUT);
    before = time_now_ns();
    CHECK_OK(take_and_defer(&asked, time_after_ns(20 * NS_PER_MS), &reply));
    CHECK_OK(ipc_adopt(reply));
    CHECK_STATUS(futex_wait(&word, 0, PATIENCE), STATUS_TIMED_OUT);
    CHECK(time_now_ns() - before < PATIENCE_NS / 2);
    CHECK_EQ(thread_join(&asked.thread), STATUS_TIMED_OUT);
    CHECK_OK(cap_close(reply.cap));
    CHECK_OK(cap_close(nobody.cap));
    CHECK_OK(cap_close(endpoint.cap));
}
