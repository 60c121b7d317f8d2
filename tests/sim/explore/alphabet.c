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
    WANTS_TIME,      /* no thread: time passes */
};

struct entry {
    const char *name;
    u8 group; /* enum act_group */
    u8 wants; /* enum wants */
    bool makes_slot;
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

static const struct entry entries[] = {
    {"send", ACT_IPC, WANTS_ENDPOINT, false, fill_send},
    {"send (nonblock)", ACT_IPC, WANTS_ENDPOINT, false, fill_send_nonblock},
    {"call", ACT_IPC, WANTS_ENDPOINT, false, fill_call},
    {"receive", ACT_IPC, WANTS_ENDPOINT, false, fill_receive},
    {"receive (nonblock)", ACT_IPC, WANTS_ENDPOINT, false, fill_receive_nonblock},
    {"reply", ACT_IPC, WANTS_NOTHING, false, fill_reply},
    {"reply_receive", ACT_IPC, WANTS_ENDPOINT, false, fill_reply_receive},
    {"signal", ACT_IPC, WANTS_ENDPOINT, false, fill_signal},
    {"call (deadline)", ACT_WAITS, WANTS_ENDPOINT, false, fill_call_deadline},
    {"receive (deadline)", ACT_WAITS, WANTS_ENDPOINT, false, fill_receive_deadline},
    {"cancel", ACT_WAITS, WANTS_THREAD, false, fill_cancel},
    {"time passes", ACT_WAITS, WANTS_TIME, false, NULL},
    {"derive", ACT_CAPS, WANTS_ANY, true, fill_derive},
    {"derive (fewer rights, badge)", ACT_CAPS, WANTS_ENDPOINT, true, fill_derive_narrow},
    {"derive (sealed)", ACT_CAPS, WANTS_ANY, true, fill_derive_sealed},
    {"revoke", ACT_CAPS, WANTS_ANY, false, fill_revoke},
    {"close", ACT_CAPS, WANTS_ANY, false, fill_close},
    {"inspect", ACT_CAPS, WANTS_ANY, false, fill_inspect},
    {"grant (copy)", ACT_CAPS, WANTS_PROCESS_AND_ANY, true, fill_grant_copy},
    {"grant (move)", ACT_CAPS, WANTS_PROCESS_AND_ANY, false, fill_grant_move},
    {"send (copy)", ACT_TRANSFER, WANTS_ENDPOINT_AND_ANY, true, fill_send_copy},
    {"send (move)", ACT_TRANSFER, WANTS_ENDPOINT_AND_ANY, false, fill_send_move},
    {"call (move)", ACT_TRANSFER, WANTS_ENDPOINT_AND_ANY, false, fill_call_move},
    {"reply (copy)", ACT_TRANSFER, WANTS_ANY_CARGO, true, fill_reply_copy},
    {"reply (move)", ACT_TRANSFER, WANTS_ANY_CARGO, false, fill_reply_move},
    {"map", ACT_MEMORY, WANTS_MEMORY, false, fill_map},
    {"unmap", ACT_MEMORY, WANTS_NOTHING, false, fill_unmap},
    {"exit (thread)", ACT_END, WANTS_NOTHING, false, fill_exit_thread},
    {"kill", ACT_END, WANTS_THREAD, false, fill_kill},
    {"derive (expiring)", ACT_EXPIRY, WANTS_ENDPOINT, true, fill_derive_expiring},
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

static void add_all(struct lister *lister, u32 entry, u32 thread, u32 type, bool with_cargo)
{
    for (u32 i = 0; i < lister->slot_count; i++) {
        if (type != OBJECT_NONE && lister->types[i] != type)
            continue;
        for (u32 j = 0; with_cargo && j < lister->slot_count; j++)
            add(lister, entry, thread, lister->slots[i], lister->slots[j]);
        if (!with_cargo)
            add(lister, entry, thread, lister->slots[i], 0);
    }
}

static void list_entry(struct lister *lister, u32 index, u32 thread)
{
    switch ((enum wants)entries[index].wants) {
    case WANTS_NOTHING:
        add(lister, index, thread, 0, 0);
        break;
    case WANTS_ENDPOINT:
        add_all(lister, index, thread, OBJECT_ENDPOINT, false);
        break;
    case WANTS_MEMORY:
        add_all(lister, index, thread, OBJECT_MEMORY, false);
        break;
    case WANTS_THREAD:
        add_all(lister, index, thread, OBJECT_THREAD, false);
        break;
    case WANTS_ANY:
        add_all(lister, index, thread, OBJECT_NONE, false);
        if (world_gone_handle(process_of_thread(thread)))
            add(lister, index, thread, GONE_SLOT, 0);
        break;
    case WANTS_ENDPOINT_AND_ANY:
        add_all(lister, index, thread, OBJECT_ENDPOINT, true);
        break;
    case WANTS_PROCESS_AND_ANY:
        add_all(lister, index, thread, OBJECT_PROCESS, true);
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
    return (world.config->alphabet >> entry->group & 1) && (has_room || !entry->makes_slot);
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
