/* System calls for memory. */
#include "abi/memory.h"
#include "arch/time.h"
#include "lib/checked_math.h"
#include "mm/memory.h"
#include "proc/spawn.h"
#include "syscall/syscall.h"
#include "trace/trace.h"

enum { POPULATE_FILL, POPULATE_UNDO };

/* Makes the pages of eager memory, a slice at a time, then hands out the capability. If they cannot
 * all be had, those that were are given back before the caller hears of it. */
static enum job_result populate_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    struct memory *memory = memory_of(thread->work_object);
    if (thread->work_phase == POPULATE_UNDO)
        return memory_destroy_some(memory, REAPER_SLICE) ? JOB_DONE : JOB_MORE;
    for (u32 i = 0; i < REAPER_SLICE && thread->work_start < memory->page_count; i++) {
        paddr_t frame;
        enum status status = memory_page(memory, thread->work_start, true, &frame);
        if (status != STATUS_OK) {
            thread_set_status(thread, status);
            thread->work_phase = POPULATE_UNDO;
            return JOB_MORE;
        }
        thread->work_start++;
    }
    if (thread->work_start < memory->page_count)
        return JOB_MORE;
    object_get(&memory->object); /* handed on; the job's own goes at its end */
    syscall_return_object(thread, &memory->object, RIGHTS_MEMORY, memory->page_count << PAGE_SHIFT);
    return JOB_DONE;
}

static enum status create(struct payer *payer, u64 size, u64 flags, struct memory **memory)
{
    if (flags & ~(u64)(MEMORY_EAGER | MEMORY_CONTIGUOUS))
        return STATUS_BAD_ARGUMENT;
    if (flags & MEMORY_CONTIGUOUS)
        return memory_create_contiguous(payer, size, memory);
    return memory_create(payer, size, memory);
}

void syscall_create_memory(struct thread *thread)
{
    struct group *group;
    u64 size = arg(thread, 0), flags = arg(thread, 1);
    enum status status = syscall_take_group(thread, RIGHT_CREATE_MEMORY, &group);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
        return;
    }
    struct memory *memory;
    status = create(&group->payer, size, flags, &memory);
    if (status != STATUS_OK) {
        thread_set_status(thread, status);
    } else {
        TRACE(MEMORY_CREATE, memory->object.id, size, flags, 0);
        if (flags == MEMORY_EAGER) {
            thread->work_object = &memory->object;
            thread->work_start = 0;
            thread_work(thread, populate_slice);
        } else {
            syscall_return_object(thread, &memory->object, RIGHTS_MEMORY,
                                  memory->page_count << PAGE_SHIFT);
        }
    }
    object_put(&group->object);
}

enum { CLONE_SHARE, CLONE_PROTECT, CLONE_WAIT, CLONE_UNDO };

/* One step of making read-only what the source has in common with clones, wherever it is mapped. */
static bool protect_source(struct thread *thread, struct memory *source)
{
    struct mapping_pass pass = {.memory = source,
                                .end = source->page_count,
                                .kind = PASS_SHARE,
                                .number = (u32)thread->work_start};
    return vspace_pass_step(&pass, &thread->work_vspace, &thread->work_end, REAPER_SLICE);
}

/* Shares the source's pages with the clone, then sees to it that nobody can write to them any more,
 * then hands out the capability. */
static enum job_result clone_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    struct memory *clone = memory_of(thread->work_object);
    switch (thread->work_phase) {
    case CLONE_SHARE:
        for (u32 i = 0; i < REAPER_SLICE && thread->work_start < clone->page_count; i++) {
            enum status status = memory_clone_page(clone, thread->work_start++);
            if (status != STATUS_OK) {
                thread_set_status(thread, status);
                thread->work_phase = CLONE_UNDO;
                return JOB_MORE;
            }
        }
        if (thread->work_start < clone->page_count)
            return JOB_MORE;
        thread->work_end = 0;
        thread->work_phase = CLONE_PROTECT;
        thread->work_start = vspace_pass_begin(clone->source, PASS_SHARE);
        return JOB_MORE;
    case CLONE_PROTECT:
        if (!protect_source(thread, clone->source))
            return JOB_MORE;
        thread->work_phase = CLONE_WAIT;
        return JOB_GRACE;
    case CLONE_WAIT:
        memory_clone_end(clone);
        object_get(&clone->object); /* handed on; the job's own goes at its end */
        syscall_return_object(thread, &clone->object, RIGHTS_MEMORY,
                              clone->page_count << PAGE_SHIFT);
        return JOB_DONE;
    default:
        if (!memory_destroy_some(clone, REAPER_SLICE))
            return JOB_MORE;
        memory_clone_end(clone);
        return JOB_DONE;
    }
}

/* The memory of a capability, with a reference, and the page at which `offset` of its range is. */
static enum status take_pages(struct cap_ref *ref, u64 offset, u64 size, struct memory **memory,
                              u64 *page)
{
    u64 start = ref->node->range_start, length = ref->node->range_end - start;
    if (!cap_ref_is_there(ref))
        return STATUS_STALE_HANDLE;
    if ((offset | size) % PAGE_SIZE != 0 || size == 0 || !range_fits(offset, size, length))
        return STATUS_BAD_ARGUMENT;
    *memory = memory_of(ref->object);
    *page = (start + offset) >> PAGE_SHIFT;
    return cap_ref_take(ref);
}

/* The memory named by word 0, with a reference, and the page at which word 1 begins. */
static enum status find_source(struct thread *thread, struct memory **source, u64 *page)
{
    struct cap_ref ref;
    enum status status = syscall_lookup_at(thread, arg(thread, 0), OBJECT_MEMORY, RIGHT_READ, &ref);
    if (status != STATUS_OK)
        return status;
    return take_pages(&ref, arg(thread, 1), arg(thread, 2), source, page);
}

void syscall_clone_memory(struct thread *thread)
{
    struct group *group;
    struct memory *source, *clone;
    u64 page;
    enum status status = syscall_take_group(thread, RIGHT_CREATE_MEMORY, &group);
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    status = find_source(thread, &source, &page);
    if (status == STATUS_OK) {
        status =
            memory_clone_begin(source, page, arg(thread, 2) >> PAGE_SHIFT, &group->payer, &clone);
        object_put(&source->object);
    }
    thread_set_status(thread, status);
    if (status == STATUS_OK) {
        TRACE(MEMORY_CREATE, clone->object.id, clone->page_count << PAGE_SHIFT, 0, 0);
        thread->work_object = &clone->object;
        thread->work_start = 0;
        thread_work(thread, clone_slice);
    }
    object_put(&group->object);
}

enum { DISCARD_MARK, DISCARD_PASS, DISCARD_FREE };

/* Marks the pages, takes those still marked out of all page tables, and when no CPU can reach them
 * any more frees what nobody has asked for since. */
static enum job_result discard_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    struct memory *memory = memory_of(thread->work_object);
    u64 first = memory->discard_page, end = thread->work_end;
    switch (thread->work_phase) {
    case DISCARD_MARK:
        if (!memory_mark_some(memory, &thread->work_start, end))
            return JOB_MORE;
        (void)vspace_pass_begin(memory, PASS_DISCARD);
        thread->work_start = 0;
        thread->work_phase = DISCARD_PASS;
        return JOB_MORE;
    case DISCARD_PASS: {
        struct mapping_pass pass = {.memory = memory,
                                    .start = first,
                                    .end = end,
                                    .kind = PASS_DISCARD,
                                    .number = memory->passes[PASS_DISCARD]};
        if (!vspace_pass_step(&pass, &thread->work_vspace, &thread->work_start, REAPER_SLICE))
            return JOB_MORE;
        thread->work_start = first;
        thread->work_phase = DISCARD_FREE;
        return JOB_GRACE;
    }
    default:
        if (!memory_free_marked(memory, &thread->work_start, end))
            return JOB_MORE;
        memory_discard_end(memory);
        return JOB_DONE;
    }
}

void syscall_discard_memory(struct thread *thread)
{
    struct cap_ref ref;
    struct memory *memory;
    u64 page;
    enum status status = syscall_lookup(thread, OBJECT_MEMORY, RIGHT_WRITE, &ref);
    if (status == STATUS_OK)
        status = take_pages(&ref, arg(thread, 0), arg(thread, 1), &memory, &page);
    thread_set_status(thread, status);
    if (status != STATUS_OK)
        return;
    status = memory_discard_begin(memory);
    thread_set_status(thread, status);
    if (status != STATUS_OK) {
        object_put(&memory->object);
        return;
    }
    memory->discard_page = page;
    thread->work_object = &memory->object;
    thread->work_start = page;
    thread->work_end = page + (arg(thread, 1) >> PAGE_SHIFT);
    thread_work(thread, discard_slice);
}

/* The process named by word 0 (CAP_NULL: the caller's own), borrowed. */
static enum status find_process(struct thread *thread, struct process **process)
{
    *process = thread->process;
    if (arg(thread, 0) == 0)
        return STATUS_OK;
    struct cap_ref ref;
    enum status status = syscall_lookup_at(thread, arg(thread, 0), OBJECT_PROCESS, RIGHT_MAP, &ref);
    if (status == STATUS_OK)
        *process = process_of(ref.object);
    return status;
}

/* What protect may make of a mapping: what the capability allows; a private one may always be
 * written. */
static u32 most_access(const struct cap_ref *ref, u64 flags)
{
    u32 rights = cap_ref_rights(ref);
    u32 access = 0;
    if (rights & RIGHT_READ)
        access |= ACCESS_READ;
    if ((rights & RIGHT_WRITE) || (flags & MAP_PRIVATE))
        access |= ACCESS_WRITE;
    if (rights & RIGHT_EXECUTE)
        access |= ACCESS_EXECUTE;
    return access;
}

static enum status fill_mapping(struct thread *thread, const struct cap_ref *ref,
                                struct mapping *mapping)
{
    u64 address = arg(thread, 1), offset = arg(thread, 2), size = arg(thread, 3),
        flags = arg(thread, 4);
    const u64 known = MAP_READ | MAP_WRITE | MAP_EXECUTE | MAP_PRIVATE | MAP_FIXED | MAP_EAGER;
    if ((flags & ~known) || !(flags & (MAP_READ | MAP_WRITE | MAP_EXECUTE)))
        return STATUS_BAD_ARGUMENT;
    if ((address | offset | size) % PAGE_SIZE != 0)
        return STATUS_BAD_ARGUMENT;
    if ((flags & MAP_FIXED) && address == 0)
        return STATUS_BAD_ARGUMENT;
    u64 length = ref->node->range_end - ref->node->range_start;
    if (!range_fits(offset, size, length))
        return cap_ref_is_there(ref) ? STATUS_BAD_ARGUMENT : STATUS_STALE_HANDLE;
    *mapping = (struct mapping){
        .memory = memory_of(ref->object),
        .memory_page = (ref->node->range_start + offset) >> PAGE_SHIFT,
        .address = address,
        .page_count = size >> PAGE_SHIFT,
        .access = (u32)flags & (MAP_READ | MAP_WRITE | MAP_EXECUTE),
        .max_access = most_access(ref, flags),
        .private_copy = (flags & MAP_PRIVATE) != 0,
        .parent = cap_ref_parent(ref),
    };
    return STATUS_OK;
}

/* Brings in what MAP_EAGER asks for, as far as one kernel entry may go; the rest comes on first
 * touch. */
static void touch(struct process *process, u64 address, const struct mapping *mapping)
{
    u64 pages = mapping->page_count < REAPER_SLICE ? mapping->page_count : REAPER_SLICE;
    u32 access = mapping->access & ACCESS_WRITE ? ACCESS_WRITE : mapping->access;
    vspace_populate(&process->vspace, address, pages, access);
}

void syscall_map(struct thread *thread)
{
    struct cap_ref ref;
    struct process *process;
    struct mapping mapping;
    u64 flags = arg(thread, 4);
    u64 address = 0;
    enum status status = syscall_lookup(thread, OBJECT_MEMORY, mapping_rights(flags), &ref);
    if (status == STATUS_OK)
        status = find_process(thread, &process);
    if (status == STATUS_OK)
        status = fill_mapping(thread, &ref, &mapping);
    if (status == STATUS_OK) {
        status = vspace_map(&process->vspace, &mapping, &address);
        if (status == STATUS_EXISTS && !(flags & MAP_FIXED)) {
            mapping.address = 0; /* the address was a wish */
            status = vspace_map(&process->vspace, &mapping, &address);
        }
    }
    if (status == STATUS_OK && (flags & MAP_EAGER))
        touch(process, address, &mapping);
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        set_result(thread, 0, address);
}

static enum status check_range(u64 address, u64 size)
{
    bool sane = size > 0 && (address | size) % PAGE_SIZE == 0 && address >= USER_START &&
                address < USER_END && size <= USER_END - address;
    return sane ? STATUS_OK : STATUS_BAD_ARGUMENT;
}

/* The range and the process that a job is to work on; the process is kept until the job is done. */
static enum status take_range(struct thread *thread)
{
    struct process *process;
    u64 address = arg(thread, 1), size = arg(thread, 2);
    enum status status = check_range(address, size);
    if (status == STATUS_OK)
        status = find_process(thread, &process);
    if (status == STATUS_OK && !object_try_get(&process->object))
        status = STATUS_DEAD;
    if (status != STATUS_OK)
        return status;
    thread->work_object = &process->object;
    thread->work_vspace = &process->vspace;
    thread->work_start = address;
    thread->work_end = address + size;
    return STATUS_OK;
}

static void drop_range(struct thread *thread)
{
    object_put(thread->work_object);
    thread->work_object = NULL;
    thread->work_vspace = NULL;
}

void syscall_unmap(struct thread *thread)
{
    enum status status = take_range(thread);
    if (status == STATUS_OK && vspace_unmap_region(thread->work_vspace, thread->work_start,
                                                   thread->work_end, REAPER_SLICE)) {
        drop_range(thread);
        thread_set_status(thread, STATUS_OK);
        return;
    }
    if (status == STATUS_OK) {
        status = vspace_unmap_begin(thread->work_vspace, thread->work_start, thread->work_end);
        if (status != STATUS_OK)
            drop_range(thread);
    }
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        thread_work(thread, work_unmap_slice);
}

enum { PROTECT_CLEAR, PROTECT_WAIT };

static enum job_result protect_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    if (thread->work_phase == PROTECT_CLEAR) {
        bool cleared = vspace_protect_step(thread->work_vspace, &thread->work_start,
                                           thread->work_end, REAPER_SLICE);
        bool others = vspace_flush(thread->work_vspace);
        if (!cleared)
            return JOB_MORE;
        thread->work_phase = PROTECT_WAIT;
        if (others)
            return JOB_GRACE;
    }
    return JOB_DONE;
}

void syscall_protect(struct thread *thread)
{
    u64 flags = arg(thread, 4);
    enum status status = take_range(thread);
    if (status == STATUS_OK) {
        bool sane = !(flags & ~(u64)(MAP_READ | MAP_WRITE | MAP_EXECUTE)) &&
                    !((flags & MAP_WRITE) && (flags & MAP_EXECUTE));
        status = sane ? vspace_protect_begin(thread->work_vspace, thread->work_start,
                                             thread->work_end, (u32)flags)
                      : STATUS_BAD_ARGUMENT;
        if (status != STATUS_OK)
            drop_range(thread);
    }
    thread_set_status(thread, status);
    if (status == STATUS_OK)
        thread_work(thread, protect_slice);
}
