/* Time, timers, facts about the machine, ports, trace domains. */
#include "systest.h"

#include "abi/trace.h"

BOOT_TEST(time, clock_moves_forward)
{
    u64 last = time_now_ns();

    for (u32 i = 0; i < 10000; i++) {
        u64 now = time_now_ns();

        CHECK(now >= last);
        last = now;
    }
}

BOOT_TEST(time, clock_call_agrees_with_the_info_page)
{
    u64 before = time_now_ns();
    u64 called = 0;
    u64 unused = 0;

    CHECK_OK(ferrous_syscall_short(SYS_clock, 0, TIME_NEVER, &called, &unused));
    CHECK(called >= before);
    CHECK(called <= time_now_ns());
}

BOOT_TEST(time, sleep_is_not_early)
{
    for (u64 ns = 1000; ns <= 4 * NS_PER_MS; ns *= 4) {
        u64 until = time_after_ns(ns);

        time_sleep_ns(ns);
        CHECK(time_now_ns() >= until);
    }
}

static enum status make_timer(endpoint_t *endpoint, ktimer_t *timer)
{
    enum status status = make_endpoint(0, endpoint);

    return status == STATUS_OK ? timer_create(systest.group, *endpoint, timer) : status;
}

BOOT_TEST(timers, fires_once)
{
    struct message message;
    endpoint_t endpoint;
    ktimer_t timer;
    u64 deadline_ns;

    CHECK_OK(make_timer(&endpoint, &timer));
    deadline_ns = SOON;
    CHECK_OK(timer_set(timer, deadline_ns, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_EQ(message_kind(&message), MESSAGE_SIGNAL);
    CHECK(time_now_ns() >= deadline_ns);
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, SOON), STATUS_TIMED_OUT);
    CHECK_OK(cap_close(timer.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(timers, fires_again_and_again)
{
    struct message message;
    endpoint_t endpoint;
    ktimer_t timer;
    u64 start_ns = time_now_ns();

    CHECK_OK(make_timer(&endpoint, &timer));
    CHECK_OK(timer_set(timer, start_ns + NS_PER_MS, NS_PER_MS));
    for (u32 i = 0; i < 5; i++)
        CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK(time_now_ns() >= start_ns + 5 * NS_PER_MS);
    CHECK_OK(timer_set(timer, TIME_NEVER, 0));
    (void)!ipc_poll(endpoint, &message, 0);
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, time_after_ns(3 * NS_PER_MS)),
                 STATUS_TIMED_OUT);
    CHECK_OK(cap_close(timer.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(timers, can_be_stopped_and_closed_while_set)
{
    struct message message;
    endpoint_t endpoint;
    ktimer_t timer;

    CHECK_OK(make_timer(&endpoint, &timer));
    CHECK_OK(timer_set(timer, time_after_ns(3 * NS_PER_MS), 0));
    CHECK_OK(timer_set(timer, TIME_NEVER, 0));
    CHECK_STATUS(ipc_receive(endpoint, &message, 0, time_after_ns(6 * NS_PER_MS)),
                 STATUS_TIMED_OUT);
    CHECK_OK(timer_set(timer, time_after_ns(NS_PER_S), 0));
    CHECK_OK(cap_close(timer.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(timers, deadline_in_the_past_fires_at_once)
{
    struct message message;
    endpoint_t endpoint;
    ktimer_t timer;

    CHECK_OK(make_timer(&endpoint, &timer));
    CHECK_OK(timer_set(timer, 1, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_OK(cap_close(timer.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(machine, memory_adds_up)
{
    struct machine_memory memory;
    u64 written;

    CHECK_OK(machine_info(systest.machine, MACHINE_INFO_MEMORY, &memory, sizeof(memory), 0,
                          &written, NULL));
    CHECK_EQ(written, sizeof(memory));
    CHECK(memory.free_bytes < memory.total_bytes);
    CHECK(memory.kernel_bytes + memory.user_bytes < memory.total_bytes);
    CHECK(memory.user_bytes != 0);
    CHECK(memory.node_count >= 1 && memory.node_count <= 8);
}

BOOT_TEST(machine, every_cpu_is_listed)
{
    static struct machine_cpu cpus[64];
    const struct info_page *page = start_info_page();
    u64 written;

    CHECK_OK(
        machine_info(systest.machine, MACHINE_INFO_CPUS, cpus, sizeof(cpus), 0, &written, NULL));
    CHECK_EQ(written / sizeof(cpus[0]), page->cpu_count);
    for (u32 i = 0; i < page->cpu_count; i++) {
        CHECK_EQ(cpus[i].index, i);
        CHECK_EQ(cpus[i].online, 1);
    }
}

BOOT_TEST(machine, log_can_be_read_in_parts)
{
    char text[64];
    u64 position = 0;
    u64 total = 0;

    for (;;) {
        u64 written;

        CHECK_OK(machine_info(systest.machine, MACHINE_INFO_LOG, text, sizeof(text), position,
                              &written, &position));
        if (written == 0)
            break;
        CHECK(written <= sizeof(text));
        total += written;
    }
    CHECK(total > 100);
}

BOOT_TEST(machine, info_checks_its_arguments)
{
    u8 small[4];
    u64 written;

    CHECK_STATUS(machine_info(systest.machine, 99, small, sizeof(small), 0, &written, NULL),
                 STATUS_BAD_ARGUMENT);
    CHECK_STATUS(
        machine_info(systest.machine, MACHINE_INFO_MEMORY, small, sizeof(small), 0, &written, NULL),
        STATUS_TOO_SMALL);
}

BOOT_TEST(machine, processes_are_listed_in_order)
{
    struct process_entry entries[4];
    bool found = false;
    u64 after = 0;
    u64 last = 0;

    for (;;) {
        u64 count = 4;

        CHECK_OK(process_list(systest.machine, entries, &count, after));
        if (count == 0)
            break;
        for (u64 i = 0; i < count; i++) {
            CHECK(entries[i].id > last);
            last = entries[i].id;
            found = found || string_equal(entries[i].name, "systest");
        }
        after = last;
    }
    CHECK(found);
}

BOOT_TEST(machine, ports_keep_to_their_range)
{
    u32 value;

    CHECK_OK(port_out(systest.ports, 0x80, 1, 0x11));
    CHECK_OK(port_in(systest.ports, 0x80, 1, &value));
    CHECK(port_in(systest.ports, 0x81, 1, &value) != STATUS_OK);
    CHECK(port_in(systest.ports, 0x7f, 1, &value) != STATUS_OK);
    CHECK(port_in(systest.ports, 0x80, 2, &value) != STATUS_OK);
    CHECK(port_out(systest.ports, 0x60, 1, 0) != STATUS_OK);
    CHECK_STATUS(port_in(systest.ports, 0x80, 3, &value), STATUS_BAD_ARGUMENT);
}

static u64 metric(const struct trace_header *header, enum trace_metric which)
{
    u64 sum = 0;

    for (u64 cpu = 0; cpu < header->cpu_count; cpu++) {
        const struct trace_ring *ring =
            (const void *)((const u8 *)header + header->ring_offset + cpu * header->ring_stride);

        sum += ring->metrics.counters[which];
    }
    return sum;
}

/* Each of these is counted when it happens. */
static bool metrics_move(const struct trace_header *header)
{
    u64 calls = metric(header, METRIC_SYSCALLS);
    u64 signals = metric(header, METRIC_SIGNALS);
    u64 faults = metric(header, METRIC_PAGE_FAULTS);
    endpoint_t endpoint;
    memory_t memory;
    u64 address;

    if (make_endpoint(0, &endpoint) != STATUS_OK || endpoint_signal(endpoint) != STATUS_OK)
        return false;
    (void)cap_close(endpoint.cap);
    if (make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &memory) != STATUS_OK)
        return false;
    *(volatile u64 *)(uintptr_t)address = 1;
    (void)memory_unmap(address, PAGE_SIZE);
    (void)cap_close(memory.cap);
    return metric(header, METRIC_SYSCALLS) >= calls + 6 &&
           metric(header, METRIC_SIGNALS) > signals &&
           metric(header, METRIC_PAGE_FAULTS) > faults && metric(header, METRIC_SWITCHES) > 0;
}

BOOT_TEST(trace, own_events_are_seen)
{
    static const u64 words[4] = {0xfeed, 0xbeef, 3, 4};
    const struct trace_header *header;
    trace_domain_t domain = {start_cap("trace")};
    u64 address = 0;
    memory_t memory;
    struct cap_facts facts;
    bool found = false;

    CHECK_STATUS(trace_domain_control(domain, TRACE_SET_CATEGORIES, 0, NULL), STATUS_MISSING_RIGHT);
    CHECK_OK(trace_domain_control(domain, TRACE_GET_MEMORY, 0, &memory.cap.bits));
    CHECK_OK(cap_inspect(memory.cap, &facts));
    CHECK_EQ(facts.rights & RIGHT_WRITE, 0);
    CHECK_OK(memory_map(memory, 0, facts.range_length, MAP_READ, &address));
    CHECK_OK(trace_domain_emit(domain, words));
    header = (const void *)(uintptr_t)address;
    CHECK_EQ(header->version, TRACE_VERSION);
    CHECK_EQ(header->cpu_count, start_info_page()->cpu_count);
    for (u64 cpu = 0; cpu < header->cpu_count; cpu++) {
        const struct trace_ring *ring =
            (const void *)(uintptr_t)(address + header->ring_offset + cpu * header->ring_stride);
        const struct trace_event *events = (const void *)((const u8 *)ring + PAGE_SIZE);

        for (u64 i = 0; i < ring->head && i < ring->capacity; i++)
            found = found || (events[i].type == TRACE_USER && events[i].words[0] == 0xfeed &&
                              events[i].words[3] == 4);
    }
    CHECK(found);
    CHECK(metrics_move((const void *)(uintptr_t)address));
    CHECK_OK(memory_unmap(address, facts.range_length));
    CHECK_OK(cap_close(memory.cap));
}
