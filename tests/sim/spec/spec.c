/* The specification: its calls, time, and what it is made of at the start. */
#include "tests/sim/spec/spec.h"

#include "tests/sim/spec/spec_internal.h"

#include <string.h>

struct spec *spec;
const struct spec_oracle *oracle;

void spec_use(struct spec *state, const struct spec_oracle *decides)
{
    spec = state;
    oracle = decides;
}

static void call_null(const struct spec_call *call)
{
    finish(call->thread, only(STATUS_OK));
}

/* By number: what the call does to the state. */
static void (*const spec_calls[SYSCALL_LIMIT])(const struct spec_call *call) = {
    [SYS_null] = call_null,
    [SYS_yield] = call_null,
    [SYS_send] = call_send,
    [SYS_receive] = call_receive,
    [SYS_call] = call_call,
    [SYS_reply] = call_reply,
    [SYS_reply_receive] = call_reply_receive,
    [SYS_signal] = call_signal,
    [SYS_cancel] = call_cancel,
    [SYS_derive] = call_derive,
    [SYS_grant] = call_grant,
    [SYS_revoke] = call_revoke,
    [SYS_close] = call_close,
    [SYS_inspect] = call_inspect,
    [SYS_map] = call_map,
    [SYS_unmap] = call_unmap,
    [SYS_clone_memory] = call_clone_memory,
    [SYS_defer] = call_defer,
    [SYS_adopt] = call_adopt,
    [SYS_create_channel] = call_create_channel,
    [SYS_kill] = call_kill,
    [SYS_exit] = call_exit,
};

bool spec_knows(u32 number)
{
    return number < SYSCALL_LIMIT && spec_calls[number];
}

void finish(u32 thread, u64 allowed)
{
    struct spec_result *result = &spec->threads[thread].result;
    *result = (struct spec_result){
        .fresh = true, .allowed = allowed, .made = SPEC_NONE, .made_second = SPEC_NONE};
    EACH (i, result->caps)
        result->caps[i] = SPEC_NONE;
}

void spec_begin(u64 now_ns)
{
    spec->now_ns = now_ns;
    EACH (i, spec->threads)
        finish(i, 0);
    EACH (i, spec->threads)
        spec->threads[i].result.fresh = false;
}

void spec_issue(const struct spec_call *call)
{
    spec_calls[call->number](call);
    settle();
}

/* The next thing that becomes due, in order of time; false: nothing is. */
static bool next_due(void)
{
    u64 first = spec->now_ns;
    spec_ref thread = SPEC_NONE;
    spec_ref endpoint = SPEC_NONE;
    EACH (i, spec->threads) {
        const struct spec_thread *at = &spec->threads[i];
        bool waits = at->used && at->wait != SPEC_RUNS && at->wait != SPEC_ENDED;
        if (waits && at->deadline_ns <= first) {
            first = at->deadline_ns;
            thread = (spec_ref)i;
        }
    }
    EACH (i, spec->objects) {
        const struct spec_object *object = &spec->objects[i];
        if (object->alive && object->type == OBJECT_ENDPOINT && object->endpoint.down_at <= first) {
            first = object->endpoint.down_at;
            endpoint = (spec_ref)i;
        }
    }
    if (endpoint != SPEC_NONE) {
        go_down(endpoint);
    } else if (thread != SPEC_NONE) {
        end_wait((u32)thread, STATUS_TIMED_OUT);
    }
    return endpoint != SPEC_NONE || thread != SPEC_NONE;
}

void spec_time_passes(void)
{
    while (next_due())
        settle();
}

/* --- The start --- */

spec_ref spec_new_process(void)
{
    EACH (i, spec->processes)
        if (!spec->processes[i].used) {
            spec->processes[i] = (struct spec_process){.used = true};
            return (spec_ref)i;
        }
    spec->overflow = true;
    return 0;
}

spec_ref spec_new_thread(spec_ref process)
{
    EACH (i, spec->threads)
        if (!spec->threads[i].used) {
            spec->threads[i] = (struct spec_thread){.used = true,
                                                    .process = process,
                                                    .endpoint = SPEC_NONE,
                                                    .cap = SPEC_NONE,
                                                    .deadline_ns = TIME_NEVER,
                                                    .serving = SPEC_NONE,
                                                    .server = SPEC_NONE,
                                                    .reply = SPEC_NONE};
            return (spec_ref)i;
        }
    spec->overflow = true;
    return 0;
}

spec_ref spec_new_object(enum object_type type, spec_ref what)
{
    EACH (i, spec->objects) {
        struct spec_object *object = &spec->objects[i];
        if (object->type != OBJECT_NONE && (object->alive || !object->was_made))
            continue;
        *object = (struct spec_object){
            .alive = true, .type = type, .what = what, .peer = SPEC_NONE, .caller = SPEC_NONE};
        object->endpoint.down_at = TIME_NEVER;
        return (spec_ref)i;
    }
    spec->overflow = true;
    return 0;
}

void spec_new_endpoint(spec_ref object, u32 depth, u64 grace_ns)
{
    spec->objects[object].endpoint.depth = depth;
    spec->objects[object].endpoint.grace_ns = grace_ns;
}

void spec_tie(spec_ref one, spec_ref other)
{
    spec->objects[one].peer = other;
    spec->objects[other].peer = one;
}

spec_ref spec_new_cap(spec_ref process, spec_ref object, u64 handle, u32 rights)
{
    const struct spec_cap cap = {.used = true,
                                 .process = process,
                                 .object = object,
                                 .parent = SPEC_NONE,
                                 .rights = rights,
                                 .depth = 1,
                                 .handle = handle,
                                 .expires_ns = TIME_NEVER};
    return add_cap(&cap);
}

/* --- What can be observed, as a number --- */

static u64 stir(u64 hash, u64 value)
{
    hash = (hash ^ value) * 0x9fb21c651e98df25ull;
    return hash ^ hash >> 31;
}

/* Objects that calls have made have no numbers that mean anything; all of one kind are alike here.
 */
static u64 object_name(spec_ref at)
{
    const struct spec_object *object = &spec->objects[at];
    if (!object->was_made)
        return (u64)at;
    return 0x1000 + (u64)object->type * 16 + (u64)(object->caller + 1);
}

/* What a capability is, and what it comes from: the same for two that nobody could tell apart. */
static u64 hash_cap(spec_ref at)
{
    if (at == SPEC_NONE)
        return 0x77;
    const struct spec_cap *cap = &spec->caps[at];
    u64 hash = stir(0x5eed, (u64)cap->process << 32 | object_name(cap->object));
    hash = stir(hash, (u64)cap->rights << 32 | cap->depth);
    hash = stir(hash, cap->badge << 4 | (u64)cap->is_mapping << 3 | (u64)cap->badged << 2 |
                          (u64)cap->no_derive << 1 | cap->no_transfer);
    hash = stir(hash, cap->start ^ cap->end << 1 ^ cap->address << 2);
    hash = stir(hash, cap->expires_ns == TIME_NEVER ? 0 : cap->expires_ns <= spec->now_ns ? 1 : 2);
    return stir(hash, hash_cap(cap->parent));
}

static u64 hash_message(const struct spec_message *message, spec_ref process)
{
    u64 hash = stir(message->info, message->badge);
    hash = stir(stir(hash, message->words[0]), message->words[1]);
    for (u32 i = 0; i < info_cap_count(message->info) && process != SPEC_NONE; i++) {
        const struct message_cap *wanted = &message->caps[i];
        u64 allowed = 0;
        spec_ref cap = lookup(process, wanted->cap.bits, OBJECT_NONE, 0, &allowed);
        hash = stir(hash, (u64)wanted->rights << 32 | wanted->mode);
        /* Whether a handle that is gone was revoked is forgotten at the kernel's leisure. */
        hash = stir(hash, cap == SPEC_NONE ? allowed & ~only(STATUS_REVOKED) : hash_cap(cap));
    }
    return hash;
}

/* Those that wait in one line: both kinds of senders do. */
static bool in_one_line(const struct spec_thread *a, const struct spec_thread *b)
{
    bool a_sends = a->wait == SPEC_SENDS || a->wait == SPEC_CALLS;
    bool b_sends = b->wait == SPEC_SENDS || b->wait == SPEC_CALLS;
    return a->endpoint == b->endpoint && (a->wait == b->wait || (a_sends && b_sends));
}

static u64 place(const struct spec_thread *thread)
{
    u64 before = 0;
    EACH (i, spec->threads) {
        const struct spec_thread *other = &spec->threads[i];
        before += other->used && in_one_line(other, thread) && other->since < thread->since;
    }
    return before;
}

static u64 hash_thread(const struct spec_thread *thread)
{
    u64 hash = stir(thread->wait, (u64)(thread->serving + 1) << 8 | (u64)(thread->server + 1));
    hash = stir(hash, thread->reply != SPEC_NONE);
    if (thread->wait == SPEC_RUNS || thread->wait == SPEC_ENDED)
        return hash;
    bool sending = thread->wait == SPEC_SENDS || thread->wait == SPEC_CALLS;
    hash = stir(hash, object_name(thread->endpoint) << 8 | (thread->deadline_ns == TIME_NEVER));
    hash = stir(hash, info_accept(thread->willing));
    hash = stir(hash, hash_cap(thread->cap));
    hash = stir(hash, thread->wait == SPEC_SERVED ? 0 : place(thread));
    return sending ? stir(hash, hash_message(&thread->message, thread->process)) : hash;
}

static u64 hash_object(const struct spec_object *object)
{
    const struct spec_endpoint *endpoint = &object->endpoint;
    if (!object->alive || object->type != OBJECT_ENDPOINT)
        return object->alive;
    u64 hash = stir(endpoint->signals, (u64)endpoint->queued << 8 | endpoint->turn << 3 |
                                           (u32)object->peer_died << 2 | (u32)endpoint->down << 1 |
                                           (endpoint->down_at != TIME_NEVER));
    for (u32 i = 0; i < endpoint->queued; i++)
        hash = stir(hash, hash_message(&endpoint->queue[i], SPEC_NONE));
    return hash;
}

u64 spec_hash(void)
{
    u64 hash = 1;
    u64 caps = 0; /* in no order */
    EACH (i, spec->caps)
        if (spec->caps[i].used)
            caps += stir(7, hash_cap((spec_ref)i));
    EACH (i, spec->threads)
        if (spec->threads[i].used)
            hash = stir(hash, hash_thread(&spec->threads[i]));
    EACH (i, spec->objects) {
        const struct spec_object *object = &spec->objects[i];
        if (!object->was_made)
            hash = object->type == OBJECT_NONE ? hash : stir(hash, hash_object(object));
        else if (object->alive)
            caps += stir(stir(11, object->type), hash_object(object));
    }
    EACH (i, spec->processes)
        hash = stir(hash, spec->processes[i].dead);
    return stir(hash, caps);
}
