/* How typed messages reach the kernel. Apart from typed.c so that host tests can stand in for it.
 */
#include "ferrous/typed.h"

struct message_buffer *typed_buffer(void)
{
    return message_buffer();
}

enum status typed_enter(u64 number, endpoint_t endpoint, struct message *message, u64 deadline_ns)
{
    return ipc_enter(number, endpoint, message, deadline_ns);
}
