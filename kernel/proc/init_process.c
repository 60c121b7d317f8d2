/* The first process: its ELF file was read and checked by the loader, which left a list of
 * segments. */
#include "abi/memory.h"
#include "arch/device.h"
#include "core/assert.h"
#include "core/log.h"
#include "dev/machine.h"
#include "dev/ports.h"
#include "lib/checked_math.h"
#include "lib/string.h"
#include "proc/spawn.h"
#include "proc/start.h"

#define INIT_BASE        0x40000000ull
#define INIT_RANDOM      0x10000000ull
#define INIT_STACK_BYTES 262144ull

static void must(enum status status, const char *what)
{
    if (status != STATUS_OK)
        panic("init cannot be started: %s: status %u", what, (u32)status);
}

static u32 map_flags_of(u32 segment_flags)
{
    u32 flags = 0;
    if (segment_flags & BOOT_SEGMENT_READ)
        flags |= MAP_READ;
    if (segment_flags & BOOT_SEGMENT_WRITE)
        flags |= MAP_WRITE;
    if (segment_flags & BOOT_SEGMENT_EXECUTE)
        flags |= MAP_EXECUTE;
    return flags;
}

/* A copy of a segment, so that the file's own memory can be freed. */
static void map_segment(struct process *process, const struct boot_info *boot,
                        const struct boot_segment *segment, u64 slide)
{
    u64 start = segment->virt & ~(PAGE_SIZE - 1);
    u64 end = (segment->virt + segment->memory_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    struct memory *memory;
    must(memory_create(process->object.payer, end - start, &memory), "segment");
    /* SAFETY: the loader's copy of the file, checked by it; freed only after init has started. */
    const char *file = arch_phys_to_virt(paddr(boot->init_phys));
    must(memory_write(memory, segment->virt - start, file + segment->file_offset,
                      segment->file_size),
         "segment's content");
    u64 address = start + slide;
    must(start_map(process, memory, 0, (end - start) >> PAGE_SHIFT, map_flags_of(segment->flags),
                   &address),
         "segment's place");
    object_put(&memory->object);
}

static void give(struct start *start, enum init_cap index, struct object *object, u32 rights,
                 u64 end)
{
    struct cap_grant grant = {
        .rights = rights | RIGHTS_COMMON,
        .expires_ns = TIME_NEVER,
        .range_end = end,
    };
    must(cap_insert_root(&start->process->space, object, &grant, &start->info->caps[index]),
         "capability");
}

static void give_memory(struct start *start, enum init_cap index, u64 phys, u64 size_bytes,
                        bool device, u32 rights)
{
    struct memory *memory;
    u64 size = align_up(size_bytes, PAGE_SIZE);
    must(memory_create_physical(&group_root()->payer, phys, size, device, &memory), "boot memory");
    give(start, index, &memory->object, rights, size);
    object_put(&memory->object);
}

static void give_all(struct start *start, const struct boot_info *boot)
{
    struct group *root = group_root();
    give(start, INIT_CAP_GROUP, &root->object, RIGHTS_GROUP, 0);
    give(start, INIT_CAP_MACHINE, machine_object(), RIGHTS_MACHINE, 0);
    give_memory(start, INIT_CAP_ARCHIVE, boot->archive_phys, boot->archive_size_bytes, false,
                RIGHT_READ | RIGHT_EXECUTE | RIGHT_INFO);
    give(start, INIT_CAP_PORTS, ports_object(), RIGHTS_PORTS, ARCH_PORT_COUNT);
    give_memory(start, INIT_CAP_DEVICE, 0, MEMORY_MAX_BYTES, true,
                RIGHT_READ | RIGHT_WRITE | RIGHT_INFO);
    give(start, INIT_CAP_TRACE, trace_domain_object(), RIGHTS_TRACE, 0);
    paddr_t info = arch_virt_to_phys(boot);
    give_memory(start, INIT_CAP_BOOT_INFO, info.raw, sizeof(*boot), false, RIGHT_READ | RIGHT_INFO);
    start->info->cap_count = INIT_CAP_COUNT;
}

void process_start_init(const struct boot_info *boot)
{
    struct start start = {0};
    must(start_begin(&start, &group_root()->payer, "init", 0, INIT_STACK_BYTES), "process");
    u64 slide = 0;
    if (boot->init_segment_count > 0 && boot->init_segments[0].virt < USER_START)
        slide = INIT_BASE + (cap_random() % (INIT_RANDOM >> PAGE_SHIFT) << PAGE_SHIFT);
    for (u32 i = 0; i < boot->init_segment_count; i++)
        map_segment(start.process, boot, &boot->init_segments[i], slide);
    start.info->load_base = slide;
    give_all(&start, boot);
    must(start_finish(&start, boot->init_entry + slide), "main thread");
    must(object_enlist(&start.process->object), "group");
    must(object_enlist(&start.thread->object), "group");
    process_start_thread(start.thread);
    start_release(&start);
}
