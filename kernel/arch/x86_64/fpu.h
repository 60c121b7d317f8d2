/*
 * Vector and floating-point state of user threads. The kernel itself uses none.
 *
 * A CPU's FPU is closed (CR0.TS set, registers hold the initial state) or open (TS clear, registers
 * may hold the state of the thread that runs). A thread that touches a closed FPU traps once and
 * has it open; for its next FPU_CREDIT turns it finds it open without a trap. A thread that leaves
 * the CPU has its state saved (if it was interrupted) or dropped, and the registers are put back to
 * the initial state either way, so that nothing of it is left for others, not even for speculation.
 * Threads that use integers only pay one test.
 */
#ifndef X86_64_FPU_H
#define X86_64_FPU_H

#include "arch/context.h"

struct port_cpu;

/* Detects the size of the state. Boot processor, after features_init. */
void fpu_init_boot(void);

/* Enables it on the calling CPU and closes it, clean. */
void fpu_init_cpu(void);

/* Makes an area of arch_fpu_size() bytes with anything in it one to save to. */
void fpu_area_init(u8 *area);

/* The FPU is open and the thread leaves. */
void fpu_leave(struct arch_context *context, bool voluntary);

/* A thread comes and the FPU is open, or it has saved state or credit. */
void fpu_enter(struct port_cpu *cpu, struct arch_context *context);

/* #NM from user mode. */
void fpu_device_absent(struct port_cpu *cpu, struct arch_context *context);

#endif
