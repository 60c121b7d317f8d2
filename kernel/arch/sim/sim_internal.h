/*
 * The simulated machine's own state, shared by the files of this folder.
 *
 * Everything that changes lies in one structure in the section "simstate", beside the kernel's
 * "kstate": both are copied whole by snapshots. Fibers' stacks lie at fixed addresses; a parked CPU
 * keeps nothing on its stack.
 */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "port/sim.h"

#include "arch/cpu.h"
#include "arch/device.h"
#include "arch/time.h"

#define SIM_STACK_BASE   0x210000000000ull
#define SIM_STACK_STRIDE (4ull << 20)
#define SIM_STACK_BYTES  (1ull << 20)

#define SIM_CONSOLE_BYTES (64u << 10)
#define SIM_RECENT        16u /* addresses that a CPU's prefetcher may walk again */

struct sim_cpu {
    struct cpu *bound;
    void *stack_pointer; /* of the fiber, while it does not run */
    void *fake_stack;    /* ASan's */
    bool started;
    bool entered; /* the fiber has run */
    bool parked;
    bool in_kernel;
    bool spinning;
    bool stalled; /* held up until others have left the kernel */
    bool ipi_pending;
    enum sim_command command;
    u32 command_line;
    struct arch_context *context;
    u64 timer_deadline_ns;
    paddr_t root;
    struct sim_tlb_entry tlb[SIM_TLB_SIZE];
    u64 recent[SIM_RECENT];
    u32 recent_next;
    u64 vector;
};

struct sim_line {
    bool connected;
    bool unmasked;
    bool pending;
    u32 cpu;
};

struct sim_machine {
    struct sim_config config;
    sim_user_step step;
    struct boot_info *boot;
    struct sim_cpu cpus[SIM_MAX_CPUS];
    struct sim_line lines[ARCH_IRQ_LINES];
    struct sim_random random;
    u64 memory_bytes;
    u64 now_ns;
    u64 steps;
    u64 ticks;
    u64 picks_since_park; /* times a CPU was picked since one last left the kernel */
    u64 switch_countdown;
    struct sim_leg legs[SIM_MAX_LEGS]; /* the script, if there is one */
    u32 leg_count;
    u32 leg;
    u32 legs_cut_short;
    u32 current; /* index of the CPU whose fiber runs; 0 where no fibers run */
    bool fibers_on;
    bool on_fiber;
    bool others_stopped;
    bool stopped;
    char stop_reason[512];
    u64 console_length; /* bytes ever written */
    char console[SIM_CONSOLE_BYTES];
};

/* The one simulated machine of this program. */
struct sim_machine *sim_machine(void);

static inline struct sim_cpu *sim_current_cpu(void)
{
    struct sim_machine *machine = sim_machine();
    return &machine->cpus[machine->current];
}

/* state.c: puts KERNEL_STATE back to what it was when the program started, and the machine to zero.
 */
void sim_state_reset(void);
/* host_memory.c: (re)maps zeroed physical memory. */
void sim_memory_map(u64 size_bytes);
/* memory.c: the running CPU's prefetcher walks a recently used address again. */
void sim_tlb_speculate(void);
/* boot.c: writes a boot description for the configured machine into physical memory. */
struct boot_info *sim_boot_describe(const struct sim_config *config);
/* fiber.c */
void sim_fiber_create(u32 cpu, void (*entry)(void));
void sim_fiber_switch_to(u32 cpu);   /* host to fiber */
void sim_fiber_switch_to_host(void); /* fiber to host */

#endif
