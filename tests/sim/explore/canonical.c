/*
 * Fingerprints of what the kernel's state means.
 *
 * The walk goes from the world's parts, by their number, to all that they lead to. What only tells
 * when and where something was made is left out or replaced by what it means:
 *
 *   handles, secrets, generations   which node of which derivation tree
 *   epochs                          whether a node is dead
 *   times                           which of those that are still to come is earlier
 *   virtual times, who is current   left out: any ready thread can be next (world_call)
 *   spans, traces, counters         left out: the kernel never reads them
 *   addresses, free lists           left out; but a slot that still says "revoked" counts, with its
 *                                   place in the free list, for its next use makes it stale
 *   frames, charges                 left out: nothing runs out in this world
 *
 * Siblings in a tree are taken in no order, so their hashes are added up.
 */
#include "world.h"

#include "ipc/reply.h"
#include "tests/sim/peek.h"
#include "sched/wait.h"

#define MAX_MARKS 32u

static enum canonical_field blind_to;

/* Nodes that a thread waits by, or that its message names. */
static struct {
    const struct cap_node *node;
    u64 mark;
} marks[MAX_MARKS];
static u32 mark_count;

static u64 times[WORLD_TIMES];
static u32 time_count;

static const char *const field_names[FIELD_COUNT] = {
    "none",    "signals", "queue",    "senders",   "rights",   "badge", "tree",
    "serving", "turn",    "wait_ref", "deadlines", "mappings", "reply",
};

void canonical_blind(enum canonical_field field)
{
    blind_to = field;
}

const char *canonical_field_name(enum canonical_field field)
{
    return field_names[field];
}

static u64 stir(u64 hash, u64 value)
{
    hash = (hash ^ value) * 0x9fb21c651e98df25ull;
    return hash ^ hash >> 29;
}

/* The value, unless this field is to be overlooked. */
static u64 seen(enum canonical_field field, u64 value)
{
    return field == blind_to ? 0 : value;
}

/* --- Times --- */

/* 0: past; 1: the next to come, and so on; 255: never. */
static u64 rank_of_time(u64 time_ns)
{
    if (blind_to == FIELD_DEADLINES)
        return 0;
    if (time_ns == TIME_NEVER)
        return 255;
    if (time_ns <= sim_now_ns())
        return 0;
    u64 rank = 1;
    for (u32 i = 0; i < time_count; i++)
        rank += times[i] < time_ns;
    return rank;
}

static bool is_alive(u32 endpoint)
{
    return world.endpoints[endpoint] != NULL;
}

/* --- Trees --- */

static u64 thread_number(const struct thread *thread)
{
    for (u32 i = 0; i < world.thread_count; i++)
        if (world.threads[i] == thread)
            return i + 1;
    return thread ? 99 : 0;
}

static void add_mark(const struct cap_slot *slot, u64 handle, u64 mark)
{
    if (slot && slot->handle == handle && handle && mark_count < MAX_MARKS) {
        marks[mark_count].node = slot->node;
        marks[mark_count++].mark = mark;
    }
}

static bool is_sender(const struct thread *thread)
{
    return !thread->exited && thread->wait_lock && thread->wait_ops->kind == THREAD_STATE_SENDING;
}

static void collect_marks(void)
{
    mark_count = 0;
    for (u32 i = 1; i < world.thread_count; i++) {
        const struct thread *thread = world.threads[i];
        if (thread->exited || !thread->wait_lock)
            continue;
        if (blind_to != FIELD_WAIT_REF)
            add_mark(peek_slot(thread->space, thread->wait_mark.handle), thread->wait_mark.handle,
                     i * 16);
        for (u32 c = 0; is_sender(thread) && c < info_cap_count(thread->message_info); c++) {
            u64 handle = thread->buffer->send_caps[c].cap.bits;
            add_mark(peek_slot(thread->space, handle), handle, i * 16 + 1 + c);
        }
    }
}

static u64 owner_number(const struct cap_node *node)
{
    for (u32 i = 0; i < WORLD_PROCESSES; i++) {
        if (node->owner == &world.processes[i]->space)
            return i + 1;
        if (node->owner == &world.processes[i]->vspace)
            return i + 11;
    }
    return node->owner ? 99 : 0;
}

static u64 hash_slot(const struct cap_node *node, u64 owner)
{
    const struct cap_slot *slot =
        peek_slot_at(&world.processes[owner - 1]->space, node->slot_index);
    u64 hash = stir(seen(FIELD_RIGHTS, slot->meta), seen(FIELD_BADGE, slot->badge));
    return stir(hash, rank_of_time(slot->expires_ns));
}

static u64 hash_node(struct cap_node *node)
{
    u64 owner = owner_number(node);
    u64 hash = stir(owner, (u64)node->depth << 16 | node->pins);
    hash = stir(hash, node->range_start * 3 + node->range_end);
    if (owner >= 1 && owner <= WORLD_PROCESSES) {
        hash = stir(hash, hash_slot(node, owner));
    } else if (owner > 10 && owner < 99) {
        const struct region *region = CONTAINER_OF(node, struct region, node);
        hash = stir(hash, region->link.key << 4 | region->access);
    }
    for (u32 i = 0; i < mark_count; i++)
        if (marks[i].node == node)
            hash = stir(hash, marks[i].mark);
    bool dead = node->parent && node->birth_epoch < node->parent->revoked_epoch;
    u64 children = 0;
    LIST_FOREACH (link, &node->children)
        children += hash_node(LIST_ENTRY(link, struct cap_node, sibling));
    LIST_FOREACH (link, &node->condemned)
        children += 3 * hash_node(LIST_ENTRY(link, struct cap_node, sibling));
    if (blind_to == FIELD_MAPPINGS && owner > 10)
        hash = 0;
    return blind_to == FIELD_TREE ? hash + children : stir(stir(hash, dead), children);
}

static u64 hash_tree(struct object *object)
{
    return stir(hash_node(&object->anchor), object->state);
}

/* --- Threads --- */

static u64 activity_number(const struct activity *activity)
{
    for (u32 i = 0; activity && i < world.thread_count; i++)
        if (world.threads[i]->home == activity)
            return i + 1;
    return activity ? 99 : 0;
}

/* Whose lendings stand, outermost first. */
static u64 hash_claims(const struct activity *activity)
{
    u64 hash = activity->depth;
    for (u32 c = 0; c < activity->depth; c++)
        for (u32 i = 0; i < world.thread_count; i++) {
            const struct thread *thread = world.threads[i];
            if (thread->lent == activity && thread->lent_number == activity->claims[c])
                hash = stir(hash, i + 1);
        }
    return hash;
}

static u64 hash_activity(const struct thread *thread)
{
    u64 hash = stir(activity_number(thread->activity), activity_number(thread->lent));
    const struct activity *home = thread->home;
    if (thread->exited || !home)
        return hash;
    bool runs = home->state == ACTIVITY_READY || home->state == ACTIVITY_RUNNING;
    hash = stir(hash, (u64)runs << 8 | thread_number(home->thread));
    return stir(hash, hash_claims(home));
}

/* A handle that names nothing now: will it be said to have been revoked, and for how long? */
static u64 hash_gone(const struct cap_space *space, u64 handle)
{
    const struct cap_slot *slot = peek_slot_at(space, (u32)(handle & 0xfffff));
    if (!handle || !slot || slot->handle == handle)
        return 0;
    bool revoked = !slot->handle && (slot->meta & CAP_FLAG_REVOKED) &&
                   slot->generation == (handle >> 20 & 0xfff);
    if (!revoked)
        return 1;
    u64 place = 2;
    for (u32 next = space->first_free; next && place < 16; place++) {
        const struct cap_slot *at = peek_slot_at(space, next - 1);
        if (at == slot)
            break;
        next = at->next_free;
    }
    return place;
}

static u64 hash_message(const struct thread *thread)
{
    u64 hash = stir(thread->message_info, seen(FIELD_BADGE, thread->message_badge));
    hash = stir(hash, thread->context.words[0]);
    for (u32 i = 0; i < info_cap_count(thread->message_info); i++) {
        const struct message_cap *cap = &thread->buffer->send_caps[i];
        hash = stir(hash, (u64)cap->rights << 32 | cap->mode);
        hash = stir(hash, hash_gone(thread->space, cap->cap.bits));
    }
    return hash;
}

static u64 hash_wait(const struct thread *thread)
{
    u64 hash = stir(thread->wait_ops->kind, rank_of_time(thread->wait_deadline));
    hash = stir(hash, world_endpoint_locked_by(thread->wait_lock));
    bool calls = is_sender(thread) && thread->calling;
    hash = stir(hash, (u64)calls << 8 | info_accept(thread->message_info));
    const struct cap_mark *mark = &thread->wait_mark;
    const struct endpoint *endpoint = CONTAINER_OF(thread->wait_lock, struct endpoint, lock);
    if (mark->handle && blind_to != FIELD_WAIT_REF)
        /* Of a capability that has left its slot, what counts is whether anything of its object has
         * been revoked since. */
        hash = stir(hash, peek_slot(thread->space, mark->handle)  ? 1
                          : endpoint->object.epoch == mark->epoch ? 2
                                                                  : 3);
    return is_sender(thread) ? stir(hash, hash_message(thread)) : hash;
}

static u64 hash_thread(const struct thread *thread)
{
    u64 hash = stir((u64)thread->exited << 32 | thread->flags, thread->object.state);
    if (thread->exited)
        return stir(hash, activity_number(thread->lent));
    hash = stir(hash, seen(FIELD_SERVING, thread_number(thread->serving)));
    hash = stir(hash, seen(FIELD_SERVING, thread_number(thread->server)));
    hash = stir(hash, (u64)thread->faulted << 1 | thread->job_busy);
    hash = stir(hash, seen(FIELD_REPLY, thread->reply != NULL));
    hash = stir(hash, blind_to == FIELD_SERVING ? 0 : hash_activity(thread));
    return thread->wait_lock ? stir(hash, hash_wait(thread)) : hash;
}

/* --- Endpoints, processes --- */

static u64 hash_line(const struct list *line)
{
    u64 hash = 5;
    LIST_FOREACH (link, line)
        hash = stir(hash, thread_number(LIST_ENTRY(link, struct thread, wait_link)));
    return hash;
}

/* As long as endpoint_internal.h says: what a queued message begins with. */
struct queued_head {
    struct list link;
    u64 info;
    u64 badge;
    u64 trace;
    u64 words[MESSAGE_WORDS];
};

static u64 hash_queue(const struct endpoint *endpoint)
{
    u64 hash = endpoint->queued;
    LIST_FOREACH (link, &endpoint->queue) {
        const struct queued_head *message = LIST_ENTRY(link, struct queued_head, link);
        hash = stir(hash, message->info ^ message->words[0]);
        hash = stir(hash, seen(FIELD_BADGE, message->badge));
    }
    return hash;
}

/* Has a channel's other end been down when it was looked at last, and is it still? */
static u64 hash_peer(const struct endpoint *endpoint)
{
    const struct endpoint *peer = endpoint->peer;
    if (!peer)
        return endpoint->peer_down;
    return 2 + (endpoint->peer_down && peer->down && peer->receive_caps == 0);
}

static u64 hash_endpoint(u32 index)
{
    struct endpoint *endpoint = world.endpoints[index];
    if (!is_alive(index))
        return 1;
    u64 hash = seen(FIELD_SIGNALS, endpoint->signals);
    hash = stir(hash, seen(FIELD_QUEUE, hash_queue(endpoint)));
    hash = stir(hash, seen(FIELD_SENDERS, hash_line(&endpoint->senders)));
    hash = stir(hash, hash_line(&endpoint->receivers));
    hash = stir(hash, hash_line(&endpoint->served));
    hash = stir(hash, seen(FIELD_TURN, endpoint->turn));
    hash = stir(hash, (u64)endpoint->blocked_sends << 8 | (endpoint->receive_caps > 0));
    bool down = endpoint->down && endpoint->receive_caps == 0;
    hash = stir(hash, (u64)down << 1 | endpoint->holders_mailed);
    hash = stir(hash, hash_peer(endpoint));
    hash = stir(hash, endpoint->grace.armed ? rank_of_time(endpoint->grace.link.key) : 255);
    return stir(hash, hash_tree(&endpoint->object));
}

/* Reply objects lead nowhere but to their caller, and are known by the one slot that names them. */
static u64 hash_replies(const struct cap_space *space)
{
    u64 replies = 0;
    for (u32 i = 0, found = 0; found < space->used_count; i++) {
        const struct cap_slot *slot = peek_slot_at(space, i);
        if (!slot)
            break;
        found += peek_in_use(slot);
        if (peek_in_use(slot) && slot->object->type == OBJECT_REPLY)
            replies += stir(seen(FIELD_REPLY, thread_number(reply_of(slot->object)->caller)),
                            hash_tree(slot->object));
    }
    return replies;
}

static u64 hash_process(u32 index)
{
    struct process *process = world.processes[index];
    u64 hash = stir(process->state, process->thread_count);
    if (process->state == PROCESS_RUNNING) {
        hash = stir(hash, hash_gone(&process->space, world_gone_handle(index)));
        bool mapped = peek_is_mapped(&process->vspace, WORLD_PAGE, ACCESS_READ);
        hash = stir(hash, seen(FIELD_MAPPINGS, mapped));
        if (world.config->groups)
            hash = stir(hash, hash_replies(&process->space));
    }
    return stir(hash, hash_tree(&process->object));
}

u64 canonical_fingerprint(void)
{
    time_count = world_times(times, WORLD_TIMES);
    collect_marks();
    u64 hash = 0;
    for (u32 i = 1; i < WORLD_PROCESSES; i++)
        hash = stir(hash, hash_process(i));
    for (u32 i = 1; i < world.thread_count; i++) {
        hash = stir(hash, hash_thread(world.threads[i]));
        hash = stir(hash, hash_tree(&world.threads[i]->object));
    }
    for (u32 i = 0; i < WORLD_ENDPOINTS; i++)
        hash = stir(hash, hash_endpoint(i));
    if (world.memory)
        hash = stir(hash, hash_tree(&world.memory->object));
    if (!world.config->groups)
        return hash;
    u64 clones = 0;
    for (u32 i = 0; i < WORLD_CLONES; i++)
        clones += world.clones[i] ? stir(3, hash_tree(&world.clones[i]->object)) : 0;
    return stir(stir(hash, clones), hash_tree(world.group));
}
