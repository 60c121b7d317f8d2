/* I/O ports. */
#include "dev/ports.h"

#include "arch/device.h"
#include "core/log.h"
#include "group/group.h"
#include "trace/trace.h"

/* The early console's registers: the first driver that writes there takes the console over. */
#define CONSOLE_PORT_START 0x3f8u
#define CONSOLE_PORT_END   0x400u

KERNEL_STATE static struct object ports;

void ports_init(void)
{
    object_init(&ports, OBJECT_PORTS, &group_root()->payer);
}

struct object *ports_object(void)
{
    return &ports;
}

static bool access_is_allowed(const struct cap_ref *ref, u64 port, u64 width)
{
    if (width != 1 && width != 2 && width != 4)
        return false;
    const struct cap_node *node = ref->node;
    return port >= node->range_start && port < node->range_end && width <= node->range_end - port;
}

static enum status check_access(const struct cap_ref *ref, u64 port, u64 width)
{
    bool allowed = access_is_allowed(ref, port, width);
    if (!cap_ref_is_there(ref))
        return STATUS_STALE_HANDLE;
    return allowed ? STATUS_OK : STATUS_BAD_ARGUMENT;
}

enum status ports_in(const struct cap_ref *ref, u64 port, u64 width, u32 *value)
{
    enum status status = check_access(ref, port, width);
    if (status != STATUS_OK)
        return status;
    *value = arch_port_in((u16)port, (u32)width);
    TRACE(PORT_ACCESS, port, width, *value, 0);
    return STATUS_OK;
}

enum status ports_out(const struct cap_ref *ref, u64 port, u64 width, u32 value)
{
    enum status status = check_access(ref, port, width);
    if (status != STATUS_OK)
        return status;
    if (port >= CONSOLE_PORT_START && port < CONSOLE_PORT_END)
        log_console_release();
    arch_port_out((u16)port, (u32)width, value);
    TRACE(PORT_ACCESS, port, width, value, 1);
    return STATUS_OK;
}
