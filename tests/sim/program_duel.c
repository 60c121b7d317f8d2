/* Duels: steps in which programs fight over one object, so that what one has looked up changes
 * before it acts. */
#include "program.h"

#include "abi/rights.h"

/* A call that may collide with others on the same object. */
u32 pick_duel_call(struct program *program, u64 handle)
{
    static const u8 any[] = {SYS_revoke, SYS_revoke, SYS_derive,
                             SYS_derive, SYS_close,  SYS_inspect};
    static const u8 memory[] = {SYS_map, SYS_map, SYS_map};
    static const u8 endpoint[] = {SYS_send, SYS_receive, SYS_call, SYS_reply_receive, SYS_signal};
    static const u8 reply[] = {SYS_reply, SYS_reply, SYS_adopt};
    static const u8 group[] = {SYS_create_memory, SYS_create_endpoint, SYS_spawn,
                               SYS_group_control};
    static const u8 process[] = {SYS_grant, SYS_kill, SYS_wait, SYS_watch, SYS_create_thread};
    enum object_type type = peek_slot_type(peek_slot(program->who.space, handle));
    struct sim_random *random = &program->random;
    if (chance(random, 1, 2))
        return any[below(random, sizeof(any))];
    switch (type) {
    case OBJECT_MEMORY:
        return memory[below(random, sizeof(memory))];
    case OBJECT_ENDPOINT:
        return endpoint[below(random, sizeof(endpoint))];
    case OBJECT_REPLY:
        return reply[below(random, sizeof(reply))];
    case OBJECT_GROUP:
        return group[below(random, sizeof(group))];
    case OBJECT_PROCESS:
        return process[below(random, sizeof(process))];
    default:
        return any[below(random, sizeof(any))];
    }
}

/* Init's own handles, and those to itself, are not fought over. */
bool may_duel(const struct program *program, u64 handle)
{
    return handle != 0 && !is_initial_handle(handle) && !names_vital(program, handle);
}
