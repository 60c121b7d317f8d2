/* Directed programs: pages that are given back. */
#include "directed.h"

#include "mm/memory.h"
#include "proc/process.h"

#include <string.h>

#define RW    (MAP_READ | MAP_WRITE)
#define PAGES 40ull /* more than an object holds without a table, and than one slice frees */

static u64 status_of_discard(struct actor *actor, u64 memory, u64 offset, u64 size)
{
    return call(actor, CALL(discard_memory, memory, W(offset, size)));
}

static u64 map(struct actor *actor, u64 memory, u64 offset, u64 size, u64 flags)
{
    struct call request = CALL(map, memory, W(0, 0, offset, size, flags));
    return CHECK_EQ(call(actor, request), STATUS_OK) ? result_word(actor, 0) : 0;
}

static void write_word(struct actor *actor, u64 address, u64 value)
{
    CHECK(touch(actor, address, ACCESS_WRITE));
    poke(actor, address, &value, sizeof(value));
}

static u64 read_word(struct actor *actor, u64 address)
{
    u64 value = ~0ull;
    CHECK(touch(actor, address, ACCESS_READ));
    peek(actor, address, &value, sizeof(value));
    return value;
}

static u64 user_frames(void)
{
    struct frame_statistics statistics;
    frame_statistics(&statistics);
    return statistics.by_use[FRAME_USER];
}

static u64 frames_charged(struct actor *actor)
{
    struct group_usage usage;
    u64 place = scratch(actor, 1);
    CHECK_EQ(call(actor, CALL(group_info, init_cap(INIT_CAP_GROUP), W(place))), STATUS_OK);
    peek(actor, place, &usage, sizeof(usage));
    return usage.used[GROUP_MEMORY_FRAMES];
}

/* An object of PAGES pages, page n holding 100 + n, and its mapping. */
static u64 make_filled(struct actor *actor, u64 *address)
{
    u64 memory = make_memory(actor, PAGES * PAGE_SIZE);
    *address = map(actor, memory, 0, PAGES * PAGE_SIZE, RW);
    for (u64 i = 0; i < PAGES; i++)
        write_word(actor, *address + i * PAGE_SIZE, 100 + i);
    return memory;
}

SCENARIO(what_is_discarded_is_given_back_and_reads_as_zeros)
{
    struct actor *init = directed_init();
    u64 address;
    u64 memory = make_filled(init, &address);
    u64 again = map(init, memory, 3 * PAGE_SIZE, 2 * PAGE_SIZE, MAP_READ);
    CHECK_EQ(read_word(init, again), 103);
    u64 frames = user_frames(), charged = frames_charged(init);
    CHECK_EQ(status_of_discard(init, memory, PAGE_SIZE, 36 * PAGE_SIZE), STATUS_OK);
    CHECK_EQ(user_frames(), frames - 36);
    CHECK_EQ(frames_charged(init), charged - 36);
    CHECK(!peek_is_mapped(init->thread->vspace, address + PAGE_SIZE, ACCESS_READ));
    CHECK(!peek_is_mapped(init->thread->vspace, again, ACCESS_READ));
    CHECK_EQ(read_word(init, again), 0);
    for (u64 i = 0; i < PAGES; i++)
        CHECK_EQ(read_word(init, address + i * PAGE_SIZE), i >= 1 && i < 37 ? 0 : 100 + i);
    CHECK_EQ(user_frames(), frames);
    CHECK_EQ(status_of_discard(init, memory, 0, PAGES * PAGE_SIZE), STATUS_OK);
    CHECK_EQ(status_of_discard(init, memory, 0, PAGES * PAGE_SIZE), STATUS_OK); /* nothing there */
    CHECK_EQ(user_frames(), frames - PAGES);
    /* Without a mapping, and in an object without tables. */
    u64 small = make_memory(init, 3 * PAGE_SIZE);
    u64 place = map(init, small, 0, 3 * PAGE_SIZE, RW | MAP_EAGER);
    CHECK_EQ(call(init, CALL(unmap, 0, W(0, place, 3 * PAGE_SIZE))), STATUS_OK);
    frames = user_frames();
    CHECK_EQ(status_of_discard(init, small, PAGE_SIZE, PAGE_SIZE), STATUS_OK);
    CHECK_EQ(user_frames(), frames - 1);
}

SCENARIO(private_copies_and_clones_keep_what_the_original_gives_back)
{
    struct actor *init = directed_init();
    u64 address;
    u64 memory = make_filled(init, &address);
    u64 private = map(init, memory, 0, 3 * PAGE_SIZE, RW | MAP_PRIVATE);
    write_word(init, private, 7);
    CHECK_EQ(read_word(init, private + PAGE_SIZE), 101);
    struct call clone = CALL(clone_memory, init_cap(INIT_CAP_GROUP), W(memory, 0, 4 * PAGE_SIZE));
    CHECK_EQ(call(init, clone), STATUS_OK);
    u64 copy = map(init, result_word(init, 0), 0, 4 * PAGE_SIZE, RW);
    u64 frames = user_frames(), charged = frames_charged(init);
    CHECK_EQ(status_of_discard(init, memory, 0, 4 * PAGE_SIZE), STATUS_OK);
    CHECK_EQ(user_frames(), frames); /* the clone's still */
    CHECK_EQ(frames_charged(init), charged - 4);
    CHECK_EQ(read_word(init, private), 7);
    CHECK_EQ(read_word(init, private + PAGE_SIZE), 0);
    for (u64 i = 0; i < 4; i++) {
        CHECK_EQ(read_word(init, copy + i * PAGE_SIZE), 100 + i);
        CHECK_EQ(read_word(init, address + i * PAGE_SIZE), 0);
    }
}

SCENARIO(discarding_has_its_errors)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 4 * PAGE_SIZE);
    u64 middle = 0, big = 1ull << 63;
    struct call narrow = CALL(derive, memory, W(~0ull, 0, TIME_NEVER, PAGE_SIZE, 2 * PAGE_SIZE, 0));
    if (CHECK_EQ(call(init, narrow), STATUS_OK))
        middle = result_word(init, 0);
    const struct {
        u64 memory, offset, size;
        enum status status;
    } tries[] = {
        {memory, 0, 0, STATUS_BAD_ARGUMENT},
        {memory, 8, PAGE_SIZE, STATUS_BAD_ARGUMENT},
        {memory, 0, 8, STATUS_BAD_ARGUMENT},
        {memory, 0, 5 * PAGE_SIZE, STATUS_BAD_ARGUMENT},
        {memory, 4 * PAGE_SIZE, PAGE_SIZE, STATUS_BAD_ARGUMENT},
        {memory, big, PAGE_SIZE, STATUS_BAD_ARGUMENT},
        {memory, PAGE_SIZE, big, STATUS_BAD_ARGUMENT},
        {memory, -PAGE_SIZE, 2 * PAGE_SIZE, STATUS_BAD_ARGUMENT},
        {middle, 0, 3 * PAGE_SIZE, STATUS_BAD_ARGUMENT},
        {middle, PAGE_SIZE, PAGE_SIZE, STATUS_OK},
        {derive(init, memory, ~(u64)RIGHT_WRITE, 0), 0, PAGE_SIZE, STATUS_MISSING_RIGHT},
        {make_endpoint(init, 0, 0), 0, PAGE_SIZE, STATUS_WRONG_TYPE},
        {0, 0, PAGE_SIZE, STATUS_BAD_HANDLE},
    };
    for (u32 i = 0; i < ARRAY_SIZE(tries); i++)
        CHECK_EQ(status_of_discard(init, tries[i].memory, tries[i].offset, tries[i].size),
                 tries[i].status);
    struct call run =
        CALL(create_memory, init_cap(INIT_CAP_GROUP), W(PAGE_SIZE, MEMORY_CONTIGUOUS));
    CHECK_EQ(call(init, run), STATUS_OK);
    CHECK_EQ(status_of_discard(init, result_word(init, 0), 0, PAGE_SIZE), STATUS_NOT_SUPPORTED);
    CHECK_EQ(status_of_close(init, memory), STATUS_OK);
    CHECK_EQ(status_of_discard(init, memory, 0, PAGE_SIZE), STATUS_STALE_HANDLE);
}

SCENARIO(memory_with_a_message_buffer_or_many_mappings_is_not_discarded)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, 2 * PAGE_SIZE);
    u64 address = map(init, memory, 0, 2 * PAGE_SIZE, RW);
    struct call thread =
        CALL(create_thread, init_self(), W(USER_START, USER_START, 0, 0, 1, address));
    CHECK_EQ(call(init, thread), STATUS_OK);
    u64 handle = result_word(init, 0);
    write_word(init, address + PAGE_SIZE, 5);
    CHECK_EQ(status_of_discard(init, memory, PAGE_SIZE, PAGE_SIZE), STATUS_BUSY);
    pass_time(100000000);
    CHECK_EQ(read_word(init, address + PAGE_SIZE), 5);
    CHECK_EQ(call(init, CALL(kill, handle, W(0))), STATUS_OK);
    CHECK_EQ(status_of_close(init, handle), STATUS_OK);
    pass_time(100000000);
    CHECK_EQ(status_of_discard(init, memory, PAGE_SIZE, PAGE_SIZE), STATUS_OK);
    u64 last = 0;
    for (u32 i = 1; i <= MEMORY_MAX_SHARED_MAPPINGS; i++)
        last = map(init, memory, 0, PAGE_SIZE, RW);
    CHECK_EQ(status_of_discard(init, memory, 0, PAGE_SIZE), STATUS_BUSY);
    CHECK_EQ(call(init, CALL(unmap, 0, W(0, last, PAGE_SIZE))), STATUS_OK);
    pass_time(100000000);
    CHECK_EQ(status_of_discard(init, memory, 0, PAGE_SIZE), STATUS_OK);
}

/* More than one slice marks, or frees. */
SCENARIO(much_is_discarded_in_slices)
{
    struct actor *init = directed_init();
    const u64 pages = 300;
    struct call create =
        CALL(create_memory, init_cap(INIT_CAP_GROUP), W(pages * PAGE_SIZE, MEMORY_EAGER));
    CHECK_EQ(call(init, create), STATUS_OK);
    u64 memory = result_word(init, 0), frames = user_frames();
    CHECK_EQ(status_of_discard(init, memory, 0, pages * PAGE_SIZE), STATUS_OK);
    CHECK_EQ(user_frames(), frames - pages);
}

/* A part of a private mapping goes, and the copies of its pages with it. */
SCENARIO(copies_go_with_the_part_of_the_mapping_that_had_them)
{
    struct actor *init = directed_init();
    u64 memory = make_memory(init, PAGES * PAGE_SIZE);
    u64 address = map(init, memory, 0, PAGES * PAGE_SIZE, RW | MAP_PRIVATE);
    for (u64 i = 0; i < PAGES; i++)
        write_word(init, address + i * PAGE_SIZE, 200 + i);
    u64 frames = user_frames();
    CHECK_EQ(call(init, CALL(unmap, 0, W(0, address + 2 * PAGE_SIZE, 36 * PAGE_SIZE))), STATUS_OK);
    pass_time(100000000);
    CHECK_EQ(user_frames(), frames - 36);
    CHECK_EQ(read_word(init, address + PAGE_SIZE), 201);
    CHECK_EQ(read_word(init, address + 38 * PAGE_SIZE), 238);
    CHECK_EQ(call(init, CALL(unmap, 0, W(0, address, PAGE_SIZE))), STATUS_OK);
    pass_time(100000000);
    CHECK_EQ(user_frames(), frames - 37);
    CHECK_EQ(read_word(init, address + PAGE_SIZE), 201);
    CHECK_EQ(read_word(init, address + 39 * PAGE_SIZE), 239);
}

/* --- Races --------------------------------------------------------------------------------------
 */

struct scene {
    struct actor *init, *first, *second; /* on CPUs of their own */
    u64 memory;
    u64 one, other;                 /* places where it is mapped */
    u32 outcomes[SIM_STATUS_COUNT]; /* of the discarder, which is the first */
};

static struct scene make_scene(void)
{
    struct scene scene = {.init = directed_init()};
    u64 handles[2];
    scene.first = new_thread(scene.init, init_self(), &handles[0]);
    scene.second = new_thread(scene.init, init_self(), &handles[1]);
    pin(scene.init, init_main_thread(), 0);
    pin(scene.init, handles[0], 1);
    pin(scene.init, handles[1], 2);
    scene.memory = make_memory(scene.init, 4 * PAGE_SIZE);
    scene.one = map(scene.init, scene.memory, 0, 4 * PAGE_SIZE, RW);
    scene.other = map(scene.init, scene.memory, 0, 4 * PAGE_SIZE, RW);
    write_word(scene.init, scene.one, 1);
    write_word(scene.init, scene.other, 2);
    return scene;
}

static struct call make_thread_with(u64 buffer)
{
    return (struct call)CALL(create_thread, init_self(),
                             W(USER_START, USER_START, 0, 0, 1, buffer));
}

/* The discarder waits until init, which stands in user mode on a CPU of its own, has passed through
 * the kernel. */
SCENARIO(memory_that_is_being_discarded_takes_no_buffer_clone_or_many_mappings)
{
    struct scene scene = make_scene();
    u64 last = scene.other;
    for (u32 i = 2; i < MEMORY_MAX_SHARED_MAPPINGS; i++)
        last = map(scene.init, scene.memory, 0, PAGE_SIZE, RW);
    struct call one_more = CALL(map, scene.memory, W(0, 0, 0, PAGE_SIZE, RW));
    struct call clone = CALL(clone_memory, init_cap(INIT_CAP_GROUP), W(scene.memory, 0, PAGE_SIZE));
    struct call buffer = make_thread_with(scene.one + 2 * PAGE_SIZE);
    CHECK(start(scene.first, CALL(discard_memory, scene.memory, W(0, PAGE_SIZE))));
    CHECK(is_blocked(scene.first));
    CHECK_EQ(status_of_discard(scene.second, scene.memory, PAGE_SIZE, PAGE_SIZE), STATUS_BUSY);
    CHECK_EQ(call(scene.second, buffer), STATUS_BUSY);
    CHECK_EQ(call(scene.second, one_more), STATUS_FULL);
    CHECK(is_blocked(scene.first));
    CHECK_EQ(finish(scene.first), STATUS_OK);
    CHECK_EQ(read_word(scene.init, scene.other), 0);
    CHECK_EQ(call(scene.second, one_more), STATUS_OK);
    CHECK_EQ(call(scene.init, CALL(unmap, 0, W(0, last, PAGE_SIZE))), STATUS_OK);
    CHECK_EQ(call(scene.second, buffer), STATUS_OK);
    CHECK_EQ(call(scene.second, clone), STATUS_BUSY);
}

static bool both_back(void *argument)
{
    const struct scene *scene = argument;
    return !is_blocked(scene->first) && !is_blocked(scene->second);
}

/* Both mappings show one page, whatever became of it; it is there again for the next try. */
static void one_page_in_both(void *argument)
{
    struct scene *scene = argument;
    CHECK(wait_until(both_back, scene));
    u64 status = scene->first->thread->context.number;
    if (CHECK(status < SIM_STATUS_COUNT))
        scene->outcomes[status]++;
    CHECK_EQ(read_word(scene->init, scene->one), read_word(scene->init, scene->other));
    /* Also what is shared with a clone, so that it can be written without a wait. */
    CHECK_EQ(status_of_discard(scene->init, scene->memory, 0, PAGE_SIZE), STATUS_OK);
    CHECK_EQ(read_word(scene->init, scene->one), 0);
    write_word(scene->init, scene->other, 3);
    CHECK_EQ(read_word(scene->init, scene->one), 3);
}

static void race_with(struct scene *scene, struct call rival_call)
{
    struct racer discarder = {scene->first, CALL(discard_memory, scene->memory, W(0, PAGE_SIZE))};
    struct racer rival = {scene->second, rival_call};
    CHECK(race_everywhere(&discarder, &rival, one_page_in_both, scene) > 3);
    CHECK(race_everywhere(&rival, &discarder, one_page_in_both, scene) > 3);
    CHECK(scene->outcomes[STATUS_OK] > 3);
}

RACE(discard_against_the_kernels_write_to_the_page)
{
    struct scene scene = make_scene();
    race_with(&scene, CALL(group_info, init_cap(INIT_CAP_GROUP), W(scene.other)));
}

RACE(discard_against_another_discard)
{
    struct scene scene = make_scene();
    race_with(&scene, CALL(discard_memory, scene.memory, W(0, 2 * PAGE_SIZE)));
    CHECK(scene.outcomes[STATUS_BUSY] > 0);
}

RACE(discard_against_changes_of_a_mapping)
{
    struct scene scene = make_scene();
    race_with(&scene, CALL(protect, 0, W(0, scene.other + PAGE_SIZE, PAGE_SIZE, 0, MAP_READ)));
    race_with(&scene, CALL(clone_memory, init_cap(INIT_CAP_GROUP), W(scene.memory, 0, PAGE_SIZE)));
}

static const struct thread *thread_named(const struct actor *actor, u64 handle)
{
    const struct cap_slot *slot = peek_slot(actor->thread->space, handle);
    return slot ? CONTAINER_OF(slot->object, struct thread, object) : NULL;
}

/* The thread that was made is gone again before the next try. */
static void no_pin_in_what_was_given_back(void *argument)
{
    struct scene *scene = argument;
    CHECK(wait_until(both_back, scene));
    CHECK_EQ(call(scene->init, CALL(null, 0)), STATUS_OK); /* invariants are looked at */
    u64 made = scene->second->thread->context.number;
    u64 discarded = scene->first->thread->context.number;
    CHECK(made == STATUS_OK || made == STATUS_BUSY);
    CHECK(made == STATUS_OK || discarded == STATUS_OK);
    if (made == STATUS_OK) {
        u64 thread = result_word(scene->second, 0);
        const struct thread *with_buffer = thread_named(scene->init, thread);
        u64 seen = 0;
        write_word(scene->init, scene->other, 77);
        if (CHECK(with_buffer))
            memcpy(&seen, with_buffer->buffer, sizeof(seen));
        CHECK_EQ(seen, 77); /* the page is the buffer's still */
        CHECK_EQ(call(scene->init, CALL(kill, thread, W(0))), STATUS_OK);
        CHECK_EQ(status_of_close(scene->init, thread), STATUS_OK);
        pass_time(100000000);
    }
    one_page_in_both(argument);
}

/* A message buffer in the page: it is pinned, or given back, never both. */
RACE(discard_against_a_message_buffer)
{
    struct scene scene = make_scene();
    struct racer discarder = {scene.first, CALL(discard_memory, scene.memory, W(0, PAGE_SIZE))};
    struct racer maker = {scene.second, make_thread_with(scene.one)};
    CHECK(race_everywhere(&discarder, &maker, no_pin_in_what_was_given_back, &scene) > 3);
    CHECK(race_everywhere(&maker, &discarder, no_pin_in_what_was_given_back, &scene) > 3);
    CHECK(scene.outcomes[STATUS_OK] > 3 && scene.outcomes[STATUS_BUSY] > 0);
}
