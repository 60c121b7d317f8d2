/* The parts of messages that need not be inline. */
#include "ferrous/ipc.h"

#include "ferrous/calls.h"
#include "lib/string.h"

void message_drop_caps(const struct message *message, u32 first)
{
    for (u32 i = first; i < message_cap_count(message); i++)
        (void)cap_close(message_buffer()->received_caps[i]);
}

void message_put_data(struct message *message, const void *data, size_t size)
{
    if (size > MESSAGE_MAX_INLINE)
        size = MESSAGE_MAX_INLINE;
    memcpy(message_buffer()->data, data, size);
    message->info &= ~(0xfffull << INFO_LENGTH_SHIFT);
    message->info |= (u64)size << INFO_LENGTH_SHIFT;
}

bool message_put_cap(struct message *message, cap_t cap, u32 rights, u32 mode)
{
    u32 count = message_cap_count(message);

    if (count >= MESSAGE_MAX_CAPS)
        return false;
    message_buffer()->send_caps[count] =
        (struct message_cap){.cap = cap, .rights = rights, .mode = mode};
    message->info += 1ull << INFO_CAPS_SHIFT;
    return true;
}

enum status ipc_send(endpoint_t endpoint, const struct message *message, u64 deadline_ns)
{
    struct message copy = *message;

    return ipc_enter(SYS_send, endpoint, &copy, deadline_ns);
}

enum status ipc_reply(const struct message *message)
{
    struct message copy = *message;

    return ipc_enter(SYS_reply, (endpoint_t){CAP_NULL}, &copy, TIME_NEVER);
}

enum status ipc_defer(group_t group, reply_t *reply)
{
    u64 w0 = 0, w1 = 0;
    enum status status = ferrous_syscall_short(SYS_defer, group.cap.bits, TIME_NEVER, &w0, &w1);

    if (status == STATUS_OK)
        reply->cap.bits = w0;
    return status;
}

enum status ipc_adopt(reply_t reply)
{
    return ferrous_syscall_plain(SYS_adopt, reply.cap.bits, 0, 0);
}

enum status ipc_reply_to(reply_t reply, const struct message *message)
{
    struct message copy = *message;
    enum status status = ipc_enter(SYS_reply, (endpoint_t){reply.cap}, &copy, TIME_NEVER);

    if (status == STATUS_NO_CALLER)
        (void)cap_close(reply.cap);
    return status;
}
