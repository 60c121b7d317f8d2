/* Directed programs: capabilities in messages. */
#include "directed.h"

#include "ipc/endpoint.h"
#include "sched/wait.h"

#include <string.h>

/* A child process that receives, and init that sends to it. */
struct pair {
    u64 endpoint;
    struct child child;
};

static struct pair make_pair(struct actor *init)
{
    u64 endpoint = make_endpoint(init, 4, 0);
    struct pair pair = {.endpoint = endpoint, .child = spawn(init, &endpoint, 1)};
    return pair;
}

static void listen(struct pair *pair, u32 accept)
{
    CHECK(
        start(pair->child.main, CALL(receive, pair->child.caps[0],
                                     .info = message_info(0, 0, 0, accept), .deadline = FOREVER)));
    CHECK(is_blocked(pair->child.main));
}

SCENARIO(capabilities_travel_with_messages)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    u64 memory = make_memory(init, PAGE_SIZE), extra = derive(init, memory, ~0ull, 0);
    listen(&pair, 2);
    put_cap(init, 0, memory, RIGHT_READ, CAP_SEND_COPY);
    put_cap(init, 1, extra, RIGHT_READ | RIGHT_WRITE, CAP_SEND_MOVE);
    CHECK_EQ(call(init, CALL(send, pair.endpoint, .info = message_info(1, 0, 2, 0))), STATUS_OK);
    struct actor *main = pair.child.main;
    CHECK_EQ(finish(main), STATUS_OK);
    CHECK_EQ(info_cap_count(result_info(main)), 2);
    CHECK_EQ(result_info(main) & INFO_CAPS_LOST, 0);
    u64 copied = got_cap(main, 0), moved = got_cap(main, 1);
    CHECK_EQ(got_cap(main, 2), 0);
    CHECK_EQ(status_of(main, copied), STATUS_OK);
    CHECK_EQ(result_word(main, 0) >> 32, RIGHT_READ);
    CHECK_EQ(status_of(main, moved), STATUS_OK);
    CHECK_EQ(result_word(main, 0) >> 32, RIGHT_READ | RIGHT_WRITE);
    CHECK_EQ(status_of(init, extra), STATUS_STALE_HANDLE);
    CHECK_EQ(status_of(init, memory), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, memory), STATUS_OK);
    CHECK_EQ(status_of(main, copied), STATUS_REVOKED);
}

SCENARIO(a_receiver_takes_no_more_capabilities_than_it_said)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    u64 memory = make_memory(init, PAGE_SIZE);
    put_cap(init, 0, memory, ~0u, CAP_SEND_COPY);
    put_cap(init, 1, memory, ~0u, CAP_SEND_COPY);
    listen(&pair, 1);
    CHECK_EQ(call(init, CALL(send, pair.endpoint, .info = message_info(1, 0, 2, 0))),
             STATUS_NOT_ACCEPTED);
    CHECK(is_blocked(pair.child.main));
    CHECK_EQ(call(init,
                  CALL(call, pair.endpoint, .info = message_info(1, 0, 2, 0), .deadline = FOREVER)),
             STATUS_NOT_ACCEPTED);
    CHECK_EQ(call(init, CALL(send, pair.endpoint, .info = message_info(1, 0, 1, 0))), STATUS_OK);
    CHECK_EQ(finish(pair.child.main), STATUS_OK);
    CHECK_EQ(info_cap_count(result_info(pair.child.main)), 1);
    /* The sender that waits hears it, too, and the receiver goes on to the next. */
    struct actor *sender = new_thread(init, init_self(), NULL);
    put_cap(sender, 0, memory, ~0u, CAP_SEND_COPY);
    CHECK(start(sender,
                CALL(send, pair.endpoint, .info = message_info(1, 0, 1, 0), .deadline = FOREVER)));
    CHECK(is_blocked(sender));
    CHECK_EQ(call(pair.child.main, CALL(receive, pair.child.caps[0], .info = NO_WAIT)),
             STATUS_WOULD_BLOCK);
    CHECK_EQ(finish(sender), STATUS_NOT_ACCEPTED);
    CHECK_EQ(endpoint_named(init, pair.endpoint)->blocked_sends, 0);
    CHECK(start(sender,
                CALL(call, pair.endpoint, .info = message_info(1, 0, 1, 0), .deadline = FOREVER)));
    CHECK_EQ(call(pair.child.main, CALL(receive, pair.child.caps[0], .info = NO_WAIT)),
             STATUS_WOULD_BLOCK);
    CHECK_EQ(finish(sender), STATUS_NOT_ACCEPTED);
    CHECK_EQ(endpoint_named(init, pair.endpoint)->blocked_sends, 0);
}

SCENARIO(a_reply_brings_no_more_capabilities_than_its_caller_takes)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    struct actor *server = pair.child.main;
    u64 memory = make_memory(init, PAGE_SIZE);
    struct call give = CALL(grant, pair.child.process, W(memory, ~0u, CAP_SEND_COPY));
    CHECK_EQ(call(init, give), STATUS_OK);
    u64 theirs = result_word(init, 0);
    put_cap(server, 0, theirs, ~0u, CAP_SEND_COPY);
    listen(&pair, 0);
    CHECK(start(init, CALL(call, pair.endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(server, CALL(reply, 0, .info = message_info(0, 0, 1, 0))), STATUS_NOT_ACCEPTED);
    CHECK(is_blocked(init)); /* and is still served */
    CHECK_EQ(call(server, CALL(reply_receive, pair.child.caps[0], .info = message_info(0, 0, 1, 0),
                               .deadline = FOREVER)),
             STATUS_NOT_ACCEPTED);
    CHECK(is_blocked(init));
    CHECK_EQ(call(server, CALL(reply, 0)), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_OK);
    listen(&pair, 0);
    CHECK(start(init,
                CALL(call, pair.endpoint, .info = message_info(0, 0, 0, 1), .deadline = FOREVER)));
    CHECK_EQ(finish(server), STATUS_OK);
    CHECK_EQ(call(server, CALL(reply, 0, .info = message_info(0, 0, 1, 0))), STATUS_OK);
    CHECK_EQ(finish(init), STATUS_OK);
    CHECK_EQ(status_of(init, got_cap(init, 0)), STATUS_OK);
}

SCENARIO(a_message_with_one_bad_capability_moves_nothing)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    u64 memory = make_memory(init, PAGE_SIZE), extra = derive(init, memory, ~0ull, 0);
    u32 theirs = pair.child.main->thread->space->used_count;
    listen(&pair, 4);
    struct call send = CALL(send, pair.endpoint, .info = message_info(1, 0, 3, 0));
    put_cap(init, 0, memory, ~0u, CAP_SEND_COPY);
    put_cap(init, 1, extra, ~0u, CAP_SEND_MOVE);
    put_cap(init, 2, 12345, ~0u, CAP_SEND_COPY);
    CHECK_EQ(call(init, send), STATUS_BAD_HANDLE);
    put_cap(init, 2, memory, ~0u, 7);
    CHECK_EQ(call(init, send), STATUS_BAD_ARGUMENT);
    put_cap(init, 2, init_main_thread(), ~0u, CAP_SEND_MOVE);
    CHECK_EQ(call(init, send), STATUS_MISSING_RIGHT);
    CHECK_EQ(pair.child.main->thread->space->used_count, theirs);
    CHECK_EQ(status_of(init, extra), STATUS_OK);
    CHECK(is_blocked(pair.child.main));
    /* The same capability moved twice: the second finds it gone. */
    put_cap(init, 2, extra, ~0u, CAP_SEND_MOVE);
    CHECK_EQ(call(init, send), STATUS_OK);
    CHECK_EQ(finish(pair.child.main), STATUS_OK);
    CHECK(result_info(pair.child.main) & INFO_CAPS_LOST);
    CHECK(got_cap(pair.child.main, 1) != 0 && got_cap(pair.child.main, 2) == 0);
    CHECK_EQ(pair.child.main->thread->space->used_count, theirs + 2);
    CHECK_EQ(pair.child.main->thread->space->reserved, 0);
}

SCENARIO(a_message_that_finds_no_memory_moves_nothing)
{
    struct actor *init = directed_init();
    struct pair pair = make_pair(init);
    u64 memory = make_memory(init, PAGE_SIZE), extra = derive(init, memory, ~0ull, 0);
    u32 theirs = pair.child.main->thread->space->used_count;
    listen(&pair, 4);
    put_cap(init, 0, memory, ~0u, CAP_SEND_COPY);
    put_cap(init, 1, extra, ~0u, CAP_SEND_MOVE);
    put_cap(init, 2, memory, ~0u, CAP_SEND_COPY);
    put_cap(init, 3, memory, ~0u, CAP_SEND_COPY);
    bool failed = true;
    u32 refused = 0;
    for (u64 n = 1; failed && !directed_failed(); n++) {
        fail_allocation(n);
        u64 status = call(init, CALL(send, pair.endpoint, .info = message_info(1, 0, 4, 0)));
        failed = allocation_failed();
        if (status == STATUS_OK)
            break;
        refused++;
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
        CHECK(is_blocked(pair.child.main));
        CHECK_EQ(pair.child.main->thread->space->used_count, theirs);
        CHECK_EQ(pair.child.main->thread->space->reserved, 0);
        CHECK_EQ(status_of(init, extra), STATUS_OK);
    }
    CHECK(refused > 0);
    CHECK_EQ(finish(pair.child.main), STATUS_OK);
    CHECK_EQ(pair.child.main->thread->space->used_count, theirs + 4);
}

/* A group with room for little pays for the receiver's space. */
SCENARIO(a_receiver_that_can_pay_for_no_capability_gets_none)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), memory = make_memory(init, PAGE_SIZE);
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    struct spawn_plan plan = sound_plan();
    plan.cap_count = 1;
    plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_COPY};
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    struct pair pair = {.endpoint = endpoint, .child = child_of(init)};
    struct call full = CALL(group_control, group, W(GROUP_SET_LIMIT, GROUP_KERNEL_BYTES, 0));
    CHECK_EQ(call(init, full), STATUS_OK);
    listen(&pair, 4);
    u64 extra = derive(init, memory, ~0ull, 0);
    put_cap(init, 0, extra, ~0u, CAP_SEND_MOVE);
    struct call send = CALL(send, endpoint, .info = message_info(1, 0, 1, 0));
    CHECK_EQ(call(init, send), STATUS_GROUP_LIMIT);
    put_cap(init, 0, memory, ~0u, CAP_SEND_COPY);
    CHECK_EQ(call(init, send), STATUS_GROUP_LIMIT);
    CHECK_EQ(status_of(init, extra), STATUS_OK);
    CHECK_EQ(call(init, CALL(send, endpoint)), STATUS_OK);
}

SCENARIO(messages_out_of_bounds_are_refused)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 4, 0);
    static const u64 bad[] = {(u64)257 << INFO_LENGTH_SHIFT, (u64)4095 << INFO_LENGTH_SHIFT,
                              (u64)5 << INFO_CAPS_SHIFT, (u64)5 << INFO_ACCEPT_SHIFT};
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_EQ(call(init, CALL(send, endpoint, .info = bad[i])), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(call, endpoint, .info = bad[i])), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(receive, endpoint, .info = bad[i])), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(reply, 0, .info = bad[i])), STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(reply_receive, endpoint, .info = bad[i])), STATUS_BAD_ARGUMENT);
    }
    CHECK_EQ(call(init, CALL(send, endpoint, .info = (u64)256 << INFO_LENGTH_SHIFT)), STATUS_OK);
    CHECK_EQ(call(init, CALL(create_endpoint, init_cap(INIT_CAP_GROUP), W(257, 0))),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(create_endpoint, init_cap(INIT_CAP_GROUP), W(1ull << 32, 0))),
             STATUS_BAD_ARGUMENT);
    CHECK(make_endpoint(init, 256, 0) != 0);
}

/* Whoever pays for the receiver pays for what it got, and for nothing that did not come. */
SCENARIO(a_move_that_fails_is_not_paid_for)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    u64 endpoint = make_endpoint(init, 0, 0), extra = derive(init, endpoint, ~0ull, 0);
    struct spawn_plan plan = sound_plan();
    plan.cap_count = 1;
    plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_COPY};
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    struct pair pair = {.endpoint = endpoint, .child = child_of(init)};
    listen(&pair, 4);
    put_cap(init, 0, extra, ~0u, CAP_SEND_MOVE);
    put_cap(init, 1, extra, ~0u, CAP_SEND_MOVE);
    CHECK_EQ(call(init, CALL(send, endpoint, .info = message_info(1, 0, 2, 0))), STATUS_OK);
    CHECK_EQ(finish(pair.child.main), STATUS_OK);
    CHECK(result_info(pair.child.main) & INFO_CAPS_LOST);
    CHECK_EQ(call(init, CALL(kill, pair.child.process)), STATUS_OK);
    pass_time(20000000);
    CHECK_EQ(status_of_close(init, pair.child.process), STATUS_OK);
    CHECK_EQ(status_of_close(init, pair.child.thread), STATUS_OK);
    pass_time(20000000);
    struct group_usage usage;
    CHECK_EQ(call(init, CALL(group_info, group, W(scratch(init, 2)))), STATUS_OK);
    peek(init, scratch(init, 2), &usage, sizeof(usage));
    CHECK_EQ(usage.used[GROUP_KERNEL_BYTES], 0);
}
