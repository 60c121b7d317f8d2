/*
 * The kernel against the specification, after each call: who waits for what, what every thread that
 * was let go on has got, what every process can name, what lies in the endpoints.
 */
#include "world.h"

#include "ipc/reply.h"
#include "tests/sim/ledger.h"
#include "tests/sim/peek.h"
#include "sched/wait.h"

static enum spec_wait wait_of(const struct thread *thread)
{
    if (thread->exited)
        return SPEC_ENDED;
    if (!thread->wait_lock)
        return SPEC_RUNS;
    switch (thread->wait_ops->kind) {
    case THREAD_STATE_SENDING:
        return thread->calling ? SPEC_CALLS : SPEC_SENDS;
    case THREAD_STATE_RECEIVING:
        return SPEC_RECEIVES;
    case THREAD_STATE_CALLING:
        return SPEC_SERVED;
    default:
        return (enum spec_wait)99;
    }
}

static const char *wait_name(enum spec_wait wait)
{
    static const char *const names[] = {"runs", "sends", "calls", "is served", "receives", "ended"};
    return wait < ARRAY_SIZE(names) ? names[wait] : "does something else";
}

static spec_ref index_of_thread(const struct thread *thread)
{
    for (u32 i = 0; i < world.thread_count; i++)
        if (world.threads[i] == thread)
            return world.spec_threads[i];
    return SPEC_NONE;
}

static void check_wait(u32 index)
{
    const struct thread *thread = world.threads[index];
    struct spec_thread *wanted = &world_spec()->threads[world.spec_threads[index]];
    enum spec_wait wait = wait_of(thread);
    EXPECT("spec_waits", wait == wanted->wait, "thread %u %s, specified: %s", index,
           wait_name(wait), wait_name(wanted->wait));
    if (run_has_failed() || wait == SPEC_ENDED)
        return;
    EXPECT("spec_calls", index_of_thread(thread->serving) == wanted->serving,
           "thread %u serves %d, specified: %d", index, index_of_thread(thread->serving),
           wanted->serving);
    EXPECT("spec_deferred", (thread->reply != NULL) == (wanted->reply != SPEC_NONE),
           "thread %u's call %s deferred, specified: otherwise", index,
           thread->reply ? "is" : "is not");
    if (wait == SPEC_RUNS)
        return;
    u32 endpoint = world_endpoint_locked_by(thread->wait_lock);
    EXPECT("spec_waits",
           endpoint < WORLD_ENDPOINTS && wanted->endpoint == world.spec_endpoints[endpoint],
           "thread %u waits at endpoint %u, specified: another", index, endpoint);
    EXPECT("spec_deadlines", thread->wait_deadline == wanted->deadline_ns,
           "thread %u waits until %llu, specified: %llu", index,
           (unsigned long long)thread->wait_deadline, (unsigned long long)wanted->deadline_ns);
}

/* The handle that the thread's call has returned. */
static void learn(u32 thread, spec_ref cap, u64 handle)
{
    if (cap == SPEC_NONE)
        return;
    struct spec_cap *made = &world_spec()->caps[cap];
    made->handle = handle;
    /* The first capability to an object that the call has made. */
    if (made->parent == SPEC_NONE && made->depth == 1 &&
        made->process == world_spec()->threads[world.spec_threads[thread]].process)
        world_note_made(thread, cap);
}

static void check_message(u32 index, const struct spec_result *wanted)
{
    const struct thread *thread = world.threads[index];
    const struct arch_context *context = &thread->context;
    EXPECT("spec_messages", context->info == wanted->info,
           "thread %u got info %#llx, specified: %#llx", index, (unsigned long long)context->info,
           (unsigned long long)wanted->info);
    EXPECT("spec_messages", context->handle == wanted->badge,
           "thread %u got badge %#llx, specified: %#llx", index,
           (unsigned long long)context->handle, (unsigned long long)wanted->badge);
    u64 words[2] = {context->words[0], context->words[MESSAGE_WORDS - 1]};
    for (u32 i = 0; i < wanted->word_count; i++)
        EXPECT("spec_messages", words[i] == wanted->words[i],
               "thread %u got word %u %#llx, specified: %#llx", index, i,
               (unsigned long long)words[i], (unsigned long long)wanted->words[i]);
    for (u32 i = 0; i < info_cap_count(wanted->info); i++) {
        u64 handle = thread->buffer->received_caps[i].bits;
        EXPECT("spec_messages", (handle != 0) == (wanted->caps[i] != SPEC_NONE),
               "thread %u %s capability %u of its message", index, handle ? "got" : "did not get",
               i);
        if (wanted->caps[i] != SPEC_NONE)
            world_spec()->caps[wanted->caps[i]].handle = handle;
    }
}

static void check_result(u32 index)
{
    const struct spec_result *wanted = &world_spec()->threads[world.spec_threads[index]].result;
    const struct arch_context *context = &world.threads[index]->context;
    if (!wanted->fresh)
        return;
    EXPECT("spec_statuses", context->number < 64 && (wanted->allowed >> context->number & 1),
           "thread %u got status %llu, specified: those of mask %#llx", index,
           (unsigned long long)context->number, (unsigned long long)wanted->allowed);
    if (run_has_failed() || context->number != STATUS_OK)
        return;
    if (wanted->is_message)
        check_message(index, wanted);
    learn(index, wanted->made, context->words[0]);
    learn(index, wanted->made_second, context->words[1]);
    for (u32 i = 0; wanted->is_facts && i < ARRAY_SIZE(wanted->facts); i++)
        EXPECT("spec_facts", context->words[i] == wanted->facts[i],
               "inspect: word %u is %#llx, specified: %#llx", i,
               (unsigned long long)context->words[i], (unsigned long long)wanted->facts[i]);
}

/* --- What each process can name --- */

static const struct spec_cap *cap_with(spec_ref process, u64 handle)
{
    for (u32 i = 0; i < SPEC_CAPS; i++) {
        const struct spec_cap *cap = &world_spec()->caps[i];
        if (cap->used && !cap->is_mapping && cap->process == process && cap->handle == handle)
            return cap;
    }
    return NULL;
}

static void check_slot(u32 process, const struct cap_slot *slot)
{
    const struct spec_cap *cap = cap_with(world.spec_processes[process], slot->handle);
    EXPECT("spec_capabilities", cap, "process %u has a capability of type %u more than specified",
           process, peek_slot_type(slot));
    if (!cap)
        return;
    u64 flags = (cap->expires_ns != TIME_NEVER ? CAP_FLAG_EXPIRES : 0) |
                (cap->badged ? CAP_FLAG_BADGED : 0) | (cap->no_derive ? CAP_FLAG_SEAL_DERIVE : 0) |
                (cap->no_transfer ? CAP_FLAG_SEAL_TRANSFER : 0);
    const struct cap_node *node = slot->node;
    bool same = (u32)slot->meta == cap->rights && (slot->meta & CAP_FLAGS_MASK) == flags &&
                slot->badge == cap->badge && node->depth == cap->depth &&
                node->range_start == cap->start && node->range_end == cap->end &&
                slot->expires_ns == cap->expires_ns &&
                slot->object->type == world_spec()->objects[cap->object].type;
    EXPECT("spec_capabilities", same,
           "process %u: meta %#llx badge %llu depth %u, specified: rights %#x flags %#llx badge "
           "%llu depth %u",
           process, (unsigned long long)slot->meta, (unsigned long long)slot->badge, node->depth,
           cap->rights, (unsigned long long)flags, (unsigned long long)cap->badge, cap->depth);
    if (slot->object->type == OBJECT_REPLY)
        EXPECT("spec_deferred",
               index_of_thread(reply_of(slot->object)->caller) ==
                   world_spec()->objects[cap->object].caller,
               "process %u has a reply object for thread %d, specified: %d", process,
               index_of_thread(reply_of(slot->object)->caller),
               world_spec()->objects[cap->object].caller);
    bool revoked = peek_is_revoked(slot);
    EXPECT("spec_capabilities", !revoked, "process %u: a capability is dead, specified: good",
           process);
}

static void check_caps(u32 process)
{
    const struct cap_space *space = &world.processes[process]->space;
    u32 specified = 0;
    u32 found = 0;
    for (u32 i = 0; i < SPEC_CAPS; i++) {
        const struct spec_cap *cap = &world_spec()->caps[i];
        specified += cap->used && !cap->is_mapping && cap->process == world.spec_processes[process];
    }
    for (u32 i = 0; found < space->used_count; i++) {
        const struct cap_slot *slot = peek_slot_at(space, i);
        if (!slot)
            break;
        if (!peek_in_use(slot))
            continue;
        found++;
        check_slot(process, slot);
    }
    EXPECT("spec_capabilities", found == specified, "process %u has %u capabilities, specified: %u",
           process, found, specified);
    bool dead = world.processes[process]->state == PROCESS_DEAD;
    EXPECT("spec_processes", dead == world_spec()->processes[world.spec_processes[process]].dead,
           "process %u %s, specified: otherwise", process, dead ? "is dead" : "lives");
}

static void check_mapping(u32 process)
{
    if (world.processes[process]->state == PROCESS_DEAD)
        return;
    bool specified = false;
    for (u32 i = 0; i < SPEC_CAPS; i++) {
        const struct spec_cap *cap = &world_spec()->caps[i];
        specified |= cap->used && cap->is_mapping &&
                     cap->process == world.spec_processes[process] && cap->address == WORLD_PAGE;
    }
    const struct vspace *vspace = &world.processes[process]->vspace;
    bool mapped = tree_find(&vspace->regions, WORLD_PAGE) != NULL;
    EXPECT("spec_mappings", mapped == specified, "process %u: the page is %s, specified: otherwise",
           process, mapped ? "mapped" : "not mapped");
    /* What is mapped may have to be brought in again: memory that was cloned has to. */
    EXPECT("spec_mappings", mapped || !peek_is_mapped(vspace, WORLD_PAGE, ACCESS_READ),
           "process %u can read what it has not mapped", process);
}

/* --- Endpoints --- */

static void check_endpoint(u32 index)
{
    const struct endpoint *endpoint = world.endpoints[index];
    if (!endpoint)
        return; /* known to be gone */
    const struct spec_object *object = &world_spec()->objects[world.spec_endpoints[index]];
    bool alive = ledger_holds("endpoint", endpoint) && endpoint->object.state == OBJECT_LIVE;
    EXPECT("spec_endpoints", alive == object->alive, "endpoint %u %s, specified: otherwise", index,
           alive ? "lives" : "is dead");
    if (!alive)
        return;
    const struct spec_endpoint *wanted = &object->endpoint;
    bool down = endpoint->down && endpoint->receive_caps == 0;
    EXPECT("spec_endpoints",
           endpoint->signals == wanted->signals && endpoint->queued == wanted->queued &&
               down == wanted->down,
           "endpoint %u: signals %llx, %u queued, %s; specified: %llx, %u, %s", index,
           (unsigned long long)endpoint->signals, endpoint->queued, down ? "down" : "up",
           (unsigned long long)wanted->signals, wanted->queued, wanted->down ? "down" : "up");
    EXPECT("spec_grace", endpoint->grace.armed == (wanted->down_at != TIME_NEVER),
           "endpoint %u: its grace time is %s, specified: otherwise", index,
           endpoint->grace.armed ? "running" : "not running");
}

void lockstep_check(void)
{
    for (u32 i = 0; i < world.thread_count && !run_has_failed(); i++)
        if (i != 0 || world_spec()->threads[0].result.fresh) {
            check_wait(i);
            check_result(i);
        }
    for (u32 i = 1; i < WORLD_PROCESSES && !run_has_failed(); i++) {
        check_caps(i);
        check_mapping(i);
    }
    for (u32 i = 0; i < WORLD_ENDPOINTS && !run_has_failed(); i++)
        check_endpoint(i);
    EXPECT("spec_room", !world_spec()->overflow, "the specification's arrays are too small");
}
