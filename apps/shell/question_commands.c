/* Commands that ask who waits for whom, and who can reach what. */
#include "ferrous/questions.h"
#include "ferrous/time.h"
#include "lib/string.h"
#include "names.h"
#include "shell.h"

#define ROOM 8u

typedef unsigned long long ull;

static bool failed(const char *what, enum status status)
{
    if (status == STATUS_OK)
        return false;
    print("%s: %s\n", what, status_text(status));
    return true;
}

static bool number_of(const char *text, u64 *number)
{
    if (string_to_u64(text, number))
        return true;
    print("'%s' is not a number\n", text);
    return false;
}

static void print_process(const struct shell *shell, u64 process_id)
{
    struct process_entry entry;
    u64 count = 1;

    if (process_list(shell->machine, &entry, &count, process_id - 1) == STATUS_OK && count == 1 &&
        entry.id == process_id)
        print("%.*s (%llu)", (int)sizeof(entry.name), entry.name, (ull)process_id);
    else
        print("process %llu", (ull)process_id);
}

static void print_times(const struct why_entry *entry)
{
    u64 now_ns = time_now_ns();

    if (entry->since_ns != 0 && entry->since_ns <= now_ns)
        print(", for %llu ms", (ull)((now_ns - entry->since_ns) / NS_PER_MS));
    if (entry->deadline_ns != TIME_NEVER && entry->deadline_ns > now_ns)
        print(", at most %llu ms more", (ull)((entry->deadline_ns - now_ns) / NS_PER_MS));
}

static void print_wait(const struct shell *shell, const struct why_entry *entry)
{
    print_process(shell, entry->process_id);
    print(" thread %llu: %s%s%s", (ull)entry->thread_id,
          (entry->flags & WHY_FAULTED) != 0 ? "faulted, " : "",
          (entry->flags & WHY_SUSPENDED) != 0 ? "suspended, " : "",
          thread_state_name(entry->state));
    if (entry->object_id != 0)
        print(", %s %llu", object_type_name(entry->object_type), (ull)entry->object_id);
    if (entry->reply_id != 0)
        print(", deferred to reply %llu", (ull)entry->reply_id);
    print_times(entry);
    if (entry->client_process_id != 0) {
        print("; serves ");
        print_process(shell, entry->client_process_id);
    }
    print("\n");
}

static void print_end(const struct why_chain *chain)
{
    u64 first = chain->entries[chain->again].thread_id;

    switch (chain->end) {
    case WHY_END_FREE:
        break;
    case WHY_END_DEADLOCK:
        print("deadlock: it waits for thread %llu, which waits for it\n", (ull)first);
        break;
    case WHY_END_PERHAPS:
        print("it waits for thread %llu, which waits for it; another thread might help\n",
              (ull)first);
        break;
    case WHY_END_NOBODY:
        print("nobody can end that wait\n");
        break;
    case WHY_END_LONG:
        print("and so on\n");
        break;
    }
}

static void run_why(struct shell *shell, int argc, char **argv)
{
    static struct why_chain chain;
    u64 process_id;
    u64 thread_id = 0;

    if (!number_of(argv[1], &process_id) || (argc > 2 && !number_of(argv[2], &thread_id)) ||
        failed("why", why_follow(shell->machine, process_id, thread_id, &chain)))
        return;
    for (u32 i = 0; i < chain.count; i++) {
        print("%*s", (int)(i * 2), "");
        print_wait(shell, &chain.entries[i]);
    }
    print_end(&chain);
}

static void print_way(const struct shell *shell, const struct who_found *found)
{
    const struct who_entry *entry = &found->entry;
    char rights[160];

    print_process(shell, found->process_id);
    if (found->topic == WHO_MAPPINGS) {
        print(": mapped at 0x%llx, %llu KiB, %s%s%s%s\n", (ull)entry->place,
              (ull)(entry->size_bytes >> 10), (entry->rights & MAP_READ) != 0 ? "r" : "-",
              (entry->rights & MAP_WRITE) != 0 ? "w" : "-",
              (entry->rights & MAP_EXECUTE) != 0 ? "x" : "-",
              (entry->flags & WHO_PRIVATE_COPY) != 0 ? ", private copy" : "");
        return;
    }
    rights_text(rights, sizeof(rights), entry->object_type, entry->rights);
    print(": slot %llu, %s,%s", (ull)entry->place, object_type_name(entry->object_type), rights);
    if (entry->badge != 0)
        print(", badge %llu", (ull)entry->badge);
    print(", paid by group %llu", (ull)entry->payer_id);
    if (entry->parent_process_id != 0) {
        print(", from ");
        print_process(shell, entry->parent_process_id);
        print(" slot %llu", (ull)entry->parent_slot);
    }
    print("\n");
}

static bool tell_way(const struct who_found *found, void *context)
{
    print_way(context, found);
    return true;
}

static void run_who(struct shell *shell, int argc, char **argv)
{
    u64 object_id;

    (void)argc;
    if (number_of(argv[1], &object_id))
        (void)failed("who", who_reaches(shell->machine, object_id, tell_way, shell));
}

static void run_holds(struct shell *shell, int argc, char **argv)
{
    struct who_found found = {0};
    struct who_entry entries[ROOM];
    u64 place = 0;

    (void)argc;
    if (!number_of(argv[1], &found.process_id))
        return;
    for (u32 topic = WHO_CAPABILITIES; topic <= WHO_MAPPINGS; topic++) {
        found.topic = (enum who_topic)topic;
        do {
            u64 count = ROOM;

            if (failed("holds", process_who(shell->machine, found.process_id, found.topic, entries,
                                            &count, &place)))
                return;
            for (u64 i = 0; i < count; i++) {
                found.entry = entries[i];
                print("%6llu ", (ull)entries[i].object_id);
                print_way(shell, &found);
            }
        } while (place != 0);
    }
}

const struct shell_command question_commands[] = {
    {"why", "PID [THREAD]", "what a process waits for, to the end of the chain", 1, run_why},
    {"who", "OBJECT", "who can reach an object, by which derivation, who pays", 1, run_who},
    {"holds", "PID", "what a process can reach: capabilities and mappings", 1, run_holds},
    {NULL, NULL, NULL, 0, NULL},
};
