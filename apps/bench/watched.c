/* What is refused, and what being watched costs. */
#include "bench.h"

#include "abi/trace.h"

#define MANY 1000u

/* A handle that does not have the right which the call asks for. */
static void measure_refusal(void)
{
    endpoint_t endpoint;
    cap_t weak;

    MUST(endpoint_create(bench.group, 0, 0, &endpoint));
    MUST(cap_derive_rights(endpoint.cap, RIGHT_RECEIVE, &weak));
    if (endpoint_signal((endpoint_t){weak}) != STATUS_MISSING_RIGHT)
        fatal("a signal without the right was not refused");
    MEASURE("refused", MANY, 1, (void)endpoint_signal((endpoint_t){weak}));
    (void)cap_close(weak);
    (void)cap_close(endpoint.cap);
}

static void record(trace_domain_t domain, u64 categories)
{
    MUST(trace_domain_control(domain, TRACE_SET_CATEGORIES, categories, NULL));
}

/* The same call and reply with events off, with those of messages and scheduling, and with those of
 * system calls as well. */
static void measure_traced(void)
{
    trace_domain_t domain = {start_cap("trace")};
    u64 some = 1u << TRACE_CATEGORY_IPC | 1u << TRACE_CATEGORY_SCHED;
    u64 all = some | 1u << TRACE_CATEGORY_SYSCALL;
    struct process process;
    struct process_cap cap;
    endpoint_t endpoint;

    MUST(endpoint_create(bench.group, 0, 0, &endpoint));
    cap = (struct process_cap){
        .name = "endpoint", .cap = endpoint.cap, .rights = RIGHT_RECEIVE, .mode = CAP_SEND_COPY};
    start_role("server", &cap, 1, (endpoint_t){CAP_NULL}, &process);
    record(domain, 0);
    MEASURE("call_reply_untraced", MANY, 1, MUST(ipc_call_plain(endpoint, 1, TIME_NEVER)));
    record(domain, some);
    MEASURE("call_reply_traced", MANY, 1, MUST(ipc_call_plain(endpoint, 1, TIME_NEVER)));
    record(domain, all);
    MEASURE("call_reply_traced_all", MANY, 1, MUST(ipc_call_plain(endpoint, 1, TIME_NEVER)));
    MEASURE("null_syscall_traced", MANY, 1, (void)ferrous_syscall_plain(SYS_null, 0, 0, 0));
    record(domain, 0);
    stop_role(&process);
    (void)cap_close(endpoint.cap);
}

void bench_watched(void)
{
    measure_refusal();
    if (!cap_is_null(start_cap("trace")))
        measure_traced();
}
