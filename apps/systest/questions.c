/* why and who: what threads wait for, to the end of the chain, and who can reach an object. */
#include "systest.h"

#define SLOT_MASK 0xfffffu

static u64 own_id(void)
{
    struct cap_facts facts;

    return cap_inspect(start_info()->self, &facts) == STATUS_OK ? facts.object_id : 0;
}

static u64 object_id(cap_t cap)
{
    struct cap_facts facts;

    return cap_inspect(cap, &facts) == STATUS_OK ? facts.object_id : 0;
}

static u64 call_it(void *argument)
{
    struct message message = MESSAGE_INIT(ECHO_WORDS);

    return ipc_call(*(endpoint_t *)argument, &message, PATIENCE);
}

/* The chain from thread `id` of this process, read again until it begins in `state`. */
static bool chain_in_state(u64 id, u32 state, struct why_chain *chain)
{
    u64 deadline = PATIENCE;

    do {
        if (why_follow(systest.machine, own_id(), id, chain) == STATUS_OK &&
            chain->entries[0].state == state)
            return true;
        thread_yield();
    } while (time_now_ns() < deadline);
    return false;
}

BOOT_TEST(questions, a_call_leads_to_its_server)
{
    static struct why_chain chain;
    static endpoint_t endpoint;
    struct message message;
    struct thread thread;
    u64 main_id = object_id(start_info()->main_thread);
    u64 before = time_now_ns();

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, call_it, &endpoint, 0));
    u64 id = object_id(thread.handle.cap);
    /* Nobody has taken it: the chain goes on with who could. */
    CHECK(chain_in_state(id, THREAD_STATE_SENDING, &chain));
    CHECK_EQ(chain.entries[0].object_id, object_id(endpoint.cap));
    CHECK_EQ(chain.entries[0].object_type, OBJECT_ENDPOINT);
    CHECK(chain.entries[0].since_ns > before && chain.entries[0].since_ns <= time_now_ns());
    CHECK(chain.entries[0].deadline_ns > chain.entries[0].since_ns);
    CHECK(chain.entries[0].deadline_ns != TIME_NEVER);
    CHECK_EQ(chain.count, 2);
    CHECK_EQ(chain.entries[1].thread_id, main_id);
    CHECK_EQ(chain.end, WHY_END_FREE);
    /* Taken: its server is known. */
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK(chain_in_state(id, THREAD_STATE_CALLING, &chain));
    CHECK_EQ(chain.entries[0].server_thread_id, main_id);
    CHECK_EQ(chain.entries[0].server_process_id, own_id());
    CHECK_EQ(chain.count, 2);
    CHECK_EQ(chain.entries[1].thread_id, main_id);
    CHECK_EQ(chain.entries[1].state, THREAD_STATE_RUNNING);
    CHECK_EQ(chain.entries[1].client_thread_id, id);
    CHECK_EQ(chain.entries[1].client_process_id, own_id());
    CHECK_OK(ipc_reply(&message));
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    CHECK_OK(cap_close(endpoint.cap));
}

BOOT_TEST(questions, a_deferred_call_leads_to_its_reply)
{
    static struct why_chain chain;
    static endpoint_t endpoint;
    struct message message;
    struct thread thread;
    reply_t reply;

    CHECK_OK(make_endpoint(0, &endpoint));
    CHECK_OK(thread_start(&thread, call_it, &endpoint, 0));
    CHECK_OK(ipc_receive(endpoint, &message, 0, PATIENCE));
    CHECK_OK(ipc_defer(systest.group, &reply));
    u64 id = object_id(thread.handle.cap);
    CHECK(chain_in_state(id, THREAD_STATE_CALLING, &chain));
    CHECK_EQ(chain.entries[0].reply_id, object_id(reply.cap));
    CHECK_EQ(chain.entries[0].server_thread_id, 0);
    CHECK_EQ(chain.count, 2);
    CHECK_EQ(chain.entries[1].process_id, own_id());
    CHECK_OK(ipc_reply_to(reply, &message));
    CHECK_EQ(thread_join(&thread), STATUS_OK);
    CHECK_OK(cap_close(endpoint.cap));
}

static enum status start_crossed(endpoint_t own, cap_t other, struct process *process)
{
    struct process_cap caps[] = {
        {.name = "own", .cap = own.cap, .rights = RIGHT_RECEIVE, .mode = CAP_SEND_MOVE},
        {.name = "endpoint", .cap = other, .rights = RIGHT_SEND, .mode = CAP_SEND_MOVE}};

    return start_role(systest.group, "call", NULL, caps, 2, process);
}

/* Each of two servers calls the other and receives nothing meanwhile. */
BOOT_TEST(questions, a_deadlock_is_named)
{
    static struct why_chain chain;
    struct exit_record record;
    struct process processes[2];
    endpoint_t endpoints[2];
    cap_t senders[2];
    u64 deadline = PATIENCE;

    for (u32 i = 0; i < 2; i++) {
        CHECK_OK(make_endpoint(0, &endpoints[i]));
        CHECK_OK(cap_derive_rights(endpoints[i].cap, RIGHT_SEND | RIGHT_TRANSFER, &senders[i]));
    }
    for (u32 i = 0; i < 2; i++)
        CHECK_OK(start_crossed(endpoints[i], senders[1 - i], &processes[i]));
    do {
        thread_yield();
        CHECK_OK(why_follow(systest.machine, processes[0].id, 0, &chain));
    } while (chain.end != WHY_END_DEADLOCK && time_now_ns() < deadline);
    CHECK_EQ(chain.end, WHY_END_DEADLOCK);
    CHECK_EQ(chain.count, 2);
    CHECK_EQ(chain.again, 0);
    CHECK_EQ(chain.entries[1].process_id, processes[1].id);
    /* Ending one ends the cycle. */
    CHECK_OK(process_kill(processes[1].handle, 1));
    CHECK_OK(end_of(&processes[1], &record));
    CHECK_OK(end_of(&processes[0], &record));
    CHECK_EQ(record.code, STATUS_PEER_CLOSED);
}

BOOT_TEST(questions, waiting_for_a_process_leads_to_it)
{
    static struct why_chain chain;
    struct exit_record record;
    struct process process;
    endpoint_t endpoint;
    struct process_cap cap;

    CHECK_OK(make_endpoint(0, &endpoint));
    cap = GIVE("endpoint", endpoint, RIGHT_SEND);
    CHECK_OK(start_role(systest.group, "call", NULL, &cap, 1, &process));
    u64 deadline = PATIENCE;
    do {
        thread_yield();
        CHECK_OK(why_follow(systest.machine, process.id, 0, &chain));
    } while (chain.entries[0].state != THREAD_STATE_SENDING && time_now_ns() < deadline);
    CHECK_EQ(chain.entries[0].state, THREAD_STATE_SENDING);
    CHECK_EQ(chain.entries[1].process_id, own_id());
    CHECK_EQ(chain.end, WHY_END_FREE);
    /* The receiving side is gone, but for a thread that is about to learn of it. */
    CHECK_OK(cap_close(endpoint.cap));
    CHECK_OK(end_of(&process, &record));
}

struct ways {
    u64 process_id;
    cap_t parent;
    u32 count;
    u32 children; /* derived from `parent`, which is this process's */
    u32 mappings;
    u32 rights; /* of what the other process holds */
};

static bool count_way(const struct who_found *found, void *context)
{
    struct ways *ways = context;

    ways->count++;
    ways->mappings += found->topic == WHO_MAPPINGS;
    if (found->topic == WHO_CAPABILITIES && found->entry.parent_process_id == own_id() &&
        found->entry.parent_slot == (ways->parent.bits & SLOT_MASK))
        ways->children++;
    if (found->process_id == ways->process_id && found->topic == WHO_CAPABILITIES)
        ways->rights = found->entry.rights;
    return true;
}

BOOT_TEST(questions, who_holds_and_maps_an_object)
{
    struct exit_record record;
    struct process process;
    struct process_cap cap;
    memory_t memory;
    u64 address;

    CHECK_OK(make_mapping(PAGE_SIZE, MAP_READ | MAP_WRITE, &address, &memory));
    cap = GIVE("memory", memory, RIGHT_READ);
    CHECK_OK(start_role(systest.group, "sleep", NULL, &cap, 1, &process));
    struct ways ways = {.process_id = process.id, .parent = memory.cap};
    CHECK_OK(who_reaches(systest.machine, object_id(memory.cap), count_way, &ways));
    CHECK_EQ(ways.count, 3); /* this process's capability and mapping, the child's capability */
    CHECK_EQ(ways.mappings, 1);
    CHECK_EQ(ways.children, 1);
    CHECK_EQ(ways.rights, RIGHT_READ);
    /* Nobody afterwards. */
    CHECK_OK(process_kill(process.handle, 0));
    CHECK_OK(end_of(&process, &record));
    u64 id = object_id(memory.cap);
    CHECK_OK(memory_unmap(address, PAGE_SIZE));
    CHECK_OK(cap_close(memory.cap));
    ways = (struct ways){0};
    CHECK_OK(who_reaches(systest.machine, id, count_way, &ways));
    CHECK_EQ(ways.count, 0);
}

BOOT_TEST(questions, answers_come_in_parts)
{
    struct who_entry entries[8];
    u64 place = 0;
    u64 last = 0;
    u64 total = 0;

    do {
        u64 count = 3;

        CHECK_OK(process_who(systest.machine, own_id(), WHO_CAPABILITIES, entries, &count, &place));
        CHECK(count <= 3);
        for (u64 i = 0; i < count; i++) {
            CHECK(total == 0 || entries[i].place > last);
            last = entries[i].place;
            total++;
        }
    } while (place != 0);
    CHECK(total >= start_info()->cap_count);
    place = UINT64_MAX;
    u64 count = 8;
    CHECK_OK(process_who(systest.machine, own_id(), WHO_CAPABILITIES, entries, &count, &place));
    CHECK_EQ(count, 0);
    CHECK_EQ(place, 0);
}

BOOT_TEST(questions, refused_for_what_it_lacks)
{
    struct why_entry why[2];
    struct who_entry who[2];
    machine_t weak;
    u64 count = 2;
    u64 place = 0;

    CHECK_STATUS(process_why(systest.machine, UINT64_MAX, why, &count, 0), STATUS_NOT_FOUND);
    CHECK_STATUS(process_who(systest.machine, 0, WHO_MAPPINGS, who, &count, &place),
                 STATUS_NOT_FOUND);
    CHECK_STATUS(process_who(systest.machine, own_id(), (enum who_topic)2, who, &count, &place),
                 STATUS_BAD_ARGUMENT);
    CHECK_OK(cap_derive_rights(systest.machine.cap, ~RIGHT_PROCESS_LIST, &weak.cap));
    CHECK_STATUS(process_why(weak, own_id(), why, &count, 0), STATUS_MISSING_RIGHT);
    CHECK_STATUS(process_who(weak, own_id(), WHO_MAPPINGS, who, &count, &place),
                 STATUS_MISSING_RIGHT);
    CHECK_OK(cap_close(weak.cap));
    CHECK_STATUS(process_why(weak, own_id(), why, &count, 0), STATUS_STALE_HANDLE);
    /* No room: nothing is written, nothing is wrong. */
    count = 0;
    CHECK_OK(process_why(systest.machine, own_id(), NULL, &count, 0));
    CHECK_EQ(count, 0);
}
