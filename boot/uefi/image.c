/* Loading the executables and mapping them; see image.h. */
#include "image.h"

#include "abi/memory.h"
#include "console.h"
#include "cpu.h"
#include "layout.h"
#include "paging.h"
#include "lib/checked_math.h"
#include "lib/string.h"

/* The jump: see start.S. Its code lies in one page. */
extern const u8 start_code[];
__attribute__((noreturn, ms_abi)) void start_code_enter(u64 root, u64 boot_info, u64 entry,
                                                        u64 page);

#define GDT_CODE 0x00af9b000000ffffull /* 64-bit code, ring 0 */
#define GDT_DATA 0x00cf93000000ffffull

/* The page that holds what the kernel starts with until it has its own: descriptor tables, and a
 * stack that ends where they begin. start.S knows the layout. */
struct start_page {
    u8 stack[PAGE_SIZE - 64];
    u16 unused[3];
    u16 gdt_limit;
    u64 gdt_base;
    u64 gdt[3];
    u8 padding[24];
};

_Static_assert(sizeof(struct start_page) == PAGE_SIZE, "one page");
_Static_assert(offsetof(struct start_page, gdt_limit) == PAGE_SIZE - 58, "start.S");

struct table_source {
    struct firmware *firmware;
    u32 kind;
};

static u64 alloc_table(void *context)
{
    struct table_source *source = context;
    return firmware_alloc(source->firmware, PAGE_SIZE, source->kind, "page tables");
}

static void map_or_fail(struct paging *paging, u64 virt, u64 phys, u64 size_bytes, u32 access)
{
    if (!paging_map(paging, virt, phys, size_bytes, access))
        console_fail("internal: page tables overlap at 0x%llx", (unsigned long long)virt);
}

void image_plan_init(const struct firmware_file *file, struct boot_info *info)
{
    struct elf_plan plan;
    /* One that is position-independent begins at 0; the kernel chooses where it runs. */
    enum elf_error error =
        elf_plan_make((const void *)(uintptr_t)file->phys, file->size_bytes, 0, USER_END, &plan);
    if (error != ELF_OK)
        console_fail("%s %s", file->name, elf_error_text(error));
    info->init_phys = file->phys;
    info->init_size_bytes = file->size_bytes;
    info->init_entry = plan.entry;
    info->init_segment_count = plan.segment_count;
    for (u32 i = 0; i < plan.segment_count; i++) {
        const struct elf_segment *segment = &plan.segments[i];
        info->init_segments[i] = (struct boot_segment){
            .virt = segment->virt,
            .file_offset = segment->file_offset,
            .file_size = segment->file_size,
            .memory_size = segment->memory_size,
            .flags = segment->flags,
        };
    }
}

/* The same bits in the plan and in the hand-over. */
_Static_assert(ELF_SEGMENT_READ == BOOT_SEGMENT_READ, "flags");
_Static_assert(ELF_SEGMENT_WRITE == BOOT_SEGMENT_WRITE, "flags");
_Static_assert(ELF_SEGMENT_EXECUTE == BOOT_SEGMENT_EXECUTE, "flags");
_Static_assert(ELF_MAX_SEGMENTS <= BOOT_MAX_SEGMENTS, "room");

void image_load_kernel(struct firmware *firmware, const struct firmware_file *file,
                       struct random *random, struct elf_plan *plan, struct boot_info *info)
{
    const void *bytes = (const void *)(uintptr_t)file->phys;
    enum elf_error error =
        elf_plan_make(bytes, file->size_bytes, LAYOUT_IMAGE_START, LAYOUT_IMAGE_END, plan);
    if (error != ELF_OK)
        console_fail("%s %s", file->name, elf_error_text(error));

    u64 slide = 0;
    if (random != NULL && plan->position_independent)
        slide = LAYOUT_IMAGE_STEP *
                random_below(random, (LAYOUT_IMAGE_END - plan->end) / LAYOUT_IMAGE_STEP + 1);
    info->kernel_size_bytes = plan->end - plan->start;
    info->kernel_phys = firmware_alloc_aligned(firmware, info->kernel_size_bytes, PAGE_2M,
                                               BOOT_MEMORY_KERNEL, "the kernel");
    info->kernel_virt = plan->start + slide;
    elf_plan_load(plan, bytes, (void *)(uintptr_t)info->kernel_phys, slide);
}

static void map_kernel(struct paging *paging, const struct elf_plan *plan,
                       const struct boot_info *info)
{
    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        u64 start = align_down(segment->virt, PAGE_SIZE) - plan->start;
        u64 end = align_up(segment->virt + segment->memory_size, PAGE_SIZE) - plan->start;
        u32 access = ((segment->flags & ELF_SEGMENT_WRITE) ? PAGING_WRITE : 0) |
                     ((segment->flags & ELF_SEGMENT_EXECUTE) ? PAGING_EXECUTE : 0);
        map_or_fail(paging, info->kernel_virt + start, info->kernel_phys + start, end - start,
                    access);
    }
}

static void place_direct_map(struct random *random, struct boot_info *info)
{
    u64 end = map_memory_end(info->memory_ranges, info->memory_range_count);
    end = align_up(max_u64(end, LAYOUT_DIRECT_MAP_LEAST), LAYOUT_DIRECT_MAP_STEP);
    u64 room = LAYOUT_DIRECT_MAP_END - LAYOUT_DIRECT_MAP_START;
    if (end > room)
        console_fail("memory ends at 0x%llx, beyond what the kernel can map",
                     (unsigned long long)end);
    info->direct_map_virt = LAYOUT_DIRECT_MAP_START;
    if (random != NULL)
        info->direct_map_virt += LAYOUT_DIRECT_MAP_STEP *
                                 random_below(random, (room - end) / LAYOUT_DIRECT_MAP_STEP + 1);
    info->direct_map_end = end;
}

/*
 * For the reset service, which runs at physical addresses: everything below 4 GiB and the runtime
 * regions above, writable and executable, as the firmware expects its own code and data. The upper
 * half is empty: the kernel copies its own there, so that the code which loads these tables stays
 * mapped.
 */
static void map_runtime(struct firmware *firmware, u64 page_most, struct boot_info *info)
{
    struct table_source source = {firmware, BOOT_MEMORY_RUNTIME};
    struct paging paging = {.page_most = page_most, .alloc_table = alloc_table, .context = &source};
    u64 low = LAYOUT_DIRECT_MAP_LEAST;
    map_or_fail(&paging, 0, 0, low, PAGING_WRITE | PAGING_EXECUTE);
    for (u32 i = 0; i < info->memory_range_count; i++) {
        const struct boot_memory_range *range = &info->memory_ranges[i];
        u64 start = max_u64(range->start, low);
        if (range->kind == BOOT_MEMORY_RUNTIME && range->end > start)
            map_or_fail(&paging, start, start, range->end - start, PAGING_WRITE | PAGING_EXECUTE);
    }
    info->efi_runtime_cr3 = paging.root;
}

struct start image_map(struct firmware *firmware, const struct elf_plan *plan,
                       struct random *random, struct boot_info *info)
{
    struct table_source source = {firmware, BOOT_MEMORY_LOADER};
    struct paging kernel = {.page_most = PAGE_2M, .alloc_table = alloc_table, .context = &source};
    u64 page_most = cpu_has_huge_pages() ? PAGE_1G : PAGE_2M;
    u64 code = align_down((u64)(uintptr_t)start_code, PAGE_SIZE);

    place_direct_map(random, info);
    map_kernel(&kernel, plan, info);
    map_or_fail(&kernel, code, code, PAGE_SIZE, PAGING_EXECUTE);
    kernel.page_most = page_most;
    map_or_fail(&kernel, info->direct_map_virt, 0, info->direct_map_end, PAGING_WRITE);
    map_runtime(firmware, page_most, info);

    u64 phys = firmware_alloc(firmware, PAGE_SIZE, BOOT_MEMORY_LOADER, "the start");
    struct start_page *page = (void *)(uintptr_t)phys;
    page->gdt[1] = GDT_CODE;
    page->gdt[2] = GDT_DATA;
    page->gdt_limit = sizeof(page->gdt) - 1;
    page->gdt_base = info->direct_map_virt + phys + offsetof(struct start_page, gdt);
    return (struct start){
        .root = kernel.root,
        .entry = plan->entry - plan->start + info->kernel_virt,
        .boot_info = info->direct_map_virt + (u64)(uintptr_t)info,
        .descriptor = info->direct_map_virt + phys + offsetof(struct start_page, gdt_limit),
    };
}

void image_start(const struct start *start)
{
    start_code_enter(start->root, start->boot_info, start->entry, start->descriptor);
}
