/* System calls with random arguments: one filler per call, from one table that also says what the
 * handle must be. Long because there are many calls. */
#include "program.h"

#include "abi/machine.h"
#include "abi/questions.h"
#include "abi/memory.h"
#include "abi/message.h"
#include "abi/rights.h"
#include "sched/thread.h"

#include <string.h>

struct call {
    const char *name;
    u32 weight; /* how often it is chosen */
    u32 type;   /* enum object_type of the handle; OBJECT_TYPE_COUNT: the handle is not used;
                   OBJECT_NONE: any */
    u32 rights; /* that the handle must carry */
    bool (*fill)(struct program *program, struct arch_context *context);
};

#define NO_HANDLE OBJECT_TYPE_COUNT

static u64 pick_deadline(struct program *program)
{
    u64 kind = below(&program->random, 10);
    if (kind < 2 && !program->who.is_init_main)
        return TIME_NEVER;
    if (kind < 3)
        return below(&program->random, 2) ? 0 : sim_now_ns();
    return sim_now_ns() + below(&program->random, kind < 7 ? 20000 : 300000);
}

/* A number near what is sensible, or far from it. */
static u64 pick_number(struct program *program, u64 sensible)
{
    u64 kind = below(&program->random, 16);
    if (kind < 13)
        return below(&program->random, sensible + 1);
    if (kind < 14)
        return sensible + 1;
    if (kind < 15)
        return UINT64_MAX - below(&program->random, 2);
    return sim_random_next(&program->random);
}

static u64 pick_pages(struct program *program)
{
    u64 kind = below(&program->random, 20);
    if (kind < 16)
        return PAGE_SIZE * (1 + below(&program->random, 12));
    if (kind < 18)
        return PAGE_SIZE * (1 + below(&program->random, 600));
    if (kind < 19)
        return pick_number(program, 3 * PAGE_SIZE);
    return PAGE_SIZE * sim_random_next(&program->random);
}

static u64 pick_rights(struct program *program, u64 handle)
{
    u64 rights = chance(&program->random, 2, 3) ? UINT32_MAX : sim_random_next(&program->random);
    return rights & safe_rights(program, handle);
}

static void random_words(struct program *program, struct arch_context *context)
{
    for (u32 i = 0; i < MESSAGE_WORDS; i++)
        context->words[i] = chance(&program->random, 3, 4) ? i : sim_random_next(&program->random);
}

/* --- IPC
 * ----------------------------------------------------------------------------------------------
 */

static bool store_send_caps(struct program *program, u32 count)
{
    struct message_cap caps[MESSAGE_MAX_CAPS];
    memset(caps, 0, sizeof(caps));
    for (u32 i = 0; i < count && i < MESSAGE_MAX_CAPS; i++) {
        u64 handle = pick_handle(program, OBJECT_NONE);
        bool keep = is_initial_handle(handle) || chance(&program->random, 1, 2);
        caps[i].cap.bits = handle;
        caps[i].rights = (u32)pick_rights(program, handle);
        caps[i].mode = keep ? CAP_SEND_COPY : CAP_SEND_MOVE;
        if (chance(&program->random, 1, 40) && !is_initial_handle(handle))
            caps[i].mode = (u32)sim_random_next(&program->random);
    }
    u64 address = program->who.message_buffer + offsetof(struct message_buffer, send_caps);
    return user_store(program, address, caps, sizeof(caps));
}

static bool fill_message(struct program *program, struct arch_context *context)
{
    u32 length = chance(&program->random, 1, 3) ? (u32)below(&program->random, 257) : 0;
    u32 caps = chance(&program->random, 1, 3) ? (u32)below(&program->random, 5) : 0;
    if (chance(&program->random, 1, 50))
        length = (u32)below(&program->random, 4096);
    if (chance(&program->random, 1, 50))
        caps = (u32)below(&program->random, 16);
    if (caps > 0 && !store_send_caps(program, caps))
        return false;
    u32 accept = (u32)below(&program->random, chance(&program->random, 1, 50) ? 16 : 5);
    context->info = message_info((u32)below(&program->random, 4), length, caps, accept);
    if (chance(&program->random, 1, 5))
        context->info |= INFO_NONBLOCK;
    if (chance(&program->random, 1, 10))
        context->info |= INFO_FAILED;
    if (chance(&program->random, 1, 50))
        context->info |= sim_random_next(&program->random) << 52;
    context->deadline = pick_deadline(program);
    context->handle = pick_handle(program, OBJECT_ENDPOINT);
    random_words(program, context);
    return true;
}

static bool fill_endpoint(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_ENDPOINT);
    return true;
}

static bool fill_cancel(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_THREAD);
    return true;
}

/* Mostly a reply object, if there is one: else there is a call to answer as it is. */
static bool fill_reply(struct program *program, struct arch_context *context)
{
    if (!fill_message(program, context))
        return false;
    context->handle = 0;
    if (chance(&program->random, 1, 2))
        context->handle = pick_handle(program, OBJECT_REPLY);
    return true;
}

static bool fill_adopt(struct program *program, struct arch_context *context)
{
    context->handle = chance(&program->random, 1, 5) ? 0 : pick_handle(program, OBJECT_REPLY);
    return true;
}

static bool fill_defer(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_GROUP);
    return true;
}

static bool fill_create_endpoint(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_GROUP);
    context->words[0] = chance(&program->random, 1, 2) ? 0 : pick_number(program, 256) % 300;
    context->words[1] = pick_number(program, 100000);
    return true;
}

/* --- Capabilities
 * ------------------------------------------------------------------------------------- */

static bool fill_derive(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_NONE);
    context->words[0] = pick_rights(program, context->handle);
    context->words[1] = chance(&program->random, 1, 3) ? 1 + below(&program->random, 1000) : 0;
    context->words[2] =
        chance(&program->random, 3, 4) ? TIME_NEVER : sim_now_ns() + pick_number(program, 100000);
    context->words[3] = chance(&program->random, 1, 3) ? pick_number(program, 4) * PAGE_SIZE : 0;
    context->words[4] = chance(&program->random, 1, 3) ? pick_number(program, 4) * PAGE_SIZE : 0;
    context->words[5] = chance(&program->random, 1, 6) ? pick_number(program, 3) : 0;
    return true;
}

static bool fill_grant(struct program *program, struct arch_context *context)
{
    u64 handle = pick_handle(program, OBJECT_NONE);
    context->handle = pick_handle(program, OBJECT_PROCESS);
    context->words[0] = handle;
    context->words[1] = pick_rights(program, handle);
    context->words[2] = is_initial_handle(handle) || chance(&program->random, 1, 2)
                            ? CAP_SEND_COPY
                            : pick_number(program, 1);
    return true;
}

static bool fill_any_handle(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_NONE);
    return true;
}

static bool fill_close(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_NONE);
    return !is_initial_handle(context->handle);
}

/* --- Memory
 * ------------------------------------------------------------------------------------------- */

static bool fill_create_memory(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_GROUP);
    context->words[0] = pick_pages(program);
    context->words[1] = chance(&program->random, 1, 3) ? pick_number(program, 3) : 0;
    return true;
}

static bool fill_clone_memory(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_GROUP);
    context->words[0] = pick_handle(program, OBJECT_MEMORY);
    context->words[1] = chance(&program->random, 3, 4) ? 0 : pick_pages(program);
    context->words[2] = pick_pages(program);
    return true;
}

static bool fill_discard_memory(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_MEMORY);
    context->words[0] = chance(&program->random, 1, 2) ? 0 : pick_pages(program);
    context->words[1] = pick_pages(program);
    return true;
}

static u64 own_or_other_process(struct program *program)
{
    return chance(&program->random, 3, 4) ? 0 : pick_handle(program, OBJECT_PROCESS);
}

/* A part of what the capability reaches, with access that it allows. */
static void fit_mapping(struct program *program, struct arch_context *context)
{
    const struct cap_slot *slot = peek_slot(program->who.space, context->handle);
    if (!slot || peek_slot_type(slot) != OBJECT_MEMORY || !slot->node)
        return;
    u64 pages = (slot->node->range_end - slot->node->range_start) / PAGE_SIZE;
    if (pages == 0)
        return;
    u64 offset = below(&program->random, pages < 4 ? pages : 4);
    u64 most = pages - offset < 12 ? pages - offset : 12;
    u32 rights = (u32)slot->meta;
    u64 flags = 0;
    if (rights & RIGHT_READ)
        flags |= MAP_READ;
    if ((rights & RIGHT_WRITE) && chance(&program->random, 2, 3))
        flags |= MAP_WRITE;
    else if ((rights & RIGHT_EXECUTE) && chance(&program->random, 1, 3))
        flags |= MAP_EXECUTE;
    if (chance(&program->random, 1, 3))
        flags |= MAP_PRIVATE | (chance(&program->random, 1, 2) ? MAP_WRITE : 0);
    if (flags & MAP_EXECUTE)
        flags &= ~(u64)MAP_WRITE;
    context->words[2] = offset * PAGE_SIZE;
    context->words[3] = (1 + below(&program->random, most)) * PAGE_SIZE;
    context->words[4] = flags | (chance(&program->random, 1, 5) ? MAP_EAGER : 0);
}

static bool fill_map(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_MEMORY);
    context->words[0] = own_or_other_process(program);
    context->words[1] = chance(&program->random, 4, 5) ? 0 : pick_mapped(program) + 0x10000;
    context->words[2] = chance(&program->random, 1, 3) ? pick_number(program, 4) * PAGE_SIZE : 0;
    context->words[3] = pick_pages(program);
    context->words[4] = pick_number(program, 63);
    if (chance(&program->random, 4, 5))
        fit_mapping(program, context);
    if (chance(&program->random, 1, 50))
        context->words[1] = pick_buffer(program, 8);
    return true;
}

static void fill_range(struct program *program, struct arch_context *context)
{
    context->words[0] = own_or_other_process(program);
    context->words[1] = pick_mapped(program);
    context->words[2] = PAGE_SIZE * (1 + below(&program->random, 12));
    if (chance(&program->random, 1, 20))
        context->words[1] = pick_buffer(program, 8);
    if (chance(&program->random, 1, 20))
        context->words[2] = pick_number(program, 100 * PAGE_SIZE);
}

bool names_vital(const struct program *program, u64 handle)
{
    const struct cap_slot *slot = peek_slot(program->who.space, handle);
    return slot && peek_is_vital(slot->object);
}

/* Init keeps the regions that it started with. */
static bool spares_init(const struct program *program, const struct arch_context *context)
{
    bool own = context->words[0] == 0 || names_vital(program, context->words[0]);
    if (!program->who.is_init || !own)
        return true;
    return !cleanup_is_initial(context->words[1], context->words[2]);
}

static bool fill_unmap(struct program *program, struct arch_context *context)
{
    fill_range(program, context);
    return spares_init(program, context);
}

static bool fill_protect(struct program *program, struct arch_context *context)
{
    fill_range(program, context);
    context->words[4] = pick_number(program, 7);
    return spares_init(program, context);
}

/* --- Processes
 * ---------------------------------------------------------------------------------------- */

static bool fill_wait(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_PROCESS);
    context->info = chance(&program->random, 1, 2) ? INFO_NONBLOCK : 0;
    context->deadline = pick_deadline(program);
    return true;
}

static bool fill_watch(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_PROCESS);
    context->words[0] = pick_handle(program, OBJECT_ENDPOINT);
    return true;
}

static bool fill_kill(struct program *program, struct arch_context *context)
{
    context->handle =
        pick_handle(program, chance(&program->random, 2, 3) ? OBJECT_PROCESS : OBJECT_THREAD);
    context->words[0] = pick_number(program, 255);
    return !names_vital(program, context->handle);
}

static bool fill_exit(struct program *program, struct arch_context *context)
{
    context->words[0] = pick_number(program, 255);
    context->words[1] = pick_number(program, 1);
    if (!program->who.is_init)
        return true;
    context->words[1] = 1;
    return !program->who.is_init_main;
}

static bool fill_nothing(struct program *program, struct arch_context *context)
{
    (void)program, (void)context;
    return true;
}

static bool fill_create_thread(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_PROCESS);
    context->words[0] = chance(&program->random, 9, 10) ? THREAD_ENTRY : pick_buffer(program, 8);
    context->words[1] = pick_mapped(program);
    context->words[2] = sim_random_next(&program->random);
    context->words[3] = chance(&program->random, 9, 10) ? 0 : pick_buffer(program, 8);
    context->words[4] = pick_number(program, 1);
    context->words[5] =
        chance(&program->random, 3, 4) ? scratch_of(program) : pick_mapped(program) + 0x20000;
    return true;
}

static bool fill_process_memory(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_PROCESS);
    context->words[0] = pick_number(program, PROCESS_MEMORY_WRITE);
    context->words[1] = chance(&program->random, 3, 4) ? SCRATCH_ADDRESS + PAGE_SIZE + 256
                                                       : pick_buffer(program, 64);
    context->words[2] = pick_buffer(program, 64);
    context->words[3] = pick_number(program, 64);
    return context->words[0] == PROCESS_MEMORY_READ || !names_vital(program, context->handle);
}

static bool fill_thread_control(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_THREAD);
    context->words[0] = pick_number(program, THREAD_SET_POINTER);
    context->words[1] = pick_number(program, 31);
    return !names_vital(program, context->handle) || context->words[0] != THREAD_SUSPEND;
}

static bool fill_futex(struct program *program, struct arch_context *context)
{
    u64 address =
        chance(&program->random, 3, 4) ? scratch_of(program) + PAGE_SIZE : pick_buffer(program, 4);
    context->words[0] = address;
    context->words[1] = chance(&program->random, 3, 4) ? 0 : pick_number(program, 3);
    context->deadline = pick_deadline(program);
    return true;
}

/* --- Groups
 * ------------------------------------------------------------------------------------------- */

static bool fill_create_group(struct program *program, struct arch_context *context)
{
    struct group_limits limits;
    memset(&limits, 0, sizeof(limits));
    memcpy(limits.name, "simulated", 10);
    for (u32 i = 0; i < ARRAY_SIZE(limits.limit); i++)
        limits.limit[i] = chance(&program->random, 1, 3) && i != GROUP_MEMORY_FRAMES
                              ? GROUP_NO_LIMIT
                              : pick_number(program, i == GROUP_KERNEL_BYTES ? 100000 : 300);
    if (limits.limit[GROUP_MEMORY_FRAMES] > 400)
        limits.limit[GROUP_MEMORY_FRAMES] = 400;
    limits.cpu_weight = pick_number(program, 10000);
    if (chance(&program->random, 1, 4)) {
        limits.cpu_period_ns = GROUP_MIN_PERIOD_NS + pick_number(program, 3000000);
        limits.cpu_quota_ns = GROUP_MIN_QUOTA_NS + pick_number(program, 2000000);
    }
    if (chance(&program->random, 1, 10))
        memset(limits.name, 'x', sizeof(limits.name));
    u64 address = pick_buffer(program, sizeof(limits));
    (void)user_store(program, address, &limits, sizeof(limits));
    if (program->next != program->context)
        return false;
    context->handle = pick_handle(program, OBJECT_GROUP);
    context->words[0] = address;
    return true;
}

static bool fill_group_control(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_GROUP);
    context->words[0] = pick_number(program, GROUP_RESUME);
    context->words[1] = pick_number(program, GROUP_RESOURCE_COUNT);
    context->words[2] = pick_number(program, 400);
    if (context->words[0] == GROUP_SET_QUOTA && chance(&program->random, 3, 4)) {
        context->words[1] = GROUP_MIN_QUOTA_NS + pick_number(program, 2000000);
        context->words[2] = GROUP_MIN_PERIOD_NS + pick_number(program, 3000000);
    }
    return !names_vital(program, context->handle) ||
           (context->words[0] >= GROUP_SET_WEIGHT && context->words[0] != GROUP_SET_QUOTA);
}

static bool fill_group_info(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_GROUP);
    context->words[0] = pick_buffer(program, sizeof(struct group_usage));
    return true;
}

/* --- Devices and machine
 * ------------------------------------------------------------------------------ */

static bool fill_create_interrupt(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_MACHINE);
    context->words[0] = pick_handle(program, OBJECT_GROUP);
    context->words[1] = chance(&program->random, 1, 10);
    context->words[2] = pick_number(program, 24);
    return true;
}

static bool fill_interrupt_ack(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_INTERRUPT);
    context->words[0] = chance(&program->random, 1, 2) ? 0 : pick_handle(program, OBJECT_ENDPOINT);
    return true;
}

static bool fill_port(struct program *program, struct arch_context *context)
{
    static const u8 widths[] = {1, 2, 4, 0, 3, 8};
    context->handle = pick_handle(program, OBJECT_PORTS);
    context->words[0] = pick_number(program, 0xffff);
    context->words[1] = widths[below(&program->random, chance(&program->random, 4, 5) ? 3 : 6)];
    context->words[2] = sim_random_next(&program->random);
    return true;
}

static bool fill_machine_info(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_MACHINE);
    context->words[0] = pick_number(program, MACHINE_INFO_NODES);
    context->words[2] = pick_number(program, 512);
    context->words[1] = pick_buffer(program, context->words[2] & 0xfff);
    context->words[3] = pick_number(program, 2000);
    return true;
}

static bool fill_machine_control(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_MACHINE);
    context->words[0] = MACHINE_TEST_EXIT + pick_number(program, 3) % 16;
    return true;
}

static bool fill_process_list(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_MACHINE);
    context->words[1] = pick_number(program, 6);
    context->words[0] =
        pick_buffer(program, (context->words[1] & 7) * sizeof(struct process_entry));
    context->words[2] = pick_number(program, 20);
    return true;
}

static bool fill_question(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_MACHINE);
    context->words[1] = pick_number(program, 6);
    context->words[0] = pick_buffer(program, (context->words[1] & 7) * sizeof(struct why_entry));
    context->words[2] = pick_number(program, 20);
    context->words[3] = pick_number(program, 3);
    context->words[4] = pick_number(program, 20);
    return true;
}

static bool fill_create_timer(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_GROUP);
    context->words[0] = pick_handle(program, OBJECT_ENDPOINT);
    return true;
}

static bool fill_timer_set(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_TIMER);
    context->deadline =
        chance(&program->random, 1, 8) ? TIME_NEVER : sim_now_ns() + pick_number(program, 200000);
    context->words[0] = chance(&program->random, 1, 2) ? 0 : pick_number(program, 300000);
    return true;
}

static bool fill_trace(struct program *program, struct arch_context *context)
{
    context->handle = pick_handle(program, OBJECT_TRACE_DOMAIN);
    context->words[0] = pick_number(program, 2);
    context->words[1] = pick_number(program, 255);
    return true;
}

/* By number. */
static const struct call calls[SYSCALL_LIMIT] = {
    [SYS_null] = {"null", 1, NO_HANDLE, 0, fill_nothing},
    [SYS_send] = {"send", 8, OBJECT_ENDPOINT, RIGHT_SEND, fill_message},
    [SYS_receive] = {"receive", 10, OBJECT_ENDPOINT, RIGHT_RECEIVE, fill_message},
    [SYS_call] = {"call", 12, OBJECT_ENDPOINT, RIGHT_SEND, fill_message},
    [SYS_reply] = {"reply", 6, OBJECT_REPLY, RIGHT_REPLY, fill_reply},
    [SYS_defer] = {"defer", 4, OBJECT_GROUP, RIGHT_CREATE_ENDPOINT, fill_defer},
    [SYS_adopt] = {"adopt", 3, OBJECT_REPLY, RIGHT_REPLY, fill_adopt},
    [SYS_reply_receive] = {"reply_receive", 10, OBJECT_ENDPOINT, RIGHT_RECEIVE, fill_message},
    [SYS_signal] = {"signal", 5, OBJECT_ENDPOINT, RIGHT_SIGNAL, fill_endpoint},
    [SYS_cancel] = {"cancel", 3, OBJECT_THREAD, RIGHT_CONTROL, fill_cancel},
    [SYS_create_endpoint] = {"create_endpoint", 4, OBJECT_GROUP, RIGHT_CREATE_ENDPOINT,
                             fill_create_endpoint},
    [SYS_create_channel] = {"create_channel", 2, OBJECT_GROUP, RIGHT_CREATE_ENDPOINT,
                            fill_create_endpoint},
    [SYS_derive] = {"derive", 8, OBJECT_NONE, RIGHT_DERIVE, fill_derive},
    [SYS_grant] = {"grant", 5, OBJECT_PROCESS, RIGHT_GRANT, fill_grant},
    [SYS_revoke] = {"revoke", 4, OBJECT_NONE, RIGHT_REVOKE, fill_any_handle},
    [SYS_close] = {"close", 8, OBJECT_NONE, 0, fill_close},
    [SYS_inspect] = {"inspect", 2, OBJECT_NONE, 0, fill_any_handle},
    [SYS_create_memory] = {"create_memory", 5, OBJECT_GROUP, RIGHT_CREATE_MEMORY,
                           fill_create_memory},
    [SYS_clone_memory] = {"clone_memory", 4, OBJECT_GROUP, RIGHT_CREATE_MEMORY, fill_clone_memory},
    [SYS_discard_memory] = {"discard_memory", 4, OBJECT_MEMORY, RIGHT_WRITE, fill_discard_memory},
    [SYS_map] = {"map", 8, OBJECT_MEMORY, 0, fill_map},
    [SYS_unmap] = {"unmap", 6, NO_HANDLE, 0, fill_unmap},
    [SYS_protect] = {"protect", 4, NO_HANDLE, 0, fill_protect},
    [SYS_spawn] = {"spawn", 6, OBJECT_GROUP, RIGHT_SPAWN, make_spawn},
    [SYS_wait] = {"wait", 3, OBJECT_PROCESS, RIGHT_WAIT, fill_wait},
    [SYS_watch] = {"watch", 2, OBJECT_PROCESS, RIGHT_WAIT, fill_watch},
    [SYS_kill] = {"kill", 2, OBJECT_NONE, RIGHT_KILL, fill_kill},
    [SYS_exit] = {"exit", 1, NO_HANDLE, 0, fill_exit},
    [SYS_yield] = {"yield", 4, NO_HANDLE, 0, fill_nothing},
    [SYS_create_thread] = {"create_thread", 4, OBJECT_PROCESS, RIGHT_CONTROL, fill_create_thread},
    [SYS_thread_control] = {"thread_control", 3, OBJECT_THREAD, RIGHT_CONTROL, fill_thread_control},
    [SYS_futex_wait] = {"futex_wait", 4, NO_HANDLE, 0, fill_futex},
    [SYS_futex_wake] = {"futex_wake", 3, NO_HANDLE, 0, fill_futex},
    [SYS_create_resource_group] = {"create_resource_group", 2, OBJECT_GROUP, RIGHT_CREATE_GROUP,
                                   fill_create_group},
    [SYS_group_control] = {"group_control", 2, OBJECT_GROUP, RIGHT_GROUP_CONTROL,
                           fill_group_control},
    [SYS_group_info] = {"group_info", 1, OBJECT_GROUP, RIGHT_GROUP_INFO, fill_group_info},
    [SYS_create_interrupt] = {"create_interrupt", 2, OBJECT_MACHINE, RIGHT_INTERRUPTS,
                              fill_create_interrupt},
    [SYS_interrupt_ack] = {"interrupt_ack", 3, OBJECT_INTERRUPT, RIGHT_BIND, fill_interrupt_ack},
    [SYS_port_in] = {"port_in", 1, OBJECT_PORTS, RIGHT_PORT_IN, fill_port},
    [SYS_port_out] = {"port_out", 1, OBJECT_PORTS, RIGHT_PORT_OUT, fill_port},
    [SYS_machine_info] = {"machine_info", 1, OBJECT_MACHINE, 0, fill_machine_info},
    [SYS_machine_control] = {"machine_control", 1, OBJECT_MACHINE, RIGHT_POWER,
                             fill_machine_control},
    [SYS_process_list] = {"process_list", 1, OBJECT_MACHINE, RIGHT_PROCESS_LIST, fill_process_list},
    [SYS_why] = {"why", 2, OBJECT_MACHINE, RIGHT_PROCESS_LIST, fill_question},
    [SYS_who] = {"who", 2, OBJECT_MACHINE, RIGHT_PROCESS_LIST, fill_question},
    [SYS_create_timer] = {"create_timer", 2, OBJECT_GROUP, RIGHT_CREATE_TIMER, fill_create_timer},
    [SYS_timer_set] = {"timer_set", 4, OBJECT_TIMER, RIGHT_SET, fill_timer_set},
    [SYS_trace_control] = {"trace_control", 1, OBJECT_TRACE_DOMAIN, 0, fill_trace},
    [SYS_trace_emit] = {"trace_emit", 1, OBJECT_TRACE_DOMAIN, RIGHT_TRACE_EMIT, fill_trace},
    [SYS_process_memory] = {"process_memory", 3, OBJECT_PROCESS, 0, fill_process_memory},
    [SYS_clock] = {"clock", 1, NO_HANDLE, 0, fill_nothing},
};

const char *call_name(u32 number)
{
    return number < SYSCALL_LIMIT && calls[number].name ? calls[number].name : "?";
}

bool handle_must_fail(const struct program *program, u32 number, u64 handle)
{
    if (number >= SYSCALL_LIMIT || !calls[number].name)
        return true; /* no such call */
    const struct call *call = &calls[number];
    if (call->type == NO_HANDLE || (call->type == OBJECT_REPLY && handle == 0))
        return false;
    const struct cap_slot *slot = peek_slot(program->who.space, handle);
    if (!slot)
        return true;
    if (number == SYS_close)
        return false;
    if (call->type != OBJECT_NONE && peek_slot_type(slot) != call->type)
        return true;
    return (call->rights & ~(u32)slot->meta) != 0 || peek_is_revoked(slot);
}

/* Most seeds lean to one family of calls, so that its deep states are reached. */
static const u64 families[] = {
    0, /* all alike */
    1ull << SYS_send | 1ull << SYS_receive | 1ull << SYS_call | 1ull << SYS_reply |
        1ull << SYS_reply_receive | 1ull << SYS_signal | 1ull << SYS_create_thread |
        1ull << SYS_cancel | 1ull << SYS_defer | 1ull << SYS_adopt,
    1ull << SYS_map | 1ull << SYS_unmap | 1ull << SYS_protect | 1ull << SYS_create_memory |
        1ull << SYS_clone_memory | 1ull << SYS_discard_memory | 1ull << SYS_derive |
        1ull << SYS_revoke,
    1ull << SYS_derive | 1ull << SYS_grant | 1ull << SYS_revoke | 1ull << SYS_spawn |
        1ull << SYS_kill | 1ull << SYS_group_control | 1ull << SYS_create_resource_group,
};

static u32 weight_of(u32 number)
{
    u64 family = families[program_seed() % ARRAY_SIZE(families)];
    return calls[number].weight * (family >> number & 1 ? 4 : 1);
}

static u32 pick_call(struct program *program)
{
    u32 total = 0;
    for (u32 i = 0; i < SYSCALL_LIMIT; i++)
        total += weight_of(i);
    u64 ticket = below(&program->random, total);
    for (u32 i = 0; i < SYSCALL_LIMIT; i++) {
        if (ticket < weight_of(i))
            return i;
        ticket -= weight_of(i);
    }
    return SYS_null;
}

bool make_call(struct program *program)
{
    struct arch_context *context = program->context;
    if (chance(&program->random, 1, 100)) {
        u32 number = SYSCALL_LIMIT - 4 + (u32)below(&program->random, 8);
        do_syscall(program, number);
        return true;
    }
    u32 number = pick_call(program);
    /* Who serves a call mostly answers it, else callers would only ever time out. */
    static const u8 answers[] = {SYS_reply, SYS_reply, SYS_reply_receive, SYS_reply_receive,
                                 SYS_defer};
    if (program->who.thread->serving && chance(&program->random, 2, 5))
        number = answers[below(&program->random, sizeof(answers))];
    context->aux = 0;
    u64 fought_over = duel_handle(program);
    bool fights = may_duel(program, fought_over) && chance(&program->random, 2, 3);
    if (fights)
        number = pick_duel_call(program, fought_over);
    if (!calls[number].fill(program, context) || program->next != context)
        return false;
    if (fights && peek_slot(program->who.space, fought_over))
        context->handle = fought_over;
    do_syscall(program, number);
    return true;
}
