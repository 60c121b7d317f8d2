/* spawn: a process from a plan, all or nothing. */
#include "proc/spawn.h"

#include "abi/memory.h"
#include "cap/transfer.h"
#include "core/assert.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "proc/start.h"
#include "trace/trace.h"

/* Pages of a read-only segment that are mapped without waiting for a fault. */
#define SHARED_PAGES 8u

static enum status check_plan(const struct spawn_plan *plan)
{
    if (plan->segment_count > SPAWN_MAX_SEGMENTS || plan->cap_count > SPAWN_MAX_CAPS ||
        plan->arguments_size > START_ARGUMENTS_SIZE || (plan->flags & ~SPAWN_HELD))
        return STATUS_BAD_ARGUMENT;
    if (plan->entry < USER_START || plan->entry >= USER_END)
        return STATUS_BAD_ARGUMENT;
    return memchr(plan->name, '\0', sizeof(plan->name)) ? STATUS_OK : STATUS_BAD_ARGUMENT;
}

u32 mapping_rights(u64 map_flags)
{
    u32 rights = 0;
    if (map_flags & MAP_READ)
        rights |= RIGHT_READ;
    if ((map_flags & MAP_WRITE) && !(map_flags & MAP_PRIVATE))
        rights |= RIGHT_WRITE;
    if (map_flags & MAP_EXECUTE)
        rights |= RIGHT_EXECUTE;
    return rights;
}

/* What a program is sure to touch at its start is brought in at once: it costs less than a fault.
 */
static void populate(struct process *process, const struct spawn_segment *segment, u64 address)
{
    bool writable = segment->map_flags & MAP_WRITE;
    vspace_populate(&process->vspace, address, writable ? 1 : SHARED_PAGES,
                    segment->map_flags & (ACCESS_WRITE | ACCESS_EXECUTE | ACCESS_READ));
}

static enum status map_segment(struct thread *parent, struct process *process,
                               const struct spawn_segment *segment)
{
    u64 address = segment->address;
    if (address == 0 || segment->size_bytes % PAGE_SIZE != 0 ||
        segment->memory_offset % PAGE_SIZE != 0)
        return STATUS_BAD_ARGUMENT;
    if (segment->memory.bits == 0) {
        struct memory *memory;
        enum status status = memory_create(process->object.payer, segment->size_bytes, &memory);
        if (status != STATUS_OK)
            return status;
        status = start_map(process, memory, 0, segment->size_bytes >> PAGE_SHIFT,
                           segment->map_flags, &address);
        object_put(&memory->object);
        if (status == STATUS_OK)
            populate(process, segment, address);
        return status;
    }
    struct cap_ref ref;
    enum status status = cap_lookup(parent->space, segment->memory.bits, OBJECT_MEMORY,
                                    mapping_rights(segment->map_flags), &ref);
    if (status != STATUS_OK)
        return status;
    u64 length = ref.node->range_end - ref.node->range_start;
    if (segment->memory_offset > length || segment->size_bytes > length - segment->memory_offset)
        return cap_ref_is_there(&ref) ? STATUS_BAD_ARGUMENT : STATUS_STALE_HANDLE;
    struct mapping mapping = {
        .memory = memory_of(ref.object),
        .memory_page = (ref.node->range_start + segment->memory_offset) >> PAGE_SHIFT,
        .address = address,
        .page_count = segment->size_bytes >> PAGE_SHIFT,
        .access = segment->map_flags & (MAP_READ | MAP_WRITE | MAP_EXECUTE),
        .max_access = segment->map_flags & (MAP_READ | MAP_WRITE | MAP_EXECUTE),
        .private_copy = (segment->map_flags & MAP_PRIVATE) != 0,
        .parent = cap_ref_parent(&ref),
    };
    status = vspace_map(&process->vspace, &mapping, &address);
    if (status == STATUS_OK)
        populate(process, segment, address);
    return status;
}

static enum status take_fault_endpoint(struct thread *parent, struct process *process, cap_t cap)
{
    if (cap.bits == 0)
        return STATUS_OK;
    struct cap_ref ref;
    enum status status = cap_lookup(parent->space, cap.bits, OBJECT_ENDPOINT, RIGHT_SEND, &ref);
    if (status == STATUS_OK)
        status = binding_make(&process->fault_binding, &ref);
    return status;
}

/* A copy may be given a badge on the way, as derive would. */
static enum status copy_cap(struct process *process, const struct cap_ref *ref,
                            const struct spawn_cap *wanted, cap_t *out)
{
    if (wanted->badge == 0)
        return cap_copy(&process->space, ref, wanted->rights, out);
    if (!(cap_ref_rights(ref) & RIGHT_MINT) || (ref->meta & CAP_FLAG_BADGED))
        return STATUS_MISSING_RIGHT;
    struct cap_grant grant = {
        .rights = cap_ref_rights(ref) & wanted->rights,
        .badge = wanted->badge,
        .flags = (ref->meta & CAP_FLAGS_MASK) | CAP_FLAG_BADGED,
        .expires_ns = ref->expires_ns,
        .range_start = ref->node->range_start,
        .range_end = ref->node->range_end,
    };
    return cap_insert_child(&process->space, ref, &grant, out);
}

/* Copies first: they can be undone with the process. */
static enum status place_caps(struct thread *parent, struct process *process,
                              const struct spawn_plan *plan, struct cap_ref *refs, cap_t *out,
                              u32 *move_count)
{
    for (u32 i = 0; i < plan->cap_count; i++) {
        const struct spawn_cap *cap = &plan->caps[i];
        struct message_cap wanted = {.cap = cap->cap, .rights = cap->rights, .mode = cap->mode};
        enum status status = cap_check_transfer(parent->space, &wanted, &refs[i]);
        if (status == STATUS_OK && cap->mode == CAP_SEND_MOVE)
            *move_count += 1;
        if (status == STATUS_OK && cap->mode == CAP_SEND_MOVE && cap->badge != 0)
            status = STATUS_BAD_ARGUMENT;
        if (status == STATUS_OK && cap->mode == CAP_SEND_COPY)
            status = copy_cap(process, &refs[i], cap, &out[i]);
        if (status != STATUS_OK)
            return status;
    }
    return cap_reserve(&process->space, *move_count);
}

static enum status build(struct thread *parent, const struct spawn_plan *plan, struct start *start,
                         struct cap_ref *refs, u32 *move_count)
{
    struct process *process = start->process;
    enum status status = STATUS_OK;
    for (u32 i = 0; i < plan->segment_count && status == STATUS_OK; i++)
        status = map_segment(parent, process, &plan->segments[i]);
    if (status == STATUS_OK)
        status = take_fault_endpoint(parent, process, plan->fault_endpoint);
    if (status == STATUS_OK && plan->arguments_size > 0)
        status = user_read(start->info->arguments, user_ptr(plan->arguments), plan->arguments_size);
    start->info->arguments_size = plan->arguments_size;
    start->info->load_base = plan->load_base;
    start->info->cap_count = plan->cap_count;
    if (status == STATUS_OK)
        status = place_caps(parent, process, plan, refs, start->info->caps, move_count);
    return status;
}

/* The parent's capabilities to what it made. */
static enum status give_handles(struct thread *parent, struct start *start, struct spawned *result)
{
    struct cap_grant grant = {.rights = RIGHTS_PROCESS | RIGHTS_COMMON, .expires_ns = TIME_NEVER};
    enum status status =
        cap_insert_root(parent->space, &start->process->object, &grant, &result->process);
    if (status != STATUS_OK)
        return status;
    grant.rights = RIGHTS_THREAD | RIGHTS_COMMON;
    status = cap_insert_root(parent->space, &start->thread->object, &grant, &result->thread);
    if (status != STATUS_OK)
        cap_undo_insert(parent->space, result->process);
    return status;
}

/* Moves cannot be undone, so they come last; one whose capability went meanwhile leaves CAP_NULL.
 */
static void move_caps(const struct spawn_plan *plan, struct start *start,
                      const struct cap_ref *refs)
{
    for (u32 i = 0; i < plan->cap_count; i++) {
        if (plan->caps[i].mode == CAP_SEND_MOVE &&
            cap_move(&start->process->space, &refs[i], plan->caps[i].rights,
                     &start->info->caps[i]) != STATUS_OK)
            start->info->caps[i] = CAP_NULL;
        TRACE(CAP_TRANSFER, refs[i].object->id, plan->caps[i].rights, start->process->object.id,
              plan->caps[i].mode);
    }
}

enum status process_spawn(struct thread *parent, struct group *group, const struct spawn_plan *plan,
                          struct spawned *result)
{
    enum status status = check_plan(plan);
    if (status != STATUS_OK)
        return status;
    struct start start = {0};
    struct cap_ref refs[SPAWN_MAX_CAPS];
    u32 moves = 0;
    status = start_begin(&start, &group->payer, plan->name, parent->space->process_id,
                         plan->stack_size_bytes);
    if (status == STATUS_OK)
        status = build(parent, plan, &start, refs, &moves);
    if (status == STATUS_OK)
        status = start_finish(&start, plan->entry);
    if (status == STATUS_OK)
        status = object_enlist(&start.process->object);
    if (status == STATUS_OK)
        status = object_enlist(&start.thread->object);
    if (status == STATUS_OK)
        status = give_handles(parent, &start, result);
    if (status != STATUS_OK) {
        start_abandon(&start);
        return status;
    }
    move_caps(plan, &start, refs);
    result->id = start.process->object.id;
    u64 letters; /* the beginning of the name, as a word of the event */
    _Static_assert(SPAWN_NAME_SIZE >= sizeof(letters), "a name has that many bytes");
    memcpy(&letters, plan->name, sizeof(letters));
    TRACE(PROCESS_SPAWN, result->id, parent->space->process_id, group->object.id, letters);
    if (!(plan->flags & SPAWN_HELD))
        process_start_thread(start.thread);
    start_release(&start);
    return STATUS_OK;
}
