/* The specification of what lets a conversation go on without its first server: reply objects, who
 * works for a caller, channels. */
#include "spec_internal.h"

static struct spec_thread *thread_at(spec_ref thread)
{
    return &spec->threads[thread];
}

void call_defer(const struct spec_call *call)
{
    u64 allowed;
    spec_ref server = (spec_ref)call->thread;
    spec_ref process = thread_at(server)->process;
    spec_ref caller = thread_at(server)->serving;
    spec_ref group = lookup(process, call->handle, OBJECT_GROUP, RIGHT_CREATE_ENDPOINT, &allowed);
    if (group != SPEC_NONE && caller == SPEC_NONE)
        allowed = only(STATUS_NO_CALLER);
    else if (group != SPEC_NONE && thread_at(caller)->reply != SPEC_NONE)
        allowed = only(STATUS_BUSY);
    finish(call->thread, allowed);
    if (allowed != only(STATUS_OK))
        return;
    let_go(caller);
    spec_ref reply = spec_new_object(OBJECT_REPLY, SPEC_NONE);
    spec->objects[reply].was_made = true;
    spec->objects[reply].caller = caller;
    thread_at(caller)->reply = reply;
    /* It can be moved, and be neither copied nor derived: sealed. */
    spec_ref cap = add_first_cap(process, reply, RIGHT_REPLY | RIGHT_TRANSFER | RIGHT_DERIVE, 0);
    spec->caps[cap].no_derive = true;
    thread_at(server)->result.made = cap;
}

void call_adopt(const struct spec_call *call)
{
    u64 allowed = only(STATUS_OK);
    spec_ref server = (spec_ref)call->thread;
    spec_ref served = thread_at(server)->serving;
    spec_ref cap = SPEC_NONE;
    if (call->handle != 0)
        cap = lookup(thread_at(server)->process, call->handle, OBJECT_REPLY, RIGHT_REPLY, &allowed);
    finish(call->thread, allowed);
    if (allowed != only(STATUS_OK))
        return;
    if (served != SPEC_NONE && thread_at(served)->reply == SPEC_NONE) {
        finish(call->thread, only(STATUS_BUSY));
        return;
    }
    if (served != SPEC_NONE)
        let_go(served);
    if (cap == SPEC_NONE)
        return;
    spec_ref caller = spec->objects[spec->caps[cap].object].caller;
    if (caller == SPEC_NONE)
        finish(call->thread, only(STATUS_NO_CALLER));
    else if (thread_at(caller)->server != SPEC_NONE)
        finish(call->thread, only(STATUS_BUSY));
    else
        begin_service(caller, server);
}

void call_create_channel(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = thread_at((spec_ref)call->thread)->process;
    spec_ref group = lookup(process, call->handle, OBJECT_GROUP, RIGHT_CREATE_ENDPOINT, &allowed);
    if (group != SPEC_NONE && call->words[0] > 256)
        allowed = only(STATUS_BAD_ARGUMENT);
    finish(call->thread, allowed);
    if (allowed != only(STATUS_OK))
        return;
    spec_ref ends[2];
    for (u32 i = 0; i < 2; i++) {
        ends[i] = spec_new_object(OBJECT_ENDPOINT, SPEC_NONE);
        spec->objects[ends[i]].was_made = true;
        spec_new_endpoint(ends[i], (u32)call->words[0], call->words[1]);
    }
    spec_tie(ends[0], ends[1]);
    struct spec_result *result = &thread_at((spec_ref)call->thread)->result;
    result->made = add_first_cap(process, ends[0], RIGHTS_ENDPOINT | RIGHTS_COMMON, 0);
    result->made_second = add_first_cap(process, ends[1], RIGHTS_ENDPOINT | RIGHTS_COMMON, 0);
}
