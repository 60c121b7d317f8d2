/* System calls about the machine as a whole. */
#include "arch/device.h"
#include "arch/time.h"
#include "core/log.h"
#include "dev/machine.h"
#include "mm/slab.h"
#include "mm/user_copy.h"
#include "syscall/syscall.h"
#include "syscall/test_exit.h"
#include "trace/trace.h"

#define LOG_CHUNK  512u
#define LIST_CHUNK 8u

/* What a topic is copied from. */
static enum status write_out(struct thread *thread, const void *from, u64 size)
{
    if (arg(thread, 2) < size)
        return STATUS_TOO_SMALL;
    enum status status = user_write(user_ptr(arg(thread, 1)), from, size);
    if (status == STATUS_OK)
        set_result(thread, 0, size);
    return status;
}

static enum status info_memory(struct thread *thread)
{
    struct frame_statistics frames;
    frame_statistics(&frames);
    struct machine_memory memory = {
        .total_bytes = frames.total << PAGE_SHIFT,
        .free_bytes = frames.free << PAGE_SHIFT,
        .kernel_image_bytes = arch_image_size_bytes(),
        .kernel_bytes = frames.by_use[FRAME_KERNEL] << PAGE_SHIFT,
        .user_bytes = frames.by_use[FRAME_USER] << PAGE_SHIFT,
        .page_table_bytes = frames.by_use[FRAME_PAGE_TABLE] << PAGE_SHIFT,
        .node_count = frames.node_count,
    };
    for (u32 i = 0; i < frames.node_count; i++)
        memory.node_free_bytes[i] = frames.node_free[i] << PAGE_SHIFT;
    return write_out(thread, &memory, sizeof(memory));
}

static enum status info_nodes(struct thread *thread)
{
    struct frame_statistics frames;
    struct machine_node nodes[BOOT_MAX_NODES];
    u64 fits = arg(thread, 2) / sizeof(nodes[0]);
    frame_statistics(&frames);
    u64 count = frames.node_count < fits ? frames.node_count : fits;
    for (u32 i = 0; i < count; i++) {
        u64 total = frames.node_total[i], free = frames.node_free[i];
        nodes[i] = (struct machine_node){
            .total_bytes = total << PAGE_SHIFT,
            .free_bytes = free << PAGE_SHIFT,
            .used_bytes = (total - free) << PAGE_SHIFT,
            .local_frames = frames.node_local[i],
            .remote_frames = frames.node_remote[i],
        };
    }
    return write_out(thread, nodes, count * sizeof(nodes[0]));
}

static enum status info_cpus(struct thread *thread)
{
    u64 fits = arg(thread, 2) / sizeof(struct machine_cpu);
    u64 count = cpu_count() < fits ? cpu_count() : fits;
    u64 now = arch_clock_ns();
    for (u32 i = 0; i < count; i++) {
        const struct cpu *cpu = cpu_at(i);
        u64 idle = cpu->idle_ns;
        if (ATOMIC_LOAD(&cpu->idle) && now > cpu->idle_since_ns)
            idle += now - cpu->idle_since_ns; /* the stretch under way */
        u64 fast =
            cpu->metrics->counters[METRIC_FAST_CALLS] + cpu->metrics->counters[METRIC_FAST_REPLIES];
        struct machine_cpu out = {
            .index = i,
            .apic_id = cpu->apic_id,
            .node = cpu->node,
            .online = cpu->online,
            .idle_ns = idle,
            .busy_ns = now > idle ? now - idle : 0,
            .switches = cpu->metrics->counters[METRIC_SWITCHES] + fast,
            .interrupts = cpu->metrics->counters[METRIC_INTERRUPTS],
            .syscalls = cpu->metrics->counters[METRIC_SYSCALLS] + fast,
        };
        enum status status =
            user_write(user_ptr(arg(thread, 1) + i * sizeof(out)), &out, sizeof(out));
        if (status != STATUS_OK)
            return status;
    }
    set_result(thread, 0, count * sizeof(struct machine_cpu));
    return STATUS_OK;
}

static enum status info_log(struct thread *thread)
{
    char chunk[LOG_CHUNK];
    u64 size = arg(thread, 2) < LOG_CHUNK ? arg(thread, 2) : LOG_CHUNK;
    u64 next;
    u64 count = log_read(arg(thread, 3), chunk, size, &next);
    enum status status = user_write(user_ptr(arg(thread, 1)), chunk, count);
    if (status == STATUS_OK) {
        set_result(thread, 0, count);
        set_result(thread, 1, next);
    }
    return status;
}

static enum status info_counts(struct thread *thread)
{
    struct frame_statistics frames;
    frame_cache_drain();
    frame_statistics(&frames);
    struct machine_counts counts = {.free_frames = frames.free, .cap_nodes = cap_node_count()};
    for (const struct slab_cache *cache = slab_first_cache(); cache; cache = cache->next_cache) {
        counts.slab_objects += ATOMIC_LOAD_RELAXED(&cache->live_objects);
        counts.slab_frames += ATOMIC_LOAD_RELAXED(&cache->slab_count) << cache->order;
    }
    for (u32 i = 0; i < CAP_STATUS_LIMIT; i++)
        counts.denials += cap_denials((enum status)i);
    for (u32 i = 0; i < OBJECT_TYPE_COUNT; i++)
        counts.objects[i] = object_count((enum object_type)i);
    return write_out(thread, &counts, sizeof(counts));
}

void syscall_machine_info(struct thread *thread)
{
    struct cap_ref ref;
    u64 topic = arg(thread, 0);
    u32 right = topic == MACHINE_INFO_LOG ? RIGHT_KERNEL_LOG : RIGHT_FACTS;
    enum status status = syscall_lookup(thread, OBJECT_MACHINE, right, &ref);
    if (status == STATUS_OK) {
        switch (topic) {
        case MACHINE_INFO_MEMORY:
            status = info_memory(thread);
            break;
        case MACHINE_INFO_CPUS:
            status = info_cpus(thread);
            break;
        case MACHINE_INFO_LOG:
            status = info_log(thread);
            break;
        case MACHINE_INFO_COUNTS:
            status = info_counts(thread);
            break;
        case MACHINE_INFO_NODES:
            status = info_nodes(thread);
            break;
        default:
            status = STATUS_BAD_ARGUMENT;
        }
    }
    thread_set_status(thread, status);
}

void syscall_machine_control(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_MACHINE, RIGHT_POWER, &ref);
    if (status == STATUS_OK) {
        switch (arg(thread, 0)) {
        case MACHINE_POWER_OFF:
            arch_stop_others();
            arch_power_off();
        case MACHINE_RESET:
            arch_stop_others();
            arch_reset();
        case MACHINE_TEST_EXIT:
            status = STATUS_NOT_SUPPORTED;
            if (test_exit_is_on()) {
                arch_stop_others();
                arch_test_exit((u32)arg(thread, 1));
            }
            break;
        default:
            status = STATUS_BAD_ARGUMENT;
        }
    }
    thread_set_status(thread, status);
}

void syscall_process_list(struct thread *thread)
{
    struct cap_ref ref;
    u64 limit = arg(thread, 1), after = arg(thread, 2);
    enum status status = syscall_lookup(thread, OBJECT_MACHINE, RIGHT_PROCESS_LIST, &ref);
    u32 count = 0;
    if (status == STATUS_OK) {
        struct process_entry entries[LIST_CHUNK];
        count = process_list(entries, limit < LIST_CHUNK ? (u32)limit : LIST_CHUNK, after);
        status = user_write(user_ptr(arg(thread, 0)), entries, count * sizeof(entries[0]));
    }
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        set_result(thread, 0, count);
}
