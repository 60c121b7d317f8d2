/* See fake.h. Takes the place of sdk/typed_transport.c and of two functions of sdk/calls.c. */
#include "fake.h"

#include <stdlib.h>

#include "ferrous/calls.h"
#include "lib/string.h"

#define FAKE_CAPS  64u
#define FIRST_BITS 0x1000u

struct fake_entry {
    bool live;
    bool revoked;
    enum object_type type;
    u32 rights;
};

struct fake fake;

static struct fake_entry entries[FAKE_CAPS];
static u32 entry_count;
static struct message_buffer client_buffer;
static struct message_buffer server_buffer;
static struct message_buffer *current = &client_buffer;

void fake_reset(void)
{
    memset(&fake, 0, sizeof(fake));
    memset(entries, 0, sizeof(entries));
    memset(&client_buffer, 0xa5, sizeof(client_buffer));
    memset(&server_buffer, 0xa5, sizeof(server_buffer));
    entry_count = 0;
    current = &client_buffer;
    fake.accept = MESSAGE_MAX_CAPS;
}

static struct fake_entry *find(cap_t cap)
{
    u64 index = cap.bits - FIRST_BITS;

    return index < entry_count && entries[index].live ? &entries[index] : NULL;
}

cap_t fake_cap(enum object_type type, u32 rights)
{
    if (entry_count == FAKE_CAPS)
        abort();
    entries[entry_count] = (struct fake_entry){.live = true, .type = type, .rights = rights};
    return (cap_t){FIRST_BITS + entry_count++};
}

u32 fake_live_caps(void)
{
    u32 count = 0;

    for (u32 i = 0; i < entry_count; i++)
        count += entries[i].live;
    return count;
}

u32 fake_rights(cap_t cap)
{
    const struct fake_entry *entry = find(cap);

    return entry == NULL ? 0 : entry->rights;
}

void fake_revoke(cap_t cap)
{
    find(cap)->revoked = true;
}

struct message_buffer *fake_use_server_buffer(void)
{
    return current = &server_buffer;
}

struct message_buffer *fake_use_client_buffer(void)
{
    return current = &client_buffer;
}

struct message_buffer *typed_buffer(void)
{
    return current;
}

enum status cap_inspect(cap_t cap, struct cap_facts *facts)
{
    const struct fake_entry *entry = find(cap);

    if (entry == NULL || entry->revoked)
        return STATUS_STALE_HANDLE;
    *facts = (struct cap_facts){.type = entry->type, .rights = entry->rights};
    return STATUS_OK;
}

/* A capability that is not there any more, or never was, ends the test: nothing is closed twice. */
enum status cap_close(cap_t cap)
{
    if (cap_is_null(cap))
        return STATUS_OK;
    if (find(cap) == NULL)
        abort();
    find(cap)->live = false;
    return STATUS_OK;
}

/* As the kernel does it: data, and capabilities with fewer rights under new handles. */
static enum status deliver(struct message *message, const struct message_buffer *from,
                           struct message_buffer *to, u32 accept, enum message_kind kind)
{
    u32 caps = message_cap_count(message);

    if (caps > accept)
        return STATUS_NOT_ACCEPTED;
    for (u32 i = 0; i < caps; i++) {
        if (find(from->send_caps[i].cap) == NULL)
            return STATUS_STALE_HANDLE;
    }
    for (u32 i = 0; i < caps; i++) {
        struct fake_entry *entry = find(from->send_caps[i].cap);

        to->received_caps[i] = fake_cap(entry->type, entry->rights & from->send_caps[i].rights);
        entry->live = from->send_caps[i].mode != CAP_SEND_MOVE;
    }
    memcpy(to->data, from->data, message_length(message));
    message->info &= 0xffffffffffffull | INFO_FAILED;
    message->info |= (u64)kind << INFO_KIND_SHIFT;
    return STATUS_OK;
}

static void call_hook(void (*hook)(struct message *, struct message_buffer *),
                      struct message *message, struct message_buffer *buffer)
{
    if (hook != NULL)
        hook(message, buffer);
}

enum status typed_enter(u64 number, endpoint_t endpoint, struct message *message, u64 deadline_ns)
{
    u32 accept = info_accept(message->info);
    enum status status;

    (void)endpoint;
    (void)deadline_ns;
    fake.sent = *message;
    fake.sent_buffer = *current;
    if (fake.transport != STATUS_OK)
        return fake.transport;
    if (fake.server == NULL)
        return STATUS_PEER_CLOSED;
    status = deliver(message, &client_buffer, &server_buffer, fake.accept,
                     number == SYS_call ? MESSAGE_CALL : MESSAGE_SEND);
    if (status != STATUS_OK)
        return status;
    call_hook(fake.on_request, message, &server_buffer);
    current = &server_buffer;
    fake.server(message);
    current = &client_buffer;
    if (number != SYS_call)
        return STATUS_OK;
    status = deliver(message, &server_buffer, &client_buffer, accept, MESSAGE_REPLY);
    if (status == STATUS_OK)
        call_hook(fake.on_reply, message, &client_buffer);
    return status;
}
