/* Directed programs: what a debugger may do to a process: its memory and its threads' registers. */
#include "directed.h"

#include "proc/process.h"
#include "sched/wait.h"

static struct call memory_call(u64 process, u64 operation, u64 there, u64 here, u64 size)
{
    return (struct call)CALL(process_memory, process, W(operation, there, here, size));
}

static struct call control_call(u64 thread, u64 operation, u64 value)
{
    return (struct call)CALL(thread_control, thread, W(operation, value));
}

SCENARIO(memory_of_another_process_is_read_and_written_by_right)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 there = scratch(child.main, 1), here = scratch(init, 1);
    u64 secret = 0x1122334455667788ull, other = 0xa5a5a5a5a5a5a5a5ull, seen = 0;
    poke(child.main, there + 8, &secret, sizeof(secret));
    struct call read = memory_call(child.process, PROCESS_MEMORY_READ, there + 8, here, 8);
    CHECK_EQ(call(init, read), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 8);
    peek(init, here, &seen, sizeof(seen));
    CHECK_EQ(seen, secret);
    poke(init, here, &other, sizeof(other));
    struct call write = memory_call(child.process, PROCESS_MEMORY_WRITE, there + 16, here, 4);
    CHECK_EQ(call(init, write), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 4);
    peek(child.main, there + 16, &seen, sizeof(seen));
    CHECK_EQ(seen, 0xa5a5a5a5ull);
    peek(init, here, &seen, sizeof(seen));
    CHECK_EQ(seen, other);
    /* To the end of the page and no further. */
    read = memory_call(child.process, PROCESS_MEMORY_READ, there + PAGE_SIZE - 24, here, 100);
    CHECK_EQ(call(init, read), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 24);

    u64 reader = derive(init, child.process, RIGHT_READ_MEMORY, 0);
    u64 writer = derive(init, child.process, RIGHT_WRITE_MEMORY, 0);
    static const enum status by_reader[] = {STATUS_OK, STATUS_MISSING_RIGHT, STATUS_BAD_ARGUMENT};
    static const enum status by_writer[] = {STATUS_MISSING_RIGHT, STATUS_OK, STATUS_MISSING_RIGHT};
    for (u64 operation = 0; operation < 3; operation++) {
        CHECK_EQ(call(init, memory_call(reader, operation, there, here, 8)), by_reader[operation]);
        CHECK_EQ(call(init, memory_call(writer, operation, there, here, 8)), by_writer[operation]);
    }
    for (u64 operation = 0; operation < 2; operation++) {
        CHECK_EQ(call(init, memory_call(child.process, operation, 0x30000000, here, 8)),
                 STATUS_BAD_ADDRESS);
        CHECK_EQ(call(init, memory_call(child.process, operation, USER_END, here, 8)),
                 STATUS_BAD_ADDRESS);
        CHECK_EQ(call(init, memory_call(child.process, operation, there, 0x30000000, 8)),
                 STATUS_BAD_ADDRESS);
        CHECK_EQ(call(init, memory_call(child.thread, operation, there, here, 8)),
                 STATUS_WRONG_TYPE);
    }
    /* What may not be written is not written for a debugger either. */
    CHECK_EQ(call(child.main, CALL(protect, 0, W(0, there, PAGE_SIZE, 0, MAP_READ))), STATUS_OK);
    CHECK_EQ(call(init, memory_call(child.process, PROCESS_MEMORY_WRITE, there, here, 8)),
             STATUS_BAD_ADDRESS);
    CHECK_EQ(call(init, memory_call(child.process, PROCESS_MEMORY_READ, there, here, 8)),
             STATUS_OK);
}

SCENARIO(registers_of_a_held_thread_are_read_and_written)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 memory = make_memory(init, PAGE_SIZE);
    CHECK_EQ(call(init, CALL(map, memory, W(0, 0, 0, PAGE_SIZE, MAP_READ | MAP_WRITE))), STATUS_OK);
    u64 place = result_word(init, 0);
    CHECK(touch(init, place, ACCESS_WRITE));
    struct thread_registers registers;
    u64 operations[] = {THREAD_GET_REGISTERS, THREAD_SET_REGISTERS};
    for (u32 i = 0; i < 2; i++) {
        CHECK_EQ(call(init, control_call(child.thread, operations[i], place)), STATUS_BUSY);
        CHECK_EQ(call(init, control_call(child.thread, operations[i], 0x30000000)),
                 operations[i] == THREAD_SET_REGISTERS ? STATUS_BAD_ADDRESS : STATUS_BUSY);
    }
    CHECK_EQ(call(init, control_call(child.thread, THREAD_SUSPEND, 0)), STATUS_OK);
    CHECK_EQ(call(init, control_call(child.thread, THREAD_START, 0)), STATUS_BUSY);
    CHECK_EQ(call(init, control_call(child.thread, THREAD_GET_REGISTERS, place)), STATUS_OK);
    peek(init, place, &registers, sizeof(registers));
    CHECK_EQ(registers.pc, child.main->thread->context.pc);
    registers.words[3] = 77;
    poke(init, place, &registers, sizeof(registers));
    CHECK_EQ(call(init, control_call(child.thread, THREAD_SET_REGISTERS, place)), STATUS_OK);
    CHECK_EQ(child.main->thread->context.words[3], 77);
    /* What they are read from need not be writable. */
    CHECK_EQ(call(init, CALL(protect, 0, W(0, place, PAGE_SIZE, 0, MAP_READ))), STATUS_OK);
    CHECK_EQ(call(init, control_call(child.thread, THREAD_SET_REGISTERS, place)), STATUS_OK);
    CHECK_EQ(call(init, control_call(child.thread, THREAD_GET_REGISTERS, place)),
             STATUS_BAD_ADDRESS);
    CHECK_EQ(call(init, control_call(child.thread, THREAD_GET_REGISTERS, 0x30000000)),
             STATUS_BAD_ADDRESS);
    CHECK_EQ(call(init, control_call(child.thread, THREAD_RESUME, 0)), STATUS_OK);
    CHECK_EQ(call(init, control_call(child.thread, THREAD_GET_REGISTERS, place)), STATUS_BUSY);
}

SCENARIO(a_thread_that_is_bound_can_be_started_and_may_suspend_itself)
{
    struct actor *init = directed_init();
    u64 code = 0x500000;
    struct call create =
        CALL(create_thread, init_self(), W(code, code, 0, 0, 1, buffer_place(init)));
    CHECK_EQ(call(init, create), STATUS_OK);
    u64 handle = result_word(init, 0);
    struct actor *thread = actor_of(result_word(init, 1));
    CHECK(is_blocked(thread));
    CHECK_EQ(call(init, control_call(handle, THREAD_SET_CPUS, 2)), STATUS_OK);
    CHECK(is_blocked(thread));
    CHECK_EQ(call(init, control_call(handle, THREAD_START, 0)), STATUS_OK);
    CHECK(!is_blocked(thread));
    CHECK(start(thread, control_call(handle, THREAD_SUSPEND, 0)));
    pass_time(20000000);
    CHECK(is_blocked(thread) && wait_is_held(thread->thread));
    CHECK_EQ(call(init, control_call(handle, THREAD_RESUME, 0)), STATUS_OK);
    CHECK_EQ(finish(thread), STATUS_OK);
    CHECK_EQ(call(thread, CALL(null, 0)), STATUS_OK);
}

SCENARIO(a_thread_pointer_is_its_threads_own)
{
    struct actor *init = directed_init();
    struct actor *other = new_thread(init, init_self(), NULL);
    u64 handle;
    struct actor *third = new_thread(init, init_self(), &handle);
    CHECK_EQ(call(third, control_call(handle, THREAD_SET_POINTER, 0x7000)), STATUS_OK);
    CHECK_EQ(call(third, control_call(handle, THREAD_SET_POINTER, USER_END - 1)), STATUS_OK);
    CHECK_EQ(call(third, control_call(handle, THREAD_SET_POINTER, USER_END)), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(third, control_call(handle, THREAD_SET_POINTER, 0xffff800000000000ull)),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(other, control_call(handle, THREAD_SET_POINTER, 0x8000)), STATUS_BAD_ARGUMENT);
    u64 weak = derive(init, handle, ~(u64)RIGHT_CONTROL, 0);
    CHECK_EQ(call(third, control_call(weak, THREAD_SET_POINTER, 0x7000)), STATUS_MISSING_RIGHT);
}

SCENARIO(a_thread_is_made_by_right_and_within_user_memory)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 weak = derive(init, child.process, ~(u64)RIGHT_CONTROL, 0);
    u64 code = 0x500000, buffer = buffer_place(child.main);
    struct call create = CALL(create_thread, weak, W(code, code, 0, 0, 1, buffer));
    CHECK_EQ(call(init, create), STATUS_MISSING_RIGHT);
    create.handle = child.process;
    static const struct {
        u64 word, value;
    } bad[] = {
        {0, USER_START - 1}, {0, USER_END}, {0, 0xffff800000000000ull},
        {1, USER_START - 1}, {1, USER_END}, {3, USER_END},
        {3, UINT64_MAX},     {4, 2},        {0, USER_END + 4096},
        {1, UINT64_MAX},     {0, 0},        {1, 0},
    };
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        struct call wrong = create;
        wrong.w[bad[i].word] = bad[i].value;
        CHECK_EQ(call(init, wrong), STATUS_BAD_ARGUMENT);
    }
    create.w[0] = USER_START;
    create.w[1] = USER_END - 1;
    create.w[3] = USER_END - 1;
    const struct process *process = child.main->thread->process;
    u32 threads = process->thread_count, refused = 0;
    bool failed = true;
    for (u64 n = 1; failed && !directed_failed(); n++) {
        fail_allocation(n);
        bool made = call(init, create) == STATUS_OK;
        failed = allocation_failed();
        pass_time(20000000);
        CHECK_EQ(process->thread_count, threads + made);
        threads += made;
        refused += !made;
    }
    CHECK(refused > 2);
    /* It finds its handle where its maker is of the same process alone. */
    CHECK_EQ(actor_of(result_word(init, 1))->thread->context.words[0], 0);
}
