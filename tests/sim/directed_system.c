/* Directed programs: groups, devices, the machine, time and observation. */
#include "directed.h"

#include "abi/trace.h"
#include "core/cpu.h"
#include "group/group.h"

#include <string.h>

static struct group *group_named(struct actor *actor, u64 handle)
{
    const struct cap_slot *slot = peek_slot(actor->thread->space, handle);
    return CHECK(slot != NULL) ? CONTAINER_OF(slot->object, struct group, object) : group_root();
}

static struct group_usage usage_of(struct actor *init, u64 group)
{
    struct group_usage usage = {0};
    CHECK_EQ(call(init, CALL(group_info, group, W(scratch(init, 2)))), STATUS_OK);
    peek(init, scratch(init, 2), &usage, sizeof(usage));
    return usage;
}

SCENARIO(a_call_that_does_not_exist_is_refused)
{
    struct actor *init = directed_init();
    u64 denied = cap_denials(STATUS_BAD_SYSCALL);
    static const u64 numbers[] = {SYSCALL_LIMIT, SYSCALL_LIMIT + 1, 65535,
                                  1ull << 32,    UINT64_MAX,        46 /* why: not there yet */};
    for (u32 i = 0; i < 5; i++)
        CHECK_EQ(call(init, (struct call){.number = numbers[i]}), STATUS_BAD_SYSCALL);
    CHECK_EQ(cap_denials(STATUS_BAD_SYSCALL), denied + 5);
    CHECK_EQ(call(init, CALL(null, 0)), STATUS_OK);
}

/* Nothing is said about arguments to who has no capability. */
SCENARIO(the_capability_is_looked_at_first)
{
    static const u8 numbers[] = {
        SYS_send,
        SYS_receive,
        SYS_call,
        SYS_reply_receive,
        SYS_signal,
        SYS_cancel,
        SYS_create_endpoint,
        SYS_derive,
        SYS_grant,
        SYS_revoke,
        SYS_close,
        SYS_inspect,
        SYS_create_memory,
        SYS_map,
        SYS_spawn,
        SYS_wait,
        SYS_watch,
        SYS_kill,
        SYS_create_thread,
        SYS_thread_control,
        SYS_create_resource_group,
        SYS_group_control,
        SYS_group_info,
        SYS_create_interrupt,
        SYS_interrupt_ack,
        SYS_port_in,
        SYS_port_out,
        SYS_machine_info,
        SYS_machine_control,
        SYS_process_list,
        SYS_create_timer,
        SYS_timer_set,
        SYS_trace_control,
        SYS_trace_emit,
    };
    struct actor *init = directed_init();
    u64 ports = derive(init, init_cap(INIT_CAP_PORTS), 0, 0);
    for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct call any = {.number = numbers[i]};
        for (u32 j = 0; j < MESSAGE_WORDS; j++)
            any.w[j] = ~0ull - 4;
        CHECK_EQ(call(init, any), STATUS_BAD_HANDLE);
        if (numbers[i] == SYS_close || numbers[i] == SYS_inspect)
            continue;
        any.handle = ports; /* without a single right */
        u64 status = call(init, any);
        CHECK(status == STATUS_WRONG_TYPE || status == STATUS_MISSING_RIGHT);
    }
    /* Where there are two capabilities, the second is looked at before the arguments. */
    u64 root = init_cap(INIT_CAP_GROUP), machine = init_cap(INIT_CAP_MACHINE);
    CHECK_EQ(call(init, CALL(create_interrupt, machine, W(0, 7, ~0ull))), STATUS_BAD_HANDLE);
    CHECK_EQ(call(init, CALL(grant, init_self(), W(0, ~0u, 1))), STATUS_BAD_HANDLE);
    CHECK_EQ(call(init, CALL(create_timer, root, W(77))), STATUS_BAD_HANDLE);
    CHECK_EQ(call(init, CALL(unmap, 0, W(77, USER_START, PAGE_SIZE))), STATUS_BAD_HANDLE);
    CHECK_EQ(call(init, CALL(protect, 0, W(77, USER_START, PAGE_SIZE, 0, MAP_READ))),
             STATUS_BAD_HANDLE);
}

SCENARIO(a_group_limits_what_it_pays_for)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    limits.limit[GROUP_OBJECTS] = 3;
    limits.cpu_weight = 7;
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    CHECK_EQ(group_named(init, group)->weight, 7);
    struct call create = CALL(create_endpoint, group, W(0, 0));
    u64 made = 0;
    while (made < 10 && call(init, create) == STATUS_OK)
        made++;
    CHECK(made > 0 && made <= 3);
    CHECK_EQ(call(init, create), STATUS_GROUP_LIMIT);
    struct group_usage usage = usage_of(init, group);
    CHECK(strcmp(usage.name, "directed") == 0);
    CHECK_EQ(usage.limit[GROUP_OBJECTS], 3);
    CHECK_EQ(usage.used[GROUP_OBJECTS], made);
    struct call raise = CALL(group_control, group, W(GROUP_SET_LIMIT, GROUP_OBJECTS, 10));
    CHECK_EQ(call(init, raise), STATUS_OK);
    CHECK_EQ(call(init, create), STATUS_OK);
    raise.w[1] = GROUP_RESOURCE_COUNT;
    CHECK_EQ(call(init, raise), STATUS_BAD_ARGUMENT);
    static const u64 weights[] = {0, 1, GROUP_MAX_WEIGHT, GROUP_MAX_WEIGHT + 1};
    for (u32 i = 0; i < ARRAY_SIZE(weights); i++) {
        struct call weigh = CALL(group_control, group, W(GROUP_SET_WEIGHT, weights[i]));
        bool good = i == 1 || i == 2;
        CHECK_EQ(call(init, weigh), good ? STATUS_OK : STATUS_BAD_ARGUMENT);
        if (good)
            CHECK_EQ(group_named(init, group)->weight, weights[i]);
    }
    CHECK_EQ(call(init, CALL(group_control, group, W(77))), STATUS_BAD_ARGUMENT);
    u64 watcher = derive(init, group, ~(u64)RIGHT_GROUP_CONTROL, 0);
    static const struct {
        u64 operation, what, value;
    } changes[] = {{GROUP_SET_WEIGHT, 55, 0}, {GROUP_SET_LIMIT, GROUP_OBJECTS, 5}, {77, 0, 0}};
    for (u32 i = 0; i < ARRAY_SIZE(changes); i++) {
        struct call change = CALL(group_control, watcher,
                                  W(changes[i].operation, changes[i].what, changes[i].value));
        CHECK_EQ(call(init, change), STATUS_MISSING_RIGHT);
        change.handle = 0;
        CHECK_EQ(call(init, change), STATUS_BAD_HANDLE);
    }
    CHECK_EQ(group_named(init, group)->weight, GROUP_MAX_WEIGHT);
    CHECK_EQ(usage_of(init, group).limit[GROUP_OBJECTS], 10);
    limits.cpu_quota_ns = 1;
    poke(init, scratch(init, 1), &limits, sizeof(limits));
    struct call nested = CALL(create_resource_group, group, W(scratch(init, 1)));
    CHECK_EQ(call(init, nested), STATUS_BAD_ARGUMENT);
    limits.cpu_quota_ns = 0;
    limits.cpu_period_ns = 1;
    poke(init, scratch(init, 1), &limits, sizeof(limits));
    CHECK_EQ(call(init, nested), STATUS_BAD_ARGUMENT);
    limits.cpu_period_ns = 0;
    limits.cpu_weight = GROUP_MAX_WEIGHT + 1;
    poke(init, scratch(init, 1), &limits, sizeof(limits));
    CHECK_EQ(call(init, nested), STATUS_BAD_ARGUMENT);
}

SCENARIO(each_kind_of_object_needs_its_right_to_create)
{
    struct actor *init = directed_init();
    u64 root = init_cap(INIT_CAP_GROUP), endpoint = make_endpoint(init, 0, 0);
    u64 mute = derive(init, endpoint, ~(u64)RIGHT_SIGNAL, 0);
    struct group_limits limits = no_limits();
    poke(init, scratch(init, 1), &limits, sizeof(limits));
    struct {
        struct call call;
        u64 right;
    } calls[] = {
        {CALL(create_endpoint, root, W(0, 0)), RIGHT_CREATE_ENDPOINT},
        {CALL(create_memory, root, W(PAGE_SIZE, 0)), RIGHT_CREATE_MEMORY},
        {CALL(create_resource_group, root, W(scratch(init, 1))), RIGHT_CREATE_GROUP},
        {CALL(create_timer, root, W(endpoint)), RIGHT_CREATE_TIMER},
        {CALL(group_info, root, W(scratch(init, 2))), RIGHT_GROUP_INFO},
        {CALL(group_control, root, W(GROUP_SET_WEIGHT, 100)), RIGHT_GROUP_CONTROL},
    };
    for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
        u32 references = group_root()->object.references;
        calls[i].call.handle = derive(init, root, ~calls[i].right, 0);
        CHECK_EQ(call(init, calls[i].call), STATUS_MISSING_RIGHT);
        calls[i].call.handle = endpoint;
        CHECK_EQ(call(init, calls[i].call), STATUS_WRONG_TYPE);
        calls[i].call.handle = 0;
        CHECK_EQ(call(init, calls[i].call), STATUS_BAD_HANDLE);
        calls[i].call.handle = derive(init, root, calls[i].right, 0);
        CHECK_EQ(call(init, calls[i].call), STATUS_OK);
        CHECK(group_root()->object.references > references);
    }
    CHECK_EQ(call(init, CALL(create_timer, root, W(mute))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(create_timer, root, W(root))), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(create_timer, root, W(0))), STATUS_BAD_HANDLE);
    u64 machine = init_cap(INIT_CAP_MACHINE);
    struct call interrupt = CALL(create_interrupt, machine, W(root, 0, 5));
    u64 weak = derive(init, root, ~(u64)RIGHT_CREATE_INTERRUPT, 0);
    interrupt.w[0] = weak;
    CHECK_EQ(call(init, interrupt), STATUS_MISSING_RIGHT);
    interrupt.w[0] = endpoint;
    CHECK_EQ(call(init, interrupt), STATUS_WRONG_TYPE);
    interrupt.w[0] = root;
    interrupt.handle = derive(init, machine, ~(u64)RIGHT_INTERRUPTS, 0);
    CHECK_EQ(call(init, interrupt), STATUS_MISSING_RIGHT);
    interrupt.handle = root;
    CHECK_EQ(call(init, interrupt), STATUS_WRONG_TYPE);
    interrupt.handle = machine;
    interrupt.w[1] = 1;
    CHECK_EQ(call(init, interrupt), STATUS_BAD_ARGUMENT);
    interrupt.w[1] = 0;
    interrupt.w[2] = 1ull << 32;
    CHECK_EQ(call(init, interrupt), STATUS_BAD_ARGUMENT);
    interrupt.w[2] = UINT32_MAX;
    CHECK_EQ(call(init, interrupt), STATUS_NOT_FOUND);
}

SCENARIO(a_group_is_destroyed_with_all_that_it_pays_for)
{
    struct actor *init = directed_init();
    struct actor *second = new_thread(init, init_self(), NULL);
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    u64 below = make_group(init, group, &limits);
    struct spawn_plan plan = sound_plan();
    CHECK_EQ(status_of_spawn(init, below, &plan), STATUS_OK);
    struct child child = child_of(init);
    CHECK_EQ(call(init, CALL(create_memory, below, W(PAGE_SIZE * 70, MEMORY_EAGER))), STATUS_OK);
    u64 memory = result_word(init, 0);
    CHECK(start(second, CALL(group_control, group, W(GROUP_DESTROY))));
    CHECK(is_blocked(second));
    CHECK_EQ(call(init, CALL(group_control, group, W(GROUP_DESTROY))), STATUS_OK); /* waits, too */
    CHECK_EQ(finish(second), STATUS_OK);
    CHECK_EQ(status_of(init, memory), STATUS_REVOKED);
    CHECK_EQ(status_of(init, child.process), STATUS_REVOKED);
    CHECK_EQ(status_of(init, below), STATUS_REVOKED);
    CHECK(!is_alive(child.main));
    CHECK_EQ(call(init, CALL(group_control, init_cap(INIT_CAP_GROUP), W(GROUP_DESTROY))),
             STATUS_BAD_ARGUMENT);
}

SCENARIO(a_message_buffer_is_paid_by_the_group_of_the_thread_or_one_above)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    CHECK_EQ(call(init, CALL(create_memory, group, W(PAGE_SIZE))), STATUS_OK);
    u64 memory = result_word(init, 0);
    struct call place = CALL(map, memory, W(0, 0, 0, PAGE_SIZE, MAP_READ | MAP_WRITE));
    CHECK_EQ(call(init, place), STATUS_OK);
    struct call create =
        CALL(create_thread, init_self(), W(USER_START, USER_START, 0, 0, 1, result_word(init, 0)));
    CHECK_EQ(call(init, create), STATUS_BAD_ARGUMENT); /* that group can end before the thread */
    create.w[5] = buffer_place(init);
    CHECK_EQ(call(init, create), STATUS_OK);
    struct spawn_plan plan = sound_plan();
    CHECK_EQ(status_of_spawn(init, group, &plan), STATUS_OK);
    struct child child = child_of(init);
    CHECK_EQ(call(init, CALL(create_memory, init_cap(INIT_CAP_GROUP), W(PAGE_SIZE))), STATUS_OK);
    place.handle = result_word(init, 0);
    place.w[0] = child.process;
    CHECK_EQ(call(init, place), STATUS_OK);
    create.handle = child.process;
    create.w[5] = result_word(init, 0);
    CHECK_EQ(call(init, create), STATUS_OK); /* the root pays: it stays longer */
    CHECK_EQ(call(init, CALL(group_control, group, W(GROUP_DESTROY))), STATUS_OK);
    CHECK(!is_alive(child.main));
}

SCENARIO(timers_signal_when_they_are_due)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0);
    u64 badged = derive(init, endpoint, ~0ull, 16);
    CHECK_EQ(call(init, CALL(create_timer, init_cap(INIT_CAP_GROUP), W(badged))), STATUS_OK);
    u64 timer = result_word(init, 0);
    u64 due = sim_now_ns() + 5000000;
    CHECK_EQ(call(init, CALL(timer_set, timer, .deadline = due)), STATUS_OK);
    pass_time(4000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
    pass_time(2000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 16);
    pass_time(20000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
    struct call every = CALL(timer_set, timer, W(3000000), .deadline = sim_now_ns() + 1000000);
    CHECK_EQ(call(init, every), STATUS_OK);
    for (u32 i = 0; i < 3; i++) {
        pass_time(3500000);
        CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_OK);
    }
    CHECK_EQ(call(init, CALL(timer_set, timer, .deadline = TIME_NEVER)), STATUS_OK);
    pass_time(10000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
    u64 weak = derive(init, timer, ~(u64)RIGHT_SET, 0);
    CHECK_EQ(call(init, CALL(timer_set, weak)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(timer_set, endpoint)), STATUS_WRONG_TYPE);
    /* The endpoint goes: the timer has nobody to tell. */
    every.deadline = sim_now_ns() + 5000000;
    CHECK_EQ(call(init, every), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    pass_time(10000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
}

SCENARIO(an_interrupt_signals_its_endpoint)
{
    struct actor *init = directed_init();
    u64 endpoint = make_endpoint(init, 0, 0), machine = init_cap(INIT_CAP_MACHINE);
    u64 badged = derive(init, endpoint, ~0ull, 32);
    u64 mute = derive(init, endpoint, ~(u64)RIGHT_SIGNAL, 0);
    struct call create = CALL(create_interrupt, machine, W(init_cap(INIT_CAP_GROUP), 0, 7));
    CHECK_EQ(call(init, create), STATUS_OK);
    u64 interrupt = result_word(init, 0);
    CHECK_EQ(call(init, create), STATUS_BUSY);
    u64 weak = derive(init, interrupt, ~(u64)RIGHT_BIND, 0);
    CHECK_EQ(call(init, CALL(interrupt_ack, weak)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(interrupt_ack, endpoint)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(interrupt_ack, interrupt, W(mute))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(interrupt_ack, interrupt, W(interrupt))), STATUS_WRONG_TYPE);
    sim_irq_raise(7);
    pass_time(1000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(interrupt_ack, interrupt, W(badged))), STATUS_OK);
    pass_time(1000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 32);
    u64 other = make_endpoint(init, 0, 0);
    CHECK_EQ(call(init, CALL(interrupt_ack, interrupt, W(other))), STATUS_BUSY);
    sim_irq_raise(7); /* masked until it is acknowledged */
    pass_time(1000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(interrupt_ack, interrupt)), STATUS_OK);
    pass_time(1000000);
    CHECK_EQ(call(init, CALL(receive, endpoint, .info = INFO_NONBLOCK)), STATUS_OK);
    /* Bound once for good: not again when its endpoint has been revoked. */
    CHECK_EQ(status_of_revoke(init, endpoint), STATUS_OK);
    CHECK_EQ(call(init, CALL(interrupt_ack, interrupt, W(other))), STATUS_REVOKED);
    CHECK_EQ(status_of_close(init, weak), STATUS_OK);
    CHECK_EQ(status_of_close(init, interrupt), STATUS_OK);
    pass_time(10000000);
    CHECK_EQ(call(init, create), STATUS_OK); /* the line is free again */
}

SCENARIO(ports_are_read_and_written_within_range_and_rights)
{
    struct actor *init = directed_init();
    u64 ports = init_cap(INIT_CAP_PORTS);
    CHECK_EQ(call(init, CALL(port_in, ports, W(0x12, 1))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 0x12);
    CHECK_EQ(call(init, CALL(port_in, ports, W(0x12, 4))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 0x12121212);
    CHECK_EQ(call(init, CALL(port_out, ports, W(0x80, 1, 0))), STATUS_OK);
    CHECK_EQ(call(init, CALL(port_out, ports, W(0x80, 3, 0))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(port_in, ports, W(0xffff, 2))), STATUS_BAD_ARGUMENT);
    u64 in = derive(init, ports, RIGHT_PORT_IN, 0), out = derive(init, ports, RIGHT_PORT_OUT, 0);
    CHECK_EQ(call(init, CALL(port_in, in, W(1, 1))), STATUS_OK);
    CHECK_EQ(call(init, CALL(port_in, out, W(1, 1))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(port_out, in, W(0x80, 1))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(port_out, out, W(0x80, 1))), STATUS_OK);
    CHECK_EQ(call(init, CALL(port_in, init_self(), W(1, 1))), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(port_out, init_self(), W(1, 1))), STATUS_WRONG_TYPE);
}

SCENARIO(the_machine_tells_what_its_rights_allow)
{
    struct actor *init = directed_init();
    u64 machine = init_cap(INIT_CAP_MACHINE), to = scratch(init, 2);
    u64 facts = derive(init, machine, RIGHT_FACTS, 0);
    u64 log = derive(init, machine, RIGHT_KERNEL_LOG, 0);
    struct machine_memory memory;
    CHECK_EQ(call(init, CALL(machine_info, facts, W(MACHINE_INFO_MEMORY, to, PAGE_SIZE))),
             STATUS_OK);
    CHECK_EQ(result_word(init, 0), sizeof(memory));
    peek(init, to, &memory, sizeof(memory));
    CHECK(memory.free_bytes < memory.total_bytes && memory.node_count == 1);
    CHECK_EQ(memory.node_free_bytes[0], memory.free_bytes);
    struct machine_node node;
    CHECK_EQ(call(init, CALL(machine_info, facts, W(MACHINE_INFO_NODES, to, PAGE_SIZE))),
             STATUS_OK);
    CHECK_EQ(result_word(init, 0), sizeof(node));
    peek(init, to, &node, sizeof(node));
    CHECK_EQ(node.total_bytes, memory.total_bytes);
    CHECK_EQ(node.used_bytes + node.free_bytes, node.total_bytes);
    CHECK(node.local_frames > 0);
    CHECK_EQ(node.remote_frames, 0);
    CHECK_EQ(call(init, CALL(machine_info, facts, W(MACHINE_INFO_NODES, to, sizeof(node) - 1))),
             STATUS_OK);
    CHECK_EQ(result_word(init, 0), 0); /* as many as fit */
    CHECK_EQ(call(init, CALL(machine_info, log, W(MACHINE_INFO_NODES, to, PAGE_SIZE))),
             STATUS_MISSING_RIGHT);
    struct machine_counts counts;
    struct call count = CALL(machine_info, facts, W(MACHINE_INFO_COUNTS, to, sizeof(counts)));
    CHECK_EQ(call(init, count), STATUS_OK);
    peek(init, to, &counts, sizeof(counts));
    CHECK_EQ(counts.objects[OBJECT_PROCESS], 1);
    CHECK_EQ(counts.cap_nodes, cap_node_count());
    u64 denials = counts.denials;
    count.w[2] = sizeof(counts) - 1;
    CHECK_EQ(call(init, count), STATUS_TOO_SMALL);
    CHECK_EQ(status_of(init, 12345), STATUS_BAD_HANDLE);
    count.w[2] = sizeof(counts);
    CHECK_EQ(call(init, count), STATUS_OK);
    peek(init, to, &counts, sizeof(counts));
    CHECK_EQ(counts.denials, denials + 1);
    struct machine_cpu cpus[SIM_MAX_CPUS];
    pass_time(5000000);
    struct call ask = CALL(machine_info, facts, W(MACHINE_INFO_CPUS, to, sizeof(cpus)));
    CHECK_EQ(call(init, ask), STATUS_OK);
    CHECK_EQ(result_word(init, 0), sizeof(cpus));
    peek(init, to, cpus, sizeof(cpus));
    u32 idle = 0;
    for (u32 i = 0; i < SIM_MAX_CPUS; i++) {
        CHECK(cpus[i].index == i && cpus[i].online == 1);
        CHECK(cpus[i].idle_ns + cpus[i].busy_ns <= sim_now_ns());
        CHECK(cpus[i].idle_ns + cpus[i].busy_ns >= 5000000);
        idle += cpus[i].idle_ns > 4500000;
    }
    CHECK_EQ(idle, SIM_MAX_CPUS - 1); /* the stretch under way counts */
    ask.w[2] = 2 * sizeof(cpus[0]) + 5;
    CHECK_EQ(call(init, ask), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 2 * sizeof(cpus[0]));
    char text[600];
    CHECK_EQ(call(init, CALL(machine_info, log, W(MACHINE_INFO_LOG, to, 600, 0))), STATUS_OK);
    u64 read = result_word(init, 0);
    CHECK(read > 0 && read <= 512);
    CHECK_EQ(result_word(init, 1), read);
    peek(init, to, text, read);
    CHECK(memchr(text, '\n', read) != NULL);
    CHECK_EQ(call(init, CALL(machine_info, log, W(MACHINE_INFO_LOG, to, 5, 3))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 5);
    CHECK_EQ(result_word(init, 1), 8);
    CHECK_EQ(call(init, CALL(machine_info, facts, W(MACHINE_INFO_LOG, to, 5))),
             STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(machine_info, log, W(MACHINE_INFO_CPUS, to, 5))),
             STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(machine_info, machine, W(99, to, 5))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(machine_info, init_self(), W(MACHINE_INFO_CPUS, to, 5))),
             STATUS_WRONG_TYPE);
}

SCENARIO(processes_are_listed_in_order)
{
    struct actor *init = directed_init();
    u64 machine = init_cap(INIT_CAP_MACHINE), to = scratch(init, 2);
    u64 ids[10];
    for (u32 i = 0; i < ARRAY_SIZE(ids); i++)
        ids[i] = spawn(init, NULL, 0).process_id;
    struct process_entry entries[8];
    CHECK_EQ(call(init, CALL(process_list, machine, W(to, 100, 0))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 8); /* no more at a time */
    peek(init, to, entries, sizeof(entries));
    CHECK(strcmp(entries[0].name, "init") == 0 && entries[0].thread_count == 1);
    CHECK(strcmp(entries[1].name, "directed") == 0);
    for (u32 i = 1; i < 8; i++)
        CHECK_EQ(entries[i].id, ids[i - 1]);
    CHECK_EQ(entries[1].parent_id, entries[0].id);
    CHECK_EQ(call(init, CALL(process_list, machine, W(to, 2, ids[7]))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 2);
    peek(init, to, entries, sizeof(entries[0]));
    CHECK_EQ(entries[0].id, ids[8]);
    CHECK_EQ(call(init, CALL(process_list, machine, W(to, 2, ids[9]))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 0);
    u64 weak = derive(init, machine, ~(u64)RIGHT_PROCESS_LIST, 0);
    CHECK_EQ(call(init, CALL(process_list, weak, W(to, 2, 0))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(process_list, init_self(), W(to, 2, 0))), STATUS_WRONG_TYPE);
}

SCENARIO(power_needs_its_right)
{
    struct actor *init = directed_init();
    u64 machine = init_cap(INIT_CAP_MACHINE);
    u64 weak = derive(init, machine, ~(u64)RIGHT_POWER, 0);
    CHECK_EQ(call(init, CALL(machine_control, weak, W(MACHINE_POWER_OFF))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(machine_control, init_self(), W(MACHINE_RESET))), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(machine_control, machine, W(99))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(machine_control, machine, W(MACHINE_TEST_EXIT))),
             STATUS_NOT_SUPPORTED);
}

SCENARIO(events_are_read_chosen_and_written_by_right)
{
    struct actor *init = directed_init();
    u64 domain = init_cap(INIT_CAP_TRACE);
    CHECK_EQ(call(init, CALL(trace_control, domain, W(TRACE_GET_MEMORY))), STATUS_OK);
    u64 memory = result_word(init, 0), size = result_word(init, 1);
    CHECK(size > 0 && size % PAGE_SIZE == 0);
    CHECK_EQ(status_of(init, memory), STATUS_OK);
    CHECK_EQ(result_word(init, 3), size);
    struct call map = CALL(map, memory, W(0, 0, 0, size, MAP_READ));
    CHECK_EQ(call(init, map), STATUS_OK);
    map.w[4] = MAP_READ | MAP_WRITE;
    CHECK_EQ(call(init, map), STATUS_MISSING_RIGHT);
    u64 all = (1u << TRACE_CATEGORY_COUNT) - 1;
    CHECK_EQ(call(init, CALL(trace_control, domain, W(TRACE_SET_CATEGORIES, all))), STATUS_OK);
    CHECK_EQ(cpu_at(0)->trace_mask, all);
    CHECK_EQ(call(init, CALL(null, 0)), STATUS_OK);
    CHECK_EQ(call(init, CALL(trace_control, domain, W(TRACE_SET_CATEGORIES, all + 1))),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(trace_control, domain, W(77))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(trace_emit, domain, W(1, 2, 3, 4))), STATUS_OK);
    u64 reader = derive(init, domain, RIGHT_TRACE_READ, 0);
    u64 chooser = derive(init, domain, RIGHT_TRACE_CONTROL, 0);
    CHECK_EQ(call(init, CALL(trace_control, reader, W(TRACE_GET_MEMORY))), STATUS_OK);
    CHECK_EQ(call(init, CALL(trace_control, chooser, W(TRACE_GET_MEMORY))), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(trace_control, chooser, W(TRACE_SET_CATEGORIES, 1))), STATUS_OK);
    CHECK_EQ(call(init, CALL(trace_control, reader, W(TRACE_SET_CATEGORIES, 1))),
             STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(trace_emit, reader)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(trace_emit, init_self())), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, CALL(trace_control, init_self())), STATUS_WRONG_TYPE);
    u64 before = sim_now_ns();
    CHECK_EQ(call(init, CALL(clock, 0)), STATUS_OK);
    CHECK(result_word(init, 0) > before && result_word(init, 0) <= sim_now_ns());
}
