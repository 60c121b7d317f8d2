/* What is tried. To add a call: a filler and a line in the table (docs/simulation.md). */
#include "alphabet.h"

#include "abi/memory.h"
#include "tests/sim/peek.h"

#include <stdio.h>

#define LABEL 7u

/* What an entry's call acts on: one action for each capability of the kind that the process has. */
enum wants {
    WANTS_NOTHING,
    WANTS_ENDPOINT,
    WANTS_MEMORY,
    WANTS_THREAD,
    WANTS_ANY,              /* and one more: the handle that the process has lost last */
    WANTS_ENDPOINT_AND_ANY, /* two: the second travels */
    WANTS_PROCESS_AND_ANY,
    WANTS_ANY_CARGO, /* nothing to act on, but something that travels */
    WANTS_GROUP,
    WANTS_REPLY, /* and the handle that the process has lost last */
    WANTS_PROCESS_AND_REPLY,
    WANTS_GROUP_AND_MEMORY,
    WANTS_TIME, /* no thread: time passes */
};

struct entry {
    const char *name;
    u8 group; /* enum act_group */
    u8 wants; /* enum wants */
    bool makes_slot;
    u8 makes; /* enum object_type: there must be a number for another; OBJECT_NONE: nothing */
    void (*fill)(struct spec_call *call);
};

static void fill_send(struct spec_call *call)
{
    call->number = SYS_send;
}

static void fill_send_nonblock(struct spec_call *call)
{
    call->number = SYS_send;
    call->info |= INFO_NONBLOCK;
}

static void fill_call(struct spec_call *call)
{
    call->number = SYS_call;
    call->info = message_info(LABEL, 0, 0, 1);
}

static void fill_call_deadline(struct spec_call *call)
{
    fill_call(call);
    call->deadline_ns = world_new_deadline();
}

static void fill_receive(struct spec_call *call)
{
    call->number = SYS_receive;
    call->info = message_info(0, 0, 0, 1);
}

static void fill_receive_nonblock(struct spec_call *call)
{
    call->number = SYS_receive;
    call->info = INFO_NONBLOCK;
}

static void fill_receive_deadline(struct spec_call *call)
{
    fill_receive(call);
    call->deadline_ns = world_new_deadline();
}

static void fill_reply(struct spec_call *call)
{
    call->number = SYS_reply;
}

static void fill_reply_receive(struct spec_call *call)
{
    call->number = SYS_reply_receive;
    call->info = message_info(LABEL, 0, 0, 1);
}

static void fill_signal(struct spec_call *call)
{
    call->number = SYS_signal;
}

static void fill_cancel(struct spec_call *call)
{
    call->number = SYS_cancel;
}

static void fill_derive(struct spec_call *call)
{
    call->number = SYS_derive;
    call->words[0] = UINT32_MAX;
    call->words[1] = 0;
    call->words[2] = TIME_NEVER;
}

static void fill_derive_narrow(struct spec_call *call)
{
    fill_derive(call);
    call->words[0] = RIGHT_SEND | RIGHT_DERIVE | RIGHT_TRANSFER | RIGHT_REVOKE;
    call->words[1] = 2;
}

static void fill_derive_sealed(struct spec_call *call)
{
    fill_derive(call);
    call->words[5] = DERIVE_SEAL_DERIVE;
}

static void fill_derive_expiring(struct spec_call *call)
{
    fill_derive(call);
    call->words[2] = world_new_deadline();
}

static void fill_revoke(struct spec_call *call)
{
    call->number = SYS_revoke;
}

static void fill_close(struct spec_call *call)
{
    call->number = SYS_close;
}

static void fill_inspect(struct spec_call *call)
{
    call->number = SYS_inspect;
}

static void fill_grant_copy(struct spec_call *call)
{
    call->number = SYS_grant;
    call->words[0] = call->caps[0].cap.bits;
    call->words[1] = UINT32_MAX & ~RIGHT_MINT;
    call->words[2] = CAP_SEND_COPY;
}

static void fill_grant_move(struct spec_call *call)
{
    fill_grant_copy(call);
    call->words[2] = CAP_SEND_MOVE;
}

static void carry(struct spec_call *call, u32 mode)
{
    call->info |= message_info(0, 0, 1, 0);
    call->caps[0].rights = UINT32_MAX & ~RIGHT_MINT;
    call->caps[0].mode = mode;
}

static void fill_send_copy(struct spec_call *call)
{
    call->number = SYS_send;
    carry(call, CAP_SEND_COPY);
}

static void fill_send_move(struct spec_call *call)
{
    call->number = SYS_send;
    carry(call, CAP_SEND_MOVE);
}

static void fill_call_move(struct spec_call *call)
{
    fill_call(call);
    carry(call, CAP_SEND_MOVE);
}

static void fill_reply_copy(struct spec_call *call)
{
    call->number = SYS_reply;
    carry(call, CAP_SEND_COPY);
}

static void fill_reply_move(struct spec_call *call)
{
    call->number = SYS_reply;
    carry(call, CAP_SEND_MOVE);
}

static void fill_map(struct spec_call *call)
{
    call->number = SYS_map;
    call->words[0] = 0;
    call->words[1] = WORLD_PAGE;
    call->words[2] = 0;
    call->words[3] = PAGE_SIZE;
    call->words[4] = MAP_READ | MAP_FIXED | MAP_EAGER;
}

static void fill_unmap(struct spec_call *call)
{
    call->number = SYS_unmap;
    call->words[0] = 0;
    call->words[1] = WORLD_PAGE;
    call->words[2] = PAGE_SIZE;
}

static void fill_exit_thread(struct spec_call *call)
{
    call->number = SYS_exit;
    call->words[0] = 0;
    call->words[1] = 1;
}

static void fill_kill(struct spec_call *call)
{
    call->number = SYS_kill;
}

static void fill_defer(struct spec_call *call)
{
    call->number = SYS_defer;
}

static void fill_adopt(struct spec_call *call)
{
    call->number = SYS_adopt;
}

/* The message takes the capability along that it is answered by. */
static void fill_reply_to_with_itself(struct spec_call *call)
{
    call->caps[0].cap.bits = call->handle;
    fill_reply_move(call);
}

static void fill_derive_rebind(struct spec_call *call)
{
    fill_derive(call);
    call->words[0] = RIGHT_SEND | RIGHT_REBIND | RIGHT_DERIVE;
}

static void fill_derive_receive(struct spec_call *call)
{
    fill_derive(call);
    call->words[0] = RIGHT_RECEIVE;
}

static void fill_create_channel(struct spec_call *call)
{
    call->number = SYS_create_channel;
    call->words[0] = 1;
    call->words[1] = world.config->grace_ns[1];
}

static void fill_create_deep_channel(struct spec_call *call)
{
    fill_create_channel(call);
    call->words[0] = 257;
}

static void fill_clone(struct spec_call *call)
{
    call->number = SYS_clone_memory;
    call->words[0] = call->caps[0].cap.bits;
    call->words[1] = 0;
    call->words[2] = PAGE_SIZE;
}

static void fill_clone_beyond(struct spec_call *call)
{
    fill_clone(call);
    call->words[1] = PAGE_SIZE;
    call->words[2] = 2 * PAGE_SIZE;
}

static const struct entry entries[] = {
    {"send", ACT_IPC, WANTS_ENDPOINT, false, OBJECT_NONE, fill_send},
    {"send (nonblock)", ACT_IPC, WANTS_ENDPOINT, false, OBJECT_NONE, fill_send_nonblock},
    {"call", ACT_IPC, WANTS_ENDPOINT, false, OBJECT_NONE, fill_call},
    {"receive", ACT_IPC, WANTS_ENDPOINT, false, OBJECT_NONE, fill_receive},
    {"receive (nonblock)", ACT_IPC, WANTS_ENDPOINT, false, OBJECT_NONE, fill_receive_nonblock},
    {"reply", ACT_IPC, WANTS_NOTHING, false, OBJECT_NONE, fill_reply},
    {"reply_receive", ACT_IPC, WANTS_ENDPOINT, false, OBJECT_NONE, fill_reply_receive},
    {"signal", ACT_IPC, WANTS_ENDPOINT, false, OBJECT_NONE, fill_signal},
    {"call (deadline)", ACT_WAITS, WANTS_ENDPOINT, false, OBJECT_NONE, fill_call_deadline},
    {"receive (deadline)", ACT_WAITS, WANTS_ENDPOINT, false, OBJECT_NONE, fill_receive_deadline},
    {"cancel", ACT_WAITS, WANTS_THREAD, false, OBJECT_NONE, fill_cancel},
    {"time passes", ACT_TIME, WANTS_TIME, false, OBJECT_NONE, NULL},
    {"derive", ACT_CAPS, WANTS_ANY, true, OBJECT_NONE, fill_derive},
    {"derive (fewer rights, badge)", ACT_CAPS, WANTS_ENDPOINT, true, OBJECT_NONE,
     fill_derive_narrow},
    {"derive (sealed)", ACT_CAPS, WANTS_ANY, true, OBJECT_NONE, fill_derive_sealed},
    {"revoke", ACT_CAPS, WANTS_ANY, false, OBJECT_NONE, fill_revoke},
    {"close", ACT_CAPS, WANTS_ANY, false, OBJECT_NONE, fill_close},
    {"inspect", ACT_CAPS, WANTS_ANY, false, OBJECT_NONE, fill_inspect},
    {"grant (copy)", ACT_CAPS, WANTS_PROCESS_AND_ANY, true, OBJECT_NONE, fill_grant_copy},
    {"grant (move)", ACT_CAPS, WANTS_PROCESS_AND_ANY, false, OBJECT_NONE, fill_grant_move},
    {"send (copy)", ACT_TRANSFER, WANTS_ENDPOINT_AND_ANY, true, OBJECT_NONE, fill_send_copy},
    {"send (move)", ACT_TRANSFER, WANTS_ENDPOINT_AND_ANY, false, OBJECT_NONE, fill_send_move},
    {"call (move)", ACT_TRANSFER, WANTS_ENDPOINT_AND_ANY, false, OBJECT_NONE, fill_call_move},
    {"reply (copy)", ACT_TRANSFER, WANTS_ANY_CARGO, true, OBJECT_NONE, fill_reply_copy},
    {"reply (move)", ACT_TRANSFER, WANTS_ANY_CARGO, false, OBJECT_NONE, fill_reply_move},
    {"map", ACT_MEMORY, WANTS_MEMORY, false, OBJECT_NONE, fill_map},
    {"unmap", ACT_MEMORY, WANTS_NOTHING, false, OBJECT_NONE, fill_unmap},
    {"exit (thread)", ACT_END, WANTS_NOTHING, false, OBJECT_NONE, fill_exit_thread},
    {"kill", ACT_END, WANTS_THREAD, false, OBJECT_NONE, fill_kill},
    {"derive (expiring)", ACT_EXPIRY, WANTS_ENDPOINT, true, OBJECT_NONE, fill_derive_expiring},
    {"defer", ACT_DEFER, WANTS_GROUP, true, OBJECT_NONE, fill_defer},
    {"adopt", ACT_DEFER, WANTS_REPLY, false, OBJECT_NONE, fill_adopt},
    {"adopt (none)", ACT_DEFER, WANTS_NOTHING, false, OBJECT_NONE, fill_adopt},
    {"reply (to)", ACT_DEFER, WANTS_REPLY, false, OBJECT_NONE, fill_reply},
    {"reply (to, moving itself)", ACT_DEFER, WANTS_REPLY, false, OBJECT_NONE,
     fill_reply_to_with_itself},
    {"close (reply)", ACT_DEFER, WANTS_REPLY, false, OBJECT_NONE, fill_close},
    {"grant (reply, move)", ACT_DEFER, WANTS_PROCESS_AND_REPLY, false, OBJECT_NONE,
     fill_grant_move},
    {"derive (to rebind)", ACT_REBIND, WANTS_ENDPOINT, true, OBJECT_NONE, fill_derive_rebind},
    {"derive (receive)", ACT_REBIND, WANTS_ENDPOINT, true, OBJECT_NONE, fill_derive_receive},
    {"close (endpoint)", ACT_REBIND, WANTS_ENDPOINT, false, OBJECT_NONE, fill_close},
    {"create_channel", ACT_MAKE, WANTS_GROUP, true, OBJECT_ENDPOINT, fill_create_channel},
    {"create_channel (too deep)", ACT_MAKE, WANTS_GROUP, false, OBJECT_NONE,
     fill_create_deep_channel},
    {"clone_memory", ACT_MAKE, WANTS_GROUP_AND_MEMORY, true, OBJECT_MEMORY, fill_clone},
    {"clone_memory (beyond its end)", ACT_MAKE, WANTS_GROUP_AND_MEMORY, false, OBJECT_NONE,
     fill_clone_beyond},
};

#define GONE_SLOT 0xffffu /* stands for the handle that the process has lost */

static u32 process_of_thread(u32 thread)
{
    return thread + 1 == world.thread_count ? 2 : 1;
}

static u64 handle_in(u32 thread, u32 slot)
{
    u32 process = process_of_thread(thread);
    if (slot == GONE_SLOT)
        return world_gone_handle(process);
    return slot ? peek_slot_at(&world.processes[process]->space, slot)->handle : 0;
}

struct lister {
    struct action *actions;
    u32 count;
    u16 slots[64]; /* of the acting process, used ones */
    u8 types[64];
    u32 slot_count;
};

static void list_slots(struct lister *lister, u32 thread)
{
    const struct cap_space *space = &world.processes[process_of_thread(thread)]->space;
    lister->slot_count = 0;
    for (u32 i = 0; lister->slot_count < space->used_count && lister->slot_count < 64; i++) {
        const struct cap_slot *slot = peek_slot_at(space, i);
        if (!slot)
            return;
        if (!peek_in_use(slot))
            continue;
        lister->slots[lister->slot_count] = (u16)i;
        lister->types[lister->slot_count++] = (u8)peek_slot_type(slot);
    }
}

static void add(struct lister *lister, u32 entry, u32 thread, u32 slot, u32 second)
{
    if (lister->count == MAX_ACTIONS)
        return;
    lister->actions[lister->count++] = (struct action){
        .entry = (u8)entry, .thread = (u8)thread, .slot = (u16)slot, .second = (u16)second};
}

static bool is_of(const struct lister *lister, u32 i, u32 type)
{
    return type == OBJECT_NONE || lister->types[i] == type;
}

static void add_all(struct lister *lister, u32 entry, u32 thread, u32 type)
{
    for (u32 i = 0; i < lister->slot_count; i++)
        if (is_of(lister, i, type))
            add(lister, entry, thread, lister->slots[i], 0);
}

/* Each with each capability of the type `cargo`. */
static void add_pairs(struct lister *lister, u32 entry, u32 thread, u32 type, u32 cargo)
{
    for (u32 i = 0; i < lister->slot_count; i++)
        for (u32 j = 0; is_of(lister, i, type) && j < lister->slot_count; j++)
            if (is_of(lister, j, cargo))
                add(lister, entry, thread, lister->slots[i], lister->slots[j]);
}

static void list_entry(struct lister *lister, u32 index, u32 thread)
{
    switch ((enum wants)entries[index].wants) {
    case WANTS_NOTHING:
        add(lister, index, thread, 0, 0);
        break;
    case WANTS_ENDPOINT:
        add_all(lister, index, thread, OBJECT_ENDPOINT);
        break;
    case WANTS_MEMORY:
        add_all(lister, index, thread, OBJECT_MEMORY);
        break;
    case WANTS_THREAD:
        add_all(lister, index, thread, OBJECT_THREAD);
        break;
    case WANTS_GROUP:
        add_all(lister, index, thread, OBJECT_GROUP);
        break;
    case WANTS_ANY:
    case WANTS_REPLY:
        add_all(lister, index, thread,
                entries[index].wants == WANTS_REPLY ? OBJECT_REPLY : OBJECT_NONE);
        if (world_gone_handle(process_of_thread(thread)))
            add(lister, index, thread, GONE_SLOT, 0);
        break;
    case WANTS_ENDPOINT_AND_ANY:
        add_pairs(lister, index, thread, OBJECT_ENDPOINT, OBJECT_NONE);
        break;
    case WANTS_PROCESS_AND_ANY:
        add_pairs(lister, index, thread, OBJECT_PROCESS, OBJECT_NONE);
        break;
    case WANTS_PROCESS_AND_REPLY:
        add_pairs(lister, index, thread, OBJECT_PROCESS, OBJECT_REPLY);
        break;
    case WANTS_GROUP_AND_MEMORY:
        add_pairs(lister, index, thread, OBJECT_GROUP, OBJECT_MEMORY);
        break;
    case WANTS_ANY_CARGO:
        for (u32 i = 0; i < lister->slot_count; i++)
            add(lister, index, thread, 0, lister->slots[i]);
        break;
    case WANTS_TIME:
        break;
    }
}

static bool is_enabled(const struct entry *entry, bool has_room)
{
    return (world.config->alphabet >> entry->group & 1) && (has_room || !entry->makes_slot) &&
           (!entry->makes || world_has_room_for((enum object_type)entry->makes));
}

u32 alphabet_list(struct action *actions)
{
    struct lister lister = {.actions = actions};
    u32 used = world.processes[1]->space.used_count + world.processes[2]->space.used_count;
    bool has_room = used < world.config->slot_limit;
    for (u32 thread = 1; thread < world.thread_count; thread++) {
        if (!world_can_act(thread))
            continue;
        list_slots(&lister, thread);
        for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
            if (is_enabled(&entries[i], has_room))
                list_entry(&lister, i, thread);
    }
    for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
        if (entries[i].wants == WANTS_TIME && is_enabled(&entries[i], true) &&
            world_time_can_pass())
            add(&lister, i, 0, 0, 0);
    return lister.count;
}

bool alphabet_call(const struct action *action, struct spec_call *call)
{
    const struct entry *entry = &entries[action->entry];
    if (entry->wants == WANTS_TIME)
        return false;
    *call = (struct spec_call){
        .thread = action->thread,
        .handle = handle_in(action->thread, action->slot),
        .info = message_info(LABEL, 0, 0, 0),
        .deadline_ns = TIME_NEVER,
        .words = {11, 12, 13, 0, 0, 0, 17, 18},
    };
    call->caps[0].cap.bits = handle_in(action->thread, action->second);
    entry->fill(call);
    return true;
}

void alphabet_do(const struct action *action)
{
    struct spec_call call;
    if (alphabet_call(action, &call))
        world_call(&call);
    else
        (void)world_pass_time();
}

bool alphabet_ends_something(const struct action *action)
{
    return entries[action->entry].group == ACT_END;
}

void alphabet_describe(const struct action *action, char *text, size_t size)
{
    const struct entry *entry = &entries[action->entry];
    if (entry->wants == WANTS_TIME) {
        snprintf(text, size, "%s", entry->name);
        return;
    }
    char slot[32] = "";
    char second[32] = "";
    if (action->slot)
        snprintf(slot, sizeof(slot), " by slot %d", (int)action->slot);
    if (action->second)
        snprintf(second, sizeof(second), ", with slot %d", (int)action->second);
    snprintf(text, size, "thread %u: %s%s%s", action->thread, entry->name, slot, second);
}
