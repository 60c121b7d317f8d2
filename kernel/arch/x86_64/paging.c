/*
 * The kernel's page tables: image by section (W^X), direct map of RAM without the image, a window
 * for stacks with guard pages, a window for device registers. All are built once; every address
 * space shares their top-level entries, so nothing has to be copied later.
 *
 *   slot 256..   direct map (slid), RAM only, not executable
 *   slot 510     stacks (slid), and 256 GiB above them device registers
 *   slot 511     the image, in the top 2 GiB (slid)
 *
 * SAFETY (this file): It edits page tables through the direct map before anything else can use
 * them, and casts between physical, direct-map and image addresses; `image_phys` and
 * arch_phys_to_virt hold the two rules.
 */
#include "paging.h"

#include "arch/time.h"
#include "clock.h"
#include "core/assert.h"
#include "cpu_features.h"
#include "framebuffer.h"
#include "hpet.h"
#include "ioapic.h"
#include "lapic.h"
#include "options.h"
#include "port_cpu.h"
#include "smp.h"
#include "x86.h"

#define LEVEL_SHIFT(level) (PAGE_SHIFT + 9u * (level))
#define LEVEL_SIZE(level)  (1ull << LEVEL_SHIFT(level))
#define KERNEL_FIRST_SLOT  256u
#define WINDOW_BASE        0xffffff0000000000ull
#define WINDOW_DEVICES     (256ull << 30)
#define WINDOW_SLIDE_MASK  0xffffu /* times 2 MiB */
#define IST_SMALL_BYTES    PAGE_SIZE
#define IST_LARGE_BYTES    (2 * PAGE_SIZE)
#define FOUR_GIB           (1ull << 32)

extern u8 kernel_image_start[], kernel_image_end[];
extern u8 kernel_text_start[], kernel_text_end[];
extern u8 kernel_rodata_start[], kernel_rodata_end[];
extern u8 kernel_data_start[], kernel_data_end[];
extern u8 boot_stack_guard[], boot_stack_top[];

u64 port_direct_map;

static paddr_t kernel_root;

/* Its used entries; none is added after the first process was made. */
static u16 kernel_slots[ARCH_PT_ENTRIES];
static u32 kernel_slot_count;
static bool kernel_slots_known;
static u64 startup_root_phys;
static u64 firmware_root_phys;
static u64 stack_window;
static u64 stack_next;
static u64 device_next;
static paddr_t (*table_alloc)(void);

/* The first table of a starting CPU, which loads 32 bits of CR3: so it lies in the image. */
static u64 startup_root[ARCH_PT_ENTRIES] ALIGNED(4096);

static u64 image_phys(const struct boot_info *boot, const void *address)
{
    return boot->kernel_phys + ((u64)address - boot->kernel_virt);
}

void arch_memory_init_early(const struct boot_info *boot)
{
    port_direct_map = boot->direct_map_virt;
    kernel_root = paddr(x86_read_cr3() & PTE_ADDRESS);
}

u64 arch_image_size_bytes(void)
{
    return (u64)(kernel_image_end - kernel_image_start);
}

static u32 slot_of(u64 address)
{
    return (u32)(address >> LEVEL_SHIFT(3)) % ARCH_PT_ENTRIES;
}

/* The entry for `address` in a table of `level`, below `root`, with the tables on the way made. */
static u64 *entry_at(paddr_t root, u64 address, u32 level)
{
    u64 *table = arch_phys_to_virt(root);
    for (u32 l = ARCH_PT_LEVELS - 1; l > level; l--) {
        u64 *entry = &table[address >> LEVEL_SHIFT(l) & (ARCH_PT_ENTRIES - 1)];
        u64 value = arch_pte_read(entry);
        if (!arch_pte_present(value)) {
            value = arch_pte_table(table_alloc()) & ~PTE_USER;
            arch_pte_write(entry, value);
        }
        table = arch_phys_to_virt(arch_pte_address(value, l));
    }
    return &table[address >> LEVEL_SHIFT(level) & (ARCH_PT_ENTRIES - 1)];
}

static u32 largest_level(u64 virt, u64 phys, u64 size)
{
    u32 level = cpu_has(FEATURE_GIB_PAGES) ? 2 : 1;
    while (level > 0 && (((virt | phys) & (LEVEL_SIZE(level) - 1)) || size < LEVEL_SIZE(level)))
        level--;
    return level;
}

/* All page-aligned. `extra` is or-ed into the leaves. */
static void map_range(u64 virt, u64 phys, u64 size, u32 access, u64 extra)
{
    while (size > 0) {
        u32 level = largest_level(virt, phys, size);
        u64 *entry = entry_at(kernel_root, virt, level);
        ASSERT(!arch_pte_present(arch_pte_read(entry)));
        arch_pte_write(entry, arch_pte_leaf(paddr(phys), access, level) | PTE_GLOBAL | extra);
        virt += LEVEL_SIZE(level);
        phys += LEVEL_SIZE(level);
        size -= LEVEL_SIZE(level);
    }
}

static void map_section(const struct boot_info *boot, const u8 *start, const u8 *end, u32 access)
{
    for (const u8 *page = start; page < end; page += PAGE_SIZE) {
        if (page == boot_stack_guard)
            continue;
        u32 page_access = page == descriptors_idt_page() ? ACCESS_READ : access;
        map_range((u64)page, image_phys(boot, page), PAGE_SIZE, page_access, 0);
    }
}

static void map_image(const struct boot_info *boot)
{
    map_section(boot, kernel_text_start, kernel_text_end, ACCESS_READ | ACCESS_EXECUTE);
    map_section(boot, kernel_rodata_start, kernel_rodata_end, ACCESS_READ);
    map_section(boot, kernel_data_start, kernel_data_end, ACCESS_READ | ACCESS_WRITE);
}

/* The image is left out: its text would be writable there. Reserved, runtime and device ranges are
 * not ours. */
static bool in_direct_map(u32 kind)
{
    switch (kind) {
    case BOOT_MEMORY_FREE:
    case BOOT_MEMORY_LOADER:
    case BOOT_MEMORY_BOOT_INFO:
    case BOOT_MEMORY_ARCHIVE:
    case BOOT_MEMORY_INIT:
    case BOOT_MEMORY_ACPI:
        return true;
    default:
        return false;
    }
}

/* Adjacent ranges are joined, so that large pages may span them. */
static void map_direct(const struct boot_info *boot)
{
    u64 start = 0, end = 0;
    for (u32 i = 0; i <= boot->memory_range_count; i++) {
        const struct boot_memory_range *r = &boot->memory_ranges[i];
        bool last = i == boot->memory_range_count;
        if (!last && !in_direct_map(r->kind))
            continue;
        if (!last && r->start == end && end != 0) {
            end = r->end;
            continue;
        }
        map_range(port_direct_map + start, start, end - start, ACCESS_READ | ACCESS_WRITE, 0);
        if (!last) {
            start = r->start;
            end = r->end;
        }
    }
}

void *paging_map_physical(u64 start, u64 size_bytes, enum mapping_kind kind)
{
    u64 first = start & ~(PAGE_SIZE - 1);
    u64 size = (start + size_bytes - first + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    if (size >= LEVEL_SIZE(1)) /* equal offsets allow large pages */
        device_next = ((device_next + LEVEL_SIZE(1) - 1) & ~(LEVEL_SIZE(1) - 1)) +
                      (first & (LEVEL_SIZE(1) - 1));
    u64 virt = device_next;
    ASSERT(slot_of(virt + size) == slot_of(WINDOW_BASE));
    u32 access = ACCESS_READ | ACCESS_WRITE | (kind == MAPPING_UNCACHED ? ACCESS_DEVICE : 0);
    u64 extra = 0;
    if (kind == MAPPING_COMBINING)
        extra = cpu_has(FEATURE_PAT) ? PTE_WRITE_THROUGH : PTE_UNCACHED | PTE_WRITE_THROUGH;
    map_range(virt, first, size, access, extra);
    device_next = virt + size + PAGE_SIZE;
    return (void *)(virt + (start - first));
}

void *arch_stack_create(u64 size_bytes, paddr_t (*alloc_frame)(void))
{
    table_alloc = alloc_frame;
    u64 virt = stack_next + PAGE_SIZE; /* the guard page stays unmapped */
    ASSERT(virt + size_bytes < stack_window + WINDOW_DEVICES);
    for (u64 offset = 0; offset < size_bytes; offset += PAGE_SIZE)
        map_range(virt + offset, alloc_frame().raw, PAGE_SIZE, ACCESS_READ | ACCESS_WRITE, 0);
    stack_next = virt + size_bytes;
    return (void *)stack_next;
}

bool paging_is_stack(u64 address)
{
    return (address >= stack_window && address < stack_next) ||
           (address >= (u64)boot_stack_guard && address < (u64)boot_stack_top);
}

/* Double fault and machine check are both the end, so they share the larger stack. */
static void create_ist_stacks(u32 cpu_count)
{
    for (u32 i = 0; i < cpu_count; i++) {
        struct port_cpu *cpu = port_cpu_at(i);
        u64 debug = (u64)arch_stack_create(IST_SMALL_BYTES, table_alloc) - 16;
        u64 nmi = (u64)arch_stack_create(IST_SMALL_BYTES, table_alloc) - 16;
        u64 fatal = (u64)arch_stack_create(IST_LARGE_BYTES, table_alloc) - 16;
        cpu->ist_tops[IST_DEBUG - 1] = debug;
        cpu->ist_tops[IST_NMI - 1] = nmi;
        cpu->ist_tops[IST_DOUBLE_FAULT - 1] = fatal;
        cpu->ist_tops[IST_MACHINE_CHECK - 1] = fatal;
    }
}

static void copy_kernel_half(u64 *to)
{
    const u64 *from = arch_phys_to_virt(kernel_root);
    for (u32 slot = KERNEL_FIRST_SLOT; slot < ARCH_PT_ENTRIES; slot++)
        to[slot] = from[slot];
}

static void create_startup_root(const struct boot_info *boot)
{
    u64 phys = image_phys(boot, startup_root);
    if (boot->cpu_count < 2 || phys >= FOUR_GIB)
        return;
    copy_kernel_half(startup_root);
    u64 page = boot->trampoline;
    paddr_t directory = table_alloc(), middle = table_alloc(), table = table_alloc();
    startup_root[0] = arch_pte_table(directory) & ~PTE_USER;
    *(u64 *)arch_phys_to_virt(directory) = arch_pte_table(middle) & ~PTE_USER;
    *(u64 *)arch_phys_to_virt(middle) = arch_pte_table(table) & ~PTE_USER;
    u64 *entries = arch_phys_to_virt(table);
    entries[page >> PAGE_SHIFT] =
        arch_pte_leaf(paddr(page), ACCESS_READ | ACCESS_WRITE | ACCESS_EXECUTE, 0);
    startup_root_phys = phys;
}

u64 paging_startup_root(void)
{
    return startup_root_phys;
}

static void create_firmware_root(const struct boot_info *boot)
{
    if (!boot->efi_runtime_cr3 || !boot->efi_system_table ||
        boot->efi_runtime_cr3 >= boot->direct_map_end)
        return;
    paddr_t root = table_alloc();
    u64 *entries = arch_phys_to_virt(root);
    const u64 *firmware = arch_phys_to_virt(paddr(boot->efi_runtime_cr3 & PTE_ADDRESS));
    for (u32 slot = 0; slot < KERNEL_FIRST_SLOT; slot++)
        entries[slot] = firmware[slot];
    copy_kernel_half(entries);
    firmware_root_phys = root.raw;
}

u64 paging_firmware_root(void)
{
    return firmware_root_phys;
}

static void place_windows(const struct boot_info *boot)
{
    u64 slide = 0;
    if (!command_line_has(boot->command_line, "slide=off"))
        slide = (arch_entropy() & WINDOW_SLIDE_MASK) << LEVEL_SHIFT(1);
    stack_window = WINDOW_BASE + slide;
    stack_next = stack_window;
    device_next = stack_window + WINDOW_DEVICES;
    u32 last_direct = slot_of(port_direct_map + boot->direct_map_end - 1);
    ASSERT(slot_of(port_direct_map) >= KERNEL_FIRST_SLOT && last_direct < slot_of(WINDOW_BASE));
}

void arch_memory_init(const struct boot_info *boot, paddr_t (*alloc_frame)(void))
{
    table_alloc = alloc_frame;
    paddr_t root = alloc_frame();
    kernel_root = root;
    place_windows(boot);
    map_image(boot);
    map_direct(boot);
    create_ist_stacks(boot->cpu_count);
    lapic_map(boot);
    ioapic_map(boot);
    hpet_map(boot);
    smp_map_trampoline(boot);
    framebuffer_map(boot);
    create_startup_root(boot);
    create_firmware_root(boot);

    u64 cr4 = x86_read_cr4();
    x86_write_cr4(cr4 & ~CR4_PGE); /* forgets the loader's global pages too */
    x86_write_cr3(root.raw);
    x86_write_cr4(cr4 | CR4_PGE);
    descriptors_set_ist(port_this_cpu());
}

/* Only the few entries that the kernel uses: a root table comes zeroed, and goes so. The first one
 * is made when the kernel has mapped all it needs. */
void arch_root_init(void *root_table)
{
    const u64 *from = arch_phys_to_virt(kernel_root);
    u64 *to = root_table;
    for (u32 slot = KERNEL_FIRST_SLOT; !kernel_slots_known && slot < ARCH_PT_ENTRIES; slot++) {
        if (from[slot])
            kernel_slots[kernel_slot_count++] = (u16)slot;
    }
    kernel_slots_known = true;
    for (u32 i = 0; i < kernel_slot_count; i++)
        to[kernel_slots[i]] = from[kernel_slots[i]];
}

void arch_root_fini(void *root_table)
{
    u64 *entries = root_table;
    for (u32 i = 0; i < kernel_slot_count; i++)
        entries[kernel_slots[i]] = 0;
}

void arch_root_load(paddr_t root)
{
    x86_write_cr3(root.raw);
}

void arch_root_load_kernel(void)
{
    x86_write_cr3(kernel_root.raw);
}

void arch_tlb_flush_page(u64 address)
{
    x86_invlpg(address);
}

void arch_tlb_flush_user(void)
{
    x86_write_cr3(x86_read_cr3());
}
