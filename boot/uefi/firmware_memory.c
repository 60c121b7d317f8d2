/* Memory from the firmware, the memory map, and leaving; see firmware.h. */
#include "firmware.h"

#include "console.h"
#include "lib/checked_math.h"
#include "lib/string.h"

#define MAP_SPARE_DESCRIPTORS                                                                      \
    64u /* allocations split descriptors between one look and the next                             \
         */
#define LEAVE_TRIES    8u
#define LOW_MEMORY_END 0x100000ull
#define FOUR_GIB       (1ull << 32)

void firmware_init(struct firmware *firmware, efi_handle image, struct efi_system_table *system)
{
    *firmware = (struct firmware){.image = image, .system = system, .boot = system->boot};
    /* The firmware restarts the machine after five minutes; a message is to stay longer than that.
     */
    (void)firmware->boot->set_watchdog_timer(0, 0, 0, NULL);

    u64 bytes = 0, key, descriptor_bytes = 0;
    u32 version;
    efi_status status =
        firmware->boot->get_memory_map(&bytes, NULL, &key, &descriptor_bytes, &version);
    if (status != EFI_BUFFER_TOO_SMALL || descriptor_bytes < sizeof(struct efi_memory_descriptor))
        console_fail("the firmware gives no memory map (status 0x%llx)", (long long)status);
    bytes += MAP_SPARE_DESCRIPTORS * descriptor_bytes;
    firmware->map_capacity_bytes = align_up(bytes, PAGE_SIZE);
    u32 items = (u32)(firmware->map_capacity_bytes / descriptor_bytes) + FIRMWARE_MAX_CLAIMS + 1;
    firmware->map = (void *)(uintptr_t)firmware_alloc(firmware, firmware->map_capacity_bytes,
                                                      BOOT_MEMORY_LOADER, "the memory map");
    firmware->items.limit = items;
    firmware->items.items = (void *)(uintptr_t)firmware_alloc(
        firmware, items * sizeof(struct map_item), BOOT_MEMORY_LOADER, "the memory map");
}

/* The loader's own pages need no claim: the firmware's map has them. */
static void claim(struct firmware *firmware, u64 start, u64 end, u32 kind)
{
    if (kind == BOOT_MEMORY_LOADER)
        return;
    if (firmware->claim_count == FIRMWARE_MAX_CLAIMS)
        console_fail("internal limit: too many allocations");
    firmware->claims[firmware->claim_count++] =
        (struct map_item){.start = start, .end = end, .kind = kind};
}

/* False: there are not that many pages below `limit` (0: anywhere). */
static bool try_pages(struct firmware *firmware, u64 limit, u64 size_bytes, u64 *phys)
{
    *phys = limit - 1; /* the last byte that may be used */
    return firmware->boot->allocate_pages(limit == 0 ? EFI_ALLOCATE_ANY : EFI_ALLOCATE_BELOW,
                                          EFI_MEMORY_LOADER_DATA, size_bytes / PAGE_SIZE,
                                          phys) == EFI_SUCCESS;
}

static u64 alloc_pages(struct firmware *firmware, u64 limit, u64 size_bytes, const char *what)
{
    u64 phys;
    if (!try_pages(firmware, limit, size_bytes, &phys))
        console_fail("too little memory for %s (%llu KiB)", what,
                     (unsigned long long)(size_bytes / 1024));
    return phys;
}

u64 firmware_alloc(struct firmware *firmware, u64 size_bytes, u32 kind, const char *what)
{
    u64 bytes = align_up(size_bytes, PAGE_SIZE);
    u64 phys = alloc_pages(firmware, 0, bytes, what);
    memset((void *)(uintptr_t)phys, 0, bytes);
    claim(firmware, phys, phys + bytes, kind);
    return phys;
}

/* Takes `alignment` more than is needed and gives back what lies before and behind. */
u64 firmware_alloc_aligned(struct firmware *firmware, u64 size_bytes, u64 alignment, u32 kind,
                           const char *what)
{
    u64 bytes = align_up(size_bytes, PAGE_SIZE);
    u64 start;
    if (!try_pages(firmware, FOUR_GIB, bytes + alignment, &start))
        start = alloc_pages(firmware, 0, bytes + alignment, what);
    u64 phys = align_up(start, alignment);
    u64 end = start + bytes + alignment;
    if (phys > start)
        (void)firmware->boot->free_pages(start, (phys - start) / PAGE_SIZE);
    if (end > phys + bytes)
        (void)firmware->boot->free_pages(phys + bytes, (end - phys - bytes) / PAGE_SIZE);
    memset((void *)(uintptr_t)phys, 0, bytes);
    claim(firmware, phys, phys + bytes, kind);
    return phys;
}

/* Firmware may hand out page 0; then it is kept, and another taken. */
u64 firmware_alloc_low(struct firmware *firmware, u32 kind, const char *what)
{
    u64 phys = alloc_pages(firmware, LOW_MEMORY_END, PAGE_SIZE, what);
    if (phys == 0)
        phys = alloc_pages(firmware, LOW_MEMORY_END, PAGE_SIZE, what);
    claim(firmware, phys, phys + PAGE_SIZE, kind);
    return phys;
}

/* Uses no service but the map itself, so that it may run between two tries to leave. */
static void read_map(struct firmware *firmware)
{
    u32 version;
    firmware->map_bytes = firmware->map_capacity_bytes;
    efi_status status =
        firmware->boot->get_memory_map(&firmware->map_bytes, firmware->map, &firmware->map_key,
                                       &firmware->descriptor_bytes, &version);
    if (status != EFI_SUCCESS)
        console_fail("the firmware gives no memory map (status 0x%llx)", (long long)status);
}

static void build_ranges(struct firmware *firmware, const struct acpi_result *nodes,
                         struct boot_info *info)
{
    struct map_items *items = &firmware->items;
    items->count = 0;
    bool good = map_items_add_firmware(items, firmware->map, firmware->map_bytes,
                                       firmware->descriptor_bytes);
    for (u32 i = 0; i < firmware->claim_count && good; i++)
        good = map_items_add(items, firmware->claims[i].start, firmware->claims[i].end,
                             firmware->claims[i].kind);
    /* Nothing is to have the address 0. */
    good = good && map_items_add(items, 0, PAGE_SIZE, BOOT_MEMORY_RESERVED);
    if (!good)
        console_fail("the firmware's memory map is damaged");
    if (!map_build(items, nodes, info->memory_ranges, BOOT_MAX_MEMORY_RANGES,
                   &info->memory_range_count))
        console_fail("the memory map has more than %u ranges", BOOT_MAX_MEMORY_RANGES);
}

void firmware_memory_map(struct firmware *firmware, const struct acpi_result *nodes,
                         struct boot_info *info)
{
    read_map(firmware);
    build_ranges(firmware, nodes, info);
}

/* The key names one state of the map: an event of the firmware's between the two calls makes it
 * stale, and after a failed try only the map may still be asked for (7.4). */
void firmware_leave(struct firmware *firmware, const struct acpi_result *nodes,
                    struct boot_info *info)
{
    for (u32 i = 0; i < LEAVE_TRIES; i++) {
        read_map(firmware);
        efi_status status = firmware->boot->exit_boot_services(firmware->image, firmware->map_key);
        console_leave_firmware();
        if (status == EFI_SUCCESS) {
            build_ranges(firmware, nodes, info);
            return;
        }
        if (status != EFI_INVALID_PARAMETER)
            console_fail("the firmware does not end its services (status 0x%llx)",
                         (long long)status);
    }
    console_fail("the firmware's memory map keeps changing");
}
