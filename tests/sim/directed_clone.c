/* Directed programs: copy-on-write copies of memory objects. */
#include "directed.h"

#include "mm/memory.h"
#include "proc/process.h"

#define GROUP init_cap(INIT_CAP_GROUP)
#define RW    (MAP_READ | MAP_WRITE)
#define PAGES 80u /* more than are shared, or given back, in two slices */

static struct call clone_of(u64 memory, u64 offset, u64 size)
{
    return (struct call)CALL(clone_memory, GROUP, W(memory, offset, size));
}

static u64 clone(struct actor *actor, u64 memory, u64 offset, u64 size)
{
    return CHECK_EQ(call(actor, clone_of(memory, offset, size)), STATUS_OK) ? result_word(actor, 0)
                                                                            : 0;
}

static u64 map(struct actor *actor, u64 memory, u64 size)
{
    CHECK_EQ(call(actor, CALL(map, memory, W(0, 0, 0, size, RW))), STATUS_OK);
    return result_word(actor, 0);
}

/* One page for each number, with that number in it. */
static void mark(struct actor *actor, u64 address, u64 first)
{
    for (u64 i = 0; i < PAGES; i++) {
        u64 value = first + i;
        CHECK(touch(actor, address + i * PAGE_SIZE, ACCESS_WRITE));
        poke(actor, address + i * PAGE_SIZE, &value, sizeof(value));
    }
}

static u64 word_at(struct actor *actor, u64 address)
{
    u64 value = 0;
    CHECK(touch(actor, address, ACCESS_READ));
    peek(actor, address, &value, sizeof(value));
    return value;
}

SCENARIO(a_clone_has_what_was_there_and_goes_its_own_way)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGES * PAGE_SIZE);
    u64 place = map(init, memory, PAGES * PAGE_SIZE);
    mark(init, place, 100);
    u64 copy = clone(init, memory, 0, PAGES * PAGE_SIZE);
    CHECK_EQ(status_of(init, copy), STATUS_OK);
    CHECK_EQ(result_word(init, 0) >> 32 & RIGHTS_MEMORY, RIGHTS_MEMORY);
    CHECK_EQ(result_word(init, 3), PAGES * PAGE_SIZE);
    CHECK(!peek_is_mapped(init->thread->vspace, place, ACCESS_WRITE));
    u64 there = map(init, copy, PAGES * PAGE_SIZE);
    mark(init, place, 500);
    for (u64 i = 0; i < PAGES; i++)
        CHECK_EQ(word_at(init, there + i * PAGE_SIZE), 100 + i);
    mark(init, there, 900);
    for (u64 i = 0; i < PAGES; i++)
        CHECK_EQ(word_at(init, place + i * PAGE_SIZE), 500 + i);
    /* A part of a part: the offset counts from where the capability begins. */
    struct call narrow = CALL(derive, memory, W(~0ull, 0, TIME_NEVER, PAGE_SIZE, 4 * PAGE_SIZE, 0));
    CHECK_EQ(call(init, narrow), STATUS_OK);
    u64 part = clone(init, result_word(init, 0), 2 * PAGE_SIZE, 2 * PAGE_SIZE);
    u64 beside = map(init, part, 2 * PAGE_SIZE);
    CHECK_EQ(word_at(init, beside), 503);
    CHECK_EQ(word_at(init, beside + PAGE_SIZE), 504);
    /* With the source gone the clone is as it was. */
    CHECK_EQ(status_of_close(init, memory), STATUS_OK);
    CHECK_EQ(word_at(init, beside), 503);
}

SCENARIO(what_cannot_be_cloned_is_refused)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 4 * PAGE_SIZE);
    struct call narrow = CALL(derive, memory, W(~0ull, 0, TIME_NEVER, PAGE_SIZE, 2 * PAGE_SIZE, 0));
    CHECK_EQ(call(init, narrow), STATUS_OK);
    u64 part = result_word(init, 0);
    static const struct {
        u64 offset, size;
    } bad[] = {
        {0, 0},
        {8, PAGE_SIZE},
        {0, PAGE_SIZE + 8},
        {0, 3 * PAGE_SIZE},
        {PAGE_SIZE, 2 * PAGE_SIZE},
        {3 * PAGE_SIZE, PAGE_SIZE},
        {2 * PAGE_SIZE, PAGE_SIZE},
        {PAGE_SIZE, 0ull - PAGE_SIZE},
        {0ull - PAGE_SIZE, 2 * PAGE_SIZE},
    };
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_EQ(call(init, clone_of(part, bad[i].offset, bad[i].size)), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, clone_of(part, PAGE_SIZE, PAGE_SIZE)), STATUS_OK);
    u64 unreadable = derive(init, memory, RIGHTS_MEMORY & ~(u64)RIGHT_READ, 0);
    CHECK_EQ(call(init, clone_of(unreadable, 0, PAGE_SIZE)), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, clone_of(GROUP, 0, PAGE_SIZE)), STATUS_WRONG_TYPE);
    CHECK_EQ(call(init, clone_of(0, 0, PAGE_SIZE)), STATUS_BAD_HANDLE);
    CHECK_EQ(call(init, CALL(clone_memory, memory, W(memory, 0, PAGE_SIZE))), STATUS_WRONG_TYPE);
    u64 poor = derive(init, GROUP, ~(u64)RIGHT_CREATE_MEMORY, 0);
    CHECK_EQ(call(init, CALL(clone_memory, poor, W(memory, 0, PAGE_SIZE))), STATUS_MISSING_RIGHT);
    struct call contiguous = CALL(create_memory, GROUP, W(PAGE_SIZE, MEMORY_CONTIGUOUS));
    CHECK_EQ(call(init, contiguous), STATUS_OK);
    CHECK_EQ(call(init, clone_of(result_word(init, 0), 0, PAGE_SIZE)), STATUS_NOT_SUPPORTED);
    struct call eager = CALL(create_memory, GROUP, W(PAGE_SIZE, MEMORY_EAGER));
    CHECK_EQ(call(init, eager), STATUS_OK);
    CHECK_EQ(call(init, clone_of(result_word(init, 0), 0, PAGE_SIZE)), STATUS_OK);
    CHECK_EQ(status_of_revoke(init, memory), STATUS_OK);
    CHECK_EQ(call(init, clone_of(part, PAGE_SIZE, PAGE_SIZE)), STATUS_REVOKED);
}

/* Whatever allocation fails, nothing is left of the clone, and the source is as it was. */
SCENARIO(a_clone_without_memory_changes_nothing)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGES * PAGE_SIZE);
    u64 place = map(init, memory, PAGES * PAGE_SIZE);
    mark(init, place, 100);
    u32 refused = 0;
    bool failed = true;
    for (u64 n = 1; failed && !directed_failed(); n++) {
        u32 used = init->thread->space->used_count;
        fail_allocation(n);
        u64 status = call(init, clone_of(memory, 0, PAGES * PAGE_SIZE));
        failed = allocation_failed();
        if (status == STATUS_OK) {
            CHECK_EQ(status_of_close(init, result_word(init, 0)), STATUS_OK);
        } else {
            CHECK(status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT);
            refused++;
        }
        pass_time(20000000);
        CHECK_EQ(init->thread->space->used_count, used);
    }
    CHECK(refused > 2);
    for (u64 i = 0; i < PAGES; i++)
        CHECK_EQ(word_at(init, place + i * PAGE_SIZE), 100 + i);
}

/* The pages are charged one by one: a limit is met in the middle. */
SCENARIO(a_clone_that_is_too_much_for_its_group_changes_nothing)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGES * PAGE_SIZE);
    mark(init, map(init, memory, PAGES * PAGE_SIZE), 100);
    struct group_limits limits = no_limits();
    limits.limit[GROUP_MEMORY_FRAMES] = PAGES - 8;
    u64 group = make_group(init, GROUP, &limits);
    struct call all = CALL(clone_memory, group, W(memory, 0, PAGES * PAGE_SIZE));
    struct call half = CALL(clone_memory, group, W(memory, 0, PAGES / 2 * PAGE_SIZE));
    for (u32 i = 0; i < 3; i++) {
        CHECK_EQ(call(init, all), STATUS_GROUP_LIMIT);
        pass_time(20000000);
    }
    CHECK_EQ(call(init, half), STATUS_OK);
    CHECK_EQ(call(init, CALL(group_info, group, W(scratch(init, 2)))), STATUS_OK);
    struct group_usage usage;
    peek(init, scratch(init, 2), &usage, sizeof(usage));
    CHECK(usage.used[GROUP_MEMORY_FRAMES] >= PAGES / 2);
    CHECK(usage.used[GROUP_MEMORY_FRAMES] <= PAGES - 8);
}
