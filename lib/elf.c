/*
 * ELF load plans; see elf.h.
 *
 * Invariant: no byte of the file is read before `file_has` or a plan's segment said that it is
 * there. Headers are copied out before they are looked at, because the file may lie at any
 * alignment.
 */
#include "lib/elf.h"

#include "lib/checked_math.h"
#include "lib/string.h"

#define EI_CLASS   4u
#define EI_DATA    5u
#define EI_VERSION 6u

#define ELFCLASS64  2u
#define ELFDATA2LSB 1u
#define EV_CURRENT  1u
#define ET_EXEC     2u
#define ET_DYN      3u
#define EM_X86_64   62u

#define PT_LOAD    1u
#define PT_DYNAMIC 2u
#define PT_INTERP  3u

#define PF_X 1u
#define PF_W 2u
#define PF_R 4u

#define DT_NULL     0u
#define DT_NEEDED   1u
#define DT_PLTRELSZ 2u
#define DT_RELA     7u
#define DT_RELASZ   8u
#define DT_RELAENT  9u
#define DT_RELSZ    18u
#define DT_TEXTREL  22u
#define DT_RELRSZ   35u

#define R_X86_64_NONE     0u
#define R_X86_64_RELATIVE 8u

struct file_header {
    u8 ident[16];
    u16 type;
    u16 machine;
    u32 version;
    u64 entry;
    u64 program_offset;
    u64 section_offset;
    u32 flags;
    u16 header_size;
    u16 program_entry_size;
    u16 program_count;
    u16 section_entry_size;
    u16 section_count;
    u16 section_names;
};

struct program_header {
    u32 type;
    u32 flags;
    u64 offset;
    u64 virt;
    u64 phys;
    u64 file_size;
    u64 memory_size;
    u64 align;
};

struct dynamic_entry {
    u64 tag;
    u64 value;
};

struct relocation {
    u64 offset;
    u64 info;
    u64 addend;
};

_Static_assert(sizeof(struct file_header) == 64, "gABI: Elf64_Ehdr");
_Static_assert(sizeof(struct program_header) == 56, "gABI: Elf64_Phdr");
_Static_assert(sizeof(struct dynamic_entry) == 16, "gABI: Elf64_Dyn");
_Static_assert(sizeof(struct relocation) == 24, "gABI: Elf64_Rela");

struct file {
    const u8 *bytes;
    u64 size_bytes;
};

static bool file_has(const struct file *file, u64 offset, u64 size_bytes)
{
    return range_fits(offset, size_bytes, file->size_bytes);
}

/* The pages that a checked segment covers. */
static u64 first_page(const struct elf_segment *segment)
{
    return align_down(segment->virt, PAGE_SIZE);
}

static u64 end_page(const struct elf_segment *segment)
{
    return align_up(segment->virt + segment->memory_size, PAGE_SIZE);
}

static enum elf_error check_header(const struct file *file, struct file_header *header)
{
    static const u8 magic[4] = {0x7f, 'E', 'L', 'F'};
    for (u64 i = 0; i < sizeof(magic); i++) {
        if (i >= file->size_bytes)
            return i == 0 ? ELF_NOT_ELF : ELF_CUT_SHORT;
        if (file->bytes[i] != magic[i])
            return ELF_NOT_ELF;
    }
    if (!file_has(file, 0, sizeof(*header)))
        return ELF_CUT_SHORT;
    memcpy(header, file->bytes, sizeof(*header));

    if (header->ident[EI_CLASS] != ELFCLASS64)
        return ELF_NOT_64_BIT;
    if (header->ident[EI_DATA] != ELFDATA2LSB || header->machine != EM_X86_64)
        return ELF_WRONG_MACHINE;
    if (header->ident[EI_VERSION] != EV_CURRENT || header->version != EV_CURRENT)
        return ELF_BAD_HEADER;
    if (header->type != ET_EXEC && header->type != ET_DYN)
        return ELF_WRONG_KIND;
    if (header->header_size < sizeof(*header) ||
        (header->program_count != 0 && header->program_entry_size != sizeof(struct program_header)))
        return ELF_BAD_HEADER;
    if (header->program_count == 0)
        return ELF_NO_SEGMENT;
    if (header->program_count > ELF_MAX_PROGRAM_HEADERS)
        return ELF_TOO_MANY_SEGMENTS;
    if (!file_has(file, header->program_offset,
                  (u64)header->program_count * sizeof(struct program_header)))
        return ELF_CUT_SHORT;
    return ELF_OK;
}

/* check_header has accepted the file, and index is below program_count. */
static struct program_header read_program_header(const struct file *file,
                                                 const struct file_header *header, u32 index)
{
    struct program_header program;
    memcpy(&program, file->bytes + header->program_offset + index * sizeof(program),
           sizeof(program));
    return program;
}

static enum elf_error check_segment(const struct file *file, const struct program_header *program,
                                    u64 lowest, u64 highest)
{
    u64 end;
    if (program->file_size > program->memory_size)
        return ELF_WILD_SEGMENT;
    if (!checked_add(program->virt, program->memory_size, &end) ||
        !checked_align_up(end, PAGE_SIZE, &end))
        return ELF_WILD_SEGMENT;
    if (align_down(program->virt, PAGE_SIZE) < lowest || end > highest)
        return ELF_WILD_SEGMENT;
    if (!is_aligned(program->virt - program->offset, PAGE_SIZE))
        return ELF_WILD_SEGMENT;
    if (!file_has(file, program->offset, program->file_size))
        return ELF_CUT_SHORT;
    if ((program->flags & PF_W) && (program->flags & PF_X))
        return ELF_WRITABLE_CODE;
    return ELF_OK;
}

/* Inserts by address; the plan has room. */
static enum elf_error add_segment(struct elf_plan *plan, const struct program_header *program)
{
    struct elf_segment segment = {
        .virt = program->virt,
        .file_offset = program->offset,
        .file_size = program->file_size,
        .memory_size = program->memory_size,
        .flags = ((program->flags & PF_R) ? ELF_SEGMENT_READ : 0) |
                 ((program->flags & PF_W) ? ELF_SEGMENT_WRITE : 0) |
                 ((program->flags & PF_X) ? ELF_SEGMENT_EXECUTE : 0),
    };

    u32 at = plan->segment_count;
    for (; at > 0 && plan->segments[at - 1].virt > segment.virt; at--)
        plan->segments[at] = plan->segments[at - 1];
    plan->segments[at] = segment;
    plan->segment_count++;

    if (at > 0 && end_page(&plan->segments[at - 1]) > first_page(&segment))
        return ELF_OVERLAPPING_SEGMENTS;
    if (at + 1 < plan->segment_count && end_page(&segment) > first_page(&plan->segments[at + 1]))
        return ELF_OVERLAPPING_SEGMENTS;
    return ELF_OK;
}

static enum elf_error collect_segments(const struct file *file, const struct file_header *header,
                                       u64 lowest, u64 highest, struct elf_plan *plan)
{
    for (u32 i = 0; i < header->program_count; i++) {
        struct program_header program = read_program_header(file, header, i);
        if (program.type == PT_INTERP)
            return ELF_NEEDS_LINKER;
        if (program.type != PT_LOAD || program.memory_size == 0)
            continue;
        enum elf_error error = check_segment(file, &program, lowest, highest);
        if (error != ELF_OK)
            return error;
        if (plan->segment_count == ELF_MAX_SEGMENTS)
            return ELF_TOO_MANY_SEGMENTS;
        error = add_segment(plan, &program);
        if (error != ELF_OK)
            return error;
    }
    if (plan->segment_count == 0)
        return ELF_NO_SEGMENT;

    plan->start = first_page(&plan->segments[0]);
    plan->end = end_page(&plan->segments[plan->segment_count - 1]);
    return ELF_OK;
}

/* The segment whose memory holds all of [virt, virt + size_bytes), or NULL. */
static const struct elf_segment *segment_of(const struct elf_plan *plan, u64 virt, u64 size_bytes)
{
    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        if (range_contains(segment->virt, segment->virt + segment->memory_size, virt, size_bytes))
            return segment;
    }
    return NULL;
}

static bool check_entry(const struct elf_plan *plan)
{
    const struct elf_segment *segment = segment_of(plan, plan->entry, 1);
    return segment != NULL && (segment->flags & ELF_SEGMENT_EXECUTE);
}

static struct relocation read_relocation(const u8 *file, const struct elf_plan *plan, u64 index)
{
    struct relocation relocation;
    memcpy(&relocation, file + plan->relocations + index * sizeof(relocation), sizeof(relocation));
    return relocation;
}

static enum elf_error check_relocations(const struct file *file, const struct elf_plan *plan)
{
    for (u64 i = 0; i < plan->relocation_count; i++) {
        struct relocation relocation = read_relocation(file->bytes, plan, i);
        if (relocation.info == R_X86_64_NONE)
            continue;
        if (relocation.info != R_X86_64_RELATIVE)
            return ELF_BAD_RELOCATION;
        const struct elf_segment *segment = segment_of(plan, relocation.offset, sizeof(u64));
        if (segment == NULL || (segment->flags & ELF_SEGMENT_EXECUTE))
            return ELF_BAD_RELOCATION;
    }
    return ELF_OK;
}

/* Finds the table by its address: it must lie in the file's part of one segment. */
static enum elf_error locate_relocations(const struct file *file, u64 virt, u64 size_bytes,
                                         struct elf_plan *plan)
{
    if (size_bytes == 0)
        return ELF_OK;
    if (size_bytes % sizeof(struct relocation) != 0)
        return ELF_BAD_RELOCATION;
    const struct elf_segment *segment = segment_of(plan, virt, size_bytes);
    if (segment == NULL)
        return ELF_BAD_RELOCATION;
    u64 within = virt - segment->virt;
    if (!range_fits(within, size_bytes, segment->file_size))
        return ELF_BAD_RELOCATION;
    plan->relocations = segment->file_offset + within;
    plan->relocation_count = size_bytes / sizeof(struct relocation);
    return check_relocations(file, plan);
}

static enum elf_error read_dynamic(const struct file *file, const struct program_header *dynamic,
                                   struct elf_plan *plan)
{
    u64 table = 0, table_bytes = 0;
    if (!file_has(file, dynamic->offset, dynamic->file_size))
        return ELF_CUT_SHORT;
    for (u64 at = 0; dynamic->file_size - at >= sizeof(struct dynamic_entry);
         at += sizeof(struct dynamic_entry)) {
        struct dynamic_entry entry;
        memcpy(&entry, file->bytes + dynamic->offset + at, sizeof(entry));
        switch (entry.tag) {
        case DT_NULL:
            return locate_relocations(file, table, table_bytes, plan);
        case DT_RELA:
            table = entry.value;
            break;
        case DT_RELASZ:
            table_bytes = entry.value;
            break;
        case DT_RELAENT:
            if (entry.value != sizeof(struct relocation))
                return ELF_BAD_RELOCATION;
            break;
        case DT_NEEDED:
            return ELF_NEEDS_LINKER;
        case DT_TEXTREL:
            return ELF_BAD_RELOCATION;
        case DT_PLTRELSZ:
        case DT_RELSZ:
        case DT_RELRSZ:
            if (entry.value != 0)
                return ELF_BAD_RELOCATION;
            break;
        default:
            break;
        }
    }
    return locate_relocations(file, table, table_bytes, plan);
}

static enum elf_error collect_relocations(const struct file *file, const struct file_header *header,
                                          struct elf_plan *plan)
{
    bool seen = false;
    for (u32 i = 0; i < header->program_count; i++) {
        struct program_header program = read_program_header(file, header, i);
        if (program.type != PT_DYNAMIC)
            continue;
        if (seen)
            return ELF_BAD_RELOCATION;
        seen = true;
        enum elf_error error = read_dynamic(file, &program, plan);
        if (error != ELF_OK)
            return error;
    }
    return ELF_OK;
}

enum elf_error elf_plan_make(const void *file_bytes, u64 size_bytes, u64 lowest, u64 highest,
                             struct elf_plan *plan)
{
    struct file file = {.bytes = file_bytes, .size_bytes = size_bytes};
    struct file_header header;
    enum elf_error error = check_header(&file, &header);
    if (error != ELF_OK)
        return error;

    struct elf_plan made = {
        .position_independent = header.type == ET_DYN,
        .entry = header.entry,
    };
    error = collect_segments(&file, &header, lowest, highest, &made);
    if (error != ELF_OK)
        return error;
    if (!check_entry(&made))
        return ELF_BAD_ENTRY;
    if (made.position_independent) {
        error = collect_relocations(&file, &header, &made);
        if (error != ELF_OK)
            return error;
    }
    *plan = made;
    return ELF_OK;
}

void elf_plan_load(const struct elf_plan *plan, const void *file, void *image, u64 slide)
{
    u8 *to = image;
    memset(to, 0, plan->end - plan->start);
    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        memcpy(to + (segment->virt - plan->start), (const u8 *)file + segment->file_offset,
               segment->file_size);
    }
    for (u64 i = 0; i < plan->relocation_count; i++) {
        struct relocation relocation = read_relocation(file, plan, i);
        if (relocation.info != R_X86_64_RELATIVE)
            continue;
        u64 value = relocation.addend + slide;
        memcpy(to + (relocation.offset - plan->start), &value, sizeof(value));
    }
}

const char *elf_error_text(enum elf_error error)
{
    static const char *const texts[ELF_ERROR_COUNT] = {
        [ELF_OK] = "is well formed",
        [ELF_NOT_ELF] = "is not an ELF file",
        [ELF_NOT_64_BIT] = "is not a 64-bit ELF file",
        [ELF_WRONG_MACHINE] = "is for another machine than x86_64",
        [ELF_WRONG_KIND] = "is not an executable",
        [ELF_CUT_SHORT] = "is cut short",
        [ELF_BAD_HEADER] = "has a damaged ELF header",
        [ELF_NO_SEGMENT] = "has no loadable segment",
        [ELF_TOO_MANY_SEGMENTS] = "has too many segments",
        [ELF_WILD_SEGMENT] = "has a segment outside the allowed addresses",
        [ELF_OVERLAPPING_SEGMENTS] = "has overlapping segments",
        [ELF_WRITABLE_CODE] = "has a segment that is writable and executable",
        [ELF_BAD_ENTRY] = "has an entry point outside its code",
        [ELF_BAD_RELOCATION] = "has a relocation that cannot be applied",
        [ELF_NEEDS_LINKER] = "needs a dynamic linker",
    };
    if ((u32)error >= ELF_ERROR_COUNT)
        return "has an unknown error";
    return texts[error];
}
