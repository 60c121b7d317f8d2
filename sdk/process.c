/*
 * From an ELF file to a spawn plan. Segments whose file part is whole pages (all programs linked
 * with sdk/user.ld) are mapped from the file's memory object, writable ones copy-on-write; others
 * are copied into fresh memory first. What follows the file part is anonymous. The image lies at a
 * random place of one window.
 */
#include "ferrous/process.h"

#include "ferrous/calls.h"
#include "ferrous/random.h"
#include "ferrous/start.h"
#include "lib/checked_math.h"
#include "lib/elf.h"
#include "lib/string.h"

/* All of a small process lies in one GiB, so that it needs few page tables; the kernel puts the
 * rest into its upper half. */
#define WINDOW_START 0x40000000ull
#define WINDOW_PAGES 0x10000ull
#define IMAGE_MAX    0x10000000ull

/* A plan under construction, and what it owns until spawn has taken it over. */
struct builder {
    const struct process_spec *spec;
    u64 slide;
    struct spawn_plan plan;
    u32 copy_count;
    /* From here on filled as far as it is used. */
    struct elf_plan own_elf;
    cap_t copies[SPAWN_MAX_SEGMENTS];
    char arguments[START_ARGUMENTS_SIZE];
};

static enum status add_segment(struct builder *builder, cap_t memory, u64 offset, u64 address,
                               u64 size, u32 flags)
{
    struct spawn_plan *plan = &builder->plan;

    if (size == 0)
        return STATUS_OK;
    if (plan->segment_count == SPAWN_MAX_SEGMENTS)
        return STATUS_BAD_ARGUMENT;
    plan->segments[plan->segment_count++] = (struct spawn_segment){.memory = memory,
                                                                   .memory_offset = offset,
                                                                   .address = address,
                                                                   .size_bytes = size,
                                                                   .map_flags = flags};
    return STATUS_OK;
}

/* Fresh memory of `size` that holds the file's bytes at `skip`; charged to the child's group. */
static enum status copy_segment(struct builder *builder, const struct elf_segment *segment,
                                u64 skip, u64 size, cap_t *copy)
{
    const u8 *file = builder->spec->image.data;
    memory_t memory;
    enum status status;
    u64 address = 0;

    status = memory_create(builder->spec->group, size, 0, &memory);
    if (status != STATUS_OK)
        return status;
    builder->copies[builder->copy_count++] = memory.cap;
    status = memory_map(memory, 0, size, MAP_READ | MAP_WRITE, &address);
    if (status != STATUS_OK)
        return status;
    memcpy((u8 *)(uintptr_t)address + skip, file + segment->file_offset, segment->file_size);
    *copy = memory.cap;
    return memory_unmap(address, size);
}

static u32 map_flags(const struct elf_segment *segment)
{
    u32 flags = MAP_READ;

    if ((segment->flags & ELF_SEGMENT_WRITE) != 0)
        flags |= MAP_WRITE;
    if ((segment->flags & ELF_SEGMENT_EXECUTE) != 0)
        flags |= MAP_EXECUTE;
    return flags;
}

static enum status place_segment(struct builder *builder, const struct elf_segment *segment)
{
    const struct process_image *image = &builder->spec->image;
    u64 start = align_down(segment->virt, PAGE_SIZE);
    u64 skip = segment->virt - start;
    u64 file_end = align_up(segment->virt + segment->file_size, PAGE_SIZE);
    u64 memory_end = align_up(segment->virt + segment->memory_size, PAGE_SIZE);
    u64 file_offset = image->offset + segment->file_offset - skip;
    u32 flags = map_flags(segment);
    bool tail_is_clean = segment->memory_size == segment->file_size ||
                         is_aligned(segment->virt + segment->file_size, PAGE_SIZE);
    cap_t source = image->memory.cap;
    enum status status;

    if (segment->file_size == 0)
        return add_segment(builder, CAP_NULL, 0, start + builder->slide, memory_end - start, flags);
    if ((flags & MAP_WRITE) != 0)
        flags |= MAP_PRIVATE;
    if (cap_is_null(source) || !tail_is_clean || !is_aligned(file_offset, PAGE_SIZE)) {
        status = copy_segment(builder, segment, skip, file_end - start, &source);
        if (status != STATUS_OK)
            return status;
        file_offset = 0;
        flags &= ~MAP_PRIVATE;
    }
    status =
        add_segment(builder, source, file_offset, start + builder->slide, file_end - start, flags);
    if (status != STATUS_OK)
        return status;
    return add_segment(builder, CAP_NULL, 0, file_end + builder->slide, memory_end - file_end,
                       map_flags(segment));
}

static enum status make_plan(const struct process_image *image, struct elf_plan *plan)
{
    enum elf_error error = elf_plan_make(image->data, image->size_bytes, 0, USER_END, plan);

    return error == ELF_OK && plan->end - plan->start <= IMAGE_MAX ? STATUS_OK
                                                                   : STATUS_BAD_ARGUMENT;
}

enum status process_image_plan(struct process_image *image, struct elf_plan *plan)
{
    enum status status = make_plan(image, plan);

    if (status == STATUS_OK)
        image->plan = plan;
    return status;
}

static enum status place_image(struct builder *builder)
{
    const struct process_image *image = &builder->spec->image;
    const struct elf_plan *elf = image->plan;
    enum status status = STATUS_OK;

    if (elf == NULL) {
        status = make_plan(image, &builder->own_elf);
        elf = &builder->own_elf;
    }
    if (status != STATUS_OK)
        return status;
    if (elf->position_independent)
        builder->slide = WINDOW_START + random_value_below(WINDOW_PAGES) * PAGE_SIZE - elf->start;
    builder->plan.load_base = builder->slide;
    builder->plan.entry = elf->entry + builder->slide;
    for (u32 i = 0; i < elf->segment_count; i++) {
        status = place_segment(builder, &elf->segments[i]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static bool append_text(struct builder *builder, const char *text, size_t size)
{
    u32 used = builder->plan.arguments_size;

    if (size > sizeof(builder->arguments) - used)
        return false;
    memcpy(builder->arguments + used, text, size);
    builder->plan.arguments_size += (u32)size;
    return true;
}

static enum status place_arguments(struct builder *builder)
{
    const struct process_spec *spec = builder->spec;
    bool fits = append_text(builder, START_CAPS_PREFIX, strlen(START_CAPS_PREFIX));

    for (u32 i = 0; i < spec->cap_count; i++) {
        fits = fits && (i == 0 || append_text(builder, ",", 1)) &&
               append_text(builder, spec->caps[i].name, strlen(spec->caps[i].name));
    }
    fits = fits && append_text(builder, "", 1);
    for (u32 i = 0; i < spec->argument_count; i++)
        fits = fits && append_text(builder, spec->arguments[i], strlen(spec->arguments[i]) + 1);
    builder->plan.arguments = (u64)(uintptr_t)builder->arguments;
    return fits ? STATUS_OK : STATUS_BAD_ARGUMENT;
}

static enum status place_caps(struct builder *builder)
{
    const struct process_spec *spec = builder->spec;

    if (spec->cap_count > SPAWN_MAX_CAPS)
        return STATUS_BAD_ARGUMENT;
    for (u32 i = 0; i < spec->cap_count; i++) {
        builder->plan.caps[i] = (struct spawn_cap){.cap = spec->caps[i].cap,
                                                   .rights = spec->caps[i].rights,
                                                   .mode = spec->caps[i].mode,
                                                   .badge = spec->caps[i].badge};
    }
    builder->plan.cap_count = spec->cap_count;
    return STATUS_OK;
}

enum status process_spawn(const struct process_spec *spec, struct process *process)
{
    struct builder builder;
    enum status status;

    memset(&builder, 0, offsetof(struct builder, own_elf));
    builder.spec = spec;
    string_copy(builder.plan.name, sizeof(builder.plan.name), spec->name);
    builder.plan.stack_size_bytes = spec->stack_size_bytes;
    builder.plan.fault_endpoint = spec->fault_endpoint.cap;
    builder.plan.flags = spec->held ? SPAWN_HELD : 0;
    status = place_image(&builder);
    if (status == STATUS_OK)
        status = place_arguments(&builder);
    if (status == STATUS_OK)
        status = place_caps(&builder);
    if (status == STATUS_OK)
        status = process_create(spec->group, &builder.plan, &process->handle, &process->main_thread,
                                &process->id);
    for (u32 i = 0; i < builder.copy_count; i++)
        (void)cap_close(builder.copies[i]);
    return status;
}

void process_close(struct process *process)
{
    (void)cap_close(process->handle.cap);
    (void)cap_close(process->main_thread.cap);
    process->handle.cap = CAP_NULL;
    process->main_thread.cap = CAP_NULL;
}
