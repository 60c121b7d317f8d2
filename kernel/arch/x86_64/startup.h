/* What every CPU does at its start. */
#ifndef X86_64_STARTUP_H
#define X86_64_STARTUP_H

struct port_cpu;

/* Descriptor tables, features, system-call entry and FPU of the calling CPU. */
void startup_cpu(struct port_cpu *cpu);

#endif
