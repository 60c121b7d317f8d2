/* Who waits for whom, who can reach what: chains put together from why and who. */
#include "ferrous/questions.h"

#include "ferrous/calls.h"
#include "ferrous/time.h"

#define ROOM 8u

enum status process_why(machine_t machine, u64 process_id, struct why_entry *entries, u64 *count,
                        u64 after)
{
    struct syscall_frame frame = {.number = SYS_why,
                                  .handle = machine.cap.bits,
                                  .deadline = TIME_NEVER,
                                  .words = {(uintptr_t)entries, *count, process_id, after}};
    enum status status = ferrous_syscall(&frame);

    if (status == STATUS_OK)
        *count = frame.words[0];
    return status;
}

enum status process_who(machine_t machine, u64 process_id, enum who_topic topic,
                        struct who_entry *entries, u64 *count, u64 *place)
{
    struct syscall_frame frame = {.number = SYS_who,
                                  .handle = machine.cap.bits,
                                  .deadline = TIME_NEVER,
                                  .words = {(uintptr_t)entries, *count, process_id, topic, *place}};
    enum status status = ferrous_syscall(&frame);

    if (status == STATUS_OK) {
        *count = frame.words[0];
        *place = frame.words[1];
    }
    return status;
}

static enum status tell_of(machine_t machine, struct who_found *found, u64 object_id, bool *go_on,
                           bool (*tell)(const struct who_found *found, void *context),
                           void *context)
{
    struct who_entry entries[ROOM];
    u64 place = 0;

    do {
        u64 count = ROOM;
        enum status status =
            process_who(machine, found->process_id, found->topic, entries, &count, &place);

        if (status != STATUS_OK) /* it has ended: nothing reaches anything by it */
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        for (u64 i = 0; i < count && *go_on; i++) {
            found->entry = entries[i];
            if (entries[i].object_id == object_id)
                *go_on = tell(found, context);
        }
    } while (place != 0 && *go_on);
    return STATUS_OK;
}

enum status who_reaches(machine_t machine, u64 object_id,
                        bool (*tell)(const struct who_found *found, void *context), void *context)
{
    struct process_entry processes[ROOM];
    u64 after = 0;
    u64 count = ROOM;
    bool go_on = true;

    while (go_on && count > 0) {
        count = ROOM;
        enum status status = process_list(machine, processes, &count, after);

        for (u64 i = 0; status == STATUS_OK && i < count && go_on; i++) {
            struct who_found found = {.process_id = processes[i].id};

            after = found.process_id;
            status = tell_of(machine, &found, object_id, &go_on, tell, context);
            found.topic = WHO_MAPPINGS;
            if (status == STATUS_OK && go_on)
                status = tell_of(machine, &found, object_id, &go_on, tell, context);
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* --- chains --- */

/* Does it wait for somebody, so that the chain goes on? */
static bool waits_for_somebody(const struct why_entry *entry)
{
    return entry->state == THREAD_STATE_CALLING || entry->state == THREAD_STATE_SENDING ||
           (entry->state == THREAD_STATE_WAITING && entry->object_type == OBJECT_PROCESS);
}

/* Who may help, among the threads looked at: the first that is not stuck itself, else the first. */
struct candidates {
    machine_t machine;
    struct why_entry chosen;
    u32 count; /* threads that may help */
    u32 right; /* what a capability must have to count */
};

static void consider(struct candidates *candidates, const struct why_entry *entry)
{
    bool better = candidates->count == 0 ||
                  (waits_for_somebody(&candidates->chosen) && !waits_for_somebody(entry));

    if (better)
        candidates->chosen = *entry;
    candidates->count++;
}

static void consider_process(struct candidates *candidates, u64 process_id)
{
    struct why_entry entries[ROOM];
    u64 after = 0;
    u64 count = ROOM;

    while (count > 0) {
        count = ROOM;
        if (process_why(candidates->machine, process_id, entries, &count, after) != STATUS_OK)
            return;
        for (u64 i = 0; i < count; i++) {
            consider(candidates, &entries[i]);
            after = entries[i].thread_id;
        }
    }
}

static bool consider_holder(const struct who_found *found, void *context)
{
    struct candidates *candidates = context;

    if (found->topic == WHO_CAPABILITIES && (found->entry.rights & candidates->right) != 0)
        consider_process(candidates, found->process_id);
    return true;
}

static bool find_thread(machine_t machine, u64 process_id, u64 thread_id, struct why_entry *entry)
{
    u64 count = 1;

    return process_why(machine, process_id, entry, &count, thread_id - 1) == STATUS_OK &&
           count == 1 && entry->thread_id == thread_id;
}

/* Who could end the wait of `entry`: none, or the one that the chain goes on with. */
static enum status find_next(const struct why_entry *entry, struct candidates *candidates)
{
    candidates->count = 0;
    if (entry->state == THREAD_STATE_WAITING) {
        consider_process(candidates, entry->object_id);
        return STATUS_OK;
    }
    if (entry->state == THREAD_STATE_CALLING && entry->server_thread_id != 0) {
        if (find_thread(candidates->machine, entry->server_process_id, entry->server_thread_id,
                        &candidates->chosen))
            candidates->count = 1;
        return STATUS_OK;
    }
    bool deferred = entry->state == THREAD_STATE_CALLING;

    candidates->right = deferred ? RIGHT_REPLY : RIGHT_RECEIVE;
    return who_reaches(candidates->machine, deferred ? entry->reply_id : entry->object_id,
                       consider_holder, candidates);
}

/* The kernel reckons back from now by another clock: what it says of one wait varies a little. */
static bool is_about(u64 a_ns, u64 b_ns)
{
    return (a_ns < b_ns ? b_ns - a_ns : a_ns - b_ns) < NS_PER_MS;
}

static bool is_same_wait(const struct why_entry *a, const struct why_entry *b)
{
    return a->state == b->state && a->object_id == b->object_id &&
           is_about(a->since_ns, b->since_ns) && a->server_thread_id == b->server_thread_id &&
           a->reply_id == b->reply_id;
}

/* Do all threads of the cycle still wait as they did? */
static bool still_stands(machine_t machine, const struct why_chain *chain)
{
    for (u32 i = chain->again; i < chain->count; i++) {
        const struct why_entry *entry = &chain->entries[i];
        struct why_entry now;

        if (!find_thread(machine, entry->process_id, entry->thread_id, &now) ||
            !is_same_wait(entry, &now))
            return false;
    }
    return true;
}

/* The entry of the chain that is this thread; `count`: none is. */
static u32 place_of(const struct why_chain *chain, const struct why_entry *entry)
{
    u32 i = 0;

    while (i < chain->count && chain->entries[i].thread_id != entry->thread_id)
        i++;
    return i;
}

static enum status first_of(machine_t machine, u64 process_id, u64 thread_id,
                            struct why_entry *entry)
{
    struct candidates candidates = {.machine = machine};

    if (thread_id != 0)
        return find_thread(machine, process_id, thread_id, entry) ? STATUS_OK : STATUS_NOT_FOUND;
    u64 count = 1;
    enum status status = process_why(machine, process_id, entry, &count, 0);
    u64 after = entry->thread_id;

    if (status != STATUS_OK || count == 0)
        return status != STATUS_OK ? status : STATUS_NOT_FOUND;
    candidates.chosen = *entry;
    while (count == 1 && !waits_for_somebody(&candidates.chosen)) {
        status = process_why(machine, process_id, &candidates.chosen, &count, after);
        if (status != STATUS_OK || count == 0)
            return STATUS_OK; /* none is stuck: the first will do */
        after = candidates.chosen.thread_id;
    }
    *entry = candidates.chosen;
    return STATUS_OK;
}

enum status why_follow(machine_t machine, u64 process_id, u64 thread_id, struct why_chain *chain)
{
    struct candidates candidates = {.machine = machine};
    bool only = true;
    enum status status = first_of(machine, process_id, thread_id, &candidates.chosen);

    *chain = (struct why_chain){.end = WHY_END_LONG};
    while (status == STATUS_OK && chain->count < WHY_CHAIN_MAX) {
        struct why_entry *last = &chain->entries[chain->count];

        chain->again = place_of(chain, &candidates.chosen);
        if (chain->again < chain->count) {
            chain->end = !still_stands(machine, chain) ? WHY_END_FREE
                         : only                        ? WHY_END_DEADLOCK
                                                       : WHY_END_PERHAPS;
            return STATUS_OK;
        }
        *last = candidates.chosen;
        chain->count++;
        chain->end = WHY_END_FREE;
        if (!waits_for_somebody(last))
            return STATUS_OK;
        status = find_next(last, &candidates);
        chain->end = WHY_END_NOBODY;
        if (status != STATUS_OK || candidates.count == 0)
            return status;
        only = only && candidates.count == 1;
        chain->end = WHY_END_LONG;
    }
    return status;
}
