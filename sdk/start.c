/*
 * Start of a program: relocations, the main thread's block, arguments, main. Runs alone, before any
 * thread exists.
 *
 * Programs are static PIE: only R_X86_64_RELATIVE relocations, applied here (ELF-64 object file
 * format; System V ABI for x86-64, 4.4). Until sdk_relocate returns, nothing that needs one may be
 * touched.
 */
#include "ferrous/start.h"

#include "ferrous/calls.h"
#include "ferrous/console.h"
#include "lib/checked_math.h"
#include "lib/format.h"
#include "lib/string.h"
#include "sdk_internal.h"

#define MAIN_AREA_SIZE 4096u
#define AREA_ALIGNMENT 64u

struct program_header {
    u32 type;
    u32 flags;
    u64 offset;
    u64 virt;
    u64 phys;
    u64 file_size;
    u64 memory_size;
    u64 alignment;
};

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
};

struct dynamic_entry {
    i64 tag;
    u64 value;
};

struct relocation {
    u64 offset;
    u64 info;
    i64 addend;
};

#define SEGMENT_DYNAMIC     2u
#define SEGMENT_TLS         7u
#define DYNAMIC_RELA        7
#define DYNAMIC_RELA_SIZE   8
#define RELOCATION_RELATIVE 8u

static const struct start_info *the_start_info;
static const struct file_header *file_header;
static u64 load_bias;
static _Alignas(AREA_ALIGNMENT) u8 main_area[MAIN_AREA_SIZE];
static char *argument_list[START_MAX_ARGC + 1];
static const char *cap_names;

static const struct program_header *find_segment(const struct file_header *header, u32 type)
{
    const struct program_header *segments =
        (const void *)((const u8 *)header + header->program_offset);

    for (u32 i = 0; i < header->program_count; i++) {
        if (segments[i].type == type)
            return &segments[i];
    }
    return NULL;
}

void sdk_relocate(const void *header, const void *dynamic)
{
    const struct program_header *segment = find_segment(header, SEGMENT_DYNAMIC);
    const struct dynamic_entry *entry = dynamic;
    u64 bias;
    u64 table = 0;
    u64 table_size = 0;

    if (segment == NULL)
        return;
    bias = (u64)(uintptr_t)dynamic - segment->virt;
    for (; entry->tag != 0; entry++) {
        if (entry->tag == DYNAMIC_RELA)
            table = entry->value + bias;
        else if (entry->tag == DYNAMIC_RELA_SIZE)
            table_size = entry->value;
    }
    for (u64 at = 0; table != 0 && at + sizeof(struct relocation) <= table_size;
         at += sizeof(struct relocation)) {
        const struct relocation *relocation = (const void *)(uintptr_t)(table + at);

        if ((u32)relocation->info == RELOCATION_RELATIVE)
            *(u64 *)(uintptr_t)(relocation->offset + bias) = (u64)relocation->addend + bias;
    }
    file_header = header;
    load_bias = bias;
}

size_t thread_area_size(void)
{
    const struct program_header *segment = find_segment(file_header, SEGMENT_TLS);
    u64 variables = segment == NULL ? 0 : align_up(segment->memory_size, AREA_ALIGNMENT);

    return variables + align_up(sizeof(struct thread_block), AREA_ALIGNMENT);
}

/* Variant II of thread-local storage: variables end where the block begins. */
struct thread_block *thread_area_init(void *area)
{
    const struct program_header *segment = find_segment(file_header, SEGMENT_TLS);
    struct thread_block *block = area;

    if (segment != NULL && segment->memory_size != 0) {
        u64 variables = align_up(segment->memory_size, AREA_ALIGNMENT);
        u64 alignment = segment->alignment == 0 ? 1 : segment->alignment;
        u8 *start;

        block = (void *)((u8 *)area + variables);
        start = (u8 *)block - align_up(segment->memory_size, alignment);
        memset(area, 0, variables);
        memcpy(start, (const void *)(uintptr_t)(segment->virt + load_bias), segment->file_size);
    }
    memset(block, 0, sizeof(*block));
    block->self = block;
    return block;
}

/* The kernel drew the upper halves of both handles for this process alone. The lowest byte is zero,
 * so that no overrun by text can restore the canary. */
static u64 canary_from(const struct start_info *info)
{
    u64 secrets = info->self.bits >> 32 | (info->main_thread.bits & ~0xffffffffull);

    return (secrets * 0x9e3779b97f4a7c15ull) & ~0xffull;
}

static void start_main_thread(const struct start_info *info)
{
    struct thread_block *block;

    if (thread_area_size() > sizeof(main_area))
        process_exit(134);
    block = thread_area_init(main_area);
    block->buffer = (void *)(uintptr_t)info->message_buffer;
    block->thread = info->main_thread;
    if (kthread_control((thread_t){info->main_thread}, THREAD_SET_POINTER, (u64)(uintptr_t)block) !=
        STATUS_OK)
        process_exit(134);
    block->canary = canary_from(info);
}

/* Splits the argument text where it lies, in the start page, which is ours to write. */
static int read_arguments(const struct start_info *info)
{
    char *text = (char *)(uintptr_t)info + offsetof(struct start_info, arguments);
    u32 size = info->arguments_size;
    int count = 0;
    u32 at = 0;

    if (size >= START_ARGUMENTS_SIZE)
        size = START_ARGUMENTS_SIZE - 1;
    text[size] = '\0';
    while (at < size) {
        char *argument = text + at;

        at += (u32)strlen(argument) + 1;
        if (argument == text && string_starts_with(argument, START_CAPS_PREFIX))
            cap_names = argument + strlen(START_CAPS_PREFIX);
        else if (count < (int)START_MAX_ARGC)
            argument_list[count++] = argument;
    }
    argument_list[count] = NULL;
    return count;
}

_Noreturn void sdk_start(const struct start_info *info)
{
    int argc;

    the_start_info = info;
    start_main_thread(info);
    argc = read_arguments(info);
    process_exit(main(argc, argument_list));
}

const struct start_info *start_info(void)
{
    return the_start_info;
}

const struct info_page *start_info_page(void)
{
    return (const void *)(uintptr_t)the_start_info->info_page;
}

/* The start of name `index` and its length; NULL when there are fewer. */
static const char *nth_name(u32 index, size_t *length)
{
    const char *name = cap_names;

    while (name != NULL && *name != '\0') {
        const char *end = string_find(name, ',');

        *length = end == NULL ? strlen(name) : (size_t)(end - name);
        if (index-- == 0)
            return name;
        name = end == NULL ? NULL : end + 1;
    }
    return NULL;
}

cap_t start_cap(const char *name)
{
    size_t wanted = strlen(name);

    for (u32 i = 0; i < the_start_info->cap_count && i < SPAWN_MAX_CAPS; i++) {
        size_t length;
        const char *candidate = nth_name(i, &length);

        if (candidate == NULL)
            break;
        if (length == wanted && memcmp(candidate, name, length) == 0)
            return the_start_info->caps[i];
    }
    return CAP_NULL;
}

bool start_cap_name(u32 index, char *name, size_t size)
{
    size_t length;
    const char *found = nth_name(index, &length);

    if (found == NULL || size == 0)
        return false;
    length = min_u64(length, size - 1);
    memcpy(name, found, length);
    name[length] = '\0';
    return true;
}

process_t start_self(void)
{
    return (process_t){the_start_info->self};
}

group_t start_group(void)
{
    static group_t group;

    if (cap_is_null(group.cap))
        group.cap = start_cap("group");
    return group;
}

_Noreturn void fatal(const char *format, ...)
{
    char text[MESSAGE_MAX_INLINE];
    va_list arguments;

    va_start(arguments, format);
    format_to_va(text, sizeof(text), format, arguments);
    va_end(arguments);
    print("fatal: %s\n", text);
    process_exit(134);
}

/* Called by code compiled with -fstack-protector whose frame was overrun. */
_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
    fatal("stack overrun");
}
