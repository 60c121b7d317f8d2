/* What simulated programs do with memory: loads, stores, faults. */
#include "program.h"

#include "abi/fault.h"
#include "abi/memory.h"
#include "abi/spawn.h"

#include <string.h>

#define FAULT_RETRIES 6u

void raise_fault(struct program *program, u32 reason, u64 address)
{
    struct fault_info fault = {.reason = reason, .code = 0, .address = address};
    history_line("       cpu%u p%llu t%llu fault %u at %llx", program->cpu,
                 (unsigned long long)program->who.process_id,
                 (unsigned long long)program->who.thread_id, reason, (unsigned long long)address);
    program->memory->vector_exact = true;
    program->next = upcall_fault(&fault);
}

/* One access of at most 8 bytes, retried after faults while the thread stays current. */
static bool access_word(struct program *program, u64 address, u32 access, void *data, u32 size)
{
    for (u32 i = 0; i < FAULT_RETRIES; i++) {
        u32 reason;
        if (sim_user_access(address, access, data, size, &reason))
            return true;
        if (program->who.is_init && !peek_is_mapped(program->who.vspace, address, access) &&
            !program->who.is_init_main)
            return false; /* init does not risk a fault */
        raise_fault(program, reason, address);
        if (program->next != program->context)
            return false;
    }
    return false;
}

static bool access_bytes(struct program *program, u64 address, u32 access, u8 *data, u64 size)
{
    while (size > 0) {
        u64 chunk = 8 - (address & 7);
        chunk = chunk < size ? chunk : size;
        if (!access_word(program, address, access, data, (u32)chunk))
            return false;
        address += chunk;
        data += chunk;
        size -= chunk;
    }
    return true;
}

/* Init keeps to pages that are there: a fault that cannot be served would end the run. */
static bool may_touch(const struct program *program, u64 address, u64 size, u32 access)
{
    if (!program->who.is_init)
        return true;
    if (address >= USER_END - size)
        return false;
    for (u64 page = address & ~(PAGE_SIZE - 1); page < address + size; page += PAGE_SIZE)
        if (!peek_is_mapped(program->who.vspace, page, access))
            return false;
    return true;
}

bool user_store(struct program *program, u64 address, const void *data, u64 size_bytes)
{
    u8 copy[2048];
    if (size_bytes > sizeof(copy) || !may_touch(program, address, size_bytes, ACCESS_WRITE))
        return false;
    memcpy(copy, data, size_bytes);
    return access_bytes(program, address, ACCESS_WRITE, copy, size_bytes);
}

bool user_load(struct program *program, u64 address, void *data, u64 size_bytes)
{
    if (!may_touch(program, address, size_bytes, ACCESS_READ))
        return false;
    return access_bytes(program, address, ACCESS_READ, data, size_bytes);
}

u64 scratch_of(const struct program *program)
{
    return program->who.is_init ? INIT_SCRATCH_ADDRESS : SCRATCH_ADDRESS;
}

/* A region of the address space, by chance; NULL: none. The tree may change under a walk when other
 * CPUs are in the kernel, so the walk is bounded and without switch points. */
static const struct region *pick_region(struct program *program)
{
    const struct vspace *vspace = program->who.vspace;
    if (vspace->region_count == 0)
        return NULL;
    u64 skip = below(&program->random, vspace->region_count);
    struct tree_node *node = tree_first(&vspace->regions);
    for (; node && skip > 0; skip--)
        node = tree_next(node);
    return node ? TREE_ENTRY(node, struct region, link) : NULL;
}

u64 pick_mapped(struct program *program)
{
    const struct region *region = pick_region(program);
    if (!region)
        return SCRATCH_ADDRESS;
    u64 pages = (region->end - region->link.key) / PAGE_SIZE;
    u64 page = pages > 8 && chance(&program->random, 3, 4) ? below(&program->random, 8)
                                                           : below(&program->random, pages);
    return region->link.key + page * PAGE_SIZE;
}

static u64 bad_address(struct program *program)
{
    static const u64 addresses[] = {0,
                                    8,
                                    USER_START - 8,
                                    USER_END - PAGE_SIZE,
                                    USER_END - 8,
                                    USER_END,
                                    0xffff800000000000ull,
                                    0xfffffffffffff000ull,
                                    UINT64_MAX - 7,
                                    0x7000000000ull,
                                    SIM_DIRECT_MAP};
    return addresses[below(&program->random, ARRAY_SIZE(addresses))];
}

u64 pick_buffer(struct program *program, u64 size_bytes)
{
    u64 kind = below(&program->random, 100);
    u64 scratch = scratch_of(program);
    if (kind < 80)
        return scratch + PAGE_SIZE - (size_bytes & 7) + below(&program->random, 64) * 8;
    if (kind < 86)
        return scratch + below(&program->random, PAGE_SIZE); /* perhaps not aligned */
    if (kind < 94)
        return pick_mapped(program) + below(&program->random, PAGE_SIZE / 8) * 8;
    return bad_address(program);
}

void user_touch(struct program *program)
{
    static const u32 accesses[] = {ACCESS_READ, ACCESS_READ, ACCESS_WRITE, ACCESS_WRITE,
                                   ACCESS_EXECUTE};
    u32 access = accesses[below(&program->random, ARRAY_SIZE(accesses))];
    u64 address = pick_mapped(program) + below(&program->random, PAGE_SIZE / 8) * 8;
    if (!program->who.is_init && chance(&program->random, 1, 60))
        address = bad_address(program) & ~7ull;
    if (!may_touch(program, address, 8, access))
        return;
    u64 value = sim_random_next(&program->random);
    (void)access_word(program, address, access, &value, 8);
}

bool user_prefault(struct program *program)
{
    u64 argument = program->context->argument;
    struct start_info info;
    if (!access_bytes(program, argument, ACCESS_READ, (u8 *)&info, sizeof(info)))
        return false;
    u8 byte = 0;
    for (u32 i = 0; i < 3; i++)
        if (!access_word(program, INIT_SCRATCH_ADDRESS + i * PAGE_SIZE, ACCESS_WRITE, &byte, 1))
            return false;
    if (!access_word(program, info.message_buffer, ACCESS_WRITE, &byte, 1))
        return false;
    for (u32 i = 0; i < info.cap_count && i < SPAWN_MAX_CAPS; i++)
        note_initial_handle(info.caps[i].bits);
    note_initial_handle(info.self.bits);
    note_initial_handle(info.main_thread.bits);
    return true;
}
