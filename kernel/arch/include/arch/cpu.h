/*
 * This CPU, and the CPUs there are. struct cpu is the core's (core/cpu.h); the port only finds it.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "arch/types.h"
#include "abi/bootinfo.h"
#include "port/cpu.h" /* inline: struct cpu *arch_this_cpu(void); void arch_spin_hint(void) */

struct cpu;
struct arch_context;

/* `index` if it is below `limit`, else 0; decided without a branch that could be mispredicted
 * (Spectre v1). For an index that a user chose, after the check that refuses it. A port that needs
 * it has its own. */
#ifndef ARCH_HAS_INDEX_CLAMP
static inline u64 arch_index_clamp(u64 index, u64 limit)
{
    return index < limit ? index : 0;
}
#endif

/* KERNEL_STATE marks every mutable global of the kernel (port/cpu.h): the simulator gathers them in
 * one section so that a whole state can be saved, compared and restored. */

/* Makes `cpu` what arch_this_cpu() returns on the calling CPU. Interrupts off. */
void arch_cpu_bind(struct cpu *cpu, u32 index);

/* Boot processor, first thing: descriptor tables with the stacks for double fault, NMI, machine
 * check and debug; exception entries; CPU features detected and protections switched on. Panics
 * with the name of a feature that is required and missing. Must not need memory beyond the image's
 * own. */
void arch_cpu_init_boot(const struct boot_info *boot);

/* After frames and the direct map exist: interrupt controllers, clock and timer. Panics on failure.
 */
void arch_interrupts_init(const struct boot_info *boot);

/* Starts CPU `index` (boot->cpus[index]); it calls upcall_cpu_started() on its own stack with its
 * struct cpu bound. False if it did not answer in time. `stack_top` is the kernel stack to use. */
bool arch_cpu_start(const struct boot_info *boot, struct cpu *cpu, u32 index, void *stack_top);

/* Runs the calling CPU as idle until there is something to do, then never returns here: see
 * upcalls.h. The thread returned by an upcall is entered the same way. Called once per CPU at the
 * end of its start. */
NORETURN void arch_cpu_enter(struct arch_context *next);

/* Text for people: vendor, model, features in use. */
const char *arch_cpu_name(void);

/* Asks CPU `index` to enter the kernel (upcall_ipi). Never waits. */
void arch_ipi_send(u32 index);

/* The same for the calling CPU; cheap for the caller's caller: it keeps all registers. */
__attribute__((preserve_most)) void arch_ipi_send_self(void);

/* Stops all other CPUs for a panic; returns within a bounded time whatever they do. */
void arch_stop_others(void);

NORETURN void arch_halt(void);

/* Are interrupts off on this CPU? For assertions. */
bool arch_interrupts_off(void);

#endif
