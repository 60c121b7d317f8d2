/*
 * The simulated machine, as the programs see it that link the kernel as a library: unit tests
 * (memory alone) and the simulator in tests/sim (CPUs as fibers, virtual time, TLBs, interrupts).
 * Not for the kernel.
 *
 * Everything is deterministic: the only source of chance is the seed given to sim_machine_reset.
 * Nothing here is thread-safe; all fibers run on the host thread that called sim_machine_reset.
 */
#ifndef PORT_SIM_H
#define PORT_SIM_H

#include "abi/bootinfo.h"
#include "arch/memory.h"
#include "arch/upcalls.h"

#define SIM_MAX_CPUS     4u
#define SIM_MAX_NODES    2u
#define SIM_MEMORY_BYTES (64ull << 20) /* default size of physical memory */
#define SIM_MEMORY_LIMIT (1ull << 30)

/* --- Memory and boot description; enough for unit tests
 * ------------------------------------------------ */

/* Maps `size_bytes` of zeroed physical memory (a multiple of 4 MiB, at least 4 MiB) split evenly
 * over `nodes` (1 or 2), drops what was there before, resets all KERNEL_STATE, binds a zeroed
 * struct cpu for CPU 0, and returns a boot description of a machine with one CPU. The description
 * lies in the simulated memory. Not for use together with fibers. */
struct boot_info *sim_boot_memory(u64 size_bytes, u32 nodes);

/* --- A machine with CPUs
 * ----------------------------------------------------------------------------- */

struct sim_config {
    u64 seed;
    u64 memory_bytes; /* 0: SIM_MEMORY_BYTES */
    u32 cpu_count;    /* 1 to SIM_MAX_CPUS */
    u32 node_count;   /* 1 or 2 */
    u32 switch_gap; /* mean number of atomic operations between forced switches; 0: never switch in
                       the kernel */
    bool verbose;   /* console to stdout as it is written */
};

/* What a parked CPU is asked to do next. */
enum sim_command {
    SIM_NOTHING = 0,
    SIM_USER_STEP = 1, /* user mode: one action of the current thread */
    SIM_IPI = 2,
    SIM_TIMER = 3,
    SIM_INTERRUPT = 4,
};

/* One action of the thread whose context is loaded on `cpu`; runs on that CPU's fiber. Returns what
 * the upcall it made returned, or `context` if it made none. */
typedef struct arch_context *(*sim_user_step)(u32 cpu, struct arch_context *context);

/* Powers the machine on: fresh memory and KERNEL_STATE, CPU 0 about to enter kernel_main. */
void sim_machine_reset(const struct sim_config *config, sim_user_step step);

/* Asks `cpu` (parked) to do `command` at the next sim_machine_run. `line`: for SIM_INTERRUPT. */
void sim_cpu_command(u32 cpu, enum sim_command command, u32 line);

/* Runs all CPUs that have something to do, interleaved by chance, until each is parked in user mode
 * or idle, or the machine stopped. `refill` (NULL: nothing) is asked, on the host's stack, for a
 * command for each CPU that is parked without one, while others go on. False if the machine stopped
 * (sim_stop_reason). */
bool sim_machine_run(void (*refill)(u32 cpu));

/* A script says which CPU goes on for how long, where chance would otherwise: leg after leg, the
 * CPU passes so many switch points (atomic operations, 0: until it is parked). Where it would spin,
 * the others go on until it need not. For the next sim_machine_run, after which, or when its legs
 * are used up, chance is back. */
#define SIM_MAX_LEGS 8u
struct sim_leg {
    u32 cpu;
    u64 points;
};
void sim_script(const struct sim_leg *legs, u32 count);
/* Legs of the last script whose CPU was parked before it had passed all its points. */
u32 sim_script_cut_short(void);

/* What a CPU has done at its switch points while a script ran, in order: the word that it was about
 * to read or write. */
#define SIM_MAX_TOUCHES 8192u
struct sim_touch {
    const volatile void *word; /* NULL: none (a fence); SIM_EVERYTHING: whatever there is */
    bool writes;
};
void sim_touches_forget(void);
const struct sim_touch *sim_touches(u32 cpu, u32 *count);

/* For tests that change user memory between two reads of the kernel, or count its reads: asked at
 * each switch point in the kernel, and after each read of user memory. NULL: nothing is asked. */
extern void (*sim_point_hook)(void);
extern void (*sim_fetch_hook)(u64 user, u64 size_bytes);

/* Why the machine stopped: "" if it did not; a panic's first line, "power off", "reset", ... */
const char *sim_stop_reason(void);
/* Stops the machine from within a fiber; never returns. From the host's stack: only notes the
 * reason. */
void sim_stop(const char *format, ...) PRINTF(1, 2);
bool sim_stopped(void);

/* The CPU has been started and is parked. */
bool sim_cpu_parked(u32 cpu);
/* The context that a parked CPU would resume; NULL: idle or not started. */
struct arch_context *sim_cpu_context(u32 cpu);
bool sim_ipi_pending(u32 cpu);
u64 sim_timer_deadline(u32 cpu); /* TIME_NEVER: disarmed */
/* The line that would be delivered next on `cpu`; false: none. */
bool sim_interrupt_pending(u32 cpu, u32 *line);
/* A device raises its legacy IRQ; delivered when unmasked. */
void sim_irq_raise(u32 irq);

/* Virtual time. */
u64 sim_now_ns(void);
void sim_time_advance(u64 ns);

/* --- User memory as the current thread of the running CPU sees it
 * ------------------------------------- */

/* One access of 1 to 8 bytes within a page through TLB and page tables. False: a page fault with
 * *reason an enum fault_reason. `access`: one of ACCESS_READ, WRITE, EXECUTE. */
bool sim_user_access(u64 address, u32 access, void *data, u32 size_bytes, u32 *reason);

/* The thread whose registers these are makes a system call: what the machine's entry code does.
 * Returns whom to resume, as upcalls do. */
struct arch_context *sim_syscall(struct arch_context *context, u64 number);

/* The simulated vector register of the running CPU. */
u64 sim_vector_get(u32 cpu);
void sim_vector_set(u32 cpu, u64 value);

/* --- For checkers
 * ------------------------------------------------------------------------------------ */

struct sim_tlb_entry {
    u64 address; /* of the page */
    u64 entry;   /* page-table entry as it was walked */
    u32 level;
    u32 valid;
    u64 filled_at; /* sim_tick when it was filled */
};

#define SIM_TLB_SIZE 128u

/* The root that `cpu` has loaded (0: the kernel's), and its TLB. */
paddr_t sim_cpu_root(u32 cpu);
const struct sim_tlb_entry *sim_cpu_tlb(u32 cpu);
u64 sim_step_count(void); /* sim_machine_run calls since power-on */
/* A number greater than all before: orders what happens within a step. */
u64 sim_tick(void);
u64 sim_memory_bytes(void);

/* A hash of all KERNEL_STATE and of physical memory. Equal states give equal hashes within one
 * program. */
u64 sim_fingerprint(void);

/* Console output since power-on (the last 64 KiB of it), NUL-terminated. */
const char *sim_console_text(void);

/* Marks state of the program that drives the machine (its model of user threads): reset to zero at
 * power-on and part of snapshots, as the machine's own is. */
#define SIM_STATE __attribute__((section("simstate")))

/* --- Saved states
 * ------------------------------------------------------------------------------------ */

struct sim_snapshot;
/* A copy of KERNEL_STATE, the simulated machine and physical memory, while all CPUs are parked. The
 * caller frees it with sim_snapshot_free. */
struct sim_snapshot *sim_snapshot_take(void);
void sim_snapshot_restore(const struct sim_snapshot *snapshot);
void sim_snapshot_free(struct sim_snapshot *snapshot);

/* --- Saved states for exploration
 * ------------------------------------------------------------------------------------ */

/*
 * States are saved and brought back as differences from a base, a few microseconds each. The base
 * is what there is at sim_delta_begin; from then on all state is write-protected, a page until the
 * first write to it. Within pages that have been written, the lines (64 bytes) that were ever found
 * to differ from the base are the hot ones: an image holds those and nothing else.
 *
 * A step may write to a line that is not hot yet. sim_delta_verify finds out, after the fact: the
 * caller then repeats what it has done since the last image.
 */
struct sim_image {
    u32 line_count; /* hot lines when it was taken: later ones are as in the base */
    u32 room;
    u8 *bytes;
};

/* Makes the present state the base. Once in a process; all CPUs parked. */
void sim_delta_begin(void);
/* Copies the present state; `image` is zeroed or has been used before. */
void sim_delta_capture(struct sim_image *image);
/* Puts the state of an image back, as far as it lies in hot lines. */
void sim_delta_restore(const struct sim_image *image);
/* After a restore: is all the rest as in the base? If not, it is made so, and its lines are hot
 * from now on; false. */
bool sim_delta_verify(void);
void sim_image_free(struct sim_image *image);
u32 sim_delta_lines(void); /* hot lines so far */
u32 sim_delta_pages(void); /* pages written so far */

/* --- Chance
 * ------------------------------------------------------------------------------------------ */

/* A splitmix64 stream: counter-based, so that a stream for (seed, step) needs no stream before it.
 */
struct sim_random {
    u64 state;
};

static inline u64 sim_random_next(struct sim_random *random)
{
    u64 z = (random->state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* Uniform enough in [0, limit); limit > 0. */
static inline u64 sim_random_below(struct sim_random *random, u64 limit)
{
    return sim_random_next(random) % limit;
}

/* The stream from which the machine takes scheduling decisions; the simulator reseeds it each step.
 */
void sim_reseed(u64 seed);

#endif
