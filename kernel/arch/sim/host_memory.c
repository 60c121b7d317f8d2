/* The host mapping behind physical memory. Apart from memory.c: sys/mman.h and abi/memory.h both
 * own MAP_ names. */
#include "sim_internal.h"

#include <stdlib.h>
#include <sys/mman.h>

void sim_memory_map(u64 size_bytes)
{
    struct sim_machine *machine = sim_machine();
    void *base = arch_phys_to_virt(paddr(0));
    if (mmap(base, SIM_MEMORY_LIMIT, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != base)
        abort();
    if (mprotect(base, size_bytes, PROT_READ | PROT_WRITE) != 0)
        abort();
    machine->memory_bytes = size_bytes;
}
