/* The machine object and the root trace domain. */
#include "dev/machine.h"

#include "core/assert.h"
#include "group/group.h"
#include "trace/trace.h"

#define ROOT_EVENTS_PER_CPU 4096u
#define BOOT_CATEGORIES                                                                            \
    (1u << TRACE_CATEGORY_SECURITY | 1u << TRACE_CATEGORY_BOOT | 1u << TRACE_CATEGORY_USER)

KERNEL_STATE static struct object machine;
KERNEL_STATE static struct object trace_domain;
KERNEL_STATE static struct memory *trace_memory;

void machine_init(void)
{
    object_init(&machine, OBJECT_MACHINE, &group_root()->payer);
}

struct object *machine_object(void)
{
    return &machine;
}

void trace_domain_init(u64 boot_id)
{
    object_init(&trace_domain, OBJECT_TRACE_DOMAIN, &group_root()->payer);
    /* One contiguous run; on many CPUs fewer events each. */
    u32 capacity = ROOT_EVENTS_PER_CPU;
    u64 limit = PAGE_SIZE << FRAME_MAX_ORDER;
    while (trace_domain_size_bytes(capacity, cpu_count()) > limit &&
           capacity > TRACE_EVENTS_PER_PAGE)
        capacity /= 2;
    u64 size = trace_domain_size_bytes(capacity, cpu_count());
    enum status status = memory_create_contiguous(&group_root()->payer, size, &trace_memory);
    if (status != STATUS_OK)
        panic("no memory for the trace rings: %lu bytes", size);
    /* SAFETY: a contiguous run of `size` bytes that is never freed. */
    void *base = arch_phys_to_virt(paddr(trace_memory->root));
    trace_domain_format(base, capacity, cpu_count(), boot_id);
    trace_root_start(base, BOOT_CATEGORIES);
}

struct object *trace_domain_object(void)
{
    return &trace_domain;
}

struct memory *trace_domain_memory(void)
{
    return trace_memory;
}

void singleton_release(struct object *object)
{
    panic("last reference to a singleton of type %u dropped", object->type);
}

void singleton_reclaim(struct object *object)
{
    panic("singleton of type %u reclaimed", object->type);
}

void singleton_condemn(struct object *object)
{
    (void)object; /* the root group is never destroyed */
}
