/* Deadlines at the ends of their range, on every call that can wait; and those who make others
 * wait: a client that never takes its reply, a queue that stays full. */
#include "attack.h"

/* A call that waits, and what it would wait for. */
struct waiting {
    const char *name;
    u32 number;
};

static const struct waiting waits[] = {
    {"send", SYS_send}, {"receive", SYS_receive},
    {"call", SYS_call}, {"reply_receive", SYS_reply_receive},
    {"wait", SYS_wait}, {"futex_wait", SYS_futex_wait},
};

#define WAIT_COUNT (sizeof(waits) / sizeof(waits[0]))

static endpoint_t endpoint;
static struct process sleeper;
static u32 word;

static enum status wait_by(const struct waiting *waiting, u64 deadline_ns)
{
    struct syscall_frame frame = {.number = waiting->number, .deadline = deadline_ns};

    if (waiting->number == SYS_wait)
        frame.handle = sleeper.handle.cap.bits;
    else if (waiting->number == SYS_futex_wait)
        frame.words[0] = address_of(&word);
    else
        frame.handle = endpoint.cap.bits;
    return ferrous_syscall(&frame);
}

static bool open_waits(void)
{
    enum status status = make_endpoint(0, &endpoint);

    if (status == STATUS_OK)
        status = start_role(attack.group, "sleep", NULL, NULL, 0, &sleeper);
    if (status != STATUS_OK)
        test_fail(__FILE__, __LINE__, "something to wait for: %s", status_text(status));
    return status == STATUS_OK;
}

static void close_waits(void)
{
    struct exit_record record;

    (void)process_kill(sleeper.handle, 0);
    (void)!end_of(&sleeper, &record);
    (void)cap_close(endpoint.cap);
}

/* Those that are past, or just about to be: each ends with TIMED_OUT, and leaves nobody in a list.
 */
BOOT_TEST(deadlines, past_ones_end_at_once)
{
    if (!open_waits())
        return;
    for (size_t i = 0; i < WAIT_COUNT; i++) {
        u64 deadlines[] = {
            0, 1, 2, time_now_ns() - 1, time_now_ns(), time_after_ns(1), time_after_ns(1000)};

        for (u32 round = 0; round < 10; round++) {
            for (size_t j = 0; j < sizeof(deadlines) / sizeof(deadlines[0]); j++) {
                enum status status = wait_by(&waits[i], deadlines[j]);

                if (status != STATUS_TIMED_OUT)
                    test_fail(__FILE__, __LINE__, "%s until %llu: %s", waits[i].name,
                              (unsigned long long)deadlines[j], status_text(status));
            }
        }
    }
    close_waits();
}

struct far {
    const struct waiting *waiting;
    u64 deadline_ns;
};

static u64 wait_far(void *argument)
{
    const struct far *far = argument;

    return wait_by(far->waiting, far->deadline_ns);
}

/* Cancels as soon as the thread waits. */
static enum status cancel_wait(const struct thread *thread)
{
    u64 until = PATIENCE;
    enum status status;

    do {
        thread_yield();
        status = kthread_cancel(thread->handle);
    } while (status == STATUS_NOT_FOUND && time_now_ns() < until);
    return status;
}

/* The largest numbers are far away, not past: the wait goes on until it is cancelled. */
BOOT_TEST(deadlines, the_largest_are_far_away)
{
    static const u64 deadlines[] = {TIME_NEVER, TIME_NEVER - 1, TIME_NEVER / 2, (1ull << 63) - 1,
                                    1ull << 63};

    if (!open_waits())
        return;
    for (size_t i = 0; i < WAIT_COUNT; i++) {
        for (size_t j = 0; j < sizeof(deadlines) / sizeof(deadlines[0]); j++) {
            struct far far = {&waits[i], deadlines[j]};
            struct thread thread;

            CHECK_OK(thread_start(&thread, wait_far, &far, 0));
            time_sleep_ns(100 * NS_PER_US);
            CHECK_OK(cancel_wait(&thread));
            CHECK_EQ(thread_join(&thread), STATUS_CANCELLED);
        }
    }
    close_waits();
}

/* What is there already is had whatever the deadline says. */
BOOT_TEST(deadlines, a_past_one_does_not_refuse_what_is_there)
{
    struct message message;

    CHECK_OK(make_endpoint(0, &endpoint));
    for (u64 deadline = 0; deadline < 2; deadline++) {
        CHECK_OK(endpoint_signal(endpoint));
        CHECK_OK(ipc_receive(endpoint, &message, 0, deadline));
        CHECK_EQ(message_kind(&message), MESSAGE_SIGNAL);
    }
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(deadlines, of_timers)
{
    struct message message;
    ktimer_t timer;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(timer_create(attack.group, endpoint, &timer));
    for (u64 deadline = 0; deadline < 3; deadline++) {
        CHECK_OK(timer_set(timer, deadline, 0));
        CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    }
    /* Once, and then so late that it never comes; no sum of the two may wrap to a time in the past.
     */
    CHECK_OK(timer_set(timer, 1, UINT64_MAX));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, time_after_ns(5 * NS_PER_MS)),
                 STATUS_TIMED_OUT);
    CHECK_OK(timer_set(timer, TIME_NEVER - 1, UINT64_MAX));
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, time_after_ns(5 * NS_PER_MS)),
                 STATUS_TIMED_OUT);
    CHECK_STATUS(timer_set(timer, 1, 1), STATUS_BAD_ARGUMENT);
    CHECK_OK(cap_close(timer.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

/* --- those who make others wait --- */

static u64 call_once(void *argument)
{
    struct message message = MESSAGE_INIT(1);
    enum status status = ipc_call(endpoint, &message, PATIENCE);

    (void)argument;
    return status == STATUS_OK ? message.words[0] : UINT64_MAX;
}

static enum status answer_next(u64 value)
{
    struct message message;
    enum status status = ipc_receive(endpoint, &message, 0, PATIENCE);

    if (status != STATUS_OK)
        return status;
    message = MESSAGE_INIT(1);
    message.words[0] = value;
    return ipc_reply(&message);
}

/* A client stopped in the middle of its call: the server gets rid of its answer at once and serves
 * the next; the client finds it when it goes on. */
BOOT_TEST(deadlines, a_client_that_does_not_take_its_reply)
{
    struct thread stopped;
    struct thread other;
    struct message message;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&stopped, call_once, NULL, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_OK(kthread_control(stopped.handle, THREAD_SUSPEND, 0));
    message = MESSAGE_INIT(1);
    message.words[0] = 55;
    CHECK_OK(ipc_reply(&message));
    for (u64 i = 0; i < 20; i++) {
        CHECK_OK(thread_start(&other, call_once, NULL, 0));
        CHECK_OK(answer_next(i));
        CHECK_EQ(thread_join(&other), i);
    }
    CHECK_OK(kthread_control(stopped.handle, THREAD_RESUME, 0));
    CHECK_EQ(thread_join(&stopped), 55);
    CHECK_OK(cap_close(endpoint.cap));
}

#define DEPTH 4u

static u64 send_once(void *argument)
{
    struct message message = MESSAGE_INIT(99);

    (void)argument;
    return ipc_send(endpoint, &message, PATIENCE);
}

/* A queue that one fills: it holds what it was made for and no more, who waits comes in turn, and
 * who calls or signals is not kept out by it. */
BOOT_TEST(deadlines, a_full_queue)
{
    struct message message;
    struct thread waiting;
    struct thread caller;
    u64 labels = 0;

    CHECK_OK(make_endpoint(DEPTH, &endpoint));
    for (u32 i = 0; i < 1000; i++) {
        message = MESSAGE_INIT(i);
        message.info |= INFO_NONBLOCK;
        CHECK_STATUS(ipc_send(endpoint, &message, TIME_NEVER), i < DEPTH ? STATUS_OK : STATUS_FULL);
    }
    CHECK_STATUS(ipc_send(endpoint, &message, TIME_NEVER), STATUS_FULL);
    message = MESSAGE_INIT(1);
    CHECK_STATUS(ipc_send(endpoint, &message, SOON), STATUS_TIMED_OUT);
    CHECK_OK(thread_start(&waiting, send_once, NULL, 0));
    CHECK_OK(thread_start(&caller, call_once, NULL, 0));
    CHECK_OK(endpoint_signal(endpoint));
    time_sleep_ns(NS_PER_MS);
    for (u32 i = 0; i < DEPTH + 3; i++) {
        CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
        labels += message_label(&message);
        if (message_kind(&message) == MESSAGE_CALL) {
            message = MESSAGE_INIT(1);
            message.words[0] = 7;
            CHECK_OK(ipc_reply(&message));
        }
    }
    CHECK_EQ(labels, 0 + 1 + 2 + 3 + 99 + 1);
    CHECK_EQ(thread_join(&waiting), STATUS_OK);
    CHECK_EQ(thread_join(&caller), 7);
    CHECK_STATUS(ipc_poll(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_OK(cap_close(endpoint.cap));
}
