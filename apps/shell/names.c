/* Names of types, rights and states. */
#include "names.h"

#include "abi/machine.h"
#include "abi/rights.h"
#include "lib/format.h"

const char *thread_state_name(u32 state)
{
    static const char *const names[] = {"running", "ready",   "receiving", "sending",
                                        "calling", "waiting", "held",      "dead"};

    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

struct right_text {
    u32 type;
    u32 right;
    const char *text;
};

static const struct right_text right_texts[] = {
    {OBJECT_ENDPOINT, RIGHT_SEND, "send"},
    {OBJECT_ENDPOINT, RIGHT_RECEIVE, "receive"},
    {OBJECT_ENDPOINT, RIGHT_SIGNAL, "signal"},
    {OBJECT_ENDPOINT, RIGHT_REBIND, "rebind"},
    {OBJECT_MEMORY, RIGHT_READ, "read"},
    {OBJECT_MEMORY, RIGHT_WRITE, "write"},
    {OBJECT_MEMORY, RIGHT_EXECUTE, "execute"},
    {OBJECT_MEMORY, RIGHT_INFO, "info"},
    {OBJECT_PROCESS, RIGHT_KILL, "kill"},
    {OBJECT_PROCESS, RIGHT_WAIT, "wait"},
    {OBJECT_PROCESS, RIGHT_GRANT, "grant"},
    {OBJECT_PROCESS, RIGHT_MAP, "map"},
    {OBJECT_PROCESS, RIGHT_CONTROL, "control"},
    {OBJECT_PROCESS, RIGHT_INSPECT, "inspect"},
    {OBJECT_THREAD, RIGHT_KILL, "kill"},
    {OBJECT_THREAD, RIGHT_WAIT, "wait"},
    {OBJECT_THREAD, RIGHT_CONTROL, "control"},
    {OBJECT_THREAD, RIGHT_INSPECT, "inspect"},
    {OBJECT_GROUP, RIGHT_CREATE_ENDPOINT, "endpoint"},
    {OBJECT_GROUP, RIGHT_CREATE_MEMORY, "memory"},
    {OBJECT_GROUP, RIGHT_SPAWN, "spawn"},
    {OBJECT_GROUP, RIGHT_CREATE_GROUP, "group"},
    {OBJECT_GROUP, RIGHT_CREATE_TIMER, "timer"},
    {OBJECT_GROUP, RIGHT_CREATE_TRACE, "trace"},
    {OBJECT_GROUP, RIGHT_CREATE_DMA, "dma"},
    {OBJECT_GROUP, RIGHT_GROUP_CONTROL, "control"},
    {OBJECT_GROUP, RIGHT_GROUP_INFO, "info"},
    {OBJECT_MACHINE, RIGHT_POWER, "power"},
    {OBJECT_MACHINE, RIGHT_KERNEL_LOG, "log"},
    {OBJECT_MACHINE, RIGHT_FACTS, "facts"},
    {OBJECT_MACHINE, RIGHT_PROCESS_LIST, "processes"},
    {OBJECT_MACHINE, RIGHT_INTERRUPTS, "interrupts"},
    {OBJECT_NONE, RIGHT_DERIVE, "derive"},
    {OBJECT_NONE, RIGHT_TRANSFER, "transfer"},
    {OBJECT_NONE, RIGHT_REVOKE, "revoke"},
    {OBJECT_NONE, RIGHT_MINT, "mint"},
};

const char *object_type_name(u32 type)
{
    static const char *const names[OBJECT_TYPE_COUNT] = {
        "none",      "process", "thread", "memory", "endpoint", "reply",       "group",
        "interrupt", "ports",   "dma",    "timer",  "machine",  "trace domain"};

    return type < OBJECT_TYPE_COUNT ? names[type] : "?";
}

const char *syscall_name(u64 number)
{
    static const char *const names[] = {
#define SYSCALL(number, name) [number] = #name,
#include "abi/syscalls.def"
#undef SYSCALL
    };

    return number < sizeof(names) / sizeof(names[0]) && names[number] != NULL ? names[number] : "?";
}

void rights_text(char *text, size_t size, u32 type, u32 rights)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof(right_texts) / sizeof(right_texts[0]); i++) {
        const struct right_text *entry = &right_texts[i];

        if ((rights & entry->right) != 0 && (entry->type == OBJECT_NONE || entry->type == type))
            used += format_to(text + used, size - used, " %s", entry->text);
    }
}
