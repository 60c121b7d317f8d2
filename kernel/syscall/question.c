/* System calls that answer questions: who waits for whom, who can reach what. */
#include "mm/user_copy.h"
#include "syscall/syscall.h"

#define CHUNK 8u /* entries of one call */

/* The call's arguments that both have. */
static u32 limit_of(const struct thread *thread)
{
    return arg(thread, 1) < CHUNK ? (u32)arg(thread, 1) : CHUNK;
}

void syscall_why(struct thread *thread)
{
    struct cap_ref ref;
    struct why_entry entries[CHUNK];
    u32 count = 0;
    enum status status = syscall_lookup(thread, OBJECT_MACHINE, RIGHT_PROCESS_LIST, &ref);
    if (status == STATUS_OK)
        status = process_why(arg(thread, 2), arg(thread, 3), entries, limit_of(thread), &count);
    if (status == STATUS_OK)
        status = user_write(user_ptr(arg(thread, 0)), entries, count * sizeof(entries[0]));
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        set_result(thread, 0, count);
}

void syscall_who(struct thread *thread)
{
    struct cap_ref ref;
    struct who_entry entries[CHUNK];
    u32 count = 0;
    u64 topic = arg(thread, 3), from = arg(thread, 4);
    enum status status = syscall_lookup(thread, OBJECT_MACHINE, RIGHT_PROCESS_LIST, &ref);
    if (status == STATUS_OK && topic > WHO_MAPPINGS)
        status = STATUS_BAD_ARGUMENT;
    if (status == STATUS_OK)
        status = process_who(arg(thread, 2), (enum who_topic)topic, &from, entries,
                             limit_of(thread), &count);
    if (status == STATUS_OK)
        status = user_write(user_ptr(arg(thread, 0)), entries, count * sizeof(entries[0]));
    thread_set_status(thread, status);
    if (status == STATUS_OK) {
        set_result(thread, 0, count);
        set_result(thread, 1, from);
    }
}
