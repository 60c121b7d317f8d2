/* Answers that nobody waits for: twice, too late, from the wrong thread. A call ends exactly once,
 * and both sides agree on how. */
#include "attack.h"

#define ASK MESSAGE_LABEL(0x7265, 1)

static endpoint_t endpoint;

static enum status answer(u64 value)
{
    struct message message = MESSAGE_INIT(ASK);

    message.words[0] = value;
    return ipc_reply(&message);
}

/* Calls until `deadline_ns`; the status, and in *value what came back. */
static enum status ask(u64 deadline_ns, u64 *value)
{
    struct message message = MESSAGE_INIT(ASK);
    enum status status = ipc_call(endpoint, &message, deadline_ns);

    *value = message.words[0];
    return status;
}

/* The answer, or 0 if there was none. */
static u64 ask_once(void *argument)
{
    u64 value;

    (void)argument;
    return ask(PATIENCE, &value) == STATUS_OK ? value : 0;
}

/* Calls once; the exit code is the status. */
int role_call(const char *argument)
{
    struct message message = MESSAGE_INIT(ASK);

    (void)argument;
    return (int)ipc_call((endpoint_t){start_cap("endpoint")}, &message, PATIENCE);
}

/* Answers without having been asked; the exit code is the status. */
int role_reply(const char *argument)
{
    struct message message = MESSAGE_INIT(ASK);

    (void)argument;
    return (int)ipc_reply(&message);
}

BOOT_TEST(replies, the_second_answer_has_nobody)
{
    struct message message;
    struct thread thread;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, ask_once, NULL, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_OK(answer(11));
    for (u32 i = 0; i < 100; i++)
        CHECK_STATUS(answer(22 + i), STATUS_NO_CALLER);
    CHECK_EQ(thread_join(&thread), 11);
    CHECK_STATUS(answer(33), STATUS_NO_CALLER);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(replies, a_killed_caller_gets_none)
{
    struct process_cap cap;

    CHECK_OK(make_endpoint(0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_SEND);
    for (u32 i = 0; i < 10; i++) {
        struct exit_record record;
        struct message message;
        struct process process;

        CHECK_OK(start_role(attack.group, "call", NULL, &cap, 1, &process));
        CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
        CHECK_OK(process_kill(process.handle, 9));
        CHECK_STATUS(answer(1), STATUS_NO_CALLER);
        CHECK_OK(end_of(&process, &record));
        CHECK_EQ(record.reason, EXIT_KILLED);
    }
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 answer_in_vain(void *argument)
{
    (void)argument;
    return answer(66);
}

/* Neither another thread of the server nor another process can answer in its stead, or take the
 * right to answer away. */
BOOT_TEST(replies, only_the_server_thread_answers)
{
    struct exit_record record;
    struct message message;
    struct process process;
    struct thread caller;
    struct thread other;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&caller, ask_once, NULL, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_OK(thread_start(&other, answer_in_vain, NULL, 0));
    CHECK_EQ(thread_join(&other), STATUS_NO_CALLER);
    CHECK_OK(start_role(attack.group, "reply", NULL, NULL, 0, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, STATUS_NO_CALLER);
    CHECK_OK(answer(44));
    CHECK_EQ(thread_join(&caller), 44);
    CHECK_OK(cap_close(endpoint.cap));
}

/* --- the answer and the end of the call meet --- */

struct race {
    u64 rounds;
    u64 answered;
    u64 ended; /* timed out or cancelled */
    u64 wrong;
    u64 delay_ns;
    thread_t self;
    u32 calling; /* the round under way, from 1 */
    bool done;
};

/* Asks with deadlines so near that they pass about when the answer comes. */
static u64 ask_until_late(void *argument)
{
    struct race *race = argument;

    for (u64 i = 1; i <= race->rounds; i++) {
        u64 value;
        enum status status = ask(time_after_ns(race->delay_ns * (1 + i % 8)), &value);

        race->answered += status == STATUS_OK;
        race->ended += status == STATUS_TIMED_OUT;
        race->wrong += (status == STATUS_OK && value != 77) ||
                       (status != STATUS_OK && status != STATUS_TIMED_OUT);
    }
    __atomic_store_n(&race->done, true, __ATOMIC_RELEASE);
    (void)endpoint_signal(endpoint);
    return 0;
}

/* Serves until a signal says that all is over; counts the answers that were taken. */
static u64 serve_slowly(u64 delay_ns, u64 *refused)
{
    struct message message;
    u64 taken = 0;

    while (ipc_receive(endpoint, &message, 0, PATIENCE) == STATUS_OK &&
           message_kind(&message) == MESSAGE_CALL) {
        u64 until = time_after_ns(delay_ns * (taken % 5));
        enum status status;

        while (time_now_ns() < until)
            continue;
        status = answer(77);
        taken += status == STATUS_OK;
        *refused += status == STATUS_NO_CALLER;
    }
    return taken;
}

/* What the server thinks it answered is what the client got. */
BOOT_TEST_FLAGS(replies, answer_races_with_the_deadline, TEST_SMP)
{
    static struct race race;
    struct thread thread;
    u64 refused = 0;
    u64 taken;

    race = (struct race){.rounds = 10 * options.rounds, .delay_ns = 20 * NS_PER_US};
    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(start_on(1, &thread, ask_until_late, &race));
    taken = serve_slowly(20 * NS_PER_US, &refused);
    (void)thread_join(&thread);
    CHECK_EQ(race.wrong, 0);
    CHECK_EQ(race.answered, taken);
    CHECK_EQ(race.answered + race.ended, race.rounds);
    CHECK(refused <= race.ended);
    CHECK_OK(cap_close(endpoint.cap));
}

static u64 ask_and_be_cancelled(void *argument)
{
    struct race *race = argument;

    race->self = thread_self();
    for (u64 i = 1; i <= race->rounds; i++) {
        u64 value;
        enum status status;

        __atomic_store_n(&race->calling, (u32)i, __ATOMIC_RELEASE);
        status = ask(PATIENCE, &value);
        race->answered += status == STATUS_OK;
        race->ended += status == STATUS_CANCELLED;
        race->wrong += (status == STATUS_OK && value != 77) ||
                       (status != STATUS_OK && status != STATUS_CANCELLED);
    }
    __atomic_store_n(&race->done, true, __ATOMIC_RELEASE);
    (void)endpoint_signal(endpoint);
    return 0;
}

/* Cancels each round's call once, at some time. */
static u64 cancel_calls(void *argument)
{
    struct race *race = argument;
    struct dice dice = dice_for(7);
    u64 cancelled = 0;

    while (!__atomic_load_n(&race->done, __ATOMIC_ACQUIRE)) {
        u64 until = time_after_ns(dice_below(&dice, 60 * NS_PER_US));

        while (time_now_ns() < until)
            continue;
        if (__atomic_load_n(&race->calling, __ATOMIC_ACQUIRE) != 0)
            cancelled += kthread_cancel(race->self) == STATUS_OK;
    }
    return cancelled;
}

BOOT_TEST_FLAGS(replies, answer_races_with_cancel, TEST_SMP)
{
    static struct race race;
    struct thread canceller;
    struct thread caller;
    u64 refused = 0;
    u64 cancelled;
    u64 taken;

    race = (struct race){.rounds = 5 * options.rounds};
    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(start_on(1, &caller, ask_and_be_cancelled, &race));
    CHECK_OK(start_on(2, &canceller, cancel_calls, &race));
    taken = serve_slowly(10 * NS_PER_US, &refused);
    (void)thread_join(&caller);
    cancelled = thread_join(&canceller);
    CHECK_EQ(race.wrong, 0);
    CHECK_EQ(race.answered, taken);
    CHECK_EQ(race.ended, cancelled);
    CHECK_EQ(race.answered + race.ended, race.rounds);
    CHECK_OK(cap_close(endpoint.cap));
}
