/* Port of the simulator: which simulated CPU is running, and where mutable globals live. */
#ifndef PORT_CPU_H
#define PORT_CPU_H

struct cpu;

/* All mutable globals of the kernel lie in one section of the host program, between __start_kstate
 * and
 * __stop_kstate: the simulator resets, compares and saves them as a block. */
#define KERNEL_STATE __attribute__((section("kstate")))

/* The struct cpu bound to the CPU whose fiber runs; NULL before arch_cpu_bind. */
struct cpu *arch_this_cpu(void);

/* One round of a spin loop: another simulated CPU runs, for on the host nobody else would free the
 * lock. */
void arch_spin_hint(void);

#endif
