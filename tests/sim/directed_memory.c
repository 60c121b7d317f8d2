/* Directed programs: memory, and the kernel's reading and writing of it. */
#include "directed.h"

#include "mm/memory.h"
#include "proc/process.h"

#define RW         (MAP_READ | MAP_WRITE)
#define FREE_PLACE 0x30000000ull

static u64 status_of_map(struct actor *actor, u64 memory, u64 address, u64 offset, u64 size,
                         u64 flags)
{
    return call(actor, CALL(map, memory, W(0, address, offset, size, flags)));
}

static u64 map(struct actor *actor, u64 memory, u64 size, u64 flags)
{
    return CHECK_EQ(status_of_map(actor, memory, 0, 0, size, flags), STATUS_OK)
               ? result_word(actor, 0)
               : 0;
}

SCENARIO(a_mapping_shows_what_the_capability_reaches)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 4 * PAGE_SIZE);
    u64 all = map(init, memory, 4 * PAGE_SIZE, RW | MAP_EAGER);
    for (u64 i = 0; i < 4; i++) {
        CHECK(peek_is_mapped(init->thread->vspace, all + i * PAGE_SIZE, ACCESS_WRITE));
        u64 mark = 0x1000 + i;
        poke(init, all + i * PAGE_SIZE, &mark, sizeof(mark));
    }
    struct call narrow = CALL(derive, memory, W(~0ull, 0, TIME_NEVER, PAGE_SIZE, 2 * PAGE_SIZE, 0));
    CHECK_EQ(call(init, narrow), STATUS_OK);
    u64 middle = result_word(init, 0), seen;
    CHECK_EQ(status_of_map(init, middle, 0, PAGE_SIZE, PAGE_SIZE, MAP_READ), STATUS_OK);
    u64 there = result_word(init, 0);
    CHECK(!peek_is_mapped(init->thread->vspace, there, ACCESS_READ)); /* on first touch */
    CHECK(touch(init, there, ACCESS_READ));
    peek(init, there, &seen, sizeof(seen));
    CHECK_EQ(seen, 0x1002);
    CHECK_EQ(status_of_map(init, middle, 0, PAGE_SIZE, 2 * PAGE_SIZE, MAP_READ),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(status_of_map(init, middle, 0, 3 * PAGE_SIZE, PAGE_SIZE, MAP_READ),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(status_of_map(init, middle, 0, 2 * PAGE_SIZE, PAGE_SIZE, MAP_READ),
             STATUS_BAD_ARGUMENT);
    CHECK_EQ(status_of_map(init, middle, 0, 0, 2 * PAGE_SIZE, MAP_READ), STATUS_OK);
}

SCENARIO(a_mapping_needs_the_rights_of_its_access)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGE_SIZE);
    static const struct {
        u64 rights, flags;
        enum status status;
    } tries[] = {
        {RIGHT_READ, MAP_READ, STATUS_OK},
        {RIGHT_WRITE | RIGHT_EXECUTE, MAP_READ, STATUS_MISSING_RIGHT},
        {RIGHT_READ | RIGHT_WRITE, RW, STATUS_OK},
        {RIGHT_READ | RIGHT_EXECUTE, RW, STATUS_MISSING_RIGHT},
        {RIGHT_READ, RW | MAP_PRIVATE, STATUS_OK},
        {RIGHT_WRITE, RW | MAP_PRIVATE, STATUS_MISSING_RIGHT},
        {RIGHT_READ | RIGHT_EXECUTE, MAP_READ | MAP_EXECUTE, STATUS_OK},
        {RIGHT_READ | RIGHT_WRITE, MAP_READ | MAP_EXECUTE, STATUS_MISSING_RIGHT},
        {RIGHT_READ, 0, STATUS_BAD_ARGUMENT},
        {RIGHT_READ, MAP_READ | 1024, STATUS_BAD_ARGUMENT},
        {RIGHTS_MEMORY, RW | MAP_EXECUTE, STATUS_BAD_ARGUMENT},
    };
    for (u32 i = 0; i < ARRAY_SIZE(tries); i++) {
        u64 limited = derive(init, memory, tries[i].rights, 0);
        CHECK_EQ(status_of_map(init, limited, 0, 0, PAGE_SIZE, tries[i].flags), tries[i].status);
    }
    static const struct {
        u64 address, offset, size, flags;
    } bad[] = {
        {8, 0, PAGE_SIZE, MAP_READ},
        {0, 8, PAGE_SIZE, MAP_READ},
        {0, 0, 8, MAP_READ},
        {0, 0, 0, MAP_READ},
        {0, 0, PAGE_SIZE, MAP_READ | MAP_FIXED},
        {0, 0, 2 * PAGE_SIZE + 8, MAP_READ},
        {0, 4 * PAGE_SIZE, PAGE_SIZE, MAP_READ},
        {0, 0, 5 * PAGE_SIZE, MAP_READ},
        {0, 0, PAGE_SIZE, MAP_PRIVATE},
        {0, 0, PAGE_SIZE, MAP_EAGER},
        {FREE_PLACE, 0, PAGE_SIZE, MAP_FIXED},
    };
    memory = make_memory(init, 4 * PAGE_SIZE);
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_EQ(
            status_of_map(init, memory, bad[i].address, bad[i].offset, bad[i].size, bad[i].flags),
            STATUS_BAD_ARGUMENT);
    CHECK_EQ(status_of_map(init, make_endpoint(init, 0, 0), 0, 0, PAGE_SIZE, MAP_READ),
             STATUS_WRONG_TYPE);
}

SCENARIO(a_taken_address_is_a_wish_unless_fixed)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGE_SIZE);
    CHECK_EQ(status_of_map(init, memory, FREE_PLACE, 0, PAGE_SIZE, RW | MAP_FIXED), STATUS_OK);
    CHECK_EQ(result_word(init, 0), FREE_PLACE);
    CHECK_EQ(status_of_map(init, memory, FREE_PLACE, 0, PAGE_SIZE, RW | MAP_FIXED), STATUS_EXISTS);
    CHECK_EQ(status_of_map(init, memory, FREE_PLACE, 0, PAGE_SIZE, RW), STATUS_OK);
    CHECK(result_word(init, 0) != FREE_PLACE);
}

SCENARIO(protect_stays_within_what_the_capability_allowed)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGE_SIZE);
    static const struct {
        u64 rights, flags, wanted;
        enum status status;
        u32 touched;
    } tries[] = {
        {RIGHT_READ, MAP_READ, RW, STATUS_MISSING_RIGHT, 0},
        {RIGHT_READ | RIGHT_WRITE, MAP_READ, RW, STATUS_OK, ACCESS_WRITE},
        {RIGHT_READ | RIGHT_WRITE, RW, MAP_READ | MAP_EXECUTE, STATUS_MISSING_RIGHT, 0},
        {RIGHT_READ | RIGHT_EXECUTE, MAP_READ, MAP_READ | MAP_EXECUTE, STATUS_OK, ACCESS_EXECUTE},
        {RIGHT_READ, MAP_READ | MAP_PRIVATE, RW, STATUS_OK, ACCESS_WRITE},
        {RIGHT_WRITE, MAP_WRITE, RW, STATUS_MISSING_RIGHT, 0},
        {RIGHTS_MEMORY, RW, MAP_WRITE | MAP_EXECUTE, STATUS_BAD_ARGUMENT, 0},
        {RIGHTS_MEMORY, RW, 8, STATUS_BAD_ARGUMENT, 0},
    };
    for (u32 i = 0; i < ARRAY_SIZE(tries); i++) {
        u64 limited = derive(init, memory, tries[i].rights, 0);
        u64 address = map(init, limited, PAGE_SIZE, tries[i].flags);
        u32 references = init->thread->process->object.references;
        struct call change = CALL(protect, 0, W(0, address, PAGE_SIZE, 0, tries[i].wanted));
        CHECK_EQ(call(init, change), tries[i].status);
        CHECK_EQ(init->thread->process->object.references, references);
        if (tries[i].touched)
            CHECK(touch(init, address, tries[i].touched));
    }
    u64 address = map(init, memory, PAGE_SIZE, RW | MAP_EAGER);
    CHECK_EQ(call(init, CALL(protect, 0, W(0, address, PAGE_SIZE, 0, MAP_READ))), STATUS_OK);
    CHECK(!peek_is_mapped(init->thread->vspace, address, ACCESS_WRITE));
}

SCENARIO(unmap_takes_the_pages_away)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 4 * PAGE_SIZE);
    u64 address = map(init, memory, 4 * PAGE_SIZE, RW | MAP_EAGER);
    struct call middle = CALL(unmap, 0, W(0, address + PAGE_SIZE, 2 * PAGE_SIZE));
    CHECK_EQ(call(init, middle), STATUS_OK);
    for (u64 i = 0; i < 4; i++)
        CHECK_EQ(peek_is_mapped(init->thread->vspace, address + i * PAGE_SIZE, ACCESS_READ),
                 i == 0 || i == 3);
    u32 references = init->thread->process->object.references;
    CHECK_EQ(call(init, middle), STATUS_NOT_FOUND);
    static const struct {
        u64 address, size;
    } bad[] = {{8, PAGE_SIZE},        {USER_START, 0},
               {USER_START, 8},       {USER_START - PAGE_SIZE, PAGE_SIZE},
               {USER_END, PAGE_SIZE}, {USER_END - PAGE_SIZE, 2 * PAGE_SIZE},
               {USER_START, USER_END}};
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_EQ(call(init, CALL(unmap, 0, W(0, bad[i].address, bad[i].size))),
                 STATUS_BAD_ARGUMENT);
        CHECK_EQ(call(init, CALL(protect, 0, W(0, bad[i].address, bad[i].size, 0, MAP_READ))),
                 STATUS_BAD_ARGUMENT);
    }
    CHECK_EQ(init->thread->process->object.references, references);
    CHECK_EQ(call(init, CALL(unmap, 0, W(0, USER_END - PAGE_SIZE, PAGE_SIZE))), STATUS_NOT_FOUND);
    CHECK_EQ(call(init, CALL(unmap, 0, W(0, USER_START, PAGE_SIZE))), STATUS_NOT_FOUND);
}

/* When protect returns, no CPU can write any more, whatever its TLB held. */
SCENARIO(protection_reaches_other_cpus)
{
    struct actor *init = directed_init();
    for (u32 unmaps = 0; unmaps < 2; unmaps++) {
        struct child child = spawn(init, NULL, 0);
        u64 handle, address = scratch(child.main, 1);
        struct actor *second = new_thread(child.main, child.self, &handle);
        pin(init, child.thread, 1);
        pin(child.main, handle, 2);
        CHECK(touch(second, address, ACCESS_WRITE));
        CHECK(touch(child.main, address, ACCESS_WRITE));
        struct call call_off = unmaps ? CALL(unmap, 0, W(0, address, PAGE_SIZE))
                                      : CALL(protect, 0, W(0, address, PAGE_SIZE, 0, MAP_READ));
        CHECK_EQ(call(child.main, call_off), STATUS_OK);
        CHECK(!touch(second, address, ACCESS_WRITE));
        CHECK_EQ(call(init, CALL(wait, child.process, .deadline = FOREVER)), STATUS_OK);
        CHECK_EQ(result_word(init, 0), EXIT_FAULT | (u64)FAULT_PAGE_WRITE << 32);
    }
}

SCENARIO(another_process_is_mapped_into_by_capability)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 memory = make_memory(init, PAGE_SIZE);
    struct call into =
        CALL(map, memory, W(child.process, FREE_PLACE, 0, PAGE_SIZE, RW | MAP_FIXED | MAP_EAGER));
    CHECK_EQ(call(init, into), STATUS_OK);
    CHECK(peek_is_mapped(child.main->thread->vspace, FREE_PLACE, ACCESS_WRITE));
    CHECK(!peek_is_mapped(init->thread->vspace, FREE_PLACE, ACCESS_READ));
    u64 powerless = derive(init, child.process, ~(u64)RIGHT_MAP, 0);
    into.w[0] = powerless;
    CHECK_EQ(call(init, into), STATUS_MISSING_RIGHT);
    CHECK_EQ(call(init, CALL(unmap, 0, W(powerless, FREE_PLACE, PAGE_SIZE))), STATUS_MISSING_RIGHT);
    into.w[0] = memory;
    CHECK_EQ(call(init, into), STATUS_WRONG_TYPE);
    struct call readonly = CALL(protect, 0, W(child.process, FREE_PLACE, PAGE_SIZE, 0, MAP_READ));
    CHECK_EQ(call(init, readonly), STATUS_OK);
    CHECK(!peek_is_mapped(child.main->thread->vspace, FREE_PLACE, ACCESS_WRITE));
    CHECK_EQ(call(init, CALL(unmap, 0, W(child.process, FREE_PLACE, PAGE_SIZE))), STATUS_OK);
    CHECK(!peek_is_mapped(child.main->thread->vspace, FREE_PLACE, ACCESS_READ));
}

SCENARIO(eager_memory_is_there_or_not_at_all)
{
    struct actor *init = directed_init();
    struct group_limits limits = no_limits();
    limits.limit[GROUP_MEMORY_FRAMES] = 140;
    u64 group = make_group(init, init_cap(INIT_CAP_GROUP), &limits);
    struct call create = CALL(create_memory, group, W(100 * PAGE_SIZE, MEMORY_EAGER));
    CHECK_EQ(call(init, create), STATUS_OK);
    u64 memory = result_word(init, 0);
    const struct cap_slot *slot = peek_slot(init->thread->space, memory);
    CHECK(memory_of(slot->object)->resident >= 100); /* and a table */
    CHECK_EQ(call(init, create), STATUS_GROUP_LIMIT);
    pass_time(20000000);
    struct group_usage usage;
    CHECK_EQ(call(init, CALL(group_info, group, W(scratch(init, 2)))), STATUS_OK);
    peek(init, scratch(init, 2), &usage, sizeof(usage));
    CHECK(usage.used[GROUP_MEMORY_FRAMES] >= 100 && usage.used[GROUP_MEMORY_FRAMES] < 140);
    CHECK_EQ(status_of_close(init, memory), STATUS_OK);
    pass_time(20000000);
    CHECK_EQ(call(init, create), STATUS_OK);
    CHECK_EQ(call(init, CALL(create_memory, group, W(PAGE_SIZE, 4))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(create_memory, group, W(0, 0))), STATUS_BAD_ARGUMENT);
    CHECK_EQ(call(init, CALL(create_memory, group, W(4 * PAGE_SIZE, MEMORY_CONTIGUOUS))),
             STATUS_OK);
    slot = peek_slot(init->thread->space, result_word(init, 0));
    CHECK_EQ(memory_of(slot->object)->kind, MEMORY_CONTIGUOUS_RUN);
}

SCENARIO(mapping_eagerly_without_memory_leaves_the_rest_for_later)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 4 * PAGE_SIZE);
    fail_allocation(3);
    u64 address = map(init, memory, 4 * PAGE_SIZE, RW | MAP_EAGER);
    CHECK(allocation_failed());
    for (u64 i = 0; i < 4; i++)
        CHECK(touch(init, address + i * PAGE_SIZE, ACCESS_WRITE));
}

SCENARIO(memory_that_is_revoked_is_gone_from_every_space)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 memory = make_memory(init, 2 * PAGE_SIZE);
    u64 lent = derive(init, memory, ~0ull, 0);
    struct call into =
        CALL(map, lent, W(child.process, FREE_PLACE, 0, 2 * PAGE_SIZE, RW | MAP_FIXED));
    CHECK_EQ(call(init, into), STATUS_OK);
    CHECK(touch(child.main, FREE_PLACE, ACCESS_WRITE));
    u64 mine = map(init, memory, 2 * PAGE_SIZE, RW | MAP_EAGER);
    CHECK_EQ(status_of_revoke(init, lent), STATUS_OK);
    CHECK(!peek_is_mapped(child.main->thread->vspace, FREE_PLACE, ACCESS_READ));
    CHECK(peek_is_mapped(init->thread->vspace, mine, ACCESS_WRITE));
    CHECK_EQ(status_of_map(init, lent, 0, 0, PAGE_SIZE, RW), STATUS_OK); /* itself it is good */
    CHECK_EQ(status_of_revoke(init, memory), STATUS_OK);
    CHECK(!peek_is_mapped(init->thread->vspace, mine, ACCESS_READ));
    CHECK(!touch(child.main, FREE_PLACE, ACCESS_READ));
    CHECK_EQ(call(init, CALL(wait, child.process, .deadline = FOREVER)), STATUS_OK);
    CHECK_EQ(result_word(init, 0), EXIT_FAULT | (u64)FAULT_PAGE_READ << 32);
    CHECK_EQ(result_word(init, 2), FREE_PLACE);
}

/* --- The kernel's own access --------------------------------------------------------------------
 */

SCENARIO(user_pointers_are_checked)
{
    struct actor *init = directed_init();
    static const u64 bad[] = {0,
                              8,
                              USER_START - 8,
                              FREE_PLACE,
                              USER_END - 8,
                              USER_END,
                              0xffff800000000000ull,
                              0xfffffffffffff000ull,
                              UINT64_MAX,
                              SIM_DIRECT_MAP};
    u64 group = init_cap(INIT_CAP_GROUP), machine = init_cap(INIT_CAP_MACHINE);
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_EQ(call(init, CALL(spawn, group, W(bad[i]))), STATUS_BAD_ADDRESS);
        CHECK_EQ(call(init, CALL(create_resource_group, group, W(bad[i]))), STATUS_BAD_ADDRESS);
        CHECK_EQ(call(init, CALL(group_info, group, W(bad[i]))), STATUS_BAD_ADDRESS);
        CHECK_EQ(call(init, CALL(process_list, machine, W(bad[i], 1, 0))), STATUS_BAD_ADDRESS);
        for (u64 topic = MACHINE_INFO_MEMORY; topic <= MACHINE_INFO_NODES; topic++)
            CHECK_EQ(call(init, CALL(machine_info, machine, W(topic, bad[i], PAGE_SIZE))),
                     STATUS_BAD_ADDRESS);
        enum status status = bad[i] % 4 ? STATUS_BAD_ARGUMENT : STATUS_BAD_ADDRESS;
        CHECK_EQ(call(init, CALL(futex_wait, 0, W(bad[i], 0), .deadline = FOREVER)), status);
        CHECK_EQ(call(init, CALL(futex_wake, 0, W(bad[i], 1))), STATUS_OK);
        CHECK_EQ(result_word(init, 0), 0);
    }
}

static bool is_shortage(u64 status)
{
    return status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT;
}

SCENARIO(the_kernel_brings_pages_in_as_their_owner_would)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 3 * PAGE_SIZE);
    u64 place = map(init, memory, 3 * PAGE_SIZE, RW);
    struct call info = CALL(group_info, init_cap(INIT_CAP_GROUP), W(place + PAGE_SIZE - 64));
    CHECK_EQ(call(init, info), STATUS_OK); /* two pages, none there before */
    struct group_usage usage;
    peek(init, place + PAGE_SIZE - 64, &usage, sizeof(usage));
    CHECK_EQ(usage.limit[0], GROUP_NO_LIMIT);
    CHECK(usage.name[0] == 'r');
    CHECK_EQ(call(init, CALL(futex_wait, 0, W(place + 2 * PAGE_SIZE, 1), .deadline = FOREVER)),
             STATUS_WOULD_BLOCK);
    /* Not writable: reading is allowed, writing is not. */
    u64 readonly = map(init, memory, PAGE_SIZE, MAP_READ);
    CHECK_EQ(call(init, CALL(futex_wait, 0, W(readonly, 7), .deadline = FOREVER)),
             STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(group_info, init_cap(INIT_CAP_GROUP), W(readonly))),
             STATUS_BAD_ADDRESS);
    u64 blind = map(init, memory, PAGE_SIZE, MAP_EXECUTE);
    CHECK_EQ(call(init, CALL(group_info, init_cap(INIT_CAP_GROUP), W(blind))), STATUS_BAD_ADDRESS);
    /* A private page is copied for the kernel's write. */
    u64 private = map(init, memory, PAGE_SIZE, MAP_READ | MAP_WRITE | MAP_PRIVATE);
    CHECK_EQ(call(init, CALL(group_info, init_cap(INIT_CAP_GROUP), W(private))), STATUS_OK);
    /* Without memory it says so. */
    u64 fresh = map(init, make_memory(init, PAGE_SIZE), PAGE_SIZE, RW);
    fail_allocation(1);
    CHECK(is_shortage(call(init, CALL(group_info, init_cap(INIT_CAP_GROUP), W(fresh)))));
    CHECK(allocation_failed());
    fail_allocation(1);
    CHECK(is_shortage(call(init, CALL(futex_wait, 0, W(fresh, 1), .deadline = FOREVER))));
    CHECK(allocation_failed());
    struct group_limits limits = no_limits();
    fail_allocation(1);
    CHECK(is_shortage(call(init, CALL(create_resource_group, init_cap(INIT_CAP_GROUP), W(fresh)))));
    CHECK(allocation_failed());
    CHECK(make_group(init, init_cap(INIT_CAP_GROUP), &limits) != 0);
}

/* --- Futexes ------------------------------------------------------------------------------------
 */

SCENARIO(a_futex_wakes_as_many_as_it_is_told)
{
    struct actor *init = directed_init();
    struct actor *waiters[4];
    u64 word = scratch(init, 2), other = word + 4;
    for (u32 i = 0; i < 4; i++) {
        waiters[i] = new_thread(init, init_self(), NULL);
        CHECK(start(waiters[i],
                    CALL(futex_wait, 0, W(i < 3 ? word : other, 0), .deadline = FOREVER)));
        CHECK(is_blocked(waiters[i]));
    }
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(word, 0))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 0);
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(word, 2))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 2);
    CHECK(!is_blocked(waiters[0]) && !is_blocked(waiters[1]) && is_blocked(waiters[2]));
    CHECK_EQ(finish(waiters[0]), STATUS_OK);
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(word, 1ull << 32))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 1);
    CHECK(is_blocked(waiters[3])); /* another word of the same page */
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(other, 9))), STATUS_OK);
    CHECK_EQ(finish(waiters[3]), STATUS_OK);
    u64 soon = sim_now_ns() + 2000000;
    CHECK_EQ(call(init, CALL(futex_wait, 0, W(word, 0), .deadline = soon)), STATUS_TIMED_OUT);
    CHECK_EQ(call(init, CALL(futex_wait, 0, W(word, 1), .deadline = soon)), STATUS_WOULD_BLOCK);
    CHECK_EQ(call(init, CALL(futex_wait, 0, W(word + 1, 0), .deadline = soon)),
             STATUS_BAD_ARGUMENT);
}

/* Words share buckets; a waker of another word finds nobody. */
SCENARIO(no_other_word_wakes_a_futex_waiter)
{
    struct actor *init = directed_init();
    struct actor *waiter = new_thread(init, init_self(), NULL);
    u64 page = scratch(init, 2);
    CHECK(start(waiter, CALL(futex_wait, 0, W(page, 0), .deadline = FOREVER)));
    for (u64 word = page + 4; word < page + PAGE_SIZE; word += 4) {
        CHECK_EQ(call(init, CALL(futex_wake, 0, W(word, 1))), STATUS_OK);
        CHECK_EQ(result_word(init, 0), 0);
    }
    CHECK(is_blocked(waiter));
}

/* The same word of another object is another word. There are more objects than a 16th of the
 * buckets, so that some of them share one. */
SCENARIO(the_same_place_in_other_memory_wakes_no_futex_waiter)
{
    struct actor *init = directed_init();
    u64 pages[64];
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = map(init, make_memory(init, PAGE_SIZE), PAGE_SIZE, RW);
        struct actor *waiter = new_thread(init, init_self(), NULL);
        CHECK(start(waiter, CALL(futex_wait, 0, W(pages[i], 0), .deadline = FOREVER)));
    }
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
        CHECK_EQ(call(init, CALL(futex_wake, 0, W(pages[i], 9))), STATUS_OK);
        CHECK_EQ(result_word(init, 0), 1);
    }
}

SCENARIO(a_futex_is_shared_with_the_memory)
{
    struct actor *init = directed_init();
    struct child child = spawn(init, NULL, 0);
    u64 memory = make_memory(init, 2 * PAGE_SIZE);
    u64 mine = map(init, memory, 2 * PAGE_SIZE, RW);
    struct call into =
        CALL(map, memory, W(child.process, FREE_PLACE, PAGE_SIZE, PAGE_SIZE, RW | MAP_FIXED));
    CHECK_EQ(call(init, into), STATUS_OK);
    CHECK(start(child.main, CALL(futex_wait, 0, W(FREE_PLACE + 8, 0), .deadline = FOREVER)));
    CHECK(is_blocked(child.main));
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(mine + 8, 1))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 0);
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(mine + PAGE_SIZE + 8, 1))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 1);
    CHECK_EQ(finish(child.main), STATUS_OK);
}

SCENARIO(more_waiters_than_one_wake_takes)
{
    struct actor *init = directed_init();
    u64 word = scratch(init, 2);
    for (u32 i = 0; i < 66; i++) {
        struct actor *waiter = new_thread(init, init_self(), NULL);
        CHECK(start(waiter, CALL(futex_wait, 0, W(word, 0), .deadline = FOREVER)));
    }
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(word, 1000))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 64);
    CHECK_EQ(call(init, CALL(futex_wake, 0, W(word, 1000))), STATUS_OK);
    CHECK_EQ(result_word(init, 0), 2);
}
