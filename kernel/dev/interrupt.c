/* Interrupt objects. */
#include "dev/interrupt.h"

#include "arch/device.h"
#include "arch/upcalls.h"
#include "mm/object_slab.h"
#include "trace/trace.h"

KERNEL_STATE static struct slab_cache interrupt_cache;
KERNEL_STATE static struct interrupt
    *lines[ARCH_IRQ_LINES]; /* atomic; objects are freed after grace */

void interrupt_init(void)
{
    slab_cache_init(&interrupt_cache, "interrupt", sizeof(struct interrupt), 16);
}

enum status interrupt_create(struct payer *payer, u32 irq, struct interrupt **out)
{
    void *memory;
    enum status status = object_allocate(&interrupt_cache, OBJECT_INTERRUPT, payer,
                                         offsetof(struct interrupt, object), &memory);
    if (status != STATUS_OK)
        return status;
    struct interrupt *interrupt = memory;
    spinlock_init(&interrupt->lock, RANK_IPC);
    status = arch_irq_connect(irq, &interrupt->line);
    if (status != STATUS_OK) {
        object_deallocate(&interrupt_cache, &interrupt->object, offsetof(struct interrupt, object));
        return status;
    }
    ATOMIC_STORE(&lines[interrupt->line], interrupt);
    *out = interrupt;
    return STATUS_OK;
}

enum status interrupt_bind(struct interrupt *interrupt, const struct cap_ref *endpoint)
{
    enum status status = STATUS_OK;
    spin_lock(&interrupt->lock);
    struct endpoint *bound = binding_endpoint(&interrupt->binding);
    if (!bound)
        status = binding_make(&interrupt->binding, endpoint);
    else if (bound != endpoint_of(endpoint->object))
        status = STATUS_BUSY;
    spin_unlock(&interrupt->lock);
    return status;
}

void interrupt_unmask(struct interrupt *interrupt)
{
    arch_irq_unmask(interrupt->line);
}

struct arch_context *upcall_interrupt(u32 line)
{
    struct cpu *cpu = sched_enter();
    COUNT(cpu, INTERRUPTS);
    struct interrupt *interrupt = line < ARCH_IRQ_LINES ? ATOMIC_LOAD(&lines[line]) : NULL;
    TRACE(INTERRUPT, line, interrupt ? interrupt->object.id : 0, 0, 0);
    if (interrupt) {
        interrupt->fired++;
        binding_interrupt(&interrupt->binding);
    }
    return sched_exit();
}

static void disconnect(struct interrupt *interrupt)
{
    spin_lock(&interrupt->lock);
    bool mine = ATOMIC_LOAD(&lines[interrupt->line]) == interrupt;
    if (mine)
        ATOMIC_STORE(&lines[interrupt->line], NULL);
    spin_unlock(&interrupt->lock);
    if (mine)
        arch_irq_disconnect(interrupt->line);
}

void interrupt_release(struct object *object)
{
    disconnect(interrupt_of(object));
    binding_drop(&interrupt_of(object)->binding);
    object_free_after_grace(object);
}

void interrupt_condemn(struct object *object)
{
    disconnect(interrupt_of(object));
}

void interrupt_reclaim(struct object *object)
{
    object_deallocate(&interrupt_cache, object, offsetof(struct interrupt, object));
}
