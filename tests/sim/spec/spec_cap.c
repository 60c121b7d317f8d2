/* The specification of capabilities: lookup, derivation, handing on, revoking, closing, mapping. */
#include "spec_internal.h"

#include "abi/memory.h"

static struct spec_cap *cap_at(spec_ref cap)
{
    return &spec->caps[cap];
}

static enum object_type type_of(const struct spec_cap *cap)
{
    return spec->objects[cap->object].type;
}

static spec_ref cap_named(spec_ref process, u64 handle)
{
    EACH (i, spec->caps) {
        const struct spec_cap *cap = &spec->caps[i];
        if (cap->used && !cap->is_mapping && cap->process == process && cap->handle == handle)
            return (spec_ref)i;
    }
    return SPEC_NONE;
}

/* A handle that names nothing: one that was good once, or one that never was. What has been revoked
 * says so until its slot is used again, when it is as stale as any. */
static u64 why_not(spec_ref process, u64 handle)
{
    const struct spec_process *at = &spec->processes[process];
    EACH (i, at->gone) {
        if (handle == 0 || at->gone[i].handle != handle)
            continue;
        u64 stale = only(STATUS_STALE_HANDLE);
        return at->gone[i].revoked ? only(STATUS_REVOKED) | stale : stale;
    }
    return only(STATUS_BAD_HANDLE);
}

spec_ref lookup(spec_ref process, u64 handle, enum object_type type, u32 rights, u64 *allowed)
{
    spec_ref found = handle == 0 ? SPEC_NONE : cap_named(process, handle);
    *allowed = only(STATUS_OK);
    if (found == SPEC_NONE) {
        *allowed = why_not(process, handle);
        return SPEC_NONE;
    }
    const struct spec_cap *cap = cap_at(found);
    if (type != OBJECT_NONE && type_of(cap) != type)
        *allowed = only(STATUS_WRONG_TYPE);
    else if (rights & ~cap->rights)
        *allowed = only(STATUS_MISSING_RIGHT);
    else if (cap->expires_ns <= spec->now_ns)
        *allowed = only(STATUS_EXPIRED);
    else if (!spec->objects[cap->object].alive)
        *allowed = only(STATUS_DEAD);
    return *allowed == only(STATUS_OK) ? found : SPEC_NONE;
}

spec_ref add_cap(const struct spec_cap *cap)
{
    EACH (i, spec->caps)
        if (!spec->caps[i].used) {
            spec->caps[i] = *cap;
            spec->caps[i].used = true;
            return (spec_ref)i;
        }
    spec->overflow = true;
    return 0;
}

spec_ref add_first_cap(spec_ref process, spec_ref object, u32 rights, u64 size)
{
    const struct spec_cap cap = {.process = process,
                                 .object = object,
                                 .parent = SPEC_NONE,
                                 .rights = rights,
                                 .depth = 1,
                                 .expires_ns = TIME_NEVER,
                                 .end = size};
    return add_cap(&cap);
}

static void forget_handle(const struct spec_cap *cap, bool revoked)
{
    if (cap->is_mapping || cap->handle == 0)
        return;
    struct spec_process *process = &spec->processes[cap->process];
    process->gone[process->gone_count++ % SPEC_GONE] =
        (struct spec_gone){.handle = cap->handle, .revoked = revoked};
}

void remove_cap(spec_ref gone, bool revoked)
{
    struct spec_cap *cap = cap_at(gone);
    forget_handle(cap, revoked);
    EACH (i, spec->caps)
        if (spec->caps[i].used && spec->caps[i].parent == gone)
            spec->caps[i].parent = cap->parent;
    EACH (i, spec->threads)
        if (spec->threads[i].cap == gone)
            spec->threads[i].cap = SPEC_NONE; /* the wait goes on */
    *cap = (struct spec_cap){0};
}

/* --- Objects nobody names, endpoints nobody receives from --- */

static u32 holders(spec_ref object, u32 rights, bool with_mappings)
{
    u32 count = 0;
    EACH (i, spec->caps) {
        const struct spec_cap *cap = &spec->caps[i];
        count += cap->used && cap->object == object && (cap->rights & rights) == rights &&
                 (with_mappings || !cap->is_mapping);
    }
    return count;
}

static void settle_endpoint(spec_ref at)
{
    struct spec_endpoint *endpoint = &spec->objects[at].endpoint;
    if (holders(at, RIGHT_RECEIVE, false) > 0) {
        endpoint->down = false;
        endpoint->down_at = TIME_NEVER;
    } else if (!endpoint->down && endpoint->grace_ns == 0) {
        go_down(at);
    } else if (!endpoint->down && endpoint->down_at == TIME_NEVER) {
        endpoint->down_at = spec->now_ns + endpoint->grace_ns;
    }
}

void settle(void)
{
    EACH (i, spec->objects) {
        struct spec_object *object = &spec->objects[i];
        if (!object->alive || (object->type != OBJECT_ENDPOINT && object->type != OBJECT_MEMORY &&
                               object->type != OBJECT_REPLY))
            continue;
        if (holders((spec_ref)i, 0, true) == 0) {
            object->alive = false;
            end_object((spec_ref)i);
        } else if (object->type == OBJECT_ENDPOINT) {
            settle_endpoint((spec_ref)i);
        }
    }
}

/* --- derive, inspect, close --- */

/* What derive asks for that it may not have; 0: nothing. */
static u64 refuse_derive(const struct spec_cap *parent, const struct spec_call *call)
{
    u64 refused = 0;
    u64 length = parent->end - parent->start;
    u64 offset = call->words[3];
    u64 wanted = call->words[4];
    bool aligned = type_of(parent) != OBJECT_MEMORY || (offset | wanted) % PAGE_SIZE == 0;
    if ((call->words[5] & ~3ull) || offset > length || wanted > length - offset || !aligned)
        refused |= only(STATUS_BAD_ARGUMENT);
    if (call->words[1] != 0 && (!(parent->rights & RIGHT_MINT) || parent->badged))
        refused |= only(STATUS_MISSING_RIGHT);
    if (parent->depth == CAP_MAX_DEPTH)
        refused |= only(STATUS_TOO_DEEP);
    return refused;
}

void call_derive(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = spec->threads[call->thread].process;
    spec_ref at = lookup(process, call->handle, OBJECT_NONE, RIGHT_DERIVE, &allowed);
    if (at != SPEC_NONE && cap_at(at)->no_derive)
        allowed = only(STATUS_SEALED);
    else if (at != SPEC_NONE && refuse_derive(cap_at(at), call))
        allowed = refuse_derive(cap_at(at), call);
    finish(call->thread, allowed);
    if (allowed != only(STATUS_OK))
        return;
    struct spec_cap child = *cap_at(at);
    /* REBIND gives the receiving side to somebody without having it. */
    u32 held = child.rights;
    if (type_of(&child) == OBJECT_ENDPOINT && (held & RIGHT_REBIND))
        held |= RIGHT_RECEIVE;
    child.rights = held & (u32)call->words[0];
    child.parent = at;
    child.depth++;
    child.handle = 0;
    if (call->words[1] != 0) {
        child.badge = call->words[1];
        child.badged = true;
    }
    if (call->words[2] < child.expires_ns)
        child.expires_ns = call->words[2];
    child.start += call->words[3];
    if (call->words[4] != 0)
        child.end = child.start + call->words[4];
    child.no_derive |= (call->words[5] & DERIVE_SEAL_DERIVE) != 0;
    child.no_transfer |= (call->words[5] & DERIVE_SEAL_TRANSFER) != 0;
    spec->threads[call->thread].result.made = add_cap(&child);
}

void call_inspect(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = spec->threads[call->thread].process;
    spec_ref at = lookup(process, call->handle, OBJECT_NONE, 0, &allowed);
    finish(call->thread, allowed);
    if (at == SPEC_NONE)
        return;
    const struct spec_cap *cap = cap_at(at);
    struct spec_result *result = &spec->threads[call->thread].result;
    result->is_facts = true;
    result->facts[0] = (u64)type_of(cap) | (u64)cap->rights << 32;
    result->facts[1] = cap->badge;
    result->facts[2] = cap->start;
    result->facts[3] = cap->end - cap->start;
    result->facts[4] = cap->expires_ns;
    result->facts[5] = cap->depth;
}

void call_close(const struct spec_call *call)
{
    spec_ref process = spec->threads[call->thread].process;
    spec_ref at = cap_named(process, call->handle);
    u64 allowed = only(STATUS_OK);
    /* Whatever state it is in; of a handle that is none, how it went is not told apart by all. */
    if (at == SPEC_NONE || call->handle == 0)
        allowed = why_not(process, call->handle);
    finish(call->thread, allowed);
    if (allowed == only(STATUS_OK))
        remove_cap(at, false);
}

/* --- Revocation --- */

static bool descends(spec_ref from, spec_ref ancestor)
{
    for (spec_ref at = cap_at(from)->parent; at != SPEC_NONE; at = cap_at(at)->parent)
        if (at == ancestor)
            return true;
    return false;
}

/* Waits by a capability that dies end. One by a capability that was closed or moved since may end
 * with any revocation of the object. */
static void wake_revoked(spec_ref root, spec_ref object)
{
    EACH (i, spec->threads) {
        const struct spec_thread *thread = &spec->threads[i];
        bool waits = thread->used && thread->wait != SPEC_RUNS && thread->wait != SPEC_ENDED;
        if (!waits || thread->endpoint != object)
            continue;
        bool by_dead = thread->cap != SPEC_NONE && descends(thread->cap, root);
        bool by_lost = thread->cap == SPEC_NONE && oracle->wait_has_ended(i);
        if (by_dead || by_lost)
            end_wait(i, STATUS_REVOKED);
    }
}

void call_revoke(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = spec->threads[call->thread].process;
    spec_ref root = lookup(process, call->handle, OBJECT_NONE, RIGHT_REVOKE, &allowed);
    finish(call->thread, allowed);
    if (root == SPEC_NONE)
        return;
    if (type_of(cap_at(root)) == OBJECT_ENDPOINT)
        wake_revoked(root, cap_at(root)->object);
    bool dead[SPEC_CAPS] = {false};
    EACH (i, spec->caps)
        dead[i] = spec->caps[i].used && descends((spec_ref)i, root);
    EACH (i, spec->caps)
        if (dead[i])
            remove_cap((spec_ref)i, true);
}

/* --- Handing on --- */

u64 may_transfer(spec_ref process, const struct message_cap *wanted, spec_ref *cap)
{
    u64 allowed;
    bool copies = wanted->mode == CAP_SEND_COPY;
    if (!copies && wanted->mode != CAP_SEND_MOVE)
        return only(STATUS_BAD_ARGUMENT);
    u32 rights = RIGHT_TRANSFER | (copies ? RIGHT_DERIVE : 0);
    *cap = lookup(process, wanted->cap.bits, OBJECT_NONE, rights, &allowed);
    if (*cap == SPEC_NONE)
        return allowed;
    bool sealed = cap_at(*cap)->no_transfer || (copies && cap_at(*cap)->no_derive);
    return sealed ? only(STATUS_SEALED) : allowed;
}

spec_ref hand_copy(spec_ref cap, spec_ref to, u32 rights)
{
    struct spec_cap child = *cap_at(cap);
    if (child.depth == CAP_MAX_DEPTH)
        return SPEC_NONE;
    child.parent = cap;
    child.depth++;
    child.process = to;
    child.rights &= rights;
    child.handle = 0;
    return add_cap(&child);
}

void hand_move(spec_ref at, spec_ref to, u32 rights)
{
    struct spec_cap *cap = cap_at(at);
    forget_handle(cap, false);
    EACH (i, spec->threads)
        if (spec->threads[i].cap == at)
            spec->threads[i].cap = SPEC_NONE;
    cap->process = to;
    cap->rights &= rights;
    cap->handle = 0;
}

void call_grant(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = spec->threads[call->thread].process;
    const struct message_cap wanted = {{call->words[0]}, (u32)call->words[1], (u32)call->words[2]};
    spec_ref into = lookup(process, call->handle, OBJECT_PROCESS, RIGHT_GRANT, &allowed);
    spec_ref cap = SPEC_NONE;
    if (into != SPEC_NONE)
        allowed = may_transfer(process, &wanted, &cap);
    spec_ref to = into == SPEC_NONE ? 0 : spec->objects[cap_at(into)->object].what;
    if (allowed == only(STATUS_OK) && spec->processes[to].dead)
        allowed = only(STATUS_DEAD);
    spec_ref made = cap;
    if (allowed == only(STATUS_OK) && wanted.mode == CAP_SEND_COPY) {
        made = hand_copy(cap, to, wanted.rights);
        allowed = made == SPEC_NONE ? only(STATUS_TOO_DEEP) : allowed;
    } else if (allowed == only(STATUS_OK)) {
        hand_move(cap, to, wanted.rights);
    }
    finish(call->thread, allowed);
    if (allowed == only(STATUS_OK))
        spec->threads[call->thread].result.made = made;
}

/* --- Mappings: children of the capability that they were made by --- */

static spec_ref mapping_at(spec_ref process, u64 address)
{
    EACH (i, spec->caps) {
        const struct spec_cap *cap = &spec->caps[i];
        if (cap->used && cap->is_mapping && cap->process == process && cap->address == address)
            return (spec_ref)i;
    }
    return SPEC_NONE;
}

/* One page, at an address that is given. */
void call_map(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = spec->threads[call->thread].process;
    u32 rights = 0;
    rights |= call->words[4] & MAP_READ ? RIGHT_READ : 0;
    rights |= call->words[4] & MAP_WRITE ? RIGHT_WRITE : 0;
    spec_ref cap = lookup(process, call->handle, OBJECT_MEMORY, rights, &allowed);
    if (cap != SPEC_NONE) {
        u64 length = cap_at(cap)->end - cap_at(cap)->start;
        if (call->words[2] > length || call->words[3] > length - call->words[2])
            allowed = only(STATUS_BAD_ARGUMENT);
        else if (mapping_at(process, call->words[1]) != SPEC_NONE)
            allowed = only(STATUS_EXISTS);
        else if (cap_at(cap)->depth == CAP_MAX_DEPTH)
            allowed = only(STATUS_TOO_DEEP);
    }
    finish(call->thread, allowed);
    if (allowed != only(STATUS_OK))
        return;
    const struct spec_cap mapping = {.process = process,
                                     .is_mapping = true,
                                     .object = cap_at(cap)->object,
                                     .parent = cap,
                                     .depth = cap_at(cap)->depth + 1,
                                     .expires_ns = TIME_NEVER,
                                     .address = call->words[1],
                                     .rights = rights};
    (void)add_cap(&mapping);
}

void call_unmap(const struct spec_call *call)
{
    spec_ref process = spec->threads[call->thread].process;
    spec_ref mapping = mapping_at(process, call->words[1]);
    finish(call->thread, only(mapping == SPEC_NONE ? STATUS_NOT_FOUND : STATUS_OK));
    if (mapping != SPEC_NONE)
        remove_cap(mapping, false);
}

/* --- Memory made from memory --- */

/* Whole pages within the capability's range; nothing of what is in them is known here. */
void call_clone_memory(const struct spec_call *call)
{
    u64 allowed;
    spec_ref process = spec->threads[call->thread].process;
    u64 offset = call->words[1];
    u64 size = call->words[2];
    spec_ref source = SPEC_NONE;
    if (lookup(process, call->handle, OBJECT_GROUP, RIGHT_CREATE_MEMORY, &allowed) != SPEC_NONE)
        source = lookup(process, call->words[0], OBJECT_MEMORY, RIGHT_READ, &allowed);
    if (source != SPEC_NONE) {
        u64 length = cap_at(source)->end - cap_at(source)->start;
        if ((offset | size) % PAGE_SIZE || size == 0 || offset > length || size > length - offset)
            allowed = only(STATUS_BAD_ARGUMENT);
    }
    finish(call->thread, allowed);
    if (allowed != only(STATUS_OK))
        return;
    spec_ref clone = spec_new_object(OBJECT_MEMORY, SPEC_NONE);
    spec->objects[clone].was_made = true;
    spec->threads[call->thread].result.made =
        add_first_cap(process, clone, RIGHTS_MEMORY | RIGHTS_COMMON, size);
}
