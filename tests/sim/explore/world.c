/* Making the world, and moving it on: in the kernel, and in the specification beside it. One file,
 * long because making and moving share what is asked of each thread and CPU. */
#include "world.h"

#include "abi/memory.h"
#include "abi/spawn.h"
#include "core/grace.h"
#include "tests/sim/ledger.h"
#include "tests/sim/peek.h"
#include "tests/sim/run_state.h"
#include "sched/run_queue.h"
#include "sched/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_MEMORY_BYTES (4ull << 20)
#define BOOT_ROUNDS        200u
#define QUIET_ROUNDS       200u
#define SWITCH_ROUNDS      64u
#define REST_NS            1000000ull /* while the kernel comes to rest */
#define TEXT_ADDRESS       0x10000000ull
#define INIT_SCRATCH       0x403000ull /* in init's bss; see kernel/arch/sim/boot.c */

SIM_STATE struct world world;

static SIM_STATE struct spec spec_state;
static SIM_STATE u64 gone_handles[WORLD_PROCESSES];

/* What each thread is to do when it acts next; NULL: nothing. */
static const struct spec_call *pending[WORLD_THREADS];
static u64 pending_fault; /* address; 0: a call */
static bool yielding;     /* whoever is current lets the next one run */

static struct run_result result;

struct run_result *run_current(void)
{
    return &result;
}

struct spec *world_spec(void)
{
    return &spec_state;
}

u64 world_gone_handle(u32 process)
{
    return gone_handles[process];
}

static NORETURN void broken(const char *what)
{
    fprintf(stderr, "explorer: %s (machine: %s)\n", what, sim_stop_reason());
    exit(2);
}

/* --- The kernel --- */

static struct arch_context *user_step(u32 cpu, struct arch_context *context)
{
    (void)cpu;
    const struct spec_call *call = NULL;
    if (pending_fault) {
        const struct fault_info fault = {.reason = FAULT_PAGE_WRITE, .address = pending_fault};
        pending_fault = 0;
        return upcall_fault(&fault);
    }
    if (yielding) {
        yielding = false;
        context->number = SYS_yield;
        return sim_syscall(context, context->number);
    }
    for (u32 i = 0; i < WORLD_THREADS; i++)
        if (pending[i] && context == &world.threads[i]->context) {
            call = pending[i];
            pending[i] = NULL;
        }
    if (!call)
        return context;
    context->number = call->number;
    context->handle = call->handle;
    context->info = call->info;
    context->deadline = call->deadline_ns;
    context->aux = 0;
    memcpy(context->words, call->words, sizeof(context->words));
    return sim_syscall(context, context->number);
}

static void go(void)
{
    if (!sim_machine_run(NULL))
        violated("machine", "stopped: %s", sim_stop_reason());
}

static void run_on(u32 cpu, enum sim_command command)
{
    sim_cpu_command(cpu, command, 0);
    go();
}

static void run(enum sim_command command)
{
    run_on(0, command);
}

/* Where a thread is bound to: with two CPUs each process has one. */
u32 world_cpu_of(u32 thread)
{
    return world.config->cpus > 1 && thread + 1 == world.thread_count ? 1 : 0;
}

/* All threads have used the same time. How much each has used decides who runs next and nothing
 * else, and any order can come about; so the order is chosen here, and is no part of the state. */
static void forget_times(void)
{
    for (u32 i = 0; i < world.thread_count; i++) {
        const struct thread *thread = world.threads[i];
        struct activity *activity = thread && !thread->exited ? thread->home : NULL;
        if (!activity)
            continue;
        struct run_queue *queue = cpu_at(activity->cpu)->run_queue;
        bool ready = activity->state == ACTIVITY_READY;
        if (ready)
            run_queue_remove(queue, activity);
        struct share *share = activity->share;
        share->latest = 0;
        share->virtual_time = 0;
        share->counted = share->cycles;
        queue->virtual_now = 0;
        activity->virtual_time = 0;
        if (ready)
            run_queue_insert(queue, activity);
    }
}

/* The current thread lets the next one run, and keeps what its last call has given it. */
static void yield_or_tick(u32 cpu)
{
    const struct arch_context *context = sim_cpu_context(cpu);
    struct thread *thread = NULL;
    for (u32 i = 0; i < world.thread_count; i++)
        if (context && &world.threads[i]->context == context)
            thread = world.threads[i];
    u64 status = thread ? thread->context.number : 0;
    yielding = context != NULL;
    run_on(cpu, yielding ? SIM_USER_STEP : SIM_TIMER);
    if (thread && !thread->exited)
        thread->context.number = status;
}

/* The current thread yields, again and again, until this one's turn has come, or its end. */
static void make_current(u32 index)
{
    const struct thread *thread = world.threads[index];
    u32 cpu = world_cpu_of(index);
    if (sim_cpu_context(cpu) == &thread->context)
        return;
    forget_times();
    for (u32 i = 0; i < SWITCH_ROUNDS && !run_has_failed(); i++) {
        if (sim_cpu_context(cpu) == &thread->context || thread->exited)
            return;
        for (u32 other = 0; other < world.config->cpus; other++)
            if (sim_ipi_pending(other))
                run_on(other, SIM_IPI);
        yield_or_tick(cpu);
    }
    violated("progress", "a ready thread never runs");
}

static bool is_quiet(void)
{
    for (u32 i = 0; i < world.config->cpus; i++) {
        const struct cpu *cpu = cpu_at(i);
        if (sim_ipi_pending(i) || cpu->mailbox || grace_is_waiting(cpu) ||
            !list_is_empty(&cpu->jobs))
            return false;
    }
    for (u32 i = 0; i < world.thread_count; i++)
        if (world.threads[i] && world.threads[i]->job_busy)
            return false;
    for (u32 i = 0; i < WORLD_PROCESSES; i++)
        if (world.processes[i] && world.processes[i]->state == PROCESS_ENDING)
            return false;
    return true;
}

/* Until all that was begun is done: threads that have been killed end when their turn comes. */
static void quiesce(void)
{
    for (u32 i = 1; i < WORLD_THREADS; i++) {
        const struct thread *thread = world.threads[i];
        if (thread && (thread->flags & THREAD_FLAG_KILLED) && !thread->exited)
            make_current(i);
    }
    for (u32 i = 0; i < QUIET_ROUNDS && !is_quiet(); i++) {
        if (run_has_failed())
            return;
        sim_time_advance(REST_NS);
        for (u32 cpu = 0; cpu < world.config->cpus; cpu++)
            run_on(cpu, sim_ipi_pending(cpu) ? SIM_IPI : SIM_TIMER);
        /* A CPU without work has asked the others for some, as it always will. */
        for (u32 cpu = 0; cpu < world.config->cpus && world.config->cpus > 1; cpu++)
            if (sim_ipi_pending(cpu))
                run_on(cpu, SIM_IPI);
    }
    EXPECT("progress", is_quiet(), "the kernel does not come to rest");
}

bool world_can_act(u32 thread)
{
    const struct thread *at = world.threads[thread];
    return !at->exited && !at->wait_lock && !(at->flags & THREAD_FLAG_KILLED);
}

/* The thread is current, and makes the call at its next step. */
static void prepare(const struct spec_call *call)
{
    struct thread *thread = world.threads[call->thread];
    make_current(call->thread);
    for (u32 i = 0; i < MESSAGE_MAX_CAPS; i++)
        thread->buffer->send_caps[i] = call->caps[i];
    pending[call->thread] = call;
}

static void kernel_call(const struct spec_call *call)
{
    prepare(call);
    if (run_has_failed())
        return;
    run_on(world_cpu_of(call->thread), SIM_USER_STEP);
    quiesce();
}

/* What has gone loses its number: its place in memory may be used again. */
static void forget_gone(void)
{
    for (u32 i = 0; i < WORLD_ENDPOINTS; i++)
        if (world.endpoints[i] && !ledger_holds("endpoint", world.endpoints[i]))
            world.endpoints[i] = NULL;
    if (world.memory && !ledger_holds("memory", world.memory))
        world.memory = NULL;
    for (u32 i = 0; i < WORLD_CLONES; i++)
        if (world.clones[i] && !ledger_holds("memory", world.clones[i]))
            world.clones[i] = NULL;
}

bool world_race(const struct spec_call *first, const struct spec_call *second,
                const struct sim_leg *legs, u32 leg_count)
{
    prepare(first);
    prepare(second);
    if (run_has_failed())
        return false;
    sim_cpu_command(world_cpu_of(first->thread), SIM_USER_STEP, 0);
    sim_cpu_command(world_cpu_of(second->thread), SIM_USER_STEP, 0);
    sim_touches_forget();
    sim_script(legs, leg_count);
    go();
    bool whole = sim_script_cut_short() == 0;
    sim_script(NULL, 0);
    quiesce();
    forget_gone();
    return whole;
}

void world_sequence(const struct spec_call *first, const struct spec_call *second)
{
    kernel_call(first);
    if (!run_has_failed() && world_can_act(second->thread))
        kernel_call(second);
    forget_gone();
}

/* --- Both --- */

static bool wait_has_ended(u32 thread)
{
    for (u32 i = 0; i < world.thread_count; i++)
        if (world.spec_threads[i] == (spec_ref)thread)
            return !world.threads[i]->wait_lock;
    return false;
}

static const struct spec_oracle oracle = {.wait_has_ended = wait_has_ended};

/* How soon the handle's slot will be used again; UINT32_MAX: it is in use. */
static u32 place_among_free(const struct cap_space *space, u64 handle)
{
    u32 place = 0;
    for (u32 next = space->first_free; next && place < 64; place++) {
        if (next - 1 == (handle & 0xfffff))
            return place;
        next = peek_slot_at(space, next - 1)->next_free;
    }
    return UINT32_MAX;
}

/* --- What calls make --- */

bool world_has_room_for(enum object_type type)
{
    if (type == OBJECT_ENDPOINT)
        return !world.endpoints[WORLD_OWN] && !world.endpoints[WORLD_OWN + 1];
    bool room = false;
    for (u32 i = 0; i < WORLD_CLONES; i++)
        room |= !world.clones[i];
    return room;
}

void world_note_made(u32 thread, spec_ref cap)
{
    const struct spec_cap *made = &spec_state.caps[cap];
    const struct cap_slot *slot = peek_slot(world.threads[thread]->space, made->handle);
    if (!slot || slot->handle != made->handle)
        return; /* a difference that lockstep.c tells of */
    if (slot->object->type == OBJECT_ENDPOINT) {
        u32 at = world.endpoints[WORLD_OWN] ? WORLD_OWN + 1 : WORLD_OWN;
        world.endpoints[at] = endpoint_of(slot->object);
        world.spec_endpoints[at] = made->object;
        return;
    }
    for (u32 i = 0; i < WORLD_CLONES && slot->object->type == OBJECT_MEMORY; i++)
        if (!world.clones[i]) {
            world.clones[i] = CONTAINER_OF(slot->object, struct memory, object);
            return;
        }
}

u32 world_endpoint_locked_by(const struct spinlock *lock)
{
    for (u32 i = 0; i < WORLD_ENDPOINTS; i++)
        if (world.endpoints[i] && lock == &world.endpoints[i]->lock)
            return i;
    return WORLD_ENDPOINTS;
}

/* One handle that a process has lost in this step, if any. Which one of several is no accident: the
 * one whose slot is used again first. */
static void note_gone(const u32 *counts_before)
{
    for (u32 i = 1; i < WORLD_PROCESSES; i++) {
        const struct spec_process *process = &spec_state.processes[world.spec_processes[i]];
        const struct cap_space *space = &world.processes[i]->space;
        u32 best = UINT32_MAX;
        for (u32 at = counts_before[i]; at < process->gone_count && !process->dead; at++) {
            u64 handle = process->gone[at % SPEC_GONE].handle;
            u32 place = place_among_free(space, handle);
            if (place <= best)
                gone_handles[i] = handle;
            best = place < best ? place : best;
        }
    }
}

static void count_gone(u32 *counts)
{
    for (u32 i = 1; i < WORLD_PROCESSES; i++)
        counts[i] = spec_state.processes[world.spec_processes[i]].gone_count;
}

void world_call(const struct spec_call *call)
{
    /* The specification's times lie before the kernel's, and after those of the call before. */
    u32 gone_before[WORLD_PROCESSES];
    count_gone(gone_before);
    u64 before_ns = sim_now_ns();
    kernel_call(call);
    if (run_has_failed())
        return;
    struct spec_call specified = *call;
    specified.thread = (u32)world.spec_threads[call->thread];
    spec_use(&spec_state, &oracle);
    spec_begin(before_ns);
    spec_issue(&specified);
    lockstep_check();
    forget_gone();
    note_gone(gone_before);
}

u32 world_times(u64 *times, u32 limit)
{
    u32 count = 0;
    for (u32 i = 1; i < world.thread_count; i++) {
        const struct thread *thread = world.threads[i];
        if (!thread->exited && thread->wait_lock && thread->wait_deadline != TIME_NEVER)
            times[count++] = thread->wait_deadline;
    }
    for (u32 i = 0; i < WORLD_ENDPOINTS; i++) {
        const struct endpoint *endpoint = world.endpoints[i];
        if (endpoint && endpoint->grace.armed)
            times[count++] = endpoint->grace.link.key;
    }
    for (u32 p = 1; p < WORLD_PROCESSES; p++) {
        const struct cap_space *space = &world.processes[p]->space;
        for (u32 i = 0, found = 0; found < space->used_count && count < limit; i++) {
            const struct cap_slot *slot = peek_slot_at(space, i);
            if (!slot)
                break;
            found += peek_in_use(slot);
            if (peek_in_use(slot) && slot->expires_ns != TIME_NEVER &&
                slot->expires_ns > sim_now_ns())
                times[count++] = slot->expires_ns;
        }
    }
    return count;
}

static u64 next_time(void)
{
    u64 times[WORLD_TIMES];
    u64 next = TIME_NEVER;
    u32 count = world_times(times, WORLD_TIMES);
    for (u32 i = 0; i < count; i++)
        next = times[i] < next ? times[i] : next;
    /* Grace times that began microseconds apart end together. */
    u64 last = next;
    for (u32 i = 0; i < count; i++)
        if (times[i] > last && times[i] - next < GRACE_NS / 4)
            last = times[i];
    return last;
}

u64 world_new_deadline(void)
{
    u64 times[WORLD_TIMES];
    u64 last = sim_now_ns();
    for (u32 i = world_times(times, WORLD_TIMES); i-- > 0;)
        last = times[i] > last ? times[i] : last;
    return last + FAR_NS;
}

bool world_time_can_pass(void)
{
    return next_time() != TIME_NEVER;
}

bool world_pass_time(void)
{
    u64 next = next_time();
    u32 gone_before[WORLD_PROCESSES];
    if (next == TIME_NEVER)
        return false;
    count_gone(gone_before);
    if (next >= sim_now_ns())
        sim_time_advance(next - sim_now_ns() + 1);
    run(SIM_TIMER);
    quiesce();
    spec_use(&spec_state, &oracle);
    spec_begin(sim_now_ns());
    spec_time_passes();
    lockstep_check();
    forget_gone();
    note_gone(gone_before);
    return true;
}

/* --- Making it --- */

static void fetch_page(struct thread *init, u64 address)
{
    for (u32 i = 0; i < 8 && !peek_is_mapped(init->vspace, address, ACCESS_WRITE); i++) {
        pending_fault = address;
        run(SIM_USER_STEP);
    }
}

static void write_user(struct thread *init, u64 address, const void *data, u64 size)
{
    paddr_t frame;
    u32 access;
    u32 level;
    fetch_page(init, address);
    if (!page_table_lookup(&init->vspace->table, address, &frame, &access, &level))
        broken("init's memory is not there");
    memcpy((char *)arch_phys_to_virt(frame) + address % PAGE_SIZE, data, size);
}

/* A call that the specification does not know of; it must succeed. */
static u64 set_up_call(struct thread *thread, const struct spec_call *call, u32 word)
{
    world.threads[0] = thread;
    kernel_call(call);
    if (run_has_failed() || thread->context.number != STATUS_OK) {
        fprintf(stderr, "explorer: call %u gave %llu %s\n", call->number,
                (unsigned long long)thread->context.number, result.message);
        broken("the world cannot be made");
    }
    return thread->context.words[word];
}

static u64 handle_of(const struct thread *thread, const struct object *object)
{
    for (u32 i = 0;; i++) {
        const struct cap_slot *slot = peek_slot_at(thread->space, i);
        if (!slot)
            broken("a capability is missing");
        if (peek_in_use(slot) && slot->object == object)
            return slot->handle;
    }
}

static struct object *object_named(const struct thread *thread, u64 handle)
{
    const struct cap_slot *slot = peek_slot(thread->space, handle);
    if (!slot)
        broken("a handle names nothing");
    return slot->object;
}

static struct thread *boot(const struct world_config *config)
{
    const struct sim_config machine = {
        .seed = 1,
        .memory_bytes = WORLD_MEMORY_BYTES,
        .cpu_count = config->cpus,
        .node_count = 1,
        .switch_gap = 0,
    };
    sim_machine_reset(&machine, user_step);
    if (!sim_machine_run(NULL))
        broken("no boot");
    for (u32 i = 0; i < BOOT_ROUNDS && !sim_cpu_context(0); i++) {
        sim_time_advance(1000000);
        run(sim_ipi_pending(0) ? SIM_IPI : SIM_TIMER);
    }
    struct thread *init = (struct thread *)(void *)sim_cpu_context(0);
    if (!init)
        broken("init does not run");
    return init;
}

/* The process's main thread and capability handles, in init. */
static void spawn(struct thread *init, u64 group, u32 process, u32 thread)
{
    struct spawn_plan plan = {.entry = TEXT_ADDRESS};
    snprintf(plan.name, sizeof(plan.name), "explored%u", process);
    write_user(init, INIT_SCRATCH, &plan, sizeof(plan));
    const struct spec_call call = {
        .number = SYS_spawn, .handle = group, .words = {INIT_SCRATCH}, .deadline_ns = TIME_NEVER};
    u64 handle = set_up_call(init, &call, 0);
    world.processes[process] = process_of(object_named(init, handle));
    world.threads[thread] = thread_of(object_named(init, init->context.words[1]));
}

static void make_objects(struct thread *init)
{
    const struct world_config *config = world.config;
    u64 group = handle_of(init, &group_root()->object);
    for (u32 i = 0; i < WORLD_OWN; i++) {
        const struct spec_call call = {.number = config->channel ? SYS_create_channel
                                                                 : SYS_create_endpoint,
                                       .handle = group,
                                       .words = {config->queue_depth[i], config->grace_ns[i]}};
        u64 handle =
            config->channel && i == 1 ? init->context.words[1] : set_up_call(init, &call, 0);
        world.endpoints[i] = endpoint_of(object_named(init, handle));
    }
    world.group = &group_root()->object;
    const struct spec_call memory = {
        .number = SYS_create_memory, .handle = group, .words = {2 * PAGE_SIZE}};
    struct object *object = object_named(init, set_up_call(init, &memory, 0));
    world.memory = CONTAINER_OF(object, struct memory, object);
    world.thread_count = config->threads + 2;
    spawn(init, group, 1, 1);
    spawn(init, group, 2, world.thread_count - 1);
    world.processes[0] = init->process;
    if (config->threads == 2) {
        const struct spec_call call = {
            .number = SYS_create_thread,
            .handle = handle_of(init, &world.processes[1]->object),
            /* The message buffer lies in the page of the other thread's, which runs no code. */
            .words = {TEXT_ADDRESS, TEXT_ADDRESS, 0, 0, 0,
                      world.threads[1]->buffer_user & ~(PAGE_SIZE - 1)},
        };
        world.threads[2] = thread_of(object_named(init, set_up_call(init, &call, 0)));
    }
    world.threads[0] = init;
}

/* What the processes got at their start beyond what the world gives them. */
static void close_start_caps(u32 thread)
{
    struct thread *at = world.threads[thread];
    for (u32 i = 0;; i++) {
        const struct cap_slot *slot = peek_slot_at(at->space, i);
        if (!slot)
            return;
        if (!peek_in_use(slot))
            continue;
        const struct spec_call call = {
            .thread = thread, .number = SYS_close, .handle = slot->handle};
        kernel_call(&call);
    }
}

/* With two CPUs each process's threads stay on one. */
static void bind_threads(struct thread *init)
{
    for (u32 i = 0; i < world.thread_count && world.config->cpus > 1; i++) {
        const struct spec_call call = {
            .number = SYS_thread_control,
            .handle = handle_of(init, &world.threads[i]->object),
            .words = {THREAD_SET_CPUS, 1ull << world_cpu_of(i)},
        };
        (void)set_up_call(init, &call, 0);
    }
}

static void import(u64 *handles, u32 slot, const struct object *object, spec_ref specified)
{
    const struct cap_slot *at =
        peek_slot(world.threads[0]->space, handle_of(world.threads[0], object));
    handles[slot] = at->handle;
    spec_ref cap = spec_new_cap(world.spec_processes[0], specified, at->handle, (u32)at->meta);
    spec_state.caps[cap].end = at->node->range_end;
}

enum { CAP_E0, CAP_E1, CAP_MEMORY, CAP_GROUP, CAP_P1, CAP_P2, CAP_T1, CAP_T2, CAP_T3, CAP_COUNT };

static void make_specification(u64 *handles)
{
    spec_use(&spec_state, &oracle);
    for (u32 i = 0; i < WORLD_PROCESSES; i++)
        world.spec_processes[i] = spec_new_process();
    for (u32 i = 0; i < world.thread_count; i++) {
        u32 process = i == 0 ? 0 : i + 1 == world.thread_count ? 2 : 1;
        world.spec_threads[i] = spec_new_thread(world.spec_processes[process]);
    }
    for (u32 i = 0; i < WORLD_OWN; i++) {
        world.spec_endpoints[i] = spec_new_object(OBJECT_ENDPOINT, SPEC_NONE);
        spec_new_endpoint(world.spec_endpoints[i], world.config->queue_depth[i],
                          world.config->grace_ns[i]);
        import(handles, CAP_E0 + i, &world.endpoints[i]->object, world.spec_endpoints[i]);
    }
    if (world.config->channel)
        spec_tie(world.spec_endpoints[0], world.spec_endpoints[1]);
    world.spec_memory = spec_new_object(OBJECT_MEMORY, SPEC_NONE);
    import(handles, CAP_MEMORY, &world.memory->object, world.spec_memory);
    import(handles, CAP_GROUP, world.group, spec_new_object(OBJECT_GROUP, SPEC_NONE));
    for (u32 i = 1; i < WORLD_PROCESSES; i++)
        import(handles, CAP_P1 + i - 1, &world.processes[i]->object,
               spec_new_object(OBJECT_PROCESS, world.spec_processes[i]));
    for (u32 i = 1; i < world.thread_count; i++)
        import(handles, CAP_T1 + i - 1, &world.threads[i]->object,
               spec_new_object(OBJECT_THREAD, world.spec_threads[i]));
}

static u64 give(u32 process, u64 cap, u32 rights, u32 mode, const u64 *handles)
{
    const struct spec_call call = {
        .number = SYS_grant,
        .handle = handles[CAP_P1 + process - 1],
        .words = {cap, rights, mode},
    };
    world_call(&call);
    return world.threads[0]->context.words[0];
}

/* Process 1 has endpoint 0 and the memory, process 2 has endpoint 1; each may send to the other's,
 * 2 with a badge. Process 1 may put capabilities into 2 and control its thread. */
static void share_out(const u64 *handles)
{
    u32 send = RIGHT_SEND | RIGHT_SIGNAL | RIGHT_DERIVE | RIGHT_TRANSFER | RIGHT_REVOKE;
    const struct spec_call badged = {
        .number = SYS_derive,
        .handle = handles[CAP_E0],
        .words = {send, 4, TIME_NEVER},
    };
    u64 last = handles[CAP_T1 + world.thread_count - 2];
    world_call(&badged);
    u64 badged_handle = world.threads[0]->context.words[0];
    give(2, badged_handle, UINT32_MAX, CAP_SEND_MOVE, handles);
    give(1, handles[CAP_E1], send, CAP_SEND_COPY, handles);
    /* With two CPUs, something to revoke while it is received by. */
    u32 master = world.config->mastered ? 2 : 1;
    if (world.config->cpus > 1)
        give(3 - master, handles[CAP_E0], UINT32_MAX, CAP_SEND_COPY, handles);
    give(master, handles[CAP_E0], UINT32_MAX, CAP_SEND_MOVE, handles);
    for (u32 i = 0; world.config->mastered && i < world.config->threads; i++)
        give(2, handles[CAP_T1 + i], RIGHT_CONTROL | RIGHT_KILL, CAP_SEND_COPY, handles);
    give(2, handles[CAP_E1], UINT32_MAX, CAP_SEND_MOVE, handles);
    give(1, handles[CAP_MEMORY], UINT32_MAX, CAP_SEND_MOVE, handles);
    give(1, handles[CAP_P2], RIGHT_GRANT, CAP_SEND_COPY, handles);
    give(1, last, RIGHT_CONTROL | RIGHT_KILL, CAP_SEND_COPY, handles);
    if (!world.config->groups)
        return;
    give(1, handles[CAP_GROUP], RIGHT_CREATE_ENDPOINT | RIGHT_CREATE_MEMORY, CAP_SEND_COPY,
         handles);
    give(2, handles[CAP_GROUP], RIGHT_CREATE_ENDPOINT, CAP_SEND_COPY, handles);
}

void world_make(const struct world_config *config)
{
    u64 handles[CAP_COUNT] = {0};
    memset(&result, 0, sizeof(result));
    history_reset(false);
    struct thread *init = boot(config);
    world = (struct world){.config = config};
    make_objects(init);
    bind_threads(init);
    for (u32 i = 1; i < world.thread_count; i++)
        close_start_caps(i);
    make_specification(handles);
    share_out(handles);
    /* Init goes to sleep for good. */
    const struct spec_call sleep = {
        .number = SYS_futex_wait, .deadline_ns = TIME_NEVER, .words = {INIT_SCRATCH, 0x6c707865}};
    write_user(init, INIT_SCRATCH, &sleep.words[1], sizeof(u32));
    kernel_call(&sleep);
    memset(gone_handles, 0, sizeof(gone_handles));
    memset(spec_state.processes[0].gone, 0, sizeof(spec_state.processes[0].gone));
    if (run_has_failed() || !init->wait_lock) {
        fprintf(stderr, "explorer: %s: %s\n", result.invariant, result.message);
        broken("the world cannot be made");
    }
    sim_delta_begin();
}
