/* System calls for devices. */
#include "dev/interrupt.h"
#include "dev/ports.h"
#include "syscall/syscall.h"

void syscall_create_interrupt(struct thread *thread)
{
    struct cap_ref machine, group;
    u64 kind = arg(thread, 1), number = arg(thread, 2);
    enum status status = syscall_lookup(thread, OBJECT_MACHINE, RIGHT_INTERRUPTS, &machine);
    if (status == STATUS_OK)
        status =
            syscall_lookup_at(thread, arg(thread, 0), OBJECT_GROUP, RIGHT_CREATE_INTERRUPT, &group);
    if (status == STATUS_OK && (kind != 0 || number > UINT32_MAX))
        status = STATUS_BAD_ARGUMENT;
    if (status == STATUS_OK)
        status = cap_ref_take(&group);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    struct interrupt *interrupt;
    status = interrupt_create(&group_of(group.object)->payer, (u32)number, &interrupt);
    if (status == STATUS_OK)
        syscall_return_object(thread, &interrupt->object, RIGHTS_INTERRUPT, 0);
    else
        thread_set_status(thread, status);
    object_put(group.object);
}

void syscall_interrupt_ack(struct thread *thread)
{
    struct cap_ref ref, endpoint;
    u64 handle = arg(thread, 0);
    enum status status = syscall_lookup(thread, OBJECT_INTERRUPT, RIGHT_BIND, &ref);
    if (status == STATUS_OK && handle != 0) {
        status = syscall_lookup_at(thread, handle, OBJECT_ENDPOINT, RIGHT_SIGNAL, &endpoint);
        if (status == STATUS_OK)
            status = interrupt_bind(interrupt_of(ref.object), &endpoint);
    }
    if (status == STATUS_OK)
        interrupt_unmask(interrupt_of(ref.object));
    thread_set_status(thread, status);
}

void syscall_port_in(struct thread *thread)
{
    struct cap_ref ref;
    u32 value = 0;
    enum status status = syscall_lookup(thread, OBJECT_PORTS, RIGHT_PORT_IN, &ref);
    if (status == STATUS_OK)
        status = ports_in(&ref, arg(thread, 0), arg(thread, 1), &value);
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        set_result(thread, 0, value);
}

void syscall_port_out(struct thread *thread)
{
    struct cap_ref ref;
    enum status status = syscall_lookup(thread, OBJECT_PORTS, RIGHT_PORT_OUT, &ref);
    if (status == STATUS_OK)
        status = ports_out(&ref, arg(thread, 0), arg(thread, 1), (u32)arg(thread, 2));
    thread_set_status(thread, status);
}
