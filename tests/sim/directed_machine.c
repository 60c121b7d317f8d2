/*
 * The machine under directed programs: who acts when. See directed.h.
 *
 * A user step does what the CPU's order says. The machine is run until no CPU has anything to do;
 * time passes only where a scenario lets it. Long because orders, actors, races, and a scenario's
 * beginning and end share state that nothing else should see.
 */
#include "arch/sim/sim_internal.h"
#include "directed_internal.h"
#include "ledger.h"
#include "port/inject.h"
#include "proc/process.h"
#include "program.h"
#include "run_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES  (16ull << 20)
#define BOOT_ROUNDS   200u
#define BRING_ROUNDS  12000u
#define WAIT_ROUNDS   4000u
#define END_ROUNDS    400u
#define YIELD_NS      2000u
#define FAR_FUTURE_NS 100000000000ull
#define TOUCH_FAULTS  4u
#define MAX_ACTORS    256u

/* Where init's threads beside the first have their message buffers: memory of its own. Those of
 * other processes lie in the last page of their scratch memory. */
#define BUFFERS_ADDRESS  0x28000000ull
#define BUFFERS_PAGES    16u
#define BUFFER_STRIDE    512u
#define BUFFERS_PER_PAGE (PAGE_SIZE / BUFFER_STRIDE)

enum order_kind { ORDER_NONE, ORDER_CALL, ORDER_YIELD, ORDER_TOUCH, ORDER_FAULT, ORDER_CONJURE };

/* What the thread on a CPU does next. */
struct order {
    enum order_kind kind;
    struct call call;
    u64 address;
    u32 access; /* or the fault's reason */
    bool done;
    struct object *object; /* ORDER_CONJURE */
    u64 handle;
};

static SIM_STATE struct order orders[SIM_MAX_CPUS];
static SIM_STATE struct actor actors[MAX_ACTORS];
static SIM_STATE u32 actor_count;
static SIM_STATE u64 buffers_placed;
static SIM_STATE struct actor *init;
static SIM_STATE struct start_info init_info;
static SIM_STATE struct census at_start;
static SIM_STATE u32 slab_objects_at_start;

/* A race under way: see run_race. */
static struct {
    bool trying;       /* a try's calls and what its verification does */
    bool on;           /* the two calls alone */
    u32 first, second; /* CPUs */
    u32 steps;
    u32 picks;
    u32 last_asked;
    bool second_ordered;
    bool second_was_dead; /* what it named had been revoked when it entered the kernel */
} racing;

static struct sim_snapshot *booted;
static bool verbose;
static u64 fail_countdown;
static bool fail_happened;

struct run_result *directed_result(void)
{
    return run_current();
}

/* --- What a CPU does
 * ------------------------------------------------------------------------------------ */

static struct arch_context *make_the_call(struct arch_context *context, const struct call *call)
{
    context->number = call->number;
    context->handle = call->handle;
    context->info = call->info;
    context->deadline = call->deadline;
    context->aux = 0;
    memcpy(context->words, call->w, sizeof(context->words));
    return sim_syscall(context, call->number);
}

/* The thread does not notice: its registers are as before when it goes on. */
static struct arch_context *yield(struct arch_context *context)
{
    struct arch_context before = *context;
    context->number = SYS_yield;
    struct arch_context *next = upcall_syscall(SYS_yield);
    *context = before;
    return next;
}

static struct arch_context *access_memory(struct arch_context *context, struct order *order)
{
    u64 value = 0;
    for (u32 i = 0; i < TOUCH_FAULTS; i++) {
        u32 reason;
        void *data = order->access == ACCESS_EXECUTE ? NULL : &value;
        order->done = sim_user_access(order->address, order->access, data, 1, &reason);
        if (order->done)
            return context;
        struct fault_info fault = {.reason = reason, .address = order->address};
        struct arch_context *next = upcall_fault(&fault);
        if (next != context)
            return next;
    }
    return context;
}

static bool names_the_dead(const struct who *who, u64 handle)
{
    const struct cap_slot *slot = peek_slot(who->space, handle);
    return slot && peek_is_revoked(slot);
}

static struct arch_context *user_step(u32 cpu, struct arch_context *context)
{
    struct order *order = &orders[cpu];
    struct who who;
    peek_who(context, &who);
    enum order_kind kind = order->kind;
    order->kind = ORDER_NONE;
    sim_time_advance(100);
    if (racing.on && cpu == racing.second && kind == ORDER_CALL)
        racing.second_was_dead = names_the_dead(&who, order->call.handle);
    switch (kind) {
    case ORDER_CALL:
        return make_the_call(context, &order->call);
    case ORDER_YIELD:
        return yield(context);
    case ORDER_TOUCH:
        return access_memory(context, order);
    case ORDER_FAULT: {
        struct fault_info fault = {.reason = order->access};
        return upcall_fault(&fault);
    }
    case ORDER_CONJURE:
        order->done = peek_conjure(who.space, order->object, &order->handle);
        return context;
    default:
        return context;
    }
}

/* --- Running the machine
 * -------------------------------------------------------------------------------- */

/* What a parked CPU has to do now. */
static void refill_due(u32 cpu)
{
    u32 line = 0;
    if (orders[cpu].kind != ORDER_NONE && sim_cpu_context(cpu))
        sim_cpu_command(cpu, SIM_USER_STEP, 0);
    else if (sim_ipi_pending(cpu))
        sim_cpu_command(cpu, SIM_IPI, 0);
    else if (sim_timer_deadline(cpu) <= sim_now_ns())
        sim_cpu_command(cpu, SIM_TIMER, 0);
    else if (sim_interrupt_pending(cpu, &line))
        sim_cpu_command(cpu, SIM_INTERRUPT, line);
}

/*
 * The machine draws four numbers each time it picks a CPU: which one of those that may run, how
 * many switch points it goes on for, whether its prefetcher walks, whether it is then held up. In a
 * race it draws them from a state after which it goes on for exactly one, without the rest.
 */
static u64 single_step_state(void)
{
    static u64 found;
    for (u64 seed = 1; !found; seed++) {
        struct sim_random random = {.state = seed};
        (void)sim_random_next(&random);
        bool one = sim_random_below(&random, 3) == 0;
        bool no_walk = sim_random_below(&random, 4) != 0;
        if (one && no_walk && sim_random_below(&random, 8) != 0)
            found = seed;
    }
    return found;
}

/*
 * During a race nothing else happens. The machine asks before each pick, for every parked CPU; the
 * lowest index tells one pick from the next.
 */
static void refill_race(u32 cpu)
{
    struct sim_cpu *first = &sim_machine()->cpus[racing.first];
    struct sim_cpu *second = &sim_machine()->cpus[racing.second];
    bool new_pick = cpu <= racing.last_asked;
    racing.last_asked = cpu;
    sim_reseed(single_step_state());
    if (cpu == racing.first && orders[cpu].kind != ORDER_NONE)
        sim_cpu_command(cpu, SIM_USER_STEP, 0);
    if (new_pick && !first->parked)
        racing.picks++;
    if (racing.picks <= racing.steps || first->parked)
        return;
    if (!racing.second_ordered) {
        racing.second_ordered = true;
        sim_cpu_command(racing.second, SIM_USER_STEP, 0);
    }
    if (!second->parked || second->command != SIM_NOTHING)
        first->stalled = true;
}

static bool run_machine(void)
{
    if (sim_stopped() || !sim_machine_run(refill_due))
        return false;
    return true;
}

/* In a race the invariants are checked once for each try, at its end; in rounds once for some. */
void settle(void)
{
    if (run_machine() && !directed_failed() && !racing.trying && !directed_is_between_checks())
        invariants_check();
}

static u64 next_timer(void)
{
    u64 next = TIME_NEVER;
    for (u32 i = 0; i < SIM_MAX_CPUS; i++)
        if (sim_cpu_parked(i) && sim_timer_deadline(i) < next)
            next = sim_timer_deadline(i);
    return next;
}

void pass_time(u64 ns)
{
    u64 end = sim_now_ns() + ns;
    for (u32 i = 0; i < WAIT_ROUNDS && !directed_failed(); i++) {
        u64 next = next_timer();
        if (next > end)
            break;
        if (next > sim_now_ns())
            sim_time_advance(next - sim_now_ns());
        (void)run_machine();
    }
    if (sim_now_ns() < end)
        sim_time_advance(end - sim_now_ns());
    settle();
}

bool wait_until(bool (*done)(void *argument), void *argument)
{
    settle();
    for (u32 i = 0; i < WAIT_ROUNDS && !directed_failed(); i++) {
        if (done(argument)) {
            settle();
            return true;
        }
        u64 next = next_timer();
        if (next > sim_now_ns() + FAR_FUTURE_NS)
            return false;
        if (next > sim_now_ns())
            sim_time_advance(next - sim_now_ns());
        (void)run_machine();
    }
    return false;
}

/* --- Actors
 * -------------------------------------------------------------------------------------------- */

static struct thread *thread_by(bool (*fits)(const struct thread *thread, u64 id), u64 id)
{
    u32 cursor = 0;
    struct thread *thread;
    while ((thread = ledger_next("thread", &cursor)) != NULL)
        if (fits(thread, id))
            return thread;
    return NULL;
}

static bool has_id(const struct thread *thread, u64 id)
{
    return thread->object.id == id;
}

static bool is_of_process(const struct thread *thread, u64 id)
{
    return thread->process && thread->process->object.id == id;
}

void directed_forget_actors(void)
{
    actor_count = 1; /* the first is init's */
}

static struct actor *actor_for(struct thread *thread)
{
    if (!thread)
        return NULL;
    for (u32 i = 0; i < actor_count; i++)
        if (actors[i].id == thread->object.id)
            return &actors[i];
    if (actor_count == MAX_ACTORS)
        abort();
    struct actor *actor = &actors[actor_count++];
    *actor = (struct actor){.thread = thread, .id = thread->object.id};
    return actor;
}

struct actor *actor_of(u64 thread_id)
{
    return actor_for(thread_by(has_id, thread_id));
}

struct actor *main_actor_of(u64 process_id)
{
    return actor_for(thread_by(is_of_process, process_id));
}

bool is_alive(const struct actor *actor)
{
    return thread_by(has_id, actor->id) == actor->thread && !actor->thread->exited;
}

struct actor *directed_init(void)
{
    return init;
}

u64 init_cap(enum init_cap which)
{
    return init_info.caps[which].bits;
}

u64 init_self(void)
{
    return init_info.self.bits;
}

u64 init_main_thread(void)
{
    return init_info.main_thread.bits;
}

static bool find_cpu(const struct actor *actor, u32 *cpu)
{
    for (u32 i = 0; i < SIM_MAX_CPUS; i++) {
        if (!sim_cpu_parked(i) || sim_cpu_context(i) != &actor->thread->context)
            continue;
        *cpu = i;
        return true;
    }
    return false;
}

bool is_blocked(const struct actor *actor)
{
    return is_alive(actor) && actor->thread->wait_lock != NULL;
}

/* Those on the CPU where the actor is ready yield until it runs; who has been brought onto another
 * stays there. */
static bool bring_on(const struct actor *actor, u32 *cpu)
{
    for (u32 i = 0; i < BRING_ROUNDS && !directed_failed(); i++) {
        if (!is_alive(actor) || actor->thread->wait_lock)
            return false;
        if (find_cpu(actor, cpu))
            return true;
        const struct activity *activity = actor->thread->activity;
        for (u32 at = 0; i > 0 && at < SIM_MAX_CPUS; at++)
            if ((!activity || activity->cpu == at) && sim_cpu_parked(at) && sim_cpu_context(at))
                orders[at] = (struct order){.kind = ORDER_YIELD};
        /* Who has run for long comes last again: first little time passes, then more. */
        sim_time_advance(i < 30 ? YIELD_NS : 25 * YIELD_NS);
        (void)run_machine();
    }
    return false;
}

static bool give_order(const struct actor *actor, const struct order *order, struct order **given)
{
    u32 cpu;
    if (!bring_on(actor, &cpu)) {
        history_line("thread %llu cannot be brought onto a CPU: %s", (unsigned long long)actor->id,
                     !is_alive(actor)           ? "it has ended"
                     : actor->thread->wait_lock ? "it waits"
                                                : "it is not picked");
        return false;
    }
    orders[cpu] = *order;
    *given = &orders[cpu];
    settle();
    return !directed_failed();
}

bool start(struct actor *actor, struct call call)
{
    if (!CHECK(actor != NULL))
        return false;
    struct order order = {.kind = ORDER_CALL, .call = call};
    struct order *given;
    history_line("t%llu %s handle %llx info %llx deadline %lld w %llx %llx %llx %llx",
                 (unsigned long long)actor->id, call_name((u32)call.number),
                 (unsigned long long)call.handle, (unsigned long long)call.info,
                 (long long)call.deadline, (unsigned long long)call.w[0],
                 (unsigned long long)call.w[1], (unsigned long long)call.w[2],
                 (unsigned long long)call.w[3]);
    return CHECK(give_order(actor, &order, &given));
}

static bool is_back(void *argument)
{
    return !is_blocked(argument);
}

u64 finish(struct actor *actor)
{
    if (!CHECK(actor != NULL) || !CHECK(wait_until(is_back, actor)) || !is_alive(actor))
        return UINT64_MAX;
    history_line("t%llu -> %llu", (unsigned long long)actor->id,
                 (unsigned long long)actor->thread->context.number);
    return actor->thread->context.number;
}

/* What a call that failed might have given away. */
static bool words_are_as_given(const struct actor *actor, const struct call *call)
{
    return memcmp(actor->thread->context.words, call->w, sizeof(call->w)) == 0;
}

u64 call(struct actor *actor, struct call call)
{
    if (!start(actor, call))
        return UINT64_MAX;
    u64 status = finish(actor);
    if (status != STATUS_OK && status != UINT64_MAX && !directed_failed())
        CHECK(words_are_as_given(actor, &call));
    return status;
}

u64 result_word(const struct actor *actor, u32 index)
{
    return actor->thread->context.words[index];
}

u64 result_info(const struct actor *actor)
{
    return actor->thread->context.info;
}

u64 result_badge(const struct actor *actor)
{
    return actor->thread->context.handle;
}

bool touch(struct actor *actor, u64 address, u32 access)
{
    struct order order = {.kind = ORDER_TOUCH, .address = address, .access = access};
    struct order *given;
    history_line("t%llu touches %llx (%u)", (unsigned long long)actor->id,
                 (unsigned long long)address, access);
    return give_order(actor, &order, &given) && given->done;
}

void fault(struct actor *actor, u32 reason)
{
    struct order order = {.kind = ORDER_FAULT, .access = reason};
    struct order *given;
    history_line("t%llu raises fault %u", (unsigned long long)actor->id, reason);
    (void)CHECK(give_order(actor, &order, &given));
}

/* --- User memory
 * --------------------------------------------------------------------------------------- */

static bool is_of_init(const struct actor *actor)
{
    return actor->thread->process == init->thread->process;
}

u64 scratch(const struct actor *actor, u32 page)
{
    return (is_of_init(actor) ? INIT_SCRATCH_ADDRESS : SCRATCH_ADDRESS) + page * PAGE_SIZE;
}

u64 buffer_place(const struct actor *actor)
{
    u64 n = buffers_placed++;
    if (is_of_init(actor))
        return BUFFERS_ADDRESS + n % (BUFFERS_PAGES * BUFFERS_PER_PAGE) * BUFFER_STRIDE;
    return scratch(actor, SCRATCH_PAGE_COUNT) + n % BUFFERS_PER_PAGE * BUFFER_STRIDE;
}

/* Moves bytes to or from user memory through the page tables. */
static void move_bytes(const struct actor *actor, u64 address, u8 *data, u64 size, bool write)
{
    for (u64 i = 0; i < size; i++) {
        paddr_t frame;
        u32 access, level;
        u64 page = (address + i) & ~(PAGE_SIZE - 1);
        if (!CHECK(page_table_lookup(&actor->thread->vspace->table, page, &frame, &access, &level)))
            return;
        u8 *byte = (u8 *)arch_phys_to_virt(frame) + ((address + i) & (PAGE_SIZE - 1));
        if (write)
            *byte = data[i];
        else
            data[i] = *byte;
    }
}

void poke(const struct actor *actor, u64 address, const void *data, u64 size_bytes)
{
    u8 copy[2 * PAGE_SIZE];
    if (!CHECK(size_bytes <= sizeof(copy)))
        return;
    memcpy(copy, data, size_bytes);
    move_bytes(actor, address, copy, size_bytes, true);
}

void peek(const struct actor *actor, u64 address, void *data, u64 size_bytes)
{
    move_bytes(actor, address, data, size_bytes, false);
}

struct message_buffer *buffer(const struct actor *actor)
{
    return actor->thread->buffer;
}

void put_cap(const struct actor *actor, u32 index, u64 handle, u32 rights, u32 mode)
{
    buffer(actor)->send_caps[index] =
        (struct message_cap){.cap = {handle}, .rights = rights, .mode = mode};
}

u64 got_cap(const struct actor *actor, u32 index)
{
    return buffer(actor)->received_caps[index].bits;
}

/* --- Allocations that fail
 * ------------------------------------------------------------------------------- */

static bool fail_hook(void)
{
    if (fail_countdown == 0 || --fail_countdown > 0)
        return false;
    fail_happened = true;
    return true;
}

void fail_allocation(u64 n)
{
    fail_countdown = n;
    fail_happened = false;
}

bool allocation_failed(void)
{
    fail_countdown = 0;
    return fail_happened;
}

/* --- Races
 * -------------------------------------------------------------------------------------------- */

#define RACE_STEPS 2000u

/* One try. False: the first left the kernel before it was to be held up. */
static bool run_race(const struct racer *first, const struct racer *second, u32 steps)
{
    u32 cpu_a, cpu_b;
    if (!CHECK(bring_on(second->actor, &cpu_b) && bring_on(first->actor, &cpu_a) &&
               find_cpu(second->actor, &cpu_b)))
        return false;
    orders[cpu_a] = (struct order){.kind = ORDER_CALL, .call = first->call};
    orders[cpu_b] = (struct order){.kind = ORDER_CALL, .call = second->call};
    racing.first = cpu_a;
    racing.second = cpu_b;
    racing.steps = steps;
    racing.picks = 0;
    racing.last_asked = SIM_MAX_CPUS;
    racing.second_ordered = false;
    racing.second_was_dead = false;
    racing.on = true;
    sim_machine()->config.switch_gap = 1;
    (void)sim_machine_run(refill_race);
    sim_machine()->config.switch_gap = 0;
    racing.on = false;
    bool met = racing.second_ordered;
    if (!met)
        orders[cpu_b].kind = ORDER_NONE;
    settle();
    if (met && racing.second_was_dead && second->call.number != SYS_close)
        CHECK(!is_blocked(second->actor) && second->actor->thread->context.number != STATUS_OK);
    return met;
}

u32 race_everywhere(const struct racer *first, const struct racer *second,
                    void (*verify)(void *argument), void *argument)
{
    u32 tries = 0;
    bool met = true;
    struct sim_snapshot *before = sim_snapshot_take();
    for (u32 steps = 0; met && steps < RACE_STEPS && !directed_failed(); steps++) {
        sim_snapshot_restore(before);
        history_line("race of t%llu (%s) and t%llu (%s): held up after %u",
                     (unsigned long long)first->actor->id, call_name((u32)first->call.number),
                     (unsigned long long)second->actor->id, call_name((u32)second->call.number),
                     steps);
        racing.trying = true;
        met = run_race(first, second, steps);
        if (met && !directed_failed())
            verify(argument);
        racing.trying = false;
        settle();
        tries += met;
    }
    if (!sim_stopped() && !directed_failed())
        sim_snapshot_restore(before);
    sim_snapshot_free(before);
    return tries;
}

void pin(struct actor *actor, u64 handle, u32 cpu)
{
    struct call set = CALL(thread_control, handle, W(THREAD_SET_CPUS, 1ull << cpu));
    CHECK_EQ(call(actor, set), STATUS_OK);
    settle();
}

/* --- Beginning and end
 * ------------------------------------------------------------------------------------- */

static struct thread *first_thread(void)
{
    for (u32 i = 0; i < SIM_MAX_CPUS; i++) {
        struct arch_context *context = sim_cpu_parked(i) ? sim_cpu_context(i) : NULL;
        if (context)
            return CONTAINER_OF(context, struct thread, context);
    }
    return NULL;
}

static void learn_init(void)
{
    init = actor_for(first_thread());
    u64 page = init->thread->context.argument;
    CHECK(touch(init, page, ACCESS_READ));
    peek(init, page, &init_info, sizeof(init_info));
    for (u32 i = 0; i < SCRATCH_PAGE_COUNT; i++)
        CHECK(touch(init, scratch(init, i), ACCESS_WRITE));
    CHECK(touch(init, init_info.message_buffer, ACCESS_WRITE));
    for (u32 i = 0; i < init_info.cap_count && i < SPAWN_MAX_CAPS; i++)
        note_initial_handle(init_info.caps[i].bits);
    note_initial_handle(init_info.self.bits);
    note_initial_handle(init_info.main_thread.bits);
    u64 memory = make_memory(init, BUFFERS_PAGES * PAGE_SIZE);
    note_initial_handle(memory);
    struct call map =
        CALL(map, memory,
             W(0, BUFFERS_ADDRESS, 0, BUFFERS_PAGES * PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_FIXED));
    CHECK_EQ(call(init, map), STATUS_OK);
    cleanup_note_regions(init->thread->vspace);
}

void directed_boot(bool be_verbose, u32 cpus)
{
    verbose = be_verbose;
    history_reset(verbose);
    memset(run_current(), 0, sizeof(*run_current()));
    program_reset(1);
    struct sim_config config = {
        .seed = 1, .memory_bytes = MEMORY_BYTES, .cpu_count = cpus, .node_count = 1};
    sim_machine_reset(&config, user_step);
    sim_inject_hook = fail_hook;
    fail_allocation(0);
    if (!sim_machine_run(NULL))
        return;
    for (u32 i = 0; i < BOOT_ROUNDS && !first_thread(); i++)
        pass_time(1000000);
    learn_init();
    pass_time(1000000);
    census_take(&at_start);
    slab_objects_at_start = ledger_object_count();
    if (booted)
        sim_snapshot_free(booted);
    booted = sim_snapshot_take();
}

/* A machine that has stopped in the middle of the kernel cannot be restored: it is powered on
 * again, and so is one with another number of CPUs. */
void directed_begin(u32 cpus)
{
    bool usable = booted && !sim_stopped() && sim_machine()->config.cpu_count == cpus;
    memset(run_current(), 0, sizeof(*run_current()));
    fail_allocation(0);
    history_reset(verbose);
    if (usable)
        sim_snapshot_restore(booted);
    else
        directed_boot(verbose, cpus);
}

static void end_survivor(struct object *survivor)
{
    struct order order = {.kind = ORDER_CONJURE, .object = survivor};
    struct order *given;
    if (!CHECK(give_order(init, &order, &given) && given->done))
        return;
    u64 handle = given->handle;
    u64 status = call(init, CALL(kill, handle));
    CHECK(status == STATUS_OK || status == STATUS_DEAD);
    pass_time(100000);
}

static u64 first_extra_handle(void)
{
    for (u32 i = 0;; i++) {
        const struct cap_slot *slot = peek_slot_at(init->thread->space, i);
        if (!slot)
            return 0;
        if (peek_in_use(slot) && !is_initial_handle(slot->handle))
            return slot->handle;
    }
}

static bool unmap_extra(void)
{
    TREE_FOREACH(node, &init->thread->vspace->regions)
    {
        const struct region *region = TREE_ENTRY(node, struct region, link);
        if (cleanup_is_initial(node->key, PAGE_SIZE) || region->dying)
            continue;
        struct call unmap = CALL(unmap, 0, W(0, node->key, region->end - node->key));
        CHECK_EQ(call(init, unmap), STATUS_OK);
        return true;
    }
    return false;
}

void directed_end(void)
{
    struct object *survivor;
    u64 handle;
    if (!CHECK(!is_blocked(init)))
        return;
    for (u32 i = 0; i < END_ROUNDS && (survivor = peek_any_survivor()) && !directed_failed(); i++)
        end_survivor(survivor);
    for (u32 i = 0; i < END_ROUNDS && (handle = first_extra_handle()) && !directed_failed(); i++)
        CHECK_EQ(call(init, CALL(close, handle)), STATUS_OK);
    for (u32 i = 0; i < END_ROUNDS && !directed_failed() && unmap_extra(); i++)
        ;
    for (u32 i = 0; i < 20 && !directed_failed(); i++) {
        for (u32 at = 0; at < SIM_MAX_CPUS; at++)
            if (sim_cpu_context(at))
                orders[at] = (struct order){.kind = ORDER_YIELD};
        pass_time(5000000);
    }
    if (directed_failed())
        return;
    struct census now;
    census_take(&now);
    census_compare(&at_start, &now);
    CHECK_EQ(ledger_object_count(), slab_objects_at_start);
    CHECK_EQ(cap_denials(STATUS_OK), 0); /* only what was denied counts as denied */
}
