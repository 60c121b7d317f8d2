/*
 * The loader against a firmware that misbehaves on request: memory runs out, files end early, the
 * memory map changes while the loader leaves. The console is replaced: a failure is caught with its
 * text.
 */
#include "firmware.h"

#include "console.h"
#include "lib/checked_math.h"
#include "lib/format.h"
#include "lib/string.h"
#include "unit.h"

#include <setjmp.h>

#define POOL_PAGES 64u

/* The machine. Pages come from the pool, which the map shows as loader data. */
static u8 pool[POOL_PAGES * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct {
    u32 pages_used;
    u32 pages_left;
    u32 pages_freed;
    u64 low_page; /* what is given below 1 MiB; grows */
    bool watchdog_off;
    u32 leave_failures;
    u64 leave_status;
    u64 map_key;
    u32 map_looks;
    bool map_fails;
    const u8 *file;
    u64 file_bytes;  /* as the folder says */
    u64 file_stored; /* as reads deliver */
    u64 file_at;
    u64 chunk;
    u64 attributes;
    u64 open_status;
    u32 open_files;
} machine;

static jmp_buf failed;
static char failure[256];
static bool firmware_gone;

void console_init(struct efi_system_table *system)
{
    (void)system;
}

void console_leave_firmware(void)
{
    firmware_gone = true;
}

void console_print(const char *format, ...)
{
    (void)format;
}

void console_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)format_to_va(failure, sizeof(failure), format, arguments);
    va_end(arguments);
    longjmp(failed, 1);
}

static efi_status EFIAPI allocate_pages(u32 how, u32 type, u64 page_count, u64 *phys)
{
    EXPECT_EQ(type, EFI_MEMORY_LOADER_DATA);
    if (how == EFI_ALLOCATE_BELOW && *phys < 0x100000) {
        EXPECT_EQ(page_count, 1);
        *phys = machine.low_page;
        machine.low_page += 0x9000;
        return EFI_SUCCESS;
    }
    if (how == EFI_ALLOCATE_BELOW || page_count > machine.pages_left)
        return EFI_OUT_OF_RESOURCES;
    *phys = (u64)(uintptr_t)pool + machine.pages_used * PAGE_SIZE;
    __builtin_memset((void *)(uintptr_t)*phys, 0xa5, page_count * PAGE_SIZE);
    machine.pages_used += (u32)page_count;
    machine.pages_left -= (u32)page_count;
    return EFI_SUCCESS;
}

static efi_status EFIAPI free_pages(u64 phys, u64 page_count)
{
    EXPECT_LE((u64)(uintptr_t)pool, phys);
    machine.pages_freed += (u32)page_count;
    return EFI_SUCCESS;
}

/* Three descriptors, 48 bytes apart: low memory, the pool, a device. */
static efi_status EFIAPI get_memory_map(u64 *size_bytes, void *map, u64 *key, u64 *descriptor_bytes,
                                        u32 *version)
{
    const struct efi_memory_descriptor list[3] = {
        {.type = EFI_MEMORY_CONVENTIONAL, .phys = 0, .page_count = 0xa0},
        {.type = EFI_MEMORY_LOADER_DATA, .phys = (u64)(uintptr_t)pool, .page_count = POOL_PAGES},
        {.type = EFI_MEMORY_MMIO, .phys = 0xfff00000, .page_count = 0x100},
    };
    *descriptor_bytes = 48;
    *version = 1;
    if (machine.map_fails && map != NULL)
        return EFI_INVALID_PARAMETER;
    if (*size_bytes < sizeof(list) / 40 * 48) {
        *size_bytes = sizeof(list) / 40 * 48;
        return EFI_BUFFER_TOO_SMALL;
    }
    for (u32 i = 0; i < 3; i++)
        __builtin_memcpy((u8 *)map + i * 48, &list[i], sizeof(list[i]));
    *size_bytes = 3 * 48;
    *key = ++machine.map_key;
    machine.map_looks++;
    return EFI_SUCCESS;
}

static efi_status EFIAPI exit_boot_services(efi_handle image, u64 key)
{
    (void)image;
    EXPECT_EQ(key, machine.map_key);
    if (machine.leave_failures == 0)
        return EFI_SUCCESS;
    machine.leave_failures--;
    return machine.leave_status;
}

static efi_status EFIAPI set_watchdog_timer(u64 seconds, u64 code, u64 data_bytes,
                                            const efi_char *data)
{
    (void)code, (void)data_bytes, (void)data;
    machine.watchdog_off = seconds == 0;
    return EFI_SUCCESS;
}

static efi_status EFIAPI file_close(struct efi_file *self)
{
    (void)self;
    machine.open_files--;
    return EFI_SUCCESS;
}

static efi_status EFIAPI file_read(struct efi_file *self, u64 *size_bytes, void *buffer)
{
    (void)self;
    u64 bytes = min_u64(min_u64(*size_bytes, machine.chunk), machine.file_stored - machine.file_at);
    __builtin_memcpy(buffer, machine.file + machine.file_at, bytes);
    machine.file_at += bytes;
    *size_bytes = bytes;
    return EFI_SUCCESS;
}

static efi_status EFIAPI file_info(struct efi_file *self, const struct efi_guid *type,
                                   u64 *size_bytes, void *buffer)
{
    (void)self, (void)type;
    EXPECT_LE(sizeof(struct efi_file_info), *size_bytes);
    struct efi_file_info *info = buffer;
    *info =
        (struct efi_file_info){.file_bytes = machine.file_bytes, .attributes = machine.attributes};
    return EFI_SUCCESS;
}

static efi_status EFIAPI file_open(struct efi_file *self, struct efi_file **file,
                                   const efi_char *path, u64 mode, u64 attributes);

static struct efi_file the_file = {
    .open = file_open, .close = file_close, .read = file_read, .get_info = file_info};

static efi_status EFIAPI file_open(struct efi_file *self, struct efi_file **file,
                                   const efi_char *path, u64 mode, u64 attributes)
{
    static const char expected[] = "\\ferrous\\kernel.elf";
    (void)self, (void)attributes;
    EXPECT_EQ(mode, EFI_FILE_MODE_READ);
    for (u32 i = 0; i < sizeof(expected); i++)
        EXPECT_EQ(path[i], expected[i]);
    if (machine.open_status != EFI_SUCCESS)
        return machine.open_status;
    machine.file_at = 0;
    machine.open_files++;
    *file = &the_file;
    return EFI_SUCCESS;
}

static efi_status EFIAPI open_volume(struct efi_file_system *self, struct efi_file **root)
{
    (void)self;
    machine.open_files++;
    *root = &the_file;
    return EFI_SUCCESS;
}

static struct efi_file_system file_system = {.open_volume = open_volume};
static struct efi_loaded_image loaded_image = {.device = &file_system};

/* The image's handle leads to the loaded image, the device's to the file system. */
static efi_status EFIAPI handle_protocol(efi_handle handle, const struct efi_guid *protocol,
                                         void **interface)
{
    (void)protocol;
    *interface = handle == &file_system ? (void *)&file_system : (void *)&loaded_image;
    return EFI_SUCCESS;
}

static struct efi_boot_services services = {
    .allocate_pages = allocate_pages,
    .free_pages = free_pages,
    .get_memory_map = get_memory_map,
    .exit_boot_services = exit_boot_services,
    .set_watchdog_timer = set_watchdog_timer,
    .handle_protocol = handle_protocol,
};
static struct efi_system_table system_table = {.boot = &services};
static struct firmware firmware;
static struct acpi_result nodes;
static struct boot_info info;

static void start(void)
{
    __builtin_memset(&machine, 0, sizeof(machine));
    machine.pages_left = POOL_PAGES;
    machine.chunk = UINT64_MAX;
    machine.leave_status = EFI_INVALID_PARAMETER;
    nodes = (struct acpi_result){0};
    failure[0] = '\0';
    firmware_gone = false;
    firmware_init(&firmware, &loaded_image, &system_table);
}

/* True if `statement` failed with a message that begins so. */
#define FAILS(statement, beginning)                                                                \
    __extension__({                                                                                \
        bool did = true;                                                                           \
        if (setjmp(failed) == 0) {                                                                 \
            statement;                                                                             \
            did = false;                                                                           \
        }                                                                                          \
        EXPECT(did);                                                                               \
        EXPECT(string_starts_with(failure, beginning));                                            \
    })

static const struct boot_memory_range *range_at(u64 phys)
{
    for (u32 i = 0; i < info.memory_range_count; i++) {
        if (phys >= info.memory_ranges[i].start && phys < info.memory_ranges[i].end)
            return &info.memory_ranges[i];
    }
    return NULL;
}

TEST(the_watchdog_is_off_and_pages_come_zeroed)
{
    start();
    EXPECT(machine.watchdog_off);
    u64 phys = firmware_alloc(&firmware, 2 * PAGE_SIZE + 1, BOOT_MEMORY_KERNEL, "something");
    u64 sum = 0;
    for (u64 i = 0; i < 3 * PAGE_SIZE; i++)
        sum += ((u8 *)(uintptr_t)phys)[i];
    EXPECT_EQ(sum, 0);
    FAILS(firmware_alloc(&firmware, POOL_PAGES * PAGE_SIZE, BOOT_MEMORY_KERNEL, "the kernel"),
          "too little memory for the kernel (256 KiB)");
}

TEST(aligned_pages_give_back_what_is_too_much)
{
    start();
    (void)firmware_alloc(&firmware, 1, BOOT_MEMORY_LOADER, "a page out of line");
    u64 phys =
        firmware_alloc_aligned(&firmware, PAGE_SIZE, 8 * PAGE_SIZE, BOOT_MEMORY_KERNEL, "it");
    EXPECT_EQ(phys % (8 * PAGE_SIZE), 0);
    EXPECT_EQ(machine.pages_freed, 8);
}

TEST(page_zero_is_never_given)
{
    start();
    EXPECT_EQ(firmware_alloc_low(&firmware, BOOT_MEMORY_RESERVED, "low"), 0x9000);
    machine.low_page = 0x5000;
    EXPECT_EQ(firmware_alloc_low(&firmware, BOOT_MEMORY_RESERVED, "low"), 0x5000);
}

TEST(leaving_tries_again_while_the_map_changes)
{
    for (u32 failures = 0; failures < 8; failures++) {
        start();
        machine.leave_failures = failures;
        u32 looks = machine.map_looks;
        if (setjmp(failed) == 0)
            firmware_leave(&firmware, &nodes, &info);
        EXPECT_STR_EQ(failure, "");
        EXPECT_EQ(machine.map_looks - looks, failures + 1);
        EXPECT(firmware_gone);
    }
    start();
    machine.leave_failures = 8;
    FAILS(firmware_leave(&firmware, &nodes, &info), "the firmware's memory map keeps changing");
    start();
    machine.leave_failures = 1;
    machine.leave_status = EFI_ERROR_BIT | 3;
    FAILS(firmware_leave(&firmware, &nodes, &info), "the firmware does not end its services");
    start();
    machine.map_fails = true;
    FAILS(firmware_leave(&firmware, &nodes, &info), "the firmware gives no memory map");
}

TEST(the_final_map_names_what_was_allocated)
{
    start();
    u64 kernel = firmware_alloc(&firmware, 2 * PAGE_SIZE, BOOT_MEMORY_KERNEL, "the kernel");
    u64 own = firmware_alloc(&firmware, PAGE_SIZE, BOOT_MEMORY_LOADER, "tables");
    machine.low_page = 0x7000;
    u64 low = firmware_alloc_low(&firmware, BOOT_MEMORY_RESERVED, "low");
    REQUIRE(setjmp(failed) == 0);
    firmware_leave(&firmware, &nodes, &info);
    const struct {
        u64 phys;
        u32 kind;
    } expected[] = {
        {0, BOOT_MEMORY_RESERVED},    {0x1000, BOOT_MEMORY_FREE},
        {low, BOOT_MEMORY_RESERVED},  {low + PAGE_SIZE, BOOT_MEMORY_FREE},
        {kernel, BOOT_MEMORY_KERNEL}, {kernel + PAGE_SIZE, BOOT_MEMORY_KERNEL},
        {own, BOOT_MEMORY_LOADER},    {0xfff00000, BOOT_MEMORY_MMIO},
    };
    for (u32 i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct boot_memory_range *range = range_at(expected[i].phys);
        if (EXPECT(range != NULL))
            EXPECT_EQ(range->kind, expected[i].kind);
    }
    EXPECT(range_at(0xa0000) == NULL);
}

TEST(a_file_is_read_whole_however_small_the_pieces)
{
    u8 text[5000];
    for (u32 i = 0; i < sizeof(text); i++)
        text[i] = (u8)unit_random();
    static const u64 chunks[] = {1, 7, 512, 4999, UINT64_MAX};
    for (u32 i = 0; i < 5; i++) {
        start();
        machine.file = text;
        machine.file_bytes = machine.file_stored = sizeof(text);
        machine.chunk = chunks[i];
        REQUIRE(setjmp(failed) == 0);
        struct firmware_file file =
            firmware_read_file(&firmware, "kernel.elf", BOOT_MEMORY_LOADER, true);
        EXPECT(file.found);
        EXPECT_EQ(file.size_bytes, sizeof(text));
        EXPECT_EQ(file.phys % PAGE_SIZE, 0);
        EXPECT_MEM_EQ((void *)(uintptr_t)file.phys, text, sizeof(text));
        EXPECT_EQ(((u8 *)(uintptr_t)file.phys)[sizeof(text)], 0);
        EXPECT_EQ(machine.open_files, 0);
    }
}

static void read_kernel(bool required)
{
    struct firmware_file file =
        firmware_read_file(&firmware, "kernel.elf", BOOT_MEMORY_LOADER, required);
    EXPECT(!file.found);
}

TEST(each_trouble_with_a_file_has_its_line)
{
    static const u8 text[100];
    start();
    machine.file = text;
    machine.file_bytes = 100;
    machine.file_stored = 99;
    FAILS(read_kernel(true), "kernel.elf is cut short");
    machine.file_bytes = 0;
    FAILS(read_kernel(true), "kernel.elf is empty");
    read_kernel(false);
    EXPECT_EQ(machine.open_files, 2); /* those that failed above stay open */
    machine.file_bytes = (1ull << 30) + 1;
    FAILS(read_kernel(true), "kernel.elf is larger than 1 GiB");
    machine.file_bytes = 1ull << 29;
    FAILS(read_kernel(true), "too little memory for kernel.elf");
    machine.attributes = EFI_FILE_DIRECTORY;
    FAILS(read_kernel(true), "kernel.elf is a folder");
    machine.open_status = EFI_NOT_FOUND;
    FAILS(read_kernel(true), "kernel.elf is missing");
    machine.open_status = EFI_ERROR_BIT | 7;
    FAILS(read_kernel(true), "kernel.elf cannot be opened");
    FAILS(read_kernel(false), "kernel.elf cannot be opened");
    machine.open_status = EFI_NOT_FOUND;
    read_kernel(false);
}

TEST(more_claims_than_there_is_room_for_stop_the_loader)
{
    start();
    for (u32 i = 0; i < FIRMWARE_MAX_CLAIMS; i++)
        (void)firmware_alloc_low(&firmware, BOOT_MEMORY_RESERVED, "low");
    FAILS(firmware_alloc_low(&firmware, BOOT_MEMORY_RESERVED, "low"), "internal limit");
}
