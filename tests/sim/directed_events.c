/* Directed programs: events of messages and system calls. The short ways write them too, and what
 * they say is what the general path says. */
#include "directed_pair.h"

#include "core/cpu.h"
#include "trace/trace.h"

#include <string.h>

#define KEPT 64u

/* What CPU 1 has written since `from`. */
struct told {
    u64 from;
    u32 count;
    struct trace_event events[KEPT];
};

static u64 head_of(u32 cpu)
{
    return cpu_at(cpu)->trace_ring->head;
}

static void begin_to_listen(struct told *told)
{
    *told = (struct told){.from = head_of(1)};
}

static void listen(struct told *told)
{
    const struct cpu *cpu = cpu_at(1);
    u64 capacity = cpu->trace_ring->capacity;
    for (u64 at = told->from; at < head_of(1) && told->count < KEPT; at++)
        told->events[told->count++] = cpu->trace_first[at & (capacity - 1)];
    told->from = head_of(1);
}

static u64 counted(enum trace_metric metric)
{
    return cpu_at(1)->metrics->counters[metric];
}

static void record(struct actor *init, u32 categories)
{
    CHECK_EQ(call(init, CALL(trace_control, init_cap(INIT_CAP_TRACE),
                             W(TRACE_SET_CATEGORIES, categories))),
             STATUS_OK);
}

/* Leaves the caller and CPU 1 as they are before a short way, or such that it must not be taken. */
static void prepare(struct actor *actor, bool fast)
{
    warm(actor);
    if (!fast)
        cpu_at(1)->attention.look = 1;
}

/* A call, its reply, a signal and a message to the waiting server, and signals that wait for it. */
static void converse(const struct pair *pair, bool fast, struct told *told)
{
    prepare(pair->caller, fast);
    begin_to_listen(told);
    CHECK(start(pair->caller,
                CALL(call, pair->badged, EIGHT(1), .info = LABEL(0x10005), .deadline = FOREVER)));
    listen(told);
    CHECK_EQ(finish(pair->server), STATUS_OK);
    prepare(pair->server, fast);
    told->from = head_of(1);
    CHECK(start(pair->server, CALL(reply_receive, pair->endpoint, EIGHT(7), .info = LABEL(0x20006),
                                   .deadline = FOREVER)));
    listen(told);
    CHECK_EQ(finish(pair->caller), STATUS_OK);
    static const u64 one_way[] = {SYS_signal, SYS_send};
    for (u32 i = 0; i < 2; i++) {
        prepare(pair->caller, fast);
        told->from = head_of(1);
        struct call sent = {.number = one_way[i], .handle = pair->badged, .info = LABEL(0x30007)};
        CHECK(start(pair->caller, sent));
        listen(told);
        CHECK_EQ(finish(pair->server), STATUS_OK);
        CHECK_EQ(finish(pair->caller), STATUS_OK);
        if (i == 0)
            CHECK(start(pair->server, CALL(receive, pair->endpoint, .deadline = FOREVER)));
    }
    prepare(pair->caller, fast);
    CHECK_EQ(call(pair->caller, CALL(signal, pair->badged)), STATUS_OK);
    prepare(pair->server, fast);
    told->from = head_of(1);
    CHECK(start(pair->server, CALL(receive, pair->endpoint, .deadline = FOREVER)));
    listen(told);
    CHECK_EQ(finish(pair->server), STATUS_OK);
    CHECK(start(pair->server, CALL(receive, pair->endpoint, .deadline = FOREVER)));
}

static u32 count_of(const struct told *told, enum trace_event_type type)
{
    u32 count = 0;
    for (u32 i = 0; i < told->count; i++)
        count += told->events[i].type == type;
    return count;
}

/* All but times and spans, which go on from one conversation to the next. */
static bool same(struct trace_event a, struct trace_event b)
{
    b.time_ns = a.time_ns;
    b.span = a.span;
    if (a.type == TRACE_IPC_ROUND)
        b.words[3] = a.words[3];
    return memcmp(&a, &b, sizeof(a)) == 0;
}

SCENARIO(the_fast_path_tells_what_the_general_path_tells)
{
    struct pair pair = make_pair();
    static struct told fast, slow;
    static const u32 chosen[] = {1u << TRACE_CATEGORY_IPC, 1u << TRACE_CATEGORY_SYSCALL,
                                 1u << TRACE_CATEGORY_IPC | 1u << TRACE_CATEGORY_SCHED,
                                 (1u << TRACE_CATEGORY_COUNT) - 1};
    for (u32 i = 0; i < ARRAY_SIZE(chosen); i++) {
        record(pair.init, chosen[i]);
        u64 calls = counted(METRIC_FAST_CALLS), replies = counted(METRIC_FAST_REPLIES);
        converse(&pair, true, &fast);
        CHECK_EQ(counted(METRIC_FAST_CALLS), calls + 1);
        CHECK_EQ(counted(METRIC_FAST_REPLIES), replies + 1);
        converse(&pair, false, &slow);
        CHECK_EQ(counted(METRIC_FAST_CALLS), calls + 1);
        CHECK_EQ(counted(METRIC_FAST_REPLIES), replies + 1);
        bool ipc = chosen[i] >> TRACE_CATEGORY_IPC & 1;
        CHECK_EQ(count_of(&fast, TRACE_IPC_ROUND), ipc);
        CHECK_EQ(count_of(&fast, TRACE_IPC_SIGNAL), ipc);
        CHECK_EQ(count_of(&fast, TRACE_IPC_SEND), ipc);
        CHECK_EQ(count_of(&fast, TRACE_IPC_RECEIVE), ipc);
        CHECK_EQ(count_of(&fast, TRACE_SYSCALL_BLOCK),
                 2 * (chosen[i] >> TRACE_CATEGORY_SYSCALL & 1));
        CHECK_EQ(fast.count, slow.count);
        for (u32 n = 0; n < fast.count && n < slow.count; n++)
            CHECK(same(fast.events[n], slow.events[n]));
    }
}

SCENARIO(a_round_says_who_called_whom_for_what)
{
    struct pair pair = make_pair();
    static struct told told;
    record(pair.init, 1u << TRACE_CATEGORY_IPC);
    converse(&pair, true, &told);
    const struct trace_event *round = &told.events[0];
    CHECK_EQ(round->type, TRACE_IPC_ROUND);
    CHECK_EQ(round->thread, pair.caller->id);
    CHECK_EQ(round->trace, pair.caller->thread->home->trace);
    CHECK_EQ(round->words[0] >> 32, pair.server->id);
    CHECK_EQ(round->words[1], 0x20006ull << 32 | 0x10005);
    CHECK_EQ(round->words[2], 42);
    CHECK(round->words[3] > 0 && round->words[3] < round->time_ns);
}

/* Begun while calls are not recorded: its end is no round, whose beginning nobody knows. */
SCENARIO(a_call_from_before_the_recording_is_no_round)
{
    struct pair pair = make_pair();
    static struct told told;
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(call, pair.badged, .deadline = FOREVER)));
    CHECK_EQ(finish(pair.server), STATUS_OK);
    record(pair.init, 1u << TRACE_CATEGORY_IPC);
    warm(pair.server);
    begin_to_listen(&told);
    CHECK(start(pair.server, CALL(reply_receive, pair.endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(pair.caller), STATUS_OK);
    listen(&told);
    CHECK_EQ(count_of(&told, TRACE_IPC_ROUND), 0);
    /* Switched off and on during a call: the same. */
    warm(pair.caller);
    CHECK(start(pair.caller, CALL(call, pair.badged, .deadline = FOREVER)));
    CHECK_EQ(finish(pair.server), STATUS_OK);
    record(pair.init, 0);
    record(pair.init, 1u << TRACE_CATEGORY_IPC);
    warm(pair.server);
    begin_to_listen(&told);
    CHECK(start(pair.server, CALL(reply_receive, pair.endpoint, .deadline = FOREVER)));
    CHECK_EQ(finish(pair.caller), STATUS_OK);
    listen(&told);
    CHECK_EQ(count_of(&told, TRACE_IPC_ROUND), 0);
}

/* However a call that was taken at once ends, one event tells of it. */
SCENARIO(each_end_of_a_call_is_told_once)
{
    for (u32 i = 0; i < 5; i++) {
        struct pair pair = make_pair();
        static struct told told;
        u64 status = STATUS_OK, reply = 0;
        record(pair.init, 1u << TRACE_CATEGORY_IPC);
        warm(pair.caller);
        CHECK(start(pair.caller, CALL(call, pair.badged, .info = LABEL(0x10005),
                                      .deadline = i == 0 ? sim_now_ns() + 1000000 : FOREVER)));
        CHECK_EQ(finish(pair.server), STATUS_OK);
        u64 heads[SIM_MAX_CPUS];
        for (u32 cpu = 0; cpu < SIM_MAX_CPUS; cpu++)
            heads[cpu] = head_of(cpu);
        begin_to_listen(&told);
        switch (i) {
        case 0:
            status = STATUS_TIMED_OUT;
            break;
        case 1:
            CHECK_EQ(call(pair.init, CALL(cancel, pair.caller_thread)), STATUS_OK);
            status = STATUS_CANCELLED;
            break;
        case 2:
            CHECK_EQ(call(pair.init, CALL(kill, pair.server_thread)), STATUS_OK);
            status = STATUS_SERVER_DIED;
            break;
        case 3:
            CHECK_EQ(call(pair.server, CALL(receive, pair.endpoint, .deadline = 1)),
                     STATUS_TIMED_OUT);
            status = STATUS_REPLY_DROPPED;
            break;
        case 4: /* passed on: the beginning is told when its server lets go, the end by itself */
            CHECK_EQ(call(pair.server, CALL(defer, init_cap(INIT_CAP_GROUP))), STATUS_OK);
            reply = result_word(pair.server, 0);
            CHECK_EQ(call(pair.init, CALL(reply, reply, .info = LABEL(0x20006))), STATUS_OK);
            break;
        }
        CHECK_EQ(finish(pair.caller), status);
        u32 rounds = 0, begins = 0, ends = 0;
        for (u32 cpu = 0; cpu < SIM_MAX_CPUS; cpu++) {
            const struct cpu *of = cpu_at(cpu);
            for (u64 at = heads[cpu]; at < head_of(cpu); at++) {
                const struct trace_event *event =
                    &of->trace_first[at & (of->trace_ring->capacity - 1)];
                if (event->type == TRACE_IPC_ROUND) {
                    rounds++;
                    CHECK_EQ(event->words[0] >> 32, pair.server->id);
                    CHECK_EQ(event->words[1], status << 32 | 0x10005);
                    CHECK_EQ(event->thread, pair.caller->id);
                }
                if (event->type == TRACE_IPC_CALL) {
                    begins++;
                    CHECK_EQ(event->words[3], pair.server->id);
                    CHECK_EQ(event->thread, pair.caller->id);
                }
                if (event->type == TRACE_IPC_REPLY && event->words[0] == pair.caller->id)
                    ends++;
            }
        }
        CHECK_EQ(rounds, i < 4);
        CHECK_EQ(begins, i == 4);
        CHECK_EQ(ends, i == 4);
    }
}

/* Who wakes one that goes first gives way at once, and the call that did it is told before. */
SCENARIO(giving_way_is_told_in_order)
{
    struct pair pair = make_pair();
    static struct told fast, slow;
    record(pair.init,
           1u << TRACE_CATEGORY_IPC | 1u << TRACE_CATEGORY_SCHED | 1u << TRACE_CATEGORY_SYSCALL);
    for (u32 i = 0; i < 2; i++) {
        struct told *told = i == 0 ? &fast : &slow;
        u64 empty = make_endpoint(pair.init, 0, 0);
        warm(pair.caller);
        pass_time(3000000);
        CHECK_EQ(call(pair.caller, CALL(receive, empty, .deadline = sim_now_ns() + 1000)),
                 STATUS_TIMED_OUT);
        prepare(pair.caller, i == 0);
        begin_to_listen(told);
        CHECK(start(pair.caller, CALL(signal, pair.badged)));
        listen(told);
        CHECK_EQ(finish(pair.server), STATUS_OK);
        CHECK(start(pair.server, CALL(receive, pair.endpoint, .deadline = FOREVER)));
        CHECK_EQ(finish(pair.caller), STATUS_OK);
    }
    static const u16 order[] = {TRACE_IPC_SIGNAL, TRACE_SCHED_WAKE, TRACE_SYSCALL_EXIT,
                                TRACE_SCHED_WAKE, TRACE_SCHED_SWITCH};
    for (u32 n = 0; n < ARRAY_SIZE(order); n++) {
        CHECK_EQ(fast.events[n].type, order[n]);
        CHECK(same(fast.events[n], slow.events[n]));
    }
    CHECK_EQ(fast.count, slow.count);
}
