/* The simulated machine with a kernel of a few lines in the place of the real one. */
#include "port/sim.h"

#include "arch/atomic.h"
#include "arch/cpu.h"
#include "arch/device.h"
#include "arch/time.h"
#include "abi/fault.h"
#include "unit.h"

#define TABLES 0x200000ull /* physical: root and three tables below it */
#define PAGE_A 0x300000ull
#define PAGE_B 0x301000ull
#define USER   0x400000ull

/* Stands for the core's: the port only carries pointers to it. */
struct cpu {
    u32 index;
};

static struct {
    struct cpu cpus[SIM_MAX_CPUS];
    u32 cpu_count;
    u32 lock;
    u32 inside;
    u32 collisions; /* two CPUs in the critical section */
    u32 overlaps;   /* two CPUs in the kernel at once */
    u32 in_kernel;
    u32 rounds[SIM_MAX_CPUS];
    bool use_lock;
} kernel;

static KERNEL_STATE u64 kernel_global = 41;

/* --- The kernel of a few lines
 * ------------------------------------------------------------------------ */

static struct arch_context contexts[SIM_MAX_CPUS];

static struct arch_context *critical_section(void)
{
    u32 self = arch_this_cpu()->index;
    if (ATOMIC_ADD(&kernel.in_kernel, 1) > 1)
        kernel.overlaps++;
    while (kernel.use_lock && ATOMIC_EXCHANGE(&kernel.lock, 1) != 0)
        arch_spin_hint();
    if (kernel.inside++ != 0)
        kernel.collisions++;
    for (u32 i = 0; i < 20; i++)
        atomic_point(SIM_EVERYTHING, true);
    kernel.inside--;
    ATOMIC_STORE(&kernel.lock, 0);
    (void)ATOMIC_SUB(&kernel.in_kernel, 1);
    kernel.rounds[self]++;
    return &contexts[self];
}

void kernel_main(const struct boot_info *boot)
{
    kernel.cpu_count = boot->cpu_count;
    arch_cpu_bind(&kernel.cpus[0], 0);
    for (u32 i = 0; i < boot->cpu_count; i++)
        kernel.cpus[i].index = i;
    for (u32 i = 1; i < boot->cpu_count; i++)
        EXPECT(arch_cpu_start(boot, &kernel.cpus[i], i, NULL));
    arch_cpu_enter(&contexts[0]);
}

void upcall_cpu_started(void)
{
    arch_cpu_enter(&contexts[arch_this_cpu()->index]);
}

struct arch_context *upcall_syscall(u64 number)
{
    (void)number;
    return critical_section();
}

struct arch_context *upcall_fault(const struct fault_info *fault)
{
    (void)fault;
    return critical_section();
}

struct arch_context *upcall_interrupt(u32 line)
{
    (void)line;
    return critical_section();
}

struct arch_context *upcall_timer(u64 now_ns)
{
    (void)now_ns;
    return critical_section();
}

struct arch_context *upcall_ipi(void)
{
    return critical_section();
}

/* --- Driving it
 * --------------------------------------------------------------------------------------- */

static u32 steps_left[SIM_MAX_CPUS];

static struct arch_context *user_step(u32 cpu, struct arch_context *context)
{
    (void)cpu, (void)context;
    return upcall_syscall(0);
}

static void refill(u32 cpu)
{
    if (steps_left[cpu] > 0) {
        steps_left[cpu]--;
        sim_cpu_command(cpu, SIM_USER_STEP, 0);
    }
}

static bool run_cpus(u32 cpus, u64 seed, bool use_lock, u32 steps)
{
    kernel = (__typeof__(kernel)){.use_lock = use_lock};
    struct sim_config config = {.seed = seed, .cpu_count = cpus, .node_count = 1, .switch_gap = 4};
    sim_machine_reset(&config, user_step);
    if (!sim_machine_run(NULL))
        return false;
    for (u32 i = 0; i < cpus; i++)
        steps_left[i] = steps;
    return sim_machine_run(refill);
}

TEST(cpus_overlap_in_the_kernel_and_locks_hold)
{
    REQUIRE(run_cpus(4, 1, true, 50));
    for (u32 i = 0; i < 4; i++)
        EXPECT_EQ(kernel.rounds[i], 50);
    EXPECT(kernel.overlaps > 0);
    EXPECT_EQ(kernel.collisions, 0);
}

TEST(a_missing_lock_is_seen)
{
    REQUIRE(run_cpus(2, 1, false, 50));
    EXPECT(kernel.collisions > 0);
}

TEST(one_seed_gives_one_history)
{
    REQUIRE(run_cpus(3, 7, true, 40));
    u32 overlaps = kernel.overlaps;
    u64 fingerprint = sim_fingerprint();
    REQUIRE(run_cpus(3, 7, true, 40));
    EXPECT_EQ(kernel.overlaps, overlaps);
    EXPECT_EQ(sim_fingerprint(), fingerprint);
}

TEST(a_lock_that_nobody_frees_stops_the_machine)
{
    REQUIRE(run_cpus(2, 1, true, 1));
    kernel.lock = 1;
    steps_left[0] = 1;
    steps_left[1] = 1;
    EXPECT(!sim_machine_run(refill));
    EXPECT(sim_stop_reason()[0] == 'd'); /* deadlock */
}

TEST(power_on_resets_kernel_state_and_memory)
{
    (void)sim_boot_memory(8ull << 20, 1);
    EXPECT_EQ(kernel_global, 41);
    kernel_global = 7;
    u64 *word = arch_phys_to_virt(paddr(0x400000));
    *word = 5;
    (void)sim_boot_memory(8ull << 20, 2);
    EXPECT_EQ(kernel_global, 41);
    EXPECT_EQ(*word, 0);
}

TEST(a_snapshot_brings_kernel_state_and_memory_back)
{
    (void)sim_boot_memory(8ull << 20, 1);
    u64 *word = arch_phys_to_virt(paddr(0x400000));
    *word = 5;
    kernel_global = 6;
    u64 fingerprint = sim_fingerprint();
    struct sim_snapshot *snapshot = sim_snapshot_take();
    *word = 50;
    kernel_global = 60;
    EXPECT_NE(sim_fingerprint(), fingerprint);
    sim_snapshot_restore(snapshot);
    sim_snapshot_free(snapshot);
    EXPECT_EQ(*word, 5);
    EXPECT_EQ(kernel_global, 6);
    EXPECT_EQ(sim_fingerprint(), fingerprint);
}

/* --- Translation
 * -------------------------------------------------------------------------------------- */

static u64 *table_at(u32 n)
{
    return arch_phys_to_virt(paddr(TABLES + n * PAGE_SIZE));
}

static void map_user(u64 frame, u32 access)
{
    table_at(0)[0] = arch_pte_table(paddr(TABLES + PAGE_SIZE));
    table_at(1)[0] = arch_pte_table(paddr(TABLES + 2 * PAGE_SIZE));
    table_at(2)[USER >> 21] = arch_pte_table(paddr(TABLES + 3 * PAGE_SIZE));
    arch_pte_write(&table_at(3)[0], access ? arch_pte_leaf(paddr(frame), access, 0) : 0);
}

static u8 load_byte(bool *good)
{
    u8 byte = 0;
    u32 reason;
    *good = sim_user_access(USER, ACCESS_READ, &byte, 1, &reason);
    return byte;
}

TEST(a_tlb_keeps_what_is_not_flushed)
{
    (void)sim_boot_memory(8ull << 20, 1);
    *(u8 *)arch_phys_to_virt(paddr(PAGE_A)) = 'a';
    *(u8 *)arch_phys_to_virt(paddr(PAGE_B)) = 'b';
    map_user(PAGE_A, ACCESS_READ | ACCESS_USER);
    arch_root_load(paddr(TABLES));
    bool good;
    EXPECT_EQ(load_byte(&good), 'a');
    map_user(PAGE_B, ACCESS_READ | ACCESS_USER);
    EXPECT_EQ(load_byte(&good), 'a');
    arch_tlb_flush_page(USER);
    EXPECT_EQ(load_byte(&good), 'b');
    map_user(0, 0);
    EXPECT_EQ(load_byte(&good), 'b');
    arch_tlb_flush_user();
    (void)load_byte(&good);
    EXPECT(!good);
}

TEST(access_bits_are_obeyed)
{
    (void)sim_boot_memory(8ull << 20, 1);
    u8 byte = 1;
    u32 reason = 0;
    arch_root_load(paddr(TABLES));
    map_user(PAGE_A, ACCESS_READ | ACCESS_USER);
    EXPECT(!sim_user_access(USER, ACCESS_WRITE, &byte, 1, &reason));
    EXPECT_EQ(reason, FAULT_PAGE_WRITE);
    EXPECT(!sim_user_access(USER, ACCESS_EXECUTE, NULL, 1, &reason));
    EXPECT_EQ(reason, FAULT_PAGE_EXECUTE);
    map_user(PAGE_A, ACCESS_READ | ACCESS_WRITE);
    arch_tlb_flush_user();
    EXPECT(!sim_user_access(USER, ACCESS_READ, &byte, 1, &reason));
    u64 fault;
    EXPECT(!arch_user_read(&byte, user_ptr(USER), 1, &fault));
    EXPECT_EQ(fault, USER);
}

TEST(page_table_words_say_what_was_put_in)
{
    for (u32 access = ACCESS_READ; access < 32; access += 2) {
        u64 entry = arch_pte_leaf(paddr(0x200000), access, 1);
        EXPECT(arch_pte_present(entry) && arch_pte_is_leaf(entry, 1));
        EXPECT_EQ(arch_pte_access(entry), access);
        EXPECT_EQ(arch_pte_address(entry, 1).raw, 0x200000);
    }
    EXPECT(!arch_pte_is_leaf(arch_pte_table(paddr(0x1000)), 1));
}

TEST(interrupt_lines_stay_masked_until_unmasked)
{
    (void)sim_boot_memory(8ull << 20, 1);
    u32 line;
    u32 delivered;
    EXPECT_EQ(arch_irq_connect(4, &line), STATUS_OK);
    EXPECT_EQ(arch_irq_connect(4, &line), STATUS_BUSY);
    EXPECT_EQ(arch_irq_connect(77, &line), STATUS_NOT_FOUND);
    sim_irq_raise(4);
    EXPECT(!sim_interrupt_pending(0, &delivered));
    arch_irq_unmask(line);
    EXPECT(sim_interrupt_pending(0, &delivered));
    EXPECT_EQ(delivered, line);
}
