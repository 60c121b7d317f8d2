/* The boot description of a made-up machine, and memory alone for unit tests. */
#include "sim_internal.h"

#include <stdlib.h>
#include <string.h>

#define LOW_BOOT_INFO 0x10000ull
#define LOW_ARCHIVE   0x20000ull
#define LOW_INIT      0x30000ull
#define LOW_LOADER    0x40000ull
#define LOW_KERNEL    0x50000ull
#define HIGH_START    0x100000ull
#define HOLE_START    0x300000ull /* a reserved stretch in the middle of memory */
#define HOLE_END      0x310000ull

#define INIT_TEXT 0x400000ull
#define INIT_DATA 0x402000ull

static void add_range(struct boot_info *boot, u64 start, u64 end, u32 kind, u32 node)
{
    boot->memory_ranges[boot->memory_range_count++] =
        (struct boot_memory_range){.start = start, .end = end, .kind = kind, .node = node};
}

static void describe_memory(struct boot_info *boot, u64 memory_bytes, u32 nodes)
{
    u64 node_bytes = memory_bytes / nodes;
    add_range(boot, LOW_BOOT_INFO, LOW_BOOT_INFO + 6 * PAGE_SIZE, BOOT_MEMORY_BOOT_INFO, 0);
    add_range(boot, LOW_ARCHIVE, LOW_ARCHIVE + 2 * PAGE_SIZE, BOOT_MEMORY_ARCHIVE, 0);
    add_range(boot, LOW_INIT, LOW_INIT + 4 * PAGE_SIZE, BOOT_MEMORY_INIT, 0);
    add_range(boot, LOW_LOADER, LOW_LOADER + 8 * PAGE_SIZE, BOOT_MEMORY_LOADER, 0);
    add_range(boot, LOW_KERNEL, LOW_KERNEL + 16 * PAGE_SIZE, BOOT_MEMORY_KERNEL, 0);
    add_range(boot, HIGH_START, HOLE_START, BOOT_MEMORY_FREE, 0);
    add_range(boot, HOLE_START, HOLE_END, BOOT_MEMORY_RESERVED, 0);
    add_range(boot, HOLE_END, node_bytes, BOOT_MEMORY_FREE, 0);
    if (nodes > 1)
        add_range(boot, node_bytes, memory_bytes, BOOT_MEMORY_FREE, 1);
    add_range(boot, 0xfec00000ull, 0xfed00000ull, BOOT_MEMORY_MMIO, 0);
}

static void describe_init(struct boot_info *boot)
{
    boot->archive_phys = LOW_ARCHIVE;
    boot->archive_size_bytes = 2 * PAGE_SIZE - 100;
    memset(arch_phys_to_virt(paddr(LOW_ARCHIVE)), 0x5a, boot->archive_size_bytes);

    boot->init_phys = LOW_INIT;
    boot->init_size_bytes = 3 * PAGE_SIZE + 200;
    memset(arch_phys_to_virt(paddr(LOW_INIT)), 0xc3, boot->init_size_bytes);
    boot->init_entry = INIT_TEXT;
    boot->init_segment_count = 2;
    boot->init_segments[0] = (struct boot_segment){
        .virt = INIT_TEXT,
        .file_offset = 0,
        .file_size = 2 * PAGE_SIZE,
        .memory_size = 2 * PAGE_SIZE,
        .flags = BOOT_SEGMENT_READ | BOOT_SEGMENT_EXECUTE,
    };
    boot->init_segments[1] = (struct boot_segment){
        .virt = INIT_DATA,
        .file_offset = 2 * PAGE_SIZE,
        .file_size = PAGE_SIZE + 200,
        .memory_size = 4 * PAGE_SIZE + 8,
        .flags = BOOT_SEGMENT_READ | BOOT_SEGMENT_WRITE,
    };
}

struct boot_info *sim_boot_describe(const struct sim_config *config)
{
    struct boot_info *boot = arch_phys_to_virt(paddr(LOW_BOOT_INFO));
    memset(boot, 0, sizeof(*boot));
    boot->magic = BOOT_INFO_MAGIC;
    boot->version = BOOT_INFO_VERSION;
    boot->size_bytes = sizeof(*boot);
    boot->kernel_phys = LOW_KERNEL;
    boot->kernel_virt = 0xffffffff80000000ull;
    boot->kernel_size_bytes = 16 * PAGE_SIZE;
    boot->direct_map_virt = SIM_DIRECT_MAP;
    boot->direct_map_end = config->memory_bytes;
    boot->seed_source = BOOT_SEED_FIRMWARE;
    struct sim_random random = {.state = config->seed ^ 0x5eed};
    for (u32 i = 0; i < BOOT_SEED_SIZE; i++)
        boot->seed[i] = (u8)sim_random_next(&random);

    boot->node_count = config->node_count;
    describe_memory(boot, config->memory_bytes, config->node_count);
    describe_init(boot);
    boot->cpu_count = config->cpu_count;
    for (u32 i = 0; i < config->cpu_count; i++)
        boot->cpus[i] = (struct boot_cpu){
            .apic_id = i * 2,
            .acpi_uid = i,
            .node = i % config->node_count,
            .flags = BOOT_CPU_ENABLED,
        };
    for (u32 i = 0; i < BOOT_MAX_NODES; i++)
        for (u32 j = 0; j < BOOT_MAX_NODES; j++)
            boot->node_distance[i][j] = i == j ? 10 : 20;
    return boot;
}

struct boot_info *sim_boot_memory(u64 size_bytes, u32 nodes)
{
    /* Larger than struct cpu, which the port does not know. */
    static u64 unit_test_cpu[PAGE_SIZE / 8] ALIGNED(PAGE_SIZE);

    if (nodes < 1 || nodes > SIM_MAX_NODES || size_bytes < (4ull << 20) ||
        size_bytes > SIM_MEMORY_LIMIT || size_bytes % (4ull << 20) != 0)
        abort();
    sim_state_reset();
    sim_memory_map(size_bytes);
    struct sim_machine *machine = sim_machine();
    machine->config =
        (struct sim_config){.memory_bytes = size_bytes, .cpu_count = 1, .node_count = nodes};
    machine->cpus[0].timer_deadline_ns = TIME_NEVER;
    memset(unit_test_cpu, 0, sizeof(unit_test_cpu));
    arch_cpu_bind((struct cpu *)(void *)unit_test_cpu, 0);
    machine->boot = sim_boot_describe(&machine->config);
    return machine->boot;
}
