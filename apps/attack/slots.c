/* What a process holds is its own: slots that are used again, handles of others, deputies that are
 * asked to act on what is not theirs, capabilities that say more than was given. */
#include "attack.h"

#define INDEX_MASK 0xfffffull

/* More often than a slot has generations, the old handle of a slot stays dead while new ones live.
 */
BOOT_TEST(slots, reuse_does_not_revive_old_handles)
{
    endpoint_t endpoint;
    u64 before = denials();
    u64 tried = 0;
    u64 same_slot = 0;
    cap_t first;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(cap_derive_rights(endpoint.cap, RIGHT_SIGNAL, &first));
    CHECK_OK(cap_close(first));
    for (u32 i = 0; i < 5000; i++) {
        cap_t next;

        CHECK_OK(cap_derive_rights(endpoint.cap, RIGHT_SIGNAL, &next));
        same_slot += (next.bits & INDEX_MASK) == (first.bits & INDEX_MASK);
        CHECK(!cap_equal(next, first));
        CHECK_IN(endpoint_signal((endpoint_t){first}), REFUSED);
        CHECK_IN(cap_close(first), REFUSED);
        tried += 2;
        CHECK_OK(endpoint_signal((endpoint_t){next}));
        CHECK_OK(cap_close(next));
    }
    CHECK(same_slot > 4096);
    CHECK_EQ(denials() - before, tried);
    CHECK_OK(cap_close(endpoint.cap));
}

/* --- handles of another process --- */

#define TELL MESSAGE_LABEL(0x7362, 1) /* w0-w3: the sender's own handles */
#define TRY  MESSAGE_LABEL(0x7362, 2) /* w0-w3: handles to try -> w0 how many were taken */

/* Calls with the numbers of its own handles, then sleeps so that they stay good. */
int role_tell(const char *argument)
{
    struct message message = MESSAGE_INIT(TELL);
    endpoint_t endpoint = {start_cap("endpoint")};

    (void)argument;
    message.words[0] = endpoint.cap.bits;
    message.words[1] = start_self().cap.bits;
    message.words[2] = thread_self().cap.bits;
    message.words[3] = start_cap("memory").bits;
    return (int)ipc_call(endpoint, &message, PATIENCE);
}

static bool is_taken(u64 handle)
{
    u64 zero = 0;
    u64 one = 0;

    return !IS_IN(ferrous_syscall_short(SYS_inspect, handle, 0, &zero, &one), REFUSED);
}

BOOT_TEST(slots, numbers_of_another_process_mean_nothing)
{
    struct message message;
    struct exit_record record;
    struct process_cap caps[2];
    struct process process;
    endpoint_t endpoint;
    memory_t memory;
    u64 before;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(memory_create(attack.group, PAGE_SIZE, 0, &memory));
    caps[0] = GIVE("endpoint", endpoint, RIGHT_SEND);
    caps[1] = GIVE("memory", memory, RIGHT_READ);
    CHECK_OK(start_role(attack.group, "tell", NULL, caps, 2, &process));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_EQ(message_label(&message), TELL);
    before = denials();
    for (u32 i = 0; i < 4; i++) {
        CHECK(message.words[i] != 0);
        CHECK(!is_taken(message.words[i]));
    }
    CHECK_EQ(denials() - before, 4);
    message = MESSAGE_INIT(TELL);
    CHECK_OK(ipc_reply(&message));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, STATUS_OK);
    CHECK_OK(cap_close(memory.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

/* --- the confused deputy --- */

/* A server that uses whatever handle a client names, as a careless one would: with every call that
 * could help the client. */
static u64 act_on(u64 handle)
{
    static const u16 numbers[] = {SYS_inspect, SYS_signal, SYS_derive, SYS_revoke, SYS_close};
    u64 taken = 0;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        u64 zero = 0;
        u64 one = 0;

        taken += !IS_IN(ferrous_syscall_short(numbers[i], handle, 0, &zero, &one), REFUSED);
    }
    return taken;
}

int role_deputy(const char *argument)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message;

    (void)argument;
    if (ipc_receive(endpoint, &message, 0, PATIENCE) != STATUS_OK)
        return 1;
    for (u32 i = 1; i < 4; i++)
        message.words[0] += act_on(message.words[i]) << 8 * i;
    message.info = message_info(TRY, 0, 0, 0);
    return ipc_reply(&message) == STATUS_OK ? 0 : 2;
}

BOOT_TEST(slots, a_deputy_cannot_act_on_the_clients_numbers)
{
    struct message message = MESSAGE_INIT(TRY);
    struct exit_record record;
    struct process_cap cap;
    struct process process;
    struct cap_facts facts;
    endpoint_t endpoint;
    endpoint_t own;
    u64 before = denials();

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_endpoint(0, &own));
    cap = GIVE("endpoint", endpoint, RIGHT_RECEIVE);
    CHECK_OK(start_role(attack.group, "deputy", NULL, &cap, 1, &process));
    message.words[0] = 0;
    message.words[1] = own.cap.bits;
    message.words[2] = attack.group.cap.bits;
    message.words[3] =
        endpoint.cap.bits; /* the deputy has this object too, by a number of its own */
    CHECK_OK(ipc_call(endpoint, &message, PATIENCE));
    CHECK_EQ(message.words[0], 0);
    CHECK_EQ(denials() - before, 15);
    CHECK_OK(cap_inspect(own.cap, &facts));
    CHECK_OK(cap_inspect(attack.group.cap, &facts));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.code, 0);
    CHECK_OK(cap_close(own.cap));
    CHECK_OK(cap_close(endpoint.cap));
}

/* --- rights that were not given --- */

/* Tries everything that the capability `thing`, an endpoint with SEND alone, does not allow. */
int role_try(const char *argument)
{
    endpoint_t thing = {start_cap("thing")};
    struct cap_restriction more = CAP_DERIVE_ALL;
    struct message message = MESSAGE_INIT(1);
    struct cap_facts facts;
    cap_t child;

    (void)argument;
    more.badge = 5;
    if (cap_inspect(thing.cap, &facts) != STATUS_OK || facts.badge != 77)
        return 1;
    if (facts.rights != RIGHT_SEND)
        return 2;
    if (ipc_receive(thing, &message, 0, SOON) != STATUS_MISSING_RIGHT)
        return 3;
    if (endpoint_signal(thing) != STATUS_MISSING_RIGHT)
        return 4;
    if (cap_derive(thing.cap, &more, &child) != STATUS_MISSING_RIGHT)
        return 5;
    if (cap_revoke(thing.cap) != STATUS_MISSING_RIGHT)
        return 6;
    message = MESSAGE_INIT(1);
    (void)message_put_cap(&message, thing.cap, UINT32_MAX, CAP_SEND_COPY);
    if (ipc_send(thing, &message, SOON) != STATUS_MISSING_RIGHT)
        return 7;
    return cap_grant(start_self(), thing.cap, UINT32_MAX, CAP_SEND_MOVE, &child) ==
                   STATUS_MISSING_RIGHT
               ? 0
               : 8;
}

static u64 swallow(void *argument)
{
    struct message message;

    return ipc_receive(*(endpoint_t *)argument, &message, 4, PATIENCE);
}

BOOT_TEST(slots, only_the_passed_rights_arrive)
{
    static endpoint_t endpoint;
    struct exit_record record;
    struct process_cap cap;
    struct process process;
    struct thread thread;
    u64 before = denials();

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, swallow, &endpoint, 0));
    cap = GIVE("thing", endpoint, RIGHT_SEND);
    cap.badge = 77;
    CHECK_OK(start_role(attack.group, "try", NULL, &cap, 1, &process));
    CHECK_OK(end_of(&process, &record));
    CHECK_EQ(record.reason, EXIT_NORMAL);
    CHECK_EQ(record.code, 0);
    CHECK_EQ(denials() - before, 6);
    CHECK_OK(endpoint_signal(endpoint));
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    CHECK_OK(cap_close(endpoint.cap));
}

/* A chain of derivations that asks for more at each step gets no more than its top had. */
BOOT_TEST(slots, rights_only_shrink)
{
    struct cap_restriction wish = CAP_DERIVE_ALL;
    struct cap_facts facts;
    memory_t memory;
    cap_t chain[8];

    CHECK_OK(memory_create(attack.group, 4 * PAGE_SIZE, 0, &memory));
    wish.rights = RIGHT_READ | RIGHT_DERIVE;
    wish.range_offset = PAGE_SIZE;
    wish.range_length = PAGE_SIZE;
    wish.expiry_ns = time_after_ns(60 * NS_PER_S);
    CHECK_OK(cap_derive(memory.cap, &wish, &chain[0]));
    for (u32 i = 1; i < 8; i++) {
        struct cap_restriction all = CAP_DERIVE_ALL;

        CHECK_OK(cap_derive(chain[i - 1], &all, &chain[i]));
        CHECK_OK(cap_inspect(chain[i], &facts));
        CHECK_EQ(facts.rights, RIGHT_READ | RIGHT_DERIVE);
        CHECK_EQ(facts.range_start, PAGE_SIZE);
        CHECK_EQ(facts.range_length, PAGE_SIZE);
        CHECK_EQ(facts.expiry_ns, wish.expiry_ns);
        all.range_length = 2 * PAGE_SIZE;
        CHECK_STATUS(cap_derive(chain[i], &all, &chain[0]), STATUS_BAD_ARGUMENT);
        all.range_length = UINT64_MAX - PAGE_SIZE + 1;
        all.range_offset = PAGE_SIZE;
        CHECK_STATUS(cap_derive(chain[i], &all, &chain[0]), STATUS_BAD_ARGUMENT);
    }
    for (u32 i = 0; i < 8; i++)
        CHECK_OK(cap_close(chain[i]));
    CHECK_OK(cap_close(memory.cap));
}

/* Receives once and closes what came; how many capabilities that were. */
static u64 take_caps(void *argument)
{
    struct message message;
    u64 count = 0;

    if (ipc_receive(*(endpoint_t *)argument, &message, 4, PATIENCE) != STATUS_OK)
        return UINT64_MAX;
    for (u32 i = 0; i < message_cap_count(&message); i++)
        count += !cap_is_null(message_take_cap(&message, i));
    message_drop_caps(&message, 0);
    return count;
}

/* The same capability, moved four times in one message: it arrives once. */
BOOT_TEST(slots, one_capability_moves_once)
{
    struct message message = MESSAGE_INIT(1);
    struct thread thread;
    static endpoint_t endpoint;
    struct cap_facts facts;
    endpoint_t thing;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(make_endpoint(0, &thing));
    CHECK_OK(thread_start(&thread, take_caps, &endpoint, 0));
    for (u32 i = 0; i < MESSAGE_MAX_CAPS; i++)
        (void)message_put_cap(&message, thing.cap, UINT32_MAX, CAP_SEND_MOVE);
    CHECK_OK(ipc_send(endpoint, &message, PATIENCE));
    CHECK_EQ(thread_join(&thread), 1);
    CHECK_STATUS(cap_inspect(thing.cap, &facts), STATUS_STALE_HANDLE);
    CHECK_OK(cap_close(endpoint.cap));
}
