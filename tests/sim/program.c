/* Simulated user programs: one action at a time, and what must hold of its result. */
#include "program.h"

#include "abi/fault.h"
#include "abi/rights.h"
#include "abi/spawn.h"
#include "abi/status.h"

#include <string.h>

#define THREAD_RECORDS 8192u

static SIM_STATE struct {
    u64 seed;
    u32 step;
    u32 actions[SIM_MAX_CPUS]; /* in this step */
    u64 init_steps;
    u64 entries;
    u64 calls[SYSCALL_LIMIT];
    u64 results[SYSCALL_LIMIT][SIM_STATUS_COUNT];
    bool prefaulted;
    bool cleanup;
    u32 next_record;
    struct program_thread records[THREAD_RECORDS];
} state;

static u64 pending_seed;

void program_reset(u64 seed)
{
    /* The machine's power-on clears SIM_STATE afterwards. */
    pending_seed = seed;
}

u64 program_seed(void)
{
    return state.seed;
}

void program_begin_step(u32 step)
{
    state.seed = pending_seed;
    state.step = step;
    memset(state.actions, 0, sizeof(state.actions));
    handles_begin_step(mix(mix(pending_seed, step), 0xf0c5));
}

u64 program_init_steps(void)
{
    return state.init_steps;
}

bool program_is_ready(void)
{
    return state.prefaulted;
}

void program_counts(struct run_result *result)
{
    result->entries = state.entries;
    memcpy(result->calls, state.calls, sizeof(state.calls));
    memcpy(result->results, state.results, sizeof(state.results));
}

void program_begin_cleanup(void)
{
    state.cleanup = true;
}

/* --- Records of threads
 * ------------------------------------------------------------------------------- */

/* A thread that runs for the first time gets a record; init's main thread learns its initial
 * handles. */
static struct program_thread *record_of(struct program *program)
{
    struct arch_context *context = program->context;
    if (context->started != 0) {
        struct program_thread *record = &state.records[(context->started - 1) % THREAD_RECORDS];
        if (record->thread_id == program->who.thread_id)
            return record;
    }
    struct program_thread *record = &state.records[state.next_record % THREAD_RECORDS];
    *record = (struct program_thread){.thread_id = program->who.thread_id};
    context->started = ++state.next_record;
    return record;
}

/* The vector register as the thread finds it is as it left it, or clean after a system call. */
static void check_vector(struct program *program)
{
    struct program_thread *record = program->memory;
    u64 value = sim_vector_get(program->cpu);
    bool good = !record->vector_known
                    ? value == 0
                    : value == record->vector || (!record->vector_exact && value == 0);
    if (!good)
        violated("vector_state", "thread %llu finds %#llx in its vector register, left %#llx",
                 (unsigned long long)record->thread_id, (unsigned long long)value,
                 (unsigned long long)record->vector);
    record->vector = value;
    record->vector_known = true;
    record->vector_exact = true;
}

static void finish_call(struct program *program)
{
    struct program_thread *record = program->memory;
    if (!record->in_call)
        return;
    record->in_call = false;
    u64 status = program->context->number;
    history_line("%6u cpu%u p%llu t%llu        %s (step %llu) -> %llu w0 %llx", state.step,
                 program->cpu, (unsigned long long)program->who.process_id,
                 (unsigned long long)program->who.thread_id, call_name(record->number),
                 (unsigned long long)record->step, (unsigned long long)status,
                 (unsigned long long)program->context->words[0]);
    EXPECT("status_known", status < SIM_STATUS_COUNT, "%s returned %llu", call_name(record->number),
           (unsigned long long)status);
    EXPECT("bad_handle_refused", !record->must_fail || status != STATUS_OK,
           "%s succeeded with a handle that names nothing fit", call_name(record->number));
    if (status < SIM_STATUS_COUNT && record->number < SYSCALL_LIMIT)
        state.results[record->number][status]++;
}

void do_syscall(struct program *program, u32 number)
{
    struct program_thread *record = program->memory;
    struct arch_context *context = program->context;
    context->number = number;
    record->in_call = true;
    record->must_fail = handle_must_fail(program, number, context->handle);
    record->number = number;
    record->step = state.step;
    record->vector_exact = false;
    state.entries++;
    state.calls[number < SYSCALL_LIMIT ? number : 0]++;
    remember_handle(context->handle);
    history_line(
        "%6u cpu%u p%llu t%llu %s handle %llx info %llx deadline %lld w %llx %llx %llx %llx",
        state.step, program->cpu, (unsigned long long)program->who.process_id,
        (unsigned long long)program->who.thread_id, call_name(number),
        (unsigned long long)context->handle, (unsigned long long)context->info,
        (long long)context->deadline, (unsigned long long)context->words[0],
        (unsigned long long)context->words[1], (unsigned long long)context->words[2],
        (unsigned long long)context->words[3]);
    program->next = sim_syscall(context, number);
}

/* --- Actions
 * ------------------------------------------------------------------------------------------ */

static void cpu_fault(struct program *program)
{
    static const u32 reasons[] = {FAULT_DIVIDE, FAULT_ILLEGAL,   FAULT_PRIVILEGED, FAULT_BREAKPOINT,
                                  FAULT_DEBUG,  FAULT_ALIGNMENT, FAULT_OTHER};
    if (program->who.is_init)
        return;
    raise_fault(program, reasons[below(&program->random, ARRAY_SIZE(reasons))], 0);
}

static void act(struct program *program)
{
    u64 kind = below(&program->random, 100);
    if (chance(&program->random, 1, 3)) {
        program->memory->vector = sim_random_next(&program->random) | 1;
        sim_vector_set(program->cpu, program->memory->vector);
    }
    if (kind < 78) {
        (void)make_call(program);
    } else if (kind < 96) {
        user_touch(program);
    } else if (kind < 97) {
        cpu_fault(program);
    }
    /* else: it computes */
}

struct arch_context *program_user_step(u32 cpu, struct arch_context *context)
{
    struct program program = {.cpu = cpu, .context = context, .next = context};
    peek_who(context, &program.who);
    program.random.state =
        mix(mix(state.seed, state.step), 0x1000 + cpu * 0x100 + state.actions[cpu]++);
    program.memory = record_of(&program);
    sim_time_advance(1 + below(&program.random, 2000));
    check_vector(&program);
    finish_call(&program);
    state.init_steps += program.who.is_init_main;

    if (program.who.is_init_main && !state.prefaulted) {
        state.prefaulted = user_prefault(&program);
        if (state.prefaulted)
            cleanup_note_regions(program.who.vspace);
        return program.next;
    }
    if (state.cleanup && program.who.is_init_main)
        cleanup_init(&program);
    else if (state.cleanup)
        cleanup_other(&program);
    else
        act(&program);
    return program.next;
}
