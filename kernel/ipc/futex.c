/* Futexes. A waiter is in its bucket before the word is read, and a waker writes the word before it
 * looks into the bucket. */
#include "ipc/futex.h"

#include "mm/user_copy.h"
#include "sched/sched.h"

#define BUCKETS    256u
#define WAKE_LIMIT 64u

struct bucket {
    struct spinlock lock;
    struct list waiters;
};

KERNEL_STATE static struct bucket buckets[BUCKETS];

static const struct wait_ops futex_ops = {.kind = THREAD_STATE_WAITING, .abort = wait_abort_status};

void futex_init(void)
{
    for (u32 i = 0; i < BUCKETS; i++) {
        spinlock_init(&buckets[i].lock, RANK_IPC);
        list_init(&buckets[i].waiters);
    }
}

static struct bucket *bucket_of(const struct memory_word *word)
{
    /* SAFETY: the address is a number to hash, never followed. */
    u64 hash = ((u64)(uintptr_t)word->object >> 6) ^ word->offset >> 2;
    hash *= 0x9e3779b97f4a7c15ull; /* 2^64 over the golden ratio: spreads to the top bits */
    return &buckets[hash >> 56];
}

void futex_wait(struct thread *thread, u64 address, u32 expected, u64 deadline_ns)
{
    u32 value;
    /* Brings the page in; the read that counts comes under the lock, where no fault can be
     * resolved. */
    enum status status = user_load_u32(user_ptr(address), &value);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    struct memory_word word;
    if (!vspace_word(thread->vspace, address, &word)) {
        thread_set_status(thread, STATUS_BAD_ADDRESS);
        return;
    }
    struct bucket *bucket = bucket_of(&word);
    spin_lock(&bucket->lock);
    /* SAFETY: an aligned word of the loaded space, below USER_END as user_load_u32 has found. */
    if (!arch_user_load_u32(user_ptr(address), &value)) {
        thread_set_status(thread, STATUS_BAD_ADDRESS);
    } else if (value != expected) {
        thread_set_status(thread, STATUS_WOULD_BLOCK);
    } else {
        thread->futex = word;
        thread_set_status(thread, STATUS_OK);
        wait_prepare(thread);
        wait_begin(thread, &bucket->lock, &bucket->waiters, &futex_ops, NULL, deadline_ns);
    }
    spin_unlock(&bucket->lock);
}

static struct thread *take_waiter(struct bucket *bucket, const struct memory_word *word)
{
    struct thread *found = NULL;
    spin_lock(&bucket->lock);
    LIST_FOREACH (link, &bucket->waiters) {
        struct thread *thread = LIST_ENTRY(link, struct thread, wait_link);
        if (thread->futex.object == word->object && thread->futex.offset == word->offset) {
            wait_end(thread);
            found = thread;
            break;
        }
    }
    spin_unlock(&bucket->lock);
    return found;
}

u32 futex_wake(struct vspace *vspace, u64 address, u32 limit)
{
    struct memory_word word;
    u32 woken = 0;
    if (!vspace_word(vspace, address, &word))
        return 0;
    struct bucket *bucket = bucket_of(&word);
    if (limit > WAKE_LIMIT)
        limit = WAKE_LIMIT;
    while (woken < limit) {
        struct thread *thread = take_waiter(bucket, &word);
        if (!thread)
            break;
        sched_wake(thread);
        woken++;
    }
    return woken;
}
