/* Parameters at the start of the trampoline page. Read by the assembler too. */
#ifndef X86_64_TRAMPOLINE_H
#define X86_64_TRAMPOLINE_H

#define TRAMPOLINE_PARAMETERS      8
#define TRAMPOLINE_START_ROOT      8  /* u64, below 4 GiB */
#define TRAMPOLINE_ROOT            16 /* u64: the kernel's page tables */
#define TRAMPOLINE_STACK           24 /* u64 */
#define TRAMPOLINE_ENTRY           32 /* u64: smp_entry */
#define TRAMPOLINE_SWITCH          40 /* u64: trampoline_switch */
#define TRAMPOLINE_INDEX           48 /* u32 */
#define TRAMPOLINE_PARAMETER_BYTES 48

#endif
