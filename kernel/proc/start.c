/* What every process begins with. */
#include "proc/start.h"

#include "abi/info_page.h"
#include "abi/memory.h"
#include "arch/time.h"
#include "core/assert.h"
#include "lib/string.h"
#include "mm/memory.h"
#include "proc/process_internal.h"
#include "proc/spawn.h"

#define DEFAULT_STACK_BYTES 65536ull
#define MAX_STACK_BYTES     (64ull << 20)
#define SKIP_PAGES          64u

KERNEL_STATE static struct memory *info_memory;

void info_page_init(const struct boot_info *boot, u64 memory_bytes, u64 boot_id)
{
    enum status status = memory_create(&group_root()->payer, PAGE_SIZE, &info_memory);
    paddr_t frame;
    if (status == STATUS_OK)
        status = memory_page(info_memory, 0, true, &frame);
    ASSERT(status == STATUS_OK);
    /* SAFETY: the one page of an object that is never freed. */
    struct info_page *page = arch_phys_to_virt(frame);
    page->version = INFO_PAGE_VERSION;
    page->cpu_count = boot->cpu_count;
    page->node_count = boot->node_count;
    page->memory_bytes = memory_bytes;
    page->boot_id = boot_id;
    string_copy(page->version_text, sizeof(page->version_text), "Ferrous 0.1");
    arch_clock_describe(page);
}

static u32 access_of(u32 map_flags)
{
    return map_flags & (ACCESS_READ | ACCESS_WRITE | ACCESS_EXECUTE);
}

_Static_assert(MAP_READ == ACCESS_READ && MAP_WRITE == ACCESS_WRITE &&
                   MAP_EXECUTE == ACCESS_EXECUTE,
               "the ABI's access bits are the kernel's");

enum status start_map(struct process *process, struct memory *memory, u64 memory_page,
                      u64 page_count, u32 map_flags, u64 *address)
{
    struct mapping mapping = {
        .memory = memory,
        .memory_page = memory_page,
        .address = *address,
        .page_count = page_count,
        .access = access_of(map_flags),
        .max_access = access_of(map_flags),
        .private_copy = (map_flags & MAP_PRIVATE) != 0,
    };
    return vspace_map(&process->vspace, &mapping, address);
}

/* The last page of the stack, from the top down: start information, the main thread's message
 * buffer, and the first frames of the stack itself. */
#define INFO_OFFSET   ((PAGE_SIZE - sizeof(struct start_info)) & ~63ull)
#define BUFFER_OFFSET ((INFO_OFFSET - sizeof(struct message_buffer)) & ~63ull)

static enum status make_stack(struct start *start, u64 size_bytes)
{
    struct process *process = start->process;
    u64 pages = size_bytes >> PAGE_SHIFT, stack = 0;
    paddr_t frame;
    enum status status =
        memory_create(process->object.payer, size_bytes + PAGE_SIZE, &start->stack);
    if (status == STATUS_OK)
        status = memory_page(start->stack, pages, true, &frame);
    if (status == STATUS_OK)
        status = start_map(process, start->stack, 0, pages + 1, MAP_READ | MAP_WRITE, &stack);
    if (status != STATUS_OK)
        return status;
    start->page_address = stack + size_bytes;
    vspace_populate(&process->vspace, start->page_address, 1, ACCESS_WRITE);
    status = process_add_thread(process, start->stack, size_bytes + BUFFER_OFFSET, &start->thread);
    if (status != STATUS_OK)
        return status;
    /* SAFETY: in the page that the main thread keeps pinned; only the new process, which does not
     * run yet, has it. */
    start->info = arch_phys_to_virt(paddr(frame.raw + INFO_OFFSET));
    start->info->message_buffer = start->page_address + BUFFER_OFFSET;
    start->info->stack_top = start->page_address + BUFFER_OFFSET;
    start->thread->buffer_user = start->info->message_buffer;
    return STATUS_OK;
}

enum status start_begin(struct start *start, struct payer *payer, const char *name, u64 parent_id,
                        u64 stack_size_bytes)
{
    if (stack_size_bytes == 0)
        stack_size_bytes = DEFAULT_STACK_BYTES;
    if (stack_size_bytes % PAGE_SIZE != 0 || stack_size_bytes > MAX_STACK_BYTES)
        return STATUS_BAD_ARGUMENT;
    enum status status = process_create(payer, name, parent_id, &start->process);
    if (status == STATUS_OK)
        status = make_stack(start, stack_size_bytes);
    if (status != STATUS_OK)
        return status;
    /* Unknown distances between stack, info page and what the program maps itself. */
    struct vspace *vspace = &start->process->vspace;
    u64 random = cap_random();
    vspace_skip(vspace, random % SKIP_PAGES);
    status = start_map(start->process, info_memory, 0, 1, MAP_READ, &start->info->info_page);
    vspace_skip(vspace, random / SKIP_PAGES % SKIP_PAGES);
    return status;
}

static enum status insert_own(struct start *start)
{
    struct process *process = start->process;
    struct cap_grant grant = {
        .rights = RIGHT_GRANT | RIGHT_MAP | RIGHT_CONTROL | RIGHT_INSPECT,
        .flags = CAP_FLAG_SEAL_TRANSFER | CAP_FLAG_SEAL_DERIVE,
        .expires_ns = TIME_NEVER,
    };
    enum status status =
        cap_insert_root(&process->space, &process->object, &grant, &start->info->self);
    if (status == STATUS_OK) {
        grant.rights = RIGHTS_THREAD;
        status = cap_insert_root(&process->space, &start->thread->object, &grant,
                                 &start->info->main_thread);
    }
    return status;
}

enum status start_finish(struct start *start, u64 entry)
{
    enum status status = insert_own(start);
    if (status != STATUS_OK)
        return status;
    struct thread *thread = start->thread;
    u64 info = start->page_address + INFO_OFFSET;
    arch_context_init(&thread->context, entry, start->info->stack_top, info, 0, thread->fpu_area);
    return STATUS_OK;
}

void start_release(struct start *start)
{
    if (start->stack)
        object_put(&start->stack->object);
    if (start->thread)
        object_put(&start->thread->object);
    if (start->process)
        object_put(&start->process->object);
}

void start_abandon(struct start *start)
{
    if (start->process)
        process_kill(start->process, &(struct exit_record){.reason = EXIT_KILLED});
    start_release(start);
}
