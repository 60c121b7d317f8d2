/*
 * Fibers: one stack per simulated CPU, and a switch between them and the host's stack.
 * AddressSanitizer is told of each switch.
 */
#include "sim_internal.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "fiber_sanitizer.h"

/* Stack pointer and bounds of the host while a fiber runs. Not state of the machine: true only
 * during a switch. */
static struct {
    void *stack_pointer;
    void *fake_stack;
    const void *bottom;
    size_t size_bytes;
    void (*entry[SIM_MAX_CPUS])(void);
} host;

/* Saves the callee-saved registers on this stack and its pointer at *save, then continues on
 * `load`. */
void sim_stack_switch(void **save, void *load);

__asm__(".text\n"
        ".globl sim_stack_switch\n"
        ".type sim_stack_switch, @function\n"
        "sim_stack_switch:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size sim_stack_switch, . - sim_stack_switch\n");

static char *stack_bottom(u32 cpu)
{
    return (char *)(uintptr_t)(SIM_STACK_BASE + cpu * SIM_STACK_STRIDE);
}

/* First function of every fiber. */
static NORETURN void fiber_start(void)
{
    sanitizer_finish_switch(NULL, &host.bottom, &host.size_bytes);
    u32 cpu = sim_machine()->current;
    sim_current_cpu()->entered = true;
    host.entry[cpu]();
    abort(); /* entries never return */
}

void sim_fiber_create(u32 cpu, void (*entry)(void))
{
    char *bottom = stack_bottom(cpu);
    void *mapped = mmap(bottom, SIM_STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (mapped != bottom)
        abort();
    sanitizer_unpoison(bottom, SIM_STACK_BYTES);
    host.entry[cpu] = entry;

    /* Six registers to pop, the address to return to, and one word so that the entry finds the
     * alignment that a call leaves (System V ABI 3.2.2). */
    void **top = (void **)(void *)(bottom + SIM_STACK_BYTES);
    top[-1] = NULL;
    top[-2] = (void *)(uintptr_t)fiber_start;
    for (u32 i = 3; i <= 8; i++)
        top[-(int)i] = NULL;

    struct sim_cpu *state = &sim_machine()->cpus[cpu];
    state->stack_pointer = &top[-8];
    state->fake_stack = NULL;
    state->started = true;
    state->parked = false;
    state->entered = false;
}

void sim_fiber_switch_to(u32 cpu)
{
    struct sim_machine *machine = sim_machine();
    machine->current = cpu;
    machine->on_fiber = true;
    sanitizer_start_switch(&host.fake_stack, stack_bottom(cpu), SIM_STACK_BYTES);
    sim_stack_switch(&host.stack_pointer, machine->cpus[cpu].stack_pointer);
    sanitizer_finish_switch(host.fake_stack, NULL, NULL);
    machine->on_fiber = false;
}

void sim_fiber_switch_to_host(void)
{
    struct sim_cpu *cpu = sim_current_cpu();
    sanitizer_start_switch(&cpu->fake_stack, host.bottom, host.size_bytes);
    sim_stack_switch(&cpu->stack_pointer, host.stack_pointer);
    sanitizer_finish_switch(cpu->fake_stack, &host.bottom, &host.size_bytes);
}
