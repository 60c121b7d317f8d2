/* What ftrace costs while it writes every system call and every scheduling event to its buffer. */
#include "linux_bench.h"

static void events(const char *on_or_off)
{
    MUST(write_file("/trace/events/raw_syscalls/enable", on_or_off));
    MUST(write_file("/trace/events/sched/enable", on_or_off));
}

void bench_tracing(void)
{
    measure_null("tracing_off_null");
    measure_round_trip_eventfd("tracing_off_rtt_eventfd");
    events("1");
    measure_null("tracing_on_null");
    measure_round_trip_eventfd("tracing_on_rtt_eventfd");
    events("0");
}
