/*
 * The boot, in order. Each step is a line of the table; a step that fails panics with its reason,
 * after its name has been logged.
 */
#include "arch/cpu.h"
#include "arch/device.h"
#include "arch/memory.h"
#include "arch/time.h"
#include "arch/upcalls.h"
#include "core/assert.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "dev/interrupt.h"
#include "dev/machine.h"
#include "dev/ports.h"
#include "dev/timer_object.h"
#include "group/memory_reaper.h"
#include "init/command_line.h"
#include "ipc/futex.h"
#include "ipc/reply.h"
#include "lib/string.h"
#include "proc/spawn.h"
#include "syscall/revoke.h"
#include "syscall/test_exit.h"
#include "trace/trace.h"

#define CPU_STACK_BYTES 16384u

/* The block itself is kept; the seed in it is wiped once it has been used. */
KERNEL_STATE static struct boot_info *boot;
KERNEL_STATE static u64 boot_id;

static void step_cpu(void)
{
    cpu_table_init(boot);
    arch_cpu_bind(cpu_at(0), 0);
    cpu_at(0)->online = 1;
    cpu_at(0)->idle = 0;
    arch_cpu_init_boot(boot);
}

static void step_memory_map(void)
{
    arch_memory_init_early(boot);
    frame_early_init(boot);
}

static void step_paging(void)
{
    arch_memory_init(boot, frame_early_alloc);
}

static void step_frames(void)
{
    frame_init(boot);
    for (u32 i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];
        if (range->kind == BOOT_MEMORY_LOADER)
            frame_add_range(range->start, range->end, range->node);
    }
}

static void step_slabs(void)
{
    cap_init(boot->seed);
    boot_id = cap_random();
    memset(boot->seed, 0, sizeof(boot->seed));
    memory_init(boot);
    vspace_init();
}

static void step_interrupts(void)
{
    arch_interrupts_init(boot);
    timer_subsystem_init();
}

static void step_groups(void)
{
    group_init();
    reaper_init();
    memory_reaper_init();
}

static void step_trace(void)
{
    trace_domain_init(boot_id);
}

static void step_scheduler(void)
{
    sched_init();
    thread_subsystem_init();
    revoke_init();
}

static void step_ipc(void)
{
    endpoint_init();
    reply_init();
    futex_init();
}

static void step_devices(void)
{
    machine_init();
    ports_init();
    interrupt_init();
    timer_object_init();
}

static void step_processes(void)
{
    struct frame_statistics frames;
    frame_statistics(&frames);
    process_init();
    info_page_init(boot, frames.total << PAGE_SHIFT, boot_id);
}

static void step_cpus(void)
{
    for (u32 i = 1; i < boot->cpu_count; i++) {
        void *stack = arch_stack_create(CPU_STACK_BYTES, frame_early_alloc);
        if (!arch_cpu_start(boot, cpu_at(i), i, stack))
            log_line("CPU %u (APIC id %u) did not start", i, boot->cpus[i].apic_id);
    }
}

static void step_init(void)
{
    process_start_init(boot);
    for (u32 i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];
        if (range->kind == BOOT_MEMORY_INIT)
            frame_add_range(range->start, range->end, range->node);
    }
}

struct boot_step {
    const char *name;
    void (*run)(void);
};

static const struct boot_step steps[] = {
    {"CPU tables", step_cpu},        {"memory map", step_memory_map},
    {"paging", step_paging},         {"frames", step_frames},
    {"interrupts", step_interrupts}, {"slabs", step_slabs},
    {"groups", step_groups},         {"trace", step_trace},
    {"scheduler", step_scheduler},   {"IPC", step_ipc},
    {"devices", step_devices},       {"other CPUs", step_cpus},
    {"processes", step_processes},   {"init", step_init},
};

static void check_boot_info(void)
{
    if (boot->magic != BOOT_INFO_MAGIC || boot->version != BOOT_INFO_VERSION ||
        boot->size_bytes != sizeof(*boot))
        panic("boot info: magic 0x%lx version %u size %u, not this kernel's", boot->magic,
              boot->version, boot->size_bytes);
    if (boot->cpu_count == 0 || boot->cpu_count > BOOT_MAX_CPUS || boot->node_count == 0 ||
        boot->node_count > BOOT_MAX_NODES || boot->memory_range_count > BOOT_MAX_MEMORY_RANGES ||
        boot->init_segment_count > BOOT_MAX_SEGMENTS || boot->ioapic_count > BOOT_MAX_IOAPICS)
        panic("boot info: a count is out of bounds");
}

/* The clock starts with the interrupt controllers; before that the cycle counter tells the time of
 * a step. */
static void run_steps(void)
{
    u64 cycles[ARRAY_SIZE(steps)];
    for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
        u64 before = arch_cycles();
        panic_set_step(steps[i].name);
        steps[i].run();
        cycles[i] = arch_cycles() - before;
    }
    panic_set_step(NULL);
    for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
        u64 ns = arch_cycles_to_ns(cycles[i]);
        log_line("boot: %-12s %6lu us", steps[i].name, ns / 1000);
        TRACE(BOOT_STEP, i, ns, 0, 0);
    }
}

static void greet(void)
{
    struct frame_statistics frames;
    frame_statistics(&frames);
    log_line("Ferrous 0.1: CPUs %u, memory nodes %u, %lu MiB, %lu KiB in use by the kernel; %s",
             boot->cpu_count, boot->node_count, frames.total >> (20 - PAGE_SHIFT),
             (frames.by_use[FRAME_KERNEL] << (PAGE_SHIFT - 10)) + (arch_image_size_bytes() >> 10),
             arch_cpu_name());
}

/* So that the way a panic looks can be tested: on the command line, test_panic=assert or
 * test_panic=fault. */
static void panic_if_asked(void)
{
    if (command_line_has(boot->command_line, "test_panic=assert"))
        panic("asked for on the command line");
    /* SAFETY: meant to fault. */
    volatile u64 *volatile nowhere = (volatile u64 *)(uintptr_t)8;
    if (command_line_has(boot->command_line, "test_panic=fault"))
        *nowhere = 0;
}

void kernel_main(const struct boot_info *boot_info)
{
    /* SAFETY: drops a const: the block is the kernel's since the hand-over, to wipe the seed in. */
    boot = (struct boot_info *)(uintptr_t)boot_info;
    arch_console_init(boot);
    check_boot_info();
    panic_configure(command_line_has(boot->command_line, "test_exit=on"));
    test_exit_configure(command_line_has(boot->command_line, "test_exit=on"));
    run_steps();
    greet();
    panic_if_asked();
    arch_cpu_enter(sched_exit());
}

void upcall_cpu_started(void)
{
    struct cpu *cpu = this_cpu();
    grace_idle_leave(cpu);
    ATOMIC_STORE(&cpu->online, 1);
    arch_cpu_enter(sched_exit());
}
