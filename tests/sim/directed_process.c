/* Directed programs: processes and threads. */
#include "directed.h"

#include "proc/process.h"
#include "program.h"
#include "sched/wait.h"

#include <string.h>

#define FREE_PLACE 0x30000000ull

static u64 exit_reason(struct actor *init, u64 process)
{
    CHECK_EQ(call(init, CALL(wait, process, .deadline = FOREVER)), STATUS_OK);
    return (u32)result_word(init, 0);
}

SCENARIO(a_process_starts_with_what_its_plan_says)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 4, 0), memory = make_memory(init, 2 * PAGE_SIZE);
    u64 extra = derive(init, endpoint, ~0ull, 0), mark = 0x5eed;
    struct call map = CALL(map, memory, W(0, FREE_PLACE, 0, 2 * PAGE_SIZE, MAP_READ | MAP_WRITE));
    CHECK_EQ(call(init, map), STATUS_OK);
    CHECK(touch(init, FREE_PLACE + PAGE_SIZE, ACCESS_WRITE));
    poke(init, FREE_PLACE + PAGE_SIZE, &mark, sizeof(mark));
    poke(init, scratch(init, 2), "one\0two", 8);
    struct spawn_plan plan = sound_plan();
    plan.segment_count = 3;
    plan.segments[1] = (struct spawn_segment){.memory = {memory},
                                              .memory_offset = PAGE_SIZE,
                                              .address = FREE_PLACE,
                                              .size_bytes = PAGE_SIZE,
                                              .map_flags = MAP_READ | MAP_WRITE};
    plan.segments[2] = (struct spawn_segment){.memory = {memory},
                                              .memory_offset = PAGE_SIZE,
                                              .address = 2 * FREE_PLACE,
                                              .size_bytes = PAGE_SIZE,
                                              .map_flags = MAP_READ | MAP_WRITE | MAP_PRIVATE};
    plan.cap_count = 3;
    plan.caps[0] = (struct spawn_cap){
        .cap = {endpoint}, .rights = RIGHT_SEND | RIGHT_MINT, .mode = CAP_SEND_COPY, .badge = 17};
    plan.caps[1] = (struct spawn_cap){.cap = {extra}, .rights = ~0u, .mode = CAP_SEND_MOVE};
    plan.caps[2] = (struct spawn_cap){.cap = {memory}, .rights = RIGHT_READ, .mode = 1};
    plan.arguments = scratch(init, 2);
    plan.arguments_size = 8;
    plan.load_base = 0x1234000;
    CHECK_EQ(status_of_spawn(init, init_cap(INIT_CAP_GROUP), &plan), STATUS_OK);
    struct child child = child_of(init);
    struct start_info info;
    peek(child.main, child.main->thread->context.argument, &info, sizeof(info));
    CHECK_EQ(info.load_base, 0x1234000);
    CHECK_EQ(info.arguments_size, 8);
    CHECK(memcmp(info.arguments, "one\0two", 8) == 0);
    CHECK_EQ(info.cap_count, 3);
    CHECK_EQ(info.stack_top, child.main->thread->context.sp);
    CHECK_EQ(child.main->thread->context.pc, plan.entry);
    u64 seen = 0;
    for (u32 i = 1; i <= 2; i++) {
        CHECK(touch(child.main, i * FREE_PLACE, ACCESS_READ));
        peek(child.main, i * FREE_PLACE, &seen, sizeof(seen));
        CHECK_EQ(seen, mark);
    }
    CHECK_EQ(status_of(init, extra), STATUS_STALE_HANDLE);
    CHECK_EQ(status_of(child.main, child.caps[0]), STATUS_OK);
    CHECK_EQ(result_word(child.main, 0) >> 32, RIGHT_SEND | RIGHT_MINT);
    CHECK_EQ(result_word(child.main, 1), 17);
    CHECK_EQ(status_of_derive(child.main, child.caps[0], ~0ull, 5), STATUS_MISSING_RIGHT);
    CHECK_EQ(status_of(child.main, child.caps[1]), STATUS_OK);
    CHECK_EQ(result_word(child.main, 0) >> 32, RIGHTS_ENDPOINT | RIGHTS_COMMON);
    CHECK_EQ(status_of(child.main, child.caps[2]), STATUS_OK);
    CHECK_EQ(result_word(child.main, 0) >> 32, RIGHT_READ);
    /* Its own capability lets it manage itself, and stays with it. */
    CHECK_EQ(status_of_derive(child.main, child.self, ~0ull, 0), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(child.main, CALL(kill, child.self)), STATUS_MISSING_RIGHT);
    CHECK(new_thread(child.main, child.self, NULL) != NULL);
}

/* A plan with one thing wrong makes nothing. */
SCENARIO(a_plan_that_is_not_sound_is_refused)
{
    struct actor *init = directed_init();
    u64 group = init_cap(INIT_CAP_GROUP);
    u64 endpoint = make_endpoint(init, 0, 0), memory = make_memory(init, 2 * PAGE_SIZE);
    u64 mute = derive(init, endpoint, ~(u64)RIGHT_SEND, 0);
    u64 badged = derive(init, endpoint, ~0ull, 3);
    u64 unminted = derive(init, endpoint, ~(u64)RIGHT_MINT, 0);
    u64 readable = derive(init, memory, RIGHT_READ, 0);
    u64 stuck = derive(init, endpoint, ~(u64)RIGHT_TRANSFER, 0);
    for (u32 i = 0; i < 22; i++) {
        struct spawn_plan plan = sound_plan();
        enum status status = STATUS_BAD_ARGUMENT;
        plan.cap_count = 1;
        plan.caps[0] = (struct spawn_cap){.cap = {endpoint}, .rights = ~0u, .mode = CAP_SEND_COPY};
        struct spawn_segment *segment = &plan.segments[plan.segment_count++];
        *segment = (struct spawn_segment){.memory = {memory},
                                          .address = FREE_PLACE,
                                          .size_bytes = PAGE_SIZE,
                                          .map_flags = MAP_READ};
        switch (i) {
        case 0:
            memset(plan.name, 'x', sizeof(plan.name));
            break;
        case 1:
            plan.entry = USER_START - 1;
            break;
        case 2:
            plan.entry = USER_END;
            break;
        case 3:
            plan.stack_size_bytes = 100;
            break;
        case 4:
            plan.stack_size_bytes = (64ull << 20) + PAGE_SIZE;
            break;
        case 5:
            plan.arguments_size = START_ARGUMENTS_SIZE + 1;
            break;
        case 6:
            plan.segment_count = SPAWN_MAX_SEGMENTS + 1;
            break;
        case 7:
            plan.cap_count = SPAWN_MAX_CAPS + 1;
            break;
        case 8:
            plan.flags = 2;
            break;
        case 9:
            segment->address = 0;
            break;
        case 10:
            segment->size_bytes = 8;
            break;
        case 11:
            segment->memory_offset = 8;
            break;
        case 12:
            segment->memory_offset = 3 * PAGE_SIZE;
            break;
        case 13:
            segment->memory_offset = 2 * PAGE_SIZE;
            break;
        case 14:
            segment->memory.bits = readable;
            segment->map_flags = MAP_READ | MAP_WRITE;
            status = STATUS_MISSING_RIGHT;
            break;
        case 15:
            plan.fault_endpoint.bits = mute;
            status = STATUS_MISSING_RIGHT;
            break;
        case 16:
            plan.arguments = USER_END;
            plan.arguments_size = 8;
            status = STATUS_BAD_ADDRESS;
            break;
        case 17:
            plan.caps[0].mode = CAP_SEND_MOVE;
            plan.caps[0].badge = 9;
            break;
        case 18:
            plan.caps[0].cap.bits = badged;
            plan.caps[0].badge = 9;
            status = STATUS_MISSING_RIGHT;
            break;
        case 19:
            plan.caps[0].cap.bits = unminted;
            plan.caps[0].badge = 9;
            status = STATUS_MISSING_RIGHT;
            break;
        case 20:
            plan.caps[0].cap.bits = stuck;
            status = STATUS_MISSING_RIGHT;
            break;
        default:
            plan.caps[0].cap.bits = 777;
            status = STATUS_BAD_HANDLE;
            break;
        }
        u32 used = init->thread->space->used_count;
        CHECK_EQ(status_of_spawn(init, group, &plan), status);
        CHECK_EQ(init->thread->space->used_count, used);
    }
    struct spawn_plan plan = sound_plan();
    u64 weak = derive(init, group, ~(u64)RIGHT_SPAWN, 0);
    CHECK_EQ(status_of_spawn(init, weak, &plan), STATUS_MISSING_RIGHT);
    CHECK_EQ(status_of_spawn(init, endpoint, &plan), STATUS_WRONG_TYPE);
    plan.stack_size_bytes = 64ull << 20;
    plan.arguments_size = 0;
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
}

SCENARIO(a_spawn_without_memory_makes_nothing)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), memory = make_memory(init, PAGE_SIZE);
    u64 extra = derive(init, endpoint, ~0ull, 0);
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    u64 nodes, objects = object_count(OBJECT_PROCESS);
    struct spawn_plan plan = sound_plan();
    struct group_usage usage;
    plan.fault_endpoint.bits = endpoint;
    plan.cap_count = 2;
    plan.caps[0] = (struct spawn_cap){.cap = {memory}, .rights = ~0u, .mode = CAP_SEND_COPY};
    plan.caps[1] = (struct spawn_cap){.cap = {extra}, .rights = ~0u, .mode = CAP_SEND_MOVE};
    pass_time(20000000);
    nodes = cap_node_count();
    bool failed = true;
    u32 refused = 0;
    for (u64 n = 1; failed && !directed_failed(); n++) {
        poke(init, scratch(init, 0), &plan, sizeof(plan));
        fail_allocation(n);
        u64 status = call(init, CALL(spawn, group, W(scratch(init, 0))));
        failed = allocation_failed();
        if (status == STATUS_OK)
            break;
        refused++;
        CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
        CHECK_EQ(status_of(init, extra), STATUS_OK);
        pass_time(50000000);
        CHECK_EQ(cap_node_count(), nodes);
        CHECK_EQ(object_count(OBJECT_PROCESS), objects);
        CHECK_EQ(call(init, CALL(group_info, group, W(scratch(init, 2)))), STATUS_OK);
        peek(init, scratch(init, 2), &usage, sizeof(usage));
        for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++)
            CHECK_EQ(usage.used[i], 0);
    }
    CHECK(refused > 5);
}

SCENARIO(a_held_process_does_not_run_before_it_is_started)
{
    struct actor *init = directed_init();
    struct spawn_plan plan = sound_plan();
    plan.flags = SPAWN_HELD;
    CHECK_EQ(status_of_spawn(init, init_cap(INIT_CAP_GROUP), &plan), STATUS_OK);
    struct child child = child_of(init);
    pass_time(10000000);
    CHECK(is_blocked(child.main));
    CHECK_EQ(thread_state(child.main->thread), THREAD_STATE_HELD);
    CHECK_EQ(call(init, CALL(thread_control, child.thread, W(THREAD_START))), STATUS_OK);
    CHECK(!is_blocked(child.main));
    CHECK_EQ(call(child.main, CALL(null, 0)), STATUS_OK);
}

SCENARIO(every_way_to_end_has_its_record)
{
    struct actor *init = directed_init();
    struct child leaves = spawn(init, NULL, 0);
    struct actor *waiter = new_thread(init, init_self(), NULL);
    CHECK_EQ(call(init, CALL(wait, leaves.process, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(wait, leaves.process, .deadline = sim_now_ns() + 1000000)),
             STATUS_TIMED_OUT);
    CHECK(start(waiter, CALL(wait, leaves.process, .deadline = FOREVER)));
    CHECK(is_blocked(waiter));
    CHECK(start(leaves.main, CALL(exit, 0, W(5))));
    CHECK_EQ(finish(waiter), STATUS_OK);
    CHECK_EQ(result_word(waiter, 0), EXIT_NORMAL);
    CHECK_EQ(result_word(waiter, 1), 5);
    CHECK_EQ(exit_reason(init, leaves.process), EXIT_NORMAL);
    CHECK_EQ(call(init, CALL(wait, leaves.process, .info = INFO_NONBLOCK)), STATUS_OK);
    /* Its last thread ends itself. */
    struct child thread = spawn(init, NULL, 0);
    struct actor *second = new_thread(thread.main, thread.self, NULL);
    CHECK(start(thread.main, CALL(exit, 0, W(7, 1))));
    pass_time(10000000);
    CHECK(!is_alive(thread.main) && is_alive(second));
    CHECK(start(second, CALL(exit, 0, W(7, 1))));
    CHECK_EQ(exit_reason(init, thread.process), EXIT_NORMAL);
    CHECK_EQ(result_word(init, 1), 0);
    /* Killed twice: the first record counts. */
    struct child killed = spawn(init, NULL, 0);
    CHECK_EQ(call(init, CALL(kill, killed.process, W(8))), STATUS_OK);
    CHECK_EQ(call(init, CALL(kill, killed.process, W(9))), STATUS_OK);
    CHECK_EQ(exit_reason(init, killed.process), EXIT_KILLED);
    CHECK_EQ(result_word(init, 1), 8);
    /* All threads of it, whatever they do. */
    struct child many = spawn(init, NULL, 0);
    struct actor *sleeper = new_thread(many.main, many.self, NULL);
    CHECK(start(sleeper, CALL(futex_wait, 0, W(scratch(many.main, 1), 0), .deadline = FOREVER)));
    CHECK_EQ(call(init, CALL(kill, many.process, W(1))), STATUS_OK);
    CHECK(!is_alive(sleeper) && !is_alive(many.main));
}

SCENARIO(kill_and_wait_need_their_rights)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 weak = derive(init, child.process, ~(u64)(RIGHT_KILL | RIGHT_WAIT | RIGHT_CONTROL), 0);
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 mute = derive(init, endpoint, ~(u64)RIGHT_SIGNAL, 0);
    u64 wrong = cap_denials(STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(kill, weak)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(wait, weak, .deadline = FOREVER)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(watch, weak, W(endpoint))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(watch, child.process, W(mute))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(watch, child.process, W(child.process))), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(watch, endpoint, W(endpoint))), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(wait, endpoint)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(kill, endpoint)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(kill, init_cap(INIT_CAP_ARCHIVE))), STATUS_WRONG_TYPE);
    CHECK_EQ(cap_denials(STATUS_WRONG_TYPE), wrong + 5);
    u64 weak_thread = derive(init, child.thread, ~(u64)(RIGHT_KILL | RIGHT_CONTROL), 0);
    CHECK_EQ(call(init, CALL(kill, weak_thread)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(thread_control, weak_thread, W(THREAD_SUSPEND))),
             STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(thread_control, child.process, W(THREAD_SUSPEND))), STATUS_WRONG_TYPE);
    struct call create = CALL(create_thread, weak, W(0x500000, 0x500000, 0, 0, 0, 0x20003000));
    CHECK_EQ(call(init, create), STATUS_MISSING_RIGHT);
    create.handle = child.thread;
    CHECK_EQ(call(init, create), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(null, 0)), STATUS_OK);
    CHECK(is_alive(child.main));
}

SCENARIO(only_its_flag_keeps_a_wait_from_waiting)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 soon = sim_now_ns() + 2000000;
    CHECK_EQ(call(init, CALL(wait, child.process, .info = INFO_NONBLOCK, .deadline = FOREVER)),
             STATUS_WOULD_BLOCK);
    CHECK_EQ(
        call(init, CALL(wait, child.process, .info = message_info(1, 2, 0, 3), .deadline = soon)),
        STATUS_TIMED_OUT);
}

SCENARIO(watchers_are_told_of_a_death)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 endpoint = make_endpoint(init, 0, 0), other = make_endpoint(init, 0, 0);
    u64 eight = derive(init, endpoint, ~0ull, 8);
    u64 closed = derive(init, other, ~0ull, 2);
    CHECK_EQ(call(init, CALL(watch, child.process, W(eight))), STATUS_OK);
    CHECK_EQ(call(init, CALL(watch, child.process, W(endpoint))), STATUS_OK);
    CHECK_EQ(call(init, CALL(watch, child.process, W(closed))), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, other), STATUS_OK); /* this one is told nothing */
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(kill, child.process)), STATUS_OK);
    pass_time(1000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 9);
    CHECK_EQ(call(init, CALL(receive, other, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
    /* Already dead: at once. */
    CHECK_EQ(call(init, CALL(watch, child.process, W(eight))), STATUS_OK);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 8);
}

SCENARIO(a_process_has_so_many_watchers_and_no_more)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 endpoint = make_endpoint(init, 0, 0);
    for (u32 i = 0; i < PROCESS_MAX_WATCHERS; i++)
        CHECK_EQ(call(init, CALL(watch, child.process, W(endpoint))), STATUS_OK);
    CHECK_EQ(call(init, CALL(watch, child.process, W(endpoint))), STATUS_FULL);
    fail_allocation(1);
    u64 status = call(init, CALL(watch, child.process, W(endpoint)));
    CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT || status == STATUS_FULL);
    (void)allocation_failed();
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(call(init, CALL(watch, child.process, W(endpoint))), STATUS_OK);
}

SCENARIO(threads_are_made_held_started_suspended_and_ended)
{
    struct actor *init = directed_init();
    struct call create =
        CALL(create_thread, init_self(), W(0x500000, 0x510000, 77, 0x1000, 1, buffer_place(init)));
    CHECK_EQ(call(init, create), STATUS_OK);
    u64 handle = result_word(init, 0);
    struct actor *thread = actor_of(result_word(init, 1));
    CHECK(is_blocked(thread));
    CHECK_EQ(thread->thread->context.words[0], handle);
    CHECK_EQ(thread->thread->context.words[1], thread->id);
    CHECK_EQ(thread->thread->context.pc, 0x500000);
    CHECK_EQ(thread->thread->context.sp, 0x510000);
    CHECK_EQ(thread->thread->context.argument, 77);
    CHECK_EQ(thread->thread->context.thread_pointer, 0x1000);
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_SUSPEND))), STATUS_OK);
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_START))), STATUS_BUSY);
    CHECK(is_blocked(thread));
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_RESUME))), STATUS_OK);
    CHECK_EQ(call(thread, CALL(null, 0)), STATUS_OK);
    /* Suspended while it runs: it has stopped when the call returns. */
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_SUSPEND))), STATUS_OK);
    CHECK(is_blocked(thread));
    CHECK_EQ(thread_state(thread->thread), THREAD_STATE_HELD);
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_RESUME))), STATUS_OK);
    CHECK_EQ(call(thread, CALL(null, 0)), STATUS_OK);
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_START))), STATUS_OK);
    /* Itself. */
    CHECK(start(thread, CALL(thread_control, handle, W(THREAD_SUSPEND))));
    CHECK(is_blocked(thread));
    CHECK_EQ(call(init, CALL(thread_control, handle, W(THREAD_RESUME))), STATUS_OK);
    CHECK_EQ(finish(thread), STATUS_OK);
    CHECK_EQ(call(init, CALL(thread_control, handle, W(99))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(kill, handle)), STATUS_OK);
    pass_time(10000000);
    CHECK(!is_alive(thread));
    static const u64 bad[][5] = {{0, 0x500000, 0, 0, 0},
                                 {USER_END, 0x500000, 0, 0, 0},
                                 {USER_START - 1, 0x500000, 0, 0, 0},
                                 {0x500000, USER_START - 8, 0, 0, 0},
                                 {0x500000, USER_END, 0, 0, 0},
                                 {0x500000, 0x500000, 0, USER_END, 0},
                                 {0x500000, 0x500000, 0, 0, 2}};
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        struct call refused =
            CALL(create_thread, init_self(),
                 W(bad[i][0], bad[i][1], bad[i][2], bad[i][3], bad[i][4], buffer_place(init)));
        CHECK_EQ(call(init, refused), STATUS_BAD_ARGUMENT);
    }
    struct call placed =
        CALL(create_thread, init_self(), W(USER_START, USER_START, 0, 0, 1, buffer_place(init)));
    CHECK_EQ(call(init, placed), STATUS_OK);
    static const struct {
        u64 buffer;
        enum status status;
    } places[] = {{0, STATUS_BAD_ADDRESS},
                  {FREE_PLACE, STATUS_BAD_ADDRESS},
                  {USER_END, STATUS_BAD_ADDRESS},
                  {~511ull, STATUS_BAD_ADDRESS},
                  {FREE_PLACE + 4, STATUS_BAD_ARGUMENT}};
    for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
        placed.w[5] = places[i].buffer;
        CHECK_EQ(call(init, placed), places[i].status);
    }
}

SCENARIO(a_thread_runs_where_it_may)
{
    struct actor *init = directed_init();
    u64 handle;
    struct actor *thread = new_thread(init, init_self(), &handle);
    for (u32 cpu = 0; cpu < SIM_MAX_CPUS; cpu++) {
        pin(init, handle, cpu);
        CHECK_EQ(call(thread, CALL(null, 0)), STATUS_OK);
        pass_time(1000000);
        CHECK_EQ(thread->thread->home->cpu, cpu);
    }
    struct call set = CALL(thread_control, handle, W(THREAD_SET_CPUS, 0));
    CHECK_EQ(call(init, set), STATUS_BAD_ARGUMENT);
    set.w[1] = 1ull << SIM_MAX_CPUS; /* there is none */
    CHECK_EQ(call(init, set), STATUS_BAD_ARGUMENT);
    set.w[1] = ~0ull;
    CHECK_EQ(call(init, set), STATUS_OK);
    CHECK_EQ(thread->thread->cpu_mask, (1u << SIM_MAX_CPUS) - 1);
    set = CALL(thread_control, handle, W(THREAD_SET_POINTER, 0x7000));
    CHECK_EQ(call(init, set), STATUS_BAD_ARGUMENT); /* another's */
    CHECK_EQ(call(thread, set), STATUS_OK);
    CHECK_EQ(thread->thread->context.thread_pointer, 0x7000);
    set.w[1] = USER_END;
    CHECK_EQ(call(thread, set), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(thread, CALL(yield, 0, .info = 5)), STATUS_OK);
}

SCENARIO(a_page_fault_that_cannot_be_served_is_a_fault)
{
    struct actor *init = directed_init();
    static const u32 accesses[] = {ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE};
    static const u32 reasons[] = {FAULT_PAGE_READ, FAULT_PAGE_WRITE, FAULT_PAGE_EXECUTE};
    for (u32 i = 0; i < 3; i++) {
        struct child child = spawn(init, NULL, 0);
        CHECK(!touch(child.main, FREE_PLACE, accesses[i]));
        CHECK_EQ(exit_reason(init, child.process), EXIT_FAULT);
        CHECK_EQ(result_word(init, 0) >> 32, reasons[i]);
        CHECK_EQ(result_word(init, 2), FREE_PLACE);
    }
    /* Data is not code, and a group at its limit gets no page. */
    struct child child = spawn(init, NULL, 0);
    CHECK(!touch(child.main, scratch(child.main, 0), ACCESS_EXECUTE));
    CHECK_EQ(exit_reason(init, child.process), EXIT_FAULT);
    struct child poor = spawn(init, NULL, 0);
    fail_allocation(1);
    CHECK(!touch(poor.main, scratch(poor.main, 3), ACCESS_WRITE));
    CHECK(allocation_failed());
    CHECK_EQ(exit_reason(init, poor.process), EXIT_FAULT);
    CHECK_EQ(result_word(init, 0) >> 32, FAULT_NO_MEMORY);
}

static bool is_free(void *argument)
{
    return !is_blocked(argument);
}

/* A copy made on write replaces a translation that the other CPUs may hold: the writer waits until
 * none does. */
SCENARIO(a_copy_on_write_is_seen_by_all_threads)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 second_thread;
    struct actor *second = new_thread(child.main, child.self, &second_thread);
    u64 memory = make_memory(init, PAGE_SIZE);
    struct call into = CALL(
        map, memory,
        W(child.process, FREE_PLACE, 0, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_PRIVATE | MAP_FIXED));
    CHECK_EQ(call(init, into), STATUS_OK);
    pin(init, child.thread, 1);
    pin(child.main, second_thread, 2);
    CHECK(touch(child.main, FREE_PLACE, ACCESS_READ));
    CHECK(touch(second, FREE_PLACE, ACCESS_READ));
    CHECK(!touch(child.main, FREE_PLACE, ACCESS_WRITE)); /* it waits for the other CPU */
    CHECK(wait_until(is_free, child.main));
    CHECK(touch(child.main, FREE_PLACE, ACCESS_WRITE));
    CHECK(touch(second, FREE_PLACE, ACCESS_WRITE));
}

SCENARIO(a_thread_of_a_process_that_has_ended_cannot_be_made)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    CHECK_EQ(call(init, CALL(kill, child.process)), STATUS_OK);
    struct call create =
        CALL(create_thread, child.process, W(0x500000, 0x500000, 0, 0, 0, 0x20003000));
    u64 status = call(init, create); /* its memory goes with it */
    CHECK(status == STATUS_DEAD || status == STATUS_BAD_ADDRESS);
    CHECK_EQ(call(init, CALL(cancel, child.thread)), STATUS_NOT_FOUND);
    CHECK_EQ(call(init, CALL(kill, child.thread)), STATUS_OK);
    CHECK_EQ(call(init, CALL(unmap, 0, W(child.process, SCRATCH_ADDRESS, PAGE_SIZE))),
             STATUS_NOT_FOUND);
}

SCENARIO(the_end_of_a_thread_is_told_by_a_word)
{
    struct actor *init = directed_init();
    struct actor *thread = new_thread(init, init_self(), NULL);
    struct actor *waiter = new_thread(init, init_self(), NULL);
    u64 word = scratch(init, 2);
    u32 ended = 0;
    CHECK(start(waiter, CALL(futex_wait, 0, W(word, 0), .deadline = FOREVER)));
    CHECK(start(thread, CALL(exit, 0, W(0, 1, word))));
    CHECK_EQ(finish(waiter), STATUS_OK);
    peek(init, word, &ended, sizeof(ended));
    CHECK_EQ(ended, 1);
    CHECK(!is_alive(thread));
    /* An address that cannot be written does not keep it from ending. */
    struct actor *second = new_thread(init, init_self(), NULL);
    CHECK(start(second, CALL(exit, 0, W(0, 1, USER_END))));
    pass_time(1000000);
    CHECK(!is_alive(second));
}

/* More capabilities, regions and pages than one slice takes. */
SCENARIO(a_process_with_much_is_taken_apart_in_slices)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), memory = make_memory(init, 400 * PAGE_SIZE);
    struct child child = spawn(init, NULL, 0);
    for (u32 i = 0; i < 200; i++) {
        struct call copy = CALL(grant, child.process, W(endpoint, ~0u, CAP_SEND_COPY));
        CHECK_EQ(call(init, copy), STATUS_OK);
        struct call page = CALL(
            map, memory,
            W(child.process, FREE_PLACE + i * 2 * PAGE_SIZE, 0, PAGE_SIZE, MAP_READ | MAP_FIXED));
        CHECK_EQ(call(init, page), STATUS_OK);
    }
    u64 large = 2 * FREE_PLACE;
    struct call all = CALL(
        map, memory, W(child.process, large, 0, 400 * PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_FIXED));
    CHECK_EQ(call(init, all), STATUS_OK);
    for (u32 i = 0; i < 400; i++)
        CHECK(touch(child.main, large + i * PAGE_SIZE, ACCESS_WRITE));
    struct call less = CALL(protect, 0, W(child.process, large, 400 * PAGE_SIZE, 0, MAP_READ));
    CHECK_EQ(call(init, less), STATUS_OK);
    for (u32 i = 0; i < 400; i++)
        CHECK(!peek_is_mapped(child.main->thread->vspace, large + i * PAGE_SIZE, ACCESS_WRITE));
    u64 nodes = cap_node_count();
    CHECK_EQ(call(init, CALL(kill, child.process)), STATUS_OK);
    pass_time(20000000);
    CHECK(cap_node_count() <= nodes - 200);
}
