/* What the attacks share. */
#include "attack.h"

u64 dice_next(struct dice *dice)
{
    u64 z = dice->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

u64 dice_below(struct dice *dice, u64 limit)
{
    return dice_next(dice) % limit;
}

struct dice dice_for(u64 place)
{
    struct dice dice = {options.seed ^ place * 0xd6e8feb86659fd93ull};

    (void)dice_next(&dice);
    return dice;
}

u32 cpu_count(void)
{
    return start_info_page()->cpu_count;
}

/* A thread's place and what it then does. */
struct placed {
    u64 (*function)(void *);
    void *argument;
    u32 cpu;
};

#define MAX_PLACED 64u
static struct placed placed[MAX_PLACED];
static u32 next_placed;

/* It binds itself: bound from outside it might have run a little elsewhere. */
static u64 run_placed(void *argument)
{
    struct placed *place = argument;
    u64 mask = 1ull << (place->cpu % cpu_count());

    if (kthread_control(thread_self(), THREAD_SET_CPUS, mask) != STATUS_OK)
        test_fail(__FILE__, __LINE__, "cannot bind a thread to CPU %u", place->cpu);
    thread_yield();
    return place->function(place->argument);
}

enum status start_on(u32 cpu, struct thread *thread, u64 (*function)(void *), void *argument)
{
    struct placed *place =
        &placed[__atomic_fetch_add(&next_placed, 1, __ATOMIC_RELAXED) % MAX_PLACED];

    *place = (struct placed){.function = function, .argument = argument, .cpu = cpu};
    return thread_start(thread, run_placed, place, 0);
}

enum status release_on(u32 cpu, const struct process *process)
{
    enum status status =
        kthread_control(process->main_thread, THREAD_SET_CPUS, 1ull << (cpu % cpu_count()));

    return status == STATUS_OK ? kthread_control(process->main_thread, THREAD_START, 0) : status;
}

u64 denials(void)
{
    struct machine_counts counts;

    test_read_counts(&counts);
    return counts.denials;
}

enum status enter(u64 number, u64 handle, const u64 words[8])
{
    struct syscall_frame frame = {
        .number = number, .info = INFO_NONBLOCK, .handle = handle, .deadline = SOON};

    memcpy(frame.words, words, sizeof(frame.words));
    return ferrous_syscall(&frame);
}

bool end_group_empty(group_t group)
{
    struct group_usage usage;
    enum status status = group_destroy(group);
    bool empty = status == STATUS_OK;

    if (empty)
        status = group_usage(group, &usage);
    if (status != STATUS_OK)
        test_fail(__FILE__, __LINE__, "a group cannot be destroyed: %s", status_text(status));
    for (u32 i = 0; empty && i < GROUP_RESOURCE_COUNT; i++) {
        if (status == STATUS_OK && usage.used[i] != 0)
            test_fail(__FILE__, __LINE__, "a destroyed group still uses %llu of resource %u",
                      (unsigned long long)usage.used[i], i);
    }
    (void)cap_close(group.cap);
    return empty && !test_has_failed();
}

struct message_buffer *spare_buffer(void)
{
    /* Pages of its own, so that they are zeros and no copy of the file. */
    static _Alignas(PAGE_SIZE) u8 page[PAGE_SIZE];

    return (void *)page;
}
