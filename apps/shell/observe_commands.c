/* Commands that look at what goes on, without asking the kernel: counts, denials, events as they
 * come. All of it stands in the trace domain's memory. */
#include "abi/rights.h"
#include "ferrous/questions.h"
#include "ferrous/start.h"
#include "ferrous/time.h"
#include "ferrous/trace.h"
#include "lib/string.h"
#include "names.h"
#include "shell.h"

#define SHOWN_CPUS      8u
#define TAKEN_EVENTS    256u
#define USUAL_DENIALS   20u
#define MOST_DENIALS    64u
#define MOST_SECONDS    3600u
#define EVENT_TEXT_SIZE 240u
#define FOLLOW_POLL_NS  (50 * NS_PER_MS)
#define PERCENT         100u
#define LIST_CHUNK      8u

typedef unsigned long long ull;

static const char *const metric_names[TRACE_METRIC_LIMIT] = {
#define METRIC(number, name, unit, what) [number] = what,
#define HISTOGRAM(number, name, unit, what)
#include "abi/metrics.def"
#undef METRIC
#undef HISTOGRAM
};

static bool failed(const char *what, enum status status)
{
    if (status == STATUS_OK)
        return false;
    print("%s: %s\n", what, status_text(status));
    return true;
}

/* --- stat --- */

static u32 cpus_of(const struct trace_view *view)
{
    return view->header->cpu_count < SHOWN_CPUS ? view->header->cpu_count : SHOWN_CPUS;
}

/* What the counters have risen by since `before`, of each CPU and all. */
static void print_counters(const struct trace_view *view, const struct trace_metrics *before)
{
    u32 cpus = cpus_of(view);

    print("%10s", "ALL");
    for (u32 cpu = 0; cpu < cpus; cpu++)
        print("    CPU %2u", cpu);
    print("\n");
    for (u32 metric = 0; metric < TRACE_METRIC_LIMIT; metric++) {
        u64 counts[SHOWN_CPUS], all = 0;

        if (metric_names[metric] == NULL)
            continue;
        for (u32 cpu = 0; cpu < cpus; cpu++) {
            counts[cpu] =
                trace_view_metrics(view, cpu)->counters[metric] - before[cpu].counters[metric];
            all += counts[cpu];
        }
        print("%10llu", (ull)all);
        for (u32 cpu = 0; cpu < cpus; cpu++)
            print(" %9llu", (ull)counts[cpu]);
        print("  %s\n", metric_names[metric]);
    }
}

/* The least power of two that this share of the values lies below. */
static u64 bound_of(const u64 *buckets, u64 all, u32 percent)
{
    u64 seen = 0;

    for (u32 bucket = 0; bucket < TRACE_BUCKETS - 1; bucket++) {
        seen += buckets[bucket];
        if (seen * PERCENT >= all * percent)
            return 2ull << bucket;
    }
    return UINT64_MAX;
}

static void print_delays(const struct trace_view *view, const struct trace_metrics *before)
{
    u64 buckets[TRACE_BUCKETS] = {0}, all = 0;

    for (u32 cpu = 0; cpu < cpus_of(view); cpu++) {
        const u64 *now = trace_view_metrics(view, cpu)->histograms[HISTOGRAM_RUN_DELAY];

        for (u32 bucket = 0; bucket < TRACE_BUCKETS; bucket++) {
            u64 count = now[bucket] - before[cpu].histograms[HISTOGRAM_RUN_DELAY][bucket];

            buckets[bucket] += count;
            all += count;
        }
    }
    if (all > 0)
        print("from ready to running, %llu times: half below %llu cycles, 99 %% below %llu\n",
              (ull)all, (ull)bound_of(buckets, all, 50), (ull)bound_of(buckets, all, 99));
}

static void run_stat(struct shell *shell, int argc, char **argv)
{
    static struct trace_metrics before[SHOWN_CPUS];
    struct trace_view view;
    u64 seconds = 0;

    if (argc > 1 && (!string_to_u64(argv[1], &seconds) || seconds > MOST_SECONDS)) {
        print("usage: stat [SECONDS]\n");
        return;
    }
    if (failed("stat", trace_view_open(shell->trace, &view)))
        return;
    memset(before, 0, sizeof(before));
    if (seconds > 0) {
        for (u32 cpu = 0; cpu < cpus_of(&view); cpu++)
            before[cpu] = *trace_view_metrics(&view, cpu);
        shell->pending &= ~(u64)EVENT_INTERRUPT;
        (void)shell_wait(shell, EVENT_INTERRUPT, time_after_ns(seconds * NS_PER_S));
    }
    print_counters(&view, before);
    print_delays(&view, before);
    trace_view_close(&view);
}

/* --- audit --- */

/* The process that a thread belongs to; false: there is no such thread any more. */
static bool owner_of(const struct shell *shell, u64 thread_id, struct process_entry *owner)
{
    struct process_entry entries[LIST_CHUNK];
    u64 after = 0;

    for (;;) {
        u64 count = LIST_CHUNK;

        if (process_list(shell->machine, entries, &count, after) != STATUS_OK || count == 0)
            return false;
        for (u64 i = 0; i < count; i++) {
            struct why_entry thread;
            u64 one = 1;

            if (process_why(shell->machine, entries[i].id, &thread, &one, thread_id - 1) ==
                    STATUS_OK &&
                one == 1 && thread.thread_id == thread_id) {
                *owner = entries[i];
                return true;
            }
        }
        after = entries[count - 1].id;
    }
}

/* One denial, or several of the same one after the other. */
struct denial {
    struct trace_event event; /* the first */
    u64 times;
};

static bool is_same(const struct trace_event *a, const struct trace_event *b)
{
    return a->thread == b->thread && memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

static void print_denial(const struct shell *shell, const struct denial *denial)
{
    const struct trace_event *event = &denial->event;
    struct process_entry owner;
    char rights[160];

    rights_text(rights, sizeof(rights), (u32)event->words[2], (u32)event->words[1]);
    print("%6llu.%06llu thread %u", (ull)(event->time_ns / NS_PER_S),
          (ull)(event->time_ns % NS_PER_S / 1000), event->thread);
    if (owner_of(shell, event->thread, &owner))
        print(" of %.*s (%llu)", (int)sizeof(owner.name), owner.name, (ull)owner.id);
    print(": %s: %s", syscall_name(event->words[3]), status_text((enum status)event->words[0]));
    if (event->words[0] == STATUS_MISSING_RIGHT)
        print(":%s", rights);
    if (event->words[2] != OBJECT_NONE)
        print(" (%s)", object_type_name((u32)event->words[2]));
    print(denial->times > 1 ? ", %llu times\n" : "\n", (ull)denial->times);
}

/* Denials are always recorded; those that the rings still hold are shown. */
static void run_audit(struct shell *shell, int argc, char **argv)
{
    static struct trace_event events[TAKEN_EVENTS];
    static struct denial denials[MOST_DENIALS];
    struct trace_reader reader;
    struct trace_view view;
    u64 wanted = USUAL_DENIALS, found = 0;
    u32 count;

    if (argc > 1 && (!string_to_u64(argv[1], &wanted) || wanted > MOST_DENIALS)) {
        print("usage: audit [COUNT], at most %u\n", MOST_DENIALS);
        return;
    }
    if (failed("audit", trace_view_open(shell->trace, &view)))
        return;
    trace_reader_begin(&reader, &view, true);
    while ((count = trace_reader_take(&reader, &view, events, TAKEN_EVENTS)) > 0) {
        for (u32 i = 0; i < count; i++) {
            struct denial *last = &denials[(found + MOST_DENIALS - 1) % MOST_DENIALS];

            if (events[i].type != TRACE_CAP_DENIED)
                continue;
            if (found > 0 && is_same(&last->event, &events[i]))
                last->times++;
            else
                denials[found++ % MOST_DENIALS] = (struct denial){events[i], 1};
        }
    }
    trace_view_close(&view);
    for (u64 i = found > wanted ? found - wanted : 0; i < found; i++)
        print_denial(shell, &denials[i % MOST_DENIALS]);
}

/* --- follow --- */

#define HIDDEN_THREADS 8u

/* The shell, and who has worked for it since it began to follow: the console's driver. Their events
 * are not shown, since showing them makes more. */
struct hidden {
    u64 trace; /* the shell's, under which they work for it */
    u32 threads[HIDDEN_THREADS];
    u32 count;
};

static bool is_hidden(const struct trace_event *event, struct hidden *hidden)
{
    if (event->thread == hidden->threads[0])
        hidden->trace = event->trace;
    for (u32 i = 0; i < hidden->count; i++) {
        if (hidden->threads[i] == event->thread)
            return true;
    }
    if (event->trace != hidden->trace)
        return false;
    if (hidden->count < HIDDEN_THREADS)
        hidden->threads[hidden->count++] = event->thread;
    return true;
}

static void run_follow(struct shell *shell, int argc, char **argv)
{
    static struct trace_event events[TAKEN_EVENTS];
    struct trace_reader reader;
    struct trace_view view;
    struct cap_facts self;
    struct hidden hidden = {.count = 1};

    if (failed("follow", cap_inspect(start_info()->main_thread, &self)) ||
        failed("follow", trace_view_open(shell->trace, &view)))
        return;
    hidden.threads[0] = (u32)self.object_id;
    trace_reader_begin(&reader, &view, false);
    shell->pending &= ~(u64)EVENT_INTERRUPT;
    do {
        u32 count = trace_reader_take(&reader, &view, events, TAKEN_EVENTS);

        for (u32 i = 0; i < count; i++) {
            char text[EVENT_TEXT_SIZE];

            (void)trace_event_format(text, sizeof(text), &events[i], ferrous_interfaces);
            if (!is_hidden(&events[i], &hidden) && (argc < 2 || string_contains(text, argv[1])))
                shell_print_event(&events[i], text);
        }
    } while (shell_wait(shell, EVENT_INTERRUPT, time_after_ns(FOLLOW_POLL_NS)) == 0);
    print("^C\n%llu events lost\n", (ull)reader.lost);
    trace_view_close(&view);
}

const struct shell_command observe_commands[] = {
    {"audit", "[COUNT]", "what was denied, to whom, for which missing right", 0, run_audit},
    {"follow", "[WORD]", "events as they come, until ctrl-c", 0, run_follow},
    {"stat", "[SECONDS]", "what the CPUs have counted; in so many seconds", 0, run_stat},
    {NULL, NULL, NULL, 0, NULL},
};
