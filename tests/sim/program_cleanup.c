/*
 * Clean-up at the end of a run: every thread but init's main one ends, and init gives up what it
 * was not given at its start. Blocked processes are ended through a capability that init conjures
 * up.
 */
#include "program.h"

#include "abi/fault.h"
#include "abi/rights.h"
#include "abi/message.h"

#define INITIAL_REGIONS 64u

static SIM_STATE bool done;
static SIM_STATE struct {
    u64 start;
    u64 end;
} initial_regions[INITIAL_REGIONS];
static SIM_STATE u32 initial_count;

bool program_cleanup_done(void)
{
    return done;
}

void cleanup_other(struct program *program)
{
    program->context->words[0] = 0;
    program->context->words[1] = program->who.is_init ? 1 : 0;
    do_syscall(program, SYS_exit);
}

/* The first capability that init did not get at its start; 0: none. */
static u64 first_extra_handle(const struct cap_space *space)
{
    for (u32 i = 0;; i++) {
        const struct cap_slot *slot = peek_slot_at(space, i);
        if (!slot)
            return 0;
        if (peek_in_use(slot) && !is_initial_handle(slot->handle))
            return slot->handle;
    }
}

void cleanup_note_regions(const struct vspace *vspace)
{
    TREE_FOREACH(node, &vspace->regions)
    {
        const struct region *region = TREE_ENTRY(node, struct region, link);
        if (initial_count == INITIAL_REGIONS)
            break;
        initial_regions[initial_count].start = node->key;
        initial_regions[initial_count++].end = region->end;
    }
}

bool cleanup_is_initial(u64 start, u64 size_bytes)
{
    for (u32 i = 0; i < initial_count; i++)
        if (start < initial_regions[i].end &&
            (start >= initial_regions[i].start || initial_regions[i].start - start < size_bytes))
            return true;
    return false;
}

/* The first region that was not there at the start; NULL: none. */
static const struct region *first_extra_region(const struct vspace *vspace)
{
    TREE_FOREACH(node, &vspace->regions)
    {
        const struct region *region = TREE_ENTRY(node, struct region, link);
        if (!cleanup_is_initial(region->link.key, PAGE_SIZE) && !region->dying)
            return region;
    }
    return NULL;
}

static void wait_a_little(struct program *program)
{
    /* Nobody wakes this futex: init sleeps until the deadline and lets reapers work. */
    struct arch_context *context = program->context;
    context->words[0] = INIT_SCRATCH_ADDRESS + 2 * PAGE_SIZE;
    context->words[1] = 0;
    context->deadline = sim_now_ns() + 50000;
    do_syscall(program, SYS_futex_wait);
}

void cleanup_init(struct program *program)
{
    struct arch_context *context = program->context;
    struct who *who = &program->who;
    struct object *survivor = peek_any_survivor();
    u64 extra = first_extra_handle(who->space);
    const struct region *region = first_extra_region(who->vspace);
    u64 handle;

    done = !survivor && !extra && !region;
    if (survivor && chance(&program->random, 1, 2) && peek_conjure(who->space, survivor, &handle)) {
        context->handle = handle;
        context->words[0] = 0;
        do_syscall(program, SYS_kill);
    } else if (extra && chance(&program->random, 3, 4)) {
        context->handle = extra;
        do_syscall(program, SYS_close);
    } else if (region) {
        context->words[0] = 0;
        context->words[1] = region->link.key;
        context->words[2] = region->end - region->link.key;
        do_syscall(program, SYS_unmap);
    } else {
        wait_a_little(program);
    }
}
